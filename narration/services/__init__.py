"""Speech services behind one Protocol: the table of their kinds, and what the stages need to know of them.

Invariant: nothing of one vendor is named outside of its own door; a door is imported when its kind is opened.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from narration.errors import InputError, Problem
from narration.services.keys import ApiKey, key_fingerprint
from narration.services.limits import check_region
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import (
    AttemptEnd,
    Designed,
    Ending,
    Gate,
    Listed,
    OpenGate,
    Price,
    ServiceLimits,
    SpeechService,
    Spoken,
)

if TYPE_CHECKING:
    from narration.services.api import ApiDoor
    from narration.services.download import Downloads, Resolve
    from narration.services.envelope import Judge
    from narration.services.http import Timing, Transport
    from narration.settings.settings import ServiceSettings, Settings

__all__ = [
    "KINDS",
    "AttemptEnd",
    "Designed",
    "Ending",
    "Gate",
    "Listed",
    "OpenGate",
    "Opening",
    "Price",
    "ServiceLimits",
    "SpeechService",
    "Spoken",
    "cost_usd",
    "key_fingerprint",
    "open_service",
    "price_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a factory is given.

    Attributes:
        settings: of the run.
        key: of the account.
        timing: time and chance.
        transport: a fake wire of a test, or None.
        resolve: looks names up.
    """

    settings: Settings
    key: ApiKey
    timing: Timing
    transport: Transport | None
    resolve: Resolve


Factory: TypeAlias = Callable[[Opening], SpeechService]


def _open_qwen(opening: Opening) -> SpeechService:
    from narration.services.qwen import QwenService
    from narration.services.qwen_errors import judge

    service = opening.settings.service
    door, downloads = _doors(opening, service, judge)
    return QwenService(service=service, key=opening.key, door=door, downloads=downloads)


def _open_gateway(opening: Opening) -> SpeechService:
    from narration.services.callback import Callback
    from narration.services.gateway import GatewayService
    from narration.services.gateway_errors import judge
    from narration.services.gateway_tasks import Tasks

    service, limits = opening.settings.service, opening.settings.limits
    # A sandbox tells the address of its vendor's API; the gateway lies beside it.
    service = replace(service, base_url=service.base_url.removesuffix("/api/v1").removesuffix("/v1") + "/v1")
    door, downloads = _doors(opening, service, judge)
    tasks = Tasks(
        door=door,
        profile=service.profile,
        timing=opening.timing,
        patience_s=limits.total_s,
        spacing_s=0.5 / limits.per_second if limits.per_second else 0.0,
    )
    return GatewayService(
        service=service,
        key=opening.key,
        door=door,
        tasks=tasks,
        downloads=downloads,
        callback=Callback(service.callback_url, service.profile, opening.resolve),
        timing=opening.timing,
    )


def _open_cosyvoice(opening: Opening) -> SpeechService:
    from narration.services.conversation import SocketDoor
    from narration.services.cosyvoice import CosyVoiceService
    from narration.services.cosyvoice_errors import judge
    from narration.settings.settings import Transport

    service, limits = opening.settings.service, opening.settings.limits
    door, downloads = _doors(opening, service, judge)
    tasks = None
    if service.transport is Transport.WEBSOCKET:
        tasks = SocketDoor(service=service, key=opening.key, limits=limits, judge=judge, timing=opening.timing)
    return CosyVoiceService(service=service, key=opening.key, door=door, downloads=downloads, tasks=tasks)


def _doors(opening: Opening, service: ServiceSettings, judge: Judge) -> tuple[ApiDoor, Downloads]:
    """The doors for calls and for files of one account."""
    from narration.services.api import ApiDoor
    from narration.services.download import Downloads
    from narration.services.http import Wire, tls_context
    from narration.services.links import LinkRules

    limits = opening.settings.limits
    # A proxy sees a tunnel when the service speaks https; with plain http it would read the key.
    proxies = service.base_url.startswith("https://") and not service.sandbox

    tls = tls_context(variables=proxies)

    def wire() -> Wire:
        return Wire(
            connect_s=limits.connect_s,
            read_s=limits.read_s,
            in_flight=limits.in_flight,
            proxies=proxies,
            tls=tls,
            transport=opening.transport,
        )

    door = ApiDoor(service=service, key=opening.key, limits=limits, judge=judge, wire=wire(), timing=opening.timing)
    downloads = Downloads(
        rules=LinkRules(service),
        wire=wire(),
        profile=service.profile,
        timing=opening.timing,
        resolve=opening.resolve,
    )
    return door, downloads


def _open_qwen_realtime(opening: Opening) -> SpeechService:
    from narration.services.conversation import SocketDoor
    from narration.services.qwen_errors import judge
    from narration.services.qwen_realtime import QwenRealtimeService

    settings = opening.settings
    door = SocketDoor(
        service=settings.service, key=opening.key, limits=settings.limits, judge=judge, timing=opening.timing
    )
    return QwenRealtimeService(voices=_open_qwen(opening), door=door)


KINDS: Final = MappingProxyType[str, Factory](
    {
        "qwen": _open_qwen,
        "qwen-realtime": _open_qwen_realtime,
        "cosyvoice": _open_cosyvoice,
        "gateway": _open_gateway,
    }
)
"""Every kind of service, and what opens it."""


def _check_ways(service: ServiceSettings) -> None:
    """See that no way of asking is set that the kind of service does not have.

    Raises:
        InputError: one is, and would be ignored.
    """
    ways = (("streaming", service.streaming, "qwen"), ("callback_url", bool(service.callback_url), "gateway"))
    problems = [
        Problem(
            what=f"`{name}` is set, and services of kind {service.kind} have no such thing.",
            where=f"{name} of profile {service.profile}",
            expected=f"kind {kind}, or to leave it out",
        )
        for name, is_set, kind in ways
        if is_set and service.kind != kind
    ]
    if problems:
        raise InputError(*problems)


def open_service(
    settings: Settings,
    api_key: str,
    *,
    account: str = "",
    timing: Timing | None = None,
    transport: Transport | None = None,
    resolve: Resolve | None = None,
) -> SpeechService:
    """Open the service that the settings name; nothing is sent yet.

    Args:
        settings: of the run; `base_url` must be known by now.
        api_key: of the account; goes to the host of `base_url` and nowhere else.
        account: by which the store knows it; the fingerprint of the key where that is empty.
        timing: time, sleep and chance; the real ones by default.
        transport: a fake wire for tests.
        resolve: from host and port to addresses; the machine's resolver by default.

    Raises:
        InputError: no such kind, or a key, base URL, proxy or certificate setting that cannot be used.
    """
    from narration.services.download import addresses_of
    from narration.services.http import Timing

    check_region(settings.service)
    _check_ways(settings.service)
    kind = settings.service.kind
    factory = KINDS.get(kind)
    if factory is None:
        nearest = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.4)
        raise InputError(
            Problem(
                what=f"There is no speech service of kind {kind!r}.",
                where=f"kind of profile {settings.service.profile}",
                expected="one of " + ", ".join(KINDS),
                hint=f"Did you mean {nearest[0]}?" if nearest else "",
            )
        )
    return factory(
        Opening(
            settings=settings,
            key=ApiKey(api_key, account),
            timing=timing or Timing(),
            transport=transport,
            resolve=resolve or addresses_of,
        )
    )
