"""What a proof sheet is made of: waveforms, changes, lines that nobody speaks; and sign-offs."""

from __future__ import annotations

import json
import re
import wave
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from narration.audio.waveform import POINTS_PER_S, waveform
from narration.errors import ToolError
from narration.finding import Code, Finding, Severity
from narration.pickups.spotting import heard_lines
from narration.place import Place
from narration.report.heard import Difference, difference, heard_of
from narration.report.proof import Proof, proof_page
from tests.flows.conftest import Narrate
from tests.flows.stage import small_book
from tests.pickups.synthetic import timelines
from tests.pickups.test_proof_page import record


def page_data(proof: Proof) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="book">(.*?)</script>', proof_page(proof), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def proof(**facts: Any) -> Proof:  # noqa: ANN401 — whatever a proof has
    plain = Proof(
        title="Two",
        author="Nobody",
        language="en",
        records=tuple(record(timeline) for timeline in timelines(2, 6, Random(3))),  # noqa: S311
        waves={},
        texts={},
        findings=(),
        voices={},
        cost=(),
        changes=Difference(),
    )
    return replace(plain, **facts)


def test_a_waveform_is_the_highest_sample_of_each_twentieth_of_a_second(tmp_path: Path) -> None:
    samples = np.zeros(8000 * 2, dtype=np.int16)
    samples[8000:8400] = 16384  # the second's first twentieth, at half of full scale
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(samples.tobytes())
    points = waveform(tmp_path / "a.wav")
    assert len(points) == 2 * POINTS_PER_S
    assert points[POINTS_PER_S] == 128
    assert max(points[: POINTS_PER_S - 1]) == max(points[POINTS_PER_S + 2 :]) == 0


def test_what_is_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"no sound")
    with pytest.raises(ToolError, match=r"a\.mp3 cannot be decoded"):
        waveform(tmp_path / "a.mp3")


def test_lines_that_moved_have_not_changed_and_other_takes_have() -> None:
    first, second = timelines(2, 6, Random(3))  # noqa: S311
    before = heard_of(heard_lines([first, second]))
    moved = replace(first, cues=tuple(replace(cue, line=cue.line + 1) for cue in first.cues))
    assert not difference(before, heard_lines([moved, second]))
    cues = [*second.cues]
    cues[2] = replace(cues[2], take_id="another")
    found = difference(before, heard_lines([first, replace(second, cues=tuple(cues))]))
    assert [place.line for place in found.lines] == [cues[2].line + 1]
    assert found.gone == ((2, 1),)
    assert difference({}, heard_lines([first])).chapters == (1,)


def test_the_page_has_every_line_with_its_seconds_and_marks_what_changed() -> None:
    plain = proof()
    lines = heard_lines([one.timeline for one in plain.records])
    changed = lines[2][1].place
    data = page_data(replace(plain, changes=Difference(lines=(changed,))))
    shown = [row for chapter in data["chapters"] for row in chapter["lines"]]
    every = [line for chapter in lines.values() for line in chapter]
    assert [(row[0], row[1], row[5]) for row in shown] == [(one.place.line, one.place.part, one.text) for one in every]
    assert [row[3] for row in shown] == [pytest.approx(one.start_s, abs=0.01) for one in every]
    flagged = [Place(chapter=2, line=row[0], part=row[1]) for row in data["chapters"][1]["lines"] if row[6] & 2]
    assert flagged == [changed]


def test_a_line_that_nobody_speaks_stands_in_its_place() -> None:
    plain = proof()
    first = plain.records[0].timeline
    silent = replace(first, cues=tuple(cue for cue in first.cues if cue.line != 3))
    finding = Finding(
        code=Code.TEXT_REFUSED, severity=Severity.ERROR, message="Refused.", chapter=1, line=3, text="The poison."
    )
    data = page_data(replace(plain, records=(record(silent), plain.records[1]), findings=(finding,)))
    rows = data["chapters"][0]["lines"]
    at = next(place for place, row in enumerate(rows) if row[5] == "The poison.")
    assert (rows[at - 1][0], rows[at][0], rows[at + 1][0]) == (3, 4, 5)
    assert rows[at][6] & 4


def test_no_words_of_a_book_can_end_the_data_or_fill_a_slot() -> None:
    title = "</script><script>alert(1)</script> %BOOK% & co"
    page = proof_page(proof(title=title, cost=((title, title),)))
    assert "<script>alert" not in page
    assert page_data(proof(title=title, cost=((title, title),)))["cost"] == [[title, title]]


@pytest.mark.slow
def test_a_signoff_is_of_bytes_and_names_what_changed_since(narrate: Narrate, rendered: Path, tmp_path: Path) -> None:
    folder = rendered
    assert narrate("signoff", small_book(tmp_path / "new")).code == 2  # nothing is delivered
    nobody = narrate("signoff", folder)
    assert (nobody.code, "nobody has approved" in nobody.err) == (2, True)
    approved = narrate("signoff", folder, "--by", "A. Proofer", "--note", "second pass", "--json")
    assert (approved.code, approved.json["holds"], approved.json["by"]) == (0, True, "A. Proofer")
    assert narrate("render", folder).code == 0
    assert narrate("signoff", folder).code == 0  # what is made anew from the same is the same

    assert narrate("retake", folder, "2:2", "--say", "Something else is said.", "--json").code == 0
    since = narrate("signoff", folder, "--json")
    assert (since.code, since.json["changed"], since.json["approved"]) == (3, ["02 - Tea.mp3"], ["01 - Steam.mp3"])
    assert since.json["lines"] == ["2:2"]
    page = (folder / "out" / "proof.html").read_text(encoding="utf-8")
    assert '"place":"2:2","what":"another take"' in page
    (folder / "out" / "02 - Tea.mp3").unlink()
    assert narrate("signoff", folder).code == 2


@pytest.mark.slow
def test_a_report_is_made_again_from_what_is_delivered(narrate: Narrate, rendered: Path, tmp_path: Path) -> None:
    folder = rendered
    assert narrate("report", small_book(tmp_path / "new")).code == 2
    page = (folder / "out" / "proof.html").read_bytes()
    (folder / "out" / "proof.html").unlink()
    found = narrate("report", folder)
    assert (found.code, found.out.splitlines()[-1]) == (0, str(folder / "out" / "proof.html"))
    assert (folder / "out" / "proof.html").read_bytes() == page
