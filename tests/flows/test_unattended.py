"""`narrate serve` on a real Prefect server, with the automations of the project: how runs end, and who is told."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import Recorder, recorder, small_book
from tests.prove.harness import KEY, NARRATE, ROOT, Studio, Vendor, bought_twice, vendor
from tests.prove.server import Server, free_port, worker
from tests.prove.workers import write_book

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

PATIENCE_S = 300.0
"""Where other work keeps the machine busy; everything is there in seconds otherwise."""
DEAD = "narrate, a dead run is crashed"
LONG_MS = 1500
"""So long an answer takes in a run that is to be met at work: of the book's fourteen two are open at a time."""


def _until(what: str, found: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is looked for
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if there := found():
            return there
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@dataclass(slots=True, kw_only=True)
class Evening:
    """A machine that serves the flows, and whoever is told of their ends.

    Attributes:
        server, shop, told: Prefect, the vendor, and where notifications go.
        folder: of the books, each with a store of its own.
        log: of `narrate serve`.
        process: `narrate serve`, once it was started.
    """

    server: Server
    shop: Vendor
    told: Recorder
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def book(self, name: str, *, in_flight: int = 8) -> Path:
        return small_book(self.folder / name, profile=str(self.shop.profile(in_flight=in_flight)))

    def long_book(self, name: str, *, in_flight: int, lines: int = 40) -> Path:
        """A book of two chapters that is spoken for longer than anything takes to be noticed."""
        write_book(self.folder / name, name, profile=self.shop.profile(in_flight=in_flight), chapters=2, lines=lines)
        return self.folder / name

    def start(self, name: str, **parameters: object) -> str:
        return self.server.run("render-book", production=name, store=str(self.store(name)), **parameters)

    def serve(self) -> None:
        """Begin to serve, with a schedule of the nightly run."""
        rule = ("--rrule", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=3", "--zone", "Europe/Vienna")
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [*NARRATE, "serve", "--shelf", "shelf", *rule],
                env=self.server.variables(
                    NARRATION_HOME=str(self.folder / "home"),
                    NARRATION_BOOKS=str(self.folder),
                    DASHSCOPE_API_KEY=KEY,
                    PREFECT_RUNNER_POLL_FREQUENCY="1",
                    PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30",
                ),
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        _until("it does not serve", lambda: "Serving until Ctrl-C" in self.log.read_text())

    def end(self) -> int:
        """Say the word that ends it; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_S)

    def store(self, name: str) -> Path:
        return self.folder / f"store-{name}"

    def left_open(self, name: str) -> list[Path]:
        kinds = ("open", "runs", "ledger/pending")
        return [path for kind in kinds for path in (self.store(name) / kind).rglob("*.json")]

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run, once it is over and its end is among its tags."""
        self.server.wait(run_id, timeout_s=PATIENCE_S)

        def tagged() -> dict[str, Any] | None:
            run = self.server.state_of(run_id)
            return run if any(tag.startswith("outcome:") for tag in run["tags"]) else None

        found: dict[str, Any] = _until("the run has no tag of its end", tagged)
        return found

    def asks(self, run_id: str) -> None:
        """Wait until a run waits for an answer."""
        _until("it does not ask", lambda: self.server.state_of(run_id)["state_type"] == "PAUSED")

    def notice(self, words: str) -> str:
        """The first notification with these words in it."""
        found = _until(f"nobody was told of {words}", lambda: [body for body in self._bodies() if words in body])
        return str(found[0])

    def _bodies(self) -> list[str]:
        return [seen.body.decode() for seen in self.told.seen]

    def logs(self, run_id: str, *, last: str) -> list[dict[str, Any]]:
        """The log of a run, once a message that begins like its last one is there: it comes to the server in parts."""
        query = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC"}

        def whole() -> list[dict[str, Any]] | None:
            lines: list[dict[str, Any]] = self.server.post("logs/filter", query)
            return lines if any(line["message"].startswith(last) for line in lines) else None

        found: list[dict[str, Any]] = _until(f"the log of the run has no “{last}”", whole)
        return found


def _automated(server: Server, url: str, folder: Path) -> None:
    """The automations, made as docs/scheduling.md says."""
    kind = server.get("block_types/slug/custom-webhook")
    (schema, *_) = server.post("block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})
    data = {"name": "desk", "url": url, "json_data": {"subject": "{{subject}}", "body": "{{body}}"}}
    made = {"name": "desk", "data": data, "block_type_id": kind["id"], "block_schema_id": schema["id"]}
    block_id = server.post("block_documents/", made)["id"]
    file = folder / "mine.yaml"
    file.write_text((ROOT / "automations.yaml").read_text().replace("NOTIFICATION_BLOCK_ID", block_id))
    server.prefect("automation", "create", "--from-file", str(file))


@pytest.fixture(scope="module")
def opened(prefect: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """`narrate serve` with all automations, for as long as this module lasts."""
    folder = tmp_path_factory.mktemp("evening")
    (folder / "shelf").mkdir()
    with vendor(folder) as shop, recorder() as told:
        _automated(prefect, told.root, folder)
        evening = Evening(server=prefect, shop=shop, told=told, folder=folder, log=folder / "serve.log")
        try:
            evening.serve()
            yield evening
        finally:
            evening.end()
            for automation in prefect.post("automations/filter"):
                prefect.delete(f"automations/{automation['id']}")


@pytest.fixture
def evening(opened: Evening) -> Iterator[Evening]:
    """The same for each test, with a vendor that does as it should and at once."""
    yield opened
    opened.shop.switch(poison_words=[], latency_ms=0)


def test_findings_and_a_budget_are_told_apart_by_state_tags_and_notification(evening: Evening) -> None:
    evening.book("sweet")
    evening.book("poor")
    evening.shop.switch(poison_words=["sugar"])
    sweet, poor = evening.start("sweet"), evening.start("poor", budget_usd=0.25, chapters="1")

    run = evening.ended(sweet)
    profile = evening.shop.profile().stem
    assert (run["name"], run["state_name"]) == (f"The Kettle ({profile})", "FinishedWithFindings")
    assert {"book:sweet", f"profile:{profile}", "outcome:FinishedWithFindings", "exit:3"} <= set(run["tags"])
    assert "FinishedWithFindings" in evening.notice("FinishedWithFindings")
    lines = evening.logs(sweet, last="2 of 2 chapters finished")
    said = [(line["level"], line["message"]) for line in lines]
    assert any(level == 20 and message.startswith("chapter 1, Steam: ") for level, message in said), said
    assert any(level == 30 and message.startswith("chapter 2, Tea: ") for level, message in said), said
    assert not [message for _, message in said if KEY in message or "nobody had come" in message]

    run = evening.ended(poor)
    assert (run["name"], run["state_name"]) == (f"The Kettle, chapters 1 ({profile})", "StoppedByBudget")
    assert {"book:poor", "outcome:StoppedByBudget", "exit:4"} <= set(run["tags"])
    assert "budget" in evening.notice("StoppedByBudget")


def test_a_spend_above_the_limit_waits_for_a_yes_and_a_no_spends_nothing(evening: Evening) -> None:
    evening.book("dear")
    evening.book("too-dear")
    runs = {name: evening.start(name, approve_above_usd=0.01) for name in ("dear", "too-dear")}
    for run_id in runs.values():
        evening.asks(run_id)
    assert not [path for name in runs for path in evening.store(name).rglob("*.wav")]
    for name, answer in (("dear", {"approve": True, "budget_usd": 4.0}), ("too-dear", {"approve": False})):
        reply = evening.server.post(f"flow_runs/{runs[name]}/resume", {"run_input": answer})
        assert reply["status"] == "ACCEPT", reply
    assert evening.ended(runs["dear"])["state_name"] == "Completed"
    refused = evening.ended(runs["too-dear"])
    assert refused["state_name"] == "Interrupted"
    assert {"book:too-dear", "exit:130"} <= set(refused["tags"])
    assert not list(evening.store("too-dear").rglob("*.wav"))


@contextlib.contextmanager
def _for_a_worker(evening: Evening) -> Iterator[str]:
    """The flow of a book, offered once more: to a pool with one worker; the path of that deployment."""
    kept = ("flow_id", "entrypoint", "parameter_openapi_schema")
    served = evening.server.get("deployments/name/render-book/render-book")
    evening.server.post("work_pools/", {"name": "desk", "type": "process"})
    offered = {"name": "pooled", "work_pool_name": "desk", "pull_steps": [], **{name: served[name] for name in kept}}
    path = f"deployments/{evening.server.post('deployments/', offered)['id']}"
    own = {"NARRATION_BOOKS": str(evening.folder), "NARRATION_HOME": str(evening.folder / "home")}
    with worker(evening.server, evening.folder / "worker", pool="desk", PREFECT_WORKER_QUERY_SECONDS="1", **own):
        yield path
    evening.server.delete(path)


@contextlib.contextmanager
def _for_who_serves(evening: Evening) -> Iterator[str]:
    yield f"deployments/{evening.server.get('deployments/name/render-book/render-book')['id']}"


@pytest.mark.parametrize(("name", "offered"), [("stopped", _for_who_serves), ("stopped-worker", _for_a_worker)])
def test_a_run_that_is_cancelled_comes_to_rest_and_the_next_one_buys_only_the_rest(
    evening: Evening,
    narrate: Narrate,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    offered: Callable[[Evening], contextlib.AbstractContextManager[str]],
) -> None:
    book = evening.long_book(name, in_flight=2)
    before = len(evening.shop.rows())
    evening.shop.switch(latency_ms=LONG_MS)
    with offered(evening) as deployment:
        parameters = {"production": name, "store": str(evening.store(name))}
        run_id = evening.server.post(f"{deployment}/create_flow_run", {"parameters": parameters})["id"]
        _until("nothing is spoken", lambda: len(evening.shop.rows()) >= before + 2)
        evening.shop.switch(latency_ms=4 * LONG_MS)  # there is work for longer than it takes to be told to end
        evening.server.post(f"flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
        run = evening.ended(run_id)
    assert run["state_type"] == "CANCELLED", run["state"]
    assert {f"book:{name}", "outcome:Cancelled"} <= set(run["tags"])
    assert evening.left_open(name) == []
    spoken = len(evening.shop.rows())
    evening.shop.switch(latency_ms=0)
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    again = narrate("render", book, "--store", evening.store(name), "--json")
    assert again.code == 0, again.err
    assert again.json["chunks_spoken"] == len(evening.shop.rows()) - spoken > 0
    assert (again.json["recovered"], again.json["calls_in_doubt"]) == (0, 0)
    assert bought_twice(evening.shop.rows()) == 0


def test_who_cancels_a_book_cancels_its_parts_as_well(evening: Evening) -> None:
    evening.long_book("dealt", in_flight=1, lines=600)
    evening.shop.switch(latency_ms=500)
    before = len(evening.shop.rows())
    whole = evening.start("dealt", parts=2)
    query = {"flow_runs": {"tags": {"all_": ["book:dealt", "part"]}}}
    (part,) = _until("no part is dealt", lambda: evening.server.post("flow_runs/filter", query))
    _until("the part does not begin", lambda: evening.server.state_of(part["id"])["state_type"] == "RUNNING")
    _until("nothing is spoken", lambda: len(evening.shop.rows()) > before)
    evening.server.post(f"flow_runs/{whole}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    for run_id in (whole, part["id"]):
        assert evening.ended(run_id)["state_type"] == "CANCELLED"
    evening.shop.switch(latency_ms=0)
    assert evening.left_open("dealt") == []
    assert 0 < len(list(evening.store("dealt").rglob("*.wav"))) < 1200


def test_a_killed_run_is_marked_by_its_missing_heartbeats_and_the_next_one_goes_on(
    evening: Evening, narrate: Narrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hasten(evening.server, within_s=15)
    book = evening.long_book("killed", in_flight=2)
    studio = Studio(
        home=evening.folder / "home",
        out=book / "out",
        profile=evening.shop.profile(in_flight=2),
        store=str(evening.store("killed")),
        variables=evening.server.variables(PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30"),
    )
    before = len(evening.shop.rows())
    evening.shop.switch(latency_ms=LONG_MS)
    process = studio.start(book=book)
    _until("nothing is spoken", lambda: len(evening.shop.rows()) >= before + 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    evening.shop.switch(latency_ms=0)
    query = {"flow_runs": {"tags": {"all_": ["book:killed"]}}}
    (run,) = evening.server.post("flow_runs/filter", query)
    found = evening.server.wait(run["id"], timeout_s=PATIENCE_S)
    assert found["state_type"] == "CRASHED"
    assert found["state"]["message"].startswith("No heartbeat")
    assert ": Crashed" in evening.notice("No heartbeat")
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    again = narrate("render", book, "--store", evening.store("killed"), "--json")
    assert again.code == 0, again.err
    assert bought_twice(evening.shop.rows()) <= 2  # those in flight, whose answers nobody read


def _hasten(server: Server, *, within_s: int) -> None:
    """Have missing heartbeats noticed sooner than the file says."""
    (found,) = [one for one in server.post("automations/filter") if one["name"] == DEAD]
    kept = {name: found[name] for name in ("name", "description", "enabled", "trigger", "actions")}
    assert kept["trigger"]["within"] == 90
    server.put(f"automations/{found['id']}", {**kept, "trigger": {**kept["trigger"], "within": within_s}})


def test_everything_is_served_a_word_ends_it_and_schedules_wake_with_the_next_serving(evening: Evening) -> None:
    found = {one["name"]: one for one in evening.server.post("deployments/filter")}
    assert set(found) == {"render-book", "nightly", "audition-cast", "housekeeping"}
    assert all(one["status"] == "READY" for one in found.values())
    assert found["nightly"]["parameters"]["shelf"] == str(evening.folder / "shelf")
    (schedule,) = found["nightly"]["schedules"]
    assert (schedule["active"], schedule["schedule"]["timezone"]) == (True, "Europe/Vienna")
    planned = {
        "deployments": {"name": {"any_": ["nightly"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    _until("the schedule starts no run", lambda: evening.server.post("flow_runs/filter", planned))
    assert evening.end() == 0
    said = evening.log.read_text()
    assert "Stopped." in said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert evening.server.get("deployments/name/nightly/nightly")["paused"]
    _until("runs of the schedule are left", lambda: not evening.server.post("flow_runs/filter", planned))
    evening.serve()
    assert not evening.server.get("deployments/name/nightly/nightly")["paused"]
    _until("the schedule starts no run any more", lambda: evening.server.post("flow_runs/filter", planned))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--cron", "every night"), "--cron"),
        (("--rrule", "FREQ=SOMETIMES"), "--rrule"),
        (("--cron", "0 22 * * *", "--every", "60"), "--cron, --every"),
        (("--cron", "0 22 * * *", "--zone", "Mars/Olympus"), "--zone"),
    ],
)
def test_a_schedule_that_is_none_is_a_mistake_and_named(
    narrate: Narrate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    said = narrate("serve", "--shelf", tmp_path, *options)
    assert said.code == 2
    assert named in said.err
    assert "Traceback" not in said.err


def test_serving_for_a_server_that_does_not_answer_says_which(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    studio = Studio(home=tmp_path, out=tmp_path, profile=tmp_path, variables={"PREFECT_API_URL": url})
    code, _, err = studio.run("serve")
    assert (code, url in err, "Traceback" in err) == (6, True, False), json.dumps(err)
