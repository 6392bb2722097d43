"""A cast sheet as text: new entries and comments put into it, and nothing else changed.

Invariant: without the lines that were put in, the sheet is what it was, character for character; a sheet that cannot be
added to so is refused. (A line with an empty `voice:` or `preview:` is filled in.)
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from narration.cast import Cast, Character, Gender, Role
from narration.discovery.proposal import Entry, Proposal
from narration.errors import InputError, Problem
from narration.sheets import Sheet
from narration.sheets.yaml import read_yaml

_HINT: Final = "Write it as a list of entries that begin with `- name:`, or add the rows by hand."
_NARRATORS: Final = frozenset({"narrator", "旁白"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an entry stands.

    Attributes:
        name: of the character.
        last: 0-based line of its last content.
        dash, key: columns of its dash and of its keys.
        keys: 0-based line of each of its keys.
    """

    name: str
    last: int
    dash: int
    key: int
    keys: dict[str, int]


def sheet_cast(sheet: Sheet) -> Cast:
    """Who stands in a sheet, as far as it can be told: voices may be missing.

    Raises:
        InputError: nobody is the narrator.
    """
    rows = sheet.data.get("characters")
    found: list[Character] = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        texts = {key: value.strip() for key, value in row.items() if isinstance(value, str)}
        aliases = row.get("aliases", [])
        aliases = re.split("[;；|]", aliases) if isinstance(aliases, str) else aliases
        gender = texts.get("gender", "").lower()
        role = texts.get("role", "").lower() == Role.NARRATOR
        found.append(
            Character(
                name=texts.get("name", ""),
                voice=texts.get("voice", ""),
                preview=texts.get("preview", ""),
                role=Role.NARRATOR if role else Role.CHARACTER,
                gender=Gender(gender) if gender in tuple(Gender) else Gender.UNKNOWN,
                aliases=tuple(str(alias).strip() for alias in aliases) if isinstance(aliases, list) else (),
                first_person=_first_person(row.get("first_person")),
            )
        )
    found = _with_narrator([one for one in found if one.name])
    if not any(one.role is Role.NARRATOR for one in found):
        hint = "Give the one who reads everything else `role: narrator`."
        raise InputError(Problem(what="nobody is the narrator", where=sheet.where(("characters",)), hint=hint))
    return Cast(characters=tuple(found))


def _first_person(value: object) -> bool | tuple[int, ...]:
    parts = value if isinstance(value, list) else re.split(r"[\s,;|]+", value) if isinstance(value, str) else []
    numbers = tuple(int(part) for part in map(str, parts) if part.isdecimal() and len(part) <= 9)
    return numbers or str(value).strip().lower() in ("true", "yes")


def _with_narrator(found: list[Character]) -> list[Character]:
    if any(one.role is Role.NARRATOR for one in found):
        return found
    named = next((one for one in found if one.name.casefold() in _NARRATORS), None)
    if named is None:
        return found
    as_narrator = Character(
        name=named.name,
        voice=named.voice,
        preview=named.preview,
        role=Role.NARRATOR,
        gender=named.gender,
        aliases=named.aliases,
        first_person=named.first_person,
    )
    return [as_narrator if one is named else one for one in found]


def merged(text: str, proposal: Proposal, *, label: str, drafts: bool) -> str:
    """A sheet with what is proposed put in; a second time nothing more.

    Args:
        text: the sheet as it is, line ends of any kind.
        proposal: made with this sheet.
        label: the sheet's name in messages.
        drafts: whether entries that lack a voice or a preview get one.

    Raises:
        InputError: the sheet is not a plain list of entries, or adding to it would change what it says.
    """
    before = read_yaml(text, label)
    places = _places(text, label)
    end = "\r" if "\r\n" in text else ""
    lines = text.split("\n")
    added: dict[int, list[str]] = {}
    for name, note in proposal.notes:
        _note(places, name, note, lines, added)
    if drafts:
        for name, voice, preview in proposal.drafts:
            _fill(places, name, {"voice": voice, "preview": preview}, lines, added)
    if proposal.narrator_is_i:
        note = "The narrator says I: `first_person: true` belongs here, or to the character who tells the story."
        _note(places, sheet_cast(before).narrator.name, note, lines, added)
    last = places[-1]
    for entry in proposal.entries:
        added.setdefault(last.last, []).extend(["", *_entry_lines(entry, last.dash, last.key)])
    result: list[str] = []
    for number, line in enumerate(lines):
        result.append(line)
        if number in added:
            if number == len(lines) - 1 and end:
                result[-1] = line + end
            result += [one + end for one in added[number]]
    if len(lines) - 1 in added:
        result.append("")
    finished = "\n".join(result)
    _check(before, finished, proposal, label, drafts=drafts)
    return finished


