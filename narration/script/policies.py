"""How a book wants its lines cut: who reads tags, and whether short lines are joined.

Invariant: what a policy leaves out is a removal; every other word is in a line, with the speaker that it had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from narration.book import ChapterScript, Line, ParagraphKind, Removal
from narration.cast import Cast, Gender
from narration.script import verbs
from narration.script.speakers import labels_of
from narration.settings.settings import ChunkSettings, TagPolicy

SHORT_CHARS: Final = 40
"""Below this a line is short: in novels a fifth of the narrator's lines are, and most of those are tags."""

_PRONOUNS: Final = {
    "he": Gender.MALE,
    "she": Gender.FEMALE,
    "it": Gender.NEUTRAL,
    "they": Gender.NEUTRAL,
    "他": Gender.MALE,
    "她": Gender.FEMALE,
    "它": Gender.NEUTRAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tags:
    """What finds a bare tag of one cast, in a group named `who` with the name or pronoun."""

    patterns: tuple[re.Pattern[str], ...]
    owners: dict[str, str]
    genders: dict[str, Gender]


def apply_policies(script: ChapterScript, cast: Cast, settings: ChunkSettings) -> ChapterScript:
    """The lines of a chapter as the book wants them spoken.

    Args:
        script: the chapter's lines.
        cast: for names and genders.
        settings: `tags`, `join_short` and `target_chars` of the book.
    """
    lines, removals = list(script.lines), list(script.removals)
    if settings.tags is TagPolicy.DROP:
        tags = _tags(cast)
        dropped = {
            line.index for line in lines if _is_bare_tag(line, _beside(lines, line.index), tags, cast.narrator.name)
        }
        removals += [
            Removal(rule="dropped-tag", start=line.start, end=line.end, text=line.text)
            for line in lines
            if line.index in dropped
        ]
        lines = [line for line in lines if line.index not in dropped]
    if settings.join_short:
        lines = list(_joined(lines, script.chapter.text, settings.target_chars))
    return replace(
        script,
        lines=tuple(replace(line, index=index) for index, line in enumerate(lines)),
        removals=tuple(sorted(removals, key=lambda removal: removal.start)),
    )


def _beside(lines: list[Line], index: int) -> list[Line]:
    """The lines right before and after one, of its paragraph."""
    near = lines[max(0, index - 1) : index] + lines[index + 1 : index + 2]
    return [line for line in near if line.paragraph == lines[index].paragraph and line.text and not line.skipped]


def _is_bare_tag(line: Line, beside: list[Line], tags: _Tags, narrator: str) -> bool:
    """Whether a line says only who speaks the line beside it, and that voice says so already."""
    if line.character != narrator or line.kind is not ParagraphKind.PROSE or line.joint or line.skipped:
        return False
    if line.doubtful or line.direction or line.respellings or line.pause_ms is not None or not beside:
        return False
    match = next((found for pattern in tags.patterns if (found := pattern.fullmatch(line.text.strip()))), None)
    if match is None or any(one.character == narrator or one.doubtful or one.joint for one in beside):
        return False
    speakers = {one.character for one in beside}
    who = " ".join((match["after"] or match["before"]).split())
    if who in tags.owners:
        return speakers == {tags.owners[who]}
    known = tags.genders.get(next(iter(speakers)), Gender.UNKNOWN)
    return len(speakers) == 1 and known in (Gender.UNKNOWN, _PRONOUNS[who.lower()])


@lru_cache(maxsize=16)
def _tags(cast: Cast) -> _Tags:
    owners = labels_of(cast).owners
    names = "|".join(
        r"\s+".join(map(re.escape, name.split())) for name in sorted(owners, key=lambda name: (-len(name), name))
    )
    verb = verbs.ENGLISH
    named = rf"(?:the\s+)?(?P<%s>{names}|(?i:he|she|it|they))"
    after, before = named.replace("%s", "after"), named.replace("%s", "before")
    spaced = rf"[,;—–-]*\s*(?:{verb}\s+{after}|{before}\s+{verb})\s*[.,;:—–-]*"
    han = rf"[，,]?\s*(?P<before>{names}|[他她它])(?P<after>)(?:{verbs.CHINESE})\s*[，,。：:]?"
    return _Tags(
        patterns=(re.compile(spaced), re.compile(han)),
        owners=owners,
        genders={character.name: character.gender for character in cast.characters},
    )


def _joined(lines: list[Line], text: str, target_chars: int) -> Iterator[Line]:
    """The lines, short ones joined to the line before or after."""
    waiting: Line | None = None
    for line in lines:
        if waiting is not None and _joins(waiting, line, text, target_chars):
            waiting = replace(
                waiting,
                end=line.end,
                text=text[waiting.start : line.end],
                doubtful=waiting.doubtful or line.doubtful,
                respellings=waiting.respellings + line.respellings,
            )
            continue
        if waiting is not None:
            yield waiting
        waiting = line
    if waiting is not None:
        yield waiting


def _joins(line: Line, other: Line, text: str, target_chars: int) -> bool:
    if min(len(line.text), len(other.text)) >= SHORT_CHARS or other.end - line.start > target_chars:
        return False
    same = all(
        getattr(line, name) == getattr(other, name) for name in ("paragraph", "character", "kind", "direction", "joint")
    )
    is_plain = bool(line.text and other.text) and not (line.skipped or other.skipped)
    return same and is_plain and other.pause_ms is None and not text[line.end : other.start].strip()
