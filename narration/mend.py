"""Retakes: what fails its checks is spoken again, a few times at the most, and the best take is heard from then on.

What passes them and is still far from usual is spoken once more, for a second opinion (see `narration.check.doubts`).
Invariant: every take that was paid for stays under its ordinal; which one is heard is a choice in the store, so that
the next plan finds it and nothing is bought again. What a person chose, or an earlier run settled, is left alone. A
doubt makes no finding.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from narration.check.doubts import Apart, most_doubtful
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
        doubt_share: so many of the takes that pass may be spoken once more, as a share.
        doubted: ids of takes that are to have a second opinion.
        second_opinions: how many of the retakes were bought for one.
        reopened: takes whose choice this run made with retakes left, by the take id of ordinal 0: once all takes are
            there, the chosen one may fail, too.
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
    doubt_share: float = 0.0
    doubted: frozenset[str] = frozenset()
    second_opinions: int = 0
    reopened: set[str] = field(default_factory=set)
    unpaid: bool = False
    listening: Listening | None = None
    hear: Hear = nobody_hears

    async def look_up(self, takes: Iterable[Take]) -> None:
        """Read which runs are settled, and the choices that were made of takes.

        Raises:
            StoreError: the store cannot be read.
        """
        self.settled = await self.choices.settled()
        self.made |= await self.choices.find(first_id(take.ask) for take in takes)

    def settle(self, takes: Iterable[Take]) -> None:
        """All takes of the book are there: judge by all of them, and see which are worth a second opinion."""
        self.judge.settle()
        if not self.most:
            return
        passed = {take.take_id: take for take in takes if self._is_open(take) and not fails(self.flaws(take))}
        weights = {take_id: self.apart(take).weight for take_id, take in passed.items()}
        self.doubted = most_doubtful(weights, self.doubt_share)

    def apart(self, take: Take) -> Apart:
        """How far a take is from usual; where exactly its words were heard, its length is as it should be."""
        apart = self.judge.apart(take)
        heard = self.listening is not None and apart.weight >= 1 and self.listening.every_word(take)
        return apart.of_the_voice if heard else apart

    def flaws(self, take: Take) -> tuple[Flaw, ...]:
        """What is wrong with a take, by its sound and by its words, the gravest first."""
        words = self.listening.flaws(take) if self.listening is not None else ()
        return tuple(sorted((*self.judge.flaws(take), *words), key=lambda flaw: -flaw.weight))

    def wanted(self, take: Take) -> bool:
        """Whether a take is to be spoken again."""
        if not self.most or take.run_id in self.settled:
            return False
        if self._is_open(take):
            return take.take_id in self.doubted or fails(self.flaws(take))
        choice = self.made.get(first_id(take.ask))
        if choice is None or choice.take_id not in self.reopened or choice.cut or choice.alike:
            return False
        return fails(self.flaws(take)) or (take.ask.ordinal > 0 and self.is_doubtful(take))

    def is_doubtful(self, take: Take) -> bool:
        """Whether a take would be worth a second opinion."""
        return self.doubt_share > 0 and self.apart(take).weight >= 1

    def _is_open(self, take: Take) -> bool:
        """Whether nobody has decided yet what is heard of a take's words."""
        return not take.ask.ordinal and take.run_id not in self.settled and take.take_id not in self.made

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
        best = self._best(takes)
        alike = self._alike(takes)
        if done and not alike and fails(self._flaws(best)):
            parts = await self._parts(piece)
            if parts:
                await self._choose(first, best, cut=True)
                return parts
        if len(takes) > 1 and done:
            await self._choose(first, best, alike=alike)
            if len(takes) <= self._mending.most:
                self._mending.reopened.add(first_id(first.ask))
        return (replace(piece, take=best, bought=piece.bought or best is not first),)

    async def _again(self, piece: SpokenPiece, first: Take) -> tuple[list[Take], bool]:
        """All takes of a piece, retakes until one is right or all are alike; and whether nothing was left undone.

        Those that were bought before cost nothing.
        """
        takes = [first]
        for ordinal in range(self._mending.most + 1):
            if ordinal == first.ask.ordinal:
                continue
            if len(takes) > 1 and self._is_enough(takes):
                break
            take = await self._spoken(piece, first, text=first.ask.text, ordinal=ordinal)
            if take is None:
                return takes, False
            takes.append(take)
        return takes, True

    def _is_enough(self, takes: list[Take]) -> bool:
        """Whether a take is right, or no further one would tell more."""
        passed = [take for take in takes if not fails(self._flaws(take))]
        if not passed:
            return self._alike(takes)
        return len(passed) > 1 or (not self._mending.is_doubtful(passed[0]))

    def _best(self, takes: list[Take]) -> Take:
        """The take with the least flaws, and of those that have none the one that is nearest to usual.

        Where the first is about the same as that, it is the words that are unusual, and the first is heard.
        """
        mending, first = self._mending, takes[0]
        best = min(takes, key=lambda take: (*badness(self._flaws(take)), mending.apart(take).weight))
        as_good = badness(self._flaws(first)) == badness(self._flaws(best))
        return first if as_good and mending.judge.apart(first).same(mending.judge.apart(best)) else best

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
            # The take that is there is heard, and its finding, if any, says what is wrong with it.
            self._mending.unpaid = True
            log.log(
                logging.WARNING if fails(self._flaws(first)) else logging.INFO,
                "chapter %d, line %d is not spoken again: %s",
                chunk.chapter,
                chunk.line + 1,
                error,
            )
            return None
        self._mending.judge.learn(take)
        words = chunk.text if text == chunk.spoken else text
        await self._mending.hear([Spoken(take=take, text=words, chapter=chunk.chapter, character=chunk.character)])
        if bought:
            self._mending.retakes += 1
            self._mending.second_opinions += ordinal > 0 and not fails(self._flaws(first))
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
        why = flaws or f"second opinion on its {self._mending.judge.apart(first).why}"
        take_id, ordinal = first_id(first.ask), 0 if cut else best.ask.ordinal
        choice = Choice(take_id=take_id, ordinal=ordinal, why=why, at=self._desk.now(), cut=cut, alike=alike)
        self._mending.made[take_id] = choice
        await self._mending.choices.choose(choice)
