"""From a discovery to entries for the cast sheet: who gets a voice, who shares one, what each is to sound like.

Invariant: no name stands in two entries, nor in one and in the sheet; the narrator and whoever a person wrote down keep
what they have.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from narration.cast import Cast, Gender
from narration.discovery import words
from narration.discovery.drafts import draft_voice, guesses
from narration.discovery.roll import Discovery, Speaker

_SHARED: Final = {Gender.MALE: "man", Gender.FEMALE: "woman", Gender.NEUTRAL: "voice", Gender.UNKNOWN: "voice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A character to add to the sheet.

    Attributes:
        name, gender, aliases, first_person, voice, preview: as in the sheet.
        comments: what was guessed, and what may be wrong; without `#`.
        shared: several minor speakers have this voice; its aliases are their names.
    """

    name: str
    gender: Gender
    aliases: tuple[str, ...]
    voice: str
    preview: str
    first_person: bool | tuple[int, ...] = False
    comments: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a cast sheet could say more.

    Attributes:
        entries: new characters, most lines first, shared voices last.
        notes: comments for entries that are there, by name.
        drafts: `(name, voice, preview)` of entries that are there and lack one of the two.
        narrator_is_i: the narrator says I, and nobody is named for it.
    """

    entries: tuple[Entry, ...]
    notes: tuple[tuple[str, str], ...] = ()
    drafts: tuple[tuple[str, str, str], ...] = ()
    narrator_is_i: bool = False


def propose(discovery: Discovery, sheet: Cast, *, minor: int, neutral_preview: str) -> Proposal:
    """New entries for a sheet, and what its own entries may lack.

    Args:
        discovery: of the book, made with this sheet as what is known.
        sheet: as it stands, the narrator included; voices may be empty.
        minor: speakers with fewer lines share a voice, one for men, one for women, one for those who may be either.
        neutral_preview: what a voice says first for which the book has no fitting line.
    """
    taken = {_folded(name) for one in sheet.characters for name in (one.name, *one.aliases)}
    heard = [one.voice for one in sheet.characters if one.voice]
    drafts = tuple(_drafts(discovery, sheet, heard, neutral_preview))
    heard += [voice for _, voice, _ in drafts if voice]
    new = [speaker for speaker in discovery.speakers if not speaker.known and _folded(speaker.name) not in taken]
    own = [speaker for speaker in new if speaker.lines >= minor or speaker.first_person]
    groups = _groups([speaker for speaker in new if speaker not in own], discovery.language)
    lone = [members[0] for _, members in groups if len(members) == 1]
    own = [speaker for speaker in new if speaker in own or speaker in lone]
    entries: list[Entry] = []
    for speaker in own:
        voice = draft_voice(speaker, heard, language=discovery.language)
        heard.append(voice)
        entries.append(_entry(speaker, voice, taken, discovery, neutral_preview))
    notes = list(_notes(discovery, sheet))
    for name, members in groups:
        if len(members) == 1:
            continue
        names = tuple(alias for speaker in members for alias in _fresh((speaker.name, *speaker.aliases), taken))
        if _folded(name) in taken:
            notes.append(
                (next(one.name for one in sheet.characters if _folded(one.name) == _folded(name)), _also(names))
            )
            continue
        entries.append(_shared_entry(name, members, names, heard, discovery, neutral_preview))
        heard.append(entries[-1].voice)
    first = discovery.first_person
    is_open = bool(first and not first.name and not any(one.first_person for one in sheet.characters))
    return Proposal(entries=tuple(entries), notes=tuple(notes), drafts=drafts, narrator_is_i=is_open)


def minor_names(discovery: Discovery, minor: int) -> dict[str, str]:
    """Who would share a voice, and under which name."""
    low = [one for one in discovery.speakers if not one.known and one.lines < minor and not one.first_person]
    groups = _groups(low, discovery.language)
    return {speaker.name: name for name, members in groups if len(members) > 1 for speaker in members}


def _groups(speakers: Sequence[Speaker], language: str) -> list[tuple[str, list[Speaker]]]:
    names = words.NAMES.get(language, words.NAMES["en"])
    groups: dict[str, list[Speaker]] = {}
    for key in ("man", "woman", "voice"):
        members = [speaker for speaker in speakers if _SHARED[speaker.gender] == key]
        if members:
            groups[names[key]] = members
    return list(groups.items())


def _entry(speaker: Speaker, voice: str, taken: set[str], discovery: Discovery, neutral: str) -> Entry:
    taken.add(_folded(speaker.name))
    counted = f"{speaker.lines:,} {'line' if speaker.lines == 1 else 'lines'}, {speaker.chars:,} characters"
    comments = [f"{counted}; {guesses(speaker)}"]
    comments += [f"perhaps also: {', '.join(found)}" for found in [discovery.doubts_of(speaker.name)] if found]
    comments += [
        f"{doubt.name} is perhaps {' or '.join(doubt.options)}"
        for doubt in discovery.doubts
        if doubt.name in (speaker.name, *speaker.aliases)
    ]
    if speaker.first_person and discovery.first_person:
        tags = discovery.first_person.tags
        comments.append(
            f"guessed: the I of the narration ({tags} × “said I”), as nobody else is called so and never tagged"
        )
    return Entry(
        name=speaker.name,
        gender=speaker.gender,
        aliases=_fresh(speaker.aliases, taken),
        voice=voice,
        preview=speaker.preview or neutral,
        first_person=speaker.first_person,
        comments=tuple(comments),
    )


def _shared_entry(
    name: str,
    members: Sequence[Speaker],
    names: tuple[str, ...],
    heard: Iterable[str],
    discovery: Discovery,
    neutral: str,
) -> Entry:
    pattern = replace(members[0], age="", age_evidence="")
    who = ", ".join(f"{speaker.name} ({speaker.lines})" for speaker in members)
    preview = next((speaker.preview for speaker in members if speaker.preview), neutral)
    return Entry(
        name=name,
        gender=Gender.NEUTRAL if members[0].gender is Gender.UNKNOWN else members[0].gender,
        aliases=names,
        voice=draft_voice(pattern, heard, language=discovery.language),
        preview=preview,
        comments=(f"minor speakers who share a voice, with their lines: {who}",),
        shared=True,
    )


def _notes(discovery: Discovery, sheet: Cast) -> Iterator[tuple[str, str]]:
    """Names that the book has for those who are in the sheet, and the sheet has not."""
    written = {_folded(name).removeprefix("the ") for one in sheet.characters for name in (one.name, *one.aliases)}
    for speaker in discovery.speakers:
        if not speaker.known:
            continue
        missing = [alias for alias in speaker.aliases if _folded(alias) not in written]
        if missing:
            yield speaker.name, _also(missing)
        doubtful = [name for name in discovery.doubts_of(speaker.name) if _folded(name) not in written]
        if doubtful:
            yield speaker.name, f"perhaps also: {', '.join(doubtful)}"


def _also(names: Iterable[str]) -> str:
    return f"also in the book, for `aliases`: {', '.join(names)}"


def _drafts(discovery: Discovery, sheet: Cast, heard: Sequence[str], neutral: str) -> Iterator[tuple[str, str, str]]:
    """A voice or a preview for each entry that lacks it; empty text for what it has."""
    voices = list(heard)
    speakers = {speaker.name: speaker for speaker in discovery.speakers}
    for one in sheet.characters:
        if one.voice and one.preview:
            continue
        narrates = one is sheet.narrator
        speaker = speakers.get(one.name) or Speaker(name=one.name, age="middle-aged" if narrates else "")
        speaker = replace(speaker, gender=one.gender or speaker.gender)
        voice = "" if one.voice else draft_voice(speaker, voices, language=discovery.language, narrates=narrates)
        voices.append(voice)
        yield one.name, voice, "" if one.preview else speaker.preview or neutral


def _fresh(names: Iterable[str], taken: set[str]) -> tuple[str, ...]:
    """The names that nobody has yet; they are taken from here on."""
    found = []
    for name in names:
        if _folded(name) not in taken:
            taken.add(_folded(name))
            found.append(name)
    return tuple(found)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
