"""The laws of stitching: nothing lost or added, speech where the spans say, levels met, no click, flat memory."""

import io
import tracemalloc
import wave
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.audio.clips import measure_clip
from narration.audio.levels import find_speech
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, Stitched, cut_of, gain_db, pause_ms, stitch
from narration.audio.tone import ROOM_TONE_DBFS, RoomTone
from narration.book import Gap
from narration.errors import AudioRefused, StoreError
from narration.settings.audio import AudioSettings
from narration.settings.settings import load_settings
from narration.take import ClipMeasures

Samples = npt.NDArray[np.int16]
AUDIO = replace(load_settings("sandbox", environ={}).audio, loudness_db=-22.0)
"""Speech comes out at -20 dBFS."""
AAC_FRAME_MS = 1024 / 44.1


def take(
    seconds: float = 0.8,
    dbfs: float = -20,
    hz: float = 440,
    rate_hz: int = 24_000,
    lead_s: float = 0.2,
    offset: float = 0,
) -> bytes:
    """A WAV file of a tone between two silences; `offset` is a constant added, which clicks wherever it is cut."""
    wavelength = np.arange(round(seconds * rate_hz)) * 2 * np.pi * hz / rate_hz
    tone = np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(wavelength)
    quiet = np.zeros(round(lead_s * rate_hz))
    values = np.concatenate([quiet, tone, quiet]) + offset
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(np.clip(np.rint(values * 32_768), -32_768, 32_767).astype("<i2").tobytes())
    return file.getvalue()


def part(wav: bytes, gap: Gap = Gap.LINE, measures: ClipMeasures | None = None) -> Part:
    return Part(name="take 1", gap=gap, measures=measures or measure_clip(wav), read=lambda: wav)


def run(*parts: Part, audio: AudioSettings = AUDIO) -> tuple[Stitched, Samples]:
    written = bytearray()
    stitched = stitch(parts, audio, written.extend)
    return stitched, np.frombuffer(bytes(written), dtype="<i2")


def rms_dbfs(samples: Samples) -> float:
    return float(10 * np.log10(np.mean((samples / 32_768) ** 2)))


