"""W3C Audiobooks: the manifest says what the recommendation asks for, and the archive holds what it names."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from narration.deliver.lpf import CONFORMS_TO, CONTEXT, MANIFEST, iso_duration, write_lpf
from narration.deliver.release import Release
from narration.formats import Encoded
from tests.deliver.releases import lines_track, release

DURATION = re.compile(r"PT(?:\d+H)?(?:\d+M)?\d+(?:\.\d+)?S")


@pytest.fixture
def book(tmp_path: Path) -> Release:
    cover = tmp_path / "cover.png"
    cover.write_bytes(b"\x89PNG")
    tracks = []
    for number, title in enumerate(("One & All", "Two"), start=1):
        audio = tmp_path / f"{number}.mp3"
        audio.write_bytes(b"sound" * number)
        tracks.append(lines_track(number, [("Mara", "a")] * number, files={Encoded.MP3: audio}, title=title))
    return release(tracks, cover)


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files[MANIFEST]), files


def test_the_manifest_has_what_the_recommendation_requires(book: Release, tmp_path: Path) -> None:
    write_lpf(tmp_path / "b.lpf", book)
    manifest, _ = read(tmp_path / "b.lpf")
    assert manifest["@context"][:2] == list(CONTEXT)
    assert (manifest["conformsTo"], manifest["type"]) == (CONFORMS_TO, "Audiobook")
    assert (manifest["name"], manifest["author"], manifest["readBy"]) == (
        "The Lamp & the Kettle",
        "A. N. Other",
        "The Cast",
    )
    assert [one["name"] for one in manifest["readingOrder"]] == ["One & All", "Two"]
    assert {one["encodingFormat"] for one in manifest["readingOrder"]} == {"audio/mpeg"}
    assert [one["duration"] for one in manifest["readingOrder"]] == ["PT1.25S", "PT2.25S"]
    assert manifest["duration"] == "PT3.5S"
    assert {rel for one in manifest["resources"] for rel in one["rel"]} == {"cover", "contents"}
    for key in ("accessMode", "accessibilityFeature", "accessibilityHazard", "accessibilitySummary"):
        assert manifest[key]


def test_the_archive_holds_what_the_manifest_names_and_nothing_else(book: Release, tmp_path: Path) -> None:
    write_lpf(tmp_path / "b.lpf", book)
    manifest, files = read(tmp_path / "b.lpf")
    named = {one["url"] for one in (*manifest["readingOrder"], *manifest["resources"])}
    assert set(files) == named | {MANIFEST}
    assert next(iter(files)) == MANIFEST
    assert files["audio/02.mp3"] == b"soundsound"
    assert all(re.fullmatch(r"[a-z0-9/.]+", name) for name in named), "plain letters: a name is a URL as it is"
    assert b'<a href="audio/01.mp3">One &amp; All</a>' in files["contents.html"]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "PT0S"), (59.9994, "PT59.999S"), (60.0, "PT1M0S"), (3661.5, "PT1H1M1.5S"), (216_000.0, "PT60H0S")],
)
def test_lengths_are_iso_durations(seconds: float, written: str) -> None:
    assert iso_duration(seconds) == written
    assert DURATION.fullmatch(written)
