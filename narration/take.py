"""Takes: what was asked of a service, what it answered, and the audio that came of it.

Invariant: a take id is the hash of everything that was asked and the ordinal, and of nothing else; the same id means
the same request, whoever computes it, wherever and whenever.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

TAKE_ID_CHARS = 40
"""Hex digits of a take id: 160 bits, so that two different requests never share one."""


def canonical_hash(facts: dict[str, object]) -> str:
    """The first `TAKE_ID_CHARS` hex digits of the SHA-256 of the canonical JSON of `facts`.

    Raises:
        ValueError: a number is not finite.
    """
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:TAKE_ID_CHARS]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechAsk:
    """Everything that one synthesis request says.

    Attributes:
        service: the service's kind (`qwen`).
        region: where it is; a system voice of the same name sounds different at another place.
        model: as the service spells it.
        voice: the service's own name of the voice; unique to an account and a model.
        text: as sent.
        language: ISO 639-1; the door spells it as its service wants.
        options: further options that change the sound, sorted by name.
        ordinal: 0; a retake or a pickup counts up.
    """

    service: str
    region: str
    model: str
    voice: str
    text: str
    language: str
    options: tuple[tuple[str, str], ...] = ()
    ordinal: int = 0

    @property
    def take_id(self) -> str:
        """The identity of the take that answers this request."""
        # Spelled out: it is asked for several times of every chunk, and `asdict` copies whatever it meets.
        return canonical_hash(
            {
                "service": self.service,
                "region": self.region,
                "model": self.model,
                "voice": self.voice,
                "text": self.text,
                "language": self.language,
                "options": self.options,
                "ordinal": self.ordinal,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a service answered to a synthesis request: enough to get the audio later without paying again.

    One of `url`, `task_id` and `audio` leads to the sound; where there are two, `audio` is the sound.

    Attributes:
        request_id: the service's own id.
        billed_characters: as the service counted them; None while it has not said.
        url: link to the audio file, or empty.
        expires_at: Unix seconds at which the link dies; 0 when unknown.
        task_id: a task to poll, or empty.
        audio: the WAV file itself, where the service sends it at once; the journal keeps it beside its entry.
    """

    request_id: str
    billed_characters: int | None = None
    url: str = ""
    expires_at: int = 0
    task_id: str = ""
    audio: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipMeasures:
    """What was measured of a take's audio as received.

    Attributes:
        rate_hz: sample rate.
        frames: length in samples (mono).
        speech_start, speech_end: first and one-past-last frame of speech; equal when all is silent.
        speech_dbfs: RMS of the blocks that hold speech; -inf is stored as -120.
        peak_dbfs: highest sample.
        floor_dbfs: RMS of the quietest stretch.
        speech_lufs: loudness of the same blocks as `speech_dbfs`; None in takes that were measured without it.
    """

    rate_hz: int
    frames: int
    speech_start: int
    speech_end: int
    speech_dbfs: float
    peak_dbfs: float
    floor_dbfs: float
    speech_lufs: float | None = None

    @property
    def audio_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTraits:
    """What a take sounds like; only the checks read it.

    Attributes:
        gap_ms: the longest silence between two stretches of speech.
        head_edge_db, tail_edge_db: level of the first and the last 10 ms of the file, against that of the speech.
        clipped_ppm: samples in flat tops, per million.
        hiss_dbfs: level from 5 to 10 kHz where it is least.
        pitch_hz: median of what is voiced; 0 where nothing is.
        pitch_spread: how far the pitch moves around that, in octaves (median deviation).
        voiced: share of the loud frames that are voiced.
        timbre_db: level of 20 critical bands, against their mean.
        repeated_ms: how long the stretch is that seems to be heard twice, one after the other; 0 where none does.
        beats: peaks of the loudness of vowels, about one for each syllable; None in takes that were measured without.
    """

    gap_ms: int
    head_edge_db: float
    tail_edge_db: float
    clipped_ppm: int
    hiss_dbfs: float
    pitch_hz: float
    pitch_spread: float
    voiced: float
    timbre_db: tuple[float, ...]
    repeated_ms: int
    beats: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """The recorded audio of one chunk by one voice.

    Attributes:
        ask: the request; its `take_id` is the take's.
        sha256: of the audio as received.
        measures: of the audio as received.
        request_id: the service's id of the answer that was paid.
        billed_characters: as the service counted them.
        price_usd: what the ledger holds for it.
        created_at: ISO 8601, UTC, when the answer was read.
        run_id: the run that bought it.
        traits: what it sounds like; None where there is no speech in it, and in takes that were stored without.
    """

    ask: SpeechAsk
    sha256: str
    measures: ClipMeasures
    request_id: str
    billed_characters: int
    price_usd: float
    created_at: str
    run_id: str
    traits: ClipTraits | None = None

    @property
    def take_id(self) -> str:
        """The identity of the take."""
        return self.ask.take_id
