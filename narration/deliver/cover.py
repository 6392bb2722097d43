"""The cover: a picture of the producer's, looked at before it is used, or a plain typographic one that is drawn.

Invariant: what leaves here is a square JPEG or PNG file that decodes; the same title gives the same picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from narration.deliver.writing import staged
from narration.edition import Edition
from narration.errors import InputError, Problem
from narration.finding import Code, Finding, noted

LEAST_PX: Final = 2400
"""Sides of a cover. Source: ACX, cover art requirements (2,400 by 2,400 at the least, square)."""
_SIDE_PX: Final = 2400
_THUMBNAIL_PX: Final = 1000
_MOST_BYTES: Final = 50_000_000
_PALETTES: Final = (
    ("#1f3a4d", "#f4efe6", "#d9a441"),
    ("#3d2c40", "#f5eee9", "#e08e79"),
    ("#274036", "#f2f0e4", "#c7b46a"),
    ("#4a2b2b", "#f6ede3", "#d7a86e"),
    ("#2b2f4a", "#eef0f5", "#8fb0d9"),
    ("#343434", "#f3f3f0", "#c96f4a"),
)
"""Ground, letters, ornament: each pair of the first two is far above the contrast of 4.5 that WCAG 2.2 asks for."""
_FONTS: Final = {
    "zh": ("NotoSerifCJKsc-Regular.otf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "msyh.ttc", "PingFang.ttc"),
    "ja": ("NotoSerifCJKjp-Regular.otf", "NotoSansCJK-Regular.ttc", "ipag.ttf", "YuGothM.ttc", "ヒラギノ明朝 ProN.ttc"),
    "ko": ("NotoSerifCJKkr-Regular.otf", "NotoSansCJK-Regular.ttc", "NanumMyeongjo.ttf", "malgun.ttf"),
    "": ("DejaVuSerif.ttf", "NotoSerif-Regular.ttf", "LiberationSerif-Regular.ttf", "georgia.ttf", "Georgia.ttf"),
}
"""Where the letters of a language may be found when the built-in ones (Latin) do not have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A cover that can be used.

    Attributes:
        data: a JPEG or PNG file.
        small: the same as a JPEG that is small enough to be in every audio file.
        findings: what stores would say of it.
    """

    data: bytes
    small: bytes
    findings: tuple[Finding, ...]

    @property
    def suffix(self) -> str:
        """`.png` or `.jpg`, by the bytes."""
        return ".png" if self.data.startswith(b"\x89PNG") else ".jpg"


def cover_of(picture: Path | None, edition: Edition) -> Cover:
    """The cover of a book: the producer's picture, or a drawn one.

    Raises:
        InputError: the picture cannot be used.
    """
    data, findings = drawn_cover(edition) if picture is None else checked_cover(picture)
    return Cover(data=data, small=thumbnail(data), findings=findings)


def checked_cover(path: Path, where: str = "book.yaml, cover") -> tuple[bytes, tuple[Finding, ...]]:
    """The producer's picture, as it is, and what stores would say of it.

    Args:
        path: the file.
        where: what names it (`book.yaml, line 9, cover`).

    Raises:
        InputError: it is not there, or not a whole JPEG or PNG picture.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    except OSError as error:
        raise InputError(
            Problem(what=f"the cover {path.name} cannot be read: {error.strerror}", where=where)
        ) from error
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as picture:
            picture.load()
            size, mode, kind = picture.size, picture.mode, picture.format
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        problem = Problem(
            what=f"the cover {path.name} is not a whole picture",
            where=where,
            expected=f"a JPEG or PNG file, square, {LEAST_PX} by {LEAST_PX} pixels or more",
            hint="Open it in a picture editor and save it again.",
        )
        raise InputError(problem) from error
    return data, tuple(_remarks(path.name, size, mode, kind or ""))


def _remarks(name: str, size: tuple[int, int], mode: str, kind: str) -> Iterator[Finding]:
    width, height = size
    if width != height:
        message = f"The cover {name} is {width} by {height} pixels; stores want a square one."
        yield noted(Code.COVER_NOT_SQUARE, message, file=name)
    if min(size) < LEAST_PX:
        message = f"The cover {name} is {width} by {height} pixels; stores want {LEAST_PX} by {LEAST_PX} or more."
        yield noted(Code.COVER_SMALL, message, file=name)
    if mode not in {"RGB", "L"} and kind == "JPEG":
        message = f"The cover {name} has {mode} colours, which some players show wrongly."
        yield noted(Code.COVER_COLOURS, message, file=name)


