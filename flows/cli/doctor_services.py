"""What `narrate doctor` asks of each speech service: whether host, key and models answer, and what is to end.

Invariant: nothing is asked that costs anything; each way to fail has a sentence of its own, with what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from narration.errors import (
    KeyRefused,
    ModelGone,
    NarrationError,
    ServiceUnavailable,
    VoiceQuotaFull,
)

if TYPE_CHECKING:
    from narration.booth import Seating
    from narration.services.protocol import SpeechService
    from narration.settings.settings import ServiceSettings

PATIENCE_S = 20.0
"""Whoever asks whether something answers does not wait as long as whoever has a book to finish."""

Find: TypeAlias = "Callable[[], Seating]"
"""Finds one booth; raises what is wrong with its profile."""

SITES = {"ap-southeast-1": ("international (Singapore)", "international"), "cn-beijing": ("China (Beijing)", "china")}
"""The vendor's sites by region, and the profile of each. Source: alibabacloud.com model-studio, get-api-key."""


def booths_of(folder: Path | None, profile: str | None, variables: Mapping[str, str]) -> list[tuple[str, Find]]:
    """What to ask: the production's own profile first, then those that its cast names, each once.

    A production that cannot be read has its own check; then only its profile is asked, or the sandbox.
    """
    from flows.booths import lone_booth, seating_of
    from narration.production import load, load_production

    main = profile or "sandbox"
    try:
        if folder is not None:
            main = profile or load_production(folder).profile
            production, cast = load(folder)
            seating = seating_of(production, cast, variables, profile=profile, needs_key=False)
            return [(_name(seating, key), partial(_alone, seating, key)) for key in seating.booths]
    except NarrationError:
        pass
    return [("service", partial(lone_booth, main, variables))]


def _name(seating: Seating, key: str) -> str:
    return "service" if key == seating.main else f"service of {Path(key).stem}"


def _alone(seating: Seating, key: str) -> Seating:
    from narration.booth import Seating

    return Seating(main=key, booths={key: seating.booths[key]})


async def ask_service(find: Find, variables: Mapping[str, str]) -> str:
    """Ask a booth's service for its free list; a sentence on what answers.

    Raises:
        KeyRefused, ModelGone, VoiceQuotaFull, ServiceUnavailable: with what to do about it.
        NarrationError: anything else that will not do.
    """
    from flows.booths import speaking

    seating = find()
    booth = seating.booths[seating.main]
    limits = replace(booth.settings.limits, attempts=2, total_s=PATIENCE_S, connect_s=PATIENCE_S / 4)
    patient = replace(booth, settings=replace(booth.settings, limits=limits))
    async with speaking(replace(seating, booths={seating.main: patient}), variables) as services:
        service, settings = services[seating.main]
        return await _asked(service, settings.service)


async def _asked(service: SpeechService, settings: ServiceSettings) -> str:
    from narration.services.limits import system_voices_of

    where = "the local sandbox" if settings.sandbox else settings.base_url
    profile = f"profile {settings.profile}"
    try:
        listed = await service.voices()
    except KeyRefused as error:
        raise KeyRefused(
            f"{profile}: {where} answers and does not take the key in {settings.key_variable}.",
            f"{_whose_key(error, settings)} {error.what}",
            error.call,
        ) from error
    except ModelGone as error:
        if system_voices_of(settings.speech_model) is not None:
            return f"{profile}: {where} answers; {_ends(settings)}"
        raise ModelGone(
            f"{profile}: {where} answers, and has no {settings.design_model} any more, so no voice can be made.",
            error.hint,
            error.call,
        ) from error
    except ServiceUnavailable as error:
        if error.call is not None and error.call.status:
            raise
        raise ServiceUnavailable(
            f"{profile}: nothing answers at {where}, so neither key nor models could be asked.",
            f"Check the network, a proxy, and the address. {error.what}",
            error.call,
        ) from error
    most = service.limits.voices_max
    if listed.total >= most:
        raise VoiceQuotaFull(
            f"{profile}: {where} answers and takes the key, and the account holds {listed.total} of {most} voices: no "
            "new one can be made.",
            "Delete some that no book uses. A book whose voices are all kept (see `narrate plan`) renders as it is.",
            listed.call,
        )
    voices = f"{listed.total} of {most} voices in the account" if listed.told else "it does not tell its voices"
    return f"{profile}: {where} answers and takes the key; {voices}; {_ends(settings)}"


def _ends(settings: ServiceSettings) -> str:
    """What the vendor has announced of the profile's models."""
    from narration.services.limits import end_of_service

    models = dict.fromkeys((settings.design_model, settings.speech_model))
    ends = [end.sentence() for model in models if (end := end_of_service(model)) is not None]
    rest = [model for model in models if end_of_service(model) is None]
    told = [f"no end of {' and '.join(rest)} is announced"] if rest else []
    return ". ".join([*told, *(end.rstrip(".") for end in ends)])


def _whose_key(error: KeyRefused, settings: ServiceSettings) -> str:
    """Where the right key is made; whether it is of another region, where the service says so."""
    site = SITES.get(settings.region)
    if site is None:
        return "It is mistyped, or another account's."
    name, _ = site
    others = "; ".join(
        f"for one of {other} take --profile {profile}"
        for region, (other, profile) in SITES.items()
        if region != settings.region
    )
    if "of another region" in error.what:
        return f"It is a key of another region: this host is {name}; {others}."
    return f"It is mistyped, or a key of another region: this host is {name}; {others}."
