"""Encoding: one ffmpeg for one chapter, fed samples, leaving a whole file or none.

Invariant: the target appears at once and complete, or not at all; whatever goes wrong (a full disk, a killed ffmpeg,
an error of the caller's), no half-written file stays behind. The same samples and tags give the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import imageio_ffmpeg
import psutil

from narration.errors import NarrationError, StoreError, ToolError
from narration.settings import AudioSettings

ENCODER_HEADROOM_DB = 0.6
"""How far under the delivered peak the limiter stays: encoding to MP3 raises peaks by some tenths of a decibel."""
ATTACK_MS, RELEASE_MS = 5, 60

_LIBRARIES = ("libmp3lame", "libsoxr")
"""What ffmpeg must have been built with."""
_REINSTALL = "Install the requirements again: imageio-ffmpeg brings an ffmpeg that fits."
_DISK_FULL = "No space left on device"
_QUIT_WAIT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How ffmpeg makes one file.

    Attributes:
        filters: what the samples go through, as ffmpeg spells it.
        options: the encoder's and the container's.
    """

    filters: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a chapter's file says about itself; what is empty is left out.

    Attributes:
        title: of the chapter.
        album: title of the book.
        artist: its author.
        narrator: who reads; players show the composer as the narrator.
        track, tracks: this chapter's number and how many there are.
        language: ISO 639-1.
        date: year or ISO date.
    """

    title: str
    album: str
    artist: str
    narrator: str = ""
    track: int
    tracks: int
    language: str
    date: str = ""

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names as ffmpeg spells them, and values, in a fixed order."""
        named = (
            ("title", self.title),
            ("album", self.album),
            ("artist", self.artist),
            ("album_artist", self.artist),
            ("composer", self.narrator),
            ("track", f"{self.track}/{self.tracks}"),
            ("genre", "Audiobook"),
            ("date", self.date),
            ("language", _LANGUAGES.get(self.language, self.language)),
        )
        return tuple((name, _one_line(value)) for name, value in named if _one_line(value))


