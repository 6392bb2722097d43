"""Questions → answers: what the store does not know yet is asked of a language model, once, as any paid call.

Invariant: a question that was answered or refused is never sent again, by any run; money is reserved for the most that
an answer can cost before it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from narration.chat import ACTION, KIND, ChatAnswer, ChatAsk
from narration.errors import (
    AnswerUnclear,
    BudgetReached,
    NarrationError,
    ServiceUnavailable,
    TextRefused,
    TextTooLong,
)
from narration.keep import keep_answer
from narration.memory.refusals import Refusal, RefusalKind, Refusals
from narration.memory.replies import answers_in
from narration.once import once
from narration.purchase import Bought, Order, buy
from narration.row import Row
from narration.services.chat import most_tokens
from narration.services.pace import Pacer
from narration.services.pricing import tokens_usd
from narration.take import Receipt

if TYPE_CHECKING:
    from narration.desk import Desk
    from narration.memory.store import Store
    from narration.script.questions import Question
    from narration.services.chat import ChatService
    from narration.services.protocol import Gate, Price
    from narration.settings.settings import Settings

log = logging.getLogger("narration.ask")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked, and what is known of it.

    Attributes:
        questions: all of them.
        answers: those that the store has, by ask id.
        refused: ask ids that were refused before.
        price: of the model's tokens.
    """

    questions: tuple[Question, ...]
    answers: Mapping[str, ChatAnswer]
    refused: frozenset[str]
    price: Price

    @property
    def to_ask(self) -> tuple[Question, ...]:
        """Questions that nobody has answered yet; each once."""
        known = self.answers.keys() | self.refused
        fresh = {question.ask.ask_id: question for question in self.questions if question.ask.ask_id not in known}
        return tuple(fresh.values())

    @property
    def most_usd(self) -> float:
        """What they cost at the most, retries in doubt left out."""
        return sum(most_usd(question.ask, self.price) for question in self.to_ask)


