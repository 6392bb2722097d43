"""The service that is measured against, and the books that are rendered: a sandbox with a known latency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.prove.harness import Vendor, vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long a service takes to answer.

    Attributes:
        fixed_ms: for anything.
        char_ms: for every billed character beside that.
    """

    fixed_ms: float = 0.0
    char_ms: float = 0.0

    def of(self, characters: int) -> float:
        """Seconds for a text of so many billed characters."""
        return (self.fixed_ms + self.char_ms * characters) / 1000


USUAL = Latency(fixed_ms=800.0, char_ms=4.0)
"""About what a hosted voice takes: most of a second, and longer for a long text."""


@contextmanager
def slow_vendor(folder: Path, latency: Latency, *, rpm: int = 0) -> Iterator[Vendor]:
    """A sandbox with a latency, and with a limit per minute and second where there is one."""
    waits = {"latency_ms": latency.fixed_ms, "latency_ms_per_char": latency.char_ms}
    with vendor(folder, engine="tone", limits=rpm > 0) as service:
        service.switch(**waits, **({"rpm": rpm, "rps": rpm // 60} if rpm else {}))
        yield service


_BOOK = "title: {title}\nauthor: Nobody\nlanguage: en\nmanuscript: book.md\ncast: cast.yaml\n"
PREVIEW = "The lamp was out, but nobody in the house had slept."
"""What the voice of a monologue says first."""
_CAST = f"""\
characters:
  - name: Narrator
    role: narrator
    voice: A calm middle-aged woman, low pitch, steady pace, for audiobook narration.
    preview: {PREVIEW}
"""


def write_monologue(folder: Path, lines: int, *, chapters: int = 1, of: str = "the long watch") -> None:
    """A production of one voice, with that many distinct paragraphs of some 240 characters in all: each a chunk.

    Args:
        folder: to make.
        lines: paragraphs of the book.
        chapters: among which they are divided.
        of: words of every paragraph, so that another book is other words.
    """
    folder.mkdir(parents=True)
    (folder / "cast.yaml").write_text(_CAST)
    (folder / "book.yaml").write_text(_BOOK.format(title=of.title()))
    parts = []
    for chapter in range(1, chapters + 1):
        parts.append(f"# Watch {chapter}\n")
        parts += [_paragraph(number, chapter, of) + "\n" for number in range(1, lines // chapters + 1)]
    (folder / "book.md").write_text("\n".join(parts))


def _paragraph(number: int, chapter: int, of: str) -> str:
    return (
        f"In {of}, at bell {number} of day {chapter}, the keeper counted {number * chapter} lights along the shore and wrote "
        f"them down, as he had done on every night since the lamp was built; then he trimmed the wick, and looked out "
        f"again at the dark water below the {number}th step."
    )
