"""Two renders of one book at once: every take is bought once, every voice made once, on a folder and on S3."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.prove.harness import PATIENCE_S, Studio, bought_twice, vendor
from tests.prove.server import START_S, free_port


def prove_rush(*, on_s3: bool, chapters: str = "1") -> str:
    """Start two renders of the same book at the same moment, cold.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        service = stack.enter_context(vendor(folder, latency_ms=60))
        store, variables = stack.enter_context(bucket()) if on_s3 else ("", {})
        profile = service.profile(in_flight=8)
        homes = ["home", "other"] if on_s3 else ["home", "home"]
        studios = [
            Studio(home=folder / home, out=folder / f"out{n}", profile=profile, store=store, variables=variables)
            for n, home in enumerate(homes)
        ]
        processes = [studio.start("--chapters", chapters) for studio in studios]
        for process in processes:
            _out, err = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0, err
        bill, rows = service.bill(), service.rows()
        assert bought_twice(rows) == 0, f"{bought_twice(rows)} takes were bought twice"
        usage = studios[0].usage()
        assert bill["voices_created"] == usage["voices_created"], (bill, usage)
        assert bill["characters"] == usage["characters_billed"], (bill, usage)
        assert usage["characters_in_doubt"] == 0
        assert studios[0].files() == studios[1].files(), "the two renders differ"
        where = "S3" if on_s3 else "a folder"
        return f"two renders at once on {where}: {len(rows)} takes, {bill['voices_created']} voices, none bought twice"


@contextlib.contextmanager
def bucket() -> Iterator[tuple[str, dict[str, str]]]:
    """An S3-compatible server with an empty bucket; its URL, and the variables that reach it."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    variables = {
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "proof",
        "AWS_SECRET_ACCESS_KEY": "proof",
        "AWS_REGION": "us-east-1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 26)},
    )
    headers = {"authorization": "AWS proof:proof"}
    try:
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.put(f"{endpoint}/proof", headers=headers, timeout=30).status_code < 300:
                    break
            assert time.monotonic() < deadline, "the S3 server did not start"
            assert server.poll() is None, "the S3 server ended"
            time.sleep(0.1)
        yield "s3://proof/store", variables
    finally:
        server.terminate()
        server.wait(timeout=START_S)
