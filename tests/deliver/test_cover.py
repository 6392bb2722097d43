"""Covers: the producer's own is looked at, a drawn one is clean and always the same."""

from __future__ import annotations

import dataclasses
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from narration.deliver.cover import LEAST_PX, checked_cover, cover_of, drawn_cover, thumbnail
from narration.errors import InputError
from tests.deliver.releases import EDITION


def picture(path: Path, size: tuple[int, int], mode: str = "RGB", kind: str = "JPEG") -> Path:
    Image.new(mode, size).save(path, kind)
    return path


def test_a_good_cover_is_used_as_it_is(tmp_path: Path) -> None:
    path = picture(tmp_path / "cover.jpg", (LEAST_PX, LEAST_PX))
    assert checked_cover(path, "book.yaml, cover") == (path.read_bytes(), ())


@pytest.mark.parametrize(
    ("size", "mode", "codes"),
    [
        ((2400, 2000), "RGB", ["cover-001", "cover-002"]),
        ((3000, 2400), "RGB", ["cover-001"]),
        ((1000, 1000), "RGB", ["cover-002"]),
        ((2400, 2400), "CMYK", ["cover-003"]),
    ],
)
def test_what_stores_do_not_take_is_a_finding(
    tmp_path: Path, size: tuple[int, int], mode: str, codes: list[str]
) -> None:
    _, findings = checked_cover(picture(tmp_path / "c.jpg", size, mode), "book.yaml, cover")
    assert [finding.code for finding in findings] == codes


@pytest.mark.parametrize("damage", ["missing", "torn", "text", "gif", "empty"])
def test_a_cover_that_cannot_be_shown_is_a_mistake_with_its_place(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cover.jpg"
    match damage:
        case "torn":
            picture(path, (2400, 2400))
            path.write_bytes(path.read_bytes()[:3000])
        case "text":
            path.write_text("not a picture")
        case "gif":
            picture(path, (2400, 2400), kind="GIF")
        case "empty":
            path.write_bytes(b"")
    with pytest.raises(InputError, match=r"book\.yaml, line 9, cover"):
        checked_cover(path, "book.yaml, line 9, cover")


def test_a_drawn_cover_is_square_large_and_the_same_every_time() -> None:
    data, findings = drawn_cover(EDITION)
    assert findings == ()
    assert drawn_cover(EDITION)[0] == data
    with Image.open(BytesIO(data)) as drawn:
        assert (drawn.format, drawn.mode, drawn.size) == ("JPEG", "RGB", (LEAST_PX, LEAST_PX))
        colours = drawn.resize((64, 64)).getcolors(64 * 64)
    assert colours is not None
    assert len(colours) > 3, "ground alone is no cover"


def test_another_title_is_another_picture_and_a_long_one_fits() -> None:
    long = dataclasses.replace(EDITION, title="The Extraordinary and Entirely True History of a Very Long Title " * 3)
    data, findings = drawn_cover(long)
    assert findings == ()
    assert data != drawn_cover(EDITION)[0]
    with Image.open(BytesIO(data)) as drawn:
        edge = drawn.convert("L").crop((2390, 0, 2400, 2400)).tobytes()
    assert max(edge) - min(edge) < 12, "nothing runs over the edge"


def test_letters_that_no_font_has_are_a_finding_and_not_boxes() -> None:
    strange = dataclasses.replace(EDITION, title="\U00012000\U00012001", subtitle="", series="")
    _, findings = drawn_cover(strange)
    assert [finding.code for finding in findings] == ["cover-004"]


def test_the_small_picture_for_audio_files_is_a_jpeg(tmp_path: Path) -> None:
    path = picture(tmp_path / "c.png", (3000, 3000), "RGBA", "PNG")
    cover = cover_of(path, EDITION)
    assert (cover.suffix, cover.findings, cover.data) == (".png", (), path.read_bytes())
    assert cover.small == thumbnail(cover.data)
    with Image.open(BytesIO(cover.small)) as shown:
        assert (shown.format, max(shown.size)) == ("JPEG", 1000)
