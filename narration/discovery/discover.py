"""From a book to who speaks in it.

Invariant: the same book and the same known cast give the same proposal; every quotation is counted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from narration.book import Book
from narration.cast import Cast, Character, Role
from narration.discovery import words
from narration.discovery.aliases import Kind, Standing, merge, name_words, parse, related
from narration.discovery.evidence import Evidence, collect
from narration.discovery.gender import Signs, guess_age, guess_gender, signs
from narration.discovery.han import collect_han, merge_han
from narration.discovery.passages import NARRATOR, Passage, passages
from narration.discovery.roll import Discovery, FirstPerson, Phrase, Speaker, Unfound, cast_of
from narration.discovery.tally import Tally

_LEAST_BEATS: Final = 3
"""So many deeds beside quotations, or pronoun tags that fit, make a speaker of somebody whom no tag names."""
_LEAST_FULL: Final = 3
_LEAST_PRONOUNS: Final = 3
"""Before they keep two names apart; a proposal with its evidence needs but one."""
_FIRST_TAGS: Final = 2
_FIRST_SHARE: Final = 0.01
"""Novels told in the first person have 2 to 6 in 100 words of their narration as I, all others under 1."""
_LEAST_CALLED: Final = 4
_CALLED_SHARE: Final = 0.3
"""Whoever tells the story is named in speech; all others are named by the narrator."""
_CLEARLY: Final = 2
_FIRST_WORDS: Final = frozenset({*words.FIRST_PERSON.values(), "i", "我"})


def discover(book: Book, known: Cast | None = None) -> Discovery:
    """Who speaks in a book, under which names, how much, and what says so.

    Args:
        book: as read.
        known: the cast as far as a person has settled it; its names and aliases are kept as they are.
    """
    read = passages(book)
    evidence = collect_han(read) if book.language == "zh" else collect(read, book.language)
    settled = _settled(known)
    put_together = merge_han if book.language == "zh" else merge
    standings, seen = _standings(read, evidence, settled, book.language)
    groups, doubts = put_together(standings, settled)
    first = _first_person(evidence, groups, known)
    if first and first.name:
        standings, seen = _standings(read, evidence, settled, book.language, first.name)
        groups, doubts = put_together(standings, settled)
    speakers = [
        _speaker(group, evidence, seen, known, first)
        for group in groups
        if _speaks(group, evidence) or any(name in settled for name in group) or (first and first.name in group)
    ]
    narrator = _narrator(known, first)
    own = {narrator.name, *narrator.aliases}
    speakers = [speaker for speaker in speakers if not own & {speaker.name, *speaker.aliases}]
    counted, quotations, unfound = _counted(book, speakers, narrator)
    kept = {name for speaker in counted for name in (speaker.name, *speaker.aliases)}
    return Discovery(
        language=book.language,
        speakers=tuple(counted),
        phrases=tuple(
            Phrase(text=text, tags=tags)
            for text, tags in sorted(evidence.phrases.items(), key=lambda item: (-item[1], item[0]))
        ),
        doubts=tuple(doubt for doubt in doubts if kept & {doubt.name, *doubt.options}),
        first_person=first,
        quotations=quotations,
        unfound=tuple(unfound),
    )


def _narrator(known: Cast | None, first: FirstPerson | None) -> Character:
    """The narrator of the sheet; the I of the story, too, where that has no other name."""
    written = next((one for one in known.characters if one.role is Role.NARRATOR), None) if known else None
    narrator = written or NARRATOR
    return replace(narrator, first_person=True) if first and not first.name else narrator


def _settled(known: Cast | None) -> dict[str, tuple[str, ...]]:
    if known is None:
        return {}
    return {one.name: one.aliases for one in known.characters if one.role is not Role.NARRATOR}


def _standings(
    read: Sequence[Sequence[Passage]],
    evidence: Evidence,
    settled: Mapping[str, tuple[str, ...]],
    language: str,
    first: str = "",
) -> tuple[dict[str, Standing], Mapping[str, Signs]]:
    """How each name is used that speaks, or that shares a word with one that does."""
    speaking = {*evidence.tags, *evidence.labels} | ({first} if first else set())
    hinted = evidence.beats + evidence.implied
    speaking |= {name for name, count in hinted.items() if count >= _LEAST_BEATS}
    speaking |= {name for known, aliases in settled.items() for name in (known, *aliases)}
    forms = set(speaking)
    if language != "zh":
        parsed = map(parse, evidence.mentions)
        titled = frozenset(form.surname for form in parsed if form.title and form.surname)
        used = [form for form, count in evidence.mentions.items() if _is_used(form, count, evidence, titled)]
        forms |= _related(used, speaking)
    seen = signs(read, forms, evidence, language)
    standings = {
        form: Standing(
            tags=evidence.tags[form] + evidence.labels[form],
            mentions=evidence.mentions[form],
            gender=guess_gender((form,), seen.get(form, Signs()), least=_LEAST_PRONOUNS).gender,
        )
        for form in forms
    }
    return standings, seen


def _related(used: Sequence[str], speaking: set[str]) -> set[str]:
    """Names that share a word with a speaker's, or with a full name of one: Mara, Mara Quill, and so Miss Quill."""
    stems = frozenset(word for name in speaking for word in name_words(name))
    full = [form for form in used if parse(form).kind is Kind.FULL and related(form, stems)]
    wider = stems.union(*(name_words(form) for form in full))
    return {form for form in used if related(form, wider)}


