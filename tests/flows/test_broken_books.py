"""Damaged, hostile and odd manuscripts through the commands: a clear error or a right reading, never a lost word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from narration.production import load
from narration.script_files import read_scripts, script_paths
from tests.flows.conftest import Narrate
from tests.flows.stage import CAST, Said
from tests.manuscript.making import docx, epub, epub_files, page, typed, zipped

STORY = (
    "The boat was late. “It is late,” said Ann.",
    "“It is always late,” said Ben. They waited.",
    "Nobody in the house had slept, and the lamp was out.",
)
PAGES = {"a.xhtml": "".join(f"<p>{one}</p>" for one in STORY), "b.xhtml": "<p>It came at last.</p>"}
WHOLE = epub(PAGES, {"a.xhtml": "One", "b.xhtml": "Two"})
READ = " ".join([*STORY, "It came at last."])

EMOJI = "Ann smiled 👩‍👩‍👧‍👦 and left 🏴󠁧󠁢󠁳󠁣󠁴󠁿. “Bye 👋🏽!” said Ben."
RTL = "הספינה איחרה „שוב”, אמרה מרה. تأخر القارب مرة أخرى."
LONG = ("The boat, the lamp; “and number {} is late,” said Ann. " * 4000)[:200_000].strip()


def without_nav() -> bytes:
    files = epub_files({name: page(body) for name, body in PAGES.items()})
    opf = str(files["content.opf"])
    files["content.opf"] = re.sub(r'<item id="nav"[^>]*>', "", opf)
    del files["nav.xhtml"]
    return zipped(files)


def without_a_page() -> bytes:
    files = epub_files({name: page(body) for name, body in PAGES.items()}, {"a.xhtml": "One"})
    del files["b.xhtml"]
    return zipped(files)


def tracked() -> bytes:
    inserted = "<w:ins><w:r><w:t>always </w:t></w:r></w:ins>"
    deleted = "<w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
    changed = f"<w:p><w:r><w:t xml:space='preserve'>“It is </w:t></w:r>{deleted}{inserted}<w:r><w:t>late,” said Ben. "
    return docx(typed(STORY[0]) + changed + "They waited.</w:t></w:r></w:p>" + typed(STORY[2]))


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "a truncated archive": ("book.epub", WHOLE[: len(WHOLE) // 2], "download it again"),
    "a truncated Word file": ("book.docx", docx(typed(READ))[:200], "book.docx"),
    "an archive of noise": ("book.epub", b"PK\x03\x04" + bytes(range(256)) * 8, "book.epub"),
    "a spine to a missing file": ("book.epub", without_a_page(), "b.xhtml"),
    "a zip bomb": ("book.epub", epub({"a.xhtml": "<p>" + " " * (60 << 20) + "</p>"}), "no book does"),
    "two encodings in one file": (
        "book.txt",
        "“It is late – naïve,” said Ann. Été.\n".encode() + "“Café – naïve,” said Ben.\n".encode("cp1252"),
        "line 2",
    ),
    "nothing": ("book.txt", b"", "empty"),
    "white space": ("book.md", b"\n \n\t\n", "empty"),
    "a PDF": ("book.pdf", b"%PDF-1.7\n%x", "onvert it"),
}

RIGHT: dict[str, tuple[str, bytes, str]] = {
    "an EPUB without contents": ("book.epub", without_nav(), READ),
    "tracked changes": ("book.docx", tracked(), " ".join(STORY)),
    "emoji": ("book.txt", EMOJI.encode(), EMOJI),
    "right to left": ("book.txt", RTL.encode(), RTL),
    "UTF-16": ("book.txt", "\n\n".join(STORY).encode("utf-16"), " ".join(STORY)),
    "Windows-1252": ("book.txt", "\n\n".join(STORY).encode("cp1252"), " ".join(STORY)),
    "one paragraph of 200,000 characters": ("book.txt", LONG.encode(), LONG),
    "one word of 200,000 letters": ("book.txt", b"a" * 200_000, "a" * 200_000),
    "what looks like a script": ("book.md", b"Ann: yes.\n\n~ no\n\n[pause 2]\n\n%% x\n\n; y {a|b}", ""),
}


def production(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir()
    (folder / name).write_bytes(data)
    (folder / "cast.yaml").write_text(CAST, encoding="utf-8")
    (folder / "book.yaml").write_text(
        f"title: The Lamp\nauthor: Nobody\nlanguage: en\nmanuscript: {name}\ncast: cast.yaml\n", encoding="utf-8"
    )
    return folder


def refused(said: Said) -> bool:
    return said.code == 2 and "Traceback" not in said.out + said.err and said.on_one_screen()


@pytest.mark.parametrize("what", REFUSED)
def test_a_broken_manuscript_is_refused_by_every_command_that_reads_it(
    narrate: Narrate, tmp_path: Path, what: str
) -> None:
    name, data, words = REFUSED[what]
    folder = production(tmp_path / "book", name, data)
    for command in ("chapters", "script", "cast", "plan"):
        said = narrate(command, folder)
        assert refused(said), (command, said)
        assert words in said.err
    assert not (folder / "script").exists()
    assert refused(narrate("init", tmp_path / "new", "--manuscript", folder / name))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("what", RIGHT)
def test_an_odd_manuscript_is_scripted_word_for_word(narrate: Narrate, tmp_path: Path, what: str) -> None:
    name, data, text = RIGHT[what]
    folder = production(tmp_path / "book", name, data)
    listed = narrate("chapters", folder, "--json")
    assert listed.code == 0
    assert listed.json["chapters"]
    assert narrate("script", folder).code == 0
    assert narrate("script", folder, "--check").code == 0
    assert narrate("plan", folder, "--json").code == 0
    _production, cast = load(folder)
    scripts = read_scripts(script_paths(folder), cast)
    written = " ".join(row.text for _, script in sorted(scripts.items()) for row in script.rows if row.is_text)
    if text:
        assert re.sub(r"\s", "", written) == re.sub(r"\s", "", text)
    again = {path.name: path.read_bytes() for path in (folder / "script").iterdir()}
    assert narrate("script", folder).code == 0
    assert {path.name: path.read_bytes() for path in (folder / "script").iterdir()} == again
