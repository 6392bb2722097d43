"""Lines as they are said: what the lexicon and the chosen rules change, laid over what the script respells by hand.

Invariant: the words as written stay; every change is a `Respelling` with its place, and what a person respelt in the
script is not touched again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from narration.book import ChapterScript, Line, Respelling
from narration.lexicon import Lexicon, place_name
from narration.lexicon.rules import TextRule, apply_rules


def as_said(script: ChapterScript, lexicon: Lexicon, rules: Iterable[TextRule], *, language: str) -> ChapterScript:
    """The lines of a chapter with all their respellings.

    Args:
        script: the chapter's lines, with what the script file respells.
        lexicon: of the book; its entries come before the rules.
        rules: chosen in book.yaml.
        language: ISO 639-1.
    """
    chosen = tuple(rules)
    return replace(script, lines=tuple(_line(line, lexicon, chosen, language) for line in script.lines))


def _line(line: Line, lexicon: Lexicon, rules: tuple[TextRule, ...], language: str) -> Line:
    if line.skipped or not line.text:
        return line
    place = place_name(line.chapter, line.index + 1)
    respelt = lexicon.respell(line.text, character=line.character, chapter=line.chapter, place=place)
    if rules:
        respelt = apply_rules(line.text, rules, language, before=respelt)
    found = [
        Respelling(start=line.start + change.start, end=line.start + change.end, say=change.said)
        for change in respelt.changes
    ]
    free = [one for one in found if not any(one.start < mine.end and mine.start < one.end for mine in line.respellings)]
    if not free:
        return line
    return replace(line, respellings=tuple(sorted((*line.respellings, *free), key=lambda one: one.start)))
