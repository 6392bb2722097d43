"""LitBank's quotations, placed in the whole novels: what attribution is measured on.

LitBank annotates about 2,000 words of each of 100 novels, tokenised and without paragraphs. `books()` finds each
quotation in the untouched novel and gives the speakers names, so that a whole novel with a cast list is what is read.

Source: Bamman et al., LitBank, CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from narration.cast import Cast, Character
from narration.script import english, verbs

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "litbank"
_ANCHOR_CHARS = 40
_LEAST_TAGS = 3
_TITLE = r"(?:Mr|Mrs|Miss|Ms|Dr|Sir|Lady|Lord|Captain|Colonel|Major|Aunt|Uncle|Madame|Monsieur|Father|Professor)"
_NAME = rf"(?:{_TITLE}\.?\s+)?[A-Z][a-z]+(?:\s+[A-Z][a-z]+)?"
_SAID = re.compile(rf"[”\"’',]\s+(?:{verbs.ENGLISH})\s+({_NAME})\b|[”\"’']\s+({_NAME})\s+(?:{verbs.ENGLISH})\b")
_NOT_NAMES = frozenset(
    [
        "The",
        "A",
        "An",
        "He",
        "She",
        "It",
        "They",
        "We",
        "You",
        "I",
        "But",
        "And",
        "Then",
        "There",
        "This",
        "That",
        "His",
        "Her",
        "My",
        "Chapter",
        "CHAPTER",
        "One",
        "Another",
        "God",
        "Heaven",
        "Here",
        "When",
        "What",
        "Yes",
        "No",
        "Oh",
        "Well",
        "Now",
        "So",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """An annotated quotation of a novel.

    Attributes:
        start, end: code-point offsets in the novel.
        speaker: a name of the cast.
        named: the speaker has a name; "a girl" has none.
    """

    start: int
    end: int
    speaker: str
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Novel:
    """A novel, its cast, and its annotated stretch.

    Attributes:
        key: LitBank's name of it.
        held_out: not to be tuned on.
        start, end: offsets of the annotated stretch.
    """

    key: str
    text: str
    cast: Cast
    gold: tuple[Gold, ...]
    start: int
    end: int
    held_out: bool


def is_held_out(key: str) -> bool:
    """Half of the books, by a hash of their Gutenberg number."""
    return hashlib.sha256(key.split("_")[0].encode()).digest()[0] % 2 == 1


def novel_keys(only: str = "") -> list[str]:
    """Of every novel whose key contains `only`."""
    found = [path.name.removesuffix("_brat.ann") for path in sorted(CORPUS.glob("*_brat.ann"))]
    return [key for key in found if only in key]


def books(only: str = "") -> Iterator[Novel]:
    """Every novel whose key contains `only`."""
    for key in novel_keys(only):
        yield novel(key)


def novel(key: str) -> Novel:
    """One novel."""
    text = (CORPUS / "original" / f"{key}.txt").read_text(encoding="utf-8-sig")
    tokens = [line.split() for line in (CORPUS / f"{key}_brat.txt").read_text(encoding="utf-8").splitlines()]
    rows = [line.split("\t") for line in (CORPUS / f"{key}_brat.ann").read_text(encoding="utf-8").splitlines()]
    speakers = {row[1]: row[2] for row in rows if row[0] == "ATTRIB"}
    places = align(tokens, text)
    entries = cast_of(text, sorted(set(speakers.values())), _sheets().get(key.split("_")[0], {}))
    gold = []
    for row in rows:
        if row[0] != "QUOTE" or row[1] not in speakers:
            continue
        inner = [
            places[at]
            for at in sorted(places)
            if (int(row[2]), int(row[3])) <= at <= (int(row[4]), int(row[5])) and places[at] is not None
        ]
        if not inner:
            continue
        name, named = entries.names[speakers[row[1]]]
        gold.append(Gold(start=inner[0][0], end=inner[-1][1], speaker=name, named=named))
    bounds = list(places.values())
    return Novel(
        key=key,
        text=text,
        cast=entries.cast,
        gold=tuple(gold),
        start=min((place[0] for place in bounds), default=0),
        end=max((place[1] for place in bounds), default=0),
        held_out=is_held_out(key),
    )


def align(sentences: list[list[str]], text: str) -> dict[tuple[int, int], tuple[int, int]]:
    """Offsets in the novel of every token that has a letter or a digit, by (sentence, token)."""
    kept = [index for index, char in enumerate(text) if char.isalnum()]
    folded = "".join(text[index].lower()[:1] for index in kept)
    position = 0
    places: dict[tuple[int, int], tuple[int, int]] = {}
    flat = [
        ((s, t), "".join(char.lower()[:1] for char in token if char.isalnum()))
        for s, sentence in enumerate(sentences)
        for t, token in enumerate(sentence)
    ]
    flat = [item for item in flat if item[1]]
    started = False
    for n, (at, word) in enumerate(flat):
        if not folded.startswith(word, position):
            ahead = ""
            for _, later in flat[n : n + 60]:
                ahead += later
                if len(ahead) >= _ANCHOR_CHARS:
                    break
            found = folded.find(ahead[:_ANCHOR_CHARS], position, None if not started else position + 4000)
            if found < 0:
                continue
            position = found
        started = True
        places[at] = (kept[position], kept[position + len(word) - 1] + 1)
        position += len(word)
    return places


@lru_cache
def _sheets() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "sheets.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class _Entries:
    cast: Cast
    names: dict[str, tuple[str, bool]]


def cast_of(text: str, speakers: list[str], sheet: dict[str, str]) -> _Entries:
    """A cast sheet: the annotated speakers, and whoever the novel names beside a word of saying."""
    aliases = _discovered(text)
    names: dict[str, tuple[str, bool]] = {}
    first: set[str] = set()
    claimed: set[str] = set()
    for key, line in sheet.items():
        listed = [name.strip() for name in line.split(";")]
        entry = listed[0]
        for other in [other for other, have in aliases.items() if other not in claimed and have & set(listed)]:
            aliases.pop(other)
        claimed.add(entry)
        aliases.setdefault(entry, set()).update(set(listed) - {"I"})
        if key == "@I" or "I" in listed:
            first.add(entry)
        names[key] = (entry, True)
    for key in speakers:
        if key not in names:
            names[key] = _entry(key, aliases, claimed, first)
    characters = tuple(
        Character(name=name, aliases=tuple(sorted(others - {name})), first_person=name in first)
        for name, others in sorted(aliases.items())
    )
    return _Entries(Cast(characters=characters), names)


def _entry(key: str, aliases: dict[str, set[str]], claimed: set[str], first: set[str]) -> tuple[str, bool]:
    """The entry of an annotated speaker, made where there is none; and whether it is a name."""
    spelled, narrator = _spelled(key)
    proper = [word for word in spelled.split() if word[:1].isupper() and word.rstrip(".") not in {"The", "A", "I"}]
    entry = _match(spelled, {name: aliases[name] for name in aliases.keys() - claimed}) if proper else None
    if entry is None or "'" in spelled:
        entry = spelled
        aliases.setdefault(entry, set())
    claimed.add(entry)
    aliases[entry].add(spelled)
    noun = re.sub(r"^(?:the|a|an)\s+", "", spelled.lower())
    if not proper and noun == spelled.lower().split()[-1]:
        aliases[entry].add(f"the {noun}")
    if narrator:
        first.add(entry)
    return entry, bool(proper) or narrator


def _spelled(key: str) -> tuple[str, bool]:
    """LitBank's id as a name, and whether it is the narrator: `Mr__Bennet-3` is Mr. Bennet."""
    name = re.sub(r"-\d+$", "", key)
    narrator = name in {"I", "Narrator", "NARRATOR"} or name.lower().endswith("narrator") or "narrator" in name.lower()
    name = re.sub(r"_?\(?narrator\)?$", "", name, flags=re.IGNORECASE) or "the narrator of the story"
    name = re.sub(r"___", " ", name).replace("__", ". ").replace("_s_", "'s ").replace("_", " ")
    words = [word.capitalize() if word.isupper() and len(word) > 1 else word for word in name.split()]
    if name == "I":
        return "the narrator of the story", True
    return " ".join(words).strip(), narrator


