"""What is measured of a clip and of a delivered file, held against sounds whose measures are known."""

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.audio.clips import at_rate, frames_at, frames_of, measure_clip, samples_of, segment
from narration.audio.encode import ffmpeg_program
from narration.audio.measure import probe
from narration.audio.mp3_frames import read_frames
from narration.errors import ToolError

Floats = npt.NDArray[np.float64]


def wav_of(values: Floats, rate_hz: int = 24_000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(np.clip(np.rint(values * 32_768), -32_768, 32_767).astype("<i2").tobytes())
    return file.getvalue()


def tone(seconds: float, dbfs: float, hz: float = 440.0, rate_hz: int = 24_000) -> Floats:
    """A sine of that RMS."""
    wavelength = np.arange(round(seconds * rate_hz)) * 2 * np.pi * hz / rate_hz
    return np.asarray(np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(wavelength))


def silence(seconds: float, rate_hz: int = 24_000) -> Floats:
    return np.zeros(round(seconds * rate_hz))


def hiss(seconds: float, dbfs: float, seed: int = 7) -> Floats:
    return np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20), round(seconds * 24_000))


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.0, 1.0), st.floats(0.1, 2.0), st.floats(0.0, 1.0), st.floats(-45, -6), st.sampled_from([8000, 24000])
)
def test_speech_is_found_within_10_ms_and_its_level_within_a_third_of_a_decibel(
    lead_s: float, spoken_s: float, trail_s: float, dbfs: float, rate_hz: int
) -> None:
    sound = np.concatenate([silence(lead_s, rate_hz), tone(spoken_s, dbfs, rate_hz=rate_hz), silence(trail_s, rate_hz)])
    measures = measure_clip(wav_of(sound, rate_hz))
    assert measures.frames == len(sound)
    assert abs(measures.speech_start / rate_hz - lead_s) <= 0.0101
    assert abs(measures.speech_end / rate_hz - (lead_s + spoken_s)) <= 0.0101
    lost_s = max(measures.speech_start / rate_hz - lead_s, lead_s + spoken_s - measures.speech_end / rate_hz)
    assert lost_s <= 0.001
    assert measures.speech_dbfs == pytest.approx(dbfs, abs=0.8 if spoken_s < 0.3 else 0.34)


def test_digital_silence_has_no_speech_and_is_minus_120() -> None:
    measures = measure_clip(wav_of(silence(2)))
    assert measures.speech_start == measures.speech_end
    assert (measures.speech_dbfs, measures.peak_dbfs, measures.floor_dbfs) == (-120, -120, -120)


def test_hiss_alone_is_not_speech() -> None:
    measures = measure_clip(wav_of(hiss(2, -70)))
    assert measures.speech_start == measures.speech_end


def test_speech_over_hiss_is_found_and_the_floor_is_the_hiss() -> None:
    sound = hiss(3, -55)
    sound[24_000:48_000] += tone(1, -20)
    measures = measure_clip(wav_of(sound))
    assert abs(measures.speech_start - 24_000) <= 240
    assert abs(measures.speech_end - 48_000) <= 240
    assert measures.floor_dbfs == pytest.approx(-55, abs=0.7)


def test_a_soft_consonant_at_the_end_is_speech() -> None:
    sound = np.concatenate([silence(0.2), tone(0.8, -20), hiss(0.09, -52), silence(0.4)])
    measures = measure_clip(wav_of(sound))
    assert abs(measures.speech_end - round(1.09 * 24_000)) <= 240


def test_a_word_that_dies_away_without_a_silence_is_kept_to_its_end() -> None:
    dying = hiss(0.3, -20) * 10 ** (np.linspace(0, -34, round(0.3 * 24_000)) / 20)
    measures = measure_clip(wav_of(np.concatenate([hiss(0.4, -20), dying])))
    assert (measures.speech_start, measures.speech_end) == (0, measures.frames)


def test_one_short_word_in_a_long_silence_is_found() -> None:
    measures = measure_clip(wav_of(np.concatenate([silence(5), tone(0.1, -20), silence(5)])))
    assert abs(measures.speech_start - 120_000) <= 240


def test_pauses_do_not_lower_the_level() -> None:
    words = [part for _ in range(5) for part in (tone(0.5, -20), silence(0.7))]
    assert measure_clip(wav_of(np.concatenate(words))).speech_dbfs == pytest.approx(-20, abs=0.05)


def test_breaths_do_not_lower_the_level() -> None:
    breath = hiss(1.5, -38) * (0.55 + 0.45 * np.sin(np.arange(36_000) * 2 * np.pi * 4 / 24_000))
    words = [part for _ in range(5) for part in (tone(0.5, -20), breath)]
    assert measure_clip(wav_of(np.concatenate(words))).speech_dbfs == pytest.approx(-20, abs=0.2)


