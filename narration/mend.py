"""Retakes: what fails its checks is spoken again, a few times at the most, and the best take is heard from then on.

Invariant: every take that was paid for stays under its ordinal; which one is heard is a choice in the store, so that
the next plan finds it and nothing is bought again. What a person chose, or an earlier run settled, is left alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from narration.check.takes import Flaw, Judge, badness, fails, finding_of
from narration.desk import Desk
from narration.errors import NarrationError
from narration.finding import Code, Finding, Severity
from narration.halving import halves
from narration.listen import Listening, Spoken
from narration.memory.choices import Choice, Choices, first_id
from narration.speak import SpokenChapter, SpokenPiece, take_of
from narration.take import Take

log = logging.getLogger("narration.mend")

ALIKE_SHARE = 0.03
"""Two takes whose lengths differ by no more than this say the same."""
_OF_THE_TEXT = frozenset(
    {Code.TAKE_TOO_SHORT, Code.TAKE_TOO_LONG, Code.TAKE_PITCH, Code.TAKE_TIMBRE, Code.TAKE_LEVEL, Code.TAKE_CUT_OFF}
)
"""Flaws that are the text's when every take has them alike: an odd spelling, a shout; a cut would be elsewhere."""

Bought = Callable[[Take], None]
"""Is told of every retake that was paid for."""

Hear = Callable[[Iterable[Spoken]], Awaitable[None]]
"""Has a recogniser hear takes, as far as it can."""

Clock = Callable[[Take, int], str]
"""Where in the chapter so many ms of a take are, for people; empty where that is not known."""


async def nobody_hears(_spoken: Iterable[Spoken]) -> None:
    """Without a recogniser."""


@dataclass(slots=True, kw_only=True)
class Mending:
    """What a render knows of its takes' flaws; it lives as long as the render.

    Attributes:
        judge: says what is wrong with a take.
        choices: of the store.
        most: how often one take is spoken again at the most.
        language: of the book, for where sentences end.
        settled: runs whose takes are not spoken again.
        made: choices that are known, by the take id of ordinal 0.
        retakes: how many were bought.
        unpaid: whether a retake was left undone because the budget, or the run, ended.
        listening: what a recogniser heard of the takes; None where the book asks for none.
        hear: has more takes heard.
    """

    judge: Judge
    choices: Choices
    most: int
    language: str
    settled: frozenset[str] = frozenset()
    made: dict[str, Choice] = field(default_factory=dict)
    retakes: int = 0
    unpaid: bool = False
    listening: Listening | None = None
    hear: Hear = nobody_hears

    async def look_up(self, takes: Iterable[Take]) -> None:
        """Read which runs are settled, and the choices that were made of takes that fail.

        Raises:
            StoreError: the store cannot be read.
        """
        self.settled = await self.choices.settled()
        failing = [first_id(take.ask) for take in takes if fails(self.flaws(take))]
        self.made |= await self.choices.find(failing)

    def flaws(self, take: Take) -> tuple[Flaw, ...]:
        """What is wrong with a take, by its sound and by its words, the gravest first."""
        words = self.listening.flaws(take) if self.listening is not None else ()
        return tuple(sorted((*self.judge.flaws(take), *words), key=lambda flaw: -flaw.weight))

    def wanted(self, take: Take) -> bool:
        """Whether a take is to be spoken again."""
        if not self.most or take.ask.ordinal or take.run_id in self.settled or take.take_id in self.made:
            return False
        return fails(self.flaws(take))

    def findings(self, piece: SpokenPiece, clock: Clock | None = None) -> tuple[Finding, ...]:
        """What is wrong with what is heard; `clock` tells where in the chapter."""
        if piece.take is None:
            return ()
        choice, chunk = self.made.get(first_id(piece.take.ask)), piece.chunk
        again = ""
        if choice is not None:
            again = "; every take of it is like that" if choice.alike else "; spoken again, and this is the best take"
        take, found = piece.take, []
        for flaw in self.flaws(take):
            made = finding_of(
                flaw, chapter=chunk.chapter, line=chunk.line, character=chunk.character, text=chunk.text, again=again
            )
            at = clock(take, flaw.at_ms) if clock is not None and flaw.at_ms is not None else ""
            found.append(replace(made, message=f"{made.message}; {at} in the chapter") if at else made)
        if choice is not None and choice.alike:
            return tuple(replace(one, severity=Severity.WARNING) for one in found)
        return tuple(found)


async def mend_chapter(desk: Desk, spoken: SpokenChapter, mending: Mending, bought: Bought) -> SpokenChapter:
    """Have everything of a chapter spoken again that fails its checks, all of it side by side.

    Args:
        desk: of the run.
        spoken: the chapter, all of it spoken.
        mending: of the render.
        bought: told of every retake.

    Returns:
        The chapter with the takes that are heard. What could not be mended keeps its best take.

    Raises:
        StoreError: a choice cannot be written.
    """
    for piece in spoken.pieces:
        if piece.take is not None:
            mending.judge.learn(piece.take)
    await mending.hear(one for piece in spoken.pieces for one in _spoken(piece))
    work = _Mend(desk, mending, bought)
    mended = await asyncio.gather(*(work.piece(piece) for piece in spoken.pieces))
    return SpokenChapter(pieces=tuple(one for pieces in mended for one in pieces))


