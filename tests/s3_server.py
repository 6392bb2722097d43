"""An S3 server for tests and proofs: moto's, on a free port of this machine, that makes an object once.

`python -m tests.s3_server` prints its address and serves until its input ends.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def s3_server() -> Iterator[str]:
    """Its address, for as long as the block lasts; it has no bucket."""
    from moto.s3.responses import S3Response
    from moto.server import ThreadedMotoServer

    put, turn = S3Response.put_object, threading.Lock()

    def put_object(self: S3Response) -> object:
        """S3 makes an object once, whoever else asks for it; this server looks and writes in two steps."""
        with turn:
            return put(self)

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with mock.patch.object(S3Response, "put_object", put_object):
            yield f"http://{host}:{port}"
    finally:
        server.stop()


if __name__ == "__main__":
    with s3_server() as address:
        print(address, flush=True)  # noqa: T201 — its whole answer
        sys.stdin.read()
