"""A chapter as an XHTML content document and a SMIL overlay: each stretch of text knows its stretch of sound.

Invariant: the text of the document is the chapter's text, character for character; every clip of the sound is in the
overlay once, and the clips of a track together last as long as the track.

Source: w3.org/TR/epub-33, sections 6.1 (content documents) and 9 (media overlays).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from narration.book import Chapter, Paragraph, ParagraphKind
from narration.deliver.release import Clip

XHTML = "http://www.w3.org/1999/xhtml"
EPUB = "http://www.idpf.org/2007/ops"
SMIL = "http://www.w3.org/ns/SMIL"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A clip with its place in the document.

    Attributes:
        name: id of the element that holds its words.
        clip: when it is heard.
        audio: the sound, as the overlay refers to it.
    """

    name: str
    clip: Clip
    audio: str


def marked(clips: Sequence[tuple[Clip, str]]) -> tuple[Marked, ...]:
    """The clips of a chapter, each with the file it is heard in, named in order."""
    return tuple(
        Marked(name=f"c{number}", clip=clip, audio=audio) for number, (clip, audio) in enumerate(clips, start=1)
    )


def chapter_document(chapter: Chapter, title: str, language: str, clips: Sequence[Marked]) -> bytes:
    """The chapter as XHTML, each clip's words in a span of their own."""
    html = etree.Element(f"{{{XHTML}}}html", nsmap={None: XHTML, "epub": EPUB})
    html.set("lang", language)
    html.set(_XML_LANG, language)
    head = etree.SubElement(html, "head")
    etree.SubElement(head, "title").text = title
    etree.SubElement(head, "link", rel="stylesheet", type="text/css", href="../style.css")
    body = etree.SubElement(html, "body")
    section = etree.SubElement(body, "section")
    section.set(f"{{{EPUB}}}type", "chapter")
    # A document needs a heading to be found by; a chapter that has none among its words gets none to be seen.
    section.set("aria-label", title)
    level = 1
    for paragraph, (start, end) in zip(chapter.paragraphs, chapter.spans(), strict=True):
        own = [mark for mark in clips if start <= mark.clip.start and mark.clip.end <= end]
        block, level = _block(section, paragraph, level)
        _fill(block, paragraph.text, start, own)
    return _serialized(html)


def _block(section: etree._Element, paragraph: Paragraph, level: int) -> tuple[etree._Element, int]:
    """The element of a paragraph, and the level of the next heading: the first is the chapter's, the others below."""
    match paragraph.kind:
        case ParagraphKind.HEADING:
            return etree.SubElement(section, f"h{level}"), 2
        case ParagraphKind.QUOTE:
            return etree.SubElement(etree.SubElement(section, "blockquote"), "p"), level
        case ParagraphKind.LIST_ITEM:
            last = section[-1] if len(section) else None
            items = last if last is not None and last.tag == "ul" else etree.SubElement(section, "ul")
            return etree.SubElement(items, "li"), level
        case _:
            block = etree.SubElement(section, "p")
            if paragraph.kind is not ParagraphKind.PROSE:
                block.set("class", paragraph.kind.value.replace("_", "-"))
            return block, level


def _fill(block: etree._Element, text: str, offset: int, clips: Sequence[Marked]) -> None:
    """Put a paragraph's words into its element, those of each clip in a span."""
    position = 0
    for mark in clips:
        start, end = mark.clip.start - offset, mark.clip.end - offset
        if start < position:
            continue  # the same words again: several voices, one after another
        _append(block, text[position:start])
        span = etree.SubElement(block, "span", id=mark.name)
        _append(span, text[start:end])
        position = end
    _append(block, text[position:])


def _append(element: etree._Element, text: str) -> None:
    """Add words; a line break in them (verse) is a line break."""
    for number, line in enumerate(text.split("\n")):
        if number:
            etree.SubElement(element, "br")
        _add_text(element, "".join(char for char in line if _is_xml(char)))


def _add_text(element: etree._Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _is_xml(char: str) -> bool:
    """XML 1.0 has no place for most control characters. Source: w3.org/TR/xml, section 2.2."""
    return char in "\t\n\r" or "\x20" <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char >= "\U00010000"


def overlay_document(document: str, clips: Sequence[Marked]) -> bytes:
    """The overlay of a content document, which lies beside it under this name."""
    smil = etree.Element(f"{{{SMIL}}}smil", nsmap={None: SMIL, "epub": EPUB})
    smil.set("version", "3.0")
    seq = etree.SubElement(etree.SubElement(smil, "body"), "seq", id="seq1")
    seq.set(f"{{{EPUB}}}textref", document)
    seq.set(f"{{{EPUB}}}type", "bodymatter chapter")
    for name, mark in _heard(clips):
        par = etree.SubElement(seq, "par", id=f"p{mark.name}")
        etree.SubElement(par, "text", src=f"{document}#{name}")
        etree.SubElement(
            par, "audio", src=mark.audio, clipBegin=clock(mark.clip.start_s), clipEnd=clock(mark.clip.end_s)
        )
    return _serialized(smil)


def _heard(clips: Sequence[Marked]) -> Iterator[tuple[str, Marked]]:
    """Each clip with the id that holds its words."""
    names: dict[tuple[int, int], str] = {}
    for mark in clips:
        yield names.setdefault((mark.clip.start, mark.clip.end), mark.name), mark


def clock(seconds: float) -> str:
    """A full clock value: `1:02:03.456`. Source: w3.org/TR/SMIL3, clock values."""
    total_ms = round(seconds * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _serialized(root: etree._Element) -> bytes:
    """The document; elements made without a namespace are in the root's."""
    namespace = etree.QName(root).namespace
    for element in root.iter():
        if isinstance(element.tag, str) and not element.tag.startswith("{"):
            element.tag = f"{{{namespace}}}{element.tag}"
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))
