"""Who is named where: next to a word of saying, at the head of a label, in the narration, inside speech.

Invariant: counts only; nothing here decides who is a character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from narration.discovery import words
from narration.discovery.passages import Passage, sentences

UPPER: Final = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪĮİĶĹĻŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽА-ЯЁ"
_WORD: Final = rf"[{UPPER}](?:[^\W\d_]|['’\-](?!s\b)(?=[^\W\d_]))*"
_TITLE: Final = rf"(?:{'|'.join(sorted(words.TITLES, key=lambda title: (-len(title), title)))})(?:\.|\b)"
_PARTICLE: Final = r"(?:de|du|von|van|der|la|le|del|di|da|des|ten|d['’]|of(?=\s+the\b))"
_PART: Final = rf"(?:[{UPPER}]\.(?:\s?[{UPPER}]\.)*|{_WORD})"
NAME: Final = rf"(?:{_TITLE}\s+){{0,2}}{_PART}(?:\s+(?:{_PARTICLE}\s+){{0,2}}(?!{_TITLE}){_PART}){{0,3}}"
"""A pattern for one or more capitalised words that may be a name, with its titles."""
_NAME_RE: Final = re.compile(rf"(?<![^\W_])(?:{NAME})")

_ASIDE: Final = r"(?:,[^,.!?;:“”\"]{1,60},)?"
_ADVERB: Final = r"(?:(?:\w+ly|then|just|only|had|has|also|still|again|at\s+last|at\s+once|now|always)\s+){0,2}"
_BETWEEN: Final = r"(?:\s+(?:\w+ly|back|out|again|at\s+last|at\s+once|softly|in|then))?"
_ADJECTIVES: Final = r"(?:(?:the|old|young|poor|little|good|dear|big|honest)\s+){0,3}"
_PHRASE: Final = (
    r"(?P<phrase>(?:the|a|an|another|one|his|her|my|our|their)\s+"
    r"(?:(?!(?:and|as|with|in|to|at|from|when|while|who|that|on|by|of|but|for|again|who|whose|had|was|were)\b)"
    r"[a-zà-ÿ][a-zà-ÿ'’\-]*(?!ly\b|ing\b)\s+){0,3}?[a-zà-ÿ][a-zà-ÿ\-]+)"
)
_HAN: Final = re.compile("[\u3400-\u9fff]")
_TWICE: Final = 2
_NEAR_PARAGRAPHS: Final = 3
_ENDS: Final = r"(?=\s*(?:[,.;:!?—–]|$|\s(?:and|as|with|in|to|at|from|when|while|who|on|but|for|again|\w+ly|\w+ing)\b))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Counts over one book, by the form of a name as written.

    Attributes:
        tags: next to a word of saying, beside a quotation.
        beats: subject of a sentence beside a quotation.
        labels: at the head of a script line.
        mentions: anywhere.
        called: spoken to, inside a quotation.
        phrases: `said the old gentleman`: whoever has no name.
        pronoun_tags: `said he`, by pronoun.
        implied: who was the subject last when a pronoun tag came.
        narrating_words, first_words: words of the narration, and those among them that say I.
        endings: for languages whose verbs have a gender, `(form, "she" or "he")`.
    """

    tags: Counter[str] = field(default_factory=Counter)
    beats: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    mentions: Counter[str] = field(default_factory=Counter)
    called: Counter[str] = field(default_factory=Counter)
    phrases: Counter[str] = field(default_factory=Counter)
    pronoun_tags: Counter[str] = field(default_factory=Counter)
    implied: Counter[str] = field(default_factory=Counter)
    narrating_words: int = 0
    first_words: int = 0
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patterns:
    verb_name: re.Pattern[str]
    name_verb: re.Pattern[str]
    before: re.Pattern[str]
    verb_phrase: re.Pattern[str]
    phrase_verb: re.Pattern[str]
    verb_pronoun: re.Pattern[str]
    first: re.Pattern[str]


