"""Faults and switches: what they do to an answer, what they cost, and how they are read."""

import asyncio
import io
import random
import wave
from typing import Any

import numpy as np
import pytest

from narration.sandbox.faults import BadSwitchError, Switchboard, Switches, read_switches
from narration.sandbox.wire import DroppedError

Desk = Any


def samples(data: bytes) -> np.ndarray[Any, np.dtype[np.int16]]:
    with wave.open(io.BytesIO(data)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)


async def test_an_injected_500_or_429_is_not_billed(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(rate_500=1)
    answer = await desk.speak(voice)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError.Algo")
    await desk.switch(rate_500=0, rate_429=1)
    assert (await desk.speak(voice)).json()["code"] == "Throttling.RateQuota"
    bill = await desk.bill()
    assert (bill["synthesized"], bill["calls_by_action"]["synthesize"]) == (0, 2)


@pytest.mark.parametrize("fault", ["drop_before", "hang_before"])
async def test_an_answer_lost_before_the_work_is_not_billed(desk: Desk, fault: str) -> None:
    voice = await desk.voice()
    await desk.switch(**{fault: 1}, hang_s=0.01)
    with pytest.raises(DroppedError):
        await desk.speak(voice)
    bill = await desk.bill()
    assert (bill["synthesized"], bill["refused_by_code"]) == (0, {"dropped": 1})


@pytest.mark.parametrize("fault", ["drop_after", "hang_after"])
async def test_an_answer_lost_after_the_work_is_billed(desk: Desk, fault: str) -> None:
    voice = await desk.voice()
    await desk.switch(**{fault: 1}, hang_s=0.01)
    with pytest.raises(DroppedError):
        await desk.speak(voice, "Paid for.")
    with pytest.raises(DroppedError):
        await desk.create()
    await desk.switch(**{fault: 0})
    bill = await desk.bill()
    assert (bill["synthesized"], bill["voices_created"], bill["answers_lost"], bill["characters"]) == (1, 2, 2, 9)
    assert (await desk.client.get("/sandbox/bill/rows")).json()["rows"][0]["answered"] is False
    assert (await desk.design("list")).json()["output"]["total_count"] == 2


async def test_faults_strike_only_the_named_actions(desk: Desk) -> None:
    await desk.switch(rate_500=1, fault_actions=["synthesize"])
    voice = await desk.voice()
    assert (await desk.speak(voice)).status_code == 500


async def test_a_truncated_wav_promises_more_than_it_holds(desk: Desk) -> None:
    voice = await desk.voice()
    whole = await desk.audio(voice)
    await desk.switch(truncated_wav=1)
    torn = await desk.audio(voice)
    assert torn == whole[: len(torn)]
    assert (len(torn) - 44) / (len(whole) - 44) == pytest.approx(0.5, abs=0.01)
    assert len(torn) % 2 == 0
    await desk.switch(truncated_wav=0)
    assert await desk.audio(voice) == whole


async def test_a_silent_synthesis_is_silence_and_the_next_is_not(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(silent_wav=1)
    silent = samples(await desk.audio(voice))
    await desk.switch(silent_wav=0)
    sound = samples(await desk.audio(voice))
    assert len(silent) == len(sound)
    assert not silent.any()
    assert np.abs(sound).max() > 1_000


async def test_a_runaway_synthesis_babbles_on_after_its_text(desk: Desk) -> None:
    voice = await desk.voice()
    sound = samples(await desk.audio(voice))
    await desk.switch(runaway_wav=1)
    runaway = samples(await desk.audio(voice))
    assert len(runaway) == len(sound) + 30 * 24_000
    assert (runaway[: len(sound)] == sound).all()


async def test_a_failing_download_can_be_repeated(desk: Desk) -> None:
    voice = await desk.voice()
    url = (await desk.speak(voice)).json()["output"]["audio"]["url"]
    await desk.switch(download_500=1)
    assert (await desk.client.get(url)).status_code == 500
    await desk.switch(download_500=0)
    assert (await desk.client.get(url)).status_code == 200


async def test_latency_is_fixed_plus_by_the_character(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def noted(_house: object, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("narration.sandbox.calls.House.pause", noted)
    await desk.switch(latency_ms=100, latency_ms_per_char=2)
    voice = await desk.voice(preview_text="x" * 50)
    await desk.speak(voice, "灯" * 10)
    await desk.design("list")
    assert waits == pytest.approx([0.2, 0.14, 0.1])


async def test_whoever_waits_goes_by_the_latency_as_it_is_changed(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(latency_ms=3_600_000)
    asked = [asyncio.create_task(desk.speak(voice, f"Line {number}.")) for number in range(3)]
    for _ in range(50):
        await asyncio.sleep(0)
    await desk.switch(latency_ms=3_000_000)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not [one for one in asked if one.done()]
    assert (await desk.bill())["synthesized"] == 0
    await desk.switch(latency_ms=0)
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 3


async def test_switches_are_shown_and_changed_at_run_time(desk: Desk) -> None:
    before = (await desk.client.get("/sandbox/faults")).json()
    assert set(before) == set(Switches.model_fields)
    answer = await desk.client.patch("/sandbox/faults", json={"cut": 0.25, "poison_words": ["x"]})
    assert answer.json() == {**before, "cut": 0.25, "poison_words": ["x"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate429": 0.1}, ["unknown switch `rate429`", "did you mean `rate_429`?"]),
        ({"zzz": 1}, ["unknown switch `zzz`", "known are: rate_429"]),
        ({"rate_429": 1.5}, ["switch `rate_429`", "less than or equal to 1", "1.5"]),
        ({"rpm": -1}, ["switch `rpm`"]),
        ({"length_unit": "tokens"}, ["switch `length_unit`", "weighted"]),
        ({"fault_actions": ["speak"]}, ["switch `fault_actions`"]),
        ({"retired": {"qwen-voice-design": 410}}, ["switch `retired`"]),
        ({"url_life_s": "NaN"}, ["switch `url_life_s`"]),
        ([], ["JSON object"]),
    ],
)
async def test_a_wrong_switch_changes_nothing_and_says_why(desk: Desk, changes: object, words: list[str]) -> None:
    before = (await desk.client.get("/sandbox/faults")).json()
    extra = {**changes, "cut": 0.5} if isinstance(changes, dict) else changes
    answer = await desk.client.patch("/sandbox/faults", json=extra)
    assert answer.status_code == 400
    assert all(word in answer.json()["message"] for word in words), answer.json()
    assert (await desk.client.get("/sandbox/faults")).json() == before


async def test_a_broken_patch_is_400(desk: Desk) -> None:
    assert (await desk.client.patch("/sandbox/faults", content=b"{")).status_code == 400


def test_switches_are_read_from_words_of_the_command_line() -> None:
    switches = read_switches(
        {
            "rate_500": "0.1",
            "rpm": "none",
            "rps": "5",
            "poison_words": "knife, gun",
            "retired": "qwen-voice-design,qwen3-tts-vd-2026-01-26=403",
            "sse": "false",
            "not_found_status": "200",
            "retry_after_s": "none",
        }
    )
    assert (switches.rate_500, switches.rpm, switches.rps, switches.poison_words) == (0.1, None, 5, ("knife", "gun"))
    assert switches.retired == {"qwen-voice-design": 404, "qwen3-tts-vd-2026-01-26": 403}
    assert (switches.sse, switches.not_found_status, switches.retry_after_s) == (False, 200, None)


def test_the_same_seed_draws_the_same_faults() -> None:
    def draws(seed: int) -> list[frozenset[str]]:
        board = Switchboard(read_switches({"rate_500": 0.5, "cut": 0.2}), random.Random(seed))  # noqa: S311
        return [board.draw(("rate_500", "cut"), "synthesize") for _ in range(50)]

    assert draws(7) == draws(7)
    assert draws(7) != draws(8)


def test_a_rate_is_about_its_share() -> None:
    board = Switchboard(read_switches({"rate_500": 0.1}), random.Random(3))  # noqa: S311
    hits = sum("rate_500" in board.draw(("rate_500",), "synthesize") for _ in range(2_000))
    assert 150 < hits < 250


def test_a_value_out_of_range_names_switch_and_value() -> None:
    with pytest.raises(BadSwitchError, match=r"switch `cut`.*2"):
        read_switches({"cut": 2})
