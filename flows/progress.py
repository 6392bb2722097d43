"""How far a render is: counted as takes arrive, looked at by whoever shows it.

Invariant: what was bought and spent is never forgotten, also when the book is planned anew; a chunk that this run and
another both know of is counted once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from narration.plan import Plan, PlannedChunk
from narration.report.summary import ChapterSummary
from narration.take import Take
from narration.voice import Voice


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
        elsewhere: chunks whose takes other runs were seen to have brought, by chapter.
        voices: who speaks, by name of the character, once all voices are there.
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
    elsewhere: dict[int, int] = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)
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

    def retaken(self, take: Take) -> None:
        """A take was spoken again, or a part of it."""
        self.retakes += 1
        self.cost_usd += take.price_usd
        self.characters += take.billed_characters

    def again(self, plan: Plan) -> None:
        """All chunks are looked at once more, by another plan; what was bought and spent stays."""
        self.plan, self.chunks_done = plan, 0
        self.chunks_by_chapter.clear()
        self.elsewhere.clear()

    def there(self, chapter: int) -> int:
        """How many chunks of a chapter are there, whoever brought them."""
        return max(self.chunks_by_chapter.get(chapter, 0), self.elsewhere.get(chapter, 0))

    @property
    def chunks_there(self) -> int:
        """How many chunks of all chapters are there, whoever brought them."""
        return sum(self.there(number) for number in self.chunks_by_chapter.keys() | self.elsewhere.keys())

    @property
    def fraction(self) -> float:
        """Share of the chunks that are there."""
        total = self.plan.chunks_total
        return self.chunks_there / total if total else 1.0

    @property
    def eta_s(self) -> float | None:
        """About how long until everything is spoken, in seconds; None while nothing tells."""
        left = self.plan.chunks_total - self.chunks_there
        if self.bought < 2 or not self.first_bought:
            return None
        brought = self.bought + self.chunks_there - self.chunks_done
        return left * (time.time() - self.first_bought) / brought
