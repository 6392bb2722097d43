"""Callbacks of the gateway: an address is checked when a task is made, and called when the task ends.

Invariant: nothing but the public internet is called, unless the switch for tests allows this machine; every call is
on the record, answered or not.

Source: docs.evolink.ai, Qwen Voice Design, `callback_url`: https, no internal addresses, 2,048 characters; 10 s for an
answer, three retries after 1, 2 and 4 s.
"""

import asyncio
import http.client
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from narration.sandbox import wire
from narration.sandbox.calls import Call, House
from narration.sandbox.wire import Body, DroppedError, invalid

URL_LIMIT_CHARS = 2_048
TIMEOUT_S = 10.0
RETRIES_S = (1.0, 2.0, 4.0)
LOOK_S = 0.05

_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")


def asked_url(house: House, call: Call) -> str:
    """Return the callback address of a request, empty without one.

    Raises:
        RefusedError: 400 when it is not https, too long, or leads into a network of somebody's own.
    """
    url = call.fields.get("callback_url")
    if url is None or url == "":
        return ""
    if not isinstance(url, str) or len(url) > URL_LIMIT_CHARS:
        raise invalid(f"callback_url should be a URL of {URL_LIMIT_CHARS} characters at the most")
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise invalid("callback_url is not a URL") from None
    if house.switchboard.now.callback_loopback and host == "127.0.0.1" and parts.scheme in {"http", "https"}:
        return url
    if parts.scheme != "https" or "@" in parts.netloc:
        raise invalid("callback_url should be an https URL")
    if not _is_outside(host):
        raise invalid("callback_url should not lead to an internal address")
    return url


def _is_outside(host: str) -> bool:
    """Say whether a host is a public address or a full name; odd spellings of numbers are neither."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None and not host.endswith((".localhost", ".local", ".internal"))
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global


def promise(house: House, task_id: str, url: str, look: Callable[[], Body]) -> None:
    """Call the address once the task has ended, however long that takes."""
    errand = asyncio.create_task(_keep(house, task_id, url, look))
    house.errands.add(errand)
    errand.add_done_callback(house.errands.discard)


async def _keep(house: House, task_id: str, url: str, look: Callable[[], Body]) -> None:
    try:
        while (body := look())["status"] not in {"completed", "failed", "cancelled"}:
            await house.pause(LOOK_S)
        for attempt, wait_s in enumerate((0.0, *RETRIES_S), 1):
            await house.pause(wait_s)
            status, error = await asyncio.to_thread(_post, urlsplit(url), wire.encode(body))
            house.state.record_callback(
                {
                    "at_s": house.clock(),
                    "task": task_id,
                    "url": url,
                    "attempt": attempt,
                    "waited_s": wait_s,
                    "status": status,
                    "error": error,
                }
            )
            if 200 <= status < 300:
                return
    except DroppedError:
        return  # the service ends


def _post(parts: SplitResult, body: bytes) -> tuple[int, str]:
    """Send a task to an address; the status, or 0 and what went wrong. Redirects are not followed."""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {"Content-Type": wire.JSON_TYPE, "User-Agent": "sandbox"})
        return connection.getresponse().status, ""
    except (OSError, http.client.HTTPException) as error:
        return 0, type(error).__name__
    finally:
        connection.close()
