"""Takes → what a recogniser heard of them: bought once like any paid call, kept, and never asked for again.

Invariant: a sound that was heard is never sent again, by any run; money is reserved for the most that a hearing can
cost before it is sent. Whatever stops the hearing, the takes stay as they are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from narration.check.hearing import every_word_heard, is_audible, is_sampled, word_flaws
from narration.check.takes import Flaw
from narration.check.words import expected_words
from narration.errors import NarrationError, TextRefused
from narration.hearing import ACTION, KIND, Hearing, HearingAsk, RecogniserKind
from narration.keep import keep_hearing
from narration.memory.replies import hearings_in
from narration.once import once
from narration.purchase import Bought, Order, buy
from narration.row import Row
from narration.services.pace import Pacer
from narration.services.pricing import seconds_usd
from narration.services.protocol import OpenGate
from narration.services.transcribe import most_seconds, recogniser_place
from narration.settings.recogniser import model_of
from narration.take import Receipt

if TYPE_CHECKING:
    from narration.desk import Desk
    from narration.memory.store import Store
    from narration.memory.takes import Takes
    from narration.services.protocol import Gate, Price
    from narration.services.recogniser import Recogniser
    from narration.settings.settings import Settings
    from narration.take import Take

log = logging.getLogger("narration.listen")

OFFLINE_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A take that may be heard.

    Attributes:
        take: its take.
        text: the words as the book has them.
        chapter, character: for the ledger.
    """

    take: Take
    text: str
    chapter: int = 0
    character: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who hears, in this run.

    Attributes:
        recogniser: open.
        pacer: holds its rate.
        price: of a second.
    """

    recogniser: Recogniser
    pacer: Pacer
    price: Price


@dataclass(slots=True, kw_only=True)
class Listening:
    """What a run knows of what was heard; it lives as long as the run.

    Attributes:
        settings: of the production's own booth; they say who hears.
        store: where hearings are kept.
        known: what was heard, by ask id.
        bought: how many hearings were paid for in this run.
        heard: how many takes were heard in this run, those for nothing included.
        cost_usd: what they cost.
        error: why not all takes were heard, or None.
        refused: takes that the recogniser did not take, by take id, and why.
        texts: what the book has where a take is heard, by take id: a respelled word may be heard as it is written.
    """

    settings: Settings
    store: Store
    known: dict[str, Hearing] = field(default_factory=dict)
    bought: int = 0
    heard: int = 0
    cost_usd: float = 0.0
    error: NarrationError | None = None
    refused: dict[str, NarrationError] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> bool:
        """Whether the book asks for a recogniser."""
        return self.settings.check.recogniser is not RecogniserKind.NONE

    def to_hear(self, takes: Iterable[Take]) -> tuple[Take, ...]:
        """Takes that are to be heard and were not yet; each sound once."""
        if not self.wanted:
            return ()
        found: dict[str, Take] = {}
        for take in takes:
            if self._is_due(take) and (ask_id := self.ask_of(take).ask_id) not in self.known:
                found.setdefault(ask_id, take)
        return tuple(found.values())

    def ask_of(self, take: Take) -> HearingAsk:
        """What is asked about a take."""
        kind = self.settings.check.recogniser
        told = kind is RecogniserKind.OFFLINE
        return HearingAsk(
            kind=kind.value,
            place=recogniser_place(self.settings),
            model=model_of(kind, self.settings.recogniser),
            sha256=take.sha256,
            language=take.ask.language,
            expected=expected_words(take.ask.text) if told else "",
        )

    async def look_up(self, takes: Iterable[Take]) -> None:
        """Read what the store knows of takes.

        Raises:
            StoreError: the store cannot be read.
        """
        asks = [self.ask_of(take).ask_id for take in self.to_hear(takes)]
        self.known |= await hearings_in(self.store).find(asks)

    def hearing(self, take: Take) -> Hearing | None:
        """What was heard of a take, or None."""
        return self.known.get(self.ask_of(take).ask_id) if self.wanted and self._is_due(take) else None

    def flaws(self, take: Take) -> tuple[Flaw, ...]:
        """What is wrong with the words of a take."""
        return word_flaws(take, self.hearing(take), self.texts.get(take.take_id, ""), self.settings.check)

    def every_word(self, take: Take) -> bool:
        """Whether exactly the words of a take were heard."""
        return every_word_heard(take, self.hearing(take), self.texts.get(take.take_id, ""))

    def is_heard(self, take: Take) -> bool:
        """Whether a recogniser followed a take's words."""
        hearing = self.hearing(take)
        return hearing is not None and hearing.said.followed

    def _is_due(self, take: Take) -> bool:
        return is_audible(take) and is_sampled(take.take_id, self.settings.recogniser.sample)


def most_usd(listening: Listening, takes: Iterable[Take], price: Price) -> float:
    """What it costs at the most to hear what was not heard yet; retries in doubt left out."""
    return sum(seconds_usd(price, most_seconds(take.measures.audio_s)) for take in listening.to_hear(takes))


