"""A book whose speech comes as streams of events: the same takes, the same bill, whatever shape the streams have."""

from __future__ import annotations

import dataclasses

import pytest

from narration.errors import ServiceRefused
from narration.keep import recover
from narration.memory.journal import Journal
from narration.memory.usage import totals
from narration.settings.settings import Settings
from tests.stages.conftest import World, speak_all
from tests.stages.test_kills import Killed, MortalStore, process

TEXT = "# One\n\nThe door was shut.\n\n“I have the key,” said Mara.\n"


class Streaming(World):
    """The same world, asked for streams."""

    @property
    def settings(self) -> Settings:
        found = super().settings
        return dataclasses.replace(found, service=dataclasses.replace(found.service, streaming=True))


@pytest.fixture
def streamed(world: World) -> Streaming:
    found = Streaming(folder=world.folder, service=world.service, wire=world.wire, dead_pid=world.dead_pid)
    found.write(TEXT)
    return found


def downloads(world: World) -> int:
    return sum(1 for request in world.wire.requests if request.url.path.startswith("/oss/"))


@pytest.mark.parametrize("style", ["events", "bare", "riff", "nolink", "json"])
async def test_a_book_is_bought_through_every_shape_of_stream(streamed: Streaming, style: str) -> None:
    streamed.switch(sse_style=style)
    plan = await streamed.plan()
    async with streamed.desk() as desk:
        spoken = await speak_all(desk, plan)
        sums = totals(await desk.ledger.table())
    assert [chapter.error for chapter in spoken] == [None]
    assert sums.characters_billed == streamed.bill()["characters"] == plan.characters_billed
    assert sums.characters_in_doubt == 0
    takes = [piece.take for chapter in spoken for piece in chapter.pieces]
    assert all(take is not None and take.measures.rate_hz == 24_000 for take in takes)
    assert downloads(streamed) == (plan.chunks_to_speak if style == "json" else 0)
    assert not await streamed.store.keys("open/")


async def test_a_streamed_take_is_the_file_that_its_link_leads_to(streamed: Streaming) -> None:
    async with streamed.desk() as desk:
        spoken = await speak_all(desk, await streamed.plan())
    first = {piece.take.take_id: piece.take.sha256 for chapter in spoken for piece in chapter.pieces if piece.take}
    plain = World(
        folder=streamed.folder / "plain", service=streamed.service, wire=streamed.wire, dead_pid=streamed.dead_pid
    )
    plain.folder.mkdir()
    plain.write(TEXT)
    for key in await streamed.store.keys("voices/"):
        await plain.store.put(key, await streamed.store.get(key) or b"")
    async with plain.desk() as desk:
        spoken = await speak_all(desk, await plain.plan())
    second = {piece.take.take_id: piece.take.sha256 for chapter in spoken for piece in chapter.pieces if piece.take}
    assert second == first


async def test_the_sound_of_a_stream_is_in_the_journal_before_anything_else_happens(streamed: Streaming) -> None:
    streamed.switch(sse_style="nolink")
    async with streamed.desk() as desk:
        for planned in (await streamed.plan()).voices:
            from narration.design import voice_for

            await voice_for(desk, planned)
    counting = MortalStore(streamed.store, 10**6, after=False)
    billed = 0
    for last in range(1, 60):
        store = MortalStore(streamed.store, last, after=False)
        with pytest.raises(Killed):
            async with process(), streamed.desk(store) as desk:
                await speak_all(desk, await streamed.plan())
        if [key for key in await streamed.store.keys("open/") if "/answer-" in key]:
            billed = len(streamed.spoken())
            break
    assert counting.left
    assert billed, "a run died with an answer in its journal"
    subjects = {key.split("/")[1] for key in await streamed.store.keys("open/") if "/answer-" in key}
    for subject in subjects:
        (answer,) = (await Journal(streamed.store).history(subject)).answers
        assert answer.receipt.url == ""
        assert answer.audio_sha256
    streamed.switch(rate_500=1.0)  # nothing can be asked for again
    async with streamed.desk() as desk:
        there = await desk.takes.find(subjects)  # of two at once, one may have come further
        assert (await recover(desk)).kept == len(subjects - there.keys())
        assert len(await desk.takes.find(subjects)) == len(subjects)
    assert len(streamed.spoken()) == billed


async def test_a_model_that_does_not_stream_stops_the_run_with_the_settings_name(streamed: Streaming) -> None:
    streamed.switch(sse=False)
    async with streamed.desk() as desk:
        with pytest.raises(ServiceRefused, match="streaming = false"):
            await speak_all(desk, await streamed.plan())
    assert streamed.bill()["characters"] == 0
