"""Encoding: one ffmpeg for one chapter, fed samples, leaving whole files or none.

Invariant: a target appears at once and complete, or not at all; whatever goes wrong (a full disk, a killed ffmpeg,
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import imageio_ffmpeg
import psutil

from narration.audio.encodings import Encoding
from narration.errors import NarrationError, StoreError, ToolError

_LIBRARIES = ("libmp3lame", "libsoxr", "libopus")
"""What ffmpeg must have been built with."""
_REINSTALL = "Install the requirements again: imageio-ffmpeg brings an ffmpeg that fits."
_DISK_FULL = "No space left on device"
_QUIT_WAIT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file to make.

    Attributes:
        target: where it goes in the end; its folder exists. A file that is there is replaced.
        encoding: how it is made.
    """

    target: Path
    encoding: Encoding


class ChapterEncoder:
    """An ffmpeg that turns 16-bit mono samples into files. Use it in a `with`; `complete` and `publish` at the end.

    The samples are mastered once, and the same go to every encoder. Without `publish`, or after an error, nothing is
    left. It may run in any thread, one thread at a time.

    Args:
        outputs: the files to make, at least one.
        rate_hz: of the samples.
        filters: what they go through before they are encoded.
        ffmpeg: the program; by default the one that came with the requirements.

    Raises:
        StoreError: a folder cannot be written.
        ToolError: ffmpeg is missing or does not start.
    """

    def __init__(self, outputs: Sequence[Output], *, rate_hz: int, filters: Sequence[str], ffmpeg: str = "") -> None:
        self._parts = {
            output.target: output.target.with_name(f".{output.target.name}.{os.getpid()}.part") for output in outputs
        }
        self._name = ", ".join(target.name for target in self._parts)
        for target in self._parts:
            _sweep(target)
        pictures = list(dict.fromkeys(output.encoding.picture for output in outputs if output.encoding.picture))
        command = [
            *(ffmpeg or ffmpeg_program(), "-hide_banner", "-nostats", "-loglevel", "error"),
            *("-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0"),
            *(word for picture in pictures for word in ("-i", f"file:{picture.path.absolute()}")),
            *("-filter_complex", _graph(outputs, filters)),
        ]
        for number, output in enumerate(outputs):
            part, picture = self._parts[output.target], output.encoding.picture
            command += ["-map", f"[out{number}]", *(_attached(pictures.index(picture) + 1) if picture else ())]
            command += [*output.encoding.options, "-y", f"file:{part.absolute()}"]
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

    def complete(self) -> dict[Path, Path]:
        """Wait for the rest; returns the whole files by target, not in their places yet, to be looked at.

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
        return dict(self._parts)

    def publish(self) -> None:
        """Put the completed files in their places.

        Raises:
            StoreError: one cannot be put there.
        """
        try:
            for part in self._parts.values():
                with part.open("rb+") as written:
                    os.fsync(written.fileno())
            for target, part in self._parts.items():
                part.replace(target)
        except OSError as error:
            raise StoreError(f"{self._name} cannot be written: {error.strerror}.") from error

    def discard(self) -> None:
        """Stop ffmpeg if it runs and remove what it wrote; after `publish` there is nothing to remove."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._listener.join()
        self._stderr.close()
        for part in self._parts.values():
            part.unlink(missing_ok=True)

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
            return StoreError(f"The disk is full: {self._name} cannot be written.", "Make room and run it again.")
        last = self._said[-1] if self._said else "it said nothing"
        return ToolError(f"ffmpeg failed on {self._name} (status {status}): {last}")


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


def _attached(place: int) -> tuple[str, ...]:
    """A cover, from that input of ffmpeg."""
    named = ("-metadata:s:v", "title=Cover", "-metadata:s:v", "comment=Cover (front)")
    return ("-map", f"{place}:v", "-c:v", "copy", "-disposition:v", "attached_pic", *named)


def _graph(outputs: Sequence[Output], filters: Sequence[str]) -> str:
    """The filters of all files, as one graph: what they share first, then each one's own."""
    count = len(outputs)
    split = f",asplit={count}" if count > 1 else ""
    shared = ",".join(filters or ("anull",))
    branches = "".join(f"[branch{number}]" for number in range(count))
    own = [
        f"[branch{number}]{','.join(output.encoding.filters or ('anull',))}[out{number}]"
        for number, output in enumerate(outputs)
    ]
    return ";".join([f"[0:a]{shared}{split}{branches}", *own])


def _sweep(target: Path) -> None:
    """Remove what a killed run left of this target: part files whose process is gone."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.part")
    for path in target.parent.iterdir():
        match = ours.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            path.unlink(missing_ok=True)
