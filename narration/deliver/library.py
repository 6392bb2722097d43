"""A folder for Audiobookshelf: `Author/Series/Title/` with the sound, the cover and what the server reads beside it.

Invariant: the folder holds files of this book only; what was delivered into it before and is no part of the book any
more is taken away, and a file that is not ours is left alone.

Source: audiobookshelf.org/docs, Book Library, directory structure and metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from narration.deliver.names import safe_name
from narration.deliver.release import Release
from narration.deliver.writing import copy_file, write_text

METADATA = "metadata.json"


def library_folder(release: Release) -> Path:
    """The folder of the book, below the library's."""
    edition = release.edition
    title = safe_name(edition.title)
    if not edition.series:
        return Path(safe_name(edition.author), title)
    place = f"Vol {safe_name(edition.series_index)} - " if edition.series_index else ""
    return Path(safe_name(edition.author), safe_name(edition.series), place + title)


def write_library(root: Path, release: Release, audio: Sequence[Path]) -> Path:
    """Lay the book out for Audiobookshelf; returns its folder.

    Args:
        root: of the library.
        release: the book.
        audio: the files to be heard: the M4B volumes, or a file for each track.

    Raises:
        StoreError: it cannot be written.
    """
    folder = root / library_folder(release)
    edition = release.edition
    for file in audio:
        copy_file(file, folder / file.name)
    copy_file(release.cover, folder / f"cover{release.cover.suffix.lower()}")
    write_text(folder / "desc.txt", edition.description + "\n" if edition.description else "")
    write_text(folder / "reader.txt", edition.narrator + "\n" if edition.narrator else "")
    write_text(folder / METADATA, json.dumps(metadata(release), indent=2, ensure_ascii=False) + "\n")
    return folder


def metadata(release: Release) -> dict[str, object]:
    """What the server reads of a book."""
    edition = release.edition
    chapters, start_s = [], 0.0
    for number, track in enumerate(release.tracks):
        end_s = start_s + track.duration_s
        chapters.append({"id": number, "start": round(start_s, 3), "end": round(end_s, 3), "title": track.title})
        start_s = end_s
    place = f" #{edition.series_index}" if edition.series_index else ""
    return {
        "tags": [],
        "chapters": chapters,
        "title": edition.title,
        "subtitle": edition.subtitle or None,
        "authors": [edition.author],
        "narrators": [edition.narrator] if edition.narrator else [],
        "series": [edition.series + place] if edition.series else [],
        "genres": ["Audiobook"],
        "publishedYear": edition.year or None,
        "publishedDate": None,
        "publisher": edition.publisher or None,
        "description": edition.description or None,
        "isbn": edition.isbn or None,
        "asin": None,
        "language": edition.language,
        "explicit": False,
        "abridged": False,
    }
