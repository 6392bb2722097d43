"""From what was heard of a take to what is wrong with it, and which takes are to be heard at all.

Invariant: a take that nobody heard, or that a recogniser could not follow, has no finding of its words; what was heard
is held against the words as they were sent and as the book has them, and the kinder of the two counts.
"""

from __future__ import annotations

from narration.check.takes import Flaw
from narration.check.words import Comparison, Hitch, compare, is_grave
from narration.finding import Code
from narration.hearing import Hearing
from narration.settings.checks import CheckSettings
from narration.take import Take
from narration.timeline import ChapterTimeline

MOST_FLAWS = 5
"""More differences than this in one take tell no more."""
BABBLE = 0.6
"""Where so much was heard, and hardly anything of the text, a take was not understood; with less, words are missing."""


def is_sampled(take_id: str, share: float) -> bool:
    """Whether a take is among the share that is heard."""
    return int(take_id[:8], 16) < share * 2**32


def is_audible(take: Take) -> bool:
    """Whether there is anything to hear in a take."""
    return take.measures.speech_end > take.measures.speech_start


def word_flaws(take: Take, hearing: Hearing | None, text: str, settings: CheckSettings) -> tuple[Flaw, ...]:
    """What is wrong with the words of a take, the gravest first.

    Args:
        take: as it was spoken.
        hearing: what was heard of it, or None.
        text: the words as the book has them; those that were sent may be respelled.
        settings: the thresholds.
    """
    found = [_flaws(one, settings) for one in _comparisons(take, hearing, text)]
    return min(found, key=lambda flaws: sum(flaw.weight for flaw in flaws), default=())


def every_word_heard(take: Take, hearing: Hearing | None, text: str) -> bool:
    """Whether exactly the words of a take were heard, none more and none less; arguments as of `word_flaws`."""
    return any(not one.hitches for one in _comparisons(take, hearing, text))


def _comparisons(take: Take, hearing: Hearing | None, text: str) -> tuple[Comparison, ...]:
    if hearing is None or not hearing.said.followed:
        return ()
    span_ms = (
        take.measures.speech_start * 1000 // take.measures.rate_hz,
        take.measures.speech_end * 1000 // take.measures.rate_hz,
    )
    asked = (take.ask.text, text) if text and text != take.ask.text else (take.ask.text,)
    return tuple(compare(words, hearing.said, span_ms) for words in asked)


def _flaws(comparison: Comparison, settings: CheckSettings) -> tuple[Flaw, ...]:
    heard = comparison.heard_words / comparison.said_words if comparison.said_words else 1.0
    if comparison.share < settings.heard_share and heard >= BABBLE:
        value, rule = f"{comparison.share:.0%} of its words", f"at least {settings.heard_share:.0%}"
        return (
            Flaw(code=Code.TAKE_UNCLEAR, value=value, rule=rule, weight=1 + settings.heard_share - comparison.share),
        )
    grave = [hitch for hitch in comparison.hitches if is_grave(hitch, settings, comparison.said_words)]
    flaws = [_flaw(hitch, settings) for hitch in grave]
    flaws.sort(key=lambda flaw: -flaw.weight)
    return tuple(flaws[:MOST_FLAWS])


def _flaw(hitch: Hitch, settings: CheckSettings) -> Flaw:
    about = "" if hitch.exact else "about "
    at = f"{about}{hitch.at_ms / 1000:.1f} s into the take"
    match hitch.code:
        case Code.TAKE_LACKS_WORDS:
            value, least = f"“{hitch.said}”, {at}", settings.missing_words
        case Code.TAKE_ADDS_WORDS:
            value, least = f"“{hitch.heard}”, {at}", settings.added_words
        case _:
            value, least = f"“{hitch.said}” as “{hitch.heard}”, {at}", settings.changed_words
    rule = f"fewer than {least} words in a row, and of few words less than half" if least > 1 else "none"
    return Flaw(code=hitch.code, value=value, rule=rule, weight=hitch.words / least, at_ms=hitch.at_ms)


def chapter_ms(timeline: ChapterTimeline, take: Take, at_ms: int, keep_ms: int) -> int | None:
    """Where in a chapter a moment of a take is; None where the take is not in it.

    Args:
        timeline: of the chapter.
        take: one of its takes.
        at_ms: of the take as it was spoken.
        keep_ms: silence that was kept before the speech when the take was trimmed.
    """
    for cue in timeline.cues:
        if cue.take_id == take.take_id:
            begun_ms = max(0, take.measures.speech_start * 1000 // take.measures.rate_hz - keep_ms)
            start_ms, end_ms = (frame * 1000 // timeline.rate_hz for frame in (cue.start_frame, cue.end_frame))
            return min(max(start_ms + at_ms - begun_ms, start_ms), end_ms)
    return None


def clock(ms: int) -> str:
    """Hours, minutes and seconds, for people: `12:03.4`, `1:02:03.4`."""
    tenths = ms // 100
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{seconds:02d}.{tenths % 10}"
