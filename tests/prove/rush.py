"""Two renders of one book at once: every take is bought once, every voice made once, on a folder and on S3."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.prove.harness import PATIENCE_S, ROOT, Studio, bought_twice, vendor


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
            out, err = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0, (process.returncode, err, out)
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
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.s3_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 26)},
    )
    with server:  # which ends with its input
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()
        assert endpoint, "the S3 server did not start"
        variables = {
            "AWS_ENDPOINT": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "proof",
            "AWS_SECRET_ACCESS_KEY": "proof",
            "AWS_REGION": "us-east-1",
        }
        made = httpx.put(f"{endpoint}/proof", headers={"authorization": "AWS proof:proof"}, timeout=PATIENCE_S)
        made.raise_for_status()
        yield "s3://proof/store", variables
