"""The approved preview as a reference of its voice: read from the store, in any format, for voices that say little."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.mending import refer
from narration.audio.previews import preview_samples, preview_traits
from narration.check.takes import Judge
from narration.errors import AudioRefused
from narration.memory.choices import Choices
from narration.memory.voices import Voices
from narration.mend import Mending
from narration.sandbox.audio import preview, wav
from narration.sandbox.descriptions import design
from narration.sandbox.engine import SAMPLE_RATE_HZ, EngineKind, load_engine
from narration.sandbox.languages import Language
from narration.settings.checks import CheckSettings
from narration.take import Take
from narration.voice import Voice
from tests.stages.conftest import World, speak_all
from tests.stages.test_mend import LINES

SOUND = load_engine(EngineKind.TONE).render(
    design("A calm man, low pitch.", 1), Language.ENGLISH, "The store was one long cold room."
)


async def referred(world: World, change: dict[str, object], damage: bytes | None = None) -> tuple[Judge, Take]:
    """A judge of a spoken book to whom the previews were told; `change` is another record of each voice."""
    world.write(f"# One\n\n{LINES}")
    async with world.desk() as desk:
        (spoken,) = await speak_all(desk, await world.plan())
        takes = [piece.take for piece in spoken.pieces if piece.take]
        voices: list[Voice] = [one.voice for one in (await world.plan()).voices if one.voice is not None]
        if damage is not None:
            for voice in voices:
                await desk.store.put(Voices(desk.store).preview_key(voice), damage)
        judge = Judge(CheckSettings(), takes)
        mending = Mending(judge=judge, choices=Choices(desk.store), most=2, language="en")
        await refer(mending, desk.store, [replace(voice, **change) for voice in voices])  # type: ignore[arg-type]
    judge.settle()
    return judge, takes[0]


async def test_the_preview_of_a_voice_that_says_little_becomes_its_reference(world: World) -> None:
    judge, take = await referred(world, {})
    assert judge.usual(take).by_preview


async def test_a_voice_without_a_preview_is_judged_by_its_takes(world: World) -> None:
    judge, take = await referred(world, {"preview_format": ""})
    assert not judge.usual(take).voice_known


async def test_a_preview_that_cannot_be_read_is_no_reference(world: World) -> None:
    judge, take = await referred(world, {}, damage=b"no sound at all")
    assert not judge.usual(take).by_preview


@pytest.mark.parametrize("form", ["wav", "mp3", "opus"])
def test_a_preview_is_measured_in_every_format(form: str) -> None:
    traits, plain = preview_traits(preview(SOUND, SAMPLE_RATE_HZ, form), form), preview_traits(wav(SOUND), "wav")
    assert traits is not None
    assert plain is not None
    assert traits.pitch_hz == pytest.approx(plain.pitch_hz, rel=0.02)
    apart_db = [abs(one - other) for one, other in zip(traits.timbre_db, plain.timbre_db, strict=True)]
    assert sorted(apart_db)[len(apart_db) // 2] < 1.0


def test_a_preview_at_a_low_rate_lacks_the_bands_of_a_voice() -> None:
    assert preview_traits(preview(SOUND, 8_000, "wav"), "wav") is None


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(AudioRefused):
        preview_samples(b"no sound at all", "mp3")
