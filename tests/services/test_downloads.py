"""Downloads: where a link may lead, what is fetched again, and what is never stored."""

from __future__ import annotations

import struct
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import AudioRefused, LinkExpired, NarrationError, ServiceUnavailable
from narration.services import SpeechService, open_service
from narration.services.http import Timing
from narration.services.links import Link, LinkRefused, LinkRules, public_only
from narration.services.riff import wav_flaw
from narration.settings.settings import load_settings
from narration.take import Receipt
from tests.services.fakes import Wire

KEY = "sk-a-key-that-nobody-may-see"
NOW = 1_795_000_000
SIGNED = "Expires=1795255812&OSSAccessKeyId=LTAI5&Signature=a%2Bb%2F%3d+c=="
LINK = f"http://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/3a/x%2fy.wav?{SIGNED}"
BASE = "http://127.0.0.1:8123/api/v1"


def wav(frames: int = 100, data_size: int | None = None, riff_size: int | None = None) -> bytes:
    data = b"\1\2" * frames
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 24000, 48000, 2, 16)
    body = b"WAVE" + fmt + struct.pack("<4sI", b"data", len(data) if data_size is None else data_size) + data
    return struct.pack("<4sI", b"RIFF", len(body) if riff_size is None else riff_size) + body


def opened(
    wire: Callable[[httpx.Request], httpx.Response],
    *,
    base_url: str = BASE,
    addresses: tuple[str, ...] = ("47.95.1.1",),
    waits: list[float] | None = None,
    profile: str = "international",
) -> SpeechService:
    waited = [] if waits is None else waits

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        assert (host.rpartition(".")[2], port) == ("com", 443)
        return addresses

    return open_service(
        load_settings(profile, environ={}, overrides={"service": {"base_url": base_url}}),
        KEY,
        timing=Timing(clock=lambda: sum(waited), now=lambda: NOW, sleep=sleep, random=lambda: 0.5),
        transport=httpx.MockTransport(wire),
        resolve=resolve,
    )


def receipt(url: str = LINK, expires_at: int = NOW + 86400) -> Receipt:
    return Receipt(request_id="r-1", billed_characters=5, url=url, expires_at=expires_at)


async def test_a_file_is_fetched_by_https_without_the_key_and_with_its_signature_unchanged() -> None:
    wire = Wire(httpx.Response(200, content=wav(), headers={"Set-Cookie": "a=b"}), httpx.Response(200, content=wav()))
    door = opened(wire)
    assert await door.collect(receipt()) == wav()
    assert await door.collect(receipt()) == wav()
    assert wire.urls == [LINK.replace("http:", "https:")] * 2
    for request in wire.seen:
        assert "authorization" not in request.headers
        assert "cookie" not in request.headers
        assert KEY not in str(request.headers.raw) + str(request.url)


async def test_a_link_to_the_services_own_host_keeps_its_port_and_scheme() -> None:
    wire = Wire(httpx.Response(200, content=wav()))
    await opened(wire).collect(receipt(f"http://127.0.0.1:8123/oss/a.wav?{SIGNED}"))
    assert wire.urls == [f"http://127.0.0.1:8123/oss/a.wav?{SIGNED}"]


async def test_the_sandboxes_links_are_fetched_at_its_present_address() -> None:
    wire = Wire(httpx.Response(200, content=wav()))
    await opened(wire, profile="sandbox").collect(receipt(f"http://127.0.0.1:7000/oss/a.wav?{SIGNED}"))
    assert wire.urls == [f"http://127.0.0.1:8123/oss/a.wav?{SIGNED}"]


