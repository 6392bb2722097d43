"""Voices in unison: one start, all of each voice, and no louder than one."""

import io
import wave

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.audio.clips import measure_clip
from narration.audio.levels import find_speech
from narration.audio.stitch import ASSEMBLY_RATE_HZ, CEILING_DBFS, PAUSES_DB, Part, Stitched, stitch
from narration.book import Gap
from narration.settings.settings import load_settings

AUDIO = load_settings("sandbox", environ={}).audio
Samples = npt.NDArray[np.int16]


def tone(seconds: float, hz: float, lead_s: float = 0.2, dbfs: float = -20) -> bytes:
    """A WAV file of a tone between two silences."""
    wavelength = np.arange(round(seconds * ASSEMBLY_RATE_HZ)) * 2 * np.pi * hz / ASSEMBLY_RATE_HZ
    quiet = np.zeros(round(lead_s * ASSEMBLY_RATE_HZ))
    values = np.concatenate([quiet, np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(wavelength), quiet])
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(ASSEMBLY_RATE_HZ)
        writer.writeframes(np.rint(values * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def part(wav: bytes, voice: str, unison: tuple[int, int] | None = (3, 9), gap: Gap = Gap.LINE) -> Part:
    return Part(name="take", gap=gap, measures=measure_clip(wav), read=lambda: wav, voice=voice, unison=unison)


def run(*parts: Part) -> tuple[Stitched, Samples]:
    written = bytearray()
    stitched = stitch(parts, AUDIO, written.extend)
    return stitched, np.frombuffer(bytes(written), dtype="<i2")


def rms_dbfs(samples: Samples) -> float:
    return float(10 * np.log10(np.mean((samples / 32_768) ** 2)))


def strength(samples: Samples, hz: float) -> float:
    """How much of a tone is in it."""
    waves = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / ASSEMBLY_RATE_HZ)
    return float(abs(np.dot(samples, waves)) / max(1, len(samples)))


def test_two_voices_are_heard_from_one_start() -> None:
    stitched, samples = run(
        part(tone(0.5, 300, lead_s=0.3), "Mara"),
        part(tone(0.9, 700, lead_s=0.01), "Tom"),
        part(tone(0.5, 440), "Narrator", None),
    )
    mara, tom, narrator = stitched.spans
    assert mara.start_frame == tom.start_frame
    assert tom.end_frame > mara.end_frame
    assert abs((narrator.start_frame - tom.end_frame) / 24 - AUDIO.line_ms) <= 2
    both = samples[mara.start_frame : mara.end_frame]
    assert strength(both, 300) > 200
    assert strength(both, 700) > 200
    alone = samples[mara.end_frame + 2400 : tom.end_frame]
    assert strength(alone, 300) < 20
    assert stitched.frames == len(samples)


def test_together_they_are_as_loud_as_one() -> None:
    stitched, samples = run(part(tone(0.9, 300), "Mara"), part(tone(0.9, 710), "Tom"))
    span = stitched.spans[0]
    assert rms_dbfs(samples[span.start_frame : span.end_frame]) == pytest.approx(AUDIO.loudness_db + PAUSES_DB, abs=1.0)


def test_what_was_cut_in_two_is_heard_one_after_the_other_under_the_other_voice() -> None:
    stitched, _ = run(
        part(tone(0.4, 300), "Mara"), part(tone(0.4, 300), "Mara", gap=Gap.WITHIN), part(tone(1.2, 700), "Tom")
    )
    first, second, other = stitched.spans
    assert first.start_frame == other.start_frame
    assert abs((second.start_frame - first.end_frame) / 24 - AUDIO.within_ms) <= 2


def test_a_pause_of_the_script_is_the_pause() -> None:
    wav = tone(0.4, 300)
    last = Part(name="take", gap=Gap.PARAGRAPH, measures=measure_clip(wav), read=lambda: wav, pause_ms=2_000)
    stitched, _ = run(part(wav, "Mara", None), last)
    assert abs((stitched.spans[1].start_frame - stitched.spans[0].end_frame) / 24 - 2_000) <= 2


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(st.floats(0.05, 0.5), st.floats(0, 0.3), st.floats(-30, -6), st.integers(0, 2)),
        min_size=1,
        max_size=5,
    )
)
def test_no_mix_is_above_the_ceiling_and_every_frame_is_counted(
    takes: list[tuple[float, float, float, int]],
) -> None:
    parts = [part(tone(length, 400, lead, dbfs), f"voice {who}") for length, lead, dbfs, who in takes]
    stitched, samples = run(*parts)
    assert stitched.frames == len(samples)
    assert np.abs(samples.astype(int)).max() <= 32_768 * 10 ** ((CEILING_DBFS + 0.2) / 20)
    start = min(span.start_frame for span in stitched.spans)
    end = max(span.end_frame for span in stitched.spans)
    found = find_speech(samples, ASSEMBLY_RATE_HZ)
    assert abs(found.start - start) <= 480
    assert abs(found.end - end) <= 480
