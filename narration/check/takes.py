"""Takes held against their text, and against what is usual of their voice: what is wrong with each.

Invariant: a judge hears nothing and asks nobody; the same takes give the same findings, whatever the order in which
they came. Of one cause one finding is made: a silent take is not also too soft.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from narration.audio.pacing import WELL_KNOWN
from narration.audio.usual import Heard, Usual, learn, looseness
from narration.check.doubts import LEAST_VOICE_S, Apart, apart_of, heard_twice_s, length_sigma, octaves_apart
from narration.check.pace import PRIOR_BEATS, PRIOR_S, weights_of
from narration.finding import MEANINGS, Code, Finding, Severity
from narration.settings.checks import CheckSettings
from narration.take import ClipTraits, Take

GROWTH = 1.1
"""What is usual of a voice is learnt anew once it has so many times the takes."""
EDGE_ROOM_DB, HISS_ROOM_DB, HISS_LOOSE_DB = 6.0, 8.0, 4.0
"""What is usual of a voice may be exceeded by so much; the last for each time that a short take is freer, since in a
second of speech there is no silence to hear hiss in."""
SOFT_START_DB = -20.0
"""Of a voice whose takes begin softer than this, one that does not lacks its beginning; others begin with a vowel."""
EARLY_TAKES = 30
"""While a book is being spoken, a voice is known from so many takes on; once all is spoken, from `learn_from` on."""
EARLY_LOOSE = 1.5
"""How much freer lengths are while a book is being spoken: the order in which takes come must not decide, so what is
not grave waits, like all that a voice is told by, until all are there."""
UNKNOWN_SIGMA = 0.35
"""Deviation of the logarithm of a length of a voice that is not known: a third or three times of it is too much."""
BY_EAR = (Code.TAKE_LEVEL, Code.TAKE_NOISY, Code.TAKE_PITCH, Code.TAKE_TIMBRE)
"""What a take has beside its words. One that has it still when spoken again may be what these words sound like in
that voice: a person listens, and the book is not held up."""
BEYOND = 1.5
"""So many times below the shortest, or above the longest, of what was heard of a voice its pace is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong with a take.

    Attributes:
        code: of the register.
        value: what was found.
        rule: what is asked for.
        weight: how bad it is: 1 at the threshold, more beyond.
        at_ms: where in the take it begins; None where that is not known, or it is all of it.
    """

    code: Code
    value: str
    rule: str
    weight: float
    at_ms: int | None = None


class Judge:
    """Learns what is usual of each voice as takes come, and says what is wrong with one."""

    def __init__(self, settings: CheckSettings, takes: Iterable[Take] = ()) -> None:
        self._settings = settings
        self._heard: dict[_Voice, dict[str, Heard]] = {}
        self._usual: dict[_Voice, Usual] = {}
        self._previews: dict[str, ClipTraits] = {}
        self._complete = False
        for take in takes:
            self.learn(take)

    def learn(self, take: Take) -> None:
        """Take note of a take; one that was noted already changes nothing."""
        voice = _voice(take)
        known = self._heard.setdefault(voice, {})
        if take.traits is None or take.take_id in known:
            return
        known[take.take_id] = _heard(take, take.traits)

    def is_new(self, voice: str) -> bool:
        """Whether so few takes of a voice are there, at any one speed, that its preview tells more than they do.

        Args:
            voice: the service's name of it.
        """
        return any(len(takes) < WELL_KNOWN for name, takes in self._heard.items() if name.voice == voice)

    def refer(self, voice: str, preview: ClipTraits) -> None:
        """Take note of what the approved preview of a voice sounds like: pitch and timbre of few takes are held to it.

        Args:
            voice: the service's name of it.
            preview: its traits.
        """
        self._previews[voice] = preview
        self._usual.clear()

    def usual(self, take: Take) -> Usual:
        """What is usual of the voice of a take."""
        voice = _voice(take)
        known = self._heard.get(voice, {})
        usual = self._usual.get(voice)
        if usual is None or len(known) >= usual.takes * GROWTH + 1:
            takes = [known[take_id] for take_id in sorted(known)]
            usual = self._usual[voice] = learn(takes, PRIOR_S, PRIOR_BEATS, self._previews.get(take.ask.voice))
        return usual

    def settle(self) -> None:
        """All takes there are have come: learn anew from them, and take even a few of a voice for what is usual."""
        self._usual.clear()
        self._complete = True

    def flaws(self, take: Take) -> tuple[Flaw, ...]:
        """What is wrong with a take, the gravest first."""
        if take.measures.speech_end <= take.measures.speech_start:
            return (Flaw(code=Code.TAKE_SILENT, value="silence", rule="speech", weight=math.inf),)
        usual = self.usual(take)
        known = self._known(usual)
        found = [*self._pauses(take)]
        if take.traits is not None:
            heard = _heard(take, take.traits)
            found += [*self._length(heard, usual, known=known), *self._clipping(heard), *self._whisper(heard)]
            if known and self._complete:
                found += [*self._edges(heard, usual), *self._level(heard, usual)]
            if usual.voice_known and self._complete:
                found += self._voice(heard, usual)
        found.sort(key=lambda flaw: -flaw.weight)
        return tuple(found)

    def apart(self, take: Take) -> Apart:
        """How far a take is from what is usual of its voice; not at all as long as takes come."""
        if not self._complete or take.traits is None or take.measures.speech_end <= take.measures.speech_start:
            return Apart()
        usual = self.usual(take)
        return apart_of(_heard(take, take.traits), usual, known=self._known(usual))

    def _known(self, usual: Usual) -> bool:
        return usual.takes >= max(self._settings.learn_from, 0 if self._complete else EARLY_TAKES)

    def _length(self, heard: Heard, usual: Usual, *, known: bool) -> Iterator[Flaw]:
        settings, expected_s = self._settings, usual.expected_s(heard.weights)
        share = heard.speech_s / expected_s
        sigma = length_sigma(usual, expected_s)
        if not self._complete:
            sigma *= EARLY_LOOSE
        shortest_s, longest_s = usual.lengths_s
        if not known or not shortest_s / BEYOND <= expected_s <= longest_s * BEYOND:
            sigma = max(sigma, UNKNOWN_SIGMA)
        apart = math.log(share) / sigma
        least = min(settings.least_share, math.exp(-settings.pace_sigmas * sigma))
        most = max(1 / settings.least_share, math.exp(settings.pace_sigmas * sigma))
        twice_s = heard_twice_s(heard, expected_s)
        twice = f"; {twice_s:.1f} s are heard twice" if twice_s else ""
        value = f"{heard.speech_s:.1f} s, {share:.0%} of the expected {expected_s:.1f} s"
        if share > settings.runaway_times and share > most:
            rule = f"at most {settings.runaway_times:g} times the expected length"
            yield Flaw(code=Code.TAKE_RUNS_AWAY, value=value, rule=rule, weight=10 + share)
        elif share > most:
            code, also = (Code.TAKE_REPEATS, twice) if twice else (Code.TAKE_TOO_LONG, "")
            yield Flaw(code=code, value=value + also, rule=f"at most {most:.0%}", weight=apart / settings.pace_sigmas)
        elif twice and apart > settings.repeat_sigmas:
            rule = f"at most {math.exp(settings.repeat_sigmas * sigma):.0%} where words are heard twice"
            yield Flaw(code=Code.TAKE_REPEATS, value=value + twice, rule=rule, weight=apart / settings.repeat_sigmas)
        elif share < least:
            weight = -apart / settings.pace_sigmas
            yield Flaw(code=Code.TAKE_TOO_SHORT, value=value, rule=f"at least {least:.0%}", weight=weight)

    def _pauses(self, take: Take) -> Iterator[Flaw]:
        settings, measures = self._settings, take.measures
        head_ms = measures.speech_start * 1000 // measures.rate_hz
        tail_ms = (measures.frames - measures.speech_end) * 1000 // measures.rate_hz
        gap_ms = take.traits.gap_ms if take.traits is not None else 0
        for found, most, code in (
            (head_ms, settings.head_ms, Code.TAKE_HEAD),
            (tail_ms, settings.tail_ms, Code.TAKE_TAIL),
            (gap_ms, settings.gap_ms, Code.TAKE_GAP),
        ):
            if found > most:
                rule = f"at most {most / 1000:g} s"
                yield Flaw(code=code, value=f"{found / 1000:.1f} s", rule=rule, weight=found / max(1, most))

    def _clipping(self, heard: Heard) -> Iterator[Flaw]:
        most, found = self._settings.clipped_ppm, heard.traits.clipped_ppm
        if found > most:
            value, rule = f"{found / 10_000:.2f} % of the samples", f"at most {most / 10_000:.2f} %"
            yield Flaw(code=Code.TAKE_CLIPPED, value=value, rule=rule, weight=found / max(1, most))

    def _whisper(self, heard: Heard) -> Iterator[Flaw]:
        least, found = self._settings.voiced_share, heard.traits.voiced
        if heard.speech_s >= LEAST_VOICE_S and found < least:
            yield Flaw(
                code=Code.TAKE_WHISPERED, value=f"{found:.0%}", rule=f"at least {least:.0%}", weight=1 + least - found
            )

    def _edges(self, heard: Heard, usual: Usual) -> Iterator[Flaw]:
        settings, traits = self._settings, heard.traits
        if usual.head_edge_db < SOFT_START_DB and traits.head_edge_db > -settings.edge_db:
            yield _edge(Code.TAKE_BEGINS_LATE, traits.head_edge_db, -settings.edge_db)
        limit_db = max(-settings.edge_db, usual.tail_edge_db + EDGE_ROOM_DB)
        if traits.tail_edge_db > limit_db:
            yield _edge(Code.TAKE_CUT_OFF, traits.tail_edge_db, limit_db)

    def _level(self, heard: Heard, usual: Usual) -> Iterator[Flaw]:
        settings, traits = self._settings, heard.traits
        louder_db = heard.level_dbfs - usual.level_dbfs
        limit_db = max(settings.level_db, settings.level_sigmas * usual.level_sigma_db * usual.few)
        if abs(louder_db) > limit_db:
            value, rule = f"{louder_db:+.1f} dB", f"within {limit_db:.1f} dB of the voice's own level"
            yield Flaw(code=Code.TAKE_LEVEL, value=value, rule=rule, weight=abs(louder_db) / limit_db)
        if heard.speech_s < LEAST_VOICE_S:
            return
        hiss_db = traits.hiss_dbfs - heard.level_dbfs
        limit_db = max(-settings.noise_db, usual.hiss_db + HISS_ROOM_DB) + HISS_LOOSE_DB * (
            looseness(heard.speech_s) - 1
        )
        if hiss_db > limit_db:
            value, rule = f"{hiss_db:+.0f} dB against the speech", f"at most {limit_db:+.0f} dB"
            yield Flaw(code=Code.TAKE_NOISY, value=value, rule=rule, weight=1 + (hiss_db - limit_db) / HISS_ROOM_DB)

    def _voice(self, heard: Heard, usual: Usual) -> Iterator[Flaw]:
        if heard.speech_s < LEAST_VOICE_S:
            return
        settings, traits = self._settings, heard.traits
        loose, few = looseness(heard.speech_s), usual.voice_few
        octaves = abs(octaves_apart(heard, usual))
        limit = max(settings.pitch_octaves, settings.pitch_sigmas * usual.pitch_sigma_octaves * few) * loose
        if octaves > limit:
            value = f"{traits.pitch_hz:.0f} Hz, the voice's own is {usual.pitch_hz:.0f} Hz"
            yield Flaw(code=Code.TAKE_PITCH, value=value, rule=f"within {limit:.2f} octaves", weight=octaves / limit)
        apart, limit = usual.timbre_sigmas(heard), settings.timbre_sigmas * few
        if apart > limit:
            value, rule = f"{apart:.1f} sigmas from the voice's own", f"at most {limit:.1f}"
            yield Flaw(code=Code.TAKE_TIMBRE, value=value, rule=rule, weight=apart / settings.timbre_sigmas)


def _edge(code: Code, edge_db: float, limit_db: float) -> Flaw:
    value, rule = f"{edge_db:+.0f} dB in the outermost 10 ms", f"at most {limit_db:+.0f} dB against the speech"
    return Flaw(code=code, value=value, rule=rule, weight=1 + (edge_db - limit_db) / EDGE_ROOM_DB)


def fails(flaws: Iterable[Flaw]) -> bool:
    """Whether a take with such flaws is to be spoken again."""
    return any(MEANINGS[flaw.code].severity is Severity.ERROR for flaw in flaws)


def badness(flaws: Iterable[Flaw]) -> tuple[int, float]:
    """How bad a take is, to be compared with others of the same words: errors first, then their weights."""
    found = tuple(flaws)
    errors = sum(MEANINGS[flaw.code].severity is Severity.ERROR for flaw in found)
    return errors, sum(flaw.weight for flaw in found)


def finding_of(flaw: Flaw, *, chapter: int, line: int, character: str, text: str, again: str = "") -> Finding:
    """The finding that a person reads.

    Args:
        flaw: what is wrong.
        chapter: number of the chapter; so are the others of the line.
        line: index.
        character: who speaks.
        text: the words.
        again: what was done about it, as half a sentence, or empty.
    """
    meaning = MEANINGS[flaw.code]
    return Finding(
        code=flaw.code,
        severity=Severity.WARNING if again and flaw.code in BY_EAR else meaning.severity,
        message=f"{meaning.title}: {flaw.value}, expected {flaw.rule}{again}",
        chapter=chapter,
        line=line,
        character=character,
        text=text,
        hint=meaning.hint,
        rule=flaw.rule,
        value=flaw.value,
    )


class _Voice(NamedTuple):
    """Whose takes are held against each other: a speed of its own is a voice of its own."""

    service: str
    region: str
    model: str
    voice: str
    speed: str


def _voice(take: Take) -> _Voice:
    ask = take.ask
    return _Voice(ask.service, ask.region, ask.model, ask.voice, dict(ask.options).get("speed", ""))


def _heard(take: Take, traits: ClipTraits) -> Heard:
    measures = take.measures
    return Heard(
        weights=weights_of(take.ask.text),
        speech_s=(measures.speech_end - measures.speech_start) / measures.rate_hz,
        level_dbfs=measures.speech_dbfs,
        traits=traits,
    )
