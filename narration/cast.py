"""The cast: who speaks in the book, and what each is to sound like.

Invariant: names and aliases are distinct (case folded), and there is exactly one narrator.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from narration.errors import InputError, Problem
from narration.sheet import Sheet, in_order, problems_of, shown
from narration.table import TABLE_SUFFIXES, Columns, read_table_file
from narration.yaml_sheet import read_yaml_file


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
        voice: the vendor's `voice_prompt`, a description of the sound.
        preview: the vendor's `preview_text`, what the audition says.
        role: narrator or character.
        gender: a hint for attribution.
        aliases: other names in the manuscript.
        first_person: is the "I" of the narration: of the whole book (True) or of the chapters with these numbers.
    """

    name: str
    voice: str = ""
    preview: str = ""
    role: Role = Role.CHARACTER
    gender: Gender = Gender.UNKNOWN
    aliases: tuple[str, ...] = ()
    first_person: bool | tuple[int, ...] = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignLimits:
    """What a service accepts as a voice design.

    Attributes:
        prompt_max_chars: of the description, in code points.
        preview_max_chars: of the preview text, in code points.
        language: ISO 639-1 of the book, whose script the preview must be in; empty leaves that open.

    Source: alibabacloud.com model-studio, qwen-tts voice design: 2,048 and 1,024 characters, description in Chinese or
    English, preview in the language of the request. The unit is not stated; code points is the plain reading.
    """

    prompt_max_chars: int
    preview_max_chars: int
    language: str = ""


_COLUMNS = Columns(
    root="characters",
    names=("name", "role", "gender", "aliases", "first_person", "voice", "preview"),
    required=("name", "voice", "preview"),
)
_NARRATOR_NAMES = frozenset({"narrator", "旁白"})
_SCRIPT_SIGNS = re.compile(r"[:：\n\r\t\u2028\u2029]| \+ |^[#~%;\\\[({-]|[?？]$")
"""What the marked script reads as its own: the end of a name, a joint line, a mark at the start of a line, a doubt."""

# The letters that a language cannot be without, as prefixes of their Unicode names.
_SCRIPTS = {"zh": ("CJK",), "ja": ("HIRAGANA", "KATAKANA", "CJK"), "ko": ("HANGUL",), "ru": ("CYRILLIC",)}
_LATIN = ("LATIN", "FULLWIDTH LATIN")


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
    if not all(number.isdecimal() and int(number) > 0 for number in numbers):
        raise ValueError("true, or a list of chapter numbers")
    return tuple(int(number) for number in numbers)


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
    role: str | None
    aliases: tuple[str, ...]


def load_cast(path: Path, *, limits: DesignLimits | None = None, label: str = "") -> Cast:
    """The cast sheet: YAML with a list `characters`, or a table with the same columns.

    Args:
        path: the file; `.csv`, `.tsv`, `.tab` and `.txt` are tables.
        limits: what the service accepts as a voice design; None leaves that unchecked.
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
        if limits is None:
            break
        places = {key: sheet.where(("characters", draft.index, key)) for key in ("voice", "preview")}
        problems += _design_problems(draft.voice, draft.preview, limits, places)
    try:
        rows = _CastFile.model_validate(sheet.data).characters
    except ValidationError as error:
        raise InputError(*in_order([*problems_of(error, _CastFile, sheet), *problems])) from error
    if problems:
        raise InputError(*in_order(problems))
    return Cast(characters=tuple(_character(row, narrator=index == narrator) for index, row in enumerate(rows)))


def check_designs(
    cast: Cast, *, prompt_max: int, preview_max: int, language: str = "", where: Callable[[int, str], str] | None = None
) -> tuple[Problem, ...]:
    """What a service would refuse of these voice designs, found before any request.

    Args:
        cast: the cast to check.
        prompt_max: longest description, in code points.
        preview_max: longest preview text, in code points.
        language: as in `DesignLimits`.
        where: names the place of a character's key (`index, "voice"`) in messages; by default it has the name.
    """
    limits = DesignLimits(prompt_max_chars=prompt_max, preview_max_chars=preview_max, language=language)
    problems: list[Problem] = []
    for index, character in enumerate(cast.characters):
        places = {key: where(index, key) if where else f"{character.name}, {key}" for key in ("voice", "preview")}
        problems += _design_problems(character.voice, character.preview, limits, places)
    return tuple(problems)


def _character(row: _Row, *, narrator: bool) -> Character:
    aliases: dict[str, str] = {}
    for alias in row.aliases:
        aliases.setdefault(_folded(alias), alias)
    aliases.pop(_folded(row.name), None)
    return Character(
        name=row.name,
        voice=row.voice,
        preview=row.preview,
        role=Role.NARRATOR if narrator else row.role,
        gender=row.gender,
        aliases=tuple(aliases.values()),
        first_person=row.first_person,
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
            voice=texts.get("voice", "").strip(),
            preview=texts.get("preview", "").strip(),
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


def _design_problems(voice: str, preview: str, limits: DesignLimits, places: dict[str, str]) -> Iterator[Problem]:
    longest = (("voice", voice, limits.prompt_max_chars), ("preview", preview, limits.preview_max_chars))
    for key, text, most in longest:
        if len(text) > most:
            yield Problem(what=f"has {len(text):,} characters", where=places[key], expected=f"{most:,} at the most")
    foreign = next((char for char in voice if _is_letter(char) and not _is_script(char, (*_LATIN, "CJK"))), "")
    if foreign:
        name = unicodedata.name(foreign, "an unknown letter").lower()
        what = f"has the letter “{foreign}” ({name})"
        yield Problem(what=what, where=places["voice"], expected="a description in English or Chinese")
    elif voice and not any(map(_is_letter, voice)):
        what = f"found {shown(voice)}"
        yield Problem(what=what, where=places["voice"], expected="a description of the sound, in English or Chinese")
    script = _SCRIPTS.get(limits.language, _LATIN)
    if limits.language and preview and not any(_is_script(char, script) for char in preview):
        what = f"has no letter of the book's language (`{limits.language}`): {shown(preview)}"
        yield Problem(what=what, where=places["preview"], expected="text in the language of the book")


def _is_letter(char: str) -> bool:
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")


def _is_script(char: str, prefixes: tuple[str, ...]) -> bool:
    # Below U+0250 stand only Latin letters and the ordinal and micro signs that Western text uses among them.
    latin = "LATIN" in prefixes and char < "\u0250" and _is_letter(char)
    return latin or (_is_letter(char) and unicodedata.name(char, "").startswith(prefixes))
