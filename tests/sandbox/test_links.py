"""Download links: good for their life, refused as the object storage refuses, and without a key."""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest

Desk = Any


async def link(desk: Desk) -> str:
    answer = await desk.speak(await desk.voice())
    return str(answer.json()["output"]["audio"]["url"])


def changed(url: str, **changes: str | None) -> str:
    """Return a link with parts of its query changed, or removed when None."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept, quote_via=quote)).geturl()


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.text)  # noqa: S314 - our own
    assert root.tag == "Error"
    return answer.status_code, root.findtext("Code", ""), root.findtext("Message", "")


async def test_a_link_has_the_shape_of_the_object_storage(desk: Desk) -> None:
    assert re.fullmatch(
        r"http://127\.0\.0\.1:8765/oss/[0-9a-f]{2}/[0-9a-f]{2}/20261118/[0-9a-f]{8}/[0-9a-f]{40}\.wav"
        r"\?Expires=1795086400&OSSAccessKeyId=LTAI\w+&Signature=[\w%]+%3D",
        await link(desk),
    )


async def test_a_link_needs_no_key_and_a_key_is_noticed(desk: Desk) -> None:
    url = await link(desk)
    assert (await desk.client.get(url)).status_code == 200
    assert (await desk.bill())["downloads_with_key"] == 0
    await desk.client.get(url, headers={"authorization": "Bearer sk-test"})
    bill = await desk.bill()
    assert (bill["downloads"], bill["downloads_with_key"]) == (2, 1)


async def test_a_link_is_good_until_its_second_and_not_after(desk: Desk) -> None:
    url = await link(desk)
    desk.clock.now_s += 86_399
    assert (await desk.client.get(url)).status_code == 200
    desk.clock.now_s += 1
    answer = await desk.client.get(url)
    assert refusal(answer) == (403, "AccessDenied", "Request has expired.")
    assert "<Expires>2026-11-19T11:06:40.000Z</Expires>" in answer.text


async def test_the_life_of_links_is_a_switch(desk: Desk) -> None:
    await desk.switch(url_life_s=30)
    url = await link(desk)
    assert "Expires=1795000030" in url
    desk.clock.now_s += 30
    assert (await desk.client.get(url)).status_code == 403


async def test_a_link_can_come_expired(desk: Desk) -> None:
    await desk.switch(expired_url=1)
    assert refusal(await desk.client.get(await link(desk)))[1] == "AccessDenied"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Expires": "1795086401"}, "SignatureDoesNotMatch"),
        ({"Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "SignatureDoesNotMatch"),
        ({"Signature": "ü"}, "SignatureDoesNotMatch"),
        ({"OSSAccessKeyId": "LTAIother"}, "InvalidAccessKeyId"),
        ({"Signature": None}, "AccessDenied"),
        ({"Expires": None}, "AccessDenied"),
        ({"Expires": "soon"}, "AccessDenied"),
    ],
)
async def test_a_changed_link_is_403(desk: Desk, changes: dict[str, str | None], code: str) -> None:
    assert refusal(await desk.client.get(changed(await link(desk), **changes)))[:2] == (403, code)


async def test_a_link_to_another_file_is_403(desk: Desk) -> None:
    url = await link(desk)
    name = re.search(r"[0-9a-f]{40}", url)
    assert name is not None
    other = url.replace(name[0], name[0][::-1])
    assert refusal(await desk.client.get(other))[:2] == (403, "SignatureDoesNotMatch")


async def test_a_path_that_no_link_has_is_404(desk: Desk) -> None:
    for path in ("/oss/nothing.wav", "/oss/sandbox.sqlite3", "/oss/aa/bb/20261118/00000000/..%2f..%2fports.json"):
        assert refusal(await desk.client.get(path))[:2] == (404, "NoSuchKey")


async def test_the_link_follows_the_host_that_the_caller_sees(desk: Desk) -> None:
    voice = await desk.voice()
    body = {"model": "qwen3-tts-vd-2026-01-26", "input": {"text": "One.", "voice": voice}}
    path = "/api/v1/services/aigc/multimodal-generation/generation"
    for host, seen in (("localhost:99", "localhost:99"), ("[::1]:80", "[::1]:80"), ("evil/x?y", "127.0.0.1:8765")):
        answer = await desk.post(path, body, host=host)
        assert answer.json()["output"]["audio"]["url"].startswith(f"http://{seen}/oss/")
    await desk.switch(url_scheme="https")
    assert (await link(desk)).startswith("https://127.0.0.1:8765/oss/")
