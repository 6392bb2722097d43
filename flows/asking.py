"""`narrate script --ask-model`, from a production to labelled scripts: what is asked, at what cost, with what answers.

Invariant: everything that can be wrong in files, options and environment is found before anything is spent; whatever
stops the asking, the scripts are written with the answers that are there.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.booths import linked, service_key, speaking
from flows.places import default_store
from narration.ask import Asked, Asking, ask_all, make_asking
from narration.book import Book, ChapterScript
from narration.booth import one_booth
from narration.cast import Cast
from narration.desk import open_desk
from narration.keep import recover
from narration.memory.claims import this_run
from narration.memory.store import Store, open_store
from narration.production import Production
from narration.script import script_book
from narration.script.questions import Question, questions_of
from narration.script.verdicts import Rejected, Verdict, relabelled, verdicts_of
from narration.services.chat import chat_price, open_chat
from narration.services.protocol import Price
from narration.settings.chat import chat_place, is_own_host, other_host_key
from narration.settings.settings import Settings, load_settings
from narration.write_script import Written, drafted_scripts, write_scripts

log = logging.getLogger("narration.asking")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskJob:
    """A production whose doubtful lines are to be asked about; nothing spent.

    Attributes:
        production, cast, book, settings: as read.
        chapters: numbers that were selected; None is all.
        budget_usd: cap of this run, or None.
        store: open.
        fresh: the chapters as attribution makes them.
        questions: those with a line that is in doubt in its script as well.
        open_lines: how many such lines there are.
        price: of the model's tokens.
    """

    production: Production
    cast: Cast
    book: Book
    settings: Settings
    chapters: frozenset[int] | None
    budget_usd: float | None
    store: Store
    fresh: tuple[ChapterScript, ...]
    questions: tuple[Question, ...]
    open_lines: int
    price: Price

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the sandbox that is asked, which reads nothing and charges nothing."""
        return self.settings.service.sandbox and is_own_host(self.settings.chat, self.settings.service.base_url)

    async def asking(self) -> Asking:
        """Compare the questions with the store."""
        return await make_asking(self.store, self.questions, self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What the model's answers came to.

    Attributes:
        verdicts: by chapter and where the line begins.
        rejected: answers that are no list of labels.
    """

    verdicts: Mapping[int, Mapping[int, Verdict]] = field(default_factory=dict)
    rejected: int = 0

    @property
    def named(self) -> int:
        """Lines that the model named a speaker for."""
        return sum(len(some) for some in self.verdicts.values())

    @property
    def accepted(self) -> int:
        """Those that lost their `?`."""
        return sum(verdict.sure for some in self.verdicts.values() for verdict in some.values())


def open_ask_job(
    production: Production,
    cast: Cast,
    book: Book,
    environ: Mapping[str, str],
    *,
    chapters: frozenset[int] | None,
    profile: str | None,
    store: str | None,
    budget_usd: float | None,
) -> AskJob:
    """Read everything that asking needs, the scripts that are there included.

    Raises:
        InputError: with every mistake found; a key that is missing among them.
        StoreError: the store cannot be opened.
    """
    settings = load_settings(profile or production.profile, environ=environ, overrides=production.overrides)
    service_key(settings, environ)  # what a dead run left open is brought to an end first, whoever is asked
    chat_key(settings, environ)
    place = chat_place(settings.chat, settings.service.base_url, settings.service.region)
    price = chat_price(settings.chat, place)
    fresh = script_book(book, cast, language=production.language)
    drafts = drafted_scripts(production, cast, book, fresh, chapters=chapters)
    questions = [
        question
        for question in questions_of(fresh, cast, chat=settings.chat, place=place)
        if question.chapter in drafts and _open_lines(question, drafts[question.chapter])
    ]
    return AskJob(
        production=production,
        cast=cast,
        book=book,
        settings=settings,
        chapters=chapters,
        budget_usd=budget_usd,
        store=open_store(store or default_store(environ)),
        fresh=fresh,
        questions=tuple(questions),
        open_lines=sum(_open_lines(question, drafts[question.chapter]) for question in questions),
        price=price,
    )


def chat_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """The key that the language model's host gets: the service's own there, else one of that host's own.

    Raises:
        InputError: there is none.
    """
    if is_own_host(settings.chat, settings.service.base_url):
        return service_key(settings, environ)
    return other_host_key(settings.chat, environ)


def _open_lines(question: Question, draft: ChapterScript) -> int:
    """How many lines of a question are in doubt in the script as well, where a person may have accepted some."""
    doubtful = [line for line in draft.lines if line.doubtful]
    return sum(any(line.start < doubt.end and doubt.start < line.end for line in doubtful) for doubt in question.doubts)


async def ask(job: AskJob, asking: Asking, environ: Mapping[str, str]) -> Asked:
    """Ask what nobody has answered yet; with nothing to ask, no service is opened.

    Raises:
        NarrationError: the asking could not begin (no service, no store).
    """
    if not asking.to_ask:
        return Asked(answers=dict(asking.answers), refused=len(asking.refused))
    seating = linked(one_booth(job.settings), environ, job.store)
    async with speaking(seating, environ) as services:
        settings = services[seating.main][1]
        chat = open_chat(settings, chat_key(settings, environ))
        try:
            async with open_desk(
                store=job.store,
                services=services,
                main=seating.main,
                run=this_run(),
                production=job.production.name,
                book_cap_usd=job.production.budget_usd,
                run_cap_usd=job.budget_usd,
            ) as desk:
                await recover(desk)
                return await ask_all(desk, chat, settings, asking)
        finally:
            await chat.aclose()


def label(job: AskJob, asked: Asked) -> Labelled:
    """Believe the answers as far as they are labels. The sandbox reads nothing: what it says is never accepted."""
    verdicts: dict[int, dict[int, Verdict]] = {}
    rejected = 0
    accept_above = math.inf if job.is_sandbox else job.settings.chat.accept_above
    for question in job.questions:
        answer = asked.answers.get(question.ask.ask_id)
        if answer is None:
            continue
        try:
            found = verdicts_of(question, answer.said, accept_above=accept_above)
        except Rejected as error:
            log.warning("chapter %d: an answer of %s is rejected: %s", question.chapter, answer.ask.model, error.why)
            rejected += 1
            continue
        verdicts.setdefault(question.chapter, {}).update({verdict.start: verdict for verdict in found})
    return Labelled(verdicts=verdicts, rejected=rejected)


def write_labelled(job: AskJob, labelled: Labelled, *, explain: bool) -> Written:
    """Write the scripts with the labels.

    Raises:
        InputError, StoreError: as `narration.write_script.write_scripts` raises.
    """
    fresh: Sequence[ChapterScript] = [
        relabelled(script, labelled.verdicts.get(script.chapter.number, {})) for script in job.fresh
    ]
    return write_scripts(job.production, job.cast, job.book, chapters=job.chapters, explain=explain, fresh=fresh)
