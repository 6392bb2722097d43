"""A production: the folder of one book, and what its book.yaml says.

Invariant: a Production that exists is right; every mistake in its files was reported, all at once, before.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from narration.cast import Cast, load_cast
from narration.credits import checked_template
from narration.design_limits import DesignLimits
from narration.edition import Edition, isbn_digits
from narration.errors import InputError, Problem
from narration.formats import DEFAULT_FORMATS, Format
from narration.lexicon.rules import TextRule
from narration.settings.presets import DEFAULT_PRESET
from narration.settings.settings import typed_overrides
from narration.sheets import Sheet, in_order, missing_file, nearest, problems_of
from narration.sheets.yaml import read_yaml_file

LANGUAGES = {
    "zh": "Chinese",
    "en": "English",
    "de": "German",
    "it": "Italian",
    "pt": "Portuguese",
    "es": "Spanish",
    "ja": "Japanese",
    "ko": "Korean",
    "fr": "French",
    "ru": "Russian",
}
"""ISO 639-1 codes of the languages that the service speaks, with its `language_type`.

Source: alibabacloud.com model-studio, qwen-tts voice design, field `language`.
"""

_BOOK_FILE = "book.yaml"
_EDITION = tuple(fact.name for fact in fields(Edition) if fact.name not in ("title", "author", "language"))
_INIT_HINT = "`narrate init DIR --manuscript FILE` makes a production with every key explained."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the retail sample is cut from.

    Attributes:
        chapter: its number; 0 is the first one that is long enough.
        begin, end: words with which it begins and ends; empty leaves that to the program.
    """

    chapter: int = 0
    begin: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """One book to make.

    Attributes:
        folder: where book.yaml is, absolute.
        name: what the ledger calls it: the folder's name unless book.yaml has `id`.
        title, author, language: for tags and requests; `language` is ISO 639-1.
        manuscript, cast: absolute paths.
        profile: name of a profile, or an absolute path.
        budget_usd: the book's total over all runs; None means no cap.
        chapters: what `--chapters` selects by default; empty is all.
        priority: of several books on a shelf, the higher is rendered first.
        lexicon: absolute path of the one that book.yaml names; None is `lexicon.yaml` in the folder, if it is there.
        text_rules: of those that ambiguous text is said by.
        preset: name of a mastering preset, or an absolute path.
        formats: what the book is delivered as.
        subtitle, narrator, series, series_index, description, publisher, year, isbn, copyright: see
            `narration.edition.Edition`.
        cover: absolute path of a picture; None draws one.
        opening, closing: templates of what is said before the first chapter and after the last; empty is nothing.
        sample: what the retail sample is cut from; None makes none.
        overrides: settings that book.yaml changes, as nested keys (`audio`, `check`, `chunks`, `speech`).
    """

    folder: Path
    name: str
    title: str
    author: str
    language: str
    manuscript: Path
    cast: Path
    profile: str = "sandbox"
    budget_usd: float | None = None
    chapters: str = ""
    priority: int = 0
    narrator: str = ""
    lexicon: Path | None = None
    text_rules: tuple[TextRule, ...] = ()
    preset: str = DEFAULT_PRESET
    formats: tuple[Format, ...] = DEFAULT_FORMATS
    subtitle: str = ""
    series: str = ""
    series_index: str = ""
    description: str = ""
    publisher: str = ""
    year: str = ""
    isbn: str = ""
    copyright: str = ""
    cover: Path | None = None
    opening: str = ""
    closing: str = ""
    sample: Sample | None = None
    overrides: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def edition(self) -> Edition:
        """What the finished book says about itself."""
        return Edition(**{fact.name: getattr(self, fact.name) for fact in fields(Edition)})


def _one_line(value: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in value):
        raise ValueError("text on one line")
    return value


def _language(value: object) -> object:
    code = value.strip().lower() if isinstance(value, str) else ""
    if code not in LANGUAGES:
        names = {name.lower(): short for short, name in LANGUAGES.items()}
        near = names.get(code) or (code[:2] if code[:2] in LANGUAGES and code[2:3] in ("-", "_") else "")
        raise ValueError(f"one of {', '.join(LANGUAGES)}" + (f" (here `{near}`)" if near else ""))
    return code


def _year(value: str) -> str:
    if not (len(value) == 4 and value.isdecimal()):
        raise ValueError("a year of four digits")
    return value


def _format(value: object) -> object:
    if value not in tuple(Format):
        near = nearest(str(value), Format)
        raise ValueError(f"one of {', '.join(Format)}" + (f". {near}" if near else ""))
    return value


_Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1)]
_Template = Annotated[str, AfterValidator(checked_template)]


class _CreditsKeys(BaseModel):
    """The table `credits` of book.yaml."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    opening: _Template = Field("", description="text with placeholders such as {title}")
    closing: _Template = Field("", description="text with placeholders such as {title}")


class _SampleKeys(BaseModel):
    """The table `sample` of book.yaml; `sample: auto` is an empty one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    chapter: int = Field(0, ge=1, description="the number of a chapter")
    begin: str = Field("", description="the first words of the sample")
    end: str = Field("", description="the last words of the sample")


def _sample(value: object) -> object:
    return {} if value == "auto" else value


class _BookFile(BaseModel):
    """The keys of book.yaml."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    title: _Line = Field(description="the title of the book")
    author: _Line = Field(description="the author's name")
    language: Annotated[str, BeforeValidator(_language)] = Field(description=f"one of {', '.join(LANGUAGES)}")
    manuscript: _Line = Field(description="the manuscript's file name, seen from this folder")
    cast: _Line = Field(description="the cast sheet's file name, seen from this folder")
    profile: _Line = Field("sandbox", description="the name of a profile, or the path of one")
    budget_usd: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars, 0 or more")
    id: Annotated[str, AfterValidator(_one_line), Field(max_length=100)] = Field(
        "", description="a name for the ledger"
    )
    chapters: _Line = Field("", description="chapter numbers such as 1-3, 5")
    priority: int = Field(0, ge=-100, le=100, description="a whole number; of several books the higher goes first")
    audio: dict[str, object] = Field(default_factory=dict, description="keys and values of the table `audio`")
    check: dict[str, object] = Field(default_factory=dict, description="keys and values of the table `check`")
    chunks: dict[str, object] = Field(default_factory=dict, description="keys and values of the table `chunks`")
    speech: dict[str, object] = Field(default_factory=dict, description="keys and values of the table `speech`")
    lexicon: _Line = Field("", description="the lexicon's file name, seen from this folder")
    text_rules: tuple[TextRule, ...] = Field((), description="a list of names of text rules")
    preset: _Line = Field(DEFAULT_PRESET, description="the name of a preset, or the path of one")
    formats: tuple[Annotated[Format, BeforeValidator(_format)], ...] = Field(
        DEFAULT_FORMATS, min_length=1, description=f"a list of {', '.join(Format)}"
    )
    subtitle: _Line = Field("", description="the subtitle")
    narrator: _Line = Field("", description="who reads, as listeners are told")
    series: _Line = Field("", description="the name of the series")
    series_index: Annotated[_Line, Field(max_length=10)] = Field("", description="the place in the series, such as 2")
    description: str = Field("", description="what the book is about, plain text")
    publisher: _Line = Field("", description="who publishes the audiobook")
    year: Annotated[str, AfterValidator(_year)] = Field("", description="a year of four digits")
    isbn: Annotated[str, AfterValidator(isbn_digits)] = Field("", description="an ISBN of 10 or 13 digits")
    copyright: _Line = Field("", description="the copyright line")
    cover: _Line = Field("", description="the cover's file name, seen from this folder")
    credits: _CreditsKeys = Field(default_factory=_CreditsKeys, description="a table with `opening` and `closing`")
    sample: Annotated[_SampleKeys | None, BeforeValidator(_sample)] = Field(
        None, description="`auto`, or a table with `chapter`, `begin` and `end`"
    )


ProfileRules = Callable[[str, str], DesignLimits | None]
"""What the service of a profile accepts as a voice design: of a character's own, empty where it has none, and of the
book's, empty where book.yaml could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """book.yaml as far as it could be read, so that the cast can be read as well before anything is reported."""

    problems: tuple[Problem, ...]
    production: Production | None = None
    cast: Path | None = None
    language: str = ""


def load(folder: Path, limits: DesignLimits | ProfileRules | None = None) -> tuple[Production, Cast]:
    """A production and its cast.

    Args:
        folder: the production, or its book.yaml.
        limits: what the service accepts as a voice design, for all, or by profile; the book's language is filled in
            when it has none.

    Raises:
        InputError: with every mistake of both files.
    """
    reading = _read(folder)
    problems = list(reading.problems)
    cast = None
    if reading.cast is not None:
        root, production = _root(folder), reading.production

        def rules(written: str) -> DesignLimits | None:
            own, default = profile_at(written, root) if written else "", production.profile if production else ""
            found = limits(own, default) if callable(limits) else limits
            return replace(found, language=reading.language) if found and not found.language else found

        try:
            cast = load_cast(reading.cast, limits=rules, label=_label(reading.cast, root))
        except InputError as error:
            problems += error.problems
    if problems or reading.production is None or cast is None:
        raise InputError(*problems)
    return reading.production, cast


