"""Where the language model is, and whose key it gets."""

from __future__ import annotations

import pytest

from narration.errors import InputError
from narration.settings.chat import chat_place, chat_url, is_own_host, other_host_key
from narration.settings.settings import Settings, load_settings

INTL = "https://dashscope-intl.aliyuncs.com/api/v1"
OTHER = "https://models.example/v1"


def settings(profile: str = "international", **chat: object) -> Settings:
    return load_settings(profile, environ={}, overrides={"chat": chat})


@pytest.mark.parametrize(
    ("service", "url"),
    [
        (INTL, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        (
            "https://w1.cn-beijing.maas.aliyuncs.com/api/v1",
            "https://w1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        ),
        ("http://127.0.0.1:8200/api/v1", "http://127.0.0.1:8200/compatible-mode/v1"),
    ],
)
def test_without_an_address_the_compatible_mode_of_the_services_host_is_asked(service: str, url: str) -> None:
    chat = settings().chat
    assert chat_url(chat, service) == url
    assert is_own_host(chat, service)
    assert chat_place(chat, service, "cn-beijing") == "cn-beijing"


def test_the_services_own_host_is_its_own_however_it_is_spelled() -> None:
    chat = settings(base_url="https://Dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions/").chat
    assert chat.base_url == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
    assert is_own_host(chat, INTL)


@pytest.mark.parametrize(
    "url", [OTHER, "https://dashscope-intl.aliyuncs.com:8443/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"]
)
def test_another_host_or_port_is_another_place(url: str) -> None:
    chat = settings(base_url=url).chat
    assert not is_own_host(chat, INTL)
    assert not is_own_host(chat, "")
    assert chat_place(chat, INTL, "ap-southeast-1") == url.split("/")[2]


def test_another_host_has_a_key_of_its_own() -> None:
    chat = settings(base_url=OTHER, key_variable="OTHER_KEY").chat
    assert other_host_key(chat, {"OTHER_KEY": " sk-other \n", "DASHSCOPE_API_KEY": "sk-vendor"}) == "sk-other"
    with pytest.raises(InputError, match=r"OTHER_KEY: is not set; expected a key of models\.example"):
        other_host_key(chat, {"DASHSCOPE_API_KEY": "sk-vendor"})


@pytest.mark.parametrize("variable", ["DASHSCOPE_API_KEY", "OTHER_KEY"])
def test_the_services_key_goes_to_no_other_host_under_any_name(variable: str) -> None:
    chat = settings(base_url=OTHER, key_variable=variable).chat
    with pytest.raises(InputError, match="is the key of the speech service") as caught:
        other_host_key(chat, {"DASHSCOPE_API_KEY": "sk-vendor", "OTHER_KEY": "sk-vendor"})
    assert "sk-vendor" not in str(caught.value)


@pytest.mark.parametrize(
    ("chat", "message"),
    [
        ({"base_url": "http://models.example/v1"}, "not encrypted"),
        ({"base_url": "https://user:pass@models.example/v1"}, "carries a login"),
        ({"base_url": "models.example"}, "not an address"),
        ({"prices_usd": [1.0]}, "found 1 prices"),
        ({"prices_usd": [1.0, -2.0]}, "chat.prices_usd"),
        ({"spans": 0}, "chat.spans"),
        ({"spans": 30}, "max_tokens of 1200 or more"),
        ({"form": "prose"}, "chat.form"),
        ({"ask_below": 1.5}, "chat.ask_below"),
        ({"key_variable": "not a name"}, "chat.key_variable"),
        ({"modell": "x"}, "Did you mean `model`"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(chat: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_settings("international", environ={}, overrides={"chat": chat})
    assert message in str(caught.value)


def test_a_sandbox_asks_nobody_who_may_cost_money() -> None:
    with pytest.raises(InputError, match="an address of this machine"):
        settings("sandbox", base_url=OTHER)
    local = settings("sandbox", base_url="http://127.0.0.1:11434/v1")
    assert chat_place(local.chat, local.service.base_url, local.service.region) == "127.0.0.1:11434"
