"""What a language model said of doubtful lines: read, believed as far as it is a label, and laid over the rules.

Invariant: nothing of an answer gets further than a name of the closed list. An answer that is anything but labels is
rejected whole; a name that is not on the list, or a number that is left out, leaves its line as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from narration.book import ChapterScript, Line
from narration.chat import ChatSaid
from narration.script.questions import UNKNOWN, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who speaks a doubtful line, after model and rules were both heard.

    Attributes:
        start, end: its span in the chapter.
        character: of the closed list: the model's.
        sure: whether the line is accepted; else it keeps its `?`.
        evidence: what both say.
    """

    start: int
    end: int
    character: str
    sure: bool
    evidence: str


class Rejected(Exception):
    """An answer is no list of labels.

    Args:
        why: a clause.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def verdicts_of(question: Question, said: ChatSaid, *, accept_above: float) -> tuple[Verdict, ...]:
    """The verdicts on those lines of a question that the model named a speaker of the list for.

    A line is accepted only where model and rules name the same, and the rules think it at least `accept_above` likely:
    two readings that do not know of each other agree. No probability is made up for the model.

    Raises:
        Rejected: the answer is no list of labels.
    """
    found: list[Verdict] = []
    for doubt, name in zip(question.doubts, read_labels(question, said), strict=True):
        if name is not None:
            agreed = name == doubt.character
            found.append(
                Verdict(
                    start=doubt.start,
                    end=doubt.end,
                    character=name,
                    sure=agreed and doubt.probability >= accept_above,
                    evidence=f"model: {name}; rules: {doubt.evidence or 'nobody'}",
                )
            )
    return tuple(found)


def read_labels(question: Question, said: ChatSaid) -> tuple[str | None, ...]:
    """For each doubtful line the name that the model gives it, or None.

    Raises:
        Rejected: the answer is no list of labels.
    """
    if said.finish_reason != "stop":
        raise Rejected(f"the answer did not come to its end ({said.finish_reason or 'no reason given'})")
    try:
        content = json.loads(said.content)
    except (ValueError, RecursionError):
        raise Rejected("the answer is not JSON") from None
    if not isinstance(content, dict) or set(content) != {"answers"} or not isinstance(content["answers"], list):
        raise Rejected("the answer is not of the form that was asked for")
    given: dict[int, set[str]] = {}
    for one in content["answers"]:
        number, speaker = _label(one)
        if not 1 <= number <= len(question.doubts):
            raise Rejected("the answer has a number that was not asked for")
        given.setdefault(number, set()).add(speaker)
    return tuple(_single(given.get(number, set()), question) for number in range(1, len(question.doubts) + 1))


def _label(one: object) -> tuple[int, str]:
    if not isinstance(one, dict) or set(one) != {"number", "speaker"}:
        raise Rejected("the answer is not of the form that was asked for")
    number, speaker = one["number"], one["speaker"]
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(speaker, str):
        raise Rejected("the answer is not of the form that was asked for")
    return number, speaker


def _single(speakers: set[str], question: Question) -> str | None:
    """The one name that was given, if it is on the list."""
    (name,) = speakers if len(speakers) == 1 else (UNKNOWN,)
    return name if name in question.names else None


def relabelled(script: ChapterScript, verdicts: Mapping[int, Verdict]) -> ChapterScript:
    """A chapter with the speakers of the verdicts.

    Args:
        script: as attribution makes it.
        verdicts: by where their lines begin.
    """
    lines = tuple(
        _labelled(line, verdicts[line.start]) if line.doubtful and line.start in verdicts else line
        for line in script.lines
    )
    return replace(script, lines=lines)


def _labelled(line: Line, verdict: Verdict) -> Line:
    return replace(line, character=verdict.character, doubtful=not verdict.sure, evidence=verdict.evidence)