@lru_cache(maxsize=12)
def _patterns(language: str) -> _Patterns:
    """The patterns of a language; English ones where its verbs are not known."""
    code = language if language in words.VERBS else "en"
    verb = rf"(?P<verb>{'|'.join(sorted(words.VERBS[code].split(), key=lambda word: (-len(word), word)))})"
    name, she, he, first = f"(?P<name>{NAME})", words.SHE[code], words.HE[code], words.FIRST_PERSON[code]
    dash = r"\s*[,，]?\s*[—–-]*\s*"
    return _Patterns(
        verb_name=re.compile(rf"{dash}\b{verb}\b{_BETWEEN}\s+{_ADJECTIVES}{name}"),
        name_verb=re.compile(rf"{dash}(?:[Tt]he\s+)?{name}{_ASIDE}\s+{_ADVERB}{verb}\b"),
        before=re.compile(
            rf"(?<!\w)(?:[Tt]he\s+)?{name}{_ASIDE},?\s+(?:who\s+)?{_ADVERB}{verb}\b(?:[^.!?“”\"]{{0,80}}[,:])?{dash}$"
        ),
        verb_phrase=re.compile(rf"{dash}\b{verb}\b{_BETWEEN}\s+{_PHRASE}{_ENDS}"),
        phrase_verb=re.compile(rf"{dash}{_PHRASE}\s+{_ADVERB}{verb}\b", re.IGNORECASE),
        verb_pronoun=re.compile(
            rf"{dash}(?:\b{verb}[-\s]+(?:t-)?(?P<after>{she}|{he}|{first})\b|(?P<ahead>{she}|{he}|{first})\s+{_ADVERB}"
            rf"(?:{verb.replace('?P<verb>', '?:')})\b)",
            re.IGNORECASE,
        ),
        first=re.compile(rf"\b{first}\b", re.IGNORECASE if code != "en" else 0),
    )


def collect(paragraphs: Sequence[Sequence[Passage]], language: str) -> Evidence:
    """What a book of a language that parts its words by spaces says of its speakers."""
    evidence = Evidence()
    plain = _Plain(paragraphs)
    narrating, first = 0, 0
    patterns = _patterns(language)
    subject, since = "", 0
    for number, passages in enumerate(paragraphs):
        has_speech = any(passage.said for passage in passages)
        for passage in passages:
            if passage.said:
                evidence.called.update(_called(passage.text, plain))
                continue
            narrating += passage.text.count(" ") + 1
            first += len(patterns.first.findall(passage.text))
            if has_speech:
                pronoun = _tags(passage, patterns, plain, evidence)
                if pronoun and number - since <= _NEAR_PARAGRAPHS and _agrees(subject, pronoun, language):
                    evidence.implied[subject] += 1
            later = list(_subjects(passage, plain))
            subject, since = (later[-1], number) if later else (subject, since)
        if has_speech:
            evidence.beats.update(_beats(passages, plain))
        evidence.mentions.update(_mentions(passages, plain))
        evidence.labels.update(_labels(passages))
    return Evidence(
        tags=evidence.tags,
        beats=evidence.beats,
        labels=_settled_labels(evidence, len(paragraphs)),
        mentions=evidence.mentions,
        called=evidence.called,
        phrases=evidence.phrases,
        pronoun_tags=evidence.pronoun_tags,
        implied=evidence.implied,
        narrating_words=narrating,
        first_words=first,
        endings=evidence.endings,
    )


class _Plain:
    """Which capitalised words are plain words of the book that merely begin a sentence."""

    def __init__(self, paragraphs: Sequence[Sequence[Passage]]) -> None:
        self._lower: Counter[str] = Counter()
        self._inside: Counter[str] = Counter()
        for passages in paragraphs:
            for passage in passages:
                self._lower.update(re.findall(r"(?<![^\W_])[^\W\d_]+", passage.text))
                self._inside.update(re.findall(rf"(?<=[a-zß-ÿа-яё,;] )[{UPPER}][^\W\d_]+", passage.text))

    def is_plain(self, word: str) -> bool:
        """Whether the book writes the word small more often than it writes it great inside a sentence."""
        if word in words.NOT_NAMES:
            return True
        first = re.split(r"['’\-.]", word)[0]
        return self._lower[first.lower()] >= max(1, self._inside[first]) and first.lower() != first

    def inside(self, word: str) -> int:
        """How often the word is written great inside a sentence."""
        return self._inside[word]


