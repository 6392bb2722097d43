"""What is offered on a Prefect server: the same by file and by command, with forms that a person can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.events.schemas.automations import AutomationCore
from ruamel.yaml import YAML

from flows.deployments import OFFERS, Offer
from flows.render import BOOK_SAYS, PresetName
from flows.spreading import dealt
from flows.states import NAMES, ended, outcome_tags
from narration.errors import ExitCode
from narration.formats import Format
from narration.settings.presets import preset_names
from narration.window import read_window
from tests.flows.conftest import Narrate
from tests.flows.stage import ROOT


def _written() -> dict[str, dict[str, Any]]:
    found = YAML(typ="safe").load(ROOT / "prefect.yaml")
    return {deployment["name"]: deployment for deployment in found["deployments"]}


def test_the_file_for_workers_and_the_command_offer_the_same() -> None:
    written = _written()
    assert list(written) == [offer.name for offer in OFFERS]
    for offer in OFFERS:
        deployment = written[offer.name]
        assert deployment["entrypoint"] == offer.entrypoint
        assert deployment["description"] == offer.description
        assert tuple(deployment["tags"]) == offer.tags
        assert ("concurrency_limit" in deployment) == offer.alone
        assert offer.flow().name == offer.name


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
def test_every_parameter_has_a_title_and_is_explained(offer: Offer) -> None:
    properties = offer.flow().parameters.properties
    assert properties
    for name, schema in properties.items():
        assert schema["title"] != name
        assert schema["title"][0].isupper(), name
        assert schema["description"][-1] == ".", name


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
def test_only_amounts_of_money_have_a_switch_for_none_in_the_form(offer: Offer) -> None:
    properties = offer.flow().parameters.properties
    switched = {name for name, schema in properties.items() if {"type": "null"} in schema.get("anyOf", [])}
    assert switched == {name for name in properties if name.endswith("_usd")}


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
def test_the_parameters_of_the_file_are_those_of_the_flow(offer: Offer) -> None:
    parameters = _written()[offer.name].get("parameters", {})
    assert set(parameters) <= set(offer.flow().parameters.properties)
    if "window" in parameters:
        assert read_window(parameters["window"], parameters["zone"]) is not None


def test_a_render_has_choices_where_there_is_a_choice() -> None:
    assert get_args(PresetName) == (BOOK_SAYS, *preset_names())
    written = json.dumps(OFFERS[0].flow().parameters.model_dump())
    for choice in (*preset_names(), *Format):
        assert f'"{choice}"' in written


@given(code=st.sampled_from(ExitCode))
def test_every_way_of_ending_has_its_tags(code: ExitCode) -> None:
    assert outcome_tags(ended(code, "").name or "") == (f"outcome:{NAMES[code]}", f"exit:{int(code)}")
    assert outcome_tags("Crashed") == ("outcome:Crashed",)


def test_every_exit_code_has_a_state_of_its_own() -> None:
    assert set(NAMES) == set(ExitCode)
    assert len(set(NAMES.values())) == len(NAMES)
    assert ended(ExitCode.WINDOW, "").is_completed()
    assert ended(ExitCode.FINDINGS, "look").is_failed()


@given(work=st.dictionaries(st.integers(1, 99), st.integers(1, 500)), parts=st.integers(1, 12))
def test_every_chapter_is_dealt_once_and_no_part_has_more_than_its_share_and_one_chapter(
    work: dict[int, int], parts: int
) -> None:
    hands = dealt(work, parts)
    assert sorted(number for hand in hands for number in hand) == sorted(work)
    assert len(hands) == min(parts, len(work))
    for hand in hands:
        assert sum(work[number] for number in hand) <= sum(work.values()) / parts + max(work.values())


def test_serving_needs_a_server(narrate: Narrate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = narrate("serve")
    assert said.code == ExitCode.WRONG_INPUT
    assert "PREFECT_API_URL" in said.err
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert "--shelf" in narrate("serve", "--cron", "0 22 * * *").err
    assert str(tmp_path / "no") in narrate("serve", "--shelf", tmp_path / "no").err
    assert "no window" in narrate("serve", "--shelf", tmp_path, "--window", "at night").err


def _automations() -> list[dict[str, Any]]:
    found = YAML(typ="safe").load(ROOT / "automations.yaml")
    return list(found["automations"])


def test_the_automations_are_such_as_prefect_takes_and_wait_for_states_that_there_are() -> None:
    theirs = {"Cancelled", "Crashed", "Paused", "Suspended", "heartbeat"}
    names = {f"prefect.flow-run.{name}" for name in {*NAMES.values(), *theirs}}
    for automation in _automations():
        for action in automation["actions"]:
            if "block_document_id" in action:
                action["block_document_id"] = "00000000-0000-0000-0000-000000000000"
        AutomationCore.model_validate(automation)
        assert set(automation["trigger"]["expect"]) <= names, automation["name"]


def test_a_run_that_ends_in_any_way_is_not_taken_for_dead() -> None:
    (dead,) = [found for found in _automations() if found["trigger"]["posture"] == "Proactive"]
    assert {f"prefect.flow-run.{name}" for name in NAMES.values()} <= set(dead["trigger"]["expect"])
