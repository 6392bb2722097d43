"""What discovery proposes: speakers, doubts, and what nobody was found for.

Invariant: the proposal says of every guess what it rests on, and counts every quotation once.
"""

from __future__ import annotations

from dataclasses import dataclass

from narration.cast import Cast, Character, Gender
from narration.discovery.aliases import Doubt
from narration.discovery.passages import NARRATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Somebody who speaks in the book.

    Attributes:
        name: what the book mostly calls them.
        aliases: their other names in the book, the most used first.
        gender: a guess; unknown without evidence.
        gender_evidence: `7 × she, title Mrs.`; empty without.
        age: child, young, middle-aged, elderly, or empty; a guess.
        age_evidence: what that rests on.
        tags: how often a tag or a label names them.
        lines: quotations that attribution gives them with this cast.
        chars: code points of those, marks included.
        preview: a line of theirs for the audition; empty where none fits.
        known: they stand in the cast sheet already.
        first_person: they are the I of the narration: of the whole book, or of the chapters with these numbers.
    """

    name: str
    aliases: tuple[str, ...] = ()
    gender: Gender = Gender.UNKNOWN
    gender_evidence: str = ""
    age: str = ""
    age_evidence: str = ""
    tags: int = 0
    lines: int = 0
    chars: int = 0
    preview: str = ""
    known: bool = False
    first_person: bool | tuple[int, ...] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Somebody whom the book never names beside a line: `the old gentleman`.

    Attributes:
        text: as in the tag.
        tags: how often.
    """

    text: str
    tags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPerson:
    """A narrator who is in the story.

    Attributes:
        tags: how often `said I` or `I said` stands beside a quotation.
        share: words of the narration that are I, 0 to 1.
        called: names that are spoken to and never named as speaking: one may be the narrator's, the likeliest first.
        name: whose voice it is, where that is clear; empty where it is not.
    """

    tags: int
    share: float
    called: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfound:
    """A quotation without a speaker.

    Attributes:
        chapter: its number.
        start, end: span in `Chapter.text`.
        text: `chapter.text[start:end]`.
    """

    chapter: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Who speaks in a book, as far as its text says.

    Attributes:
        language: ISO 639-1.
        speakers: most lines first.
        phrases: speakers without a name, most tags first.
        doubts: names that could be several people's.
        first_person: set where the narrator says I.
        quotations: how many there are.
        unfound: those that nobody was found for, in order.
    """

    language: str
    speakers: tuple[Speaker, ...]
    phrases: tuple[Phrase, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    first_person: FirstPerson | None = None
    quotations: int = 0
    unfound: tuple[Unfound, ...] = ()

    def by_name(self, name: str) -> Speaker:
        """The speaker of that name or alias.

        Raises:
            KeyError: nobody has it.
        """
        for speaker in self.speakers:
            if name == speaker.name or name in speaker.aliases:
                return speaker
        raise KeyError(name)

    def doubts_of(self, name: str) -> tuple[str, ...]:
        """The names that may be this speaker's, too."""
        return tuple(doubt.name for doubt in self.doubts if name in doubt.options)


def cast_of(speakers: tuple[Speaker, ...], narrator: Character | None = None) -> Cast:
    """A cast for attribution: names, aliases and genders; no voices.

    Args:
        speakers: of a discovery.
        narrator: of the cast sheet; None for one whose name stands in no text.
    """
    others = tuple(
        Character(
            name=speaker.name,
            voice="",
            preview="",
            gender=speaker.gender,
            aliases=speaker.aliases,
            first_person=speaker.first_person,
        )
        for speaker in speakers
    )
    return Cast(characters=(narrator or NARRATOR, *others))
