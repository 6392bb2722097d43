"""Booths: one for each profile that speaks in a run. A character sits in the one that its profile names.

Before a service is opened a booth is its settings and its account; opened, it has the service and what holds its rates.
Invariant: whatever is asked for a character is asked in the character's own booth, with that booth's settings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from narration.cast import Cast, Character
from narration.errors import InputError, Problem
from narration.memory.rates import Rates
from narration.services.limits import SystemVoices, bounded, check_region, families, limits_of, system_voices_of
from narration.services.options import speech_options
from narration.services.pace import Pacer
from narration.services.protocol import SpeechService
from narration.settings.settings import ChunkSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BoothSettings:
    """A booth that is not open: enough to plan with.

    Attributes:
        settings: of the profile and the book; chunks are within the service's limit.
        account: by which the store knows it (see `narration.memory.accounts`); None without a key.
    """

    settings: Settings
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """Who sits in which booth.

    Attributes:
        main: key of the production's own booth.
        booths: by key: the name of a packaged profile, or the absolute path of another.
        elsewhere: key of the booth of every character who does not sit in the main one.
    """

    main: str
    booths: Mapping[str, BoothSettings]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def key_of(self, character: str) -> str:
        """Key of the booth in which a character sits."""
        return self.elsewhere.get(character, self.main)

    def booth_of(self, character: str) -> BoothSettings:
        """The booth in which a character sits."""
        return self.booths[self.key_of(character)]

    @property
    def settings(self) -> Settings:
        """Of the production's own booth."""
        return self.booths[self.main].settings

    @property
    def costs_money(self) -> bool:
        """Whether any booth is not the local sandbox's."""
        return any(not booth.settings.service.sandbox for booth in self.booths.values())

    def limits(self) -> Mapping[str, ChunkSettings]:
        """How the lines of those are cut who do not sit in the main booth, by name."""
        return MappingProxyType({name: self.booths[key].settings.chunks for name, key in self.elsewhere.items()})

    def with_chunks(self, chunks: ChunkSettings) -> Seating:
        """The same with another way of cutting; each booth keeps its limit."""
        booths = {}
        for key, booth in self.booths.items():
            own = booth.settings.chunks
            cut = replace(chunks, max_length=own.max_length, unit=own.unit)
            booths[key] = replace(booth, settings=replace(booth.settings, chunks=cut))
        return replace(self, booths=booths)


def booth_settings(settings: Settings, account: str | None) -> BoothSettings:
    """A booth, its chunks within the limit of its service.

    Raises:
        InputError: there is no such kind of service, or it is not offered where the profile looks for it.
    """
    kind, known = settings.service.kind, families()
    if kind not in known:
        nearest = difflib.get_close_matches(kind, known, n=1, cutoff=0.4)
        raise InputError(
            Problem(
                what=f"There is no speech service of kind {kind!r}.",
                where=f"kind of profile {settings.service.profile}",
                expected="one of " + ", ".join(known),
                hint=f"Did you mean {nearest[0]}?" if nearest else "",
            )
        )
    check_region(settings.service)
    return BoothSettings(settings=replace(settings, chunks=bounded(settings.chunks, kind)), account=account)


def one_booth(settings: Settings, account: str | None = None) -> Seating:
    """Everybody in one booth.

    Raises:
        InputError: there is no such kind of service.
    """
    key = settings.service.profile
    return Seating(main=key, booths={key: booth_settings(settings, account)})


def options_by_name(cast: Cast, language: str, seating: Seating) -> dict[str, tuple[tuple[str, str], ...]]:
    """What each character's speech is asked with, by name.

    Args:
        cast: everybody.
        language: of the book, ISO 639-1.
        seating: who sits where.

    Raises:
        InputError: with everything that the services do not have.
    """
    options, problems = {}, list[Problem]()
    for character in cast.characters:
        settings = seating.booth_of(character.name).settings
        spoken = limits_of(settings.service.kind).languages
        if language not in spoken:
            problems.append(
                Problem(
                    what=f"profile {settings.service.profile} does not speak `{language}`",
                    where=f"the voice of {character.name}",
                    expected=f"one of {', '.join(spoken)}",
                )
            )
        problems += _voice_problems(character, settings)
        try:
            options[character.name] = speech_options(
                settings.service, settings.speech, dict(character.speech), character.name
            )
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return options


def _voice_problems(character: Character, settings: Settings) -> Iterator[Problem]:
    """A designed voice where the model has system voices, the reverse, or a system voice that it does not have."""
    model, profile = settings.service.speech_model, settings.service.profile
    known, where = system_voices_of(model), f"cast sheet, {character.name}, voice"
    if not character.system_voice:
        if known is not None:
            what = f"{model} speaks with system voices only, and a description is given"
            hint = f"Write `voice: {{system: {known.names[0]}}}`, or let another profile speak (now: {profile})."
            yield Problem(what=what, where=where, expected="a system voice", hint=hint)
        return
    name = character.system_voice
    if known is None:
        what = f"{model} speaks with designed voices only, and {name} is a system voice"
        hint = f"Describe the voice, or let a profile of a flash model speak (now: {profile})."
        yield Problem(what=what, where=where, expected="a description of the sound", hint=hint)
    elif known.whole and name not in known.names:
        near = nearest_voices(name, known)
        expected = f"one of {', '.join(near or known.names)}"
        yield Problem(what=f"{model} has no system voice {name}", where=where, expected=expected)


def nearest_voices(name: str, known: SystemVoices) -> list[str]:
    """Known system voices whose names are like one that is not."""
    spelt = {one.casefold(): one for one in known.names}
    return [spelt[one] for one in difflib.get_close_matches(name.casefold(), spelt, n=3, cutoff=0.5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What holds the rate of one account's model, for all booths that ask it.

    Attributes:
        pacer: of this run.
        rates: what is remembered from run to run; `rates.asked` names account and model.
    """

    pacer: Pacer
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Booth:
    """A profile, opened in a run.

    Attributes:
        key: as in `Seating`.
        settings: of the profile and the book.
        service: open.
        speech, design: what holds the rates of the model that speaks and of the one that makes voices.
    """

    key: str
    settings: Settings
    service: SpeechService
    speech: Pace
    design: Pace

    @property
    def profile(self) -> str:
        """Name of the profile, for people."""
        return self.settings.service.profile

    def pacer_of(self, model: str) -> Pacer:
        """What holds the rate of a model."""
        service = self.settings.service
        return (self.design if model == service.design_model != service.speech_model else self.speech).pacer

    def speaks_for(self, *, service: str, region: str, account: str) -> bool:
        """Whether it is a booth of that service, region and account; an empty account is any."""
        own = self.settings.service
        return (service, region) == (own.kind, own.region) and account in ("", self.service.account)
