"""Reading what people write into plain data that knows its line numbers.

Owns the way from a file on disk to text, dictionaries and lists, and from pydantic's errors to `Problem`s.

Invariant: every scalar is the text as written (`title: 1984` is "1984", `title: No` is "No"); only a schema types it.
An empty value (`author:`) is left out of the data but keeps its line, so that the schema can call it empty.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel

from narration.errors import InputError, Problem

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]

MAX_BYTES = 4_000_000
"""A sheet is written by a person: more than this is the wrong file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file as plain data.

    Attributes:
        label: the file as the user would name it, for messages.
        data: dictionaries, lists and text.
        lines: the line of every key and item, from 1.
        problems: mistakes that did not stop the reading (a key that stands twice).
        table: it was a CSV file, where a key is a column.
        absent: required columns that the header lacks; reported once, not again for each row.
    """

    label: str
    data: dict[str, object]
    lines: Mapping[KeyPath, int] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Problem, ...] = ()
    table: bool = False
    absent: frozenset[str] = frozenset()

    def where(self, path: KeyPath) -> str:
        """The place of a key as the user would find it: `cast.yaml, line 7, characters[2].voice`."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        parts = [self.label]
        if known:
            parts.append(f"line {self.lines[known]}")
        if self.table:
            column = next((step for step in path[1:] if isinstance(step, str)), "")
            parts += [f"column {column}"] if column else []
        elif path:
            parts.append(key_text(path))
        return ", ".join(parts)


def key_text(path: KeyPath) -> str:
    """A path as one reads it: `characters[2].voice`; items count from 0."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint with the most similar of the names (`Did you mean `voice`?`), or an empty string."""
    folded = {candidate.casefold(): candidate for candidate in names}
    found = difflib.get_close_matches(name.strip().casefold(), folded, n=1, cutoff=0.55)
    return f"Did you mean `{folded[found[0]]}`?" if found else ""


def missing_file(path: Path, where: str) -> Problem | None:
    """What is wrong when a path does not lead to a file; names the nearest file beside it."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return Problem(
            what=f"there is no such file ({path})", where=where, hint=nearest(path.name, _names_beside(path))
        )
    if stat.S_ISDIR(mode):
        return Problem(what=f"is a folder ({path})", where=where, expected="a file")
    return None if stat.S_ISREG(mode) else Problem(what=f"is not a regular file ({path})", where=where)


def _names_beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return []


def read_bytes(path: Path, label: str) -> bytes:
    """The content of a file that a person wrote.

    Raises:
        InputError: it is missing, a folder, unreadable, empty, too large, or not text.
    """
    missing = missing_file(path, label)
    if missing:
        raise InputError(missing)
    try:
        if path.stat().st_size > MAX_BYTES:
            what = f"has {path.stat().st_size:,} bytes"
            raise InputError(Problem(what=what, where=label, expected=f"a text file of at most {MAX_BYTES:,} bytes"))
        content = path.read_bytes()
    except OSError as error:
        raise InputError(Problem(what=f"cannot be read: {error.strerror or error}", where=label)) from error
    if not content.strip():
        raise InputError(Problem(what="is empty", where=label))
    if content.startswith(b"PK\x03\x04"):
        hint = "Save the spreadsheet as “CSV UTF-8” and name that file."
        raise InputError(Problem(what="is a workbook or an archive", where=label, expected="a text file", hint=hint))
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")) and re.search(rb"[\x00-\x08\x0e-\x1a]", content):
        raise InputError(Problem(what="is a binary file", where=label, expected="a text file"))
    return content


def read_text(path: Path, label: str) -> str:
    """The text of a UTF-8 or UTF-16 file, without its byte-order mark, every line end one line feed.

    Raises:
        InputError: as `read_bytes`, or it is in another encoding; the message names the line.
    """
    content = read_bytes(path, label)
    text = _decoded_by_mark(content, label)
    if text is None:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            problem = Problem(what="is not UTF-8", where=f"{label}, line {line}", hint="Save the file as UTF-8.")
            raise InputError(problem) from error
    return re.sub(r"\r\n?", "\n", text)


def _decoded_by_mark(content: bytes, label: str) -> str | None:
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        return content.decode("utf-8-sig") if content.startswith(b"\xef\xbb\xbf") else None
    except UnicodeDecodeError as error:
        problem = Problem(what="begins with a byte-order mark, and its text does not fit it", where=label)
        raise InputError(problem) from error


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems of one file in the order of its lines; those without a line come first."""

    def line(problem: Problem) -> int:
        found = re.search(r", line (\d+)", problem.where)
        return int(found.group(1)) if found else 0

    return tuple(sorted(problems, key=line))


