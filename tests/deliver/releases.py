"""Finished books to deliver, made without speaking: chapters, timelines, and sound that is a tone."""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from narration.book import Chapter, Paragraph, ParagraphKind
from narration.deliver.release import Release, Track
from narration.edition import Edition
from narration.formats import Encoded
from narration.timeline import ChapterTimeline, Cue

RATE_HZ = 24_000
Said = tuple[str, str]
"""Who, and what."""


def paragraph(text: str, kind: ParagraphKind = ParagraphKind.PROSE) -> Paragraph:
    return Paragraph(text=text, kind=kind)


def track(
    number: int,
    paragraphs: Sequence[Paragraph],
    cues: Sequence[tuple[int, int, str, float, float]],
    *,
    duration_s: float,
    files: Mapping[Encoded, Path] = MappingProxyType({}),
    title: str = "",
) -> Track:
    """A track of cues `(start, end, who, start_s, end_s)`, positions in the chapter's text."""
    chapter = Chapter(number=number, title=title or f"Chapter {number}", paragraphs=tuple(paragraphs))
    return Track(
        title=chapter.title,
        stem=f"{number:02} - {chapter.title}",
        files=files,
        chapter=chapter,
        timeline=ChapterTimeline(
            chapter=number,
            title=chapter.title,
            rate_hz=RATE_HZ,
            frames=round(duration_s * RATE_HZ),
            cues=tuple(
                Cue(
                    line=index,
                    chunk=index,
                    character=who,
                    text=chapter.text[start:end],
                    start=start,
                    end=end,
                    take_id=f"{index:040x}",
                    start_frame=round(start_s * RATE_HZ),
                    end_frame=round(end_s * RATE_HZ),
                )
                for index, (start, end, who, start_s, end_s) in enumerate(cues)
            ),
        ),
    )


def lines_track(
    number: int, lines: Sequence[Said], *, files: Mapping[Encoded, Path] = MappingProxyType({}), title: str = ""
) -> Track:
    """A track whose paragraphs are single lines, a second each with a quarter of a second around."""
    paragraphs = [paragraph(text) for _, text in lines]
    chapter = Chapter(number=number, title="", paragraphs=tuple(paragraphs))
    cues = [
        (start, end, who, index + 0.25, index + 1.0)
        for index, ((start, end), (who, _)) in enumerate(zip(chapter.spans(), lines, strict=True))
    ]
    return track(number, paragraphs, cues, duration_s=len(lines) + 0.25, files=files, title=title)


EDITION = Edition(
    title="The Lamp & the Kettle",
    author="A. N. Other",
    language="en",
    subtitle="A Proof",
    narrator="The Cast",
    series="Lamps",
    series_index="2",
    description="A short book.\n\nIn <two> paragraphs.",
    publisher="House",
    year="2026",
    isbn="9780306406157",
    copyright="2026 A. N. Other",
)


def release(tracks: Sequence[Track], cover: Path, edition: Edition = EDITION) -> Release:
    return Release(edition=edition, tracks=tuple(tracks), cover=cover)


def silent_wav(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(2 * round(seconds * RATE_HZ)))
    return path