REFUSED_LINKS = [
    "http://127.0.0.1:8124/a.wav",
    "http://127.0.0.1/a.wav",
    "http://localhost:8123/a.wav",
    "http://169.254.169.254/latest/meta-data",
    "http://100.100.100.200/latest/meta-data",
    "http://10.0.0.1/a.wav",
    "http://[::1]:8123/a.wav",
    "http://[fd00::1]/a.wav",
    "http://2130706433:8123/a.wav",
    "http://0x7f.1:8123/a.wav",
    "https://evil.example/a.wav",
    "https://evilaliyuncs.com/a.wav",
    "https://aliyuncs.com.evil.example/a.wav",
    "https://evil.example\\.aliyuncs.com/a.wav",
    "https://evil.example#.aliyuncs.com/a.wav",
    "https://evil.example?.aliyuncs.com/a.wav",
    "https://user@a.aliyuncs.com/a.wav",
    "https://a.aliyuncs.com@evil.example/a.wav",
    "https://a.aliyuncs.com:8443/a.wav",
    "https://a.aliyuncs.com:0/a.wav",
    "https://a.aliyuncs.com:99999/a.wav",
    "https://a.aliyuncs.com./a.wav",
    "https://aliyuncs.com/a.wav",
    "https://[::1/a.wav",
    "https:///a.wav",
    "https://a.aliyuncs.com/a\r\nAuthorization:x",
    "https://a.aliyuncs.com/a b",
    "https://a.aliyuncs.com/阿",
    "ftp://a.aliyuncs.com/a.wav",
    "file:///etc/passwd",
    "data:audio/wav;base64,AAAA",
    "javascript://a.aliyuncs.com/%0a",
    "//a.aliyuncs.com/a.wav",
    "a.wav",
    "",
    "https://a.aliyuncs.com/" + "a" * 9000,
]


@pytest.mark.parametrize("url", REFUSED_LINKS)
async def test_a_link_to_another_place_is_refused_before_any_request(url: str) -> None:
    wire = Wire()
    with pytest.raises(AudioRefused, match="link is not followed"):
        await opened(wire).collect(receipt(url))
    assert wire.seen == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.100.100.200", "::1", "fe80::1%eth0",
                "fd00::1", "::ffff:10.0.0.1", "0.0.0.1", "224.0.0.1", "nonsense"]
)  # fmt: skip
async def test_a_name_that_leads_to_a_private_address_is_refused_before_any_request(address: str) -> None:
    wire = Wire()
    with pytest.raises(AudioRefused, match="link is not followed"):
        await opened(wire, addresses=("47.95.1.1", address)).collect(receipt())
    assert wire.seen == []


async def test_a_name_that_only_a_proxy_can_look_up_is_fetched() -> None:
    assert await opened(Wire(httpx.Response(200, content=wav())), addresses=()).collect(receipt()) == wav()


def test_the_addresses_of_local_tunnels_are_let_pass() -> None:
    public_only("a.aliyuncs.com", ["198.18.0.7"])


@pytest.mark.parametrize(
    "location", ["https://evil.example/a.wav", "http://127.0.0.1:1/a", "//evil.example/a", "http://["]
)
async def test_a_redirect_to_another_place_is_refused(location: str) -> None:
    wire = Wire(httpx.Response(302, headers={"Location": location}))
    with pytest.raises(AudioRefused, match="link is not followed"):
        await opened(wire).collect(receipt())
    assert len(wire.seen) == 1


async def test_a_redirect_to_an_allowed_place_is_followed_without_the_key() -> None:
    wire = Wire(
        httpx.Response(307, headers={"Location": "http://other.aliyuncs.com/b.wav?Signature=%2b"}),
        httpx.Response(302, headers={"Location": "/c.wav?x=1"}),
        httpx.Response(200, content=wav()),
    )
    assert await opened(wire).collect(receipt()) == wav()
    assert wire.urls[1:] == ["https://other.aliyuncs.com/b.wav?Signature=%2b", "https://other.aliyuncs.com/c.wav?x=1"]
    assert not any("authorization" in request.headers for request in wire.seen)


async def test_redirects_in_circles_end() -> None:
    wire = Wire(*[httpx.Response(302, headers={"Location": LINK}) for _ in range(9)])
    with pytest.raises(AudioRefused, match="more than 3"):
        await opened(wire).collect(receipt())
    assert len(wire.seen) == 4


TORN = {
    "half of it": wav(1000)[:1000],
    "a header only": wav()[:44],
    "a few bytes": b"RIF",
    "nothing": b"",
    "a part after the samples is missing": wav(10, riff_size=200),
    "half a sample": wav(10, data_size=0, riff_size=0)[:-1],
    "no data part": wav()[:36],
}


@pytest.mark.parametrize("torn", TORN.values(), ids=TORN.keys())
async def test_a_torn_download_is_fetched_again_and_never_returned(torn: bytes) -> None:
    wire = Wire(
        httpx.Response(200, content=torn), httpx.Response(200, content=torn), httpx.Response(200, content=wav())
    )
    assert await opened(wire).collect(receipt()) == wav()
    wire = Wire(*[httpx.Response(200, content=torn) for _ in range(9)])
    with pytest.raises(AudioRefused, match="not the audio promised") as caught:
        await opened(wire).collect(receipt())
    assert len(wire.seen) == 4
    assert not isinstance(caught.value, LinkExpired)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF - 36, 0xFFFFFFFF - 36])
