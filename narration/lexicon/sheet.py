"""The file of a lexicon: a YAML list of entries that people write, read with every mistake at once.

Invariant: each mistake is told with its line in the file, and one mistake does not hide another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from narration.cast import Cast
from narration.errors import InputError, Problem
from narration.lexicon import MAX_WORD_CHARS, ChapterRange, Entry, Lexicon, as_place
from narration.lexicon.text import ROOT, has_key
from narration.sheets import KeyPath, Sheet, in_order, missing_file, nearest, problems_of, read_text, shown
from narration.sheets.yaml import read_yaml

_CHAPTERS: Final = re.compile(r"([1-9]\d{0,5})(?:\s*-\s*([1-9]\d{0,5})?)?", re.ASCII)
_FIRST_ITEM: Final = re.compile(r"(?:---)?(?:\s*#.*\n|\s*\n)*\s*-\s")
_EXAMPLE: Final = "a list of entries such as `- {word: Beauchamp, say: Beecham}`"


def _tidy(value: object) -> object:
    return unicodedata.normalize("NFC", value.strip()) if isinstance(value, str) else value


def _listed(value: object) -> object:
    """One name or number needs no brackets."""
    return re.split(r"[,，;；]", value) if isinstance(value, str) else value


def _language(value: object) -> object:
    code = value.strip().lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[a-z]{2}(?:-[a-z0-9]+)*", code):
        raise ValueError("a language in two letters, such as en")
    return code[:2]


def _yes(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_tidy), Field(max_length=MAX_WORD_CHARS)]
_Yes = Annotated[bool, BeforeValidator(_yes)]
_Names = Annotated[tuple[_Text, ...], BeforeValidator(_listed)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    word: _Text = Field(min_length=1, description=f"the word as written, at most {MAX_WORD_CHARS} characters")
    say: _Text = Field("", description=f"how it is to be said, in letters, at most {MAX_WORD_CHARS} characters")
    lang: Annotated[str, BeforeValidator(_language)] = Field("", description="a language in two letters, such as en")
    who: _Names = Field((), description="names of the cast, such as [Jane, Rochester]")
    chapters: _Names = Field((), description="chapter numbers, such as 1-3, 5")
    at: _Names = Field((), description="places, such as [3:17]")
    ci: _Yes = Field(default=False, description="true or false")
    context: _Text = Field("", description="a longer text that holds the word")
    silent: _Yes = Field(default=False, description="true or false")


class _LexiconFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    entries: tuple[_Row, ...] = Field((), description=_EXAMPLE)


def load_lexicon(path: Path, cast: Cast, *, language: str, label: str = "", required: bool = False) -> Lexicon:
    """The lexicon of a book.

    Args:
        path: a YAML file with a list of entries.
        cast: whose names `who` may have.
        language: of the book, ISO 639-1.
        label: the file's name in messages; its own name when empty.
        required: whether somebody named the file, so that it must be there; without it no file is an empty lexicon.

    Raises:
        InputError: with every mistake of the file.
    """
    label = label or path.name
    missing = missing_file(path, label)
    if missing and (required or path.exists()):
        raise InputError(missing)
    return Lexicon(entries=() if missing else read_lexicon(read_text(path, label), cast, label), language=language)


def read_lexicon(text: str, cast: Cast, label: str) -> tuple[Entry, ...]:
    """The entries of a lexicon's text.

    Args:
        text: YAML, lines divided by line feeds.
        cast: whose names `who` may have.
        label: the file's name in messages.

    Raises:
        InputError: with every mistake of the text.
    """
    sheet = _sheet(text, label)
    problems = list(sheet.problems)
    problems += _row_problems(sheet, cast)
    try:
        rows = _LexiconFile.model_validate(sheet.data).entries
    except ValidationError as error:
        raise InputError(*in_order([*problems_of(error, _LexiconFile, sheet), *problems])) from error
    entries = [_entry(row, cast, _line(sheet, index), label) for index, row in enumerate(rows)]
    if not problems:
        problems += _twice(entries, sheet)
    if problems:
        raise InputError(*in_order(problems))
    return tuple(entries)


def _sheet(text: str, label: str) -> Sheet:
    """The list at the root of a file under a key, as a sheet has it, its lines those of the file."""
    if has_key(text):
        return read_yaml(text, label)
    begin = _FIRST_ITEM.match(text)
    if not begin:
        content = re.search(r"^(?!\s*(?:#|---))\s*\S.*", text, flags=re.MULTILINE)
        if content:
            line = text.count("\n", 0, content.end()) + 1
            what = f"begins with {shown(content[0])}"
            raise InputError(Problem(what=what, where=f"{label}, line {line}", expected=_EXAMPLE))
        return Sheet(label=label, data={})
    try:
        # A list may stand below its key without indentation, so the text itself stays as it is.
        sheet = read_yaml(f"{ROOT}:\n{text.removeprefix('---')}", label)
    except InputError as error:
        raise InputError(*map(_one_line_up, error.problems)) from error
    lines = MappingProxyType({path: max(1, line - 1) for path, line in sheet.lines.items()})
    return replace(sheet, lines=lines, problems=tuple(map(_one_line_up, sheet.problems)))


def _one_line_up(problem: Problem) -> Problem:
    def up(found: re.Match[str]) -> str:
        return found[1] + str(max(1, int(found[2]) - 1))

    hint = re.sub(r"^(Line )(\d+)", up, problem.hint)
    what = re.sub(r"(first on line )(\d+)", up, problem.what)
    return replace(problem, where=re.sub(r"(, line )(\d+)", up, problem.where), what=what, hint=hint)


def _line(sheet: Sheet, index: int) -> int:
    return sheet.lines.get((ROOT, index), 1)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _speakers(cast: Cast) -> dict[str, str]:
    """Folded names and aliases, and whose they are; a name comes before an alias."""
    aliases = {_folded(alias): one.name for one in cast.characters for alias in one.aliases}
    return aliases | {_folded(one.name): one.name for one in cast.characters}


def _entry(row: _Row, cast: Cast, line: int, label: str) -> Entry:
    speakers = _speakers(cast)
    return Entry(
        word=row.word,
        say=row.say,
        lang=row.lang,
        who=tuple(dict.fromkeys(speakers.get(_folded(name), name) for name in row.who)),
        chapters=tuple(filter(None, map(_chapters, row.chapters))),
        at=tuple(map(as_place, row.at)),
        ci=row.ci,
        context=row.context,
        source=f"{label}:{line}",
    )


def _chapters(written: str) -> ChapterRange | None:
    found = _CHAPTERS.fullmatch(written.strip())
    if not found:
        return None
    first = int(found[1])
    last = int(found[2]) if found[2] else None if "-" in written else first
    return ChapterRange(first=first, last=last) if last is None or first <= last else None


def _row_problems(sheet: Sheet, cast: Cast) -> Iterator[Problem]:
    rows = sheet.data.get(ROOT)
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict):
            continue
        path: KeyPath = (ROOT, index)
        yield from _say_problems(row, sheet, path)
        yield from _context_problems(row, sheet, path)
        yield from _scope_problems(row, sheet, path, cast)


def _say_problems(row: dict[str, object], sheet: Sheet, path: KeyPath) -> Iterator[Problem]:
    say = row.get("say")
    if say is not None and not isinstance(say, str):
        return
    is_silent = str(row.get("silent", "")).strip().lower() in ("true", "yes", "on", "1", "y", "t")
    where = sheet.where((*path, "say"))
    if not (say or "").strip():
        if not is_silent:
            what = "is empty" if (*path, "say") in sheet.lines else "`say` is missing"
            hint = "To leave the word out, write `silent: true`."
            yield Problem(what=what, where=where, expected="how the word is to be said", hint=hint)
    elif is_silent:
        yield Problem(
            what=f"says {shown(say)} and is silent", where=where, expected="`say` or `silent: true`, not both"
        )
    for key in ("word", "say", "context"):
        value = row.get(key)
        hidden = next(
            (char for char in str(value or "").strip() if unicodedata.category(char) in ("Cc", "Zl", "Zp")), ""
        )
        if hidden:
            yield Problem(what="has a line break or tab", where=sheet.where((*path, key)), expected="text on one line")


def _context_problems(row: dict[str, object], sheet: Sheet, path: KeyPath) -> Iterator[Problem]:
    word, context = _tidy(row.get("word")), _tidy(row.get("context"))
    if not isinstance(word, str) or not isinstance(context, str) or not (word and context):
        return
    if word.casefold() not in context.casefold():
        what = f"found {shown(context)}"
        expected = f"a longer text that holds {shown(word)}"
        yield Problem(what=what, where=sheet.where((*path, "context")), expected=expected)


def _scope_problems(row: dict[str, object], sheet: Sheet, path: KeyPath, cast: Cast) -> Iterator[Problem]:
    speakers = _speakers(cast)
    for place, name in _items(row.get("who"), (*path, "who")):
        if _folded(name) not in speakers:
            hint = nearest(name, [*(one.name for one in cast.characters), *_aliases(cast)])
            yield Problem(what=f"nobody in the cast is called {shown(name)}", where=sheet.where(place), hint=hint)
    for place, written in _items(row.get("chapters"), (*path, "chapters")):
        if _chapters(written) is None:
            expected = "chapter numbers, such as 1-3, 5"
            yield Problem(what=f"found {shown(written)}", where=sheet.where(place), expected=expected)
    for place, written in _items(row.get("at"), (*path, "at")):
        if not as_place(written):
            expected = "a place: chapter and line, such as 3:17"
            yield Problem(what=f"found {shown(written)}", where=sheet.where(place), expected=expected)


def _aliases(cast: Cast) -> list[str]:
    return [alias for one in cast.characters for alias in one.aliases]


def _items(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The texts of a list with their places; one text may stand without brackets."""
    listed = _listed(value)
    for step, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, str):
            yield ((*path, step) if isinstance(value, list) else path), item.strip()


def _twice(entries: list[Entry], sheet: Sheet) -> Iterator[Problem]:
    first: dict[Entry, str] = {}
    for index, entry in enumerate(entries):
        word = entry.word.casefold() if entry.ci else entry.word
        earlier = first.setdefault(replace(entry, word=word, say="", source=""), entry.source)
        if earlier != entry.source:
            what = f"{shown(entry.word)} stands twice with the same scope, first at {earlier}"
            yield Problem(what=what, where=sheet.where((ROOT, index, "word")), expected="one entry")
