"""Files that each break one rule are caught one for one, good ones raise nothing, and every code is documented."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.cli.main import run
from narration.audio.measure import probe
from narration.check.folder import Checked, check_folder
from narration.check.rules import findings_of
from narration.errors import InputError
from narration.finding import MEANINGS, Code, Severity
from narration.settings.presets import Preset, read_preset
from tests.audio.sounds import Floats, encoded, speech_like

RATE_HZ = 44_100
CBR = ("-b:a", "192k", "-ac", "1")
LIMITED = ("-af", "alimiter=level=false:limit=-4dB:attack=5:release=60:latency=true")
ACX = read_preset("acx")
SHORT = replace(ACX, rules=replace(ACX.rules, longest_s=15.0))
"""The rules of acx, with files of a length that a test can make."""


def sound(seed: int = 1, /, *, dbfs: float = -20.5, **how: float) -> Floats:
    return speech_like(12, RATE_HZ, seed, dbfs=dbfs, **how)


def good(path: Path, seed: int = 1, dbfs: float = -20.5, **how: float) -> Path:
    return encoded(path, [sound(seed, dbfs=dbfs, **how)], RATE_HZ, *LIMITED, *CBR)


def _stereo(path: Path) -> Path:
    good(path.with_name("a.mp3"))
    good(path.with_name("b.mp3"))
    heard = sound(2)
    return encoded(path, [heard, heard], RATE_HZ, *LIMITED, "-b:a", "192k")


def _clipped(path: Path) -> Path:
    cut = np.clip(sound(dbfs=-12), -0.5, 0.5) * 10 ** (-6 / 20)
    return encoded(path, [cut / np.sqrt(np.mean(cut**2)) * 10 ** (-19.5 / 20)], RATE_HZ, *CBR)


def _no_audio(path: Path) -> Path:
    path.write_bytes(b"<html>404 Not Found</html>" * 50)
    return path


def _torn(path: Path) -> Path:
    data = bytearray(good(path).read_bytes())
    data[270_000:270_400] = bytes(400)  # in the room tone at the end
    path.write_bytes(data)
    return path


def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    whole = good(tmp_path / "x.mp3").read_bytes()
    (tmp_path / "x.mp3").write_bytes(whole[: len(whole) * 9 // 10])
    assert Code.DAMAGED in {finding.code for finding in check_folder(tmp_path, ACX).findings}


@pytest.mark.parametrize("behind", [b"TAG" + b"x" * 125, b"APETAGEX" + bytes(24)])
def test_tags_behind_the_sound_are_no_damage(behind: bytes, tmp_path: Path) -> None:
    whole = good(tmp_path / "x.mp3").read_bytes()
    (tmp_path / "x.mp3").write_bytes(whole + behind)
    assert check_folder(tmp_path, ACX).findings == ()


def _aac(path: Path) -> Path:
    return encoded(path, [speech_like(12, dbfs=-20.5)], RATE_HZ, "-c:a", "aac", "-f", "mp4")


def _with(*options: str, dbfs: float = -20.5, **how: float) -> Callable[[Path], Path]:
    return lambda path: encoded(path, [sound(dbfs=dbfs, **how)], RATE_HZ, *LIMITED, "-ac", "1", *options)


def _peak(path: Path) -> Path:
    """One loud syllable; the rest is as it should be."""
    heard = sound(dbfs=-21.5)
    loudest = int(np.abs(heard).argmax())
    heard[loudest - 2_000 : loudest + 2_000] *= 0.85 / np.abs(heard).max()
    return encoded(path, [heard], RATE_HZ, *CBR)


BROKEN: dict[Code, Callable[[Path], Path]] = {
    Code.TOO_SOFT: _with("-b:a", "192k", dbfs=-25.0),
    Code.TOO_LOUD: _with("-b:a", "192k", dbfs=-15.0),
    Code.PEAK: _peak,
    Code.CLIPPED: _clipped,
    Code.NOISY: _with("-b:a", "192k", floor_dbfs=-52.0),
    Code.RATE: _with("-b:a", "192k", "-ar", "48000"),
    Code.BITRATE: _with("-b:a", "128k"),
    Code.BITRATE_VARIES: _with("-q:a", "0"),
    Code.CHANNELS_DIFFER: _stereo,
    Code.TOO_LONG: lambda path: encoded(path, [speech_like(16, dbfs=-20.5)], RATE_HZ, *LIMITED, *CBR),
    Code.HEAD_SHORT: _with("-b:a", "192k", head_s=0.1),
    Code.HEAD_LONG: _with("-b:a", "192k", head_s=2.0),
    Code.TAIL_SHORT: _with("-b:a", "192k", tail_s=0.2),
    Code.TAIL_LONG: _with("-b:a", "192k", tail_s=6.5),
    Code.NOT_AUDIO: _no_audio,
    Code.DAMAGED: _torn,
    Code.NOT_MP3: _aac,
}


@pytest.mark.parametrize("code", list(BROKEN))
def test_a_file_that_breaks_one_rule_is_caught_for_that_rule_alone(code: Code, tmp_path: Path) -> None:
    BROKEN[code](tmp_path / "x.mp3")
    checked = check_folder(tmp_path, SHORT)
    assert [(finding.code, finding.file) for finding in checked.findings] == [(code, "x.mp3")]
    assert checked.has_errors
    (finding,) = checked.findings
    assert finding.value
    assert finding.hint == MEANINGS[code].hint


def test_a_peak_between_the_samples_is_a_warning(tmp_path: Path) -> None:
    measures = probe(good(tmp_path / "x.mp3"))
    between = replace(measures, peak_dbfs=-3.2, true_peak_dbtp=-2.8)
    (finding,) = findings_of("x.mp3", between, ACX)
    assert (finding.code, finding.severity) == (Code.TRUE_PEAK, Severity.WARNING)
    both = replace(measures, peak_dbfs=-2.8, true_peak_dbtp=-2.5)
    assert [found.code for found in findings_of("x.mp3", both, ACX)] == [Code.PEAK]


def test_every_code_about_files_has_its_example() -> None:
    rooms = ("file", "level", "peak", "floor", "rate", "bitrate", "channels", "length", "head", "tail")
    assert set(BROKEN) == {code for code in Code if code.split("-")[0] in rooms} - {Code.TRUE_PEAK}


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for number in range(20):
        good(folder / f"{number:02d}.mp3", number, dbfs=-22.0 + number / 6, floor_dbfs=-62.5 - number)
    return folder


@pytest.fixture(scope="module")
def checked_twenty(twenty: Path) -> Checked:
    return check_folder(twenty, ACX)


def test_twenty_good_files_raise_nothing(checked_twenty: Checked) -> None:
    assert len(checked_twenty.files) == 20
    assert checked_twenty.findings == ()


def test_a_file_in_which_nobody_speaks_is_too_soft_and_nothing_else_breaks(tmp_path: Path) -> None:
    silence = np.random.default_rng(1).normal(0, 10 ** (-75 / 20), 3 * RATE_HZ)
    encoded(tmp_path / "x.mp3", [silence], RATE_HZ, *CBR)
    assert Code.TOO_SOFT in {finding.code for finding in check_folder(tmp_path, ACX).findings}


def test_other_files_and_hidden_ones_are_left_alone(twenty: Path, tmp_path: Path) -> None:
    shutil.copy(twenty / "00.mp3", tmp_path / "One.MP3")
    for name in ("cover.jpg", "._One.mp3", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [file.path.name for file in check_folder(tmp_path, ACX).files] == ["One.MP3"]


@pytest.mark.parametrize("preset", ["podcast", "audiobookshelf", "none", "acx"])
def test_every_preset_can_be_checked_against(preset: str, twenty: Path) -> None:
    found: Preset = read_preset(preset)
    assert len(check_folder(twenty / "00.mp3", found).files) == 1


def test_a_folder_without_mp3_files_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no MP3 file"):
        check_folder(tmp_path, ACX)
    with pytest.raises(InputError, match="no such folder"):
        check_folder(tmp_path / "gone", ACX)
    good_folder = tmp_path / "inner"
    good_folder.mkdir()
    (good_folder / "x.mp3").write_bytes(b"x")
    with pytest.raises(InputError, match="inner"):
        check_folder(tmp_path, ACX)


def test_the_command_lists_values_and_ends_with_3_where_a_rule_is_broken(
    tmp_path: Path, twenty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(twenty / "00.mp3", tmp_path / "good.mp3")
    assert run(["check", str(tmp_path)]) == 0
    assert "nothing found" in capsys.readouterr().out
    BROKEN[Code.BITRATE](tmp_path / "low.mp3")
    assert run(["check", str(tmp_path)]) == 3
    said = capsys.readouterr()
    assert "128 kbit/s, expected at least 192 kbit/s" in said.err
    assert "rules of their own on synthetic narration" in said.out
    assert run(["check", str(tmp_path), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [finding["code"] for finding in told["findings"]] == ["bitrate-001"]
    assert told["files"][0]["measured"]["rate_hz"] == RATE_HZ
    assert run(["check", str(tmp_path), "--preset", "akx"]) == 2


def test_every_code_has_its_meaning_and_the_register_is_in_order() -> None:
    assert list(MEANINGS) == list(Code)
    assert all(meaning.hint.endswith(".") for meaning in MEANINGS.values())
