"""From a book to who speaks in it.

Invariant: the same book and the same known cast give the same proposal; every quotation is counted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from narration.book import Book
from narration.cast import Cast, Character, Role
from narration.discovery import words
from narration.discovery.aliases import Doubt, Kind, Standing, merge, name_words, parse, related
from narration.discovery.evidence import Evidence, collect
from narration.discovery.gender import Signs, guess_age, guess_gender, signs
from narration.discovery.han import collect_han, merge_han
from narration.discovery.passages import Passage, passages
from narration.discovery.previews import choose_preview
from narration.discovery.roll import Discovery, FirstPerson, Phrase, Speaker, Unfound, cast_of
from narration.script import attribute

_LEAST_BEATS: Final = 3
_LEAST_PRONOUNS: Final = 3
"""Before they keep two names apart; a proposal with its evidence needs but one."""
_FIRST_TAGS: Final = 2
_FIRST_SHARE: Final = 0.015
"""Novels told in the first person have 2 to 6 in 100 words of their narration as I, all others under 1."""
_LEAST_CALLED: Final = 3
_SURE: Final = 0.8
"""From this probability on a line is taken as a preview."""
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
    standings, seen = _standings(read, evidence, settled, book.language)
    groups, doubts = (merge_han if book.language == "zh" else merge)(standings, settled)
    first = _first_person(evidence, groups)
    speakers = [
        _speaker(group, evidence, seen, known, settled)
        for group in groups
        if _speaks(group, evidence) or any(name in settled for name in group)
    ]
    narrator = known.narrator if known and any(one.role is Role.NARRATOR for one in known.characters) else None
    counted, quotations, unfound = _counted(book, speakers, narrator)
    kept = {speaker.name for speaker in counted}
    return Discovery(
        language=book.language,
        speakers=tuple(counted),
        phrases=tuple(
            Phrase(text=text, tags=tags)
            for text, tags in sorted(evidence.phrases.items(), key=lambda item: (-item[1], item[0]))
        ),
        doubts=tuple(doubt for doubt in _between_speakers(doubts, kept)),
        first_person=first,
        quotations=quotations,
        unfound=tuple(unfound),
    )


def _settled(known: Cast | None) -> dict[str, tuple[str, ...]]:
    if known is None:
        return {}
    return {one.name: one.aliases for one in known.characters if one.role is not Role.NARRATOR}


def _standings(
    read: Sequence[Sequence[Passage]], evidence: Evidence, settled: Mapping[str, tuple[str, ...]], language: str
) -> tuple[dict[str, Standing], Mapping[str, Signs]]:
    """How each name is used that speaks, or that shares a word with one that does."""
    speaking = {name for name in (*evidence.tags, *evidence.labels)}
    speaking |= {name for name, count in evidence.beats.items() if count >= _LEAST_BEATS}
    speaking |= {name for known, aliases in settled.items() for name in (known, *aliases)}
    forms = set(speaking)
    if language != "zh":
        used = [form for form, count in evidence.mentions.items() if _is_used(form, count)]
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


def _is_used(form: str, count: int) -> bool:
    """Once is enough for a name of several words; one word alone may be a slip."""
    return count > 1 or len(form.split()) > 1


def _speaks(group: Sequence[str], evidence: Evidence) -> bool:
    named = sum(evidence.tags[name] + evidence.labels[name] for name in group)
    return named > 0 or sum(evidence.beats[name] for name in group) >= _LEAST_BEATS


def _speaker(
    group: Sequence[str],
    evidence: Evidence,
    seen: Mapping[str, Signs],
    known: Cast | None,
    settled: Mapping[str, tuple[str, ...]],
) -> Speaker:
    total = Signs()
    for name in group:
        total += seen.get(name, Signs())
    gender = guess_gender(group, total)
    age, age_evidence = guess_age(group, total)
    written: Character | None = known.by_name(group[0]) if known and group[0] in settled else None
    return Speaker(
        name=group[0],
        aliases=tuple(group[1:]),
        gender=written.gender if written and written.gender else gender.gender,
        gender_evidence="cast sheet" if written and written.gender else gender.evidence,
        age=age,
        age_evidence=age_evidence,
        tags=sum(evidence.tags[name] + evidence.labels[name] for name in group),
        known=written is not None,
    )


def _counted(
    book: Book, speakers: Sequence[Speaker], narrator: Character | None
) -> tuple[list[Speaker], int, list[Unfound]]:
    """The speakers with what attribution gives them; whoever has nothing and no tag is left out."""
    cast = cast_of(tuple(sorted(speakers, key=lambda speaker: speaker.name)), narrator)
    lines: Counter[str] = Counter()
    chars: Counter[str] = Counter()
    sure: dict[str, list[str]] = {}
    unfound: list[Unfound] = []
    total = 0
    for chapter in book.chapters:
        text = chapter.text
        for quotation in attribute(text, cast, language=book.language):
            total += 1
            said = text[quotation.start : quotation.end]
            if quotation.character is None:
                unfound.append(Unfound(chapter=chapter.number, start=quotation.start, end=quotation.end, text=said))
                continue
            lines[quotation.character] += 1
            chars[quotation.character] += len(said)
            if quotation.probability >= _SURE:
                sure.setdefault(quotation.character, []).append(said)
    counted = [
        Speaker(
            name=speaker.name,
            aliases=speaker.aliases,
            gender=speaker.gender,
            gender_evidence=speaker.gender_evidence,
            age=speaker.age,
            age_evidence=speaker.age_evidence,
            tags=speaker.tags,
            lines=lines[speaker.name],
            chars=chars[speaker.name],
            preview=choose_preview(sure.get(speaker.name, ()), language=book.language),
            known=speaker.known,
        )
        for speaker in speakers
        if lines[speaker.name] or speaker.tags or speaker.known
    ]
    return sorted(counted, key=lambda speaker: (-speaker.lines, -speaker.chars, speaker.name)), total, unfound


def _between_speakers(doubts: Sequence[Doubt], kept: set[str]) -> list[Doubt]:
    """Doubts that matter: between at least one who speaks and somebody else."""
    found = []
    for doubt in doubts:
        if any(option in kept for option in doubt.options):
            found.append(doubt)
    return found


def _first_person(evidence: Evidence, groups: Sequence[Sequence[str]]) -> FirstPerson | None:
    tags = sum(count for word, count in evidence.pronoun_tags.items() if word in _FIRST_WORDS)
    share = evidence.first_words / max(1, evidence.narrating_words)
    if tags < _FIRST_TAGS or share < _FIRST_SHARE:
        return None
    called = Counter(
        {
            group[0]: sum(evidence.called[name] for name in group)
            for group in groups
            if not _speaks(group, evidence)
        }
    )
    unheard = {name: count for name, count in evidence.called.items() if not any(name in group for group in groups)}
    called.update(unheard)
    often = [(name, count) for name, count in called.items() if count >= _LEAST_CALLED]
    names = [name for name, _ in sorted(often, key=lambda item: (-item[1], item[0]))[:3]]
    return FirstPerson(tags=tags, share=round(share, 4), called=tuple(names))
