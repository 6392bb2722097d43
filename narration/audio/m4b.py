"""One M4B file from the chapters' AAC parts: packets are copied, nothing is encoded again.

Invariant: a chapter begins where its sound begins, and the whole is as long as its chapters; nothing in the file
changes from run to run.

A part is a whole number of AAC frames long. Its encoder put one frame of priming before it; of every part but the
first that frame is left out, so that the decoder runs on from part to part without a gap.

Source: ISO/IEC 14496-14; developer.apple.com, QuickTime File Format, metadata and chapter lists.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import av.container
import av.error
import av.packet
import av.stream

from narration.errors import StoreError, ToolError

if TYPE_CHECKING:
    from av.container.core import Chapter

AAC_FRAME: Final = 1024
"""Samples in a frame of AAC-LC. Source: ISO/IEC 14496-3."""
NERO_CHAPTERS_MOST: Final = 255
"""The Nero chapter list counts in one byte; with more chapters it is left out, since players prefer it to the other."""
_HOLDER: Final = b"narrate.freeform:"
"""What stands in the file, for a moment, where the tags go that libav has no name for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One chapter's sound, as AAC in MP4.

    Attributes:
        path: the file.
        title: of the chapter.
        starts_chapter: a chapter begins here; otherwise it goes on with the one before.
    """

    path: Path
    title: str
    starts_chapter: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the file says about itself; what is empty is left out.

    Attributes:
        tags: names as libav spells them, and values.
        freeform: names of iTunes' own kind (`SERIES`), and values.
        language: ISO 639-2.
        cover: a JPEG or PNG picture.
    """

    tags: tuple[tuple[str, str], ...]
    freeform: tuple[tuple[str, str], ...]
    language: str
    cover: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What was written.

    Attributes:
        rate_hz: of the sound.
        starts: where each part begins, in samples.
        samples: the whole length.
    """

    rate_hz: int
    starts: tuple[int, ...]
    samples: int


def write_m4b(target: Path, parts: Sequence[Part], facts: Facts) -> Joined:
    """Write an M4B file at `target`, which is not there yet, from parts with the same settings.

    Raises:
        ToolError: a part is not what was made, or cannot be read.
        StoreError: the file cannot be written.
    """
    lengths = [_samples(part.path) for part in parts]
    rate_hz = _rate_hz(parts[0].path)
    starts = tuple(sum(lengths[:number]) for number in range(len(parts)))
    options = {"brand": "M4B ", "movflags": "+faststart"}
    chapters = [number for number, part in enumerate(parts) if part.starts_chapter]
    if len(chapters) > NERO_CHAPTERS_MOST:
        options["movflags"] += "+disable_chpl"
    holder = _holder(facts.freeform)
    try:
        with av.open(str(target), "w", format="mp4", options=options) as container:
            container.metadata.update({name: value for name, value in facts.tags if value})
            container.metadata["media_type"] = "2"  # an audiobook; libav writes it as `stik`
            if holder:
                container.metadata["comment"] = holder
            container.set_chapters(_chapters(parts, chapters, starts, sum(lengths), rate_hz))
            _copy(container, parts, lengths, facts)
    except av.error.FFmpegError as error:
        raise _failure(target, error) from error
    except OSError as error:
        raise StoreError(f"{target.name} cannot be written: {error.strerror}.") from error
    if holder:
        _write_freeform(target, holder, facts.freeform)
    return Joined(rate_hz=rate_hz, starts=starts, samples=sum(lengths))


def _failure(target: Path, error: av.error.FFmpegError) -> ToolError | StoreError:
    if isinstance(error, OSError) and error.strerror and "space" in error.strerror:
        return StoreError(f"The disk is full: {target.name} cannot be written.", "Make room and run it again.")
    return ToolError(f"{target.name} cannot be made: {error}.")


def _chapters(
    parts: Sequence[Part], chapters: Sequence[int], starts: Sequence[int], samples: int, rate_hz: int
) -> list[Chapter]:
    ends = [*(starts[number] for number in chapters[1:]), samples]
    return [
        {
            "id": place,
            "start": starts[number],
            "end": end,
            "time_base": Fraction(1, rate_hz),
            "metadata": {"title": parts[number].title},
        }
        for place, (number, end) in enumerate(zip(chapters, ends, strict=True))
    ]


def _rate_hz(path: Path) -> int:
    with av.open(str(path)) as source:
        return int(source.streams.audio[0].codec_context.sample_rate)


def _samples(path: Path) -> int:
    """The length of a part: its packets but for the priming one."""
    try:
        with av.open(str(path)) as source:
            stream = source.streams.audio[0]
            count = sum(1 for packet in source.demux(stream) if packet.size)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise ToolError(f"{path.name} is no AAC part: {error}.", "Deliver again: it is made anew.") from error
    if count < 2:
        raise ToolError(f"{path.name} holds no sound.", "Deliver again: it is made anew.")
    return (count - 1) * AAC_FRAME


def _copy(container: av.container.OutputContainer, parts: Sequence[Part], lengths: Sequence[int], facts: Facts) -> None:
    """Copy the packets of every part, one after another."""
    with av.open(str(parts[0].path)) as first:
        sound = container.add_stream_from_template(first.streams.audio[0])
    sound.metadata["language"] = facts.language
    picture = _add_cover(container, facts.cover)
    position = 0
    for number, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        with av.open(str(part.path)) as source:
            stream = source.streams.audio[0]
            time_base = Fraction(1, stream.codec_context.sample_rate)
            packets = (packet for packet in source.demux(stream) if packet.size)
            for place, packet in enumerate(packets):
                if place == 0 and number:
                    continue
                packet.stream = sound
                packet.time_base = time_base
                packet.pts = packet.dts = position + (place - 1) * AAC_FRAME
                packet.duration = AAC_FRAME
                container.mux(packet)
        position += length
        if number == 0 and picture is not None:
            container.mux(picture)


def _add_cover(container: av.container.OutputContainer, cover: bytes) -> av.packet.Packet[Any] | None:
    if not cover:
        return None
    with av.open(BytesIO(cover), "r") as source:
        stream = container.add_stream_from_template(source.streams.video[0])
        stream.disposition = av.stream.Disposition.attached_pic
        packet = next(iter(source.demux(video=0)))
        packet.stream = stream
        packet.pts = packet.dts = 0
        return packet


def _holder(freeform: Sequence[tuple[str, str]]) -> str:
    """A comment that is exactly as long as the tags which take its place."""
    size = sum(len(atom) for atom in _atoms(freeform))
    if not size:
        return ""
    # The comment's own atom has 24 bytes of heads.
    return (_HOLDER.decode() + "." * size)[: size - 24] if size > 24 + len(_HOLDER) else ""


def _atoms(freeform: Sequence[tuple[str, str]]) -> list[bytes]:
    """ITunes' freeform tags: `----` with `mean`, `name` and `data`."""
    return [
        _atom(
            b"----",
            _atom(b"mean", bytes(4) + b"com.apple.iTunes")
            + _atom(b"name", bytes(4) + name.encode())
            + _atom(b"data", struct.pack(">II", 1, 0) + value.encode()),
        )
        for name, value in freeform
        if value
    ]


def _atom(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _write_freeform(target: Path, holder: str, freeform: Sequence[tuple[str, str]]) -> None:
    """Put the freeform tags over the comment that holds their place."""
    data = holder.encode()
    held = _atom(b"\xa9cmt", _atom(b"data", struct.pack(">II", 1, 0) + data))
    atoms = b"".join(_atoms(freeform))
    assert len(held) == len(atoms)  # noqa: S101 - `_holder` made it so
    with target.open("rb+") as file:
        # `moov` is first in the file and as long as the index of a day of packets at the most.
        head = file.read(32 * 1024 * 1024)
        at = head.find(held)
        if at < 0:
            raise ToolError(f"{target.name} cannot be tagged: libav wrote its comment in another way.")
        file.seek(at)
        file.write(atoms)
