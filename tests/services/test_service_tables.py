"""What stands beside the doors: prices, limits, names of voices, keys, and the table of kinds."""

from __future__ import annotations

import json
import pickle
import re
import tomllib
from importlib import resources

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import InputError
from narration.services import KINDS, cost_usd, key_fingerprint, open_service, price_of
from narration.services.keys import ApiKey, readable
from narration.services.limits import LANGUAGE_TYPES, end_of_service, limits_of, rate_of, regions_of
from narration.services.naming import preferred_name, voice_prefix
from narration.settings.settings import LengthUnit, Settings, load_settings

VD = "qwen3-tts-vd-2026-01-26"


def settings(**service: object) -> Settings:
    return load_settings("international", environ={}, overrides={"service": service})


@pytest.mark.parametrize(
    ("model", "region", "usd", "per_characters", "assumed"),
    [
        ("qwen-voice-design", "ap-southeast-1", 0.20, 0, False),
        ("qwen-voice-design", "cn-beijing", 0.20, 0, False),
        ("qwen-voice-design", "sandbox", 0.20, 0, False),
        ("qwen-voice-design", "eu-central-1", 0.20, 0, True),
        (VD, "ap-southeast-1", 0.115, 10_000, True),
        (VD, "sandbox", 0.115, 10_000, True),
        ("qwen3-tts-flash", "ap-southeast-1", 0.10, 10_000, False),
        ("qwen3-tts-flash", "cn-beijing", 0.114682, 10_000, False),
        ("qwen3-tts-flash", "sandbox", 0.10, 10_000, False),
        ("qwen-voice-design", "evolink", 0.05, 0, True),
        ("qwen3-tts-vd", "evolink", 1.275, 10_000, True),
        ("qwen3-tts-vd", "sandbox-gateway", 1.275, 10_000, True),
        ("qwen3-tts-vd", "elsewhere", 1.275, 10_000, True),
        ("voice-enrollment", "cn-beijing", 0.0, 0, False),
        ("cosyvoice-v3.5-flash", "cn-beijing", 0.116, 10_000, False),
        ("cosyvoice-v3.5-flash", "sandbox", 0.116, 10_000, False),
        ("cosyvoice-v3-flash", "cn-beijing", 0.14335, 10_000, False),
        ("cosyvoice-v3.5-plus", "cn-beijing", 0.286706, 10_000, True),
    ],
)
def test_prices_are_those_of_the_documents(
    model: str, region: str, usd: float, per_characters: int, assumed: bool
) -> None:
    price = price_of(model, region)
    assert price.usd == pytest.approx(usd)
    assert (price.per_characters, price.assumed) == (per_characters, assumed)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", price.as_of)
    assert price.source


def test_cost_is_per_piece_or_per_characters() -> None:
    assert cost_usd(price_of("qwen-voice-design", "sandbox"), 3) == pytest.approx(0.6)
    assert cost_usd(price_of(VD, "sandbox"), 640_000) == pytest.approx(7.36)
    assert cost_usd(price_of(VD, "sandbox"), 0) == 0.0


def test_a_model_without_a_price_is_a_mistake_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=f"Did you mean {VD}"):
        price_of("qwen3-tts-vd-2026-01-27", "sandbox")


def test_every_model_of_the_limits_has_a_price_and_the_reverse() -> None:
    folder = resources.files("narration.services")
    limits = tomllib.loads(folder.joinpath("limits.toml").read_text("utf-8"))
    prices = tomllib.loads(folder.joinpath("prices.toml").read_text("utf-8"))
    assert {row["name"] for row in limits["models"]} == {
        row["model"]
        for row in prices["price"]
        if not row.get("per_seconds")  # recognisers have no limits of speech
    }


def test_the_realtime_models_have_the_documented_price_and_rate() -> None:
    for model in ("qwen3-tts-vd-realtime-2026-01-15", "qwen3-tts-vd-realtime-2025-12-16"):
        for region in ("ap-southeast-1", "cn-beijing", "sandbox"):
            price = price_of(model, region)
            assert (price.usd, price.per_characters, price.assumed) == (0.143353, 10_000, False)
        rate = rate_of(model)
        assert rate is not None
        assert (rate.per_minute, rate.per_second, rate.assumed) == (180, 3.0, False)
    limits = limits_of("qwen-realtime")
    assert (limits.text_max, limits.text_unit) == (600, LengthUnit.WEIGHTED)


def test_limits_are_those_of_the_documents() -> None:
    limits = limits_of("qwen")
    assert (limits.text_max, limits.text_unit) == (600, LengthUnit.WEIGHTED)
    assert (limits.prompt_max_chars, limits.preview_max_chars, limits.voices_max) == (2048, 1024, 1000)
    assert limits.prompt_languages == ("zh", "en")
    assert limits.languages == tuple(LANGUAGE_TYPES)
    rate = rate_of(VD)
    assert rate is not None
    assert (rate.per_minute, rate.per_second, rate.assumed) == (180, 3.0, True)
    assert rate_of("unknown") is None


