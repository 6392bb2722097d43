"""What is measured of a delivered file agrees with ffmpeg's own meters, and clipping is told from loud speech."""

import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from narration.audio.encode import ffmpeg_program
from narration.audio.measure import probe
from tests.audio.sounds import encoded, speech_like
from tests.growth import is_about, processor_s


def by_ffmpeg(path: Path) -> tuple[float, float, float, float]:
    """RMS, LUFS, sample peak and true peak, as ffmpeg finds them."""
    filters = "ebur128=peak=true,astats=measure_perchannel=none"
    command = [ffmpeg_program(), "-nostats", "-i", str(path), "-map", "0:a:0", "-af", filters, "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr

    def last(pattern: str) -> float:
        return float(re.findall(pattern, said)[-1])

    peaks = last(r"Peak level dB: ([-\d.]+)"), last(r"\s+Peak:\s+([-\d.]+) dBFS")
    return last(r"RMS level dB: ([-\d.]+)"), last(r"\s+I:\s+([-\d.]+) LUFS"), *peaks


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", ["mp3", "wav"])
def test_levels_agree_with_those_of_ffmpeg(rate_hz: int, channels: int, suffix: str, tmp_path: Path) -> None:
    sounds = [speech_like(20, rate_hz, seed, dbfs=-20 - 3 * seed) for seed in range(channels)]
    path = encoded(tmp_path / f"x.{suffix}", sounds, rate_hz)
    measured, (rms_dbfs, lufs, peak_dbfs, true_peak_dbtp) = probe(path), by_ffmpeg(path)
    assert measured.rms_dbfs == pytest.approx(rms_dbfs, abs=0.1)
    assert measured.peak_dbfs == pytest.approx(peak_dbfs, abs=0.1)
    assert measured.lufs == pytest.approx(lufs, abs=0.2)
    assert measured.true_peak_dbtp == pytest.approx(true_peak_dbtp, abs=0.3)


def test_a_peak_between_samples_is_found(tmp_path: Path) -> None:
    at = np.arange(44_100)
    sine = 0.5 * np.sin(2 * np.pi * at / 4 + np.pi / 4) * np.minimum(1, np.minimum(at, at[::-1]) / 4_000)
    measured = probe(encoded(tmp_path / "x.wav", [sine], 44_100, "-c:a", "pcm_f32le"))
    assert measured.peak_dbfs == pytest.approx(-9.03, abs=0.02)
    assert measured.true_peak_dbtp == pytest.approx(-6.02, abs=0.1)


def test_a_sine_of_a_kilohertz_has_the_loudness_that_the_standard_gives_it(tmp_path: Path) -> None:
    sine = 10 ** (-20 / 20) * np.sin(2 * np.pi * 997 * np.arange(48_000 * 5) / 48_000)
    measured = probe(encoded(tmp_path / "x.wav", [sine, sine], 48_000, "-c:a", "pcm_f32le"))
    assert measured.lufs == pytest.approx(-20, abs=0.1)


def test_silence_at_both_ends_is_measured(tmp_path: Path) -> None:
    measured = probe(encoded(tmp_path / "x.mp3", [speech_like(9.8, 44_100)], 44_100))
    assert abs(measured.head_ms - 700) <= 30
    assert abs(measured.tail_ms - 1_500) <= 40


def clipping(path: Path) -> float | None:
    return probe(path).clipped_dbfs


@pytest.mark.parametrize("drive_db", [10, 16])
@pytest.mark.parametrize("after_db", [0, -4])
def test_peaks_that_were_cut_off_are_found_in_an_mp3(drive_db: float, after_db: float, tmp_path: Path) -> None:
    sound = speech_like(20, 44_100)
    crest = np.abs(sound).max()
    cut = np.clip(sound / crest * 10 ** (drive_db / 20), -1, 1) * 10 ** (after_db / 20)
    found = clipping(encoded(tmp_path / "x.mp3", [cut], 44_100, "-b:a", "192k"))
    assert found == pytest.approx(after_db, abs=1.0)


@pytest.mark.parametrize("limit", ["", "alimiter=level=false:limit=-4dB:attack=5:release=60:latency=true"])
def test_loud_speech_that_is_whole_or_limited_is_not_called_cut_off(limit: str, tmp_path: Path) -> None:
    for seed in range(4):
        sound = speech_like(20, 44_100, seed)
        options = ("-af", f"volume=4dB,{limit}") if limit else ()
        assert clipping(encoded(tmp_path / "x.mp3", [sound], 44_100, *options)) is None


def test_bit_rates_are_those_of_the_frames(tmp_path: Path) -> None:
    sound = [speech_like(10, 44_100)]
    constant = probe(encoded(tmp_path / "c.mp3", sound, 44_100, "-b:a", "128k"))
    varying = probe(encoded(tmp_path / "v.mp3", sound, 44_100, "-q:a", "4"))
    assert (constant.bitrate_kbps, constant.constant_bitrate) == (128, True)
    assert not varying.constant_bitrate


def test_an_hour_is_measured_in_sixty_times_as_long_as_a_minute(tmp_path: Path) -> None:
    def probing(seconds: int) -> Callable[[], object]:
        path = encoded(tmp_path / f"{seconds}.mp3", [speech_like(seconds, 44_100)], 44_100)
        assert probe(path).duration_s == pytest.approx(seconds, abs=0.1)
        return partial(probe, path)

    long_s, short_s = processor_s(probing(240), probing(60))
    assert is_about(long_s, short_s, 4), f"four times the sound takes {long_s} s, and not {short_s}"