def _places(text: str, label: str) -> list[_Place]:
    root = YAML(typ="safe", pure=True).compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    index = next((place for place, (key, _) in enumerate(pairs) if key.value == "characters"), None)
    node = pairs[index][1] if index is not None else None
    if index is None or not isinstance(node, SequenceNode) or node.flow_style or not node.value:
        raise InputError(Problem(what="is not written as a list of entries", where=label, hint=_HINT))
    lines = text.split("\n")
    after = pairs[index + 1][0].start_mark.line if index + 1 < len(pairs) else len(lines)
    starts = [item.start_mark.line for item in node.value] + [after]
    found = []
    for item, stop in zip(node.value, starts[1:], strict=True):
        if not isinstance(item, MappingNode) or item.flow_style or not item.value:
            raise InputError(Problem(what="has an entry in braces", where=label, hint=_HINT))
        keys = {key.value: key.start_mark.line for key, _ in item.value if isinstance(key, ScalarNode)}
        names = [value.value for key, value in item.value if key.value == "name"]
        column = item.value[0][0].start_mark.column
        first = item.start_mark.line
        last = next(
            number
            for number in range(stop - 1, first - 1, -1)
            if number == first or (lines[number].strip() and not lines[number].lstrip().startswith("#"))
        )
        dash = lines[first].rfind("-", 0, column)
        found.append(_Place(name=str(names[0]) if names else "", last=last, dash=max(dash, 0), key=column, keys=keys))
    return found


def _note(places: list[_Place], name: str, note: str, lines: list[str], added: dict[int, list[str]]) -> None:
    place = next((one for one in places if _tidy(one.name) == _tidy(name)), None)
    comment = f"# {_one_line(note)}"
    if place is not None and not any(line.strip() == comment for line in lines):
        added.setdefault(place.last, []).append(" " * place.key + comment)


def _fill(
    places: list[_Place], name: str, values: dict[str, str], lines: list[str], added: dict[int, list[str]]
) -> None:
    place = next((one for one in places if _tidy(one.name) == _tidy(name)), None)
    for key, value in values.items():
        if place is None or not value:
            continue
        if key not in place.keys:
            added.setdefault(place.last, []).append(f"{' ' * place.key}{key}: {_quoted(value)}  # drafted")
            continue
        number = place.keys[key]
        line = lines[number]
        empty = re.fullmatch(
            rf"(?P<head>.*?\b{key}[\"']?\s*:)[ \t]*(?:\"\"|'')?(?P<rest>[ \t]*(?:#[^\r]*)?)(?P<end>\r?)", line
        )
        if empty:
            rest = f"  {empty['rest'].strip()}" if empty["rest"].strip() else ""
            lines[number] = f"{empty['head']} {_quoted(value)}{rest}{empty['end']}"


def _entry_lines(entry: Entry, dash: int, key: int) -> list[str]:
    head, body = " " * dash, " " * key
    lines = [f"{head}# {_one_line(comment)}" for comment in entry.comments]
    lines.append(f"{head}-{' ' * max(1, key - dash - 1)}name: {_quoted(entry.name)}")
    if entry.gender:
        lines.append(f"{body}gender: {entry.gender}")
    if entry.first_person:
        lines.append(f"{body}first_person: true")
    lines.append(f"{body}aliases: [{', '.join(map(_quoted, entry.aliases))}]")
    return [*lines, f"{body}voice: {_quoted(entry.voice)}", f"{body}preview: {_quoted(entry.preview)}"]


def _check(before: Sheet, finished: str, proposal: Proposal, label: str, *, drafts: bool) -> None:
    """What a person wrote still reads the same, and what was added is there."""
    after = read_yaml(finished, label)
    old, new = before.data.get("characters"), after.data.get("characters")
    filled = {name for name, _, _ in proposal.drafts} if drafts else set()
    same = (
        isinstance(old, list)
        and isinstance(new, list)
        and len(new) == len(old) + len(proposal.entries)
        and all(_kept(row, other, filled) for row, other in zip(old, new, strict=False))
        and {key: value for key, value in before.data.items() if key != "characters"}
        == {key: value for key, value in after.data.items() if key != "characters"}
    )
    if not same:
        raise InputError(Problem(what="cannot be added to without a change of what it says", where=label, hint=_HINT))


def _kept(row: object, other: object, filled: set[str]) -> bool:
    if isinstance(row, dict) and isinstance(other, dict) and _tidy(str(row.get("name", ""))) in map(_tidy, filled):
        return all(other.get(key) == value for key, value in row.items() if value != "")
    return row == other


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _one_line(text: str) -> str:
    return " ".join(
        "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text).split()
    )


def _quoted(text: str) -> str:
    """Text in double quotes on one line, which YAML reads as JSON does."""
    return json.dumps(_one_line(text), ensure_ascii=False)