def test_the_peak_of_the_lowest_sample_is_full_scale() -> None:
    assert measure_clip(wav_of(np.array([0.0, -1.0, 0.0]))).peak_dbfs == 0


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 44_101, 48_000])
def test_a_changed_rate_keeps_pitch_level_and_length_and_makes_no_image(rate_hz: int) -> None:
    hz = 3_000.0
    clip = segment(np.rint(tone(1.2345, -12, hz, rate_hz) * 32_768).astype("<i2").tobytes(), rate_hz)
    heard = at_rate(clip, 24_000)
    assert frames_of(heard) == frames_at(frames_of(clip), rate_hz, 24_000)
    middle = samples_of(heard)[4_000:24_000] / 32_768
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)))) ** 2
    axis_hz = np.fft.rfftfreq(len(middle), 1 / 24_000)
    near = np.abs(axis_hz - hz) < 20
    assert 10 * np.log10(np.mean(middle**2)) == pytest.approx(-12, abs=0.01)
    assert 10 * np.log10(spectrum[~near].sum() / spectrum[near].sum()) < -75


def test_a_changed_rate_moves_nothing_in_time() -> None:
    sound = np.concatenate([silence(0.5, 48_000), tone(0.5, -12, 300, 48_000), silence(0.5, 48_000)])
    heard = samples_of(at_rate(segment((sound * 32_768).astype("<i2").tobytes(), 48_000), 24_000)) / 32_768
    expected = np.concatenate([silence(0.5), tone(0.5, -12, 300), silence(0.5)])
    assert np.abs(heard - expected).max() < 0.02


def test_a_changed_rate_does_not_ring() -> None:
    click = np.zeros(22_050, dtype="<i2")
    click[11_025] = 30_000
    heard = np.abs(samples_of(at_rate(segment(click.tobytes(), 22_050), 24_000)).astype(int))
    assert heard[: 12_000 - 480].max() < 30_000 * 10 ** (-70 / 20)


def test_a_file_is_measured_as_decoded(tmp_path: Path) -> None:
    path = tmp_path / "known.wav"
    sound = np.concatenate([silence(1), tone(3, -20, rate_hz=24_000), hiss(1, -60)])
    path.write_bytes(wav_of(np.repeat(sound, 2), channels=2))
    measured = probe(path)
    assert (measured.codec, measured.rate_hz, measured.channels) == ("pcm_s16le", 24_000, 2)
    assert measured.frames == len(sound)
    assert measured.duration_s == 5.0
    assert measured.rms_dbfs == pytest.approx(-20 + 10 * np.log10(3 / 5), abs=0.01)
    assert measured.peak_dbfs == pytest.approx(-17, abs=0.02)
    assert measured.floor_dbfs == -120


@pytest.mark.parametrize("content", [b"", b"not audio at all" * 100])
def test_a_file_that_is_no_audio_is_a_tool_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.mp3"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"no\.mp3"):
        probe(path)


def test_importing_the_audio_room_warns_of_nothing() -> None:
    code = "import narration.audio.stitch, narration.audio.encode, narration.audio.measure"
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=root)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("seconds", [0.002, 0.008])
def test_a_sound_shorter_than_a_hundredth_is_measured_and_has_no_silence(tmp_path: Path, seconds: float) -> None:
    (tmp_path / "short.wav").write_bytes(wav_of(tone(seconds, -20)))
    measured = probe(tmp_path / "short.wav")
    assert measured.frames == round(seconds * 24_000)
    assert (measured.head_ms, measured.tail_ms) == (0, 0)
    assert measured.peak_dbfs < -10


def test_a_file_without_a_sample_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(wav_of(np.zeros(0)))
    with pytest.raises(ToolError, match=r"empty\.wav holds no sound"):
        probe(tmp_path / "empty.wav")


def test_a_picture_is_no_sound(tmp_path: Path) -> None:
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=0.1", "-frames:v", "1"]
    subprocess.run([*command, str(tmp_path / "cover.png")], check=True, timeout=60)
    with pytest.raises(ToolError, match=r"cover\.png holds no sound"):
        probe(tmp_path / "cover.png")


def frames_of_mp3(count: int, first: bytes = b"") -> bytes:
    """Frames of 128 kbit/s at 44.1 kHz, the first with words in it."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    return (frame[:40] + first + frame[40 + len(first) :] if first else frame) + frame * (count - 1)


@pytest.mark.parametrize(
    ("data", "count", "announced"),
    [
        (frames_of_mp3(5), 5, 0),
        (frames_of_mp3(5, b"VBRI" + bytes(10) + (9).to_bytes(4)), 4, 9),
        (frames_of_mp3(5, b"Xing" + bytes(3) + b"\1" + (4).to_bytes(4)), 4, 4),
        (frames_of_mp3(5, b"Info" + bytes(4)), 4, 0),
        (b"\xff\xfb\xf0\x00" + b"\xff\xeb\x90\x00" + frames_of_mp3(3), 3, 0),
    ],
)
def test_frames_are_counted_without_the_summary_and_without_what_only_looks_like_one(
    tmp_path: Path, data: bytes, count: int, announced: int
) -> None:
    (tmp_path / "x.mp3").write_bytes(data)
    frames = read_frames(tmp_path / "x.mp3")
    assert frames is not None
    assert (frames.count, frames.kbps, frames.announced) == (count, (128,), announced)
    assert frames.is_cut_short == (announced == 9)


@pytest.mark.parametrize("data", [b"", b"no frames at all", frames_of_mp3(1)])
def test_what_has_no_two_frames_is_no_mp3(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.mp3").write_bytes(data)
    assert read_frames(tmp_path / "x.mp3") is None
