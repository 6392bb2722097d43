"""XML and HTML to trees, and what every reader asks of an element.

Invariant: nothing outside the file is ever fetched, no entity is expanded beyond its bound, and a file that does not
parse is refused or read whole: a tree is never the first half of a file.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from html import unescape
from html.entities import html5
from typing import Final, TypeAlias

from lxml import etree

from narration.errors import InputError, Problem
from narration.manuscript.decode import decode
from narration.manuscript.letters import unify_lines

Element: TypeAlias = etree._Element  # noqa: SLF001 - the library has no public name for the type

_TYPE_KEYS: Final = ("{http://www.idpf.org/2007/ops}type", "epub:type")
_XML_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>\s*")
_DECLARED: Final = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)"
)
_HEAD_BYTES: Final = 2048
_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_OWN_ENTITIES: Final = re.compile(r"<!DOCTYPE[^>\[]*\[[^\]]*<!ENTITY", re.IGNORECASE)
_UNSEEN: Final = frozenset({"script", "style", "head", "template"})
_PARTING: Final = frozenset({"p", "div", "li", "td", "th", "tr", "br", "h1", "h2", "h3", "h4", "section", "dt", "dd"})


_TWO_LETTERS: Final = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "rus": "ru", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko",
}  # fmt: skip
_NO_LANGUAGE: Final = frozenset({"und", "mul", "zxx", "unk"})


def parse_xml(data: bytes, where: str, *, lenient: bool = False) -> Element:
    """The root of an XML file.

    Args:
        data: the file.
        where: as the user would name it.
        lenient: go on after an error of form; for lists of files, where nothing is read aloud.

    Raises:
        InputError: it is no well-formed XML, or plays tricks with entities.
    """
    try:
        return etree.fromstring(data, _xml_parser(recover=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        root = None
        if lenient and b"<!ENTITY" not in data:
            root = _recovered(data)
        if root is None:
            raise InputError(_malformed(where, str(error), "XML")) from None
        return root


def _recovered(data: bytes) -> Element | None:
    try:
        return etree.fromstring(data, _xml_parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _xml_parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )


def parse_markup(data: bytes, where: str, *, as_xml: bool = True) -> Element | None:
    """The root of an XHTML or HTML file; None when it is empty.

    Args:
        data: the file.
        where: as the user would name it.
        as_xml: try XML first; where that fails, and without it, the forgiving rules of HTML.

    Raises:
        InputError: it is no text, its encoding is in doubt, or it cannot be read whole.
    """
    if not data.strip():
        return None
    text = unify_lines(_text(data, where)).lstrip("\ufeff")
    text = _XML_DECLARATION.sub(lambda match: "\n" * match[0].count("\n"), text, count=1)
    if not text.strip():
        return None
    has_own_entities = as_xml and bool(_OWN_ENTITIES.search(text[: 1 << 16]))
    if not has_own_entities:
        text = _ENTITY.sub(_character, text)
    if as_xml:
        try:
            return etree.fromstring(text, _xml_parser(recover=False))
        except (etree.XMLSyntaxError, ValueError) as error:
            if has_own_entities:
                raise InputError(_malformed(where, f"entities of its own: {error}", "XHTML")) from None
    return _parse_html(text, where)


def _parse_html(text: str, where: str) -> Element | None:
    parser = etree.HTMLParser(huge_tree=True, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(_malformed(where, str(error), "HTML")) from None
    too_deep = next((entry.message for entry in parser.error_log if "depth" in entry.message), "")
    if too_deep:
        raise InputError(_malformed(where, too_deep, "HTML"))
    return root


def _malformed(where: str, why: str, kind: str) -> Problem:
    return Problem(
        what=f"this cannot be read as {kind}: {why}", where=where, hint="Make the file again from its source."
    )


def _text(data: bytes, where: str) -> str:
    """Its text in the encoding that it declares, else in the one that fits."""
    if not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        match = _DECLARED.search(data[:_HEAD_BYTES])
        name = ((match[1] or match[2]) if match else b"").decode("ascii", "replace").lower()
        if name in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"}:
            name = "cp1252"  # what those who write so mean; HTML says so too
        if name and not name.startswith(("utf-8", "utf8", "utf-16", "utf16", "ucs")):
            try:
                return data.decode(name)
            except (LookupError, UnicodeDecodeError):
                pass
    return decode(data, where)


def _character(match: re.Match[str]) -> str:
    """The character of an entity of HTML, which XML alone does not know; what is no entity stays as written."""
    name = match[1]
    if name in _OF_XML:
        return match[0]
    return unescape(match[0]) if f"{name};" in html5 else f"&amp;{name};"


@cache
def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def local(element: Element) -> str:
    """The name of an element without its namespace, in lower case."""
    tag = element.tag
    return _local(tag) if isinstance(tag, str) else ""


@cache
def _tokens(types: str, role: str) -> frozenset[str]:
    words = [word.rpartition(":")[2] for word in types.lower().split()]
    return frozenset(words + [word.removeprefix("doc-") for word in role.lower().split() if word.startswith("doc-")])


def types_of(element: Element) -> frozenset[str]:
    """What an element is by `epub:type` and by its `role`, prefixes removed."""
    types = next((found for key in _TYPE_KEYS if (found := element.get(key))), "")
    role = element.get("role", "")
    return _tokens(types, role) if types or role else frozenset()


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


def classes_of(element: Element) -> frozenset[str]:
    """The classes of an element, in lower case."""
    names = element.get("class")
    return _words(names) if names else frozenset()


def text_of(element: Element) -> str:
    """All that an element says, scripts and the like apart, white space as one space."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walk:
        if event == "start" and local(inner) in _UNSEEN:
            walk.skip_subtree()
        elif event == "start":
            parts.append(inner.text or "")
        if event == "end" and inner is not element:
            parts.append(f" {inner.tail or ''}" if local(inner) in _PARTING else inner.tail or "")
    return " ".join("".join(parts).split())


def two_letters(code: str) -> str:
    """A language code as ISO 639-1; empty where it names none."""
    word = code.partition("-")[0].partition("_")[0].strip().lower()
    short = _TWO_LETTERS.get(word, word)
    return short if short.isalpha() and short.isascii() and len(short) == len("en") and word not in _NO_LANGUAGE else ""
