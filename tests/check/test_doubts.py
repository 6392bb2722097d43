"""What is doubted of takes that have no flaw, and whether another take bears it out; the preview as a reference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.check.doubts import Apart, most_doubtful
from narration.check.takes import Judge
from narration.finding import Code
from narration.settings.checks import CheckSettings
from narration.take import ClipTraits, Take
from tests.check.test_takes import GOOD, codes, judge, take

DOUBTED = {
    "too little said": take(202, length=0.88),
    "too much said": take(201, length=1.16),
    "words heard twice": take(202, length=1.1, repeated_ms=600),
    "another pitch and timbre": take(
        204, pitch_hz=129.0, timbre_db=tuple(float(-band) + (-1) ** band * 1.9 for band in range(20))
    ),
    "another level": take(205, level_dbfs=-23.4),
}
"""Golden cases: takes that pass their checks, each far from usual in one way."""
PREVIEW = GOOD[0].traits
assert PREVIEW is not None


@pytest.mark.parametrize("what", DOUBTED)
def test_a_take_that_is_far_from_usual_is_doubted_and_has_no_flaw(what: str) -> None:
    court = judge()
    assert court.flaws(DOUBTED[what]) == ()
    assert court.apart(DOUBTED[what]).weight >= 1


def test_takes_that_are_as_usual_are_not_doubted() -> None:
    court = judge()
    assert [one.ask.text for one in GOOD if court.apart(one).weight >= 1] == []


def test_nothing_is_doubted_while_takes_come_or_of_what_is_silent() -> None:
    court = Judge(CheckSettings(), GOOD)
    assert court.apart(DOUBTED["too little said"]) == Apart()
    court.settle()
    assert court.apart(take(206, speech=False)) == Apart()


def test_a_doubt_says_what_it_is_about() -> None:
    court = judge()
    about = {what: court.apart(one).why for what, one in DOUBTED.items()}
    assert about == {
        "too little said": "length",
        "too much said": "length",
        "words heard twice": "words heard twice",
        "another pitch and timbre": "voice",
        "another level": "voice",
    }


def test_where_every_word_was_heard_the_length_is_not_doubted_and_the_voice_is() -> None:
    court = judge()
    assert court.apart(DOUBTED["too little said"]).of_the_voice.weight < 1
    assert court.apart(DOUBTED["words heard twice"]).of_the_voice.weight < 1
    assert court.apart(DOUBTED["another pitch and timbre"]).of_the_voice.weight >= 1


def test_beats_of_loudness_tell_what_a_length_alone_does_not() -> None:
    def beating(one: Take, share: float = 1.0) -> Take:
        assert one.traits is not None
        vowels = sum(one.ask.text.count(vowel) for vowel in "aeiou")
        return replace(one, traits=replace(one.traits, beats=round(share * vowels)))

    good = [beating(one) for one in GOOD]
    court = Judge(CheckSettings(), good)
    court.settle()
    assert [one.ask.text for one in good if court.apart(one).weight >= 1] == []
    slow = take(207, "the old man went down to the sea and counted stones there until evening came", length=0.94)
    assert judge().apart(slow).weight < 1
    assert court.apart(beating(slow)).weight < 1, "spoken fast, and all of it"
    assert court.apart(beating(slow, 0.65)).weight >= 1, "spoken as fast as ever, and a part of it is missing"


def test_two_takes_that_are_alike_bear_each_other_out() -> None:
    court = judge()
    short, as_short = court.apart(take(208, length=0.88)), court.apart(take(208, length=0.885))
    assert short.same(as_short)
    assert not short.same(court.apart(take(208)))
    high = replace(Apart(), pitch=1.2)
    assert not high.same(Apart(pitch=-1.2)), "the other side of usual"
    assert high.same(Apart(pitch=1.0))


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 5)), st.floats(0, 1))
def test_no_more_than_the_share_is_doubted_and_the_most_doubtful_first(weights: dict[str, float], share: float) -> None:
    doubted = most_doubtful(weights, share)
    assert len(doubted) <= max(1, share * len(weights))
    assert all(weights[one] >= 1 for one in doubted)
    left = [weight for take_id, weight in weights.items() if take_id not in doubted]
    if doubted and len(doubted) >= max(1, int(share * len(weights))):
        assert max(left, default=0) <= min(weights[one] for one in doubted)


def test_with_a_share_of_nothing_nothing_is_doubted() -> None:
    assert most_doubtful({"a": 3.0}, 0.0) == frozenset()


def few(*takes: Take, preview: ClipTraits | None = PREVIEW) -> Judge:
    court = Judge(CheckSettings(), takes)
    if preview is not None:
        court.refer("v", preview)
    court.settle()
    return court


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (Code.TAKE_PITCH, {"pitch_hz": 230.0}),
        (Code.TAKE_TIMBRE, {"timbre_db": tuple(30.0 * (-1) ** band for band in range(20))}),
    ],
    ids=str,
)
def test_a_stranger_among_few_takes_is_told_by_the_approved_preview(
    count: int, code: Code, changes: dict[str, object]
) -> None:
    stranger = take(300, "the old man went down to the sea and counted stones there", **changes)  # type: ignore[arg-type]
    takes = [*GOOD[: count - 1], stranger]
    assert codes(few(*takes).flaws(stranger)) == [code]
    assert few(*takes, preview=None).flaws(stranger) == (), "a voice of the service's own is judged by its takes alone"


def test_good_takes_of_a_voice_of_few_are_not_accused_by_its_preview() -> None:
    for count in (1, 2, 5, 12):
        court = few(*GOOD[:count])
        assert [codes(court.flaws(one)) for one in GOOD[:count]] == [[]] * count


def test_takes_that_agree_count_for_more_than_a_preview_they_are_far_from() -> None:
    assert PREVIEW is not None
    drifted = few(*GOOD[:8], preview=replace(PREVIEW, pitch_hz=260.0))
    assert all(drifted.flaws(one) == () for one in GOOD[:8])


def test_a_voice_of_many_takes_is_judged_by_them_and_its_preview_is_not_asked_for() -> None:
    assert PREVIEW is not None
    court = few(*GOOD, preview=replace(PREVIEW, pitch_hz=260.0))
    assert not court.is_new("v")
    assert all(court.flaws(one) == () for one in GOOD)
    assert few(*GOOD[:5]).is_new("v")
