"""What Tab offers behind an option or an argument: names that are there.

Invariant: completion never fails and never writes; where a file cannot be read it offers nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from flows.cli.here import is_production


def _matching(found: Iterable[tuple[str, str]], unfinished: str) -> list[tuple[str, str]]:
    return [(word, about) for word, about in found if word.casefold().startswith(unfinished.casefold())]


def _folder() -> Path:
    """The production that is typed already, before or behind; or where the user is."""
    typed = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    folders = (Path(word).expanduser() for word in typed.split())
    return next((folder for folder in folders if is_production(folder)), Path())


def profiles(unfinished: str) -> list[tuple[str, str]]:
    """The packaged profiles and the TOML files of the folder."""
    from narration.errors import NarrationError
    from narration.settings.profiles import profile_names
    from narration.settings.settings import load_settings

    found = []
    for name in profile_names():
        about = ""
        with suppress(NarrationError, OSError):
            service = load_settings(name, environ={}).service
            about = "offline, free" if service.sandbox else f"{service.kind}, {service.region}"
        found.append((name, about))
    found += [(f"./{path.name}", "a file here") for path in sorted(Path().glob("*.toml")) if path.stem != "pyproject"]
    return _matching(found, unfinished)


def presets(unfinished: str) -> list[tuple[str, str]]:
    """The packaged presets."""
    from narration.settings.presets import preset_names, read_preset

    return _matching(((name, read_preset(name).title) for name in preset_names()), unfinished)


def formats(unfinished: str) -> list[tuple[str, str]]:
    """The formats, also behind the comma of a list."""
    from narration.formats import Format

    before, comma, last = unfinished.rpartition(",")
    taken = before.split(",")
    found = [(f"{before}{comma}{name}", "") for name in Format if name not in taken]
    return _matching([*found, ("all", "")] if not comma else found, f"{before}{comma}{last}")


def characters(unfinished: str) -> list[tuple[str, str]]:
    """Who is in the cast sheet of the production."""
    from narration.errors import NarrationError
    from narration.production import load

    try:
        _, cast = load(_folder())
    except (NarrationError, OSError):
        return []
    return _matching(((character.name, str(character.role or "")) for character in cast.characters), unfinished)


def chapters(unfinished: str) -> list[tuple[str, str]]:
    """The numbers of the chapters with their titles; also behind the comma or dash of a selection."""
    from narration.errors import NarrationError
    from narration.manuscript import read_manuscript
    from narration.production import load

    try:
        production, _ = load(_folder())
        book = read_manuscript(production.manuscript, language=production.language)
    except (NarrationError, OSError):
        return []
    at = max(unfinished.rfind(","), unfinished.rfind("-")) + 1
    found = ((f"{unfinished[:at]}{chapter.number}", chapter.title or "") for chapter in book.chapters)
    return _matching(found, unfinished)


def languages(unfinished: str) -> list[tuple[str, str]]:
    """The languages of a book."""
    from narration.production import LANGUAGES

    return _matching(LANGUAGES.items(), unfinished)


def groups(unfinished: str) -> list[tuple[str, str]]:
    """By what the ledger can be added up."""
    from narration.memory.totals import GROUPS

    return _matching(((name, "") for name in GROUPS), unfinished)
