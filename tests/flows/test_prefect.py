"""A render watched on a Prefect server, one whose server is away, and one without: the same files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.flows.stage import small_book
from tests.leaks import leaked
from tests.prove.harness import KEY, ROOT, Studio, vendor
from tests.prove.server import START_S, Server, free_port

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]


def _found(server: Server, what: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.post(f"{what}/filter", query)
    return found


def _tasks_are(server: Server, run: dict[str, Any], names: set[str]) -> None:
    """See that a run has these tasks; the server writes them down some time after it was told of them."""
    query, deadline = {"flow_runs": {"id": {"any_": [run["id"]]}}}, time.monotonic() + START_S
    while (found := {task["name"] for task in _found(server, "task_runs", query)}) < names:
        assert time.monotonic() < deadline, found
        time.sleep(0.25)
    assert found == names


def test_a_render_is_told_on_the_server_without_the_key_and_its_files_are_those_of_one_without(
    prefect: Server, tmp_path: Path
) -> None:
    with vendor(tmp_path) as shop:
        home, profile = tmp_path / "home", shop.profile()
        watched = Studio(
            home=home,
            out=tmp_path / "watched",
            profile=profile,
            variables={"PREFECT_API_URL": prefect.url, "PREFECT_HOME": str(tmp_path / "prefect")},
        )
        code, summary, err = watched.render("--chapters", "1-2")
        assert code == 0, err
        (run,) = [
            run for run in _found(prefect, "flow_runs") if run["name"].startswith("The Counted Things, chapters 1-2")
        ]
        assert run["state_type"] == "COMPLETED"
        assert {"book:demo", "outcome:Completed", "exit:0"} <= set(run["tags"])
        _tasks_are(prefect, run, {"1. Chapter One: Stores and Sundries", "2. Chapter Two: Nineteen Hooks"})
        of_run = {"sort": "CREATED_DESC", "flow_runs": {"id": {"any_": [run["id"]]}}}
        artifacts = _found(prefect, "artifacts", of_run)
        newest = {artifact["key"].rpartition("-")[2]: artifact for artifact in reversed(artifacts)}
        assert float(newest["progress"]["data"]) == 100.0
        assert "Chapter Two: Nineteen Hooks" in newest["chapters"]["data"]
        assert f"{summary['cost_usd']:.4f}" in newest["report"]["data"]
        assert "created by this run" in newest["voices"]["data"]
        assert watched.usage()["calls"] > 0
        assert leaked(prefect.home, KEY) == leaked(tmp_path / "prefect", KEY) == []
        alone = Studio(home=home, out=tmp_path / "alone", profile=profile)
        code, again, err = alone.render("--chapters", "1-2")
        assert (code, again["chunks_spoken"]) == (0, 0), err
        assert alone.files() == watched.files() != {}


def test_a_render_that_is_refused_is_a_failed_run_with_our_words(prefect: Server, tmp_path: Path) -> None:
    with vendor(tmp_path) as shop:
        studio = Studio(
            home=tmp_path / "home",
            out=tmp_path / "out",
            profile=shop.profile(),
            variables={
                "PREFECT_API_URL": prefect.url,
                "PREFECT_HOME": str(tmp_path / "prefect"),
                "DASHSCOPE_API_KEY": "no-key",
            },
        )
        code, _summary, err = studio.render("--chapters", "3")
    assert code == 5, err
    assert "Traceback" not in err
    (run,) = [run for run in _found(prefect, "flow_runs") if "chapters 3" in run["name"]]
    assert run["state_type"] == "FAILED"
    assert "KeyRefused" in run["state"]["message"]
    assert "no-key" not in str(run)


def test_a_server_that_is_away_is_a_warning_and_the_render_goes_on(tmp_path: Path) -> None:
    with vendor(tmp_path) as shop:
        studio = Studio(
            home=tmp_path / "home",
            out=tmp_path / "out",
            profile=shop.profile(),
            variables={
                "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
                "PREFECT_HOME": str(tmp_path / "prefect"),
            },
        )
        code, summary, err = studio.render("--chapters", "1")
    assert code == 0, err
    assert summary["chapters"][0]["state"] == "finished"
    assert "Prefect" in err
    assert "Traceback" not in err


def _answered(server: Server, run_name: str, answer: dict[str, str]) -> None:
    """Wait until a flow run asks, and answer it as the form in the UI does."""
    deadline = time.monotonic() + START_S
    while True:
        runs = [run for run in _found(server, "flow_runs") if run["name"].startswith(run_name)]
        if runs and runs[0]["state_type"] == "PAUSED":
            break
        assert time.monotonic() < deadline, [run["state"] for run in runs]
        time.sleep(0.25)
    reply = server.post(f"flow_runs/{runs[0]['id']}/resume", {"run_input": answer})
    assert reply["status"] == "ACCEPT", reply


def test_an_audition_waits_for_a_choice_on_the_server_and_locks_it(prefect: Server, tmp_path: Path) -> None:
    book = small_book(tmp_path / "book")
    call = (
        "import asyncio, sys; from flows.audition import audition_cast; "
        "print(asyncio.run(audition_cast(production=sys.argv[1], characters=['Ann'], candidates=2, wait_s=600, "
        "return_state=True)).message)"
    )
    variables = {
        **os.environ,
        "PREFECT_API_URL": prefect.url,
        "NARRATION_HOME": str(tmp_path / "home"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
    }
    argv = [sys.executable, "-c", call, str(book)]
    with subprocess.Popen(argv, env=variables, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            _answered(prefect, "audition", {"character_0": "2"})
            out, _ = process.communicate(timeout=START_S)
        finally:
            process.kill()
    assert "Ann: 2" in out
    studio = Studio(home=tmp_path / "home", out=tmp_path / "out", profile=tmp_path)
    code, listed, _ = studio.run("voices", "list", "--json")
    assert code == 0
    assert [voice["locked"] for voice in json.loads(listed)["voices"]] == [False, True]
    artifacts = [artifact for artifact in _found(prefect, "artifacts") if artifact["key"] == "book-audition"]
    assert "| Ann | 2 |" in artifacts[0]["data"]


def test_the_doctor_sees_a_pool_without_workers(prefect: Server, tmp_path: Path) -> None:
    variables = {"PREFECT_API_URL": prefect.url, "PREFECT_HOME": str(tmp_path / "prefect")}
    studio = Studio(home=tmp_path / "home", out=tmp_path / "out", profile=tmp_path, variables=variables)

    def looked() -> tuple[int, dict[str, dict[str, Any]]]:
        code, out, err = studio.run("doctor", "--json")
        assert out, err
        return code, {check["name"]: check for check in json.loads(out)["checks"]}

    for left in prefect.post("deployments/filter"):  # of other tests on this server
        prefect.delete(f"deployments/{left['id']}")
    code, checks = looked()
    assert code == 0, checks
    assert "deployments: none" in checks["server"]["says"]
    assert "none is needed" in checks["worker"]["says"]
    prefect.post("work_pools/", {"name": "looked-at", "type": "process"})
    flow = prefect.post("flows/", {"name": "render-book"})["id"]
    deployment = {"name": "render-book", "flow_id": flow, "work_pool_name": "looked-at", "tags": ["narrate"]}
    prefect.post("deployments/", deployment)
    code, checks = looked()
    assert code == 6
    assert "No worker is online for looked-at" in checks["worker"]["says"]
    assert "prefect worker start --pool looked-at" in checks["worker"]["says"]
    prefect.post("work_pools/looked-at/workers/heartbeat", {"name": "one"})
    code, checks = looked()
    assert code == 0, checks
    assert checks["worker"]["says"] == "1 worker online for looked-at"
