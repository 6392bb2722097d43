"""A chapter in as many files as its length asks for, and the retail sample: which chunks go into which file.

Invariant: the chunks of a chapter's files, one after another, are the chapter's chunks; no file is longer than the
preset allows, unless a single paragraph is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from narration.audio.stitch import ASSEMBLY_RATE_HZ, cut_of, pause_ms
from narration.book import ChapterChunks, Chunk, Gap, ParagraphKind
from narration.errors import InputError, Problem
from narration.finding import Code, Finding, noted
from narration.production import Sample
from narration.settings.settings import AudioSettings, Settings
from narration.take import Take

SAMPLE_LEAST_S, SAMPLE_BEST_S, SAMPLE_MOST_S = 60.0, 180.0, 300.0
"""Length of a retail sample. Source: ACX audio submission requirements (1 to 5 minutes); the middle is ours."""
_MARGIN_S = 5.0
"""What a cut file may be longer than counted: voices in unison that pause, and the end of the last AAC frame."""
_BREAKS = (Gap.PARAGRAPH, Gap.SCENE, Gap.HEADING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A chapter with its takes.

    Attributes:
        cut: the chapter, its chunks those that are heard.
        takes: one for each chunk.
    """

    cut: ChapterChunks
    takes: tuple[Take, ...]

    def between(self, low: int, high: int) -> Spoken:
        """The chunks from `low` on and before `high`, the first of which begins a file."""
        chunks = self.cut.chunks[low:high]
        if chunks:
            chunks = (replace(chunks[0], gap=Gap.START, pause_ms=None), *chunks[1:])
        return Spoken(cut=replace(self.cut, chunks=chunks), takes=self.takes[low:high])

    def followed_by(self, other: Spoken) -> Spoken:
        """This stretch of a chapter and the next one, as one."""
        cut = replace(self.cut, chunks=(*self.cut.chunks, *other.cut.chunks))
        return Spoken(cut=cut, takes=(*self.takes, *other.takes))


def in_pieces(spoken: Spoken, settings: Settings) -> tuple[Spoken, ...]:
    """The chapter, in files that are about equally long where one would be longer than the preset allows.

    Args:
        spoken: the chapter.
        settings: the preset's longest file, and the pauses.
    """
    audio, longest_s = settings.audio, settings.preset.rules.longest_s
    lengths = _lengths_s(spoken, audio)
    room_s = longest_s - _MARGIN_S - (audio.head_ms + audio.tail_ms) / 1000
    if not longest_s or sum(lengths) <= room_s:
        return (spoken,)
    best_s = sum(lengths) / math.ceil(sum(lengths) / room_s)
    cuts, begin = [0], 0
    while sum(lengths[begin:]) > room_s and (begin := _cut(spoken.cut.chunks, lengths, begin, best_s, room_s)):
        cuts.append(begin)
    return tuple(spoken.between(low, high) for low, high in zip(cuts, [*cuts[1:], len(spoken.cut.chunks)], strict=True))


def _cut(chunks: Sequence[Chunk], lengths: Sequence[float], begin: int, best_s: float, room_s: float) -> int:
    """The first chunk of the next file: where a paragraph begins, as near to the best length as can be; 0 is none."""
    fits: list[tuple[float, int]] = []
    breaks: list[tuple[float, int]] = []
    total_s = 0.0
    for place in range(begin, len(chunks)):
        if place > begin and (chunks[place].unison is None or chunks[place].unison != chunks[place - 1].unison):
            fits.append((abs(total_s - best_s), place))
            if chunks[place].gap in _BREAKS:
                breaks.append((abs(total_s - best_s), place))
        total_s += lengths[place]
        if total_s > room_s and fits:
            break
    return min(breaks or fits or [(0.0, 0)])[1]


def _lengths_s(spoken: Spoken, audio: AudioSettings) -> list[float]:
    """How long each chunk is heard, the pause before it included; an upper bound for those in unison."""
    found = []
    for place, (chunk, take) in enumerate(zip(spoken.cut.chunks, spoken.takes, strict=True)):
        pause = chunk.pause_ms if chunk.pause_ms is not None else pause_ms(chunk.gap, audio) if place else 0
        found.append(cut_of(take.measures, audio).frames / ASSEMBLY_RATE_HZ + pause / 1000)
    return found