def problems_of(error: ValidationError, model: type[BaseModel], sheet: Sheet) -> tuple[Problem, ...]:
    """Every mistake that a schema found, in the file's own terms.

    Args:
        error: what pydantic raised for `sheet.data`.
        model: the schema; a field's description says what is expected of it.
        sheet: where the data came from.
    """
    found = []
    for detail in error.errors(include_url=False):
        path: KeyPath = detail["loc"]
        if detail["type"] == "missing" and path[-1] in sheet.absent:
            continue
        if detail["type"] == "too_short" and isinstance(detail["input"], list) and detail["input"]:
            # Pydantic counts the items that are right; those that are wrong have their own problems.
            continue
        found.append(_problem(detail, path, model, sheet))
    return tuple(found)


def _problem(detail: ErrorDetails, path: KeyPath, model: type[BaseModel], sheet: Sheet) -> Problem:
    where = sheet.where(path)
    names, info = _schema_at(model, path)
    expected = (info.description or "") if info else ""
    if info and isinstance(path[-1], int):
        expected = "keys and values" if _inner_model(info.annotation) else "text"
    match detail["type"]:
        case "extra_forbidden":
            name = str(path[-1])
            hint = nearest(name, names)
            return Problem(what=f"unknown key `{name}`", where=where, expected=_one_of(names), hint=hint)
        case "missing" if path in sheet.lines or sheet.table:
            return Problem(what="is empty", where=where, expected=expected)
        case "missing":
            return Problem(what=f"`{path[-1]}` is missing", where=where, expected=expected)
        case "string_too_short" | "too_short":
            return Problem(what="is empty", where=where, expected=expected)
        case _:
            found = shown(detail["input"])
            # A validator of ours speaks for itself; pydantic prefixes it.
            reason = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            own = detail["type"] == "value_error"
            choices = [str(choice) for choice in get_args(info.annotation)] if info else []
            hint = nearest(detail["input"], choices) if isinstance(detail["input"], str) else ""
            return Problem(
                what=f"found {found}", where=where, expected=reason if own else expected or reason, hint=hint
            )


def _one_of(names: Sequence[str]) -> str:
    return f"one of {', '.join(names)}" if names else ""


def shown(value: object) -> str:
    """A value in a message: short, quoted, on one line."""
    match value:
        case dict():
            return "a group of keys"
        case list() | tuple():
            return "a list"
        case "" | None:
            return "nothing"
        case bool():
            return f"“{str(value).lower()}”"
        case _:
            text = " ".join(str(value).split())
            return f"“{text[:57]}…”" if len(text) > 60 else f"“{text}”"


def _schema_at(model: type[BaseModel], path: KeyPath) -> tuple[tuple[str, ...], FieldInfo | None]:
    """The key names that are valid beside the last step of a path, and what the schema says of that key."""
    here: type[BaseModel] | None = model
    info: FieldInfo | None = None
    names: tuple[str, ...] = ()
    for step in path:
        if isinstance(step, int) or here is None:
            continue
        names = tuple(here.model_fields)
        info = here.model_fields.get(step)
        here = _inner_model(info.annotation) if info else None
    return names, info


def _inner_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for inner in map(_inner_model, get_args(annotation)) if inner), None)
