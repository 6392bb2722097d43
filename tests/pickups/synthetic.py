"""A book that nobody spoke: timelines with the lengths of lines and pauses that books have, and notes about it."""

from __future__ import annotations

from random import Random

from narration.timeline import ChapterTimeline, Cue

RATE_HZ = 1000
WORDS = tuple(
    "the lamp door river winter nobody answered slowly captain letter window morning before after garden stone walked "  # noqa: SIM905
    "never always water behind table candle quiet village mountain brother summer horses market evening clock".split()
)


def timelines(chapters: int, lines: int, random: Random) -> tuple[ChapterTimeline, ...]:
    """Chapters of lines from one word to a long paragraph, 14.6 characters a second, with pauses of 180 to 650 ms."""
    return tuple(_timeline(number, lines, random) for number in range(1, chapters + 1))


def _timeline(number: int, lines: int, random: Random) -> ChapterTimeline:
    cues: list[Cue] = []
    frame, position = 500, 0
    for line in range(lines):
        words = random.choice((1, 3, 6, 9, 14, 20, 30, 50))
        parts = 2 if words == 50 else 1
        for part in range(parts):
            text = " ".join(random.choice(WORDS) for _ in range(words)).capitalize() + "."
            end = frame + round(len(text) / 14.6 * RATE_HZ)
            cues.append(
                Cue(
                    line=line,
                    chunk=len(cues),
                    character=("Narrator", "Mara", "Tom")[line % 3],
                    text=text,
                    start=position,
                    end=position + len(text),
                    take_id=f"{number:08d}{line:08d}{part}",
                    start_frame=frame,
                    end_frame=end,
                )
            )
            position += len(text) + 1
            frame = end + random.choice((180, 250, 250, 650))
    return ChapterTimeline(
        chapter=number, title=f"Chapter {number}", rate_hz=RATE_HZ, frames=frame + 500, cues=tuple(cues)
    )
