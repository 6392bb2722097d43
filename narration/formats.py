"""What a finished book is delivered as.

Invariant: the sound of a chapter is encoded once for each `Encoded`; every `Format` is made from those files and the
timeline.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Encoded(StrEnum):
    """One encoding of a chapter's sound; the value is the file's suffix without the dot."""

    MP3 = "mp3"
    M4A = "m4a"
    """AAC in whole frames, so that the chapters of an M4B are joined without encoding them again."""
    FLAC = "flac"
    OPUS = "opus"


class Format(StrEnum):
    """What `formats:` in book.yaml and `--format` name."""

    MP3 = "mp3"
    M4B = "m4b"
    FLAC = "flac"
    OPUS = "opus"
    SRT = "srt"
    VTT = "vtt"
    EPUB = "epub"
    LPF = "lpf"
    CUE = "cue"
    ABS = "abs"


DEFAULT_FORMATS = (Format.MP3,)

_DELIVERED = {Format.MP3: Encoded.MP3, Format.FLAC: Encoded.FLAC, Format.OPUS: Encoded.OPUS}
_PARTS = {Format.M4B: Encoded.M4A, Format.EPUB: Encoded.M4A, Format.LPF: Encoded.MP3}
_NAMED = {Format.CUE: Encoded.MP3}
"""The chapters' files that it names: they are delivered with it, as what is in the hidden folder may go at any time."""


def delivered_as(formats: Iterable[Format]) -> tuple[Encoded, ...]:
    """The encodings that are deliverables themselves, in a fixed order."""
    brought = _DELIVERED | _NAMED
    wanted = {brought[found] for found in formats if found in brought}
    return tuple(encoded for encoded in Encoded if encoded in wanted)


def made_of_all(formats: Iterable[Format]) -> tuple[Format, ...]:
    """Those that are made once every chapter is there, in the order given."""
    return tuple(found for found in formats if found not in _DELIVERED)


def parts_of(formats: Iterable[Format]) -> tuple[Encoded, ...]:
    """The encodings that containers are made from and that are no deliverables themselves, in a fixed order."""
    formats = tuple(formats)
    wanted = {_PARTS[found] for found in formats if found in _PARTS}
    if Format.ABS in formats and Format.M4B not in formats:
        wanted.add(Encoded.MP3)
    wanted -= set(delivered_as(formats))
    return tuple(encoded for encoded in Encoded if encoded in wanted)
