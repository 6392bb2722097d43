"""The benchmark's frame, and that its quick parts run at all; what they find is for `make bench`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks import ledger, start_up, takes, throughput
from benchmarks.__main__ import PARTS, main
from benchmarks.frame import RESULTS, Figure, Measure, Part, at_least, at_most, renewed, run, section, told


def _page(name: str, figure: Figure) -> str:
    part = Part(name=name, title=name.title(), measure=start_up.measure)
    return section(part, [figure], took_s=1.0, busy=0.0)


def test_a_target_is_met_or_not() -> None:
    assert at_most("x", 4.0, 4.0).met is True
    assert at_most("x", 4.01, 4.0).met is False
    assert at_least("x", 97.0, 97.0).met is True
    assert at_least("x", 96.9, 97.0).met is False
    assert told("x", 1.0).met is None


def test_a_figure_stands_beside_its_target() -> None:
    figure = at_most("loading", 5.0, 4.0, seen="2 s CPU")
    assert "| loading | 5.00 × (2 s CPU) | ≤ 4 × | **not met** |" in _page("start", figure)


def test_one_part_is_renewed_and_the_others_stay_in_order() -> None:
    names = ["one", "two", "three"]
    page = renewed("", names, {"three": _page("three", told("a", 3.0))})
    page = renewed(page, names, {"one": _page("one", told("a", 1.0))})
    page = renewed(page, names, {"three": _page("three", told("a", 4.0))})
    assert re.findall(r"\| a \| (\d)", page) == ["1", "4"]
    assert renewed(page, names, {}) == page


def test_the_page_of_results_holds_known_parts_and_nothing_of_the_machine_but_its_size() -> None:
    page = RESULTS.read_text(encoding="utf-8")
    names = [part.name for part in PARTS]
    assert renewed(page, names, {}) == page
    assert not re.search(r"/(home|root|tmp|work|Users)\b", page)


def test_a_process_is_measured_with_what_it_printed() -> None:
    used = run([sys.executable, "-c", "import time; sum(range(3_000_000)); print(time.process_time())"])
    assert used.code == 0
    assert used.cpu_s > 0.9 * float(used.out) > 0, "what the process itself says, and its end"
    assert used.peak_mib > 3


def test_a_process_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="exit code 3: no more"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('no more'); sys.exit(3)"])


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["finnish"])
    assert "no part 'finnish'; there are start, " in capsys.readouterr().err


@pytest.mark.parametrize("measure", [start_up.measure, ledger.measure, takes.measure], ids=["start", "ledger", "takes"])
def test_a_part_runs(measure: Measure) -> None:
    figures = list(measure(tiny=True))
    assert figures
    assert len({figure.name for figure in figures}) == len(figures)


def test_pacing_alone_reaches_its_part_of_the_rate_in_the_time_of_a_book() -> None:
    (figure,) = throughput.paced(throughput.LIMITED)
    assert figure.met, figure


def test_a_part_is_written_where_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*, tiny: bool) -> list[Figure]:
        return [told("seen" if tiny else "not", 1.0)]

    monkeypatch.setattr("benchmarks.__main__.PARTS", (Part(name="start", title="Starting", measure=measure),))
    assert main(["--tiny", "--out", str(tmp_path / "page.md")]) == 0
    assert "| seen | 1.00 × |" in (tmp_path / "page.md").read_text(encoding="utf-8")