def _form(name: str, plain: _Plain, *, tagged: bool) -> str:
    """A name without what merely stands before or after it; empty where nothing is left.

    Args:
        name: what the pattern found.
        plain: the plain words of the book.
        tagged: a word of saying stands beside it, so that only what can never be a name is left out.
    """
    parts = name.replace("\n", " ").split()
    while parts:
        head = parts[0].rstrip(".")
        if head in words.SOFT_TITLES:
            # `Old` is more than the first word of a sentence only where it stands inside one, too.
            if len(parts) > 1 and plain.inside(head) >= _TWICE:
                break
            parts.pop(0)
        elif head in words.TITLES and len(parts) > 1:
            break
        elif _is_no_part(head, plain, alone=len(parts) == 1, tagged=tagged):
            parts.pop(0)
        else:
            break
    # Captain Good is a name, and `Mr. Bingley I` is one and a half.
    least = 2 if parts and parts[0].rstrip(".") in words.TITLES else 0
    while len(parts) > least and parts[-1] in words.NOT_NAMES:
        parts.pop()
    if not parts or (len(parts) == 1 and parts[0].endswith(".")):
        return ""
    if parts[-1] in words.PLACES and parts[0].rstrip(".") not in words.TITLES:
        return ""
    if any(len(part) > 1 and part.isupper() and "." not in part for part in parts):
        return ""
    return " ".join(parts)


def _is_no_part(head: str, plain: _Plain, *, alone: bool, tagged: bool) -> bool:
    if head in words.NOT_NAMES:
        return True
    return plain.is_plain(head) and (not tagged if alone else plain.inside(head) < _TWICE)


def _tags(passage: Passage, patterns: _Patterns, plain: _Plain, evidence: Evidence) -> str:
    """Counts what is beside a quotation; returns the pronoun where that is all."""
    text = passage.text
    match = patterns.verb_pronoun.match(text) if passage.before else None
    if match:
        pronoun = (match["after"] or match["ahead"]).lower()
        evidence.pronoun_tags[pronoun] += 1
        return pronoun
    found: re.Match[str] | None = None
    if passage.before:
        found = patterns.verb_name.match(text) or patterns.name_verb.match(text)
    if found is None and passage.after:
        found = next(iter(reversed(list(patterns.before.finditer(text[-240:])))), None)
    name = _form(found["name"], plain, tagged=True) if found else ""
    if found and name:
        evidence.tags[name] += 1
        evidence.endings.update(_ending(name, found["verb"]))
        return ""
    if passage.before:
        phrase = patterns.verb_phrase.match(text) or patterns.phrase_verb.match(text)
        if phrase:
            evidence.phrases[" ".join(phrase["phrase"].lower().split())] += 1
    return ""


def _ending(name: str, verb: str) -> Iterator[tuple[str, str]]:
    if re.search("[а-яё]$", verb):
        yield name, "she" if verb.endswith(("ла", "лась")) else "he"


def _beats(passages: Sequence[Passage], plain: _Plain) -> Iterator[str]:
    """Whose deed stands beside the quotation: the subject of the first sentence of each narrated passage."""
    for passage in passages:
        if not passage.said and passage.text.strip():
            name = _subject(passage.text.lstrip(" .,—–-"), plain)
            if name:
                yield name


def _subjects(passage: Passage, plain: _Plain) -> Iterator[str]:
    """Who is the subject of each sentence that begins with a name."""
    for sentence in sentences(passage.text):
        name = _subject(sentence.lstrip(" .,—–-"), plain)
        if name:
            yield name