def _plain(name: str) -> tuple[str, ...]:
    return tuple(word for word in re.findall(r"[^\W\d_]+", name) if word not in english.TITLES | english.QUALIFIERS)


def _titles(name: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", name) if word in english.TITLES}


def _match(name: str, aliases: dict[str, set[str]]) -> str | None:
    """The entry whose name this is: the same words, or all words of the shorter in the longer, titles agreeing."""
    for entry, others in aliases.items():
        if name == entry or name in others:
            return entry
    words = set(_plain(name))
    best: tuple[int, str] | None = None
    for entry, others in sorted(aliases.items()):
        for other in (entry, *others):
            have = set(_plain(other))
            if not words or not have or not (words <= have or have <= words):
                continue
            own, theirs = _titles(name), _titles(other)
            if len(_genders(name) | _genders(other)) > 1 or {"Mrs", "Miss"} <= own | theirs:
                continue
            if len(words) > 1 and len(have) > 1 and not (words == have or words < have or have < words):
                continue
            score = len(words & have) * 10 + (own == theirs) * 5
            if best is None or score > best[0]:
                best = (score, entry)
    return best[1] if best else None


def _genders(name: str) -> set[str]:
    words = set(re.findall(r"[^\W\d_]+", name))
    female = words & (english.FEMALE_TITLES | english.FEMALE_NAMES)
    male = words & (english.MALE_TITLES | english.MALE_NAMES)
    titles = _titles(name)
    if titles & english.FEMALE_TITLES:
        male = set()
    elif titles & english.MALE_TITLES:
        female = set()
    return ({"f"} if female and not male else set()) | ({"m"} if male and not female else set())


def _discovered(text: str) -> dict[str, set[str]]:
    """Names beside words of saying, joined where one is part of another."""
    counts: Counter[str] = Counter()
    for match in _SAID.finditer(text):
        name = re.sub(r"\s+", " ", match[1] or match[2])
        words = [word.rstrip(".") for word in name.split()]
        if words[0] in _NOT_NAMES or words[-1] in _NOT_NAMES or words[-1] in english.TITLES:
            continue
        counts[name] += 1
    entries: dict[str, set[str]] = {}
    for name, count in sorted(counts.items(), key=lambda item: (-len(item[0].split()), -item[1], item[0])):
        if count < _LEAST_TAGS:
            continue
        entry = _match(name, entries)
        if entry is None:
            entries[name] = {name}
        else:
            entries[entry].add(name)
    return entries
