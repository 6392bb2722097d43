"""W3C Pronunciation Lexicon Specification: a lexicon from and for other programs.

Invariant: an entry that cannot be used is told with its line, never dropped; a document that defines entities is
refused, so that none can grow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from narration.errors import InputError, Problem
from narration.lexicon import MAX_WORD_CHARS, Entry, Lexicon
from narration.sheets import read_bytes, shown

NAMESPACE: Final = "http://www.w3.org/2005/01/pronunciation-lexicon"
"""Source: W3C Recommendation, Pronunciation Lexicon Specification 1.0, section 4.1."""

_LANG: Final = "http://www.w3.org/XML/1998/namespace lang"
_PREFER: Final = "prefer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlsReading:
    """What a PLS file holds.

    Attributes:
        entries: one for each spelling that has an alias, in order.
        unusable: the rest, each with its line and the reason.
    """

    entries: tuple[Entry, ...]
    unusable: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlsWriting:
    """A lexicon as a PLS document.

    Attributes:
        text: the document; the same entries give the same text.
        left_out: entries with a scope, or of another language, which PLS has no words for.
    """

    text: str
    left_out: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Entries of a PLS file beside those of a lexicon.

    Attributes:
        added: new ones.
        there: the lexicon says the same.
        kept: the lexicon says otherwise, and keeps that.
    """

    added: tuple[Entry, ...]
    there: tuple[Entry, ...]
    kept: tuple[Entry, ...]


@dataclass(slots=True, kw_only=True)
class _Lexeme:
    line: int
    graphemes: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    phonemes: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Handler:
    """One walk over the document's events."""

    parser: expat.XMLParserType
    label: str
    language: str = ""
    depth: int = 0
    lexeme: _Lexeme | None = None
    text: list[str] | None = None
    is_preferred: bool = False
    entries: list[Entry] = field(default_factory=list)
    unusable: list[Problem] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        kind = _local(name)
        if self.depth == 1:
            if kind != "lexicon":
                found = f"the root is <{name.rpartition(' ')[2]}>"
                raise InputError(Problem(what=found, where=self.here(), expected="<lexicon> of a PLS document"))
            language = re.match(r"([a-z]{2})(?:-|$)", attributes.get(_LANG, "").strip().lower())
            self.language = language[1] if language else ""
        elif kind == "lexeme":
            self.lexeme = _Lexeme(line=self.parser.CurrentLineNumber)
        elif self.lexeme and kind in ("grapheme", "alias", "phoneme"):
            self.text, self.is_preferred = [], attributes.get(_PREFER) == "true"

    def characters(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def end(self, name: str) -> None:
        self.depth -= 1
        kind = _local(name)
        if self.lexeme and kind == "lexeme":
            self._take(self.lexeme)
            self.lexeme = None
        elif self.lexeme and self.text is not None and kind in ("grapheme", "alias", "phoneme"):
            written = unicodedata.normalize("NFC", " ".join("".join(self.text).split()))
            several = {
                "grapheme": self.lexeme.graphemes,
                "alias": self.lexeme.aliases,
                "phoneme": self.lexeme.phonemes,
            }[kind]
            if written:
                several.insert(0 if self.is_preferred else len(several), written)
            self.text = None

    def refuse_doctype(self, *_: object) -> None:
        what = "has a document type, which may define entities"
        raise InputError(Problem(what=what, where=self.here(), expected="a PLS document without <!DOCTYPE …>"))

    def here(self, line: int | None = None) -> str:
        return f"{self.label}, line {line or self.parser.CurrentLineNumber}"

    def _take(self, lexeme: _Lexeme) -> None:
        if not lexeme.graphemes:
            self._unusable(lexeme, "the lexeme has no <grapheme>")
        elif lexeme.aliases and len(max([*lexeme.graphemes, lexeme.aliases[0]], key=len)) > MAX_WORD_CHARS:
            what = f"{shown(lexeme.graphemes[0])} or its alias has more than {MAX_WORD_CHARS} characters"
            self._unusable(lexeme, what)
        elif lexeme.aliases:
            self.entries += [
                Entry(word=word, say=lexeme.aliases[0], lang=self.language, source=f"{self.label}:{lexeme.line}")
                for word in dict.fromkeys(lexeme.graphemes)
            ]
        elif lexeme.phonemes:
            what = f"{shown(lexeme.graphemes[0])} has only a phoneme ({shown(lexeme.phonemes[0])})"
            self._unusable(lexeme, what, hint="The speech service takes no phonemes: respell it in letters.")
        else:
            self._unusable(lexeme, f"{shown(lexeme.graphemes[0])} has no pronunciation")

    def _unusable(self, lexeme: _Lexeme, what: str, hint: str = "") -> None:
        self.unusable.append(Problem(what=what, where=self.here(lexeme.line), expected="an <alias>", hint=hint))


def _local(name: str) -> str:
    """An element's name in PLS; empty for an element of something else. Some programs leave the namespace out."""
    namespace, _, local = name.rpartition(" ")
    return local if namespace in ("", NAMESPACE) else ""


def read_pls(path: Path, *, label: str = "") -> PlsReading:
    """The entries of a PLS file that have an alias; several spellings of one lexeme become several entries.

    Args:
        path: the file.
        label: its name in messages; its own when empty.

    Raises:
        InputError: it cannot be read, is not XML, no PLS, or has a document type.
    """
    label = label or path.name
    content = read_bytes(path, label)
    parser = expat.ParserCreate(namespace_separator=" ")
    handler = _Handler(parser=parser, label=label)
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.characters
    parser.StartDoctypeDeclHandler = handler.refuse_doctype
    try:
        parser.Parse(content, True)  # noqa: FBT003 — expat's own signature
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise InputError(Problem(what=f"is not XML: {reason}", where=handler.here(error.lineno))) from error
    except (LookupError, ValueError) as error:
        raise InputError(Problem(what=f"is in an encoding that cannot be read: {error}", where=label)) from error
    return PlsReading(entries=tuple(handler.entries), unusable=tuple(handler.unusable))


def new_entries(lexicon: Lexicon, entries: Iterable[Entry]) -> News:
    """What a lexicon lacks of these entries; of several with the same word the first counts.

    Args:
        lexicon: of a book; its own language need not be named by an entry.
        entries: of a PLS file.
    """
    said = {entry.word: entry.say for entry in lexicon.entries if entry.is_everywhere}
    added, there, kept = [], [], []
    for entry in entries:
        if entry.word not in said:
            said[entry.word] = entry.say
            added.append(replace(entry, lang="" if entry.lang == lexicon.language else entry.lang))
        elif said[entry.word] == entry.say:
            there.append(entry)
        else:
            kept.append(entry)
    return News(added=tuple(added), there=tuple(there), kept=tuple(kept))


def write_pls(entries: Iterable[Entry], *, language: str) -> PlsWriting:
    """Entries as a PLS document of aliases, in the order of their words.

    Args:
        entries: those of a lexicon.
        language: of the book, ISO 639-1.
    """
    every = tuple(entries)
    fits = [entry for entry in every if entry.is_everywhere and entry.say and entry.lang in ("", language)]
    rows = sorted({(entry.word, entry.say) for entry in fits})
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<lexicon version="1.0" xmlns="{NAMESPACE}" alphabet="ipa" xml:lang={quoteattr(language)}>',
        *(f"  <lexeme><grapheme>{escape(word)}</grapheme><alias>{escape(say)}</alias></lexeme>" for word, say in rows),
        "</lexicon>",
    ]
    return PlsWriting(text="\n".join(lines) + "\n", left_out=tuple(entry for entry in every if entry not in fits))
