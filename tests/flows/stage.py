"""What the tests of the command line share: `narrate` in this process, a small book, a vendor that records."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
KEY = "sk-stage-1234567890"
SCREEN_LINES = 24

MANUSCRIPT = """\
# The Kettle

## Steam

The kettle had been on the hob since six, and nobody had come for it.

“It wants to be taken off,” said Ann.

“Then take it off,” said Ben.

Nobody spoke.

## Tea

“Is there any sugar?” asked Ben.

Nobody spoke.

“There was,” said Ann.
"""
"""Two chapters, three speakers; “Nobody spoke.” is said twice, so that it is bought once."""

CAST = """\
characters:
  - name: Narrator
    role: narrator
    voice: A calm middle-aged woman, low pitch, steady pace, for audiobook narration.
    preview: The lamp was out, but nobody in the house had slept.
  - name: Ann
    voice: A young woman, high pitch, fast pace, bright and clear.
    preview: It wants to be taken off, you know.
  - name: Ben
    voice: An elderly man, low pitch, slow pace, hoarse.
    preview: Then take it off, will you.
"""

BOOK = """\
title: The Kettle
author: Nobody
language: en
manuscript: kettle.md
cast: cast.yaml
profile: {profile}
budget_usd: 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command answered.

    Attributes:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def on_one_screen(self) -> bool:
        """Whether everything that was said fits a terminal of 24 lines."""
        return len((self.out + self.err).splitlines()) <= SCREEN_LINES


def small_book(folder: Path, *, profile: str = "sandbox", **files: str) -> Path:
    """Write the small production.

    Args:
        folder: where.
        profile: of its book.yaml.
        files: other texts for `manuscript`, `cast` and `book`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "book.yaml").write_text(files.get("book", BOOK.format(profile=profile)), encoding="utf-8")
    (folder / "cast.yaml").write_text(files.get("cast", CAST), encoding="utf-8")
    (folder / "kettle.md").write_text(files.get("manuscript", MANUSCRIPT), encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came to a recording server.

    Attributes:
        method, path: of it.
        headers: with names in lower case.
        body: as it came.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Recorder:
    """A server that writes down who came.

    Attributes:
        root: its address.
        seen: every request, in order.
    """

    root: str = ""
    seen: list[Seen] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """As `DASHSCOPE_BASE_URL` wants it."""
        return f"{self.root}/api/v1"


@contextmanager
def recorder(behind: str = "") -> Iterator[Recorder]:
    """Serve on a free port of this machine until the block ends.

    Args:
        behind: root of a server to which everything is handed on; without one, everything is answered with 500.
    """
    record = Recorder()
    with httpx.Client(timeout=300, trust_env=False) as client:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                record.seen.append(Seen(method=self.command, path=self.path, headers=headers, body=body))
                status, kind, answer = 500, "text/plain", b"recorded"
                if behind:
                    # The Host header goes along, so that the links in the answer lead here as well.
                    reply = client.request(self.command, f"{behind}{self.path}", content=body, headers=headers)
                    status, kind, answer = reply.status_code, reply.headers.get("content-type", ""), reply.content
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _answer  # noqa: N815 — the names are http.server's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its own name
                del format, args

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        record.root = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield record
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
