"""Identities of designs and takes: a change of one would make every producer pay again for what is in the store."""

from __future__ import annotations

from dataclasses import replace

from narration.memory.voices import Voices
from narration.plan import design_of
from narration.settings.settings import load_settings
from narration.voice import Voice, VoiceDesign
from tests.stages.conftest import World

DESIGNS = {
    "sandbox": ("314ada298c2e1ba71d9a8903d3b240a94caf1e12", "8bf26fb8bc78e5512339ea05155f0c5ca024033a"),
    "international": ("f429b4fc2c8e54eff9bab79329e13c6273186cbd", "e843bcfae9e6cca2cc7bdfad49f38c1ac5ef2e27"),
    "china": ("099ce98c592b845f7a692ab6bb2c989996509dad", "3376bd353e4d62eb3afa06e6a4494f763d9ec15f"),
}
"""Of the narrator and Mara, by profile."""

TAKES = (
    "101f65821a13af054204e565b5cc5752716f19b6",
    "95715239a5fd44c9b6a8dacf38a0f431b6ef7af9",
    "e2a166a043e75ad447c5487db46b90851ed739ce",
    "5b66088f5678838f8208cb35313199a33d9de49e",
    "35e8c410a666cd32c03017ad1069c005944889f2",
    "c965dc27d8d27213d7dbe4f7571256e01335afa5",
    "119815ae8dec06d8bc11a7cfc13357ef6e117215",
    "5b66088f5678838f8208cb35313199a33d9de49e",
)
"""Of the chunks of both chapters, in the sandbox."""


def _voice(design: VoiceDesign, character: str) -> Voice:
    return Voice(
        design=design,
        voice=f"qwen-tts-vd-{character.lower()}-voice-20261120093012345-9f3c",
        preferred_name=character.lower(),
        character=character,
        production="book",
        created_at="2026-11-20T09:30:12.345+00:00",
        request_id="r",
        price_usd=0.2,
        preview_format="wav",
    )


async def test_designs_and_takes_keep_their_identity(world: World) -> None:
    plan = await world.plan()
    for planned in plan.voices:
        await Voices(world.store).put(_voice(planned.design, planned.character.name), b"RIFF")
    planned_again = await world.plan()
    takes = tuple(chunk.ask.take_id for chapter in planned_again.chapters for chunk in chapter.chunks)
    designs = {}
    for profile in DESIGNS:
        settings = load_settings(profile, environ={})
        found = [design_of(one.character, plan.production, settings, "0123456789abcdef") for one in plan.voices]
        designs[profile] = tuple(replace(design, version=1).design_id for design in found)
    assert designs == DESIGNS
    assert takes == TAKES