def test_limits_of_cosyvoice_are_those_of_the_documents() -> None:
    limits = limits_of("cosyvoice")
    assert (limits.prompt_max_chars, limits.preview_max_chars, limits.voices_max) == (500, 200, 1000)
    assert (limits.text_max, limits.text_unit) == (2000, LengthUnit.WEIGHTED)
    assert (limits.prompt_languages, limits.languages) == (("zh", "en"), ("zh", "en"))
    assert (regions_of("cosyvoice"), regions_of("qwen"), regions_of("unknown")) == (("cn-beijing",), (), ())


def test_the_announced_end_of_voice_design_is_known_with_its_source() -> None:
    end = end_of_service("qwen-voice-design")
    assert end is not None
    assert (end.ends, end.announced, end.successor) == ("2026-10-10", "2026-06-05", "cosyvoice-v3.5-flash")
    assert "notice 792" in end.sentence()
    assert end_of_service(VD) is None


NAMES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["阿Q", "Old Wen", "old wen", "Old_Wen", "Old  Wen", "阿", "É", "E", "", "!!!", "Ünï Cödé the Long"]
    ),
)


@given(first=NAMES, second=NAMES)
def test_any_character_has_a_name_that_the_service_accepts_and_no_other_has_it(first: str, second: str) -> None:
    one, other = preferred_name(first), preferred_name(second)
    assert re.fullmatch(r"[A-Za-z0-9_]{1,16}", one)
    assert (one == other) == (first == second)
    assert (one.lower() == other.lower()) == (first == second)


@given(first=NAMES, second=NAMES)
def test_any_character_has_a_prefix_that_cosyvoice_accepts_and_no_other_has_it(first: str, second: str) -> None:
    one, other = voice_prefix(first), voice_prefix(second)
    assert re.fullmatch(r"[a-z0-9]{10}", one)
    assert (one == other) == (first == second)


def test_names_are_the_same_for_ever() -> None:
    assert voice_prefix("Old Wen") == "oldbk4xdm2"
    assert voice_prefix("阿Q") == "q3465fqkub"
    assert preferred_name("Old Wen") == "old_wen_yahm8arx"
    assert preferred_name("阿Q") == "q_2z1mbwn6yb1euj"
    assert preferred_name("Narrator") == "narrator_5h5f6lo"


def test_a_thousand_namesakes_do_not_collide() -> None:
    assert len({preferred_name(f"Character {n}") for n in range(20_000)}) == 20_000
    assert len({voice_prefix(f"Character {n}") for n in range(20_000)}) == 20_000


def test_a_fingerprint_names_an_account_and_does_not_tell_its_key() -> None:
    first, second = key_fingerprint("sk-one"), key_fingerprint("sk-two")
    assert re.fullmatch(r"[0-9a-f]{12}", first)
    assert first != second
    assert first == key_fingerprint("sk-one")
    assert open_service(settings(), " sk-one\n").account == first


def test_a_key_does_not_show_itself_and_does_not_travel() -> None:
    key = ApiKey("sk-secret-words")
    assert "secret" not in f"{key} {key!r} {[key]}"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key.redact("bad key sk-secret-words!") == "bad key [key]!"


@pytest.mark.parametrize("key", ["", "  \n", "sk-a b", "sk-a\nX: y", "sk-é", "sk-" + "a" * 600])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(InputError) as caught:
        open_service(settings(), key)
    assert not key.strip() or key not in str(caught.value)


def test_an_unknown_kind_is_a_mistake_with_the_nearest_name() -> None:
    assert set(KINDS) >= {"qwen", "qwen-realtime", "cosyvoice", "gateway"}
    with pytest.raises(InputError, match="Did you mean qwen"):
        open_service(settings(kind="qwenn"), "sk-one")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"streaming": True, "kind": "gateway"}, "qwen"), ({"callback_url": "https://hooks.narrate.dev/"}, "gateway")],
)
def test_a_way_of_asking_that_the_kind_does_not_have_is_a_mistake(changes: dict[str, object], kind: str) -> None:
    profile = "gateway" if kind == "qwen" else "international"
    found = load_settings(profile, environ={}, overrides={"service": changes})
    with pytest.raises(InputError, match=f"expected kind {kind}"):
        open_service(found, "sk-one")


async def test_the_service_tells_its_kind_its_account_and_its_limits() -> None:
    service = open_service(settings(), "sk-one", transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    assert (service.kind, service.limits) == ("qwen", limits_of("qwen"))
    assert service.preferred_name("Old Wen") == preferred_name("Old Wen")
    await service.aclose()


@given(text=st.text(max_size=2000), most=st.integers(1, 100))
def test_foreign_words_are_made_fit_for_a_message(text: str, most: int) -> None:
    shown = readable(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
    assert json.dumps(shown)