def ears_of(recogniser: Recogniser, price: Price, settings: Settings, halted: Callable[[], bool]) -> Ears:
    """A recogniser with its rate."""
    per_minute = settings.recogniser.per_minute
    pacer = Pacer(
        per_minute=per_minute,
        per_second=per_minute / 60,
        in_flight=settings.limits.in_flight,
        halted=halted,
    )
    return Ears(recogniser=recogniser, pacer=pacer, price=price)


async def listen(desk: Desk | None, ears: Ears, listening: Listening, spoken: Iterable[Spoken], takes: Takes) -> None:
    """Have everything heard that is to be, and was not yet.

    Args:
        desk: of the run; not needed for a recogniser of this machine.
        ears: who hears.
        listening: is told what was heard, and why not all was.
        spoken: the takes.
        takes: the store of their sounds.
    """
    by_id = {one.take.take_id: one for one in spoken}
    listening.texts |= {take_id: one.text for take_id, one in by_id.items()}
    due = listening.to_hear(one.take for one in by_id.values())
    at_once = asyncio.Semaphore(OFFLINE_AT_ONCE if desk is None else listening.settings.limits.in_flight * 2)

    async def one(take: Take) -> None:
        async with at_once:
            if listening.error is None and take.take_id not in listening.refused:
                await _heard(desk, ears, listening, by_id[take.take_id], takes)

    await asyncio.gather(*(one(take) for take in due))


async def _heard(desk: Desk | None, ears: Ears, listening: Listening, spoken: Spoken, takes: Takes) -> None:
    """One take: heard, refused, or given up with all that follow."""
    ask = listening.ask_of(spoken.take)
    try:
        if listening.settings.check.recogniser is RecogniserKind.OFFLINE:
            hearing, bought = await _for_nothing(ears, listening, ask, spoken, takes), False
        elif desk is None:
            return
        else:
            hearing, bought = await hearing_of_take(desk, ears, ask, spoken, takes)
    except TextRefused as error:
        log.warning("chapter %d: a take was not heard: %s", spoken.chapter, error)
        listening.refused[spoken.take.take_id] = error
    except NarrationError as error:
        if listening.error is None:
            log.warning("the recogniser hears no more: %s", error)
        listening.error = listening.error or error
    else:
        listening.known[ask.ask_id] = hearing
        listening.heard += 1
        listening.bought += bought
        listening.cost_usd += hearing.price_usd if bought else 0.0


async def _for_nothing(ears: Ears, listening: Listening, ask: HearingAsk, spoken: Spoken, takes: Takes) -> Hearing:
    told = await ears.recogniser.transcribe(await takes.audio(spoken.take), ask, OpenGate())
    hearing = Hearing(ask=ask, said=told.said, price_usd=0.0, created_at="", run_id="")
    await hearings_in(listening.store).put(hearing)
    return hearing


async def hearing_of_take(
    desk: Desk, ears: Ears, ask: HearingAsk, spoken: Spoken, takes: Takes
) -> tuple[Hearing, bool]:
    """What is heard of a take, bought if nobody has bought it yet.

    Returns:
        The hearing, and whether this call bought it.

    Raises:
        NarrationError: as `narration.purchase.buy` and `narration.keep.keep_hearing` raise.
    """
    hearings = hearings_in(desk.store)

    async def bought() -> Hearing:
        sound = await takes.audio(spoken.take)
        claim, answer = await buy(desk, _order(desk, ears, ask, spoken), _sender(ears, ask, spoken, sound))
        return await keep_hearing(desk, claim, answer)

    return await once(desk, ask.ask_id, kept=lambda: hearings.get(ask.ask_id), bought=bought)


def _order(desk: Desk, ears: Ears, ask: HearingAsk, spoken: Spoken) -> Order:
    async def there() -> bool:
        return await hearings_in(desk.store).get(ask.ask_id) is not None

    row = Row(
        call_id="",
        at=desk.now(),
        run_id=desk.run.run_id,
        flow_run_id=desk.flow_run_id,
        production=desk.production,
        chapter=spoken.chapter,
        character=spoken.character,
        service=KIND,
        region=ask.place,
        model=ask.model,
        action=ACTION,
        take_id=spoken.take.take_id,
        price_usd=seconds_usd(ears.price, most_seconds(spoken.take.measures.audio_s)),
        audio_s=round(spoken.take.measures.audio_s, 6),
    )
    return Order(booth=desk.main, subject=ask.ask_id, row=row, there=there, pacer=ears.pacer)


def _sender(ears: Ears, ask: HearingAsk, spoken: Spoken, sound: bytes) -> Callable[[object, Gate], Awaitable[Bought]]:
    async def send(_booth: object, gate: Gate) -> Bought:
        told = await ears.recogniser.transcribe(sound, ask, gate)
        if told.call is None:
            raise TypeError("a recogniser that is paid for told nothing of its call")
        seconds = told.said.billed_s
        # An answer that does not tell its seconds is counted as the most that it can be.
        billed_s = most_seconds(spoken.take.measures.audio_s) if seconds is None else seconds
        return Bought(
            call=told.call,
            receipt=Receipt(request_id=told.said.request_id),
            characters=0,
            price_usd=seconds_usd(ears.price, billed_s),
            listened=ask,
            transcript=told.said,
        )

    return send