def _is_used(form: str, count: int, evidence: Evidence, titled: frozenset[str]) -> bool:
    """Whether a name is used as one: a full name often, or with a title, or where its two parts are names elsewhere."""
    parsed = parse(form)
    if parsed.title:
        return True
    if parsed.kind is not Kind.FULL or count >= _LEAST_FULL:
        return count > 1
    return evidence.mentions[parsed.given] > 0 and parsed.surname in titled


def _speaks(group: Sequence[str], evidence: Evidence) -> bool:
    named = sum(evidence.tags[name] + evidence.labels[name] for name in group)
    hinted = sum(evidence.beats[name] + evidence.implied[name] for name in group)
    return named > 0 or hinted >= _LEAST_BEATS


def _speaker(
    group: Sequence[str],
    evidence: Evidence,
    seen: Mapping[str, Signs],
    known: Cast | None,
    first: FirstPerson | None,
) -> Speaker:
    total = Signs()
    for name in group:
        total += seen.get(name, Signs())
    gender = guess_gender(group, total)
    age, age_evidence = guess_age(group, total)
    written = next((one for one in known.characters if one.name == group[0]), None) if known else None
    return Speaker(
        name=group[0],
        aliases=tuple(group[1:]),
        gender=written.gender if written and written.gender else gender.gender,
        gender_evidence="cast sheet" if written and written.gender else gender.evidence,
        age=age,
        age_evidence=age_evidence,
        tags=sum(evidence.tags[name] + evidence.labels[name] for name in group),
        known=written is not None,
        first_person=written.first_person if written else bool(first and first.name in group),
    )


def _counted(book: Book, speakers: Sequence[Speaker], narrator: Character) -> tuple[list[Speaker], int, list[Unfound]]:
    """The speakers with what attribution gives them; whoever has nothing and no tag is left out."""
    tally = Tally.of(book, cast_of(tuple(sorted(speakers, key=lambda speaker: speaker.name)), narrator))
    counted = [
        tally.counted(speaker, speaker.name, book.language)
        for speaker in speakers
        if tally.lines[speaker.name] or speaker.tags or speaker.known or speaker.first_person
    ]
    if tally.lines[narrator.name]:
        # The I of the story, or minor speakers whose names a person gave to the narrator.
        written = Speaker(
            name=narrator.name if narrator.name != NARRATOR.name else "Narrator",
            aliases=narrator.aliases,
            gender=narrator.gender,
            known=True,
            first_person=narrator.first_person,
        )
        counted.append(tally.counted(written, narrator.name, book.language))
    ordered = sorted(counted, key=lambda speaker: (-speaker.lines, -speaker.chars, speaker.name))
    return ordered, tally.quotations, tally.unfound


def _first_person(evidence: Evidence, groups: Sequence[Sequence[str]], known: Cast | None) -> FirstPerson | None:
    """Whether the narrator says I, and whose name that may be."""
    tags = sum(count for word, count in evidence.pronoun_tags.items() if word in _FIRST_WORDS)
    share = evidence.first_words / max(1, evidence.narrating_words)
    settled = [one for one in known.characters if one.first_person] if known else []
    if not settled and (tags < _FIRST_TAGS or share < _FIRST_SHARE):
        return None
    if settled:
        return FirstPerson(tags=tags, share=round(share, 4), name=settled[0].name)
    heard = {name for group in groups if _speaks(group, evidence) for name in group}
    called = [
        (name, count)
        for name, count in evidence.called.items()
        if name not in heard and count >= max(_LEAST_CALLED, _CALLED_SHARE * evidence.mentions[name])
    ]
    ranked = sorted(called, key=lambda item: (-item[1], item[0]))
    is_clear = bool(ranked) and (len(ranked) == 1 or _is_clear(ranked))
    return FirstPerson(
        tags=tags,
        share=round(share, 4),
        called=tuple(name for name, _ in ranked[:3]),
        name=ranked[0][0] if is_clear else "",
    )


def _is_clear(ranked: Sequence[tuple[str, int]]) -> bool:
    """Whether the first is called much more often than whoever comes next and is somebody else."""
    own = name_words(ranked[0][0])
    next_best = next((count for name, count in ranked[1:] if not own & name_words(name)), 0)
    return ranked[0][1] >= _CLEARLY * next_best and not any(part in words.TITLES for part in ranked[0][0].split())
