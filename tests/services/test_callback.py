"""Callback addresses: what may be named, however it is spelled and wherever its name leads."""

from __future__ import annotations

import httpx
import pytest

from narration.errors import InputError
from narration.services import OpenGate, open_service
from narration.services.callback import Callback, callback_flaw
from narration.settings.settings import load_settings
from tests.services.gateway_fakes import GATEWAY_ASK, GATEWAY_DESIGN

GOOD = [
    "https://hooks.narrate.dev/done",
    "https://hooks.narrate.dev:8443/done?book=1&x=%2F",
    "https://xn--bcher-kva.de/",
    "https://1.1.1.1/done",
    "https://[2606:4700:4700::1111]/done",
    "https://hooks.narrate.dev./done",
    "https://8.8.8.8.nip.io/",
    "https://hooks.narrate.dev/" + "a" * (2048 - 26),
]

BAD = [
    ("http://hooks.narrate.dev/", "scheme is http"),
    ("ftp://hooks.narrate.dev/", "scheme is ftp"),
    ("hooks.narrate.dev/done", "scheme is missing"),
    ("//hooks.narrate.dev/done", "scheme is missing"),
    ("https://hooks.narrate.dev/" + "a" * (2049 - 26), "2049 characters"),
    ("https://user:word@hooks.narrate.dev/", "user name"),
    ("https://hooks.narrate.dev@127.0.0.1/", "user name"),
    ("https://hooks.narrate.dev/#x", "fragment"),
    ("https://hooks.narrate.dev:0/", "missing"),
    ("https://hooks.narrate.dev:99999/", "cannot be read"),
    ("https:///done", "missing"),
    ("https://hooks narrate.dev/", "no address has"),
    ("https://hooks.narrate.dev\\@evil.dev/", "no address has"),
    ("https://bücher.de/", "no address has"),
    ("https://１２７.0.0.1/", "no address has"),
    ("https://hooks.narrate.dev/\nx", "no address has"),
    ("https://localhost/", "public internet"),
    ("https://LOCALHOST./", "public internet"),
    ("https://a.localhost/", "public internet"),
    ("https://printer.local/", "public internet"),
    ("https://metadata.google.internal/", "public internet"),
    ("https://router.home.arpa/", "public internet"),
    ("https://intranet/", "full name"),
    ("https://%31%32%37.0.0.1/", "full name"),
    ("https://127.0.0.1/", "not a public address"),
    ("https://127.0.0.1./", "not a public address"),
    ("https://127.255.255.254/", "not a public address"),
    ("https://10.1.2.3/", "not a public address"),
    ("https://172.16.0.1/", "not a public address"),
    ("https://172.31.255.255/", "not a public address"),
    ("https://192.168.1.1/", "not a public address"),
    ("https://169.254.169.254/latest/meta-data/", "not a public address"),
    ("https://100.64.0.1/", "not a public address"),
    ("https://100.100.100.200/", "not a public address"),
    ("https://0.0.0.0/", "not a public address"),
    ("https://255.255.255.255/", "not a public address"),
    ("https://224.0.0.1/", "not a public address"),
    ("https://198.18.0.1/", "not a public address"),
    ("https://2130706433/", "not a public address"),
    ("https://0x7f000001/", "not a public address"),
    ("https://0x7f.1/", "not a public address"),
    ("https://0177.0.0.1/", "not a public address"),
    ("https://127.1/", "not a public address"),
    ("https://3232235777/", "not a public address"),
    ("https://[::1]/", "not a public address"),
    ("https://[::]/", "not a public address"),
    ("https://[fe80::1]/", "not a public address"),
    ("https://[fe80::1%25eth0]/", "not a public address"),
    ("https://[fc00::1]/", "not a public address"),
    ("https://[fd12:3456::1]/", "not a public address"),
    ("https://[ff02::1]/", "not a public address"),
    ("https://[::ffff:127.0.0.1]/", "not a public address"),
    ("https://[::ffff:7f00:1]/", "not a public address"),
    ("https://[::ffff:192.168.0.1]/", "not a public address"),
    ("https://[::127.0.0.1]/", "not a public address"),
    ("https://[64:ff9b::7f00:1]/", "not a public address"),
    ("https://[64:ff9b::10.0.0.1]/", "not a public address"),
    ("https://[2002:7f00:1::]/", "not a public address"),
    ("https://[2002:c0a8:101::1]/", "not a public address"),
    ("https://[::1/", "cannot be read"),
]


@pytest.mark.parametrize("url", GOOD)
def test_an_address_of_the_public_internet_may_be_named(url: str) -> None:
    assert callback_flaw(url) == ""


@pytest.mark.parametrize(("url", "why"), BAD)
def test_any_other_address_is_refused_as_it_is_written(url: str, why: str) -> None:
    assert why in callback_flaw(url)


RESOLVED = [
    (("93.184.216.34",), True),
    (("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"), True),
    ((), True),
    (("198.18.0.7",), True),
    (("127.0.0.1",), False),
    (("93.184.216.34", "10.0.0.8"), False),
    (("192.168.1.1",), False),
    (("169.254.169.254",), False),
    (("::1",), False),
    (("fe80::1%eth0",), False),
    (("fd00::1",), False),
    (("::ffff:10.0.0.1",), False),
    (("64:ff9b::a00:1",), False),
    (("not an address",), False),
]


@pytest.mark.parametrize(("addresses", "good"), RESOLVED)
async def test_a_name_that_leads_into_somebodys_own_network_is_refused(addresses: tuple[str, ...], good: bool) -> None:
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        asked.append((host, port))
        return addresses

    callback = Callback("https://hooks.narrate.dev:8443/done", "gateway", resolve)
    if good:
        await callback.check()
        await callback.check()
        assert asked == [("hooks.narrate.dev", 8443)], "once is enough"
    else:
        with pytest.raises(InputError, match="callback_url of profile gateway"):
            await callback.check()


async def test_nothing_is_sent_with_a_callback_that_cannot_be_used() -> None:
    def wire(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    async def inner(_host: str, _port: int) -> tuple[str, ...]:
        return ("10.0.0.8",)

    def settings(url: str) -> dict[str, dict[str, object]]:
        return {"service": {"callback_url": url}}

    written = load_settings("gateway", environ={}, overrides=settings("https://192.168.1.1/"))
    with pytest.raises(InputError, match="Nothing was sent"):
        open_service(written, "sk-evo-1")
    resolved = load_settings("gateway", environ={}, overrides=settings("https://hooks.narrate.dev/"))
    service = open_service(resolved, "sk-evo-1", transport=httpx.MockTransport(wire), resolve=inner)
    with pytest.raises(InputError, match=r"leads to 10\.0\.0\.8"):
        await service.speak(GATEWAY_ASK, OpenGate())
    with pytest.raises(InputError, match=r"leads to 10\.0\.0\.8"):
        await service.design(GATEWAY_DESIGN, "mara", OpenGate())
