"""The sandbox as a process: its port, its ready line, its end.

Invariant: when the ready line is printed the port answers; after a signal or the end of the standard input it is
closed within a second.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from narration.sandbox.app import Service, create_app

_PORTS_REMEMBERED = 8
_KEEP_ALIVE_S = 75


class PortTakenError(OSError):
    """The asked port is in use or not to be had."""


class _Protocol(H11Protocol):
    """HTTP/1.1 that lets the application cut its connection, a WebSocket that grew from it too."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the transport to the application as `request.state.transport`."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A server that says when it is ready and leaves its signals to us."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: str, *, exit_with_stdin: bool) -> None:
        super().__init__(config)
        self._service = service
        self._ready = ready
        self._exit_with_stdin = exit_with_stdin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then print the ready line."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        if self._exit_with_stdin:
            threading.Thread(target=self._await_stdin, args=(loop,), daemon=True).start()
        sys.stdout.write(self._ready + "\n")
        sys.stdout.flush()

    def stop(self) -> None:
        """End: at once for what hangs or waits, gracefully for what is being answered."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._service.house.closing.set()

    def _await_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4_096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(self.stop)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise them again and the exit code would not be 0."""
        yield


class _ExpectedEnds(logging.Filter):
    """Drops the complaints about answers that the faults leave unfinished."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(("ASGI callable returned without", "Cancel %s running task"))


def serve(service: Service, listener: socket.socket, folder: Path, *, exit_with_stdin: bool) -> None:
    """Serve until a signal or the end of the standard input."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    ready = {"base_url": f"http://{shown}:{port}/api/v1", "port": port, "pid": os.getpid(), "state": str(folder)}
    logging.getLogger("uvicorn.error").addFilter(_ExpectedEnds())
    server = _Server(configured(service), service, json.dumps(ready), exit_with_stdin=exit_with_stdin)
    try:
        server.run(sockets=[listener])
    finally:
        service.close()


def configured(service: Service) -> uvicorn.Config:
    """Return how the web server serves a service."""
    return uvicorn.Config(
        create_app(service),
        http=_Protocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        backlog=512,
    )


def listen(host: str, port: int, folder: Path) -> socket.socket:
    """Return a listening socket.

    Args:
        host: address to listen on.
        port: 0 prefers a port that this state used before, else takes a free one and remembers it.
        folder: the state folder, where ports are remembered.

    Raises:
        PortTakenError: the asked port is in use, or the address is not to be had.
    """
    if port:
        listener = _bind(host, port)
        _remember(folder, port)
        return listener
    for known in _known_ports(folder):
        with contextlib.suppress(PortTakenError):
            return _bind(host, known)
    listener = _bind(host, 0)
    _remember(folder, listener.getsockname()[1])
    return listener


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small answers at once (TCP_NODELAY) only on sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise PortTakenError(f"cannot listen on {host} port {port}: {reason}") from error
    return listener


def _known_ports(folder: Path) -> list[int]:
    """Return the ports of this state, the preferred one first."""
    try:
        ports = json.loads((folder / "ports.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [port for port in ports if isinstance(port, int)] if isinstance(ports, list) else []


def _remember(folder: Path, port: int) -> None:
    """Put a port last in the list: the first one given out stays preferred, so that old links answer."""
    known = _known_ports(folder)
    if port in known:
        return
    draft = folder / f"ports.{os.getpid()}.part"
    draft.write_text(json.dumps([*known, port][:_PORTS_REMEMBERED]), "utf-8")
    draft.replace(folder / "ports.json")