def _subject(sentence: str, plain: _Plain) -> str:
    match = _NAME_RE.match(sentence)
    is_followed = match and re.match(r"\s[a-zà-ÿа-яё]", sentence[match.end() : match.end() + 2])
    name = _form(match.group(), plain, tagged=False) if match and is_followed else ""
    head, *rest = name.split() or [""]
    if rest and head.rstrip(".") in words.TITLES:
        return name
    # `Locking the door` begins like a name, and no sentence has it inside.
    return name if plain.inside(re.split("['’.-]", head)[0]) else ""


def _agrees(subject: str, pronoun: str, language: str) -> bool:
    """Whether the pronoun may stand for the subject, by its title."""
    code = language if language in words.SHE else "en"
    is_she, is_he = pronoun in words.SHE[code].split("|"), pronoun in words.HE[code].split("|")
    titles = {part.rstrip(".") for part in subject.split()}
    against = words.MALE_TITLES if is_she else words.FEMALE_TITLES
    return bool(subject) and (is_she or is_he) and not titles & against


def _mentions(passages: Iterable[Passage], plain: _Plain) -> Iterator[str]:
    for passage in passages:
        for match in _NAME_RE.finditer(passage.text):
            name = _form(match.group(), plain, tagged=False)
            if name:
                yield name


_CALLED: Final = re.compile(rf"(?:,\s+|^[“\"‘'«„—\s]*(?:(?:O|Oh|My dear|Dear)[,\s]+)?)({NAME})(?=[,.!?”\"—])")


def _called(quotation: str, plain: _Plain) -> Iterator[str]:
    for match in _CALLED.finditer(quotation):
        name = _form(match[1], plain, tagged=False)
        if name:
            yield name


_SCRIPT_SHARE: Final = 0.1
"""Of the paragraphs of a book that is set as a script at least so many begin with a label."""
_LABEL: Final = re.compile(
    rf"\s*(?P<name>{NAME}|[{UPPER}][{UPPER} .’'\-]{{1,30}})(?:\s*[(（][^()（）\n]{{1,120}}[)）])?\s*[:：]\s+\S"
)


def _labels(passages: Sequence[Passage]) -> Iterator[str]:
    """The name at the head of a paragraph, before a colon, in a book that is set as a script."""
    if passages and passages[0].speakers:
        yield from passages[0].speakers
        return
    if not passages or passages[0].said:
        return
    text = passages[0].text + (passages[1].text[:1] if len(passages) > 1 else "")
    match = _LABEL.match(text)
    if match and " and " not in match["name"]:
        name = " ".join(match["name"].split())
        name = name.title() if name.isupper() and len(name) > 2 else name
        head, *rest = name.split()
        counts = not rest and head in words.COUNTING
        if not counts and (head not in words.NOT_NAMES or (rest and head in words.TITLES)):
            yield name


def _settled_labels(evidence: Evidence, paragraphs: int) -> Counter[str]:
    """Labels as a script has them: all along, or of somebody who is named elsewhere, too; a stray colon is none."""
    labels = evidence.labels
    if labels.total() >= _SCRIPT_SHARE * paragraphs:
        return Counter({name: count for name, count in labels.items() if count > 1 or len(labels) > 1})
    return Counter(
        {name: count for name, count in labels.items() if evidence.tags[name] or evidence.mentions[name] > _TWICE}
    )


def subjects(paragraphs: Sequence[Sequence[Passage]], forms: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """`(form, rest)` for each sentence of the narration in which one form stands, or the first does before any other.

    `rest` is what follows it in the sentence, up to the next name, and the first words of the next sentence.
    """
    for passages in paragraphs:
        for passage in passages:
            if passage.said:
                continue
            cut = list(sentences(passage.text))
            for index, sentence in enumerate(cut):
                found = list(forms.finditer(sentence))
                if not found:
                    continue
                end = found[1].start() if len(found) > 1 else len(sentence)
                follows = cut[index + 1] if len(found) == 1 and index + 1 < len(cut) else ""
                opening = follows[:1] if _HAN.match(follows) else follows.split(" ")[0]
                yield " ".join(found[0].group().split()), f"{sentence[found[0].end() : end]}\n{opening}"
