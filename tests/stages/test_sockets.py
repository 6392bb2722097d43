"""Takes over a socket: what the stages promise over HTTP holds there too, whatever moment a run or a socket dies at."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from narration.errors import ServiceError
from narration.keep import recover
from narration.memory.usage import totals
from narration.sandbox.server import configured
from narration.settings.settings import Settings
from narration.take import TAKE_ID_CHARS
from tests.stages.conftest import World, speak_all
from tests.stages.test_kills import TEXT, Killed, MortalStore, _buy_everything, process

MODEL = "qwen3-tts-vd-realtime-2026-01-15"


class _Server(uvicorn.Server):
    """A server that leaves the test's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class SocketWorld(World):
    """A world whose vendor is heard over a real socket; voices are still made over HTTP in this process."""

    socket_url: str = ""

    @property
    def settings(self) -> Settings:
        found = super().settings
        service = dataclasses.replace(
            found.service, kind="qwen-realtime", speech_model=MODEL, websocket_url=self.socket_url
        )
        return dataclasses.replace(found, service=service)

    def beside(self, name: str) -> SocketWorld:
        """Another production and an empty store with the same vendor."""
        folder = self.folder / name
        folder.mkdir()
        other = dataclasses.replace(self, folder=folder, runs=[])
        other.write(TEXT)
        return other


@pytest.fixture
async def at_socket(world: World) -> AsyncIterator[SocketWorld]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(configured(world.service))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    fields = {field.name: getattr(world, field.name) for field in dataclasses.fields(World)}
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/api-ws/v1"
    yield SocketWorld(**fields, socket_url=url)
    server.should_exit = True
    await serving


@asynccontextmanager
async def bought(world: SocketWorld) -> AsyncIterator[Any]:
    """A desk at which everything was bought."""
    async with world.desk() as desk:
        await _buy_everything(desk, world)
        yield desk


async def test_a_book_is_spoken_over_sockets_and_the_ledger_is_the_bill(at_socket: SocketWorld) -> None:
    async with bought(at_socket) as desk:
        rows = [row for row in (await desk.ledger.table()).to_pylist() if row["action"] == "synthesize"]
        sums = totals(await desk.ledger.table())
    bill = at_socket.bill()
    assert (sums.characters_billed, sums.characters_in_doubt) == (bill["characters"], 0)
    assert len(rows) == bill["synthesized"] == len({row["take_id"] for row in rows}) > 3
    assert all(len(row["take_id"]) == TAKE_ID_CHARS for row in rows)
    assert {row["request_id"] for row in rows} == {
        row["request_id"] for row in at_socket.service.house.state.rows("synthesize", 0)
    }
    assert all(row["session_id"].startswith("sess_") and row["first_audio_ms"] >= 1 for row in rows)
    assert all(row["service"] == "qwen-realtime" and row["audio_s"] > 0 for row in rows)
    assert len({row["session_id"] for row in rows}) < len(rows)  # sessions were used again
    assert bill["downloads"] == 0
    assert (await at_socket.plan()).chunks_to_speak == 0


@pytest.mark.parametrize(
    "fault", ["cut", "drop_before", "drop_after", "socket_early_close", "socket_no_finish", "rate_429", "rate_500"]
)
async def test_with_every_third_answer_spoilt_the_book_is_whole_and_the_bill_is_covered(
    at_socket: SocketWorld, fault: str
) -> None:
    at_socket.switch(**{fault: 0.34}, hang_s=0.01, fault_actions=("synthesize",))
    async with bought(at_socket) as desk:
        sums = totals(await desk.ledger.table())
    billed = at_socket.bill()["characters"]
    assert sums.characters_billed <= billed <= sums.characters_billed + sums.characters_in_doubt
    assert (await at_socket.plan()).chunks_to_speak == 0


@pytest.mark.parametrize("fault", ["cut", "socket_wrong_order", "socket_binary", "socket_early_close"])
async def test_where_every_answer_is_spoilt_nothing_is_stored(at_socket: SocketWorld, fault: str) -> None:
    at_socket.switch(**{fault: 1}, fault_actions=("synthesize",))
    async with at_socket.desk() as desk:
        await recover(desk)
        with pytest.raises(ServiceError):
            await speak_all(desk, await at_socket.plan())
    async with at_socket.desk() as desk:
        sums = totals(await desk.ledger.table())
    assert (sums.characters_billed, await at_socket.store.keys("takes/")) == (0, [])
    assert at_socket.bill()["characters"] <= sums.characters_in_doubt


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.parametrize(("after", "lost"), [(False, 0.0), (True, 0.3)], ids=["before, calm", "after, answers lost"])
async def test_a_run_killed_at_any_write_loses_no_sound_and_pays_nothing_twice(
    at_socket: SocketWorld, after: bool, lost: float
) -> None:
    at_socket.switch(cut=lost, fault_actions=("synthesize",))
    calm = at_socket.beside("calm")
    counting = MortalStore(calm.store, 10**6, after=False)
    async with calm.desk(counting) as desk:
        await _buy_everything(desk, calm)
    writes = 10**6 - counting.left
    for last in range(1, writes + 1, 3 if lost else 1):
        here = at_socket.beside(f"{last}-{after}")
        before, spoken_before = here.bill(), len(here.spoken())
        with contextlib.suppress(Killed):
            async with process(), here.desk(MortalStore(here.store, last, after=after)) as desk:
                await _buy_everything(desk, here)
        async with bought(here) as desk:
            pass
        async with here.desk() as desk:
            sums = totals(await desk.ledger.table())
            rows = (await desk.ledger.table()).to_pylist()
        where = f"killed {'after' if after else 'before'} write {last}"
        billed = here.bill()["characters"] - before["characters"]
        assert sums.characters_billed <= billed <= sums.characters_billed + sums.characters_in_doubt, where
        doubtful = sum(1 for row in rows if row["in_doubt"] and row["action"] == "synthesize")
        asked = here.spoken()[spoken_before:]
        assert len(asked) - len(set(asked)) <= doubtful, where
        assert len({row["call_id"] for row in rows}) == len(rows), where
        assert (await here.plan()).chunks_to_speak == 0, where
        for left in ("open/", "ledger/pending/", "runs/", "budget/"):
            assert not await here.store.keys(left), where
