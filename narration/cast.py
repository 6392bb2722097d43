"""The cast: who speaks in the book, and what each is to sound like.

Invariant: names and aliases are distinct (case folded), and there is exactly one narrator.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from narration.design_limits import DesignLimits, DesignRules, design_problems
from narration.errors import InputError, Problem
from narration.sheets import Sheet, in_order, problems_of, shown
from narration.sheets.table import TABLE_SUFFIXES, Columns, read_table_file
from narration.sheets.yaml import read_yaml_file


class Role(StrEnum):
    """What a character is in the cast sheet."""

    NARRATOR = "narrator"
    CHARACTER = "character"


class Gender(StrEnum):
    """A hint for attribution; empty where it is unknown."""

    UNKNOWN = ""
    FEMALE = "female"
    MALE = "male"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """Somebody in the cast sheet.

    Attributes:
        name: as the script names them.
        voice: the vendor's `voice_prompt`, a description of the sound; empty for a system voice.
        system_voice: the service's name of a voice that everybody has, instead of a designed one; else empty.
        preview: the vendor's `preview_text`, what the audition says.
        role: narrator or character.
        gender: a hint for attribution.
        aliases: other names in the manuscript.
        first_person: is the "I" of the narration: of the whole book (True) or of the chapters with these numbers.
        profile: whose service speaks, as the sheet has it; empty for the production's.
        speech: options of speech that this character has of its own, by the words of the table `speech`.
    """

    name: str
    voice: str = ""
    system_voice: str = ""
    preview: str = ""
    role: Role = Role.CHARACTER
    gender: Gender = Gender.UNKNOWN
    aliases: tuple[str, ...] = ()
    first_person: bool | tuple[int, ...] = False
    profile: str = ""
    speech: tuple[tuple[str, float | str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody who speaks in the book.

    Attributes:
        characters: in the order of the sheet.
    """

    characters: tuple[Character, ...]

    @property
    def narrator(self) -> Character:
        """The one whose role is narrator."""
        return next(character for character in self.characters if character.role is Role.NARRATOR)

    def by_name(self, name: str) -> Character:
        """The character of that name.

        Raises:
            KeyError: nobody has it.
        """
        for character in self.characters:
            if character.name == name:
                return character
        raise KeyError(name)


SPEECH_KEYS = ("speed", "pitch", "volume", "seed", "instructions")
"""Keys of a character that are options of speech; see `narration.settings.settings.SpeechSettings`."""

_COLUMNS = Columns(
    root="characters",
    names=("name", "role", "gender", "aliases", "first_person", "voice", "preview", "profile", *SPEECH_KEYS),
    required=("name", "voice", "preview"),
)
_NARRATOR_NAMES = frozenset({"narrator", "旁白"})
_SCRIPT_SIGNS = re.compile(r"[:：\n\r\t\u2028\u2029]| \+ |^[#~%;\\\[({-]|[?？]$")
"""What the marked script reads as its own: the end of a name, a joint line, a mark at the start of a line, a doubt."""


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _tidy(value: object) -> object:
    """A name in one spelling: composed accents, no spaces at its ends or doubled inside."""
    return (
        re.sub(r"[^\S\n\r\t]+", " ", unicodedata.normalize("NFC", value).strip()) if isinstance(value, str) else value
    )


def _split(value: object) -> object:
    """Aliases in one cell stand between semicolons or bars."""
    return [part for part in re.split(r"[;；|]", value) if part.strip()] if isinstance(value, str) else value


def _system_voice(value: object) -> str:
    """The name in `{system: Cherry}`, which is `system: Cherry` in one cell; empty for a description."""
    if isinstance(value, dict) and set(value) == {"system"} and isinstance(value["system"], str):
        return value["system"].strip()
    match = re.fullmatch(r"\s*system\s*:\s*(\S.*?)\s*", value) if isinstance(value, str) else None
    return match[1] if match else ""


