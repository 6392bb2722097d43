"""Every code of a take has its golden case: one take that has it, among many of the same voice that have not."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.audio.usual import Heard, learn
from narration.check.hearing import word_flaws
from narration.check.pace import PRIOR_BEATS, PRIOR_S, weights_of
from narration.check.takes import Flaw, Judge, badness, fails, finding_of
from narration.finding import MEANINGS, Code, Severity
from narration.hearing import HeardWord, Hearing, HearingAsk, Transcript
from narration.settings.checks import CheckSettings
from narration.take import ClipMeasures, ClipTraits, SpeechAsk, Take

RATE_HZ = 24_000
WORDS = (
    "the",
    "old",
    "man",
    "went",
    "down",
    "to",
    "sea",
    "and",
    "counted",
    "stones",
    "there",
    "until",
    "evening",
    "came",
)


def take(
    number: int,
    text: str = "",
    *,
    length: float = 1.0,
    level_dbfs: float = -20.0,
    head_s: float = 0.1,
    tail_s: float = 0.2,
    speech: bool = True,
    **traits: object,
) -> Take:
    """A take of a steady voice; `length` is a factor on its usual length."""
    chance = Random(number)  # noqa: S311 — takes, not secrets
    words = text or " ".join(chance.choices(WORDS, k=chance.randint(4, 20)))
    spoken_s = length * sum(a * b for a, b in zip(PRIOR_S, weights_of(words), strict=True)) * chance.uniform(0.96, 1.04)
    start = round(head_s * RATE_HZ)
    end = start + round(spoken_s * RATE_HZ) if speech else start
    usual = ClipTraits(
        gap_ms=200,
        head_edge_db=-60.0 + chance.uniform(-2, 2),
        tail_edge_db=-50.0 + chance.uniform(-2, 2),
        clipped_ppm=0,
        hiss_dbfs=-75.0,
        pitch_hz=120.0 * 2 ** chance.uniform(-0.02, 0.02),
        pitch_spread=0.1,
        voiced=0.6,
        timbre_db=tuple(float(-band) + chance.uniform(-1, 1) for band in range(20)),
        repeated_ms=0,
    )
    measures = ClipMeasures(
        rate_hz=RATE_HZ,
        frames=end + round(tail_s * RATE_HZ),
        speech_start=start,
        speech_end=end,
        speech_dbfs=level_dbfs + chance.uniform(-0.3, 0.3),
        peak_dbfs=-3.0,
        floor_dbfs=-80.0,
    )
    ask = SpeechAsk(service="qwen", region="r", model="m", voice="v", text=words, language="en", ordinal=number)
    return Take(
        ask=ask,
        sha256="",
        measures=measures,
        request_id="",
        billed_characters=0,
        price_usd=0.0,
        created_at="",
        run_id="",
        traits=replace(usual, **traits) if speech else None,  # type: ignore[arg-type]
    )


GOOD = [take(number) for number in range(60)]
GOLDEN = {
    Code.TAKE_SILENT: take(100, speech=False),
    Code.TAKE_TOO_SHORT: take(101, length=0.7),
    Code.TAKE_TOO_LONG: take(102, length=1.5),
    Code.TAKE_RUNS_AWAY: take(103, length=4.0),
    Code.TAKE_REPEATS: take(104, length=1.5, repeated_ms=900),
    Code.TAKE_BEGINS_LATE: take(105, head_edge_db=-1.0),
    Code.TAKE_CUT_OFF: take(106, tail_edge_db=-1.0),
    Code.TAKE_GAP: take(107, gap_ms=4_000),
    Code.TAKE_HEAD: take(108, head_s=3.0),
    Code.TAKE_TAIL: take(109, tail_s=5.0),
    Code.TAKE_CLIPPED: take(110, clipped_ppm=2_000),
    Code.TAKE_LEVEL: take(111, level_dbfs=-32.0),
    Code.TAKE_NOISY: take(112, hiss_dbfs=-40.0),
    Code.TAKE_PITCH: take(113, pitch_hz=190.0),
    Code.TAKE_TIMBRE: take(114, timbre_db=tuple(float(band) for band in range(20))),
    Code.TAKE_WHISPERED: take(115, voiced=0.01),
}

SAID = "the old man went down to the sea and counted stones there until evening came"
HEARD = {
    Code.TAKE_LACKS_WORDS: "the old man went down to the sea until evening came",
    Code.TAKE_ADDS_WORDS: f"{SAID} until evening came",
    Code.TAKE_CHANGES_WORDS: "the old man went down to the sea with twelve yellow birds until evening came",
    Code.TAKE_UNCLEAR: "ship big bull fence up rug why sky by sounded bones where hill leaving game",
}
"""What a recogniser makes of a take of `SAID`: the codes that only words have."""


def judge(*more: Take, **changes: object) -> Judge:
    made = Judge(CheckSettings(**changes), [*GOOD, *more])  # type: ignore[arg-type]
    made.settle()
    return made


def codes(flaws: tuple[Flaw, ...]) -> list[Code]:
    return [flaw.code for flaw in flaws]


@pytest.mark.parametrize("code", GOLDEN, ids=str)
def test_a_take_with_one_flaw_has_its_code_and_no_other(code: Code) -> None:
    (flaw,) = judge(*GOLDEN.values()).flaws(GOLDEN[code])
    assert flaw.code is code
    assert flaw.value
    assert flaw.rule


def words_of(heard: str) -> tuple[Flaw, ...]:
    said = Transcript(request_id="", words=tuple(HeardWord(text=word) for word in heard.split()))
    ask = HearingAsk(kind="openai", place="", model="", sha256="", language="en")
    hearing = Hearing(ask=ask, said=said, price_usd=0.0, created_at="", run_id="")
    return word_flaws(take(300, SAID), hearing, "", CheckSettings())


@pytest.mark.parametrize("code", HEARD, ids=str)
def test_a_take_whose_words_have_one_flaw_has_its_code_and_no_other(code: Code) -> None:
    (flaw,) = words_of(HEARD[code])
    assert flaw.code is code
    assert flaw.value
    assert flaw.rule
    assert fails((flaw,)) == (MEANINGS[code].severity is Severity.ERROR)
    assert words_of(SAID) == ()


def test_every_code_of_a_take_has_a_golden_case() -> None:
    assert {*GOLDEN, *HEARD} == {code for code in Code if code.startswith("take-")}


def test_good_takes_have_no_flaws_though_a_fifth_of_the_voices_takes_are_spoilt() -> None:
    court = judge(*GOLDEN.values())
    assert [codes(court.flaws(good)) for good in GOOD] == [[]] * len(GOOD)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (Code.TAKE_TOO_SHORT, {"pace_sigmas": 50.0}),
        (Code.TAKE_GAP, {"gap_ms": 5_000}),
        (Code.TAKE_CLIPPED, {"clipped_ppm": 5_000}),
        (Code.TAKE_LEVEL, {"level_db": 20.0}),
        (Code.TAKE_NOISY, {"noise_db": 10.0}),
        (Code.TAKE_PITCH, {"pitch_octaves": 2.0}),
        (Code.TAKE_TIMBRE, {"timbre_sigmas": 500.0}),
    ],
    ids=str,
)
def test_a_threshold_that_a_production_widens_lets_the_take_pass(code: Code, changes: dict[str, object]) -> None:
    assert judge(**changes).flaws(GOLDEN[code]) == ()


@pytest.mark.parametrize(("voiced", "found"), [(0.049, [Code.TAKE_WHISPERED]), (0.05, [])])
def test_a_take_without_pitch_is_whispered(voiced: float, found: list[Code]) -> None:
    assert codes(judge().flaws(take(116, voiced=voiced))) == found
    assert codes(judge(voiced_share=0.0).flaws(take(116, voiced=voiced))) == []


def test_a_voice_of_which_little_is_known_is_judged_by_wide_limits_only() -> None:
    few = Judge(CheckSettings(), GOOD[:6])
    few.settle()
    assert few.flaws(GOLDEN[Code.TAKE_LEVEL]) == few.flaws(GOLDEN[Code.TAKE_TOO_SHORT]) == ()
    assert codes(few.flaws(GOLDEN[Code.TAKE_RUNS_AWAY])) == [Code.TAKE_RUNS_AWAY]
    assert codes(few.flaws(GOLDEN[Code.TAKE_SILENT])) == [Code.TAKE_SILENT]


def test_while_a_book_is_spoken_more_takes_are_asked_for_than_at_its_end() -> None:
    court = Judge(CheckSettings(), GOOD[:20])
    assert court.flaws(GOLDEN[Code.TAKE_LEVEL]) == ()
    court.settle()
    assert codes(court.flaws(GOLDEN[Code.TAKE_LEVEL])) == [Code.TAKE_LEVEL]


def test_a_take_that_was_stored_without_traits_is_judged_by_what_it_has() -> None:
    old = replace(GOLDEN[Code.TAKE_HEAD], traits=None)
    assert codes(judge(old).flaws(old)) == [Code.TAKE_HEAD]


def test_a_voice_is_held_against_itself_and_not_against_another() -> None:
    other = [
        replace(one, ask=replace(one.ask, voice="w")) for one in (take(n, level_dbfs=-32.0) for n in range(200, 260))
    ]
    court = judge(*other)
    assert all(court.flaws(one) == () for one in other)


def test_errors_have_a_take_spoken_again_and_warnings_do_not() -> None:
    court = judge()
    again = {code for code, bad in GOLDEN.items() if fails(court.flaws(bad))}
    assert again == {code for code in GOLDEN if MEANINGS[code].severity is Severity.ERROR}
    assert badness(court.flaws(GOOD[0])) < badness(court.flaws(GOLDEN[Code.TAKE_GAP]))
    assert badness(court.flaws(GOLDEN[Code.TAKE_GAP])) < badness(court.flaws(GOLDEN[Code.TAKE_LEVEL]))


def test_a_finding_names_the_line_the_value_and_the_rule() -> None:
    (flaw,) = judge().flaws(GOLDEN[Code.TAKE_LEVEL])
    found = finding_of(flaw, chapter=2, line=4, character="Mara", text="Go.")
    assert (found.code, found.severity, found.chapter, found.line) == ("take-012", Severity.ERROR, 2, 4)
    assert found.value in found.message
    assert found.rule in found.message
    assert found.hint


@given(st.text(), st.text())
def test_more_text_never_takes_less_time(one: str, other: str) -> None:
    both = weights_of(f"{one}\n{other}")
    assert all(a >= b for a, b in zip(both[:4], weights_of(one)[:4], strict=True))
    assert all(weight >= 0 for weight in both)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.05, 60.0), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_whatever_lengths_come_what_is_usual_is_finite_and_does_not_depend_on_their_order(
    lengths: list[float], chance: Random
) -> None:
    traits = GOOD[0].traits
    assert traits is not None
    heard = [
        Heard(weights=weights_of(" ".join(WORDS[: 1 + number % 15])), speech_s=length, level_dbfs=-20.0, traits=traits)
        for number, length in enumerate(lengths)
    ]
    usual = learn(heard, PRIOR_S, PRIOR_BEATS)
    assert 0 < usual.expected_s(heard[0].weights) < 1_000
    shuffled = heard[:]
    chance.shuffle(shuffled)
    again = learn(shuffled, PRIOR_S, PRIOR_BEATS)
    assert again.expected_s(heard[0].weights) == pytest.approx(usual.expected_s(heard[0].weights), rel=1e-6)
