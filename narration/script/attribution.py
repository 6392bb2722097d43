"""Speakers of quotations: labels first, then the whole text's evidence weighed together.

Invariant: a quotation has a character exactly when its probability is above 0 and its evidence says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from narration.cast import Cast
from narration.script import chinese, engine, particles
from narration.script.labels import NamePatterns, name_patterns, plain
from narration.script.passages import paragraphs_of, passages_of
from narration.script.people import people_of
from narration.script.quotation import Quotation
from narration.script.reading import Passage
from narration.script.weights import load_weights

_LABEL_P: Final = 0.99
_STRAY: Final = 2
_QUOTED: Final = 40
"""So few labels among so many paragraphs with quotations are none: the head of a telegram, a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What is said in one paragraph.

    Attributes:
        quotations: in order; offsets are those of the whole text.
        label: `(start, end)` of the speaker's label in the whole text, or None.
        direction: what the label says in round brackets.
    """

    quotations: tuple[Quotation, ...]
    label: tuple[int, int] | None = None
    direction: str = ""


def attribute(text: str, cast: Cast, *, language: str = "en") -> tuple[Quotation, ...]:
    """Every quotation of a text, with its likely speaker.

    A whole book is better than its chapters one by one: it tells who is a man or a woman, who talks to whom, how each
    sounds. The time grows in proportion to the text: about a second for a novel.

    Args:
        text: plain text, blank lines between paragraphs; any of the usual quotation marks.
        cast: whose names and aliases are looked for; genders help, and who is the "I" of the narration.
        language: ISO 639-1.
    """
    found = speeches(text, paragraphs_of(text), cast, language=language)
    return tuple(quotation for speech in found for quotation in speech.quotations)


def speeches(
    text: str,
    paragraphs: Sequence[tuple[int, str]],
    cast: Cast,
    *,
    language: str,
    breaks: Iterable[int] = (),
    chapters: Sequence[int] = (),
) -> list[Speech]:
    """What is said in each paragraph of a text.

    Args:
        text: the whole text.
        paragraphs: `(offset, text)` of each; the text is empty where nothing of it is spoken by anybody.
        cast: who can speak.
        language: ISO 639-1.
        breaks: indexes of paragraphs at which a new scene begins, besides those that look so.
        chapters: number of each paragraph's chapter, where it is known.
    """
    names = name_patterns(cast)
    passages = passages_of(paragraphs, language=language)
    places = {character.name: place for place, character in enumerate(sorted(cast.characters, key=lambda c: c.name))}
    for index in breaks:
        passages[index] = replace(passages[index], breaks=True)
    for index, number in enumerate(chapters):
        passages[index] = replace(passages[index], chapter=number)
    labels = [_labelled(passage, body, names) for passage, (_, body) in zip(passages, paragraphs, strict=True)]
    if sum(label is not None for label in labels) <= _STRAY and sum(bool(one.spans) for one in passages) >= _QUOTED:
        labels = [None] * len(labels)
    for index, label in enumerate(labels):
        if label:
            speaker = places[label.quotations[0].character or ""]
            spans = tuple((quotation.start, quotation.end) for quotation in label.quotations)
            passages[index] = replace(passages[index], spans=spans, speaker=speaker, goes_on=False)
    found = _decided(text, passages, cast, names, language)
    return [
        label or Speech(quotations=tuple(found.get(span) or _open(span) for span in passage.spans))
        for label, passage in zip(labels, passages, strict=True)
    ]


def _open(span: tuple[int, int]) -> Quotation:
    return Quotation(start=span[0], end=span[1], character=None, probability=0.0, evidence="")


def _decided(
    text: str, passages: Sequence[Passage], cast: Cast, names: NamePatterns, language: str
) -> dict[tuple[int, int], Quotation]:
    if language == "zh" or language in particles.LANGUAGES:
        is_chinese = language == "zh"
        guesses = (
            chinese.guesses(text, passages, names) if is_chinese else particles.guesses(text, passages, names, language)
        )
        return {
            span: Quotation(
                start=span[0],
                end=span[1],
                character=guess.character,
                probability=guess.probability,
                evidence=guess.evidence,
            )
            for span, guess in guesses.items()
        }
    return {
        span: Quotation(
            start=span[0],
            end=span[1],
            character=decision.character,
            probability=decision.probability,
            evidence=decision.evidence,
        )
        for decision in engine.decide(text, passages, people_of(cast), load_weights(), language=language)
        for span in decision.turn.spans
    }


def _labelled(passage: Passage, body: str, names: NamePatterns) -> Speech | None:
    """A script line: all that is quoted in it is the labelled character's; without quotation marks, all of it."""
    label = names.label.match(body)
    if not label or label.end() >= len(body.rstrip()):
        return None
    begin = passage.start + label.end()
    spans = [span for span in passage.spans if span[0] >= begin]
    if not spans or spans[0][0] != begin:
        spans = [(begin, passage.end)]
    character = names.owners[plain(label["name"])]
    return Speech(
        quotations=tuple(
            Quotation(start=start, end=end, character=character, probability=_LABEL_P, evidence="script label")
            for start, end in spans
        ),
        label=(passage.start + label.start("name"), passage.start + len(body[: label.end()].rstrip())),
        direction=(label["direction"] or "").strip(),
    )
