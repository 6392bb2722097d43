"""CosyVoice in the sandbox over HTTP: bodies, statuses over time, errors, forms and events as documented."""

import base64
import io
import json
import re
import wave
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import DESIGN, FakeClock
from tests.sandbox.conftest import Desk as Shop

Desk = Any
SPEECH = "/api/v1/services/audio/tts/SpeechSynthesizer"
MODEL = "cosyvoice-v3.5-flash"
TARGETS = ("cosyvoice-v3.5-plus", "cosyvoice-v3.5-flash", "cosyvoice-v3-plus", "cosyvoice-v3-flash")
NAME = re.compile(r"cosyvoice-v3\.5-flash-vd-granny01-[0-9a-f]{32}")


@dataclass
class Cosy:
    """A caller of the CosyVoice half; every method answers the raw response."""

    desk: Shop
    clock: FakeClock

    async def ask(self, action: str, parameters: object = None, **fields: object) -> httpx.Response:
        body: dict[str, Any] = {"model": "voice-enrollment", "input": {"action": action, **fields}}
        if parameters is not None:
            body["parameters"] = parameters
        return await self.desk.post(DESIGN, body)

    async def create(self, parameters: object = None, **changes: object) -> httpx.Response:
        fields = {
            "target_model": MODEL,
            "voice_prompt": "Elderly woman, low and slightly hoarse voice.",
            "preview_text": "The lamp was out.",
            "prefix": "granny01",
            "language_hints": ["en"],
            **changes,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return await self.ask("create_voice", parameters, **given)

    async def voice(self, **changes: object) -> str:
        return str((await self.create(**changes)).json()["output"]["voice_id"])

    async def status(self, voice: str) -> str:
        return str((await self.ask("query_voice", voice_id=voice)).json()["output"]["status"])

    async def speak(self, voice: str, text: str = "Nobody spoke.", **fields: object) -> httpx.Response:
        given = {"text": text, "voice": voice, "format": "wav", "sample_rate": 24000, **fields}
        return await self.desk.post(SPEECH, {"model": MODEL, "input": given})

    async def audio(self, voice: str, text: str = "Nobody spoke.", **fields: object) -> bytes:
        answer = await self.speak(voice, text, **fields)
        assert answer.status_code == 200, answer.text
        found = await self.desk.client.get(answer.json()["output"]["audio"]["url"])
        assert found.status_code == 200, found.text
        return found.content


@pytest.fixture
def cosy(desk: Desk, clock: FakeClock) -> Cosy:
    return Cosy(desk, clock)


async def test_create_answers_the_documented_body(cosy: Cosy) -> None:
    answer = await cosy.create(parameters={"sample_rate": 24000, "response_format": "wav"})
    body = answer.json()
    assert (answer.status_code, set(body)) == (200, {"output", "usage", "request_id"})
    assert set(body["output"]) == {"voice_id", "target_model", "preview_audio"}
    assert NAME.fullmatch(body["output"]["voice_id"])
    assert (body["output"]["target_model"], body["usage"]) == (MODEL, {"count": 1})
    preview = body["output"]["preview_audio"]
    assert (preview["sample_rate"], preview["response_format"]) == (24000, "wav")
    with wave.open(io.BytesIO(base64.b64decode(preview["data"], validate=True))) as sound:
        assert sound.getframerate() == 24000


async def test_a_design_is_deploying_for_its_time_and_then_ok(cosy: Cosy) -> None:
    await cosy.desk.switch(deploying_s=30)
    voice = await cosy.voice()
    assert await cosy.status(voice) == "DEPLOYING"
    assert (await cosy.speak(voice)).json()["message"] == "Request voice is invalid!"
    cosy.clock.now_s += 29.9
    assert await cosy.status(voice) == "DEPLOYING"
    cosy.clock.now_s += 0.1
    assert await cosy.status(voice) == "OK"
    assert (await cosy.speak(voice)).status_code == 200


async def test_a_design_with_a_bad_word_ends_undeployed_and_never_speaks(cosy: Cosy) -> None:
    await cosy.desk.switch(deploying_s=5, undeployed_words=["Celebrity"])
    voice = await cosy.voice(voice_prompt="Sounds like a celebrity.")
    assert await cosy.status(voice) == "DEPLOYING"
    cosy.clock.now_s += 5
    assert await cosy.status(voice) == "UNDEPLOYED"
    assert (await cosy.speak(voice)).json()["message"] == "Request voice is invalid!"
    assert (await cosy.desk.bill())["voices_created"] == 1


async def test_the_list_has_statuses_and_no_total(cosy: Cosy) -> None:
    names = [await cosy.voice(prefix=f"v{number}") for number in range(5)]
    body = (await cosy.ask("list_voice", page_index=0, page_size=2)).json()
    assert set(body["output"]) == {"voice_list"}
    first = body["output"]["voice_list"][0]
    assert set(first) == {"voice_id", "gmt_create", "gmt_modified", "status", "voice_prompt", "preview_text"}
    assert first["status"] == "OK"
    pages = [
        (await cosy.ask("list_voice", page_index=at, page_size=2)).json()["output"]["voice_list"] for at in (0, 1, 2, 3)
    ]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [found["voice_id"] for page in pages for found in page] == names[::-1]
    some = (await cosy.ask("list_voice", prefix="v3")).json()["output"]["voice_list"]
    assert [found["voice_id"] for found in some] == [names[3]]


async def test_query_tells_the_target_model_and_delete_forgets(cosy: Cosy) -> None:
    voice = await cosy.voice()
    found = (await cosy.ask("query_voice", voice_id=voice)).json()["output"]
    assert (found["target_model"], found["status"], found["preview_text"]) == (MODEL, "OK", "The lamp was out.")
    deleted = await cosy.ask("delete_voice", voice_id=voice)
    assert (deleted.status_code, deleted.json()["output"], deleted.json()["usage"]) == (200, {}, {"count": 1})
    for action in ("query_voice", "delete_voice"):
        gone = await cosy.ask(action, voice_id=voice)
        assert (gone.status_code, gone.json()["code"]) == (400, "BadRequest.ResourceNotExist")


async def test_a_clone_has_no_vd_in_its_name_and_can_be_updated(cosy: Cosy) -> None:
    made = await cosy.ask("create_voice", target_model=MODEL, prefix="clone", url="https://example.com/a.wav")
    voice = made.json()["output"]["voice_id"]
    assert set(made.json()["output"]) == {"voice_id"}
    assert voice.startswith(f"{MODEL}-clone-")
    assert (await cosy.ask("update_voice", voice_id=voice, url="https://example.com/b.wav")).json()["output"] == {}
    assert "resource_link" in (await cosy.ask("query_voice", voice_id=voice)).json()["output"]
    designed = await cosy.voice()
    assert (await cosy.ask("update_voice", voice_id=designed, url="https://example.com/b.wav")).status_code == 400


async def test_an_action_that_is_missing_or_unknown_is_refused_by_its_name(cosy: Cosy) -> None:
    none = await cosy.desk.post(DESIGN, {"model": "voice-enrollment", "input": {"prefix": "a"}})
    assert (none.status_code, "input.action" in none.json()["message"]) == (400, True)
    other = await cosy.ask("sing")
    assert (other.status_code, other.json()["code"]) == (400, "InvalidParameter")
    assert "sing" in other.json()["message"]


async def test_a_voice_that_is_not_there_may_be_told_with_200_and_its_code_by_every_action(cosy: Cosy) -> None:
    await cosy.desk.switch(not_found_status=200)
    for action in ("query_voice", "delete_voice", "update_voice"):
        gone = await cosy.ask(action, voice_id="nobody", url="https://example.com/a.wav")
        assert (gone.status_code, gone.json()["code"]) == (200, "BadRequest.ResourceNotExist")


async def test_its_quota_is_its_own(cosy: Cosy) -> None:
    await cosy.desk.switch(voice_quota=1)
    assert (await cosy.desk.create()).status_code == 200
    assert (await cosy.create()).status_code == 200
    full = await cosy.create()
    assert (full.status_code, full.json()["code"]) == (400, "Throttling.AllocationQuota")
    assert (await cosy.desk.create()).json()["code"] == "Throttling.AllocationQuota"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"target_model": "qwen3-tts-vd-2026-01-26"}, "target_model"),
        ({"voice_prompt": "a" * 501}, "voice_prompt"),
        ({"preview_text": "a" * 201}, "preview_text"),
        ({"preview_text": "Спокойно."}, "Chinese or English"),
        ({"prefix": "granny_01"}, "prefix"),
        ({"prefix": "a" * 11}, "prefix"),
        ({"prefix": None}, "prefix"),
        ({"language_hints": ["de"]}, "language_hints"),
        ({"parameters": {"sample_rate": 8000}}, "sample_rate"),
        ({"parameters": {"response_format": "opus"}}, "response_format"),
    ],
)
async def test_a_bad_field_of_create_is_400_and_free(cosy: Cosy, changes: dict[str, Any], word: str) -> None:
    answer = await cosy.create(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert word in answer.json()["message"]
    assert (await cosy.desk.bill())["voices_created"] == 0


async def test_speech_answers_the_documented_body_and_is_billed_by_weight(cosy: Cosy) -> None:
    answer = await cosy.speak(await cosy.voice(), "中A123。")
    body = answer.json()
    assert set(body) == {"request_id", "output", "usage"}
    assert set(body["output"]["audio"]) == {"data", "url", "id", "expires_at"}
    assert (body["output"]["finish_reason"], body["output"]["audio"]["data"]) == ("stop", "")
    assert body["output"]["audio"]["id"] == f"audio_{body['request_id']}"
    assert body["usage"] == {"characters": 7}
    assert (await cosy.desk.bill())["characters"] == 7


@pytest.mark.parametrize(
    ("form", "magic", "ends"),
    [("wav", b"RIFF", ".wav"), ("mp3", b"ID3", ".mp3"), ("opus", b"OggS", ".opus"), (None, b"ID3", ".mp3")],
)
async def test_speech_comes_in_the_asked_form_and_mp3_unless_asked(
    cosy: Cosy, form: str | None, magic: bytes, ends: str
) -> None:
    voice = await cosy.voice()
    answer = await cosy.speak(voice, format=form, sample_rate=None)
    assert httpx.URL(answer.json()["output"]["audio"]["url"]).path.endswith(ends)
    assert (await cosy.audio(voice, format=form)).startswith(magic)


async def test_rate_and_volume_of_the_samples_are_as_asked(cosy: Cosy) -> None:
    voice = await cosy.voice()
    plain, soft = await cosy.audio(voice), await cosy.audio(voice, volume=25, sample_rate=48000)
    with wave.open(io.BytesIO(plain)) as one, wave.open(io.BytesIO(soft)) as other:
        assert (one.getframerate(), other.getframerate()) == (24000, 48000)
        assert other.getnframes() == pytest.approx(2 * one.getnframes(), abs=8)
    assert await cosy.audio(voice) == plain


@pytest.mark.parametrize(
    "fields",
    [
        {"rate": 2.1},
        {"pitch": 0.4},
        {"volume": 101},
        {"seed": 65536},
        {"instruction": "x" * 101},
        {"format": "flac"},
        {"sample_rate": 32000},
        {"language_hints": ["nl"]},
        {"rate": "fast"},
    ],
)
async def test_a_bad_option_is_400_and_free(cosy: Cosy, fields: dict[str, Any]) -> None:
    answer = await cosy.speak(await cosy.voice(), **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert (await cosy.desk.bill())["synthesized"] == 0


async def test_a_voice_of_another_model_or_account_is_refused_in_the_engines_words(cosy: Cosy) -> None:
    voice = await cosy.voice()
    other = {"model": "cosyvoice-v3-flash", "input": {"text": "No.", "voice": voice}}
    assert (await cosy.desk.post(SPEECH, other)).json()["message"] == "[cosyvoice:]Engine error [411]"
    assert (await cosy.speak("nobody")).json()["message"] == "[tts:]Engine return error code: 418"
    assert (await cosy.speak(await cosy.desk.voice())).json()["message"] == "[tts:]Engine return error code: 418"


async def test_it_answers_on_its_own_path_only_and_not_over_http_where_that_is_off(cosy: Cosy) -> None:
    voice = await cosy.voice()
    wrong = "/api/v1/services/aigc/multimodal-generation/generation"
    asked = {"model": MODEL, "input": {"text": "No.", "voice": voice}}
    assert (await cosy.desk.post(wrong, asked)).json()["message"] == "url error, please check url!"
    await cosy.desk.switch(cosy_http=False)
    assert (await cosy.speak(voice)).json()["message"] == "url error, please check url!"


async def test_events_carry_the_sentences_their_sound_and_at_last_the_link(cosy: Cosy) -> None:
    voice, text = await cosy.voice(), "First one. Second one! And a tail"
    whole = await cosy.audio(voice, text)
    asked = {"model": MODEL, "input": {"text": text, "voice": voice, "format": "wav", "sample_rate": 24000}}
    answer = await cosy.desk.post(SPEECH, asked, x_dashscope_sse="enable")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data:")) for line in answer.text.splitlines() if line.startswith("data:")]
    begins = [event["output"] for event in events if event["output"].get("type") == "sentence-begin"]
    assert [begin["original_text"] for begin in begins] == ["First one. ", "Second one! ", "And a tail"]
    assert [begin["sentence"] for begin in begins] == [{"index": index, "words": []} for index in range(3)]
    ends = [event for event in events if event["output"].get("type") == "sentence-end"]
    assert [end["usage"]["characters"] for end in ends] == [11, 23, 33]
    parts = [
        event["output"]["audio"]["data"] for event in events if event["output"].get("type") == "sentence-synthesis"
    ]
    assert b"".join(map(base64.b64decode, parts)) == whole
    last = events[-1]
    assert (last["output"]["finish_reason"], last["usage"]) == ("stop", {"characters": 33})
    assert last["output"]["audio"]["url"].startswith("http")


async def test_faults_strike_it_by_the_same_names(cosy: Cosy) -> None:
    voice = await cosy.voice()
    await cosy.desk.switch(rate_429=1, fault_actions=["list"])
    assert (await cosy.ask("list_voice")).json()["code"] == "Throttling.RateQuota"
    assert (await cosy.speak(voice)).status_code == 200
    await cosy.desk.switch(rate_429=0, expired_url=1, fault_actions=["synthesize"])
    url = (await cosy.speak(voice)).json()["output"]["audio"]["url"]
    assert (await cosy.desk.client.get(url)).status_code == 403


async def test_markup_is_spoken_without_its_tags_and_billed_without_them(cosy: Cosy) -> None:
    voice = await cosy.voice()
    marked = await cosy.speak(voice, "<speak>你好</speak>", enable_ssml=True)
    assert marked.json()["usage"] == {"characters": 4}
    odd = await cosy.speak(voice, "<b>你好</b>", enable_ssml=True)
    assert odd.json()["message"] == "SSML text is not supported at the moment!"
    assert (await cosy.speak(voice, "a < b", enable_ssml=True)).json()["usage"] == {"characters": 5}
