"""The file of a lexicon: a YAML list of entries that people write, read with every mistake at once, and added to.

Invariant: what is added stands after what is there, of which no byte changes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from narration.cast import Cast
from narration.errors import InputError, Problem
from narration.lexicon import ChapterRange, Entry, Lexicon, as_place
from narration.sheet import KeyPath, Sheet, in_order, missing_file, nearest, problems_of, read_text, shown
from narration.yaml_sheet import read_yaml

_ROOT: Final = "entries"
_ROOTED: Final = re.compile(rf"(?:\s*#.*\n|\s*\n|---\s*\n)*{_ROOT}\s*:")
_CHAPTERS: Final = re.compile(r"([1-9]\d{0,5})(?:\s*-\s*([1-9]\d{0,5})?)?", re.ASCII)
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


_Text = Annotated[str, BeforeValidator(_tidy), Field(max_length=200)]
_Yes = Annotated[bool, BeforeValidator(_yes)]
_Names = Annotated[tuple[_Text, ...], BeforeValidator(_listed)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    word: _Text = Field(min_length=1, description="the word as the manuscript spells it, at most 200 characters")
    say: _Text = Field("", description="how it is to be said, in letters, at most 200 characters")
    lang: Annotated[str, BeforeValidator(_language)] = Field("", description="a language in two letters, such as en")
    who: _Names = Field((), description="names of the cast, such as [Jane, Rochester]")
    chapters: _Names = Field((), description="chapter numbers, such as 1-3, 5")
    at: _Names = Field((), description="places, such as [ch03#s0142]")
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
    if _ROOTED.match(text):
        return read_yaml(text, label)
    try:
        # A list may stand below its key without indentation, so the text itself stays as it is.
        sheet = read_yaml(f"{_ROOT}:\n{text.removeprefix('---').lstrip(' ')}", label)
    except InputError as error:
        raise InputError(*map(_one_line_up, error.problems)) from error
    if sheet.data.keys() - {_ROOT}:
        raise InputError(Problem(what="is a group of keys", where=label, expected=_EXAMPLE))
    lines = MappingProxyType({path: max(1, line - 1) for path, line in sheet.lines.items()})
    return replace(sheet, lines=lines, problems=tuple(map(_one_line_up, sheet.problems)))


def _one_line_up(problem: Problem) -> Problem:
    def up(found: re.Match[str]) -> str:
        return found[1] + str(max(1, int(found[2]) - 1))

    hint = re.sub(r"^(Line )(\d+)", up, problem.hint)
    what = re.sub(r"(first on line )(\d+)", up, problem.what)
    return replace(problem, where=re.sub(r"(, line )(\d+)", up, problem.where), what=what, hint=hint)


def _line(sheet: Sheet, index: int) -> int:
    return sheet.lines.get((_ROOT, index), 1)


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
    rows = sheet.data.get(_ROOT)
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict):
            continue
        path: KeyPath = (_ROOT, index)
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
            expected = "a place: chapter and line, such as ch03#s0142"
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
            yield Problem(what=what, where=sheet.where((_ROOT, index, "word")), expected="one entry")


def entry_line(entry: Entry) -> str:
    """An entry as a person would write it, on one line, without its dash."""
    pairs = [f"word: {_quoted(entry.word)}"]
    pairs.append(f"say: {_quoted(entry.say)}" if entry.say else "silent: true")
    pairs += [f"lang: {entry.lang}"] if entry.lang else []
    pairs += [f"who: [{', '.join(map(_quoted, entry.who))}]"] if entry.who else []
    pairs += [f"chapters: [{', '.join(map(str, entry.chapters))}]"] if entry.chapters else []
    pairs += [f"at: [{', '.join(map(_quoted, entry.at))}]"] if entry.at else []
    pairs += ["ci: true"] if entry.ci else []
    pairs += [f"context: {_quoted(entry.context)}"] if entry.context else []
    return f"{{{', '.join(pairs)}}}"


def _quoted(text: str) -> str:
    """Bare where YAML reads it as text in a list and in braces, else in double quotes, which it reads as JSON does."""
    is_plain = re.fullmatch(r"[^\W\d_](?:[\w’'. -]*\w)?", text) and text.casefold() != "null"
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def added_to(text: str, lines: Iterable[str], *, comment: str = "") -> str:
    """A lexicon's text with lines after it.

    Args:
        text: what is there; empty where there is no file.
        lines: entries as `entry_line` writes them; each becomes an item.
        comment: stands above them, on one line.
    """
    found = re.findall(r"^( *)- ", text, flags=re.MULTILINE) if _ROOTED.match(text) else []
    indent = found[-1] if found else ""
    rows = [*([f"# {comment}"] if comment else []), *(f"- {line}" for line in lines)]
    gap = "" if not text or text.endswith("\n") else "\n"
    return text + gap + "".join(f"{indent}{row}\n" for row in rows)


def proposed_in(text: str, lines: Iterable[str], *, comment: str = "") -> str:
    """As `added_to`, each line a comment, for a person to take up."""
    return added_to(text, (), comment=comment) + "".join(f"# - {line}\n" for line in lines)