async def test_sizes_that_writers_of_streams_leave_are_read_as_until_the_end(size: int) -> None:
    streamed = wav(10, data_size=size, riff_size=size)
    assert await opened(Wire(httpx.Response(200, content=streamed))).collect(receipt()) == streamed


@given(cut=st.integers(0, 243))
def test_a_file_cut_anywhere_is_flawed(cut: int) -> None:
    whole = wav(100)
    assert len(whole) == 244
    assert wav_flaw(whole) is None
    flaw = wav_flaw(whole[:cut])
    assert flaw is not None
    assert flaw.torn


@given(data=st.binary(max_size=200), head=st.sampled_from([b"", b"RIFF", wav()[:12], wav()[:36], wav()[:44]]))
def test_any_bytes_can_be_looked_at(data: bytes, head: bytes) -> None:
    flaw = wav_flaw(head + data)
    assert flaw is None or flaw.what.isprintable()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "it starts “<\\?xml"),
        (b"<html>\n<body>Sign in</body>", "it starts “<html> <body>Sign in"),
        (b"ID3\x04\x00 an mp3", "it starts “ID3"),
        (b"RIFX" + wav()[4:], "not a WAV"),
    ],
)
async def test_what_is_no_audio_is_refused_with_its_first_words(content: bytes, told: str) -> None:
    wire = Wire(httpx.Response(200, content=content))
    with pytest.raises(AudioRefused, match=told):
        await opened(wire).collect(receipt())
    assert len(wire.seen) == 1


def oss(status: int, code: str, message: str) -> httpx.Response:
    xml = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return httpx.Response(status, text=xml)


async def test_an_expired_link_says_that_what_was_paid_is_lost() -> None:
    with pytest.raises(LinkExpired, match="time is over"):
        await opened(Wire(oss(403, "AccessDenied", "Request has expired."))).collect(receipt())
    with pytest.raises(LinkExpired):
        await opened(Wire(oss(403, "AccessDenied", "no"))).collect(receipt(expires_at=NOW - 1))


