"""What a command takes from where the user is: the production in this folder, its profile, its finished files.

Invariant: whatever can be said by an option is said by the option first.
"""

from __future__ import annotations

from pathlib import Path

from narration.errors import InputError, Problem

BOOK_FILE = "book.yaml"
SANDBOX = "sandbox"


def is_production(folder: Path) -> bool:
    """Whether a folder has a book.yaml."""
    return (folder / BOOK_FILE).is_file()


def profile_or_here(profile: str | None) -> str:
    """A profile for commands that ask an account and no book: the option, or that of the production here, or sandbox.

    Raises:
        InputError: book.yaml is here and wrong.
    """
    if profile is not None or not is_production(Path()):
        return profile or SANDBOX
    from narration.production import load

    return load(Path())[0].profile


def finished_files(folder: Path, preset: str | None) -> tuple[Path, str]:
    """Where finished files are, and which preset they are held against: a production's own, else what was said.

    Raises:
        InputError: book.yaml is there and wrong, or nothing was rendered yet.
    """
    from narration.settings.presets import DEFAULT_PRESET

    if not is_production(folder):
        return folder, preset or DEFAULT_PRESET
    from narration.production import load

    production, _ = load(folder)
    out = folder / "out"
    if not out.is_dir():
        hint = f"`narrate render {folder}` makes it."
        raise InputError(Problem(what="nothing has been rendered yet: there is no out/", where=str(folder), hint=hint))
    return out, preset or production.preset


def folder_and_lines(words: list[str] | None) -> tuple[Path, list[str]]:
    """The production and the lines of `[DIR] LINE…`; without a folder, the one where the user is."""
    from narration.place import place_of

    first, *others = words or [""]
    if not first or place_of(first) is not None or (":" in first and not Path(first).exists()):
        return Path(), list(words or [])
    return Path(first), others
