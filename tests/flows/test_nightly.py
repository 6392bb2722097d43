"""`narrate nightly` over a shelf: what changed is rendered, in order, within the window and the budget."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.endings import Became, NightSummary
from flows.night import Night, NightRequest
from flows.opening import Job
from flows.progress import Progress
from flows.rendering import render
from narration.desk import Halt
from narration.errors import ExitCode, WindowClosed
from narration.report.summary import Summary
from narration.window import read_window
from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, MANUSCRIPT, small_book
from tests.prove.harness import Vendor, bought_twice

pytestmark = pytest.mark.slow


def _shelf(tmp_path: Path, profile: Path, *names: str) -> Path:
    """A shelf of small books, each with a text of its own."""
    for name in names:
        text = MANUSCRIPT.replace("kettle had", f"kettle of {name} had")
        small_book(tmp_path / "shelf" / name, manuscript=text, book=BOOK.format(profile=profile))
    return tmp_path / "shelf"


def _night(request: NightRequest, clock: Callable[[], float] = time.time) -> Night:
    return Night(request=request, environ=dict(os.environ), clock=clock)


def _became(summary: NightSummary) -> dict[str, Became]:
    return {book.folder.name: book.became for book in summary.books}


def test_what_did_not_change_is_left_alone_whenever_its_files_were_written(
    narrate: Narrate, tmp_path: Path, paid: Path, shop: Vendor
) -> None:
    shelf = _shelf(tmp_path, paid, "apple", "berry")
    first = narrate("nightly", shelf, "--json")
    assert (first.code, first.err) == (0, "")
    assert [book["became"] for book in first.json["books"]] == ["rendered", "rendered"]
    calls = shop.bill()["calls"]
    for path in shelf.rglob("*"):
        os.utime(path)
    again = narrate("nightly", shelf, "--json")
    assert [book["became"] for book in again.json["books"]] == ["unchanged", "unchanged"]
    assert shop.bill()["calls"] == calls

    manuscript = shelf / "apple" / "kettle.md"
    times = (manuscript.stat().st_atime, manuscript.stat().st_mtime)
    manuscript.write_text(manuscript.read_text(encoding="utf-8").replace("any sugar", "any honey"), encoding="utf-8")
    os.utime(manuscript, times)
    third = narrate("nightly", shelf, "--json")
    assert [book["became"] for book in third.json["books"]] == ["rendered", "unchanged"]
    (shelf / "berry" / "out" / "01 - Steam.mp3").unlink()
    fourth = narrate("nightly", shelf, "--json")
    assert [book["became"] for book in fourth.json["books"]] == ["unchanged", "delivered anew"]
    assert shop.bill()["calls"] == calls + 1


def test_a_book_that_fails_stops_no_other_and_its_file_is_named(narrate: Narrate, tmp_path: Path, paid: Path) -> None:
    shelf = _shelf(tmp_path, paid, "apple", "berry", "cherry")
    broken = shelf / "apple" / "cast.yaml"
    broken.write_text("characters:\n  - nmae: Narrator\n", encoding="utf-8")
    (shelf / "berry" / "kettle.md").unlink()
    (shelf / "not-a-book").mkdir()
    night = narrate("nightly", shelf)
    assert night.code == ExitCode.WRONG_INPUT
    assert str(broken) in night.err
    assert str(shelf / "berry" / "book.yaml") in night.err
    assert "Traceback" not in night.err
    assert (shelf / "cherry" / "out" / "02 - Tea.mp3").is_file()


def test_the_higher_priority_goes_first(narrate: Narrate, tmp_path: Path, paid: Path) -> None:
    shelf = _shelf(tmp_path, paid, "apple", "berry", "cherry")
    with (shelf / "cherry" / "book.yaml").open("a", encoding="utf-8") as file:
        file.write("priority: 5\n")
    with (shelf / "apple" / "book.yaml").open("a", encoding="utf-8") as file:
        file.write("priority: -1\n")
    night = narrate("nightly", shelf, "--json")
    assert [Path(book["folder"]).name for book in night.json["books"]] == ["cherry", "berry", "apple"]


def test_the_nights_budget_holds_for_all_books_and_what_costs_nothing_is_made_anyhow(
    narrate: Narrate, tmp_path: Path, paid: Path
) -> None:
    shelf = _shelf(tmp_path, paid, "apple", "berry", "cherry", "done")
    assert narrate("render", shelf / "done").code == 0
    whole = narrate("plan", shelf / "apple", "--json").json["cost_usd"]
    budget = 1.5 * whole
    night = narrate("nightly", shelf, "--budget", budget, "--json")
    assert night.code == ExitCode.BUDGET
    assert night.json["committed_usd"] <= budget
    became = [book["became"] for book in night.json["books"]]
    assert became[0] == "rendered"
    assert became[-1] == "unchanged"
    assert "waiting" in became
    rest = narrate("nightly", shelf, "--json")
    assert rest.code == 0
    assert "waiting" not in [book["became"] for book in rest.json["books"]]


def test_a_night_outside_its_window_buys_nothing(tmp_path: Path, paid: Path, shop: Vendor) -> None:
    shelf, calls = _shelf(tmp_path, paid, "apple"), shop.bill()["calls"]
    noon = 12 * 3600.0
    request = NightRequest(shelf=shelf, window=read_window("22:00-06:00", "UTC"))
    summary = asyncio.run(_night(request, lambda: noon).work())
    assert summary.exit_code is ExitCode.WINDOW
    assert _became(summary) == {"apple": Became.WAITING}
    assert shop.bill()["calls"] == calls


def test_when_the_window_closes_what_is_in_flight_is_finished_and_the_next_night_goes_on(
    tmp_path: Path, paid: Path, shop: Vendor
) -> None:
    assert paid.is_file()  # and its key is in the environment
    shelf = _shelf(tmp_path, shop.profile(in_flight=2), "apple", "berry")
    now, sent = [23 * 3600.0], list[int]()
    request = NightRequest(shelf=shelf, window=read_window("22:00-06:00", "UTC"))

    async def until_three(job: Job, progress: Progress, halt: Halt) -> Summary:
        """The window closes once three takes are there."""

        async def close() -> None:
            while progress.bought < 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
            sent.append(len(shop.rows()))
            now[0] = 30 * 3600.0
            night.stop(WindowClosed("The window has closed."))

        closing = asyncio.create_task(close())
        summary = await render(job, progress.plan, dict(os.environ), progress=progress, halt=halt)
        await closing
        return summary

    night = _night(request, lambda: now[0])
    summary = asyncio.run(night.work(until_three))
    assert summary.exit_code is ExitCode.WINDOW
    assert _became(summary) == {"apple": Became.UNFINISHED, "berry": Became.WAITING}
    (first, _second) = summary.books
    assert first.summary is not None
    assert len(shop.rows()) - sent[0] <= 2  # those in flight
    total = asyncio.run(_night(NightRequest(shelf=shelf)).work())
    assert total.exit_code is ExitCode.DONE
    assert bought_twice(shop.rows()) == 0


def test_a_folder_that_is_put_there_in_the_night_is_started_once(tmp_path: Path, paid: Path) -> None:
    shelf, started = _shelf(tmp_path, paid, "apple"), list[str]()

    async def one(job: Job, progress: Progress, halt: Halt) -> Summary:
        started.append(job.production.name)
        _shelf(tmp_path, paid, "berry")
        return await render(job, progress.plan, dict(os.environ), progress=progress, halt=halt)

    summary = asyncio.run(_night(NightRequest(shelf=shelf)).work(one))
    assert started == ["apple", "berry"]
    assert _became(summary) == {"apple": Became.RENDERED, "berry": Became.RENDERED}


def test_a_bug_that_one_book_meets_is_told_and_the_others_are_rendered(tmp_path: Path, paid: Path) -> None:
    shelf = _shelf(tmp_path, paid, "apple", "berry")

    async def one(job: Job, progress: Progress, halt: Halt) -> Summary:
        if job.production.name == "apple":
            raise ZeroDivisionError("nothing to divide by")
        return await render(job, progress.plan, dict(os.environ), progress=progress, halt=halt)

    summary = asyncio.run(_night(NightRequest(shelf=shelf)).work(one))
    assert summary.exit_code is ExitCode.OUR_FAULT
    assert _became(summary) == {"apple": Became.FAILED, "berry": Became.RENDERED}


def test_a_shelf_that_is_not_there_is_a_mistake(narrate: Narrate, tmp_path: Path) -> None:
    night = narrate("nightly", tmp_path / "nowhere")
    assert night.code == ExitCode.WRONG_INPUT
    assert str(tmp_path / "nowhere") in night.err


def test_an_empty_shelf_is_no_failure(narrate: Narrate, tmp_path: Path) -> None:
    night = narrate("nightly", tmp_path)
    assert night.code == 0
    assert "no production" in night.out
