"""Opening what a run needs: production, cast, settings, key, store, service.

Invariant: everything that can be wrong in files, options and environment is found here, before anything is spent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.booths import design_rules, linked, seating_of
from flows.places import default_store
from narration.book import Book, ChapterScript
from narration.booth import Seating
from narration.cast import Cast
from narration.credits import credits_scripts, with_credits
from narration.formats import Format
from narration.hearing import RecogniserKind
from narration.lexicon import LEXICON_FILE, Lexicon
from narration.lexicon.sheet import load_lexicon
from narration.manuscript import read_manuscript
from narration.memory.choices import Choices
from narration.memory.refusals import Refusals
from narration.memory.store import Store, open_store
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.pickups import load_pickups
from narration.plan import Plan, make_plan
from narration.production import Production, load
from narration.script_files import chapter_scripts
from narration.selection import select_chapters
from narration.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for.

    Attributes:
        folder: the production.
        profile: instead of the production's, or None.
        chapters: a selection (`1-3`), or None.
        out: where the audiobook goes, or None for `out/` in the production.
        store: folder or URL, or None for the default.
        budget_usd: cap of this run, or None.
        redesign_missing: whether voices that the service no longer has are made anew.
        preset: of mastering, instead of the production's, or None.
        formats: to deliver, instead of the production's, or None.
        speak_only: fill the store, and deliver nothing.
    """

    folder: Path
    profile: str | None = None
    chapters: str | None = None
    out: Path | None = None
    store: str | None = None
    budget_usd: float | None = None
    redesign_missing: bool = False
    preset: str | None = None
    formats: tuple[Format, ...] | None = None
    speak_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A production, opened: everything known, nothing spent.

    Attributes:
        request: what was asked.
        production, cast, book: as read.
        seating: who sits in which booth.
        chapters: numbers that were selected; None is all.
        scripts: the lines of chapters that have a script file, by number.
        lexicon: how words are said.
        store: open.
        out: where the audiobook goes.
    """

    request: Request
    production: Production
    cast: Cast
    book: Book
    seating: Seating
    chapters: frozenset[int] | None
    scripts: Mapping[int, ChapterScript]
    lexicon: Lexicon
    store: Store
    out: Path

    @property
    def settings(self) -> Settings:
        """Of the production's own booth."""
        return self.seating.settings

    async def plan(self) -> Plan:
        """Compare the book with the store."""
        return await make_plan(
            self.production,
            self.cast,
            self.book,
            self.seating,
            takes=Takes(self.store),
            voices=Voices(self.store),
            refusals=Refusals(self.store),
            choices=Choices(self.store),
            chapters=self.chapters,
            scripts=self.scripts,
            lexicon=self.lexicon,
            pickups=load_pickups(self.production.folder),
        )


def open_job(
    request: Request, environ: Mapping[str, str], *, needs_key: bool, recogniser: RecogniserKind | None = None
) -> Job:
    """Read everything that a run needs.

    Args:
        request: what the user asked for.
        environ: the process's environment.
        needs_key: whether a missing key is a mistake; a plan does without.
        recogniser: who hears the takes, instead of the one of book.yaml.

    Raises:
        InputError: with every mistake found.
        StoreError: the store cannot be opened.
    """
    rules = design_rules(environ, request.profile)
    production, cast = load(request.folder, rules)
    production = dataclasses.replace(
        production, preset=request.preset or production.preset, formats=request.formats or production.formats
    )
    if recogniser is not None:
        check = {**production.overrides.get("check", {}), "recogniser": recogniser.value}
        production = dataclasses.replace(production, overrides={**production.overrides, "check": check})
    seating = seating_of(production, cast, environ, profile=request.profile, needs_key=needs_key)
    if seating.settings.check.recogniser is not RecogniserKind.NONE:
        from narration.services.transcribe import check_recogniser  # what asks one is loaded where there is one

        check_recogniser(seating.settings, production.language)
    if production.cover is not None:
        from narration.deliver.cover import checked_cover  # pictures are read where there is one

        checked_cover(production.cover)
    book = read_manuscript(production.manuscript, language=production.language)
    selection = request.chapters or production.chapters
    chapters = select_chapters(selection, book) if selection else None
    scripts = chapter_scripts(production.folder, book, cast, chapters=chapters)
    book = with_credits(book, production.edition, production.opening, production.closing)
    scripts = scripts | credits_scripts(book, cast.narrator.name)
    store = open_store(request.store or default_store(environ))
    return Job(
        request=request,
        production=production,
        cast=cast,
        book=book,
        seating=linked(seating, environ, store),
        chapters=chapters,
        scripts=scripts,
        lexicon=open_lexicon(production, cast),
        store=store,
        out=(request.out or production.folder / "out").absolute(),
    )


def open_lexicon(production: Production, cast: Cast) -> Lexicon:
    """The lexicon that book.yaml names, or `lexicon.yaml` beside it if there is one.

    Raises:
        InputError: with every mistake of the file.
    """
    path = production.lexicon or production.folder / LEXICON_FILE
    return load_lexicon(path, cast, language=production.language, required=production.lexicon is not None)