TAKES = st.lists(
    st.tuples(
        st.floats(0.05, 0.7),
        st.floats(-30, -12),
        st.sampled_from([16_000, 22_050, 24_000, 48_000]),
        st.floats(0, 0.3),
        st.sampled_from(list(Gap)),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(TAKES)
def test_the_frames_written_are_the_frames_counted_and_the_spans_are_in_order(
    takes: list[tuple[float, float, int, float, Gap]],
) -> None:
    parts = [part(take(length, dbfs, 500, rate, lead), gap) for length, dbfs, rate, lead, gap in takes]
    stitched, samples = run(*parts)
    assert stitched.frames == len(samples)
    assert stitched.rate_hz == ASSEMBLY_RATE_HZ
    positions = [frame for span in stitched.spans for frame in (span.start_frame, span.end_frame)]
    assert positions == sorted(positions)
    assert len(stitched.spans) == len(parts)
    assert stitched.frames >= (positions[-1] if positions else 0) + AUDIO.tail_ms * 24 - 24


@settings(deadline=None, max_examples=25)
@given(TAKES.filter(bool))
def test_speech_is_where_the_spans_say(takes: list[tuple[float, float, int, float, Gap]]) -> None:
    parts = [part(take(length, dbfs, 500, rate, lead), gap) for length, dbfs, rate, lead, gap in takes]
    stitched, samples = run(*parts)
    for span, (length, *_) in zip(stitched.spans, takes, strict=True):
        around = samples[span.start_frame - 120 : span.end_frame + 120]
        found = find_speech(around, ASSEMBLY_RATE_HZ)
        assert abs(found.start - 120) <= 240
        assert abs(found.end - (len(around) - 120)) <= 240
        assert abs((span.end_frame - span.start_frame) / ASSEMBLY_RATE_HZ - length) <= 0.0205


@pytest.mark.parametrize("gap", [gap for gap in Gap if gap is not Gap.START])
def test_the_pause_from_speech_to_speech_is_what_the_settings_say(gap: Gap) -> None:
    stitched, _ = run(part(take(0.5)), part(take(0.5), gap), part(take(0.5, lead_s=0.0), gap))
    for before, after in zip(stitched.spans, stitched.spans[1:], strict=False):
        assert abs((after.start_frame - before.end_frame) / 24 - pause_ms(gap, AUDIO)) <= 1


@pytest.mark.parametrize(
    ("gap", "mid_sentence", "other", "key"),
    [
        (Gap.WITHIN, True, False, "clause_ms"),
        (Gap.WITHIN, False, False, "within_ms"),
        (Gap.LINE, True, True, "clause_ms"),
        (Gap.LINE, False, True, "speaker_ms"),
        (Gap.LINE, False, False, "line_ms"),
        (Gap.PARAGRAPH, True, True, "paragraph_ms"),
    ],
)
def test_pauses_follow_punctuation_and_who_goes_on(gap: Gap, mid_sentence: bool, other: bool, key: str) -> None:
    audio = replace(AUDIO, clause_ms=100, speaker_ms=300, line_ms=200)
    before = replace(part(take(0.5)), voice="Ann", mid_sentence=mid_sentence)
    after = replace(part(take(0.5), gap), voice="Ben" if other else "Ann")
    stitched, _ = run(before, after, audio=audio)
    first, second = stitched.spans
    assert abs((second.start_frame - first.end_frame) / 24 - getattr(audio, key)) <= 1


def test_a_pause_may_be_digital_silence_where_that_is_asked_for() -> None:
    stitched, samples = run(part(take(0.5)), part(take(0.5), Gap.SCENE), audio=replace(AUDIO, room_tone_dbfs=-120.0))
    first, second = stitched.spans
    assert not samples[first.end_frame + 1_200 : second.start_frame - 1_200].any()


def test_head_and_tail_are_as_long_as_set() -> None:
    stitched, samples = run(part(take()))
    assert stitched.spans[0].start_frame / 24 == AUDIO.head_ms
    assert -1 <= (stitched.frames - stitched.spans[0].end_frame) / 24 - AUDIO.tail_ms <= AAC_FRAME_MS
    assert rms_dbfs(samples[: AUDIO.head_ms * 24 - 1_000]) == pytest.approx(ROOM_TONE_DBFS, abs=1)


def test_takes_of_different_levels_come_out_at_one() -> None:
    stitched, samples = run(*(part(take(1, dbfs)) for dbfs in (-31.9, -26, -20, -14, -8.1)))
    for span in stitched.spans:
        assert rms_dbfs(samples[span.start_frame : span.end_frame]) == pytest.approx(-20, abs=0.5)


def test_a_take_of_another_rate_brings_no_image_into_the_chapter() -> None:
    stitched, samples = run(part(take(1, -20, hz=7_000, rate_hz=16_000)))
    span = stitched.spans[0]
    heard = samples[span.start_frame + 2_400 : span.end_frame - 2_400] / 32_768
    spectrum = np.abs(np.fft.rfft(heard * np.blackman(len(heard)))) ** 2
    axis_hz = np.fft.rfftfreq(len(heard), 1 / ASSEMBLY_RATE_HZ)
    assert 10 * np.log10(spectrum[axis_hz > 8_000].sum() / spectrum.sum()) < -60


def test_a_take_is_not_lifted_by_more_than_12_db_nor_over_full_scale() -> None:
    faint, spiky = measure_clip(take(1, -45)), measure_clip(take(1, -30))
    assert gain_db(faint, AUDIO) == 12
    spiky = ClipMeasures(
        rate_hz=24_000, frames=10, speech_start=0, speech_end=9, speech_dbfs=-30, peak_dbfs=-6, floor_dbfs=-90
    )
    assert gain_db(spiky, AUDIO) == pytest.approx(5.7)
    loud = ClipMeasures(
        rate_hz=24_000, frames=10, speech_start=0, speech_end=9, speech_dbfs=-2, peak_dbfs=0, floor_dbfs=-90
    )
    assert gain_db(loud, AUDIO) == -12


def test_no_join_clicks_even_where_takes_are_cut_in_the_middle_of_sound() -> None:
    """Room tone and takes that sit on an offset: a bare cut would step by -33 dBFS, and a step over -60 is heard."""
    takes = [part(take(0.5, -20, offset=offset)) for offset in (0.0, 0.0012, -0.0012, 0.0009)]
    measured = measure_clip(take(0.5, -20))
    stitched, samples = run(*(part(p.read(), measures=measured) for p in takes))
    steps = np.abs(np.diff(samples.astype(int)))
    in_pause = np.ones(len(steps), dtype=bool)
    for span in stitched.spans:
        in_pause[span.start_frame - 2 : span.end_frame + 2] = False
    assert in_pause.sum() > 24_000
    assert steps[in_pause].max() < 32_768 * 10 ** (-60 / 20)


def test_a_pause_is_room_tone_and_never_digital_silence() -> None:
    stitched, samples = run(part(take(0.5)), part(take(0.5), Gap.SCENE))
    first, second = stitched.spans
    pause = samples[first.end_frame + 1_200 : second.start_frame - 1_200]
    assert rms_dbfs(pause) == pytest.approx(ROOM_TONE_DBFS, abs=1)
    zero_runs = "".join("0" if sample == 0 else "1" for sample in pause).split("1")
    assert max(map(len, zero_runs)) < 240


def test_the_room_tone_goes_on_under_the_takes() -> None:
    halves = np.frombuffer(take(0.5)[44:], dtype="<i2").tobytes() * 2
    wav = take(0.5)[:40] + len(halves).to_bytes(4, "little") + halves
    stitched, samples = run(part(wav))
    middle = (stitched.spans[0].start_frame + stitched.spans[0].end_frame) // 2
    assert rms_dbfs(samples[middle - 2_400 : middle + 2_400]) == pytest.approx(ROOM_TONE_DBFS, abs=2)


def test_room_tone_has_no_seam_and_is_the_same_everywhere_it_is_asked_for() -> None:
    tone = RoomTone(24_000)
    whole = np.frombuffer(tone.under(0, 25 * 24_000).raw_data, dtype="<i2")
    assert len(whole) == 25 * 24_000
    for position, frames in ((0, 1), (239_990, 30), (480_123, 7_777), (0, 240_000)):
        assert np.array_equal(np.frombuffer(tone.under(position, frames).raw_data, "<i2"), whole[position:][:frames])
    assert np.abs(np.diff(whole.astype(int))).max() < 16
    assert rms_dbfs(whole) == pytest.approx(ROOM_TONE_DBFS, abs=0.1)


def test_a_silent_take_adds_nothing_but_its_pause() -> None:
    silent = take(0.5, -150)
    stitched, samples = run(part(take(0.5)), part(silent), part(take(0.5)))
    first, quiet, last = stitched.spans
    assert quiet.start_frame == quiet.end_frame
    assert abs((last.start_frame - first.end_frame) / 24 - 2 * AUDIO.line_ms) <= 2
    assert stitched.frames == len(samples)


def test_a_chapter_of_nothing_is_head_and_tail() -> None:
    stitched, samples = run()
    assert stitched.spans == ()
    assert len(samples) == stitched.frames
    assert 0 <= stitched.frames / 24 - (AUDIO.head_ms + AUDIO.tail_ms) <= AAC_FRAME_MS


def test_the_same_takes_give_the_same_samples() -> None:
    parts = [part(take(0.5, -25, rate_hz=22_050)), part(take(0.7, -15))]
    assert run(*parts)[1].tobytes() == run(*parts)[1].tobytes()


def test_a_take_that_is_not_the_measured_one_is_an_error_that_names_it() -> None:
    measured = measure_clip(take(0.5))
    with pytest.raises(StoreError, match="take 1 is not what was measured"):
        run(part(take(0.6), measures=measured))
    with pytest.raises(AudioRefused, match="cut short"):
        run(part(take(0.5)[:-100], measures=measured))


def test_a_cut_keeps_what_the_settings_say_and_no_more_than_there_is() -> None:
    cut = cut_of(measure_clip(take(0.5, lead_s=0.2)), AUDIO)
    assert (cut.before, cut.after) == (960, 960)
    cut = cut_of(measure_clip(take(0.5, lead_s=0.0)), AUDIO)
    assert (cut.before, cut.after) == (0, 0)


def test_one_clip_is_alive_at_a_time() -> None:
    """300 takes of 10 s are 144 MB; what is alive at once stays near the few copies of one."""
    wav = take(10)
    measures = measure_clip(wav)
    peaks: list[int] = []

    def fresh() -> bytes:
        peaks.append(tracemalloc.get_traced_memory()[0])
        return bytes(bytearray(wav))

    def parts(count: int) -> Iterator[Part]:
        return (Part(name="take", gap=Gap.LINE, measures=measures, read=fresh) for _ in range(count))

    stitch(parts(1), AUDIO, len)
    tracemalloc.start()
    try:
        stitch(parts(300), AUDIO, len)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(wav)
    assert max(peaks[1:]) < 2 * len(wav)