def _with_system_voices(data: Mapping[str, object]) -> Mapping[str, object]:
    """The sheet with system voices in one spelling; they need no preview."""
    rows = data.get("characters")
    if not isinstance(rows, list):
        return data
    told = []
    for row in rows:
        name = _system_voice(row.get("voice")) if isinstance(row, dict) else ""
        told.append({"preview": "-", **row, "voice": f"system: {name}"} if name else row)
    return {**data, "characters": told}


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _chapters(value: object) -> bool | tuple[int, ...]:
    """True, False or chapter numbers; in one cell the numbers stand between commas, semicolons or spaces."""
    words = re.split(r"[\s,;|]+", value.strip().lower()) if isinstance(value, str) else value
    if isinstance(words, bool):
        return words
    if words in (["true"], ["yes"]):
        return True
    if words in (["false"], ["no"], [""]):
        return False
    numbers = [str(number) for number in (words if isinstance(words, list | tuple) else [words])]
    if not all(number.isdecimal() and len(number) <= 9 and int(number) > 0 for number in numbers):
        raise ValueError("true, or a list of chapter numbers")
    return tuple(int(number) for number in numbers)


def _number(value: object) -> object:
    """A number of a cell, which is text there."""
    try:
        return json.loads(value) if isinstance(value, str) and value.strip() else value
    except (ValueError, RecursionError):
        return value