def thumbnail(data: bytes) -> bytes:
    """The picture as a JPEG small enough to be in every audio file.

    Args:
        data: of a cover that was checked.
    """
    with Image.open(BytesIO(data)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.LANCZOS)
        return _jpeg(small)


def drawn_cover(edition: Edition) -> tuple[bytes, tuple[Finding, ...]]:
    """A cover of type alone, as JPEG; its colours follow from the title.

    A title in letters that no font of this machine has is left off, with a finding that says so.
    """
    chosen = hashlib.sha256(f"{edition.author}\0{edition.title}".encode()).digest()[0] % len(_PALETTES)
    ground, letters, ornament = _PALETTES[chosen]
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), ground)
    draw = ImageDraw.Draw(picture)
    margin = _SIDE_PX // 10
    draw.rectangle((margin, _SIDE_PX * 62 // 100, margin + _SIDE_PX // 5, _SIDE_PX * 62 // 100 + 14), fill=ornament)
    findings = []
    shown = (edition.title, edition.subtitle, edition.author, edition.series)
    name = _font_for("".join(shown), edition.language)
    if name is None:
        message = "No font of this machine has the letters of the title, so the drawn cover has no words on it."
        findings.append(noted(Code.COVER_WITHOUT_WORDS, message))
    else:
        width = _SIDE_PX - 2 * margin
        _set(draw, (margin, margin), edition.title, name, letters, width, _SIDE_PX * 45 // 100, 300)
        below = _SIDE_PX * 66 // 100
        _set(draw, (margin, below), edition.subtitle or _series(edition), name, ornament, width, 220, 90)
        _set(draw, (margin, _SIDE_PX * 80 // 100), edition.author, name, letters, width, 260, 130)
    return _jpeg(picture), tuple(findings)


def _series(edition: Edition) -> str:
    return f"{edition.series} {edition.series_index}".strip()


def _set(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    name: str,
    colour: str,
    width: int,
    height: int,
    largest: int,
) -> None:
    """Set a text, as large as its place allows."""
    for size in range(largest, 39, -10):
        font = _font(name, size)
        rows = _rows(text, font, width)
        step = size * 6 // 5
        if len(rows) * step <= height and all(font.getlength(row) <= width for row in rows):
            break
    for number, row in enumerate(rows[: max(1, height // step)]):
        draw.text((place[0], place[1] + number * step), row, font=font, fill=colour)


def _rows(text: str, font: ImageFont.FreeTypeFont, width: int) -> Sequence[str]:
    spaced = " " in text.strip()
    rows: list[str] = [""]
    for word in text.split() if spaced else text:
        longer = f"{rows[-1]} {word}".strip() if spaced else rows[-1] + word
        if rows[-1] and font.getlength(longer) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    return rows


def _font_for(text: str, language: str) -> str | None:
    """The name of a font that has every letter; empty is the built-in one, None is that there is none."""
    for name in ("", *_FONTS.get(language, ()), *_FONTS[""]):
        try:
            font = _font(name, 40)
        except OSError:
            continue
        missing = font.getmask("\U0010fffe").getbbox(), bytes(font.getmask("\U0010fffe"))
        if all((font.getmask(char).getbbox(), bytes(font.getmask(char))) != missing for char in set(text) - {" "}):
            return name
    return None


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name.

    Raises:
        OSError: this machine does not have it.
    """
    if name:
        return ImageFont.truetype(name, size)
    built_in = ImageFont.load_default(size)
    if not isinstance(built_in, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType")
    return built_in


def _jpeg(picture: Image.Image) -> bytes:
    data = BytesIO()
    picture.save(data, "JPEG", quality=90, optimize=False, progressive=False)
    return data.getvalue()


def write_cover(target: Path, data: bytes) -> None:
    """Put the cover in its place; chapters that are delivered side by side may do so at the same time.

    Raises:
        StoreError: it cannot be written.
    """
    with staged(target) as part:
        part.write_bytes(data)
