"""Directions of lines: sent as instructions where the model takes them, and then part of what is paid for."""

from __future__ import annotations

import dataclasses
import json

import pytest

from narration.services.options import carries, directed
from narration.settings.settings import load_settings
from tests.stages.conftest import World
from tests.stages.test_scripts import edit, script, speak

COSYVOICE = load_settings("china-cosyvoice", environ={}).service
OLDER = dataclasses.replace(COSYVOICE, speech_model="cosyvoice-v3-flash")
QWEN = load_settings("china", environ={}).service


def instructions(world: World) -> list[object]:
    """Of every synthesis that went out, in order."""
    bodies = [json.loads(request.content) for request in world.wire.requests if request.method == "POST"]
    return [body["input"].get("instruction") for body in bodies if body["model"].startswith("cosyvoice-")]


async def test_a_direction_is_sent_and_makes_its_line_and_no_other_stale(world: World) -> None:
    world.profile = "sandbox-cosyvoice"
    script(world)
    await speak(world)
    assert set(instructions(world)) == {None}
    edit(world, "Mara: “I have the key,”", "Mara (in a whisper): “I have the key,”")
    plan = await world.plan()
    assert plan.directions == (1, 0)
    assert [(planned.chunk.text, planned.ask.options) for planned in plan.missing()] == [
        ("I have the key,", (("instruction", "in a whisper"),))
    ]
    await speak(world)
    assert instructions(world)[-1] == "in a whisper"
    assert (await world.plan()).chunks_to_speak == 0


async def test_a_direction_that_is_too_long_is_counted_as_not_carried(world: World) -> None:
    world.profile = "sandbox-cosyvoice"
    script(world)
    await speak(world)
    edit(world, "Mara: “I have the key,”", f"Mara ({'slowly ' * 20}): “I have the key,”")
    plan = await world.plan()
    assert (plan.directions, plan.chunks_to_speak) == ((0, 1), 0)


@pytest.mark.parametrize(
    ("options", "direction", "asked"),
    [
        ((), "softly", (("instruction", "softly"),)),
        ((("rate", "1.1"),), "softly", (("instruction", "softly"), ("rate", "1.1"))),
        ((("instruction", "An old man."),), "softly", (("instruction", "An old man. softly"),)),
        ((("instruction", "x" * 95),), "softly", (("instruction", "softly"),)),
        ((("instruction", "An old man."),), "", (("instruction", "An old man."),)),
        ((("instruction", "An old man."),), "y" * 101, (("instruction", "An old man."),)),
    ],
)
def test_a_direction_stands_behind_the_characters_own_instructions_where_both_fit(
    options: tuple[tuple[str, str], ...], direction: str, asked: tuple[tuple[str, str], ...]
) -> None:
    assert directed(COSYVOICE, options, direction) == asked


def test_only_models_whose_documents_say_so_carry_directions() -> None:
    assert carries(COSYVOICE, "softly")
    assert not carries(OLDER, "softly")
    assert not carries(QWEN, "softly")
    assert directed(QWEN, (), "softly") == ()
