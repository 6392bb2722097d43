"""Findings: what a check, or the service, says about a take, a chapter or a package; and the register of their codes.

Invariant: a finding names its place so that a person can go there, and its code is in the register, which is where
what to do about it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from narration.place import Place


class Severity(StrEnum):
    """How much a finding weighs."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Code(StrEnum):
    """Every code there is: what it is about, and a number."""

    TEXT_REFUSED = "speak-001"
    VOICE_REJECTED = "design-001"
    TAKE_SILENT = "take-001"
    TAKE_TOO_SHORT = "take-002"
    TAKE_TOO_LONG = "take-003"
    TAKE_RUNS_AWAY = "take-004"
    TAKE_REPEATS = "take-005"
    TAKE_BEGINS_LATE = "take-006"
    TAKE_CUT_OFF = "take-007"
    TAKE_GAP = "take-008"
    TAKE_HEAD = "take-009"
    TAKE_TAIL = "take-010"
    TAKE_CLIPPED = "take-011"
    TAKE_LEVEL = "take-012"
    TAKE_NOISY = "take-013"
    TAKE_PITCH = "take-014"
    TAKE_TIMBRE = "take-015"
    TAKE_LACKS_WORDS = "take-016"
    TAKE_ADDS_WORDS = "take-017"
    TAKE_CHANGES_WORDS = "take-018"
    TAKE_UNCLEAR = "take-019"
    TAKE_WHISPERED = "take-020"
    TAKES_UNHEARD = "words-001"
    NOT_AUDIO = "file-001"
    DAMAGED = "file-002"
    NOT_MP3 = "file-003"
    TOO_SOFT = "level-001"
    TOO_LOUD = "level-002"
    PEAK = "peak-001"
    TRUE_PEAK = "peak-002"
    CLIPPED = "peak-003"
    NOISY = "floor-001"
    RATE = "rate-001"
    BITRATE = "bitrate-001"
    BITRATE_VARIES = "bitrate-002"
    CHANNELS_DIFFER = "channels-001"
    TOO_LONG = "length-001"
    HEAD_SHORT = "head-001"
    HEAD_LONG = "head-002"
    TAIL_SHORT = "tail-001"
    TAIL_LONG = "tail-002"
    COVER_NOT_SQUARE = "cover-001"
    COVER_SMALL = "cover-002"
    COVER_COLOURS = "cover-003"
    COVER_WITHOUT_WORDS = "cover-004"
    NO_SAMPLE = "sample-001"
    SAMPLE_LENGTH = "sample-002"
    NOT_THE_WHOLE_BOOK = "deliver-001"
    VOICES_ALIKE = "voice-001"
    TAKE_STRAYS = "voice-002"
    VOICE_DRIFTED = "voice-003"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code stands for.

    Attributes:
        title: what is the matter, in a few words.
        severity: how much it weighs; an error makes a run end with exit status 3.
        hint: what to do next.
    """

    title: str
    severity: Severity
    hint: str


def _error(title: str, hint: str) -> Meaning:
    return Meaning(title=title, severity=Severity.ERROR, hint=hint)


def _warning(title: str, hint: str) -> Meaning:
    return Meaning(title=title, severity=Severity.WARNING, hint=hint)


_LISTEN = "Listen to the line; reword it, or raise the threshold in the table `check` of book.yaml if it is right."
_TRIMMED = "The chapter has it trimmed; listen whether the line is whole."

MEANINGS: Mapping[Code, Meaning] = MappingProxyType(
    {
        Code.TEXT_REFUSED: _error(
            "the service refused to speak a text", "Reword the line and render again; everything else is kept."
        ),
        Code.VOICE_REJECTED: _error(
            "the service rejected a character's voice, so that nobody speaks the line",
            "Reword the description in the cast sheet and render again; all else is kept.",
        ),
        Code.TAKE_SILENT: _error("nothing is said in the take", _LISTEN),
        Code.TAKE_TOO_SHORT: _error("the take is too short for its text: words may be missing", _LISTEN),
        Code.TAKE_TOO_LONG: _error("the take is too long for its text: something may be added", _LISTEN),
        Code.TAKE_RUNS_AWAY: _error("the take goes on and on after its text", _LISTEN),
        Code.TAKE_REPEATS: _error("the take is too long for its text, and says something twice", _LISTEN),
        Code.TAKE_BEGINS_LATE: _error("the take begins in the midst of a sound", _LISTEN),
        Code.TAKE_CUT_OFF: _error("the take ends in the midst of a sound", _LISTEN),
        Code.TAKE_GAP: _warning("there is a long silence inside the take", _LISTEN),
        Code.TAKE_HEAD: _warning("there is a long silence before the take's first word", _TRIMMED),
        Code.TAKE_TAIL: _warning("there is a long silence after the take's last word", _TRIMMED),
        Code.TAKE_CLIPPED: _error("peaks of the take are cut off flat", _LISTEN),
        Code.TAKE_LEVEL: _error("the take is much softer or louder than its voice", _LISTEN),
        Code.TAKE_NOISY: _error("the take is noisier than its voice", _LISTEN),
        Code.TAKE_PITCH: _error("the take is higher or lower than its voice: somebody else may be speaking", _LISTEN),
        Code.TAKE_TIMBRE: _error("the take does not sound like its voice: somebody else may be speaking", _LISTEN),
        Code.TAKE_LACKS_WORDS: _error("words of the text were not heard in the take", _LISTEN),
        Code.TAKE_ADDS_WORDS: _error("words were heard in the take that are not in its text", _LISTEN),
        Code.TAKE_CHANGES_WORDS: _warning("words of the take were heard as other words", _LISTEN),
        Code.TAKE_UNCLEAR: _warning("hardly any word of the take was understood by the recogniser", _LISTEN),
        Code.TAKE_WHISPERED: _warning("hardly any of the take has a pitch: it is whispered, or noise", _LISTEN),
        Code.TAKES_UNHEARD: _error(
            "the recogniser that the book asks for did not hear every take",
            "Run the same command again once the reason is gone; what was heard is kept. Or set `recogniser: none` in "
            "the table `check` of book.yaml.",
        ),
        Code.NOT_AUDIO: _error(
            "the file holds no sound that can be decoded", "Replace it; it may be half a download, or not a sound file."
        ),
        Code.DAMAGED: _error("the decoder stumbles over the file", "Encode it again from the source."),
        Code.NOT_MP3: _error("the name says MP3 and the content is something else", "Encode it as MP3."),
        Code.TOO_SOFT: _error(
            "the whole file is too soft", "Raise it by the difference, with a limiter behind, and encode it again."
        ),
        Code.TOO_LOUD: _error("the whole file is too loud", "Lower it by the difference and encode it again."),
        Code.PEAK: _error("the highest sample is too high", "Lower or limit the file; encoding adds some tenths."),
        Code.TRUE_PEAK: Meaning(
            title="the curve between the samples is too high",
            severity=Severity.WARNING,
            hint="Limit by true peak, or lower the file by the difference.",
        ),
        Code.CLIPPED: _error(
            "peaks are cut off flat", "Nothing mends that afterwards: go back to the source, and lower it there."
        ),
        Code.NOISY: _error("the quiet parts are too noisy", "Take the noise away before the file is made louder."),
        Code.RATE: _error("the sample rate is not accepted", "Encode it again at an accepted rate."),
        Code.BITRATE: _error("the bit rate is too low", "Encode it again from the source; not from this file."),
        Code.BITRATE_VARIES: _error(
            "the bit rate varies", "Encode it again from the source, at a constant bit rate (CBR)."
        ),
        Code.CHANNELS_DIFFER: _error(
            "the files of the folder are not all mono or all stereo", "Encode the ones that differ again."
        ),
        Code.TOO_LONG: _error("the file is too long", "Split it where a paragraph ends."),
        Code.HEAD_SHORT: _error("too little room tone before the first word", "Put room tone before it."),
        Code.HEAD_LONG: _error("too much room tone before the first word", "Cut some of it off."),
        Code.TAIL_SHORT: _error("too little room tone after the last word", "Put room tone behind it."),
        Code.TAIL_LONG: _error("too much room tone after the last word", "Cut some of it off."),
        Code.COVER_NOT_SQUARE: _warning("the cover is not square", "Crop it to a square."),
        Code.COVER_SMALL: _warning("the cover is smaller than stores want it", "Save a larger picture."),
        Code.COVER_COLOURS: _warning(
            "the cover's kind of colours is shown wrongly by some players", "Save it with RGB colours."
        ),
        Code.COVER_WITHOUT_WORDS: _warning(
            "no font of this machine has the letters of the title, so the drawn cover has no words on it",
            "Give a picture: `cover: FILE` in book.yaml.",
        ),
        Code.NO_SAMPLE: _warning(
            "no chapter is long enough for an automatic sample",
            "Choose its words: `sample:` with `begin` and `end` in book.yaml.",
        ),
        Code.SAMPLE_LENGTH: _warning(
            "the sample is shorter or longer than stores want it", "Move its `begin` or `end` in book.yaml."
        ),
        Code.NOT_THE_WHOLE_BOOK: Meaning(
            title="containers were not made, as not every chapter was delivered",
            severity=Severity.NOTE,
            hint="Render or deliver the whole book, without --chapters.",
        ),
        Code.VOICES_ALIKE: _warning(
            "two characters of the book would blend", "Listen to both; audition one with another description."
        ),
        Code.TAKE_STRAYS: _warning(
            "a take is not like its voice, or more like another character's", "Listen to it, and have it spoken again."
        ),
        Code.VOICE_DRIFTED: _warning(
            "the takes of a voice are far from the preview that was approved",
            "Listen to both; the service may have changed the voice.",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person should know.

    Attributes:
        code: stable, `room-number` (`speak-001`); listed in the docs.
        severity: how much it weighs; an error makes the run end with exit status 3.
        message: what is the matter, in one sentence.
        chapter: number of the chapter, 0 for the whole book.
        line: index of the line among the chapter's lines, -1 for the whole chapter.
        character: whose line it is.
        text: the words that it is about.
        hint: what to do next.
        file: name of the file that it is about.
        rule: what is asked for (`between -23 and -18 dBFS RMS`).
        value: what was found (`-26.4 dBFS RMS`).
    """

    code: str
    severity: Severity
    message: str
    chapter: int = 0
    line: int = -1
    character: str = ""
    text: str = ""
    hint: str = ""
    file: str = ""
    rule: str = ""
    value: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people: `3:17`, `chapter 3`, `the book`."""
        if self.line >= 0:
            return str(Place(chapter=self.chapter, line=self.line + 1))
        return f"chapter {self.chapter}" if self.chapter else "the book"


def noted(code: Code, message: str, *, chapter: int = 0, file: str = "", rule: str = "", value: str = "") -> Finding:
    """A finding of the register, with its own weight and advice.

    Args:
        code: of the register.
        message: what is the matter here, in one sentence.
        chapter: as in `Finding`; so are the others.
        file: its name.
        rule: what is asked for.
        value: what was found.
    """
    meaning = MEANINGS[code]
    return Finding(
        code=code,
        severity=meaning.severity,
        message=message,
        chapter=chapter,
        hint=meaning.hint,
        file=file,
        rule=rule,
        value=value,
    )


def findings_reference() -> str:
    """A Markdown table of every code: its weight, what it means, what to do."""
    rows = [
        f"| `{code}` | {meaning.severity} | {meaning.title} | {meaning.hint} |" for code, meaning in MEANINGS.items()
    ]
    return "\n".join(["| code | weight | what is the matter | what to do |", "|---|---|---|---|", *rows]) + "\n"