_Name = Annotated[str, BeforeValidator(_tidy), Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    name: _Name = Field(description="the character's name as the script spells it")
    role: Annotated[Role, BeforeValidator(_lower)] = Field(Role.CHARACTER, description="narrator or character")
    gender: Annotated[Gender, BeforeValidator(_lower)] = Field(Gender.UNKNOWN, description="female, male or neutral")
    aliases: Annotated[tuple[_Name, ...], BeforeValidator(_split)] = Field((), description="a list of other names")
    first_person: Annotated[bool | tuple[int, ...], PlainValidator(_chapters)] = Field(
        default=False, description="true, or a list of chapter numbers"
    )
    voice: str = Field(min_length=1, description="a description of the sound, in English or Chinese")
    preview: str = Field(min_length=1, description="a sentence or two for the audition")
    profile: str = Field("", description="the name of a profile, or the path of one")
    speed: Annotated[float | None, BeforeValidator(_number)] = Field(
        None, gt=0, le=10, allow_inf_nan=False, description="a factor such as 1.1"
    )
    pitch: Annotated[float | None, BeforeValidator(_number)] = Field(
        None, gt=0, le=10, allow_inf_nan=False, description="a factor such as 0.9"
    )
    volume: Annotated[int | None, BeforeValidator(_number)] = Field(
        None, ge=0, le=100, description="a whole number from 0 to 100"
    )
    seed: Annotated[int | None, BeforeValidator(_number)] = Field(None, ge=0, description="a whole number")
    instructions: str = Field("", max_length=2000, description="how to speak, in words")


class _CastFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    characters: tuple[_Row, ...] = Field(min_length=1, description="a list of characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A character as far as it can be read, so that one mistake does not hide another."""

    index: int
    name: str
    voice: str
    preview: str
    profile: str
    role: str | None
    aliases: tuple[str, ...]


def load_cast(path: Path, *, limits: DesignLimits | DesignRules | None = None, label: str = "") -> Cast:
    """The cast sheet: YAML with a list `characters`, or a table with the same columns.

    Args:
        path: the file; `.csv`, `.tsv`, `.tab` and `.txt` are tables.
        limits: what the service accepts as a voice design, for all or by profile; None leaves that unchecked.
        label: the file's name in messages; its own name when empty.

    Raises:
        InputError: with every mistake of the sheet.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        sheet = read_table_file(path, _COLUMNS, label=label)
    else:
        sheet = read_yaml_file(path, label=label)
    problems = list(sheet.problems)
    drafts = tuple(_drafts(sheet))
    narrator = _narrator(drafts, sheet, problems)
    problems += _name_problems(drafts, sheet)
    for draft in drafts:
        allowed = limits(draft.profile) if callable(limits) else limits
        if allowed is None:
            continue
        places = {key: sheet.where(("characters", draft.index, key)) for key in ("voice", "preview")}
        problems += design_problems(draft.voice, draft.preview, allowed, places)
    try:
        rows = _CastFile.model_validate(_with_system_voices(sheet.data)).characters
    except ValidationError as error:
        raise InputError(*in_order([*problems_of(error, _CastFile, sheet), *problems])) from error
    if problems:
        raise InputError(*in_order(problems))
    return Cast(characters=tuple(_character(row, narrator=index == narrator) for index, row in enumerate(rows)))


def _character(row: _Row, *, narrator: bool) -> Character:
    aliases: dict[str, str] = {}
    for alias in row.aliases:
        aliases.setdefault(_folded(alias), alias)
    aliases.pop(_folded(row.name), None)
    system = _system_voice(row.voice)
    return Character(
        name=row.name,
        voice="" if system else row.voice,
        system_voice=system,
        preview="" if system else row.preview,
        role=Role.NARRATOR if narrator else row.role,
        gender=row.gender,
        aliases=tuple(aliases.values()),
        first_person=row.first_person,
        profile=row.profile,
        speech=tuple((key, value) for key in SPEECH_KEYS if (value := getattr(row, key)) is not None and value != ""),
    )


def _drafts(sheet: Sheet) -> Iterator[_Draft]:
    rows = sheet.data.get("characters")
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict):
            continue
        texts = {key: value for key, value in row.items() if isinstance(value, str)}
        aliases = _split(row.get("aliases", []))
        yield _Draft(
            index=index,
            name=texts.get("name", "").strip(),
            voice="" if _system_voice(texts.get("voice")) else texts.get("voice", "").strip(),
            preview=texts.get("preview", "").strip(),
            profile=texts.get("profile", "").strip(),
            role=texts["role"].strip().lower() if "role" in texts else None,
            aliases=tuple(str(alias).strip() for alias in aliases) if isinstance(aliases, list) else (),
        )


def _narrator(drafts: tuple[_Draft, ...], sheet: Sheet, problems: list[Problem]) -> int | None:
    """Who narrates: the one with that role, or else the one with that name."""
    found = [draft.index for draft in drafts if draft.role == Role.NARRATOR]
    if not found:
        found = [draft.index for draft in drafts if draft.role is None and _folded(draft.name) in _NARRATOR_NAMES][:1]
    for extra in found[1:]:
        where = sheet.where(("characters", extra, "role"))
        first = sheet.where(("characters", found[0], "role"))
        problems.append(Problem(what="a second narrator", where=where, expected="one", hint=f"The first: {first}."))
    if drafts and not found and not _misspelt_narrator(drafts):
        hint = "Give the one who reads everything else `role: narrator`."
        problems.append(Problem(what="nobody is the narrator", where=sheet.where(("characters",)), hint=hint))
    return found[0] if found else None


def _misspelt_narrator(drafts: tuple[_Draft, ...]) -> bool:
    """Somebody's role or name is reported as wrong and may well be the narrator's: no second problem for it."""
    return any(not draft.name or (draft.role and draft.role not in tuple(Role)) for draft in drafts)


def _name_problems(drafts: tuple[_Draft, ...], sheet: Sheet) -> Iterator[Problem]:
    owners: dict[str, tuple[int, str]] = {}
    for draft in drafts:
        for step, name in [(-1, draft.name), *enumerate(draft.aliases)]:
            where = sheet.where(("characters", draft.index, *(("name",) if step < 0 else ("aliases", step))))
            yield from _spelling_problems(name, where)
            if not name:
                continue
            index, owner_where = owners.setdefault(_folded(name), (draft.index, where))
            if index != draft.index:
                hint = f"It is at {owner_where} already."
                yield Problem(what=f"the name {shown(name)} belongs to two characters", where=where, hint=hint)


def _spelling_problems(name: str, where: str) -> Iterator[Problem]:
    sign = _SCRIPT_SIGNS.search(name)
    if sign:
        what = f"the name {shown(name)} has {_sign_text(sign.group())}, which a script file reads as its own"
        yield Problem(what=what, where=where, expected="a name without it")
    hidden = next((char for char in name if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\r\t"), "")
    if hidden:
        what = f"the name {shown(name)} has an invisible character (U+{ord(hidden):04X})"
        yield Problem(what=what, where=where, expected="a name without it")


def _sign_text(sign: str) -> str:
    return "a line break or tab" if sign in "\n\r\t\u2028\u2029" else f"`{sign.strip()}`"
