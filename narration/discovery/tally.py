"""How much each proposed character says, counted by attribution itself.

Invariant: every quotation and every speech of a play counts once; what several say together counts for each of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from narration.book import Book, Chapter, Paragraph
from narration.cast import Cast
from narration.discovery.passages import spoken_pieces
from narration.discovery.previews import choose_preview
from narration.discovery.roll import Speaker, Unfound
from narration.script import Quotation
from narration.script.lines import chapter_speeches
from narration.script.plays import speakers_in

_SURE: Final = 0.8
"""From this probability on a line is taken as a preview."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over one book, by the character's name.

    Attributes:
        lines, chars: quotations and speeches, and their code points.
        sure: what a character certainly says, in order.
        unfound: quotations without a speaker.
        quotations: all of them.
    """

    lines: Counter[str] = field(default_factory=Counter)
    chars: Counter[str] = field(default_factory=Counter)
    sure: dict[str, list[str]] = field(default_factory=dict)
    unfound: list[Unfound] = field(default_factory=list)
    quotations: int = 0

    @classmethod
    def of(cls, book: Book, cast: Cast) -> Tally:
        """The counts of a book with a cast."""
        tally = cls()
        for chapter, found in zip(
            book.chapters, chapter_speeches(book.chapters, cast, language=book.language), strict=True
        ):
            for paragraph, speech in zip(chapter.paragraphs, found, strict=True):
                if paragraph.speaker:
                    tally._play(paragraph, cast)
                for quotation in speech.quotations:
                    tally._prose(chapter, quotation)
        return tally

    def _prose(self, chapter: Chapter, quotation: Quotation) -> None:
        self.quotations += 1
        said = chapter.text[quotation.start : quotation.end]
        if quotation.character is None:
            lost = Unfound(chapter=chapter.number, start=quotation.start, end=quotation.end, text=said)
            self.unfound.append(lost)
        else:
            self.add(quotation.character, said, is_sure=quotation.probability >= _SURE)

    def _play(self, paragraph: Paragraph, cast: Cast) -> None:
        """A speech whose speaker the manuscript's own markup names."""
        pieces = [" ".join(piece.split()) for piece, said in spoken_pieces(paragraph) if said and piece.strip()]
        names = speakers_in(paragraph, cast).characters
        self.quotations += bool(names)
        for name in names:
            self.add(name, " ".join(pieces), is_sure=len(pieces) == 1)

    def add(self, name: str, said: str, *, is_sure: bool) -> None:
        """Count one line."""
        self.lines[name] += 1
        self.chars[name] += len(said)
        if is_sure:
            self.sure.setdefault(name, []).append(said)

    def counted(self, speaker: Speaker, name: str, language: str) -> Speaker:
        """A speaker with the counts of a name of the cast, and a preview."""
        preview = choose_preview(self.sure.get(name, ()), language=language)
        return replace(speaker, lines=self.lines[name], chars=self.chars[name], preview=preview)
