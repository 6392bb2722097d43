"""The journal: what was answered is there before anything else, and tells what was asked whenever a run dies."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import StoreError
from narration.memory.claims import Claim, Claims
from narration.memory.journal import Answer, Journal
from narration.memory.store import Store
from narration.row import Row
from narration.take import Receipt, SpeechAsk
from narration.voice import VoiceDesign
from tests.memory.worlds import Cabinet, Killed, Machine, Mortal, ask, row

DESIGN = VoiceDesign(
    service="qwen",
    base_url="http://127.0.0.1/api/v1",
    account="a",
    design_model="d",
    target_model="t",
    language="en",
    voice_prompt="A calm woman.",
    preview_text="The lamp was out.",
)
PREVIEW = b"RIFF the preview"

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MONEY = st.floats(0, 100, allow_nan=False)
ASK = st.builds(
    SpeechAsk,
    service=TEXT,
    region=TEXT,
    model=TEXT,
    voice=TEXT,
    text=TEXT,
    language=TEXT,
    options=st.lists(st.tuples(TEXT, TEXT)).map(tuple),
    ordinal=st.integers(0, 9),
)
RECEIPT = st.builds(
    Receipt,
    request_id=TEXT,
    billed_characters=st.none() | st.integers(0, 10**7),  # more is no count, says the door
    url=TEXT,
    expires_at=st.integers(0, 10**12),
    task_id=TEXT,
    audio=st.none() | st.binary(),
)
ROW = st.builds(Row, call_id=TEXT, at=TEXT, run_id=TEXT, price_usd=MONEY, audio_s=MONEY, in_doubt=st.booleans())
TAKE_ANSWER = st.builds(Answer, generation=st.integers(1, 999_999), row=ROW, receipt=RECEIPT, ask=ASK)
VOICE_ANSWER = st.builds(
    Answer,
    generation=st.integers(1, 999_999),
    row=ROW,
    receipt=RECEIPT,
    design=st.just(DESIGN),
    voice=TEXT,
    preferred_name=TEXT,
    preview_b64=st.binary().map(lambda data: base64.b64encode(data).decode()),
    preview_format=TEXT,
)


@given(TAKE_ANSWER | VOICE_ANSWER)
def test_an_answer_reads_back_as_it_was_but_for_the_audio(answer: Answer) -> None:
    store = Cabinet()

    async def there_and_back() -> Answer:
        await Journal(store).answered("x", answer)
        return (await Journal(store).history("x")).answers[0]

    read = asyncio.run(there_and_back())
    assert read == replace(answer, receipt=replace(answer.receipt, audio=None), audio_sha256=read.audio_sha256)
    assert bool(read.audio_sha256) == (answer.receipt.audio is not None)


async def test_a_sound_that_came_with_its_answer_is_there_after_a_kill_and_goes_with_the_claim(
    store: Store, machine: Machine
) -> None:
    claims = Claims(store, machine.run("run-1"))
    claim = await claims.acquire("x", row(call_id="paid"))
    assert isinstance(claim, Claim)
    answer = take_answer(claim)
    await Journal(store).answered("x", replace(answer, receipt=replace(answer.receipt, audio=b"RIFF sound")))
    (read,) = (await Journal(store).history("x")).answers
    assert read.receipt.audio is None
    assert (await Journal(store).with_audio("x", read)).receipt.audio == b"RIFF sound"
    await store.put("open/x/audio-000001.bin", b"RIFF s")
    assert await Journal(store).with_audio("x", read) == read
    await claims.release(claim)
    assert await store.keys("open/") == []


async def test_no_entry_tells_of_a_sound_that_is_not_there_yet(machine: Machine) -> None:
    for last in range(1, 9):
        store = Cabinet()
        claims, journal = Claims(store, machine.run(f"run-{last}")), Journal(Mortal(store, last, late=False))
        claim = await claims.acquire("x", row(call_id="paid"))
        assert isinstance(claim, Claim)
        answer = take_answer(claim)
        sounding = replace(answer, receipt=replace(answer.receipt, audio=b"RIFF sound"))
        with contextlib.suppress(Killed):
            await journal.answered("x", sounding)
        for read in (await Journal(store).history("x")).answers:
            assert (await Journal(store).with_audio("x", read)).receipt.audio == b"RIFF sound"


async def test_the_bytes_of_the_sound_are_never_in_the_record(store: Store) -> None:
    sound = b"RIFF a sound that came with the answer"
    receipt = Receipt(request_id="r", audio=sound)
    await Journal(store).answered("x", Answer(generation=1, row=row(), receipt=receipt, ask=ask()))
    record = await store.get("open/x/answer-000001.json")
    assert record is not None
    assert b"a sound that came" not in record
    assert base64.b64encode(sound)[:20] not in record


async def test_the_history_is_told_oldest_first(store: Store, machine: Machine) -> None:
    journal, claims = Journal(store), []
    for number in range(1, 12):
        run = machine.run(f"run-{number}")
        got = await Claims(store, run).acquire("x", row(call_id=f"call-{number}"))
        assert isinstance(got, Claim)
        claims.append(got)
        if number % 2:
            await journal.answered("x", take_answer(got))
        for attempt in range(number % 3):
            await journal.sending_again(got, attempt + 2)
        machine.kill(run)
    history = await journal.history("x")
    assert history.claims == tuple(claims)
    assert [answer.generation for answer in history.answers] == [1, 3, 5, 7, 9, 11]
    assert history.resent == {number: number % 3 for number in range(1, 12) if number % 3}
    assert await journal.subjects() == ("x",)


async def test_nothing_is_open_on_a_store_that_is_new(store: Store) -> None:
    history = await Journal(store).history("x")
    assert (history.claims, history.answers, history.resent) == ((), (), {})
    assert await Journal(store).subjects() == ()


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_whenever_a_run_dies_the_history_tells_what_was_sent_and_what_was_answered(
    machine: Machine, late: bool
) -> None:
    """One call, sent twice because the first attempt ended in doubt, answered, and done with."""
    seen = set()
    for last in range(1, 40):
        store = Cabinet()
        mortal = Mortal(store, last, late=late)
        sent = answered = 0
        alive = True
        try:
            claims, journal = Claims(mortal, machine.run(f"run-{last}-{late}")), Journal(mortal)
            claim = await claims.acquire("x", row(call_id="paid"))
            assert isinstance(claim, Claim)
            sent += 1
            await journal.sending_again(claim, 2)
            sent += 1
            answered = 1
            await journal.answered("x", take_answer(claim))
            answered = 2  # it is on the disk
            await claims.release(claim)
        except Killed:
            alive = False
        history = await Journal(store).history("x")
        known = len(history.claims) and 1 + history.resent.get(1, 0)
        if not alive and answered < 2:
            assert known >= sent, "everything that was sent is known"
            assert known <= sent + 1, "and no more than what was about to be sent"
            assert [claim.call_id for claim in history.claims] in ([], ["paid"])
        if answered == 2 and history.claims:
            seen.add(bool(history.answers))
        if not history.claims:
            assert not history.answers
        if alive:
            assert await store.keys("open/") == []
            assert seen, "no kill fell between the answer and the release"
            return
    pytest.fail("it does not take so many operations")


async def test_what_is_not_an_entry_is_a_clear_error(store: Store) -> None:
    await store.put("open/x/answer-000001.json", b"not JSON")
    with pytest.raises(StoreError, match=r"open/x/answer-000001\.json is not a journal entry"):
        await Journal(store).history("x")


def take_answer(claim: Claim) -> Answer:
    """An answer to a synthesis under a claim."""
    return Answer(
        generation=claim.generation,
        row=row(call_id=claim.call_id),
        receipt=Receipt(request_id="r", url="http://127.0.0.1/a.wav?Signature=a%2Bb", expires_at=5),
        ask=ask(),
    )