def load_production(folder: Path) -> Production:
    """What book.yaml says.

    Args:
        folder: the production, or its book.yaml.

    Raises:
        InputError: with every mistake of the file.
    """
    reading = _read(folder)
    if reading.problems or reading.production is None:
        raise InputError(*reading.problems)
    return reading.production


def _root(folder: Path) -> Path:
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - `resolve` would follow a link to another name
    return folder.parent if folder.is_file() and folder.suffix in (".yaml", ".yml") else folder


def _label(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _read(folder: Path) -> _Reading:
    root = _root(folder)
    missing = _missing_book(root, folder)
    if missing:
        return _Reading(problems=(missing,))
    book_file = folder if folder.is_file() else root / _BOOK_FILE
    try:
        sheet = read_yaml_file(book_file)
    except InputError as error:
        usual = root / "cast.yaml"
        return _Reading(problems=error.problems, cast=usual if usual.is_file() else None)
    problems = list(sheet.problems)
    paths = _paths(sheet, root, problems)
    overrides = _overrides(sheet, problems)
    try:
        book = _BookFile.model_validate(sheet.data)
    except ValidationError as error:
        problems += problems_of(error, _BookFile, sheet)
        return _Reading(problems=in_order(problems), cast=paths.get("cast"))
    if problems:
        return _Reading(problems=in_order(problems), cast=paths.get("cast"), language=book.language)
    production = Production(
        folder=root,
        name=book.id or root.name or "book",
        title=book.title,
        author=book.author,
        language=book.language,
        manuscript=paths["manuscript"],
        cast=paths["cast"],
        profile=profile_at(book.profile, root),
        budget_usd=book.budget_usd,
        chapters=book.chapters,
        priority=book.priority,
        lexicon=root / book.lexicon if book.lexicon else None,
        text_rules=book.text_rules,
        preset=profile_at(book.preset, root),
        formats=tuple(found for found in Format if found in book.formats),
        cover=paths.get("cover"),
        opening=book.credits.opening,
        closing=book.credits.closing,
        sample=Sample(**book.sample.model_dump()) if book.sample is not None else None,
        **{name: getattr(book, name) for name in _EDITION},
        overrides=overrides,
    )
    return _Reading(problems=(), production=production, cast=paths["cast"], language=book.language)


def _missing_book(root: Path, given: Path) -> Problem | None:
    if not root.exists():
        siblings = [entry.name for entry in root.parent.iterdir() if entry.is_dir()] if root.parent.is_dir() else []
        hint = f"{nearest(root.name, siblings)} {_INIT_HINT}".strip()
        return Problem(what="there is no such folder", where=str(given), hint=hint)
    if not root.is_dir():
        return Problem(what="is a file", where=str(given), expected=f"a folder with a {_BOOK_FILE}", hint=_INIT_HINT)
    if given.is_file() or (root / _BOOK_FILE).exists():
        return None
    similar = nearest(_BOOK_FILE, [entry.name for entry in root.iterdir() if "book" in entry.name.lower()])
    hint = f"{similar} {_INIT_HINT}".strip()
    return Problem(what=f"the folder has no {_BOOK_FILE}", where=str(given), hint=hint)


def _paths(sheet: Sheet, root: Path, problems: list[Problem]) -> dict[str, Path]:
    """The manuscript, the cast sheet and the cover, those that are there."""
    found: dict[str, Path] = {}
    for key in ("manuscript", "cast", "cover"):
        written = sheet.data.get(key)
        if not isinstance(written, str) or not written.strip() or "\0" in written:
            continue
        path = Path(os.path.normpath(root / written.strip()))
        missing = missing_file(path, sheet.where((key,)))
        if missing:
            problems.append(missing)
        else:
            found[key] = path
    return found


def profile_at(written: str, root: Path) -> str:
    """A profile's name as it is, a path as seen from the production, absolute."""
    is_path = "/" in written or os.sep in written or written.endswith(".toml")
    return os.path.normpath(root / written) if is_path else written


def _overrides(sheet: Sheet, problems: list[Problem]) -> dict[str, dict[str, object]]:
    overrides: dict[str, dict[str, object]] = {}
    for table in ("audio", "check", "chunks", "speech"):
        written = sheet.data.get(table)
        if isinstance(written, Mapping):
            places = {str(key): sheet.where((table, str(key))) for key in written}
            typed, wrong = typed_overrides(table, written, places)
            problems += wrong
            if typed:
                overrides[table] = typed
    return overrides