def sample_of(
    sample: Sample, chapters: Sequence[Spoken], settings: Settings, where: Callable[[str], str]
) -> tuple[Spoken | None, tuple[Finding, ...]]:
    """The chunks of the retail sample.

    Args:
        sample: what the producer asks for.
        chapters: all that are spoken, in order.
        settings: for the pauses.
        where: the place of a key of `sample` in book.yaml, for messages.

    Returns:
        The sample, or None where no chapter is long enough; and what is to be said of it.

    Raises:
        InputError: its chapter or its words are not in the book.
    """
    stories = [one for one in chapters if one.cut.chunks and not one.cut.chapter.credits]
    if sample.chapter:
        stories = [one for one in stories if one.cut.chapter.number == sample.chapter]
        if not stories:
            raise InputError(Problem(what=f"there is no chapter {sample.chapter} to be heard", where=where("chapter")))
    chosen: Spoken | None
    if sample.begin or sample.end:
        chosen = _between_words(sample, stories, where)
    else:
        cuts = (_automatic(one, settings.audio) for one in stories)
        chosen = next((cut for cut in cuts if cut is not None), None)
    if chosen is None:
        return None, (
            noted(Code.NO_SAMPLE, f"No chapter is {SAMPLE_LEAST_S:.0f} s long, so that no sample could be cut."),
        )
    length_s = sum(_lengths_s(chosen, settings.audio))
    if SAMPLE_LEAST_S <= length_s <= SAMPLE_MOST_S:
        return chosen, ()
    return chosen, (
        noted(
            Code.SAMPLE_LENGTH,
            f"The sample is {length_s:.0f} s long; stores want {SAMPLE_LEAST_S:.0f} to {SAMPLE_MOST_S:.0f}.",
            chapter=chosen.cut.chapter.number,
        ),
    )


def _automatic(spoken: Spoken, audio: AudioSettings) -> Spoken | None:
    """From the first words behind the headings to the end of the paragraph nearest to the best length."""
    kinds = [line.kind for line in spoken.cut.script.lines]
    chunks = spoken.cut.chunks
    begin = next((place for place, chunk in enumerate(chunks) if _kind(kinds, chunk) is not ParagraphKind.HEADING), 0)
    lengths = _lengths_s(spoken.between(begin, len(chunks)), audio)
    ends, total_s = [], 0.0
    for place in range(begin, len(chunks)):
        total_s += lengths[place - begin]
        is_end = place + 1 == len(chunks) or chunks[place + 1].gap in _BREAKS
        if is_end and SAMPLE_LEAST_S <= total_s <= SAMPLE_MOST_S:
            ends.append((abs(total_s - SAMPLE_BEST_S), place + 1))
    return spoken.between(begin, min(ends)[1]) if ends else None


def _kind(kinds: Sequence[ParagraphKind], chunk: Chunk) -> ParagraphKind:
    return kinds[chunk.line] if chunk.line < len(kinds) else ParagraphKind.PROSE


def _between_words(sample: Sample, stories: Sequence[Spoken], where: Callable[[str], str]) -> Spoken:
    """From the chunk with the first words to the chunk with the last.

    Raises:
        InputError: the words are not there.
    """
    for spoken in stories:
        text, places = _squeezed(spoken.cut.chapter.text)
        at = text.find(_squeezed(sample.begin)[0]) if sample.begin else 0
        if at < 0:
            continue
        last = text.find(_squeezed(sample.end)[0], at) if sample.end else len(text) - 1
        if last < 0:
            break
        start = places[at]
        end = places[min(last + len(_squeezed(sample.end)[0]), len(places)) - 1] if sample.end else len(places)
        inside = [
            place for place, chunk in enumerate(spoken.cut.chunks) if chunk.end > start and (chunk.start < end + 1)
        ]
        if inside:
            return spoken.between(inside[0], inside[-1] + 1)
    key = (
        "begin"
        if sample.begin and not any(_squeezed(sample.begin)[0] in _squeezed(one.cut.chapter.text)[0] for one in stories)
        else "end"
    )
    words = sample.begin if key == "begin" else sample.end
    raise InputError(
        Problem(what=f"no chapter has the words “{words}”", where=where(key), expected="words as in the manuscript")
    )


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without white space and with plain quotation marks, and where each character stands in the text."""
    kept = [(char, place) for place, char in enumerate(text) if not char.isspace()]
    plain = str.maketrans("“”‘’", "\"\"''")
    return "".join(char for char, _ in kept).translate(plain), [place for _, place in kept]
