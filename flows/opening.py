"""Opening what a run needs: production, cast, settings, key, store, service.

Invariant: everything that can be wrong in files, options and environment is found here, before anything is spent.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.places import default_store, sandbox_state
from flows.sandbox_process import sandbox
from narration.book import Book, ChapterScript
from narration.cast import Cast, DesignLimits, check_designs
from narration.errors import InputError, Problem
from narration.lexicon import LEXICON_FILE, Lexicon
from narration.lexicon_sheet import load_lexicon
from narration.manuscript import read_manuscript
from narration.plan import Plan, make_plan
from narration.production import Production, load
from narration.refusals import Refusals
from narration.sandbox.launch import account_key
from narration.script_files import chapter_scripts
from narration.selection import select_chapters
from narration.services import check_region, key_fingerprint, open_service
from narration.services.limits import families, limits_of
from narration.services.protocol import SpeechService
from narration.settings import Settings, api_key, load_settings
from narration.store import Store, open_store
from narration.takes import Takes
from narration.voices import Voices

log = logging.getLogger("narration.opening")


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
    """

    folder: Path
    profile: str | None = None
    chapters: str | None = None
    out: Path | None = None
    store: str | None = None
    budget_usd: float | None = None
    redesign_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A production, opened: everything known, nothing spent.

    Attributes:
        request: what was asked.
        production, cast, book, settings: as read.
        chapters: numbers that were selected; None is all.
        scripts: the lines of chapters that have a script file, by number.
        lexicon: how words are said.
        store: open.
        account: fingerprint of the key; None without one.
        out: where the audiobook goes.
    """

    request: Request
    production: Production
    cast: Cast
    book: Book
    settings: Settings
    chapters: frozenset[int] | None
    scripts: Mapping[int, ChapterScript]
    lexicon: Lexicon
    store: Store
    account: str | None
    out: Path

    async def plan(self) -> Plan:
        """Compare the book with the store."""
        return await make_plan(
            self.production,
            self.cast,
            self.book,
            self.settings,
            takes=Takes(self.store),
            voices=Voices(self.store),
            refusals=Refusals(self.store),
            account=self.account,
            chapters=self.chapters,
            scripts=self.scripts,
            lexicon=self.lexicon,
        )


def open_job(request: Request, environ: Mapping[str, str], *, needs_key: bool) -> Job:
    """Read everything that a run needs.

    Args:
        request: what the user asked for.
        environ: the process's environment.
        needs_key: whether a missing key is a mistake; a plan does without.

    Raises:
        InputError: with every mistake found.
        StoreError: the store cannot be opened.
    """
    production, cast = load(request.folder, _design_limits())
    settings = load_settings(request.profile or production.profile, environ=environ, overrides=production.overrides)
    _check_service(production, cast, settings)
    key = _key(settings, environ, needed=needs_key)
    book = read_manuscript(production.manuscript, language=production.language)
    selection = request.chapters or production.chapters
    chapters = select_chapters(selection, book) if selection else None
    scripts = chapter_scripts(production.folder, book, cast, chapters=chapters)
    return Job(
        request=request,
        production=production,
        cast=cast,
        book=book,
        settings=settings,
        chapters=chapters,
        scripts=scripts,
        lexicon=open_lexicon(production, cast),
        store=open_store(request.store or default_store(environ)),
        account=key_fingerprint(key) if key else None,
        out=(request.out or production.folder / "out").absolute(),
    )


def open_lexicon(production: Production, cast: Cast) -> Lexicon:
    """The lexicon that book.yaml names, or `lexicon.yaml` beside it if there is one.

    Raises:
        InputError: with every mistake of the file.
    """
    path = production.lexicon or production.folder / LEXICON_FILE
    return load_lexicon(path, cast, language=production.language, required=production.lexicon is not None)


def _check_service(production: Production, cast: Cast, settings: Settings) -> None:
    """See that the profile's service can design and speak this cast where it is.

    Raises:
        InputError: with every mistake found.
    """
    kind = settings.service.kind
    check_region(settings.service)
    if kind not in families():
        return  # `open_service` says what is wrong with it
    limits = limits_of(kind)
    problems = list(check_designs(cast, prompt_max=limits.prompt_max_chars, preview_max=limits.preview_max_chars))
    if production.language not in limits.languages:
        known = ", ".join(limits.languages)
        what = f"{kind} has no designed voices for the book's language, {production.language!r}"
        problems.append(Problem(what=what, where=f"profile {settings.service.profile}", expected=f"one of {known}"))
    if problems:
        raise InputError(*problems)


def _design_limits() -> DesignLimits:
    limits = limits_of("qwen")
    return DesignLimits(prompt_max_chars=limits.prompt_max_chars, preview_max_chars=limits.preview_max_chars)


def _key(settings: Settings, environ: Mapping[str, str], *, needed: bool) -> str | None:
    try:
        return service_key(settings, environ)
    except InputError:
        if needed:
            raise
        return None


def service_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """The key of the profile's service; for a sandbox that is started here, that of its state folder.

    Raises:
        InputError: there is none, or the state folder cannot be written.
    """
    if settings.service.sandbox and not settings.service.base_url:
        state = sandbox_state(environ)
        try:
            return account_key(state)
        except OSError as error:
            raise InputError(
                Problem(
                    what=f"the folder {state} cannot be written: {error.strerror}",
                    where="NARRATION_HOME",
                    expected="a folder of your own",
                )
            ) from error
    return api_key(settings, environ)


@asynccontextmanager
async def speaking(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[tuple[SpeechService, Settings]]:
    """Open the speech service; for the sandbox profile, start one and stop it at the end.

    Yields:
        The service, and the settings with the address it is at.

    Raises:
        InputError: there is no key.
        ToolError: the sandbox does not start.
    """
    key = service_key(settings, environ)
    if settings.service.sandbox and not settings.service.base_url:
        async with sandbox(sandbox_state(environ)) as base_url:
            placed = dataclasses.replace(settings, service=dataclasses.replace(settings.service, base_url=base_url))
            async with _opened(placed, key) as service:
                yield service, placed
    else:
        async with _opened(settings, key) as service:
            yield service, settings


@asynccontextmanager
async def _opened(settings: Settings, key: str) -> AsyncIterator[SpeechService]:
    service = open_service(settings, key)
    try:
        yield service
    finally:
        await service.aclose()
