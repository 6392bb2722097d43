"""The key goes to the configured host and nowhere else: nothing that runs write holds it, debug logs included."""

from __future__ import annotations

import base64
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, CAST, small_book
from tests.leaks import leaked
from tests.prove.harness import Vendor, vendor

KEY = "sk-N33dle7/of+Hay=stack%Qx8Zw2"

SECRETS = (KEY, "sk-evo-Pin9Cushion_42.Vf7KqLm")

KINDS = {
    "qwen": ('kind = "qwen"', "qwen3-tts-vd-2026-01-26"),
    "streaming": ('kind = "qwen"\nstreaming = true', "qwen3-tts-vd-2026-01-26"),
    "flash": ('kind = "qwen"', "qwen3-tts-flash"),
    "realtime": ('kind = "qwen-realtime"', "qwen3-tts-vd-realtime-2026-01-15"),
    "cosyvoice": ('kind = "cosyvoice"\ndesign_model = "voice-enrollment"', "cosyvoice-v3.5-flash"),
    "cosyvoice-tasks": (
        'kind = "cosyvoice"\ndesign_model = "voice-enrollment"\ntransport = "websocket"',
        "cosyvoice-v3.5-flash",
    ),
    "gateway": ('kind = "gateway"\nkey_variable = "EVOLINK_API_KEY"', "qwen3-tts-vd"),
}
PROFILE = """\
[service]
{kind}
base_url = "{base_url}"
{socket}
region = "{region}"
speech_model = "{model}"
download_hosts = []

[limits]
per_minute = 0
per_second = 0.0
in_flight = 8
attempts = 3

[check]
retakes = 0
"""
MANUSCRIPT = "# The Kettle\n\nIt was on the hob.\n\n“Take it off,” said Ann.\n\n“I will not,” said somebody.\n"
SYSTEM = "characters:\n  - {name: Narrator, role: narrator, voice: {system: Cherry}}\n"


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[Vendor]:
    """A vendor whose state is scanned as well."""
    with vendor(tmp_path) as started:
        yield started


@pytest.fixture
def everything_logged(tmp_path: Path) -> Iterator[None]:
    """Every record of every library, down to debug, goes into a file."""
    handler = logging.FileHandler(tmp_path / "all.log", encoding="utf-8")
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("narration").addHandler(handler)
    yield
    logging.getLogger("narration").removeHandler(handler)
    root.removeHandler(handler)
    root.setLevel(before)
    handler.close()


def _profile(folder: Path, seller: Vendor, name: str) -> Path:
    kind, model = KINDS[name]
    base = f"{seller.root}/v1" if name == "gateway" else seller.base_url
    socket = f'websocket_url = "{seller.root.replace("http", "ws")}/api-ws/v1"' if "gateway" not in name else ""
    path = folder / f"{name}.toml"
    region = "cn-beijing" if "cosyvoice" in name else "ap-southeast-1"
    path.write_text(PROFILE.format(kind=kind, base_url=base, socket=socket, model=model, region=region))
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("everything_logged")
def test_nothing_that_is_written_holds_a_key(
    narrate: Narrate, tmp_path: Path, seller: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NARRATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRETS[0])
    monkeypatch.setenv("EVOLINK_API_KEY", SECRETS[1])
    said = tmp_path / "said"
    said.mkdir()

    def narrated(name: str, code: tuple[int, ...], *arguments: object) -> None:
        answer = narrate("-v", "--log-file", tmp_path / f"{name}.log", *arguments)
        (said / f"{name}.out").write_text(answer.out)
        (said / f"{name}.err").write_text(answer.err)
        assert answer.code in code, f"{name}: {answer.code} {answer.err}"

    for name in KINDS:
        formats = "formats: [mp3, epub, lpf]\n" if name == "qwen" else ""
        files = {"manuscript": MANUSCRIPT, "cast": SYSTEM if name == "flash" else CAST}
        files["book"] = BOOK.format(profile="sandbox") + formats
        book = small_book(tmp_path / "books" / name, **files)
        profile = _profile(tmp_path, seller, name)
        narrated(f"{name}-render", (0, 3), "render", book, "--profile", profile, "--yes", "--json")
        assert list((book / "out").glob("*.mp3")), name
    qwen, book = tmp_path / "qwen.toml", tmp_path / "books" / "qwen"
    narrated("ask", (0, 2, 3, 6), "script", book, "--profile", qwen, "--ask-model", "--yes")
    narrated("doctor", (0, 2, 6), "doctor", "--profile", qwen)
    narrated("housekeeping", (0, 3), "housekeeping", "--profile", qwen)
    narrated("usage", (0,), "usage", "--json")
    seller.switch(rate_500=1.0)
    late = small_book(tmp_path / "books" / "late", manuscript=MANUSCRIPT + "\nIt broke.\n")
    narrated("unavailable", (6,), "render", late, "--profile", qwen, "--yes")
    seller.switch(rate_500=0.0)
    assert seller.bill()["downloads_with_key"] == 0
    assert seller.bill()["downloads"]
    assert (tmp_path / "all.log").stat().st_size > 10_000, "the libraries said nothing"
    assert list((tmp_path / "home").rglob("*.parquet"))
    for secret in SECRETS:
        assert leaked(tmp_path, secret) == []


def test_a_secret_is_found_wherever_it_is_hidden(tmp_path: Path) -> None:
    """The scanner is one that can find."""
    secret = SECRETS[0]
    hidden = {
        "plain": f"x{secret}y".encode(),
        "64": base64.b64encode(b"Basic:" + secret.encode() + b"::"),
        "64-1": base64.b64encode(b"Basic:1" + secret.encode() + b"::"),
        "64-2": base64.urlsafe_b64encode(b"Basic:12" + secret.encode() + b"::"),
        "url": b"?key=sk-N33dle7%2Fof%2BHay%3Dstack%25Qx8Zw2",
        "part": b"key sk-N33dle7/of+Ha...",
        "hex": secret.encode().hex().upper().encode(),
    }
    for name, data in hidden.items():
        (tmp_path / name).write_bytes(data)
    pq.write_table(pa.table({"call_id": ["a", secret]}), tmp_path / "rows.parquet")
    with zipfile.ZipFile(tmp_path / "book.epub", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xhtml", f"<p>{secret}</p>")
    (tmp_path / secret[3:9]).write_bytes(b"")
    found = leaked(tmp_path, secret)
    for name in (*hidden, "rows.parquet", "book.epub"):
        assert any(f"{name}:" in line for line in found), name
