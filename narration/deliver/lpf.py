"""A W3C Audiobook, packed as LPF: a manifest, the sound, the cover, a table of contents.

Invariant: the manifest names every file of the archive, and the archive has every file that it names.

Source: w3.org/TR/audiobooks, w3.org/TR/pub-manifest, w3.org/TR/lpf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from narration.deliver.release import Release
from narration.deliver.writing import write_zip
from narration.formats import Encoded

CONFORMS_TO = "https://www.w3.org/TR/audiobooks/"
CONTEXT = ("https://schema.org", "https://www.w3.org/ns/pub-context")
MANIFEST = "publication.json"
_CONTENTS = "contents.html"


def write_lpf(target: Path, release: Release) -> None:
    """Write the book as a packaged W3C Audiobook.

    Raises:
        StoreError: it cannot be written.
    """
    write_zip(target, _entries(release))


def _entries(release: Release) -> Iterator[tuple[str, bytes | Path]]:
    yield MANIFEST, (json.dumps(manifest(release), indent=2, ensure_ascii=False) + "\n").encode()
    yield _CONTENTS, _contents(release).encode()
    yield _cover_name(release), release.cover
    for name, track in zip(_names(release), release.tracks, strict=True):
        yield name, track.files[Encoded.MP3]


def manifest(release: Release) -> dict[str, object]:
    """The publication manifest."""
    edition = release.edition
    language = edition.language
    facts: dict[str, object] = {
        "@context": [*CONTEXT, {"language": language, "direction": "ltr"}],
        "conformsTo": CONFORMS_TO,
        "type": "Audiobook",
        "id": edition.identifier,
        "name": edition.title,
        "author": edition.author,
        "readBy": edition.narrator,
        "publisher": edition.publisher,
        "datePublished": edition.year,
        "description": edition.description,
        "copyrightHolder": edition.copyright,
        "inLanguage": language,
        "readingProgression": "ltr",
        "abridged": False,
        "duration": iso_duration(release.duration_s),
        "accessMode": ["auditory"],
        "accessModeSufficient": [{"type": "ItemList", "itemListElement": ["auditory"]}],
        "accessibilityFeature": ["tableOfContents", "readingOrder"],
        "accessibilityHazard": ["none"],
        "accessibilitySummary": "The whole book is there as sound, in files by chapter with a table of contents.",
        "readingOrder": [
            {
                "type": "LinkedResource",
                "url": name,
                "encodingFormat": "audio/mpeg",
                "name": track.title,
                "duration": iso_duration(track.duration_s),
            }
            for name, track in zip(_names(release), release.tracks, strict=True)
        ],
        "resources": [
            {
                "type": "LinkedResource",
                "rel": ["cover"],
                "url": _cover_name(release),
                "encodingFormat": "image/png" if release.cover.suffix.lower() == ".png" else "image/jpeg",
                "name": "Cover",
            },
            {
                "type": "LinkedResource",
                "rel": ["contents"],
                "url": _CONTENTS,
                "encodingFormat": "text/html",
                "name": "Contents",
            },
        ],
    }
    return {key: value for key, value in facts.items() if value != ""}


def _names(release: Release) -> list[str]:
    """Names in the archive: numbered, in plain letters, so that they are URLs as they are."""
    digits = max(2, len(str(len(release.tracks))))
    return [f"audio/{number:0{digits}}.{Encoded.MP3}" for number in range(1, len(release.tracks) + 1)]


def _cover_name(release: Release) -> str:
    return f"cover{release.cover.suffix.lower()}"


def _contents(release: Release) -> str:
    entries = "\n".join(
        f'      <li><a href="{name}">{escape(track.title)}</a></li>'
        for name, track in zip(_names(release), release.tracks, strict=True)
    )
    title, language = escape(release.edition.title), escape(release.edition.language)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n  <head><meta charset="utf-8"><title>{title}</title></head>\n'
        f'  <body>\n    <nav role="doc-toc">\n    <h1>{title}</h1>\n    <ol>\n{entries}\n    </ol>\n    </nav>\n'
        f"  </body>\n</html>\n"
    )


def iso_duration(seconds: float) -> str:
    """`PT1H2M3.456S`. Source: ISO 8601-1, 5.5.2."""
    total_ms = round(seconds * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    exact = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + f"{exact}S"
