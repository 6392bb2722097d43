"""The proof sheet in a browser: a long book opens at once, a click plays the right second, nothing is fetched.

Needs Chromium; without it these tests say so and are skipped. The accessibility check needs axe-core from npm as well.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from narration.audio.measure import Delivered
from narration.audio.waveform import POINTS_PER_S
from narration.cast import Cast, Character, Role
from narration.chunks import cut_chapter
from narration.deliver.record import ChapterRecord, FileRecord
from narration.finding import Finding, Severity
from narration.formats import Encoded
from narration.manuscript import read_manuscript
from narration.place import Place
from narration.report.heard import Difference
from narration.report.proof import Proof, write_proof
from narration.script import script_book
from narration.settings.settings import ChunkSettings, LengthUnit
from narration.timeline import ChapterTimeline, Cue
from tests.browser import PROGRAM, Page, browser
from tests.flows.conftest import Narrate
from tests.flows.stage import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAM, reason="Chromium is not installed")]

LONGEST = ROOT.parent / "shared" / "corpus" / "books" / "charles-dickens_great-expectations.epub"
NAMES = ("Narrator", "Pip", "Joe", "Estella", "Miss Havisham", "Herbert", "Jaggers", "Wemmick", "Biddy", "Magwitch")
READINGS = 900
"""Opening the book may take the processor as long as reading its data so often: 3 s where one takes 3.3 ms."""
READING = """
Math.min(...[...Array(7)].map(() => {
  const began = performance.now();
  JSON.parse(byId('book').textContent);
  return (performance.now() - began) / 1000;
}))
"""
SLOWLY = "byId('speed').add(new Option('slow', '0.0625')); byId('speed').value = '0.0625'"
"""As slow as a browser plays: what is heard does not go on while the test looks at it."""
WAVE_BYTES_AN_HOUR = 100_000
MOST_NODES = 6_000
RATE_HZ = 1000


def measures(frames: int) -> Delivered:
    return Delivered(
        codec="mp3",
        rate_hz=RATE_HZ,
        channels=1,
        bitrate_kbps=192,
        constant_bitrate=True,
        frames=frames,
        rms_dbfs=-20.0,
        lufs=-19.0,
        peak_dbfs=-3.1,
        true_peak_dbtp=-3.0,
        floor_dbfs=-65.0,
        head_ms=700,
        tail_ms=2000,
        clipped_dbfs=None,
        faults=0,
        chapters=0,
        tags=(),
    )


def record(timeline: ChapterTimeline) -> ChapterRecord:
    name = f"{timeline.chapter:02d} - {timeline.title}.mp3"
    file = FileRecord(file=name, sha256="0" * 64, fingerprint="", measures=measures(timeline.frames))
    return ChapterRecord(fingerprint="", files={Encoded.MP3: file}, timeline=timeline)


def longest_book() -> Proof:
    """The longest book of the corpus, spoken without sound at 14.6 characters a second."""
    if not LONGEST.exists():
        pytest.skip(f"the corpus is not there: {LONGEST.name}")
    book = read_manuscript(LONGEST, language="en")
    characters = tuple(
        Character(name=name, voice="a voice", preview="Good evening.", role=Role.CHARACTER if n else Role.NARRATOR)
        for n, name in enumerate(NAMES)
    )
    chunks = ChunkSettings(target_chars=320, max_length=550, unit=LengthUnit.WEIGHTED)
    random, timelines, findings = Random(5), [], []  # noqa: S311
    for script in script_book(book, Cast(characters=characters), language="en"):
        cues: list[Cue] = []
        frame = 700
        for chunk in cut_chapter(script, chunks, language="en").chunks:
            end = frame + round(len(chunk.text) / 14.6 * RATE_HZ)
            cues.append(
                Cue(
                    line=chunk.line,
                    chunk=chunk.index,
                    character=chunk.character,
                    text=chunk.text,
                    start=chunk.start,
                    end=chunk.end,
                    take_id=f"{len(cues):040d}",
                    start_frame=frame,
                    end_frame=end,
                )
            )
            if random.random() < 0.03:
                findings.append(
                    Finding(
                        code="take-003",
                        severity=random.choice(list(Severity)),
                        message="The end is cut off.",
                        chapter=chunk.chapter,
                        line=chunk.line,
                    )
                )
            frame = end + 300
        number, title = script.chapter.number, f"Chapter {script.chapter.number}"
        timelines.append(
            ChapterTimeline(chapter=number, title=title, rate_hz=RATE_HZ, frames=frame + 2000, cues=tuple(cues))
        )
    records = tuple(record(timeline) for timeline in timelines)
    return Proof(
        title=book.title,
        author=book.author,
        language="en",
        records=records,
        waves={
            one.files[Encoded.MP3].file: random.randbytes(round(one.timeline.audio_s * POINTS_PER_S)) for one in records
        },
        texts={chapter.number: chapter.text for chapter in book.chapters},
        findings=tuple(findings),
        voices=dict.fromkeys(NAMES, "A calm voice."),
        cost=(("last render, USD", "9.9900"),),
        changes=Difference(lines=(Place(chapter=3, line=4),)),
    )


def test_the_longest_book_opens_at_once_and_stays_small(tmp_path: Path) -> None:
    proof = longest_book()
    hours = sum(one.timeline.audio_s for one in proof.records) / 3600
    path = write_proof(tmp_path, proof)
    waves = sum(len(json.dumps(wave.hex())) for wave in proof.waves.values()) / 2 * 4 / 3  # as base64 has it
    assert waves / hours < WAVE_BYTES_AN_HOUR
    with browser(tmp_path) as page:
        seconds, processor_s = page.open(path), page.processor_s()
        nodes = page.value("document.querySelectorAll('*').length")
        reading_s = page.value(READING)
        size = f"{hours:.1f} h, {path.stat().st_size / 1e6:.1f} MB, {nodes} nodes"
        figures = f"{seconds:.2f} s, {processor_s:.2f} CPU-s, one reading {1000 * reading_s:.1f} ms"
        print(f"{size}: {figures}")  # noqa: T201 — the figures
        assert processor_s < READINGS * reading_s
        assert nodes < MOST_NODES
        page.value("byId('lines').scrollTo(0, 1e9)")
        page.until("document.querySelector(`[data-index='${view.rows.length - 1}']`) !== null")
        page.press("n")
        page.until("document.querySelector('.line.here .badge') !== null")
        page.press("c")
        page.until("document.querySelector('.line.here .place').textContent.startsWith('3:4')")
        page.value("byId('severity').value = 'error'; byId('severity').dispatchEvent(new Event('change'))")
        assert page.value(
            "view.rows.every((line) => findingsOf(view.chapter, line).some((f) => f.severity === 'error'))"
        )
        assert [error for error in page.errors if "FILE_NOT_FOUND" not in error] == []  # there is no sound


def marked(page: Page, note: str) -> str:
    """Mark the third line with the keyboard; its place."""
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.press(key)
    page.press("m")
    page.until("byId('note-box').open")
    page.command("Input.insertText", text=note)
    page.press("Tab")
    page.press("Enter")
    page.until("!byId('note-box').open && marks.size === 1")
    found: str = page.value("[...marks.keys()][0]")
    return found


def test_a_click_plays_the_right_second_and_only_the_books_own_files_are_asked_for(
    rendered: Path, tmp_path: Path
) -> None:
    folder = rendered
    with browser(tmp_path) as page:
        page.open(folder / "out" / "proof.html")
        page.value(SLOWLY)
        page.value("document.querySelector('[data-index=\"2\"]').click()")
        page.until("!sound.paused && sound.currentTime > 0")
        start_s, end_s, heard_s = page.value("[view.rows[2][3], view.rows[2][4], sound.currentTime]")
        assert start_s - 0.05 <= heard_s < end_s
        cue = json.loads((folder / "out/timeline/01.json").read_text())["cues"][2]
        assert abs(start_s - cue["start_s"]) < 0.01
        page.press(" ")
        page.until("sound.paused")
        assert all(address.startswith((folder / "out").as_uri()) for address in page.asked_for), page.asked_for
        assert page.errors == []


@pytest.mark.parametrize("kind", ["csv", "audacity", "reaper"])
def test_marks_are_exported_as_what_pickups_import_reads(
    narrate: Narrate, rendered: Path, tmp_path: Path, kind: str
) -> None:
    folder = rendered
    with browser(tmp_path) as page:
        page.open(folder / "out" / "proof.html")
        place = marked(page, 'too "fast", slower')
        (tmp_path / "marks").write_text(page.value(f"exported('{kind}')"), encoding="utf-8")
        page.again("marks.size > 0")
        assert page.value("[...marks.keys()]") == [place]  # the browser keeps them
    (note,) = narrate("pickups", "import", tmp_path / "marks", folder, "--json").json["notes"]
    assert (note["line"], note["sure"], note["note"]) == (place, True, 'too "fast", slower')


def test_everything_can_be_done_from_the_keyboard(rendered: Path, tmp_path: Path) -> None:
    folder = rendered
    with browser(tmp_path) as page:
        page.open(folder / "out" / "proof.html")
        page.value(SLOWLY)
        page.press("]")
        page.until("view.chapter === book.chapters[1]")
        page.press("[")
        page.until("view.chapter === book.chapters[0]")
        page.press("ArrowDown")
        page.press("ArrowDown")
        assert page.value("[view.at, document.activeElement.dataset.index]") == [1, "1"]
        page.press("ArrowUp")
        page.press("Enter")
        page.until("!sound.paused && view.at === 0")
        page.press(" ")
        page.until("sound.paused")
        page.press("m")
        page.until("byId('note-box').open && document.activeElement.id === 'note-text'")
        page.value(
            "byId('note-box').addEventListener('close', () => { window.closed_box = true; })"
        )  # after the page's
        page.press("Escape")
        page.until("window.closed_box && marks.size === 0")  # a mark that was thought better of
        assert page.value("document.activeElement.dataset.index") == "0"
        page.value("byId('overview').focus()")
        page.press("ArrowRight")
        page.until("Math.abs(now() - 5 - view.rows[0][3]) < 1.5")
        page.value("byId('lines').querySelector('.line').focus()")
        for _ in range(8):  # on from the text: the list of marks, the exports, and so on, none of them out of reach
            page.press("Tab")
        assert page.value(
            "document.activeElement.closest('aside') !== null || document.activeElement === document.body"
        )
        assert page.errors == []


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which npm brings."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, and axe-core comes from there")
    folder = tmp_path_factory.mktemp("axe")
    argv = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", str(folder)]
    try:
        done = subprocess.run([*argv, "axe-core@4"], check=False, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot bring axe-core here in time")
    if done.returncode:
        pytest.skip(f"npm cannot bring axe-core here: {done.stderr.strip().splitlines()[0]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def serious(page: Page) -> list[list[str]]:
    """What axe finds that keeps people from using the page."""
    found = page.value(
        "axe.run().then((found) => found.violations.map((one) => [one.impact, one.id, one.nodes[0].html]))"
    )
    return [one for one in found if one[0] in ("serious", "critical")]


def test_axe_finds_nothing_serious_in_any_light_or_on_a_phone(rendered: Path, axe: str, tmp_path: Path) -> None:
    folder = rendered
    with browser(tmp_path) as page:
        page.open(folder / "out" / "proof.html")
        marked(page, "too fast")
        page.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.value(axe + "; 0")
        for width, height in ((1280, 900), (390, 844)):
            page.command(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
            )
            for scheme in ("light", "dark"):
                page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                assert serious(page) == [], (width, scheme)
            assert page.value("document.documentElement.scrollWidth <= innerWidth"), width
        page.value("byId('mark').click()")
        assert serious(page) == []