@dataclass(slots=True)
class Asked:
    """What became of the questions.

    Attributes:
        answers: by ask id, those that were known before included.
        bought: how many were bought now.
        cost_usd: what they cost.
        refused: how many the service's content inspection refused, now or before.
        error: why some could not be asked, or None.
    """

    answers: dict[str, ChatAnswer]
    bought: int = 0
    cost_usd: float = 0.0
    refused: int = 0
    error: NarrationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where questions go.

    Attributes:
        chat: the language model.
        pacer: holds its rate.
        price: of its tokens.
    """

    chat: ChatService
    pacer: Pacer
    price: Price


def most_usd(ask: ChatAsk, price: Price) -> float:
    """What one attempt at a question costs at the most."""
    return tokens_usd(price, *most_tokens(ask))


async def make_asking(store: Store, questions: tuple[Question, ...], price: Price) -> Asking:
    """Compare the questions with the store. Spends nothing.

    Raises:
        StoreError: the store cannot be read.
    """
    ids = [question.ask.ask_id for question in questions]
    answers = await answers_in(store).find(ids)
    refused = await Refusals(store).find(one for one in ids if one not in answers)
    return Asking(questions=questions, answers=answers, refused=frozenset(refused), price=price)


async def ask_all(desk: Desk, chat: ChatService, settings: Settings, asking: Asking) -> Asked:
    """Ask whatever nobody has answered yet.

    Args:
        desk: of the run.
        chat: the language model.
        settings: how fast it may be asked.
        asking: what is asked.

    Returns:
        All answers there are. What stops the run (budget, key, service away) is in `error`; it is raised by whoever
        has done something with the answers first.
    """
    asked = Asked(answers=dict(asking.answers), refused=len(asking.refused))
    per_minute = settings.chat.per_minute
    pacer = Pacer(
        per_minute=per_minute,
        per_second=per_minute / 60,  # the vendor also counts by the second
        in_flight=settings.limits.in_flight,
        halted=lambda: desk.halt.reason is not None,
    )
    endpoint = Endpoint(chat=chat, pacer=pacer, price=asking.price)
    purse = _Purse()
    await asyncio.gather(*(_asked(desk, endpoint, question, asked, purse) for question in asking.to_ask))
    asked.error = desk.halt.reason or asked.error
    return asked


class _Purse:
    """How many questions hold money now. What is reserved is several times what an answer costs, and comes back."""

    def __init__(self) -> None:
        self._busy, self._returns = 0, 0
        self._change = asyncio.Condition()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[int]:
        """Count as one that holds money, for as long as the context lasts; how often some was given back until now."""
        self._busy += 1
        try:
            yield self._returns
        except BudgetReached:
            self._busy -= 1
            raise
        except BaseException:
            self._end()
            raise
        else:
            self._end()
        finally:
            async with self._change:
                self._change.notify_all()

    def _end(self) -> None:
        self._busy -= 1
        self._returns += 1

    async def refilled(self, since: int) -> bool:
        """Wait until money was given back that was not there at `since`; False where nobody holds any more."""
        async with self._change:
            await self._change.wait_for(lambda: self._returns != since or not self._busy)
        return self._returns != since


async def _asked(desk: Desk, endpoint: Endpoint, question: Question, asked: Asked, purse: _Purse) -> None:
    """One question: answered, refused, or given up; it waits for money as long as others may give some back."""
    ask_id = question.ask.ask_id
    while desk.halt.reason is None:
        since = 0
        try:
            async with purse.hold() as since:
                answer, bought = await answer_to(desk, endpoint, question)
        except BudgetReached as error:
            if not await purse.refilled(since):
                desk.halt.stop(error)
            continue
        except TextRefused as error:
            kind = RefusalKind.LENGTH if isinstance(error, TextTooLong) else RefusalKind.TEXT
            await desk.refusals.note(Refusal(take_id=ask_id, kind=kind, message=error.what, at=desk.now()))
            log.warning("chapter %d: a question was refused: %s", question.chapter, error)
            asked.refused += 1
        except (ServiceUnavailable, AnswerUnclear) as error:
            desk.halt.failed(error)
            asked.error = asked.error or error
        except NarrationError as error:
            desk.halt.stop(error)
        else:
            desk.halt.went_well()
            tokens = f"{answer.said.input_tokens} tokens in, {answer.said.output_tokens} out"
            log.info("chapter %d: %d lines asked about, %s", question.chapter, len(question.doubts), tokens)
            asked.answers[ask_id] = answer
            asked.bought += bought
            asked.cost_usd += answer.price_usd if bought else 0.0
        return


async def answer_to(desk: Desk, endpoint: Endpoint, question: Question) -> tuple[ChatAnswer, bool]:
    """The answer to a question, bought if nobody has bought it yet.

    Returns:
        The answer, and whether this call bought it.

    Raises:
        NarrationError: as `narration.purchase.buy` and `narration.keep.keep_answer` raise.
    """
    ask, answers = question.ask, answers_in(desk.store)

    async def bought() -> ChatAnswer:
        claim, answer = await buy(desk, _order(desk, endpoint, question), _sender(endpoint, ask))
        return await keep_answer(desk, claim, answer)

    return await once(desk, ask.ask_id, kept=lambda: answers.get(ask.ask_id), bought=bought)


def _order(desk: Desk, endpoint: Endpoint, question: Question) -> Order:
    ask = question.ask
    given, taken = most_tokens(ask)

    async def there() -> bool:
        return await answers_in(desk.store).get(ask.ask_id) is not None

    row = Row(
        call_id="",
        at=desk.now(),
        run_id=desk.run.run_id,
        flow_run_id=desk.flow_run_id,
        production=desk.production,
        chapter=question.chapter,
        service=KIND,
        region=ask.place,
        model=ask.model,
        action=ACTION,
        take_id=ask.ask_id,
        price_usd=tokens_usd(endpoint.price, given, taken),
        input_tokens=given,
        output_tokens=taken,
    )
    return Order(booth=desk.main, subject=ask.ask_id, row=row, there=there, pacer=endpoint.pacer)


def _sender(endpoint: Endpoint, ask: ChatAsk) -> Callable[[object, Gate], Awaitable[Bought]]:
    async def send(_desk: object, gate: Gate) -> Bought:
        told = await endpoint.chat.ask(ask, gate)
        given, taken = most_tokens(ask)
        said = told.said
        # An answer that does not tell its tokens is counted as the most that it can be.
        said = replace(
            said,
            input_tokens=given if said.input_tokens is None else said.input_tokens,
            output_tokens=taken if said.output_tokens is None else said.output_tokens,
        )
        return Bought(
            call=told.call,
            receipt=Receipt(request_id=said.request_id),
            characters=0,
            price_usd=tokens_usd(endpoint.price, said.input_tokens or 0, said.output_tokens or 0),
            question=ask,
            said=said,
        )

    return send
