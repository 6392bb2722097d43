"""Options of synthesis: from the words of the settings and the cast sheet to what one model is asked.

Invariant: an option that is set is either sent or refused, before anything is asked; one that asks for nothing new is
not sent, so that a take keeps its identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from narration.errors import InputError, Problem
from narration.services.limits import SpeechOption, options_of
from narration.settings.settings import ServiceSettings, SpeechSettings

_AT_REST: Mapping[str, object] = asdict(SpeechSettings())


def speech_options(
    service: ServiceSettings, speech: SpeechSettings, own: Mapping[str, float | str], character: str
) -> tuple[tuple[str, str], ...]:
    """What a model is asked beside the text, sorted by name, as the service spells it.

    Args:
        service: whose model speaks.
        speech: as the settings have it, for everybody.
        own: what the character's entry of the cast sheet has instead, by the same words.
        character: for messages.

    Raises:
        InputError: options that the model does not have, or values that it does not take; all of them.
    """
    known = options_of(service.kind, service.speech_model)
    problems: list[Problem] = []
    asked: list[tuple[str, str]] = []
    for word, common in asdict(speech).items():
        value = own.get(word, common)
        if value == _AT_REST[word]:
            continue
        where = f"cast sheet, {character}, {word}" if word in own else f"speech.{word}, for {character}"
        problem = _problem(service, known.get(word), word, value, where)
        if problem is not None:
            problems.append(problem)
        else:
            asked.append((known[word].name, _spelt(value)))
    if problems:
        raise InputError(*problems)
    return tuple(sorted(asked))


def carries(service: ServiceSettings, direction: str) -> bool:
    """Whether a model takes a line's direction, by the vendor's documents and by its length."""
    option = options_of(service.kind, service.speech_model).get("instructions")
    return option is not None and 0 < len(direction) <= option.most_chars


def directed(
    service: ServiceSettings, options: tuple[tuple[str, str], ...], direction: str
) -> tuple[tuple[str, str], ...]:
    """What a model is asked for a line with a direction.

    Behind the character's own instructions where both fit, else in their place; as it was where the model takes none.

    Args:
        service: whose model speaks.
        options: of the character, as `speech_options` gives them.
        direction: of the line; may be empty.
    """
    if not carries(service, direction):
        return options
    option = options_of(service.kind, service.speech_model)["instructions"]
    given = dict(options)
    both = f"{given.get(option.name, '')} {direction}".strip()
    given[option.name] = both if len(both) <= option.most_chars else direction
    return tuple(sorted(given.items()))


def _problem(
    service: ServiceSettings, option: SpeechOption | None, word: str, value: object, where: str
) -> Problem | None:
    if option is None:
        what = f"{service.speech_model} has no option `{word}`, by the vendor's documents"
        hint = f"Leave it out, or let another profile speak (now: {service.profile})."
        return Problem(what=what, where=where, hint=hint)
    if option.most_chars:
        most = f"{option.most_chars:,} characters at the most"
        too_long = isinstance(value, str) and len(value) > option.most_chars
        return Problem(what=f"has {len(str(value)):,} characters", where=where, expected=most) if too_long else None
    if option.only:
        most = f"one of {', '.join(map(str, option.only))}"
        return None if value in option.only else Problem(what=f"found {value}", where=where, expected=most)
    if not isinstance(value, int | float) or not option.least <= value <= option.most:
        return Problem(what=f"found {value}", where=where, expected=f"{option.least:g} to {option.most:g}")
    return None


def _spelt(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