def _spoken(piece: SpokenPiece) -> Iterable[Spoken]:
    chunk = piece.chunk
    if piece.take is not None:
        yield Spoken(take=piece.take, text=chunk.text, chapter=chunk.chapter, character=chunk.character)


class _Mend:
    def __init__(self, desk: Desk, mending: Mending, bought: Bought) -> None:
        self._desk = desk
        self._mending = mending
        self._bought = bought

    async def piece(self, piece: SpokenPiece) -> tuple[SpokenPiece, ...]:
        """What is heard instead of a piece: itself, a better take of it, or its parts."""
        first = piece.take
        if first is None or not self._mending.wanted(first):
            return (piece,)
        takes, done = await self._again(piece, first)
        best = min(takes, key=lambda take: badness(self._flaws(take)))
        alike = self._alike(takes)
        if done and not alike and fails(self._flaws(best)):
            parts = await self._parts(piece)
            if parts:
                await self._choose(first, best, cut=True)
                return parts
        if len(takes) > 1 and done:
            await self._choose(first, best, alike=alike)
        return (replace(piece, take=best, bought=piece.bought or best is not first),)

    async def _again(self, piece: SpokenPiece, first: Take) -> tuple[list[Take], bool]:
        """All takes of a piece, retakes until one is right or all are alike; and whether nothing was left undone."""
        takes = [first]
        for ordinal in range(1, self._mending.most + 1):
            if not fails(self._flaws(takes[-1])) or self._alike(takes):
                break
            take = await self._spoken(piece, first, text=first.ask.text, ordinal=ordinal)
            if take is None:
                return takes, False
            takes.append(take)
        return takes, True

    async def _parts(self, piece: SpokenPiece) -> tuple[SpokenPiece, ...]:
        """A piece in two halves, the one with the trouble in smaller ones still; empty where it cannot be cut."""
        pair = halves(piece.chunk, self._mending.language, within_sentences=False)
        if pair is None or piece.take is None or piece.chunk.unison is not None:
            return ()
        found: list[SpokenPiece] = []
        for chunk in pair:
            take = await self._spoken(piece, piece.take, text=chunk.spoken, ordinal=0)
            if take is None:
                return ()
            half = replace(piece, chunk=chunk, take=take, bought=True)
            smaller = await self._parts(half) if self._mending.wanted(take) else ()
            if smaller:
                await self._choose(take, take, cut=True)
            found += smaller or await self.piece(half)
        return tuple(found)

    async def _spoken(self, piece: SpokenPiece, first: Take, *, text: str, ordinal: int) -> Take | None:
        """One more take, or None: nothing more can be bought, or the service does not speak it."""
        if self._desk.halt.reason is not None:
            self._mending.unpaid = True
            return None
        ask, chunk = replace(first.ask, text=text, ordinal=ordinal), piece.chunk
        try:
            take, bought = await take_of(
                self._desk, self._desk.booths[piece.booth], ask, chapter=chunk.chapter, character=chunk.character
            )
        except NarrationError as error:
            # The take that is there is heard, and its finding says what is wrong with it.
            self._mending.unpaid = True
            log.warning("chapter %d, line %d is not spoken again: %s", chunk.chapter, chunk.line + 1, error)
            return None
        self._mending.judge.learn(take)
        words = chunk.text if text == chunk.spoken else text
        await self._mending.hear([Spoken(take=take, text=words, chapter=chunk.chapter, character=chunk.character)])
        if bought:
            self._mending.retakes += 1
            self._bought(take)
        return take

    def _flaws(self, take: Take) -> tuple[Flaw, ...]:
        return self._mending.flaws(take)

    def _alike(self, takes: list[Take]) -> bool:
        """Whether several takes have the same flaws of those that are the text's, and the same length."""
        flaws = [frozenset(flaw.code for flaw in self._flaws(take)) for take in takes]
        if len(takes) < 2 or not flaws[0] or any(found != flaws[0] or not found <= _OF_THE_TEXT for found in flaws):
            return False
        lengths = [take.measures.speech_end - take.measures.speech_start for take in takes]
        return max(lengths) - min(lengths) <= ALIKE_SHARE * max(lengths)

    async def _choose(self, first: Take, best: Take, *, cut: bool = False, alike: bool = False) -> None:
        flaws = ", ".join(flaw.code for flaw in self._flaws(first))
        choice = Choice(
            take_id=first.take_id, ordinal=best.ask.ordinal, why=flaws, at=self._desk.now(), cut=cut, alike=alike
        )
        if cut:
            choice = replace(choice, ordinal=0)
        self._mending.made[first.take_id] = choice
        await self._mending.choices.choose(choice)
