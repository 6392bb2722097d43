"""Settings: the order of layers, the addresses a key may travel to, and what is refused."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from narration.errors import InputError
from narration.settings.api_keys import SANDBOX_KEY, api_key
from narration.settings.audio import AudioSettings
from narration.settings.chat import ChatSettings
from narration.settings.checks import CheckSettings
from narration.settings.presets import preset_names, read_preset
from narration.settings.profiles import defaults_text, profile_names
from narration.settings.recogniser import RecogniserSettings
from narration.settings.reference import settings_reference
from narration.settings.settings import (
    ChunkSettings,
    LengthUnit,
    LimitSettings,
    ServiceSettings,
    SpeechSettings,
    load_settings,
    profiles_folder,
)

VENDOR = {
    "DASHSCOPE_API_KEY": "sk-real",
    "DASHSCOPE_BASE_URL": "https://dashscope.aliyuncs.com/api/v1",
    "DASHSCOPE_HTTP_BASE_URL": "https://dashscope.aliyuncs.com/api/v1",
    "DASHSCOPE_WEBSOCKET_BASE_URL": "wss://dashscope.aliyuncs.com/api-ws/v1/inference",
    "DASHSCOPE_WORKSPACE": "ws-1",
}


def mistakes(profile: str, **environ: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_settings(profile, environ=environ)
    return [str(problem) for problem in caught.value.problems]


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_the_packaged_profiles_are_found() -> None:
    assert {"china", "china-cosyvoice", "international", "sandbox", "sandbox-cosyvoice"} <= set(profile_names())
    assert profiles_folder().is_dir()


@pytest.mark.parametrize(
    ("profile", "host", "region"),
    [
        ("international", "dashscope-intl.aliyuncs.com", "ap-southeast-1"),
        ("china", "dashscope.aliyuncs.com", "cn-beijing"),
    ],
)
def test_a_paid_profile_names_its_site(profile: str, host: str, region: str) -> None:
    service = load_settings(profile, environ={}).service
    assert service == ServiceSettings(
        kind="qwen",
        profile=profile,
        base_url=f"https://{host}/api/v1",
        websocket_url=f"wss://{host}/api-ws/v1",
        region=region,
        workspace="",
        design_model="qwen-voice-design",
        speech_model="qwen3-tts-vd-2026-01-26",
        download_hosts=("*.aliyuncs.com",),
        sandbox=False,
    )


def test_a_paid_profile_is_asked_gently_and_the_sandbox_without_limit() -> None:
    paid = load_settings("international", environ={}).limits
    assert (paid.per_minute, paid.per_second, paid.in_flight) == (120, 2.0, 4)
    sandbox = load_settings("sandbox", environ={}).limits
    assert (sandbox.per_minute, sandbox.per_second, sandbox.in_flight) == (0, 0.0, 8)


def test_the_sandbox_ignores_every_variable_of_the_vendor() -> None:
    settings = load_settings("sandbox", environ=VENDOR)
    assert settings == load_settings("sandbox", environ={})
    assert (settings.service.base_url, settings.service.websocket_url, settings.service.workspace) == ("", "", "")
    assert settings.service.download_hosts == ()
    assert api_key(settings, VENDOR) == SANDBOX_KEY


def test_the_vendors_variables_override_a_paid_profile() -> None:
    service = load_settings("international", environ=VENDOR).service
    assert service.base_url == "https://dashscope.aliyuncs.com/api/v1"
    assert service.websocket_url == "wss://dashscope.aliyuncs.com/api-ws/v1"
    assert service.workspace == "ws-1"
    assert service.region == "cn-beijing"


def test_the_newer_variable_counts_before_the_older_one() -> None:
    environ = {
        "DASHSCOPE_HTTP_BASE_URL": "http://127.0.0.1:1/api/v1",
        "DASHSCOPE_BASE_URL": "http://127.0.0.1:2/api/v1",
    }
    assert load_settings("china", environ=environ).service.base_url == "http://127.0.0.1:2/api/v1"
    del environ["DASHSCOPE_BASE_URL"]
    assert load_settings("china", environ=environ).service.base_url == "http://127.0.0.1:1/api/v1"


def test_an_empty_variable_is_not_set() -> None:
    environ = {"DASHSCOPE_BASE_URL": " ", "DASHSCOPE_WORKSPACE": ""}
    assert load_settings("china", environ=environ) == load_settings("china", environ={})


def test_a_moved_service_takes_its_websocket_address_along() -> None:
    service = load_settings("china", environ={"DASHSCOPE_BASE_URL": "http://localhost:9/api/v1/"}).service
    assert service.base_url == "http://localhost:9/api/v1"
    assert service.websocket_url == "ws://localhost:9/api-ws/v1"
    assert service.region == "cn-beijing"


def test_a_workspace_host_tells_its_region() -> None:
    environ = {"DASHSCOPE_BASE_URL": "https://abc.ap-southeast-1.maas.aliyuncs.com/api/v1"}
    assert load_settings("china", environ=environ).service.region == "ap-southeast-1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/api/v1", "not encrypted"),
        ("http://127.0.0.1.example.com/api/v1", "not encrypted"),
        ("http://10.0.0.1/api/v1", "not encrypted"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "OpenAI-compatible"),
        ("https://dashscope.aliyuncs.com", "ends in /api/v1"),
        ("https://dashscope.aliyuncs.com/api/v2", "ends in /api/v1"),
        ("https://user:secret@dashscope.aliyuncs.com/api/v1", "login"),
        ("https://dashscope.aliyuncs.com/api/v1?key=x", "query"),
        ("ftp://127.0.0.1/api/v1", "not an address"),
        ("dashscope.aliyuncs.com/api/v1", "not an address"),
        ("https://[::1/api/v1", "not an address"),
        ("https://h:99999/api/v1", "not an address"),
        ("https://a b/api/v1", "not an address"),
    ],
)
def test_an_address_that_must_not_get_the_key_is_refused(url: str, words: str) -> None:
    (found,) = mistakes("china", DASHSCOPE_BASE_URL=url)
    assert found.startswith("environment variable DASHSCOPE_BASE_URL: ")
    assert words in found
    assert "secret" not in found


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000", "127.8.9.1"])
def test_this_machine_may_be_asked_unencrypted(host: str) -> None:
    url = f"http://{host}/api/v1"
    assert load_settings("china", environ={"DASHSCOPE_BASE_URL": url}).service.base_url == url


def test_a_websocket_address_obeys_the_same_rule() -> None:
    (found,) = mistakes("china", DASHSCOPE_WEBSOCKET_BASE_URL="ws://example.com/api-ws/v1")
    assert "not encrypted" in found


def test_a_profile_of_ones_own_is_a_path(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[service]\nbase_url = "https://x.cn-beijing.maas.aliyuncs.com/api/v1"\n[audio]\nhead_ms = 500\n'
    )
    settings = load_settings(path, environ={})
    assert (settings.service.profile, settings.service.region) == ("mine", "cn-beijing")
    assert settings.service.websocket_url == "wss://x.cn-beijing.maas.aliyuncs.com/api-ws/v1"
    assert settings.audio.head_ms == 500


def test_overrides_count_last(tmp_path: Path) -> None:
    path = written(tmp_path, "[service]\nsandbox = true\n[audio]\nhead_ms = 500\ntail_ms = 1000\n")
    overrides: dict[str, dict[str, object]] = {"audio": {"head_ms": 600}, "chunks": {"unit": "bytes"}}
    settings = load_settings(path, environ={}, overrides=overrides)
    assert (settings.audio.head_ms, settings.audio.tail_ms) == (600, 1000)
    assert settings.chunks.unit is LengthUnit.BYTES


def test_a_wrong_override_is_named_by_its_key() -> None:
    with pytest.raises(InputError, match=r"audio\.hed_ms: unknown key `hed_ms`.*Did you mean `head_ms`"):
        load_settings("sandbox", environ={}, overrides={"audio": {"hed_ms": 5}})


def test_an_unknown_profile_lists_the_known_ones() -> None:
    (found,) = mistakes("chnia")
    assert ", ".join(profile_names()) in found
    assert "Did you mean `china`?" in found


def test_a_profile_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no such file" in mistakes(str(tmp_path / "none.toml"))[0]


def test_broken_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (found,) = mistakes(written(tmp_path, "[service]\nregion = x\n"))
    assert "line 2" in found


def test_every_mistake_of_a_profile_and_the_environment_comes_at_once(tmp_path: Path) -> None:
    text = (
        'foo = 1\n[service]\nregio = "x"\nsandbox = "yes"\nkind = ""\n[limit]\na = 1\n[limits]\nper_minute = "12"\n'
        'attempts = true\nread_s = 0\nper_second = nan\n[chunks]\nunit = "byte"\n[audio]\nrate_hz = 44000\n'
    )
    found = mistakes(written(tmp_path, text))
    assert [message.split(": ")[0] for message in found] == [
        "mine.toml, line 1, foo",
        "mine.toml, line 3, service.regio",
        "mine.toml, line 4, service.sandbox",
        "mine.toml, line 5, service.kind",
        "mine.toml, line 6, limit",
        "mine.toml, line 9, limits.per_minute",
        "mine.toml, line 10, limits.attempts",
        "mine.toml, line 11, limits.read_s",
        "mine.toml, line 12, limits.per_second",
        "mine.toml, line 14, chunks.unit",
        "mine.toml, line 16, audio.rate_hz",
    ]
    assert "Did you mean `region`?" in found[1]
    assert "Did you mean `limits`?" in found[4]


def test_a_paid_profile_without_an_address_is_refused(tmp_path: Path) -> None:
    (found,) = mistakes(written(tmp_path, "[audio]\nhead_ms = 500\n"))
    assert "`base_url` is missing" in found


def test_a_sandbox_on_another_machine_is_refused(tmp_path: Path) -> None:
    text = '[service]\nsandbox = true\nbase_url = "https://example.com/api/v1"\n'
    assert "another machine" in mistakes(written(tmp_path, text))[0]


def test_a_peak_below_the_level_is_refused(tmp_path: Path) -> None:
    text = "[service]\nsandbox = true\n[audio]\npeak_dbtp = -20\n"
    (found,) = mistakes(written(tmp_path, text))
    assert "mine.toml, line 4, audio.peak_dbtp" in found


@pytest.mark.parametrize("rate_hz", [22_050, 24_000])
def test_an_mp3_that_cannot_exist_is_refused(rate_hz: int) -> None:
    overrides: dict[str, dict[str, object]] = {"audio": {"rate_hz": rate_hz}}
    with pytest.raises(InputError, match=rf"cannot have a sample rate of {rate_hz} Hz; expected at most 160"):
        load_settings("sandbox", environ={}, overrides=overrides)
    overrides["audio"]["bitrate_kbps"] = 96
    assert load_settings("sandbox", environ={}, overrides=overrides).audio.rate_hz == rate_hz


def test_the_key_comes_from_the_environment_alone() -> None:
    settings = load_settings("international", environ={})
    assert api_key(settings, {"DASHSCOPE_API_KEY": " sk-abc\n"}) == "sk-abc"
    assert "sk-abc" not in repr(load_settings("international", environ={"DASHSCOPE_API_KEY": "sk-abc"}))


@pytest.mark.parametrize(("profile", "console"), [("international", "alibabacloud.com"), ("china", "aliyun.com")])
def test_a_missing_key_says_which_variable_and_which_site(profile: str, console: str) -> None:
    with pytest.raises(InputError, match="DASHSCOPE_API_KEY: is not set") as caught:
        api_key(load_settings(profile, environ={}), {})
    assert console in str(caught.value)


@pytest.mark.parametrize("key", ["sk-a b", "sk-a\r\nX-Evil: 1", "sk-é", "sk-“a”"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(InputError) as caught:
        api_key(load_settings("china", environ={}), {"DASHSCOPE_API_KEY": key})
    assert key not in str(caught.value)


def test_every_setting_has_a_default_a_meaning_and_a_row_in_the_reference() -> None:
    tables = {
        "service": ServiceSettings,
        "speech": SpeechSettings,
        "chunks": ChunkSettings,
        "limits": LimitSettings,
        "audio": AudioSettings,
        "chat": ChatSettings,
        "check": CheckSettings,
        "recogniser": RecogniserSettings,
    }
    fields = {
        f"{table}.{field.name}"
        for table, kind in tables.items()
        for field in dataclasses.fields(kind)
        if (table, field.name) != ("service", "profile")
    }
    defaults = tomllib.loads(defaults_text())
    named = [f"{table}.{key}" for table, keys in defaults.items() for key in keys]
    for preset in preset_names():
        (table,) = read_preset(preset).layer.tables.values()
        assert isinstance(table, dict)
        assert sorted([*named, *(f"audio.{key}" for key in table)]) == sorted(fields), preset
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in settings_reference().splitlines()[2:]]
    assert {row[0].strip("`") for row in rows} == fields
    assert all(len(row) == 3 and len(row[2]) > 10 for row in rows)


def test_settings_cannot_be_changed() -> None:
    settings = load_settings("sandbox", environ={})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.audio.head_ms = 1  # type: ignore[misc]
