"""What is bought, by whom, and what becomes of what is refused."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import pytest

from narration.booth import Booth
from narration.design import check_quota, give_up_missing, voice_for
from narration.desk import Desk
from narration.errors import (
    AnswerUnclear,
    BudgetReached,
    CallFacts,
    NarrationError,
    ServiceUnavailable,
    StoreError,
    TextLost,
    VoiceMissing,
    VoiceQuotaFull,
)
from narration.keep import recover
from narration.memory.usage import totals
from narration.purchase import Bought, Elsewhere, Order, buy
from narration.row import Row
from narration.services.protocol import Gate
from narration.speak import SpokenChapter, speak_chapter, verify_spoken
from narration.take import Receipt, SpeechAsk
from tests.stages.conftest import World, quiet, speak_all

ASK = SpeechAsk(service="qwen", region="sandbox", model="m", voice="v", text="Nobody spoke.", language="en")


async def test_everything_is_bought_once_and_then_never_again(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        spoken = await speak_all(desk, plan)
    assert [chapter.error for chapter in spoken] == [None, None]
    assert len(world.spoken()) == plan.chunks_to_speak
    again = await world.plan()
    assert (again.chunks_to_speak, again.cost_usd, again.voices_to_create()) == (0, 0.0, ())
    asked = world.asked()
    async with world.desk() as desk:
        await speak_all(desk, again)
    assert world.asked() == asked


async def test_a_plan_predicts_the_bill_to_the_character(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        await speak_all(desk, plan)
        sums = totals(await desk.ledger.table())
    assert world.bill()["characters"] == plan.characters_billed == sums.characters_billed
    assert sums.cost_usd == pytest.approx(plan.cost_usd, abs=1e-12)
    assert sums.voices_created == len(plan.voices_to_create()) == 2


async def test_the_same_words_by_the_same_voice_are_bought_once(world: World) -> None:
    world.write("# One\n\n“No,” said Mara.\n\n“No,” said Mara.\n\nNobody.\n")
    plan = await world.plan()
    assert plan.chunks_total == 6
    assert plan.chunks_to_speak == 4
    async with world.desk() as desk:
        await speak_all(desk, plan)
    assert len(world.spoken()) == len(set(world.spoken())) == 4


async def test_two_runs_at_once_buy_every_take_and_every_voice_once(world: World) -> None:
    plan = await world.plan()
    async with world.desk(alive=True) as one, world.desk(alive=True) as other:
        await asyncio.gather(speak_all(one, plan), speak_all(other, plan))
    assert len(world.spoken()) == len(set(world.spoken())) == plan.chunks_to_speak
    assert world.bill()["voices_created"] == 2


async def test_editing_one_line_speaks_one_line_with_yesterdays_voice(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    voices = {voice for voice, _ in world.spoken()}
    world.write(open_text().replace("I have the wrong key", "I have no key"))
    plan = await world.plan()
    assert [planned.chunk.text for planned in plan.missing()] == ["I have no key,"]
    before = len(world.spoken())
    async with world.desk() as desk:
        await speak_all(desk, plan)
    added = world.spoken()[before:]
    assert [text for _, text in added] == [hashlib.sha256(b"I have no key,").hexdigest()]
    assert added[0][0] in voices


def open_text() -> str:
    from tests.stages.conftest import TEXT

    return TEXT


async def test_reordered_chapters_speak_nothing(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    first, _, second = open_text().partition("# Two")
    world.write(f"# Two{second}\n{first}")
    assert (await world.plan()).chunks_to_speak == 0


async def test_another_description_speaks_that_character_again_and_nobody_else(world: World) -> None:
    from tests.stages.conftest import CAST

    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    world.write(cast=CAST.replace("high pitch, lively", "low pitch, tired"))
    plan = await world.plan()
    assert [voice.character.name for voice in plan.voices_to_create()] == ["Mara"]
    assert {planned.chunk.character for planned in plan.missing()} == {"Mara"}


async def test_a_poison_word_is_isolated_to_its_sentence_and_the_rest_is_spoken(world: World) -> None:
    world.write("# One\n\nThe first is fine. The second has poison in it. The third is fine. The fourth too.\n")
    world.switch(poison_words=("poison",))
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, await world.plan())
    assert [finding.text for finding in chapter.findings] == ["The second has poison in it."]
    assert chapter.findings[0].code == "speak-001"
    heard = " ".join(piece.chunk.text for piece in chapter.pieces if piece.take)
    assert heard == "One The first is fine. The third is fine. The fourth too."
    plan = await world.plan()
    verify_spoken(plan.chapters[0].cut, chapter)
    assert plan.chunks_to_speak == 0, "what was refused is not asked again"
    asked = world.asked()
    async with world.desk() as desk:
        (again,) = await speak_all(desk, plan)
    assert again.findings == chapter.findings
    assert world.asked() == asked


async def test_no_words_are_ever_spoken_by_another_voice(world: World) -> None:
    world.write("# One\n\n“This is poison,” said Mara.\n")
    world.switch(poison_words=("poison",))
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, await world.plan())
        mara = (await voice_for(desk, next(v for v in (await world.plan()).voices if v.character.name == "Mara")))[0]
    assert [piece.chunk.text for piece in chapter.pieces if piece.finding] == ["This is poison,"]
    assert mara.voice not in {voice for voice, _ in world.spoken()}


async def test_a_text_over_the_services_limit_is_cut_and_the_limit_is_learnt(world: World) -> None:
    sentence = "The old man went down to the sea, and he counted the stones there, and he came home at last. "
    world.write(f"# One\n\n{sentence * 3}\n")
    world.switch(length_limit=150)
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, await world.plan())
    assert chapter.findings == ()
    assert chapter.error is None
    assert len([piece for piece in chapter.pieces if piece.take]) > 3
    refused = world.bill()["refused_by_code"]
    world.write(f"# One\n\n{sentence.replace('old', 'young') * 3}\n")
    async with world.desk() as desk:
        (other,) = await speak_all(desk, await world.plan())
    assert other.error is None
    assert world.bill()["refused_by_code"] == refused, "the limit was known, nothing was asked in vain"


async def test_a_missing_voice_stops_its_character_only(world: World) -> None:
    async with world.desk() as desk:
        plan = await world.plan()
        for planned in plan.voices:
            await voice_for(desk, planned)
        mara = await desk.voices.get(plan.voices[1].design.design_id)
        assert mara is not None
        await desk.main.service.delete(mara.voice)
        spoken = await speak_all(desk, await world.plan())
    assert all(isinstance(chapter.error, VoiceMissing) for chapter in spoken)
    assert "--redesign-missing" in str(spoken[0].error)
    narrated = [piece for chapter in spoken for piece in chapter.pieces if piece.chunk.character == "Narrator"]
    assert narrated
    assert all(piece.take for piece in narrated)
    assert world.bill()["refused_by_code"] != {}
    assert sum(world.bill()["refused_by_code"].values()) == 1, "after the first refusal the character is left alone"


async def test_a_missing_voice_is_made_anew_only_when_told(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
        plan = await world.plan()
        voice = plan.voices[1].voice
        assert voice is not None
        await desk.main.service.delete(voice.voice)
        gone = await give_up_missing(desk, plan.voices)
    assert [planned.character.name for planned in gone] == ["Mara"]
    plan = await world.plan()
    assert [planned.character.name for planned in plan.voices_to_create()] == ["Mara"]
    assert plan.voices_to_create()[0].design.version == 2
    async with world.desk() as desk:
        assert [chapter.error for chapter in await speak_all(desk, plan)] == [None, None]
    kept = {found.voice for found in await desk.voices.all()}
    assert voice.voice in kept, "the old voice's record is kept"
    assert len(kept) == 3


async def test_a_full_quota_is_told_before_a_voice_is_paid_for(world: World) -> None:
    world.switch(voice_quota=1000)
    planned = (await world.plan()).voices[0]
    async with world.desk() as desk:
        await check_quota(desk, [planned] * 1000)
        with pytest.raises(VoiceQuotaFull, match="holds 0 of 1000"):
            await check_quota(desk, [planned] * 1001)


async def test_a_creation_without_an_answer_is_found_in_the_account_and_not_repeated(world: World) -> None:
    world.switch(drop_after=1.0, fault_actions=("create",))
    async with world.desk() as desk:
        voice, _created = await voice_for(desk, (await world.plan()).voices[0])
        sums = totals(await desk.ledger.table())
    assert world.bill()["voices_created"] == 1
    assert voice.voice.startswith("qwen-tts-vd-")
    assert sums.voices_created <= 1 <= sums.voices_created + 1
    assert sums.cost_usd <= 0.2 <= sums.cost_usd + sums.cost_in_doubt_usd


async def test_a_budget_stops_before_the_request_and_more_money_goes_on_from_there(world: World) -> None:
    plan = await world.plan()
    async with world.desk(run_cap_usd=plan.cost_usd - 0.0001) as desk:
        with pytest.raises(BudgetReached):
            await speak_all(desk, plan)
    bought = len(world.spoken())
    assert 0 < bought < plan.chunks_to_speak
    async with world.desk(run_cap_usd=0.001) as desk:
        await speak_all(desk, await world.plan())
    assert len(world.spoken()) == len(set(world.spoken())) == plan.chunks_to_speak


async def test_what_is_paid_for_and_cannot_be_fetched_now_is_fetched_later_and_not_paid_again(world: World) -> None:
    world.switch(download_500=1.0)
    plan = await world.plan()
    async with world.desk() as desk:
        with pytest.raises(ServiceUnavailable):
            await speak_all(desk, plan)
    paid = len(world.spoken())
    assert paid > 0
    world.switch(download_500=0.0)
    async with world.desk() as desk:
        recovered = await recover(desk)
        await speak_all(desk, await world.plan())
    assert recovered.kept == paid
    assert len(world.spoken()) == len(set(world.spoken())) == plan.chunks_to_speak


async def test_an_expired_link_is_told_as_money_lost_and_bought_again(world: World) -> None:
    world.switch(download_500=1.0, url_life_s=0.0)
    async with world.desk() as desk:
        with pytest.raises(NarrationError):
            await speak_all(desk, await world.plan())
    paid = len(world.spoken())
    world.switch(download_500=0.0, url_life_s=86_400.0)
    async with world.desk() as desk:
        recovered = await recover(desk)
        assert (await world.plan()).chunks_to_speak > 0
        await speak_all(desk, await world.plan())
        sums = totals(await desk.ledger.table())
    assert (await world.plan()).chunks_to_speak == 0
    assert world.bill()["characters"] == sums.characters_billed
    assert recovered.lost + recovered.kept <= paid


GARBAGE = [
    httpx.Response(200, text="<html>Hello</html>", headers={"content-type": "text/html"}),
    httpx.Response(200, json={"output": {"audio": {"url": 7}}, "request_id": "x"}),
    httpx.Response(200, json={"code": "InternalError", "message": "no", "request_id": "x"}),
    httpx.Response(200, json=[]),
    httpx.Response(302, headers={"location": "http://elsewhere.example/"}),
    httpx.Response(
        200,
        json={
            "request_id": "x",
            "output": {"audio": {"url": "http://169.254.169.254/latest.wav", "expires_at": 4_000_000_000}},
            "usage": {"characters": 3},
        },
    ),
]


@pytest.mark.parametrize("answer", GARBAGE, ids=["html", "types", "code in 200", "list", "redirect", "private link"])
async def test_a_garbled_answer_is_a_typed_error_and_nothing_is_stored(world: World, answer: httpx.Response) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = {planned.character.name: (await voice_for(desk, planned))[0] for planned in plan.voices}
        world.wire.answer = answer
        error: NarrationError | None
        try:
            error = (await speak_chapter(desk, plan.chapters[0], voices, quiet)).error
        except NarrationError as raised:
            error = raised
        assert error is not None
        assert not [take async for take in desk.takes.all()]
    hosts = {request.url.host for request in world.wire.requests}
    assert hosts == {"127.0.0.1"}


async def test_words_that_nobody_speaks_are_never_passed_over(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        first, _second = await speak_all(desk, plan)
    cut = plan.chapters[0].cut
    verify_spoken(cut, first)
    with pytest.raises(TextLost, match="The door was shut"):
        verify_spoken(cut, SpokenChapter(pieces=tuple(p for p in first.pieces if "door" not in p.chunk.text)))


async def test_an_unclear_answer_to_a_paid_call_is_a_row_in_doubt(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = {planned.character.name: (await voice_for(desk, planned))[0] for planned in plan.voices}
        world.wire.answer = httpx.Response(200, text="<html>Hello</html>")
        with pytest.raises(AnswerUnclear):
            await speak_chapter(desk, plan.chapters[0], voices, quiet)
        sums = totals(await desk.ledger.table())
    assert sums.characters_in_doubt > 0


async def test_an_edit_of_the_lexicon_makes_stale_the_lines_that_hold_the_word(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    (world.folder / "book" / "lexicon.yaml").write_text("- {word: key, say: kee, who: [Mara]}\n")
    plan = await world.plan()
    assert [planned.ask.text for planned in plan.missing()] == ["I have the kee,", "I have the wrong kee,"]
    assert [planned.chunk.text for planned in plan.missing()] == ["I have the key,", "I have the wrong key,"]


async def test_a_text_rule_is_off_unless_it_is_chosen(world: World) -> None:
    world.write("# Chapter IV\n\nThe door was shut.\n")
    assert "Chapter IV" in {planned.ask.text for planned in (await world.plan()).missing()}
    path = world.folder / "book" / "book.yaml"
    path.write_text(path.read_text() + "text_rules: [roman]\n")
    said = {planned.ask.text for planned in (await world.plan()).missing()}
    assert said.isdisjoint({"Chapter IV"})
    assert "The door was shut." in said


async def test_a_creation_that_never_arrived_is_not_found_in_the_account_and_its_error_is_told(world: World) -> None:
    planned = (await world.plan()).voices[0]
    world.switch(drop_before=1.0, fault_actions=("create",))
    async with world.desk() as desk:
        with pytest.raises(NarrationError):
            await voice_for(desk, planned)
    assert world.bill()["voices_created"] == 0
    world.switch(drop_before=0.0)
    async with world.desk() as desk:
        await recover(desk)
        _, created = await voice_for(desk, planned)
    assert (world.bill()["voices_created"], created) == (1, True)


async def test_a_run_that_is_stopped_at_once_notes_what_is_on_the_way_as_in_doubt(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = {planned.character.name: (await voice_for(desk, planned))[0] for planned in plan.voices}
        asked = world.asked()
        world.switch(hang_after=1.0)
        task = asyncio.create_task(speak_chapter(desk, plan.chapters[0], voices, quiet))
        async with asyncio.timeout(30):
            while not world.spoken():  # noqa: ASYNC110 — another thread of thought, which tells nobody
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(30):  # the first chunk that stops ends the task, and the others still write down
            while await world.store.keys("open/"):  # noqa: ASYNC110 — likewise
                await asyncio.sleep(0.01)
        sums = totals(await desk.ledger.table())
    assert world.asked() > asked
    assert sums.characters_in_doubt >= world.bill()["characters"] > 0
    assert sums.cost_in_doubt_usd > 0


def order_of(desk: Desk, *, is_there: bool = False) -> Order:
    async def there() -> bool:
        return is_there

    row = Row(
        call_id="c",
        at=desk.now(),
        run_id=desk.run.run_id,
        production="book",
        action="synthesize",
        price_usd=0.5,
    )
    return Order(booth=desk.main, subject=ASK.take_id, row=row, there=there)


async def test_what_was_finished_between_the_look_and_the_claim_is_not_bought_again(world: World) -> None:
    async def send(booth: Booth, gate: Gate) -> Bought:
        raise AssertionError(await booth.service.speak(ASK, gate))

    async with world.desk(run_cap_usd=1.0) as desk:
        with pytest.raises(Elsewhere):
            await buy(desk, order_of(desk, is_there=True), send)
        assert desk.budget.committed_usd == 0.0
        assert await desk.claims.newest(ASK.take_id) is None
    assert world.asked() == 0


async def test_an_answer_that_went_by_its_gate_is_refused_and_not_in_the_journal(world: World) -> None:
    async def send(booth: Booth, gate: Gate) -> Bought:  # noqa: ARG001
        call = CallFacts(action="synthesize", model="m", status=200)
        return Bought(call=call, receipt=Receipt(request_id="r"), characters=1, price_usd=0.5, ask=ASK)

    async with world.desk() as desk:
        with pytest.raises(StoreError, match="without its claim"):
            await buy(desk, order_of(desk), send)
        assert await desk.journal.subjects() == ()