_LANGUAGES = {
    "ar": "ara", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fi": "fin",
    "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor",
    "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sv": "swe", "th": "tha",
    "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip
"""ISO 639-1 to 639-2, which is what ID3 wants. Source: id3.org, id3v2.3.0, TLAN."""


def mp3(audio: AudioSettings, tags: Tags) -> Encoding:
    """An MP3 file: mono, constant bitrate, ID3v2.3 for the widest reach, nothing in it that changes from run to run."""
    limit_db = audio.peak_dbfs - ENCODER_HEADROOM_DB
    metadata = [word for name, value in tags.pairs() for word in ("-metadata", f"{name}={value}")]
    return Encoding(
        filters=(
            f"aresample={audio.rate_hz}:resampler=soxr",
            f"alimiter=level=false:limit={limit_db:.2f}dB:attack={ATTACK_MS}:release={RELEASE_MS}:latency=true",
        ),
        options=(
            *("-c:a", "libmp3lame", "-b:a", f"{audio.bitrate_kbps}k"),
            *("-id3v2_version", "3", "-map_metadata", "-1"),
            *metadata,
            *("-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", "mp3"),
        ),
    )


class ChapterEncoder:
    """An ffmpeg that turns 16-bit mono samples into one file. Use it in a `with`; `complete` and `publish` at the end.

    Without `publish`, or after an error, nothing is left. It may run in any thread, one thread at a time.

    Args:
        target: the file to make; its folder exists. A file that is there is replaced, in the end.
        rate_hz: of the samples.
        encoding: how it is made.
        ffmpeg: the program; by default the one that came with the requirements.

    Raises:
        ToolError: ffmpeg is missing or does not start.
    """

    def __init__(self, target: Path, *, rate_hz: int, encoding: Encoding, ffmpeg: str = "") -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.{os.getpid()}.part")
        _sweep(target)
        command = [
            *(ffmpeg or ffmpeg_program(), "-hide_banner", "-nostats", "-loglevel", "error"),
            *("-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0"),
            *("-af", ",".join(encoding.filters), *encoding.options, "-y", f"file:{self._part.absolute()}"),
        ]
        try:
            # A session of its own: Ctrl-C at the terminal is ours to handle, ffmpeg would end the file early and
            # call it a success.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise ToolError(f"ffmpeg does not start: {error}.", "Run `narrate doctor`.") from error
        assert self._process.stdin is not None  # noqa: S101 - for the type checker; both are pipes
        assert self._process.stderr is not None  # noqa: S101
        self._stdin = self._process.stdin
        self._stderr = self._process.stderr
        self._said: deque[str] = deque(maxlen=20)
        # Read all the time: an ffmpeg that complains into a full pipe stops reading, and both would wait for ever.
        self._listener = threading.Thread(target=self._listen, name="ffmpeg stderr", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process id of the ffmpeg."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, pcm: bytes) -> None:
        """Encode some more samples.

        Raises:
            StoreError: the disk is full.
            ToolError: ffmpeg failed.
        """
        try:
            self._stdin.write(pcm)
        except OSError as error:
            raise self._failure() from error

    def complete(self) -> Path:
        """Wait for the rest; returns the whole file, which is not in its place yet, to be looked at.

        Raises:
            StoreError: the disk is full.
            ToolError: ffmpeg failed.
        """
        try:
            self._stdin.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()
        return self._part

    def publish(self) -> None:
        """Put the completed file in its place.

        Raises:
            StoreError: it cannot be put there.
        """
        try:
            with self._part.open("rb+") as written:
                os.fsync(written.fileno())
            self._part.replace(self._target)
        except OSError as error:
            raise StoreError(f"{self._target} cannot be written: {error.strerror}.") from error

    def discard(self) -> None:
        """Stop ffmpeg if it runs and remove what it wrote; after `publish` there is nothing to remove."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._listener.join()
        self._stderr.close()
        self._part.unlink(missing_ok=True)

    def _listen(self) -> None:
        for line in self._stderr:
            self._said.append(line.decode("utf-8", "replace").strip())

    def _failure(self) -> NarrationError:
        """The error that tells why ffmpeg ended."""
        try:
            status = self._process.wait(_QUIT_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._listener.join()
        if any(_DISK_FULL in line for line in self._said):
            return StoreError(f"The disk is full: {self._target} cannot be written.", "Make room and run it again.")
        last = self._said[-1] if self._said else "it said nothing"
        return ToolError(f"ffmpeg failed on {self._target.name} (status {status}): {last}")


def ffmpeg_program() -> str:
    """The path of the ffmpeg that came with the requirements.

    Raises:
        ToolError: there is none.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ToolError("There is no ffmpeg.", _REINSTALL) from error


def ffmpeg_version() -> str:
    """The version of the ffmpeg that will be used, as it names itself (`ffmpeg version 9.0.2 …`); it can do its work.

    Raises:
        ToolError: there is none, it does not run, or it was built without something that is needed.
    """
    program = ffmpeg_program()
    try:
        said = subprocess.run([program, "-version"], capture_output=True, check=True, timeout=_QUIT_WAIT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"{program} does not run: {error}.", _REINSTALL) from error
    lines = said.decode("utf-8", "replace").splitlines() or [""]
    built_with = next((line for line in lines if line.startswith("configuration:")), "")
    missing = [library for library in _LIBRARIES if f"--enable-{library}" not in built_with]
    if missing:
        raise ToolError(f"{program} was built without {', '.join(missing)}.", _REINSTALL)
    return lines[0].split(" Copyright")[0]


def _one_line(value: str) -> str:
    """A tag's value without control characters, which no player shows and no argument may hold."""
    return " ".join("".join(character if character.isprintable() else " " for character in value).split())


def _sweep(target: Path) -> None:
    """Remove what a killed run left of this target: part files whose process is gone."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.part")
    for path in target.parent.iterdir():
        match = ours.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            path.unlink(missing_ok=True)
