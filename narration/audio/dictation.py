"""A process that follows English words through sounds: pocketsphinx, told what should be said. `python -m` runs it.

Free dictation is of no use on synthetic speech (seven words of ten wrong on espeak-ng's), so nothing is dictated: the
expected words are laid along the sound, in their order, none left out, and either they fit from the first to the last
or they do not. A sound that lacks some of them does not fit; nor do many that lack none, of voices unlike those that
the model learnt from. So a fit is strong evidence that all words are there, and no proof: a sound that lacks its first
words may fit, too, with these squeezed into its first syllables (docs/hearing.md has the figures). No fit says nothing.
Each sound is tried as it is, and as if spoken by a larger and by a smaller speaker.

On standard input: a line of JSON, `{"bytes": N, "words": [...]}`, then N bytes of a WAV file; on standard output a line
for each: `{"followed": true, "words": [[text, start_ms, end_ms], ...]}`. Invariant: whatever is sent is answered with
one line, until the input ends.

Source: pocketsphinx 5.1.1 and the en-us model in its wheel.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, BinaryIO

import numpy as np

from narration.audio.clips import at_rate, open_clip, samples_of
from narration.errors import AudioRefused

RATE_HZ = 16_000
FRAME_MS = 10
SPEAKERS = (1.0, 1.13, 0.88)
"""How much slower a sound is played to be tried again: a smaller speaker sounds like a grown-up then."""
BEAM, WORD_BEAM = 1e-80, 1e-60
UNKNOWN_SHARE = 0.4
"""Where more of the words than this are in no dictionary, nothing can be followed."""
BEYOND_MS = 350
"""So much speech between two words counts as one word that is not in the text."""
BEYOND = "[…]"
_LOUD = 0.2
"""A stretch between two words is speech where its level is above this share of that of the words."""


class Follower:
    """Lays expected words along sounds."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(
            samprate=RATE_HZ, loglevel="FATAL", lm=None, beam=BEAM, pbeam=BEAM, wbeam=WORD_BEAM, cmn="batch", lw=1.0
        )

    def follow(self, wav: bytes, words: list[str]) -> dict[str, object]:
        """Lay words along a WAV file.

        Returns:
            `followed`, and the words with start and end in ms; those that are in no dictionary have none.
        """
        nothing: dict[str, object] = {"followed": False, "words": []}
        known = [word for word in words if self._decoder.lookup_word(word.lower())]
        if not known or len(known) < (1 - UNKNOWN_SHARE) * len(words):
            return nothing
        try:
            clip = open_clip(wav)
        except AudioRefused:
            return nothing
        for slower in SPEAKERS:
            samples = np.asarray(samples_of(at_rate(clip, round(RATE_HZ * slower))), dtype=np.int16)
            spans = self._laid(samples, [word.lower() for word in known])
            if spans is not None:
                return {"followed": True, "words": _told(words, known, spans, samples, slower)}
        return nothing

    def _laid(self, samples: Any, words: list[str]) -> list[tuple[int, int]] | None:  # noqa: ANN401 — of numpy
        """First and last frame of each word; None where they do not fit."""
        decoder = self._decoder
        steps = [(place, place + 1, 1.0, word) for place, word in enumerate(words)]
        decoder.add_fsg("line", decoder.create_fsg("line", 0, len(words), steps))
        decoder.activate_search("line")
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return None
        found = [(re.sub(r"\(\d+\)$", "", one.word), one.start_frame, one.end_frame) for one in decoder.seg()]
        spoken = [(first, last) for word, first, last in found if not word.startswith(("<", "["))]
        return spoken if len(spoken) == len(words) else None


def _told(
    words: list[str],
    known: list[str],
    spans: list[tuple[int, int]],
    samples: Any,  # noqa: ANN401 — of numpy
    slower: float,
) -> list[list[object]]:
    """Every word with its times, and what is said between them and after them that is no word of the text."""

    def ms(frame: int) -> int:
        return round(frame * FRAME_MS / slower)

    level = _rms(samples, spans[0][0], spans[-1][1])
    told: list[list[object]] = []
    left, end, unknown = iter(zip(known, spans, strict=True)), 0, False
    following = next(left, None)
    for word in words:
        if following is None or following[0] != word:
            told.append([word, None, None])
            unknown = True  # the speech between its neighbours is its own
            continue
        first, last = following[1]
        told += [] if unknown else _beyond(samples, end, first, level, slower)
        told.append([word, ms(first), ms(last + 1)])
        end, following, unknown = last + 1, next(left, None), False
    return told if unknown else told + _beyond(samples, end, len(samples) * 1000 // (RATE_HZ * FRAME_MS), level, slower)


def _beyond(samples: Any, first: int, last: int, level: float, slower: float) -> list[list[object]]:  # noqa: ANN401
    """Marks for the speech from one frame to another, one for each that would be a word."""
    length_ms = (last - first) * FRAME_MS / slower
    if length_ms < BEYOND_MS or _rms(samples, first, last) < _LOUD * level:
        return []
    count = int(length_ms // BEYOND_MS)
    start_ms = first * FRAME_MS / slower
    step_ms = length_ms / count
    return [[BEYOND, round(start_ms + k * step_ms), round(start_ms + (k + 1) * step_ms)] for k in range(count)]


def _rms(samples: Any, first: int, last: int) -> float:  # noqa: ANN401 — of numpy
    per_frame = RATE_HZ * FRAME_MS // 1000
    part = samples[first * per_frame : last * per_frame].astype(np.float64)
    return float(np.sqrt(np.mean(part * part))) if len(part) else 0.0


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the input ends."""
    follower = Follower()
    while line := source.readline():
        asked = json.loads(line)
        sound = source.read(int(asked["bytes"]))
        told = follower.follow(sound, [str(word) for word in asked["words"]])
        sink.write(json.dumps(told).encode() + b"\n")
        sink.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
