"""The encoder: a whole file or none, the same bytes each time, tags that read back, peaks under the limit."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from narration.audio.encode import ChapterEncoder, Output, ffmpeg_program, ffmpeg_version
from narration.audio.encodings import Encoding, Tags, mastering, mp3
from narration.audio.measure import probe
from narration.errors import StoreError, ToolError
from narration.settings.settings import load_settings

RATE_HZ = 24_000
AUDIO = load_settings("sandbox", environ={}).audio
MASTERING = mastering(AUDIO)
TAGS = Tags(
    title="The Lamp; = Was “Out” 🕯",
    album="第一本书",
    artist="-dash Author",
    narrator="A\nVoice\0",
    track=3,
    tracks=12,
    language="zh",
    date="2026",
)
MP3 = mp3(AUDIO, TAGS)


def sound(seconds: float, dbfs: float = -20) -> bytes:
    values = np.random.default_rng(3).normal(0, 10 ** (dbfs / 20), round(seconds * RATE_HZ))
    return np.clip(values * 32_768, -32_768, 32_767).astype("<i2").tobytes()


def encoder_of(*targets: Path, encoding: Encoding = MP3, ffmpeg: str = "") -> ChapterEncoder:
    outputs = [Output(target=target, encoding=encoding) for target in targets]
    return ChapterEncoder(outputs, rate_hz=RATE_HZ, filters=MASTERING, ffmpeg=ffmpeg)


def encode(target: Path, pcm: bytes, encoding: Encoding = MP3) -> None:
    with encoder_of(target, encoding=encoding) as encoder:
        for start in range(0, len(pcm), 100_000):
            encoder.write(pcm[start : start + 100_000])
        encoder.complete()
        encoder.publish()


def script(folder: Path, body: str) -> str:
    """A program that behaves as an ffmpeg might."""
    path = folder / "ffmpeg"
    path.write_text(f"#!{sys.executable}\nimport sys, os\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_file_is_mono_constant_bitrate_and_as_long_as_the_samples(tmp_path: Path) -> None:
    target = tmp_path / "01 - A: b.mp3"
    encode(target, sound(7.3, dbfs=-26))
    measured = probe(target)
    assert (measured.codec, measured.rate_hz, measured.channels, measured.bitrate_kbps) == ("mp3", 44_100, 1, 192)
    assert measured.duration_s == pytest.approx(7.3, abs=0.001)
    assert measured.rms_dbfs == pytest.approx(-26, abs=0.6)
    assert list(tmp_path.iterdir()) == [target]


def test_tags_read_back_as_given_in_version_2_3(tmp_path: Path) -> None:
    encode(tmp_path / "x.mp3", sound(1))
    assert dict(probe(tmp_path / "x.mp3").tags) == {
        "title": "The Lamp; = Was “Out” 🕯",
        "album": "第一本书",
        "artist": "-dash Author",
        "album_artist": "-dash Author",
        "composer": "A Voice",
        "track": "3/12",
        "genre": "Audiobook",
        "date": "2026",
        "language": "zho",
    }
    head = (tmp_path / "x.mp3").read_bytes()
    assert head[:4] == b"ID3\x03"
    assert all(frame in head for frame in (b"TIT2", b"TALB", b"TPE1", b"TPE2", b"TCOM", b"TRCK", b"TCON", b"TLAN"))


def test_what_is_not_known_is_not_tagged(tmp_path: Path) -> None:
    tags = Tags(title="T", album="A", artist="", track=1, tracks=1, language="en")
    encode(tmp_path / "x.mp3", sound(0.5), mp3(AUDIO, tags))
    assert set(dict(probe(tmp_path / "x.mp3").tags)) == {"title", "album", "track", "genre", "language"}


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp3", "b.mp3"):
        encode(tmp_path / name, sound(3))
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes()


def test_peaks_of_the_delivered_file_stay_under_the_limit(tmp_path: Path) -> None:
    encode(tmp_path / "loud.mp3", sound(5, dbfs=-10))
    assert -6 < probe(tmp_path / "loud.mp3").peak_dbfs <= AUDIO.peak_dbtp


def test_without_an_end_nothing_is_left(tmp_path: Path) -> None:
    with encoder_of(tmp_path / "x.mp3") as encoder:
        encoder.write(sound(2))
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_caller_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.mp3"
    target.write_bytes(b"earlier")

    def interrupted() -> None:
        with encoder_of(target) as encoder:
            encoder.write(sound(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp3"]
    assert target.read_bytes() == b"earlier"


@pytest.mark.parametrize("end", ["write", "complete"])
def test_an_ffmpeg_that_is_killed_is_an_error_and_leaves_nothing(tmp_path: Path, end: str) -> None:
    def killed() -> None:
        with encoder_of(tmp_path / "x.mp3") as encoder:
            encoder.write(sound(1))
            os.kill(encoder.pid, signal.SIGKILL)
            while end == "write":
                encoder.write(sound(1))
            encoder.complete()

    with pytest.raises(ToolError, match=r"ffmpeg failed on x\.mp3 \(status -9\)"):
        killed()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full to play the full disk")
    (tmp_path / f".x.mp3.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="The disk is full"):
        encode(tmp_path / "x.mp3", sound(30))
    assert list(tmp_path.iterdir()) == []


def test_what_ffmpeg_said_last_is_in_the_error(tmp_path: Path) -> None:
    broken = Encoding(filters=("no_such_filter",), options=("-f", "mp3"))
    with pytest.raises(ToolError, match=r"x\.mp3 \(status \d+\): .*"):
        encode(tmp_path / "x.mp3", sound(5), broken)
    assert list(tmp_path.iterdir()) == []


def test_an_ffmpeg_that_talks_a_lot_does_not_block(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    talker = script(tmp_path, "for _ in range(50000): print('too much to say', file=sys.stderr)\nsys.exit(3)")

    def talk() -> None:
        with encoder_of(folder / "x.mp3", ffmpeg=talker) as encoder:
            for _ in range(50):
                encoder.write(sound(1))
            encoder.complete()

    with pytest.raises(ToolError, match="too much to say"):
        talk()
    assert list(folder.iterdir()) == []


def test_a_program_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="does not start"):
        encoder_of(tmp_path / "x.mp3", ffmpeg=str(tmp_path / "nothing"))


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([ffmpeg_program(), "-version"], stdout=subprocess.DEVNULL)
    ended.wait()
    left, running = tmp_path / f".x.mp3.{ended.pid}.part", tmp_path / f".x.mp3.{os.getppid()}.part"
    other = tmp_path / f".y.mp3.{ended.pid}.part"
    for path in (left, running, other):
        path.write_bytes(b"half")
    encode(tmp_path / "x.mp3", sound(0.5))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([running.name, other.name, "x.mp3"])


def test_the_ffmpeg_of_the_requirements_can_do_its_work() -> None:
    assert ffmpeg_version().startswith("ffmpeg version ")


def test_an_ffmpeg_without_what_is_needed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = script(tmp_path, "print('ffmpeg version 5.1 Copyright (c)\\nconfiguration: --enable-libmp3lame')")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", poor)
    with pytest.raises(ToolError, match="built without libsoxr, libopus"):
        ffmpeg_version()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nothing"))
    with pytest.raises(ToolError, match="does not run"):
        ffmpeg_version()


async def test_it_works_from_threads_side_by_side(tmp_path: Path) -> None:
    await asyncio.gather(*(asyncio.to_thread(encode, tmp_path / f"{name}.mp3", sound(3)) for name in "abc"))
    made = [probe(tmp_path / f"{name}.mp3") for name in "abc"]
    assert made[0].frames == 3 * 44_100
    assert made[0] == made[1] == made[2]


def test_ctrl_c_at_the_terminal_does_not_reach_ffmpeg(tmp_path: Path) -> None:
    with encoder_of(tmp_path / "x.mp3") as encoder:
        assert os.getpgid(encoder.pid) != os.getpgid(0)


def test_no_thread_and_no_process_outlives_the_encoder(tmp_path: Path) -> None:
    before = set(threading.enumerate())  # those of other tests may end meanwhile
    with encoder_of(tmp_path / "x.mp3") as encoder:
        encoder.write(sound(1))
        pid = encoder.pid
    assert set(threading.enumerate()) <= before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_target_that_cannot_be_replaced_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        encode(tmp_path / "x.mp3", sound(0.5))
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp3"]
