"""Booths of one run: what was paid for in one account is brought home there, and what needs no account anywhere."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from narration.booth import Seating, booth_settings
from narration.design import check_quota, voice_for
from narration.desk import Desk, open_desk
from narration.errors import ServiceUnavailable, StoreError, VoiceMissing, VoiceQuotaFull
from narration.keep import (
    Recovered,
    keep_answer,
    keep_hearing,
    keep_take,
    keep_voice,
    recover,
    recover_subject,
)
from narration.memory.choices import Choices
from narration.memory.claims import Claim
from narration.memory.journal import Answer
from narration.memory.refusals import Refusals
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import make_plan
from narration.row import Row
from narration.services import key_fingerprint, open_service
from narration.services.http import Timing
from narration.services.pcm import wav_file
from narration.services.protocol import SpeechService, TaskFailed
from narration.settings.settings import LengthUnit, Settings
from narration.speak import speak_chapter
from narration.take import Receipt, SpeechAsk
from tests.stages.conftest import KEY, World, quiet


def wav() -> bytes:
    """A fifth of a second of a tone."""
    frames = b"".join(round(9000 * math.sin(n / 8)).to_bytes(2, "little", signed=True) for n in range(4800))
    return wav_file(frames, 24_000)


OTHER = "sk-another-account"
KEYS = {"mine": KEY, "theirs": OTHER}
ASK = SpeechAsk(service="qwen", region="sandbox", model="m", voice="v", text="Nobody spoke.", language="en")


def settings_of(world: World, profile: str) -> Settings:
    found = world.settings
    return dataclasses.replace(found, service=dataclasses.replace(found.service, profile=profile))


@asynccontextmanager
async def desk_of(world: World, *profiles: str) -> AsyncIterator[Desk]:
    """A desk with a booth for each profile, every one of an account of its own."""

    async def no_sleep(_seconds: float) -> None:
        return None

    timing = Timing(sleep=no_sleep)
    services = {
        name: (open_service(settings, KEYS[name], timing=timing, transport=world.wire), settings)
        for name in profiles
        for settings in [settings_of(world, name)]
    }
    try:
        async with open_desk(
            store=world.store, services=services, main=profiles[0], run=world.new_run(), production="book"
        ) as desk:
            yield desk
    finally:
        for service, _ in services.values():
            await service.aclose()


async def paid_and_killed(world: World, profile: str, receipt: Receipt) -> None:
    """A run that paid for a take and died when the answer was in the journal."""
    async with desk_of(world, profile) as desk:
        row = Row(
            call_id="paid",
            at=desk.now(),
            run_id=desk.run.run_id,
            production="book",
            service="qwen",
            region="sandbox",
            take_id=ASK.take_id,
            action="synthesize",
            characters=13,
            price_usd=0.5,
            status=200,
        )
        claim = await desk.claims.acquire(ASK.take_id, row)
        assert isinstance(claim, Claim)
        account = desk.main.service.account
        answer = Answer(generation=1, row=row, receipt=receipt, account=account, profile=profile, ask=ASK)
        await desk.journal.answered(ASK.take_id, answer)


async def test_an_answer_of_another_account_waits_and_names_the_profile_that_brings_it_home(world: World) -> None:
    await paid_and_killed(world, "theirs", Receipt(request_id="r", url="http://127.0.0.1:9/oss/x.wav?Expires=9"))
    async with desk_of(world, "mine") as desk:
        found = await recover(desk)
        assert (found.waiting, found.kept, found.lost) == (1, 0, 0)
        (sentence,) = found.away
        assert "`narrate recover --profile theirs`" in sentence
        assert key_fingerprint(OTHER) in sentence
        assert await desk.journal.subjects() == (ASK.take_id,)


async def test_a_booth_beside_the_productions_own_brings_home_what_is_its(world: World) -> None:
    await paid_and_killed(world, "theirs", Receipt(request_id="r", url="http://127.0.0.1:9/oss/x.wav?Expires=9"))
    async with desk_of(world, "mine", "theirs") as desk:
        found = await recover(desk)
    assert (found.waiting, found.away) == (1, ()), "it was asked for, and the vendor has no such file"
    assert any("/oss/x.wav" in str(request.url) for request in world.wire.requests)


async def test_a_sound_that_came_with_its_answer_is_kept_whatever_profile_is_open(world: World) -> None:
    await paid_and_killed(world, "theirs", Receipt(request_id="r", billed_characters=13, audio=wav()))
    async with desk_of(world, "mine") as desk:
        assert await recover(desk) == Recovered(kept=1)
        take = await desk.takes.get(ASK.take_id)
        assert take is not None
        assert await desk.takes.audio(take) == wav()
        assert await desk.journal.subjects() == ()
        assert [(row["take_id"], row["price_usd"]) for row in (await desk.ledger.table()).to_pylist()] == [
            (ASK.take_id, 0.5)
        ]


async def test_a_sound_that_came_with_its_answer_and_is_gone_is_money_lost(world: World) -> None:
    await paid_and_killed(world, "mine", Receipt(request_id="r", audio=wav()))
    await world.store.delete(f"open/{ASK.take_id}/audio-000001.bin")
    async with desk_of(world, "mine") as desk:
        assert await recover(desk) == Recovered(lost=1, lost_usd=0.5)
        assert await desk.journal.subjects() == ()


async def test_a_link_that_is_dead_is_lost_whatever_profile_is_open(world: World) -> None:
    receipt = Receipt(request_id="r", url="http://127.0.0.1:9/oss/x.wav?Expires=9", expires_at=1_700_000_000)
    await paid_and_killed(world, "theirs", receipt)
    async with desk_of(world, "mine") as desk:
        assert await recover(desk) == Recovered(lost=1, lost_usd=0.5)


async def test_each_account_has_a_quota_of_its_own(world: World) -> None:
    world.switch(voice_quota=1000)
    planned = (await world.plan()).voices[0]
    mine, theirs = (dataclasses.replace(planned, booth=name) for name in ("mine", "theirs"))
    async with desk_of(world, "mine", "theirs") as desk:
        await check_quota(desk, [mine] * 600 + [theirs] * 600)
        with pytest.raises(VoiceQuotaFull, match="profile theirs holds 0 of 1000 voices, and this book needs 1001"):
            await check_quota(desk, [mine] * 600 + [theirs] * 1001)


async def test_booths_of_one_account_and_model_share_one_rate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEYS, "again", KEY)
    async with desk_of(world, "mine", "again", "theirs") as desk:
        booths = desk.booths
        assert booths["mine"].speech is booths["again"].speech
        assert booths["mine"].speech is not booths["theirs"].speech
        assert booths["mine"].speech is not booths["mine"].design
        assert len(desk.paces) == 4


async def test_each_characters_lines_are_cut_for_its_own_service(world: World) -> None:
    long = " ".join(["The door was shut and nobody came."] * 20)
    world.write(f"# One\n\n{long}\n\n“{long}” said Mara.\n")
    short = settings_of(world, "theirs")
    short = dataclasses.replace(
        short, chunks=dataclasses.replace(short.chunks, max_length=100, unit=LengthUnit.CODEPOINTS)
    )
    job_plan = await world.plan()
    seating = Seating(
        main="mine",
        booths={
            "mine": booth_settings(settings_of(world, "mine"), "a"),
            "theirs": booth_settings(short, "b"),
        },
        elsewhere={"Mara": "theirs"},
    )
    store = world.store
    plan = await make_plan(
        job_plan.production,
        job_plan.cast,
        job_plan.book,
        seating,
        takes=Takes(store),
        voices=Voices(store),
        refusals=Refusals(store),
        choices=Choices(store),
    )
    lengths = {"Narrator": 0, "Mara": 0}
    for planned in plan.chapters[0].chunks:
        lengths[planned.chunk.character] = max(lengths[planned.chunk.character], len(planned.ask.text))
        assert planned.booth == ("theirs" if planned.chunk.character == "Mara" else "mine")
    assert lengths["Mara"] <= 100 < lengths["Narrator"]


@pytest.mark.parametrize("change", [{"account": "another"}, {"target_model": "another"}, {"service": "another"}])
async def test_a_voice_of_another_account_model_or_service_is_refused_before_a_request(
    world: World, change: dict[str, Any]
) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = {one.character.name: (await voice_for(desk, one))[0] for one in plan.voices}
        mara = voices["Mara"]
        voices["Mara"] = dataclasses.replace(mara, design=dataclasses.replace(mara.design, **change))
        asked = world.asked()
        spoken = await speak_chapter(desk, plan.chapters[0], voices, quiet)
        assert isinstance(spoken.error, VoiceMissing)
        assert "nothing was sent" in spoken.error.what
        assert "another" in spoken.error.what
        narrated = sum(1 for chunk in plan.chapters[0].chunks if chunk.chunk.character == "Narrator")
        assert world.asked() - asked == narrated, "the narrator's lines, and none of hers"


async def held(desk: Desk, **facts: Any) -> tuple[Claim, Answer]:  # noqa: ANN401 — of an answer
    """A claim on a subject, and an answer that was paid for under it."""
    row = Row(call_id="paid", at=desk.now(), run_id=desk.run.run_id, production="book", price_usd=0.5, action="design")
    claim = await desk.claims.acquire("a-subject", row)
    assert isinstance(claim, Claim)
    answer = Answer(generation=1, row=row, **{"receipt": Receipt(request_id="r"), **facts})
    await desk.journal.answered("a-subject", answer)
    return claim, answer


@pytest.mark.parametrize("kind", ["take", "voice", "answer", "hearing"])
async def test_an_entry_that_does_not_say_what_was_asked_is_told_and_stays_in_the_journal(
    world: World, kind: str
) -> None:
    async with desk_of(world, "mine") as desk:
        claim, answer = await held(desk)
        keeping: dict[str, Callable[[], Awaitable[object]]] = {
            "take": lambda: keep_take(desk, None, claim, answer),
            "voice": lambda: keep_voice(desk, desk.main, claim, answer),
            "answer": lambda: keep_answer(desk, claim, answer),
            "hearing": lambda: keep_hearing(desk, claim, answer),
        }
        with pytest.raises(StoreError, match="does not say what was asked"):
            await keeping[kind]()
        assert await desk.journal.subjects() == ("a-subject",)
        assert (await desk.ledger.table()).num_rows == 0


async def test_a_task_of_a_service_that_has_none_is_told_and_stays_in_the_journal(world: World) -> None:
    planned = (await world.plan()).voices[0]
    async with desk_of(world, "mine") as desk:
        receipt = Receipt(request_id="r", task_id="task-7")
        claim, answer = await held(desk, receipt=receipt, design=planned.design)
        with pytest.raises(StoreError, match="task-7, and mine has no tasks"):
            await keep_voice(desk, desk.main, claim, answer)
        assert await desk.journal.subjects() == ("a-subject",)


async def test_what_a_living_run_holds_and_what_nobody_claims_is_left_alone(world: World) -> None:
    async with world.desk(alive=True) as living, world.desk(alive=True) as other:
        await held(living)
        async with other.locks["a-subject"]:
            assert await recover_subject(other, "a-subject") == Recovered()
        async with other.locks["nobodys"]:
            assert await recover_subject(other, "nobodys") == Recovered()
        assert await living.journal.subjects() == ("a-subject",)


async def test_the_allowance_of_a_living_run_outlasts_the_recovery_of_another(world: World) -> None:
    async with world.desk(alive=True, book_cap_usd=1.0) as living:
        await living.budget.reserve(0.6)
        async with world.desk(alive=True, book_cap_usd=1.0) as other:
            left_usd = await other.budget.left_usd()
            await recover(other)
            assert await other.budget.left_usd() == left_usd
            assert left_usd is not None
            assert left_usd <= 0.4


async def test_a_voice_of_another_account_waits_and_is_not_designed_again(world: World) -> None:
    planned = (await world.plan()).voices[0]
    async with desk_of(world, "theirs") as desk:
        row = Row(
            call_id="paid",
            at=desk.now(),
            run_id=desk.run.run_id,
            production="book",
            service="qwen",
            region="sandbox",
            action="design",
            price_usd=0.2,
        )
        claim = await desk.claims.acquire(planned.design.design_id, row)
        assert isinstance(claim, Claim)
        answer = Answer(
            generation=1,
            row=row,
            receipt=Receipt(request_id="r"),
            account=desk.main.service.account,
            profile="theirs",
            design=planned.design,
            voice="qwen-tts-vd-x",
        )
        await desk.journal.answered(planned.design.design_id, answer)
    async with desk_of(world, "mine") as desk:
        mine = dataclasses.replace(planned, booth=next(iter(desk.booths)))
        with pytest.raises(ServiceUnavailable, match="is paid for") as told:
            await voice_for(desk, mine)
        assert "--profile theirs" in str(told.value)
    assert world.bill()["voices_created"] == 0


class Cancelling:
    """A service whose tasks are cancelled before they end; of those it is not documented that they cost nothing."""

    def __init__(self, inner: SpeechService) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def collect(self, receipt: Receipt) -> bytes:
        raise TaskFailed(ServiceUnavailable(f"The task {receipt.task_id} was cancelled."), again=False, billed=True)


async def test_a_cancelled_task_stays_on_the_ledger_at_its_price(world: World) -> None:
    async with desk_of(world, "mine") as desk:
        claim, answer = await held(desk, receipt=Receipt(request_id="r", task_id="task-7"), ask=ASK)
        booth = dataclasses.replace(desk.main, service=cast("SpeechService", Cancelling(desk.main.service)))
        with pytest.raises(TaskFailed):
            await keep_take(desk, booth, claim, answer)
        assert [(row["code"], row["price_usd"]) for row in (await desk.ledger.table()).to_pylist()] == [
            ("task_failed", 0.5)
        ]
        assert await desk.journal.subjects() == ()
