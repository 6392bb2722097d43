"""A CUE sheet: the book as a list of tracks that players and burning programs open, beside the MP3 files that it names.

Invariant: every file of the book is named once, in order, by its name alone; the sheet lies in the folder of the files.

Source: CDRWIN User's Guide, appendix A (commands, quotes, 99 tracks, a file's first index at 0); `REM GENRE`, `DATE`
and `COMPOSER` as players read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from narration.deliver.release import Release
from narration.deliver.writing import write_text
from narration.formats import Encoded

MOST_TRACKS = 99
"""A track's number has two digits: players refuse more, so a longer book is several sheets."""
_START = "00:00:00"
"""Minutes, seconds, frames of 1/75 s from the beginning of its file: a track is a whole file."""


def write_cue(path: Path, release: Release) -> None:
    """Write the CUE sheet of a release.

    Raises:
        StoreError: it cannot be written.
    """
    write_text(path, "".join(f"{line}\n" for line in _lines(release)))


def _lines(release: Release) -> Iterator[str]:
    edition = release.edition
    yield "REM GENRE Audiobook"
    if edition.year:
        yield f"REM DATE {edition.year}"
    if edition.narrator:
        yield f"REM COMPOSER {_quoted(edition.narrator)}"
    yield f"PERFORMER {_quoted(edition.author)}"
    yield f"TITLE {_quoted(edition.title)}"
    for number, track in enumerate(release.tracks, start=1):
        yield f"FILE {_quoted(track.files[Encoded.MP3].name)} MP3"
        yield f"  TRACK {number:02} AUDIO"
        yield f"    TITLE {_quoted(track.title)}"
        yield f"    INDEX 01 {_START}"


def _quoted(text: str) -> str:
    """On one line and in quotes; a quote in it would end it, and nothing escapes one."""
    return '"' + " ".join(text.split()).replace('"', "'") + '"'
