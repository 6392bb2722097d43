"""Who is named beside a word of saying in Chinese, where no space and no capital letter marks a name.

Invariant: a name is all that stands before the verb, its adverbs left out, or it begins that and was found before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from narration.discovery import words
from narration.discovery.aliases import Doubt, Standing
from narration.discovery.evidence import Evidence
from narration.discovery.passages import Passage

_STOPS: Final = re.compile("[。！？；，、：:,!?;…—\n　 “”「」『』]")
_VERB: Final = re.compile(words.HAN_VERBS)
_ADVERBS: Final = re.compile(f"(?:{words.HAN_ADVERBS})+$")
_LETTER: Final = "[\u3400-\u9fffA-Za-zＡ-Ｚａ-ｚ·]"
"""Of a name; 阿Ｑ has a wide one."""
_HAN: Final = re.compile(f"^{_LETTER}{{2,6}}$")
_LABEL: Final = re.compile(rf"\s*({_LETTER}{{2,6}})[:：]")
_PHRASE: Final = re.compile("[的个個]")
_NO_NAME: Final = re.compile("[着了过得地一不有这那们伊他她]|人$|气$|[头来去]$")
_PHRASE_MOST: Final = 8
_LEAST_MENTIONS: Final = 4
_LEAST_SUBJECTS: Final = 3
_HONORIFICS: Final = ("先生", "老爷", "大人", "小姐", "女士", "君")
_MOST_LETTERS: Final = 4


def collect_han(paragraphs: Sequence[Sequence[Passage]]) -> Evidence:
    """What a Chinese book says of its speakers."""
    tags: Counter[str] = Counter()
    phrases: Counter[str] = Counter()
    pronouns: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    subjects: list[str] = []
    narration = "\n".join(passage.text for passages in paragraphs for passage in passages if not passage.said)
    whole = "\n".join(passage.text for passages in paragraphs for passage in passages)
    for passages in paragraphs:
        for passage in passages:
            if not passage.said:
                subjects += _subjects(passage)
        labels.update(passages[0].speakers if passages else ())
        label = _LABEL.match(passages[0].text) if passages and not passages[0].said else None
        if label and not _VERB.search(label[1]) and not _is_word(label[1]):
            labels[label[1]] += 1
    long: list[str] = []
    for subject in subjects:
        if subject in ("他", "她", "我"):
            pronouns[subject] += 1
        elif _PHRASE.search(subject):
            if len(subject) <= _PHRASE_MOST and "作者" not in subject:
                phrases[subject] += 1
        elif _is_word(subject):
            continue
        elif _HAN.match(subject) and len(subject) <= _MOST_LETTERS and not _NO_NAME.search(subject):
            tags[subject] += 1
        else:
            long.append(subject)
    names = {name for name, count in tags.items() if count > 1 or _is_subject(name, whole)}
    tags = Counter({name: count for name, count in tags.items() if name in names})
    _fold(tags)
    for subject in long:
        tags.update(name for name in sorted(tags, key=len, reverse=True) if subject.startswith(name))
    labels = Counter({name: count for name, count in labels.items() if count > 1})
    mentions = Counter({name: whole.count(name) for name in (*tags, *labels)})
    return Evidence(
        tags=tags,
        labels=labels,
        mentions=mentions,
        phrases=phrases,
        pronoun_tags=pronouns,
        narrating_words=len(narration),
        first_words=narration.count("我"),
    )


def _fold(tags: Counter[str]) -> None:
    """`老栓看` is 老栓 and a verb that is not in the list: it begins with a name that is found more often."""
    for name in sorted(tags, key=len, reverse=True):
        stem = next((other for other in sorted(tags, key=len) if name != other and name.startswith(other)), "")
        if stem and tags[stem] > tags[name]:
            tags[stem] += tags.pop(name)


def _is_subject(name: str, whole: str) -> bool:
    """Whether a word begins clauses as names do, elsewhere in the book, too."""
    heads = len(re.findall(f"(?:^|[。！？；，：“”」\\n　]){re.escape(name)}", whole))
    return heads >= _LEAST_SUBJECTS and whole.count(name) >= _LEAST_MENTIONS


def merge_han(
    standings: Mapping[str, Standing], known: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[tuple[tuple[str, ...], ...], tuple[Doubt, ...]]:
    """The names of each person: 七爷 is 赵七爷 where no other name ends so; 七斤嫂 is not 七斤.

    Args and returns are those of `narration.discovery.aliases.merge`.
    """
    settled = known or {}
    groups: dict[str, list[str]] = {name: [name, *aliases] for name, aliases in settled.items()}
    taken = {name for group in groups.values() for name in group}
    rest = sorted((name for name in standings if name not in taken), key=lambda name: (-len(name), name))
    doubts = []
    for name in rest:
        longer = [key for key, group in groups.items() if any(_is_longer(one, name) for one in group)]
        if len(longer) == 1:
            groups[longer[0]].append(name)
            continue
        if longer:
            doubts.append(Doubt(name=name, options=tuple(sorted(longer)), reason="fits more than one"))
        groups[name] = [name]
    ordered = [
        tuple(sorted(group, key=lambda one: (one not in settled, -_tags_of(one, standings), -len(one), one)))
        for group in groups.values()
    ]
    return tuple(sorted(ordered)), tuple(sorted(doubts, key=lambda doubt: doubt.name))


def _tags_of(name: str, standings: Mapping[str, Standing]) -> int:
    return standings[name].tags if name in standings else 0


def _is_longer(longer: str, name: str) -> bool:
    return longer != name and (longer.endswith(name) or longer in {name + title for title in _HONORIFICS})


def _is_word(subject: str) -> bool:
    return subject in words.HAN_NOT_NAMES or (len(subject) > 1 and subject[0] in "他她我你它不没这那")


def _subjects(passage: Passage) -> list[str]:
    """What stands before a verb of saying, right before a quotation or right after one."""
    found = []
    text = passage.text
    if passage.after and re.search(r"[：:，,]\s*$|" + f"(?:{words.HAN_VERBS})$", text.rstrip()):
        clauses = [clause for clause in re.split("[。！？；…\n”」』]", text.rstrip("：:，, 　\n")) if clause]
        found += _from_clause(clauses[-1] if clauses else "", first=False)
    elif passage.before:
        clause = next((part for part in _STOPS.split(text.lstrip("，,—– \n")) if part), "")
        found += _from_clause(clause, first=True)
    return found


def _from_clause(clause: str, *, first: bool) -> list[str]:
    """The subject of the clause that says it: of the last part with such a verb, or of the part before."""
    parts = [part for part in re.split("[，,、]", clause) if part]
    for part in parts[:1] if first else reversed(parts):
        verb = _VERB.search(part)
        if not verb:
            continue
        subject = _bare(part[: verb.start()])
        if subject:
            return [subject]
    # 老栓慌忙摸出钱来，抖抖的说：the subject is two parts before.
    if not first and len(parts) > 1 and _VERB.search(parts[-1]):
        return [parts[0]]
    return []


def _bare(subject: str) -> str:
    """A subject without the adverbs and the addressee (对老秦) that follow it."""
    subject = re.sub("(?:对|对着|向|朝|跟|同|和|給|给)[\u3400-\u9fffA-Za-z]{1,4}$", "", subject.strip(" 　"))
    before = ""
    while before != subject:
        before, subject = subject, _ADVERBS.sub("", subject)
    return subject
