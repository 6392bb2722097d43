"""How each file of a chapter is made: what the samples go through, and the options of its encoder and container.

Invariant: nothing here changes from run to run (no date, no random number, no version), so that the same samples and
tags give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from narration.formats import Encoded
from narration.settings.audio import AudioSettings

HEADROOM_DB = 1.0
"""How far under the delivered true peak the limiter stays: it sees samples, and encoding raises peaks by some tenths
of a decibel."""
ATTACK_MS, RELEASE_MS = 5, 60
LIMITED_FROM_HZ = 44_100
"""The limiter works at this rate or a higher one: well above the assembly's, so that peaks between samples are seen."""
OPUS_RATE_HZ = 48_000
"""The only rate that an Opus decoder has, whatever was encoded. Source: RFC 7845, section 5.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A cover that is put into a file.

    Attributes:
        path: a JPEG file.
        sha256: of it.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a chapter's file says about itself; what is empty is left out.

    Attributes:
        title: of the chapter.
        album: title of the book.
        artist: its author.
        narrator: who reads; players show the composer as the narrator.
        track, tracks: this chapter's number and how many there are.
        language: ISO 639-1.
        date: year or ISO date.
        picture: the cover, or None.
    """

    title: str
    album: str
    artist: str
    narrator: str = ""
    track: int
    tracks: int
    language: str
    date: str = ""
    picture: Picture | None = None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names as ffmpeg spells them, and values, in a fixed order."""
        named = (
            ("title", self.title),
            ("album", self.album),
            ("artist", self.artist),
            ("album_artist", self.artist),
            ("composer", self.narrator),
            ("track", f"{self.track}/{self.tracks}"),
            ("genre", "Audiobook"),
            ("date", self.date),
            ("language", LANGUAGE_CODES.get(self.language, self.language)),
        )
        return tuple((name, one_line(value)) for name, value in named if one_line(value))


LANGUAGE_CODES = {
    "ar": "ara", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fi": "fin",
    "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor",
    "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sv": "swe", "th": "tha",
    "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip
"""ISO 639-1 to 639-2, which is what ID3 wants. Source: id3.org, id3v2.3.0, TLAN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How ffmpeg makes one file from the mastered samples.

    Attributes:
        filters: what the samples go through for this file alone, as ffmpeg spells it.
        options: the encoder's and the container's.
        picture: the cover that goes into it, or None.
    """

    filters: tuple[str, ...] = ()
    options: tuple[str, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a further pass does otherwise than the first, because the delivered file's measurement disagreed.

    Attributes:
        gain_db: louder or softer than in the first pass.
        limit_db: by how much lower the limiter is.
    """

    gain_db: float = 0.0
    limit_db: float = 0.0

    def __add__(self, other: Correction) -> Correction:
        return Correction(gain_db=self.gain_db + other.gain_db, limit_db=self.limit_db + other.limit_db)


def mastering(audio: AudioSettings, correction: Correction = Correction()) -> tuple[str, ...]:
    """What the samples of a chapter go through, once, whatever they are encoded as: rate, loudness, limiter."""
    limit_db = audio.peak_dbtp - HEADROOM_DB - correction.limit_db
    rate_hz = max(audio.rate_hz, LIMITED_FROM_HZ)
    return (
        f"aresample={rate_hz}:resampler=soxr",
        *((f"volume={correction.gain_db:.2f}dB",) if correction.gain_db else ()),
        f"alimiter=level=false:limit={limit_db:.2f}dB:attack={ATTACK_MS}:release={RELEASE_MS}:latency=true",
        *((f"aresample={audio.rate_hz}:resampler=soxr",) if rate_hz != audio.rate_hz else ()),
    )


def encoding_of(encoded: Encoded, audio: AudioSettings, tags: Tags) -> Encoding:
    """How a chapter is encoded as that."""
    match encoded:
        case Encoded.MP3:
            return mp3(audio, tags)
        case Encoded.M4A:
            # No tags: a part is only seen inside its container, and is kept when a tag changes. `fast` takes a quarter
            # of the time of the default, and keeps more of a single voice at these rates.
            return Encoding(
                options=("-c:a", "aac", "-aac_coder", "fast", "-b:a", f"{audio.aac_kbps}k", *_clean(), "-f", "mp4")
            )
        case Encoded.FLAC:
            options = ("-c:a", "flac", "-sample_fmt", "s16", *_clean(tags), "-f", "flac")
            return Encoding(options=options, picture=tags.picture)
        case Encoded.OPUS:
            rate = f"aresample={OPUS_RATE_HZ}:resampler=soxr"
            options = ("-c:a", "libopus", "-b:a", f"{audio.opus_kbps}k", *_clean(tags), "-f", "ogg")
            return Encoding(filters=(rate,), options=options)
        case _:
            assert_never(encoded)


def mp3(audio: AudioSettings, tags: Tags) -> Encoding:
    """An MP3 file: mono, constant bitrate, ID3v2.3 for the widest reach."""
    rate = ("-b:a", f"{audio.bitrate_kbps}k")
    options = ("-c:a", "libmp3lame", *rate, "-id3v2_version", "3", *_clean(tags), "-f", "mp3")
    return Encoding(options=options, picture=tags.picture)


def _clean(tags: Tags | None = None) -> tuple[str, ...]:
    """Nothing in the file that changes from run to run, and the tags."""
    metadata = [word for name, value in (tags.pairs() if tags else ()) for word in ("-metadata", f"{name}={value}")]
    return ("-map_metadata", "-1", *metadata, "-flags:a", "+bitexact", "-fflags", "+bitexact")


def one_line(value: str) -> str:
    """A tag's value without control characters, which no player shows and no argument may hold."""
    return " ".join("".join(character if character.isprintable() else " " for character in value).split())
