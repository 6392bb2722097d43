"""The sandbox under test: in this process with tones, through ASGI or over a socket, or as a real process."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import uvicorn

from narration.sandbox.app import Service, create_app
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import NO_LIMITS, read_switches
from narration.sandbox.launch import Switch, command
from narration.sandbox.server import configured, listen

ROOT = Path(__file__).parents[2]
KEY = "sk-test"
PATIENCE_S = 300.0
"""What takes so long hangs, however busy the machine is."""
DESIGN = "/api/v1/services/audio/tts/customization"
SPEECH = "/api/v1/services/aigc/multimodal-generation/generation"
MODEL = "qwen3-tts-vd-2026-01-26"


@dataclass
class FakeClock:
    """A time of day and a stopwatch that stand still until moved."""

    now_s: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Desk:
    """A caller of the service; every method answers the raw response."""

    client: httpx.AsyncClient
    key: str = KEY
    clock: FakeClock = field(default_factory=FakeClock)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        given = {"authorization": f"Bearer {self.key}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        return await self.client.post(path, json=body, headers=given)

    async def design(self, action: str, parameters: object = None, **fields: object) -> httpx.Response:
        body: dict[str, Any] = {"model": "qwen-voice-design", "input": {"action": action, **fields}}
        if parameters is not None:
            body["parameters"] = parameters
        return await self.post(DESIGN, body)

    async def create(self, parameters: object = None, **changes: object) -> httpx.Response:
        fields = {
            "target_model": MODEL,
            "voice_prompt": "Elderly woman, low and slightly hoarse voice, slow pace, warm.",
            "preview_text": "The lamp was out, but nobody in the house had slept.",
            "preferred_name": "granny_01",
            "language": "en",
            **changes,
        }
        return await self.design("create", parameters, **{k: v for k, v in fields.items() if v is not None})

    async def voice(self, **changes: object) -> str:
        name = (await self.create(**changes)).json()["output"]["voice"]
        assert isinstance(name, str)
        return name

    async def speak(self, voice: str, text: str = "Nobody spoke.", **fields: object) -> httpx.Response:
        return await self.post(SPEECH, {"model": MODEL, "input": {"text": text, "voice": voice, **fields}})

    async def audio(self, voice: str, text: str = "Nobody spoke.", **fields: object) -> bytes:
        answer = await self.speak(voice, text, **fields)
        found = await self.client.get(answer.json()["output"]["audio"]["url"])
        assert found.status_code == 200, found.text
        return found.content

    async def switch(self, **changes: object) -> None:
        answer = await self.client.patch("/sandbox/faults", json=changes)
        assert answer.status_code == 200, answer.text

    async def bill(self) -> dict[str, Any]:
        found = (await self.client.get("/sandbox/bill")).json()
        assert isinstance(found, dict)
        return found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(tmp_path: Path, clock: FakeClock) -> Iterator[Service]:
    """The service with tones, without limits, on a clock that stands still."""
    service = Service(
        tmp_path / "state",
        ToneEngine(),
        read_switches(NO_LIMITS),
        rng=Random(1),  # noqa: S311
        clock=clock,
        monotonic=clock,
    )
    yield service
    service.close()


@pytest.fixture
async def desk(service: Service, clock: FakeClock) -> AsyncIterator[Desk]:
    transport = httpx.ASGITransport(create_app(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
        yield Desk(client, clock=clock)


@dataclass
class Running:
    """A sandbox that answers at a port, and a blocking caller of it."""

    ready: dict[str, Any]
    client: httpx.Client

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.ready['port']}"

    def post(self, path: str, body: object) -> httpx.Response:
        return self.client.post(f"{self.root}{path}", json=body, headers={"authorization": f"Bearer {KEY}"})

    def create(self, **changes: object) -> httpx.Response:
        fields = {
            "action": "create",
            "target_model": MODEL,
            "voice_prompt": "A calm middle-aged woman.",
            "preview_text": "Good evening.",
            "preferred_name": "calm",
            "language": "en",
            **changes,
        }
        return self.post(DESIGN, {"model": "qwen-voice-design", "input": fields})

    def speak(self, voice: str, text: str = "Nobody spoke.", **fields: object) -> httpx.Response:
        return self.post(SPEECH, {"model": MODEL, "input": {"text": text, "voice": voice, **fields}})

    def bill(self) -> dict[str, Any]:
        found = self.client.get(f"{self.root}/sandbox/bill").json()
        assert isinstance(found, dict)
        return found

    def switch(self, **changes: object) -> None:
        self.client.patch(f"{self.root}/sandbox/faults", json=changes).raise_for_status()


@dataclass
class Process(Running):
    """The same as a process of its own."""

    popen: subprocess.Popen[str]


class _Thread(uvicorn.Server):
    """The web server in a thread, where it starts in no time."""

    def __init__(self, service: Service) -> None:
        super().__init__(configured(service))
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def stop(self) -> None:
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._service.house.closing.set)


@contextlib.contextmanager
def near(folder: Path, *, limits: bool = False, switches: Mapping[str, Switch] | None = None) -> Iterator[Running]:
    """A sandbox with tones on a port of its own, in this process: for tests of what it says, not of how it starts.

    The stopwatch of its limits stands still, so that every request falls into one second, however slow the machine is.
    """
    chosen = read_switches({**({} if limits else NO_LIMITS), **(switches or {})})
    service = Service(folder, ToneEngine(), chosen, rng=Random(1), monotonic=FakeClock())  # noqa: S311
    listener = listen("127.0.0.1", 0, folder)
    server = _Thread(service)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the sandbox did not start"
            time.sleep(0.002)
        with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client:
            yield Running({"port": listener.getsockname()[1]}, client)
    finally:
        server.stop()
        thread.join(PATIENCE_S)
        service.close()
        listener.close()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes by the arguments of `launch.command`; all are stopped at the end."""
    started: list[Process] = []

    def go(**options: Any) -> Process:  # noqa: ANN401 - the arguments of `command`
        argv = command(**{"engine": "tone", "limits": False, "exit_with_stdin": True, **options})
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        popen = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert popen.stdout is not None
        line = popen.stdout.readline()
        if not line:
            _, complaint = popen.communicate()
            pytest.fail(f"the sandbox did not start: {complaint}")
        process = Process(json.loads(line), httpx.Client(timeout=PATIENCE_S), popen)
        started.append(process)
        return process

    yield go
    for process in started:
        process.client.close()
        process.popen.terminate()
        process.popen.wait(timeout=PATIENCE_S)
        for pipe in (process.popen.stdin, process.popen.stdout, process.popen.stderr):
            assert pipe is not None
            pipe.close()