async def test_a_wrong_signature_is_not_tried_again() -> None:
    wire = Wire(oss(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"))
    with pytest.raises(AudioRefused, match="SignatureDoesNotMatch") as caught:
        await opened(wire).collect(receipt())
    assert not isinstance(caught.value, LinkExpired)
    assert len(wire.seen) == 1


async def test_a_file_that_is_not_there_yet_is_waited_for() -> None:
    waits: list[float] = []
    wire = Wire(oss(404, "NoSuchKey", ""), oss(404, "NoSuchKey", ""), httpx.Response(200, content=wav()))
    assert await opened(wire, waits=waits).collect(receipt()) == wav()
    assert len(waits) == 2
    wire = Wire(*[oss(404, "NoSuchKey", "") for _ in range(9)])
    with pytest.raises(ServiceUnavailable, match="not there"):
        await opened(wire).collect(receipt())
    assert len(wire.seen) == 4


async def test_failures_on_the_way_are_repeated_freely() -> None:
    wire = Wire(
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(503),
        httpx.Response(200, content=wav()[:50], headers={"Content-Length": str(len(wav()))}),
        httpx.Response(200, content=wav()),
    )
    assert await opened(wire).collect(receipt()) == wav()
    wire = Wire(*[httpx.Response(500) for _ in range(9)])
    with pytest.raises(ServiceUnavailable, match="6 attempts") as caught:
        await opened(wire).collect(receipt())
    assert caught.value.call is not None
    assert (caught.value.call.action, caught.value.call.in_doubt, caught.value.call.status) == ("download", 0, 500)


async def test_a_file_of_endless_length_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.services.download.AUDIO_MOST_BYTES", 100)
    wire = Wire(httpx.Response(200, content=wav(1000)))
    with pytest.raises(AudioRefused, match="longer than 100 bytes"):
        await opened(wire).collect(receipt())


async def test_audio_that_came_with_the_answer_is_not_fetched() -> None:
    wire = Wire()
    assert await opened(wire).collect(Receipt(request_id="r", audio=b"x")) == b"x"
    assert wire.seen == []


@pytest.mark.parametrize(
    ("base_url", "url", "expected"),
    [
        ("https://gw.example:8443/api/v1", "http://gw.example:8443/a", "https://gw.example:8443"),
        ("https://gw.example/api/v1", "http://gw.example/a", "https://gw.example"),
        ("https://GW.example/api/v1", "https://gw.EXAMPLE:443/a", "https://gw.example"),
        ("http://127.0.0.1/api/v1", "http://127.0.0.1:80/a", "http://127.0.0.1"),
        ("http://[::1]:9000/api/v1", "http://[::1]:9000/a", "http://[::1]:9000"),
    ],
)
async def test_the_services_own_host_and_port_are_followed(base_url: str, url: str, expected: str) -> None:
    wire = Wire(httpx.Response(200, content=wav()))
    await opened(wire, base_url=base_url).collect(receipt(url))
    assert wire.urls == [expected + "/a"]


@pytest.mark.parametrize("url", ["http://gw.example:80/a", "http://gw.example:8443/a", "https://gw.example:8443/a"])
async def test_another_port_of_the_services_own_host_is_refused(url: str) -> None:
    with pytest.raises(AudioRefused):
        await opened(Wire(), base_url="https://gw.example/api/v1").collect(receipt(url))


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(
    url=st.one_of(
        st.text(max_size=60),
        st.builds(
            "{}://{}{}{}".format,
            st.sampled_from(["http", "https", "ftp", "HTTPS"]),
            st.one_of(HOST, HOST.map(lambda host: host + ".aliyuncs.com"), st.text(max_size=20)),
            st.sampled_from(["", ":80", ":443", ":8123", "@evil.example", "\\", "#", "?"]),
            st.text(max_size=20).map("/".__add__),
        ),
    )
)
def test_whatever_a_link_says_it_leads_to_an_allowed_host_or_nowhere(url: str) -> None:
    settings = load_settings("international", environ={}, overrides={"service": {"base_url": BASE}})
    try:
        link: Link = LinkRules(settings.service).check(url)
    except LinkRefused:
        return
    own = (link.scheme, link.host, link.port) == ("http", "127.0.0.1", 8123)
    assert own or (link.scheme, link.port) == ("https", 443)
    assert own or link.host.endswith(".aliyuncs.com")
    assert httpx.URL(link.origin + "/").host == link.host
    assert link.target.startswith(b"/")
    assert url.partition("#")[0].encode().endswith(link.target.removeprefix(b"/"))


@pytest.mark.parametrize("status", range(200, 600, 7))
async def test_any_status_ends_in_a_typed_error(status: int) -> None:
    wire = Wire(*[httpx.Response(status, content=b"whatever") for _ in range(9)])
    with pytest.raises(NarrationError):
        await opened(wire).collect(receipt())


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WAVE" + b"".join(
        struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return struct.pack("<4sI", b"RIFF", len(body)) + body


FMT = struct.pack("<HHIIHH", 1, 1, 24000, 48000, 2, 16)


@pytest.mark.parametrize(
    ("sound", "what", "torn"),
    [
        (_riff((b"fmt ", FMT)), "no samples", True),
        (_riff((b"fmt ", FMT), (b"data", b"")), "no samples", True),
        (_riff((b"fmt ", FMT[:14]), (b"data", b"\1\2")), "format part is too short", False),
        (_riff((b"data", b"\1\2"), (b"fmt ", FMT)), "before their format", False),
        (_riff((b"fmt ", FMT), (b"data", b"\1\2\3")), "within a sample", True),
    ],
)
def test_a_sound_that_is_not_whole_says_what_is_wrong_and_whether_it_may_be_fetched_again(
    sound: bytes, what: str, torn: bool
) -> None:
    flaw = wav_flaw(sound)
    assert flaw is not None
    assert (what in flaw.what, flaw.torn) == (True, torn)


def test_parts_that_say_something_else_are_passed_over_and_a_stream_ends_where_it_ends() -> None:
    assert wav_flaw(_riff((b"LIST", b"abc"), (b"fmt ", FMT), (b"fact", b"1234"), (b"data", b"\1\2"))) is None
    assert wav_flaw(wav(data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF)) is None


def test_a_host_that_is_named_in_full_is_followed_and_none_below_it() -> None:
    settings = load_settings(
        "international", environ={}, overrides={"service": {"base_url": BASE, "download_hosts": ["files.example"]}}
    )
    rules = LinkRules(settings.service)
    assert rules.check("https://files.example/x.wav").host == "files.example"
    for url in ("https://more.files.example/x.wav", "https://files.example.evil.example/x.wav"):
        with pytest.raises(LinkRefused):
            rules.check(url)
