"""Booths of a run: which profile speaks for whom, with which key, and their services opened side by side.

Invariant: a run whose own profile is a sandbox asks nothing but the sandbox, whatever profiles its cast names.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from flows.places import sandbox_state
from flows.sandbox_process import sandbox
from narration.booth import BoothSettings, Seating, booth_settings, one_booth
from narration.cast import Cast
from narration.design_limits import DesignLimits
from narration.errors import InputError, Problem
from narration.memory.accounts import Accounts
from narration.memory.store import Store
from narration.production import Production, ProfileRules, profile_at
from narration.sandbox.launch import account_key
from narration.services import key_fingerprint, open_service
from narration.services.limits import families, limits_of
from narration.services.protocol import SpeechService
from narration.settings.api_keys import api_key
from narration.settings.profiles import API_PATHS, api_address, websocket_beside
from narration.settings.settings import Settings, load_settings

Services = dict[str, tuple[SpeechService, Settings]]
"""Open services with the settings of the address they are at, by key of their booth."""


def seating_of(
    production: Production, cast: Cast, environ: Mapping[str, str], *, profile: str | None = None, needs_key: bool
) -> Seating:
    """Who sits in which booth, from book.yaml, the cast sheet and an option.

    Args:
        production: with the profile of everybody whose entry names none.
        cast: with the profiles of the others.
        environ: the process's environment, for keys.
        profile: instead of the production's, or None.
        needs_key: whether a missing key is a mistake; a plan does without.

    Raises:
        InputError: with every mistake of every profile.
    """
    main = profile_at(profile, Path.cwd()) if profile else production.profile
    settings = load_settings(main, environ=environ, overrides=production.overrides, preset=production.preset)
    booths, problems = {main: _seat(settings, environ, needs_key=needs_key)}, list[Problem]()
    elsewhere: dict[str, str] = {}
    for character in cast.characters:
        key = profile_at(character.profile, production.folder) if character.profile else main
        if key == main:
            continue
        elsewhere[character.name] = key
        if key in booths:
            continue
        try:
            own = load_settings(key, environ=environ, overrides=production.overrides, preset=production.preset)
            own = _in_sandbox(own, settings) if settings.service.sandbox else own
            booths[key] = _seat(own, environ, needs_key=needs_key)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return Seating(main=main, booths=booths, elsewhere=elsewhere)


def lone_booth(profile: str, environ: Mapping[str, str]) -> Seating:
    """The one booth of a profile, without a book.

    Raises:
        InputError: with every mistake of the profile.
    """
    return one_booth(load_settings(profile, environ=environ))


def design_rules(environ: Mapping[str, str], profile: str | None) -> ProfileRules:
    """What the services accept as voice designs, by profile; Qwen's rules where a profile cannot be read.

    Args:
        environ: the process's environment.
        profile: instead of the production's own, or None.
    """

    @cache
    def rules(own: str, default: str) -> DesignLimits:
        try:
            kind = load_settings(own or profile or default or "sandbox", environ=environ).service.kind
        except InputError:  # told where the profile itself is opened
            kind = "qwen"
        limits = limits_of(kind if kind in families() else "qwen")
        return DesignLimits(prompt_max_chars=limits.prompt_max_chars, preview_max_chars=limits.preview_max_chars)

    return rules


def _seat(settings: Settings, environ: Mapping[str, str], *, needs_key: bool) -> BoothSettings:
    try:
        account = key_fingerprint(service_key(settings, environ))
    except InputError:
        if needs_key:
            raise
        account = None
    return booth_settings(settings, account)


def _in_sandbox(settings: Settings, main: Settings) -> Settings:
    """A profile's kind and models, spoken by the sandbox of the run's own profile."""
    local, own = main.service, settings.service
    # What a third party sells has prices of its own, in the sandbox too.
    region = f"sandbox-{own.kind}" if own.kind in API_PATHS else local.region
    service = replace(
        own,
        base_url=api_address(own.kind, local.base_url),
        websocket_url=local.websocket_url,
        region=region,
        workspace="",
        download_hosts=local.download_hosts,
        sandbox=True,
        callback_url="",
    )
    return replace(settings, service=service, limits=main.limits)


def service_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """The key of the profile's service; for a sandbox that is started here, that of its state folder.

    Raises:
        InputError: there is none, or the state folder cannot be written.
    """
    if settings.service.sandbox and not settings.service.base_url:
        state = sandbox_state(environ)
        try:
            return account_key(state)
        except OSError as error:
            raise InputError(
                Problem(
                    what=f"the folder {state} cannot be written: {error.strerror}",
                    where="NARRATION_HOME",
                    expected="a folder of your own",
                )
            ) from error
    return api_key(settings, environ)


def linked(seating: Seating, environ: Mapping[str, str], store: Store) -> Seating:
    """The seating with the accounts by which a store knows the keys; a booth without a key has none.

    Raises:
        StoreError: the store cannot be read.
    """
    accounts, booths = Accounts(store), {}
    for key, booth in seating.booths.items():
        account = booth.account
        if account is None:
            with contextlib.suppress(InputError):  # told where the key is needed
                account = key_fingerprint(service_key(booth.settings, environ))
        if account is not None and not booth.settings.service.sandbox:
            account = accounts.account_of(account)
        booths[key] = replace(booth, account=account)
    return replace(seating, booths=booths)


@asynccontextmanager
async def speaking(seating: Seating, environ: Mapping[str, str]) -> AsyncIterator[Services]:
    """Open every speech service; where any is the sandbox's, start one and stop it at the end.

    Yields:
        The services with the settings of the address they are at.

    Raises:
        InputError: there is no key.
        ToolError: the sandbox does not start.
    """
    async with AsyncExitStack() as stack:
        services: Services = {}
        address = ""
        for key, booth in seating.booths.items():
            secret, settings = service_key(booth.settings, environ), booth.settings
            if settings.service.sandbox and not settings.service.base_url:
                address = address or await stack.enter_async_context(sandbox(sandbox_state(environ)))
                settings = _at(settings, address)
            service = open_service(settings, secret, account=booth.account or "")
            stack.push_async_callback(service.aclose)
            services[key] = (service, settings)
        yield services


def _at(settings: Settings, base_url: str) -> Settings:
    """The settings of a sandbox that runs at an address."""
    own = api_address(settings.service.kind, base_url)
    placed = replace(settings.service, base_url=own, websocket_url=websocket_beside(base_url))
    return replace(settings, service=placed)
