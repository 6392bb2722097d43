"""How far a render is: counted as takes arrive, looked at by whoever shows it.

Invariant: what was bought and spent is never forgotten, also when the book is planned anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from narration.plan import Plan, PlannedChunk
from narration.report.summary import ChapterSummary
from narration.take import Take


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a render is; whoever shows it looks here as often as it likes.

    Attributes:
        plan: what is rendered.
        stage: `voices`, `speaking`, `finishing`, `done`.
        chunks_done: chunks whose take is there.
        bought: takes bought by this run.
        retakes: of takes that failed their checks, bought beside those.
        voices_created: voices created by this run.
        created: the characters whom they are for.
        cost_usd: what this run has spent.
        committed_usd: what its desks have spent or are in doubt about, once they are closed.
        cost_by_chapter: of the takes that this run bought, by chapter.
        characters: billed to this run.
        chapters: finished chapters, by number.
        chunks_by_chapter: chunks done, by chapter.
        started: Unix seconds.
        first_bought: when the first take was bought, or 0.
    """

    plan: Plan
    stage: str = "voices"
    chunks_done: int = 0
    bought: int = 0
    retakes: int = 0
    voices_created: int = 0
    created: set[str] = field(default_factory=set)
    cost_usd: float = 0.0
    committed_usd: float = 0.0
    cost_by_chapter: dict[int, float] = field(default_factory=dict)
    characters: int = 0
    chapters: dict[int, ChapterSummary] = field(default_factory=dict)
    chunks_by_chapter: dict[int, int] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    first_bought: float = 0.0

    def spoken(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        """A chunk's take is there."""
        self.chunks_done += 1
        number = planned.chunk.chapter
        self.chunks_by_chapter[number] = self.chunks_by_chapter.get(number, 0) + 1
        if bought:
            self.first_bought = self.first_bought or time.time()
            self.bought += 1
            self.cost_usd += take.price_usd
            self.cost_by_chapter[number] = self.cost_by_chapter.get(number, 0.0) + take.price_usd
            self.characters += take.billed_characters

    def joined(self, part: Progress) -> None:
        """Count in what a render of some of the chapters bought and spent."""
        self.bought += part.bought
        self.voices_created += part.voices_created
        self.cost_usd += part.cost_usd
        self.committed_usd += part.committed_usd
        self.characters += part.characters
        self.first_bought = self.first_bought or part.first_bought
        for number, usd in part.cost_by_chapter.items():
            self.cost_by_chapter[number] = self.cost_by_chapter.get(number, 0.0) + usd

    def retaken(self, take: Take) -> None:
        """A take was spoken again, or a part of it."""
        self.retakes += 1
        self.cost_usd += take.price_usd
        self.characters += take.billed_characters

    def again(self, plan: Plan) -> None:
        """All chunks are looked at once more, by another plan; what was bought and spent stays."""
        self.plan, self.chunks_done = plan, 0
        self.chunks_by_chapter.clear()

    @property
    def fraction(self) -> float:
        """Share of the chunks that are there."""
        total = self.plan.chunks_total
        return self.chunks_done / total if total else 1.0

    @property
    def eta_s(self) -> float | None:
        """About how long until everything is spoken, in seconds; None while nothing tells."""
        left = self.plan.chunks_total - self.chunks_done
        if self.bought < 2 or not self.first_bought:
            return None
        return left * (time.time() - self.first_bought) / self.bought
