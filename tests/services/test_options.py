"""Options of speech: sent by the vendor's name or refused with a reason, never left out; limits of chunks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.chunks import measure
from narration.errors import InputError
from narration.services.limits import bounded, families, limits_of, options_of
from narration.services.options import speech_options
from narration.settings.api_keys import api_key
from narration.settings.settings import (
    ChunkSettings,
    LengthUnit,
    ServiceSettings,
    Settings,
    SpeechSettings,
    load_settings,
)

REALTIME = load_settings("international-realtime", environ={})
COSYVOICE = load_settings("china-cosyvoice", environ={})
QWEN = load_settings("international", environ={})


def asked(settings: Settings, own: Mapping[str, float | str] | None = None, **speech: object) -> dict[str, str]:
    told = SpeechSettings(**speech)  # type: ignore[arg-type]
    return dict(speech_options(settings.service, told, own or {}, "Mara"))


def refused(settings: Settings, own: Mapping[str, float | str] | None = None, **speech: object) -> str:
    with pytest.raises(InputError) as caught:
        asked(settings, own, **speech)
    return str(caught.value)


@pytest.mark.parametrize("settings", [REALTIME, COSYVOICE, QWEN], ids=["realtime", "cosyvoice", "qwen"])
def test_what_asks_for_nothing_new_is_not_sent(settings: Settings) -> None:
    assert asked(settings) == {}
    assert asked(settings, {"speed": 1.0, "pitch": 1.0, "volume": 50}) == {}
    assert settings.speech == SpeechSettings()


def test_options_go_by_the_vendors_names() -> None:
    words: dict[str, Any] = {"speed": 1.25, "pitch": 0.9, "volume": 60, "sample_rate_hz": 48_000}
    assert asked(REALTIME, **words) == {
        "speech_rate": "1.25",
        "pitch_rate": "0.9",
        "volume": "60",
        "sample_rate": "48000",
    }
    assert asked(COSYVOICE, **words, seed=0, instructions="slowly") == {
        "rate": "1.25",
        "pitch": "0.9",
        "volume": "60",
        "sample_rate": "48000",
        "seed": "0",
        "instruction": "slowly",
    }


def test_a_characters_own_option_stands_before_everybodys() -> None:
    assert asked(REALTIME, {"speed": 0.8}, speed=1.2) == {"speech_rate": "0.8"}
    assert asked(REALTIME, {"speed": 1.0}, speed=1.2) == {}


def test_an_option_that_a_model_does_not_have_is_refused_with_its_place() -> None:
    said = refused(QWEN, {"speed": 1.2, "seed": 4}, instructions="whisper")
    assert "qwen3-tts-vd-2026-01-26 has no option `speed`" in said
    assert "cast sheet, Mara, seed" in said
    assert "speech.instructions, for Mara" in said
    assert "seed" in refused(REALTIME, seed=4)


def test_a_value_that_a_model_does_not_take_is_refused_with_what_it_takes() -> None:
    assert "0.5 to 2" in refused(REALTIME, speed=3.0)
    assert "0 to 65535" in refused(COSYVOICE, seed=70_000)
    assert "one of 8000, 16000, 24000, 48000" in refused(REALTIME, sample_rate_hz=44_100)
    assert "100 characters at the most" in refused(COSYVOICE, instructions="slowly " * 20)


@pytest.mark.parametrize(("model", "has"), [("qwen3-tts-instruct-flash", True), ("qwen3-tts-flash", False)])
def test_only_the_model_of_instructions_takes_them(model: str, has: bool) -> None:
    assert ("instructions" in options_of("qwen", model)) == has


@pytest.mark.parametrize("family", families())
def test_every_option_has_a_source_and_a_word_of_the_settings(family: str) -> None:
    words = {field.name for field in dataclasses.fields(SpeechSettings)}
    for model in ("", "cosyvoice-v3.5-flash", "qwen3-tts-instruct-flash"):
        for word, option in options_of(family, model).items():
            assert word in words
            assert option.name
            assert option.source
            assert option.most > option.least or option.most_chars or option.only


CHUNKS = st.builds(
    ChunkSettings,
    target_chars=st.just(320),
    max_length=st.integers(20, 10_000),
    unit=st.sampled_from(LengthUnit),
)


@given(CHUNKS, st.text(max_size=400), st.sampled_from(["cosyvoice", "gateway"]))
def test_a_text_within_the_bounded_limit_is_within_both(chunks: ChunkSettings, text: str, family: str) -> None:
    cut, limits = bounded(chunks, family), limits_of(family)
    text *= 30
    while measure(text, cut.unit) > cut.max_length:
        text = text[: len(text) * 2 // 3]
    assert measure(text, chunks.unit) <= chunks.max_length
    assert measure(text, limits.text_unit) <= limits.text_max


@given(CHUNKS)
def test_where_the_documents_leave_the_unit_open_it_is_counted_as_set(chunks: ChunkSettings) -> None:
    cut = bounded(chunks, "qwen")
    assert cut.unit is chunks.unit
    assert cut.max_length == min(chunks.max_length, limits_of("qwen").text_max)


def test_the_usual_settings_are_within_every_limit_as_they_are() -> None:
    for family in families():
        assert bounded(QWEN.chunks, family) == QWEN.chunks


def test_the_settings_of_a_service_name_the_variable_of_its_key() -> None:
    variables = {name: load_settings(name, environ={}).service for name in ("gateway", "china-realtime")}
    assert {name: service.key_variable for name, service in variables.items()} == {
        "gateway": "EVOLINK_API_KEY",
        "china-realtime": "DASHSCOPE_API_KEY",
    }
    assert isinstance(variables["gateway"], ServiceSettings)


def test_the_vendors_address_moves_only_profiles_with_the_vendors_key() -> None:
    environ = {"DASHSCOPE_BASE_URL": "https://example.cn-beijing.maas.aliyuncs.com/api/v1"}
    assert load_settings("gateway", environ=environ).service.base_url == "https://api.evolink.ai/v1"
    moved = load_settings("china-realtime", environ=environ).service
    assert moved.base_url == environ["DASHSCOPE_BASE_URL"]
    assert moved.websocket_url == "wss://example.cn-beijing.maas.aliyuncs.com/api-ws/v1"


def test_a_book_that_speaks_at_two_sites_has_both_keys() -> None:
    both = {
        "DASHSCOPE_API_KEY": "sk-singapore",
        "DASHSCOPE_API_KEY_CN_BEIJING": "sk-beijing",
        "EVOLINK_API_KEY": "sk-evo",
    }
    keys = {
        name: api_key(load_settings(name, environ={}), both) for name in ("international", "china-cosyvoice", "gateway")
    }
    assert keys == {"international": "sk-singapore", "china-cosyvoice": "sk-beijing", "gateway": "sk-evo"}
    alone = {"DASHSCOPE_API_KEY": "sk-beijing"}
    assert api_key(load_settings("china", environ={}), alone) == "sk-beijing"
    with pytest.raises(InputError, match="EVOLINK_API_KEY"):
        api_key(load_settings("gateway", environ={}), alone)
