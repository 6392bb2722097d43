"""What was heard against what is to be said: the differences that count, their times, and those that do not."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.check.hearing import chapter_ms, clock, is_sampled, word_flaws
from narration.check.spoken_numbers import form
from narration.check.takes import fails
from narration.check.words import Hitch, compare, folded, is_grave
from narration.finding import Code
from narration.hearing import HeardWord, Hearing, HearingAsk, Transcript
from narration.settings.checks import CheckSettings
from narration.take import ClipMeasures, SpeechAsk, Take
from narration.timeline import ChapterTimeline, Cue
from narration.typed import read_as

TEXT = "He stopped, the pen above the last line. To whom? Nobody answered him."
ASK = HearingAsk(kind="openai", place="p", model="m", sha256="0", language="en")
STEP_MS = 400


def heard(text: str, *, timed: bool = True) -> Transcript:
    words = tuple(
        HeardWord(text=word, start_ms=place * STEP_MS, end_ms=(place + 1) * STEP_MS) if timed else HeardWord(text=word)
        for place, word in enumerate(text.split())
    )
    return Transcript(request_id="", words=words)


def take(text: str = TEXT) -> Take:
    ask = SpeechAsk(service="qwen", region="r", model="m", voice="v", text=text, language="en")
    measures = ClipMeasures(
        rate_hz=1000,
        frames=6000,
        speech_start=100,
        speech_end=5900,
        speech_dbfs=-20.0,
        peak_dbfs=-3.0,
        floor_dbfs=-70.0,
    )
    return Take(
        ask=ask, sha256="0", measures=measures, request_id="", billed_characters=0, price_usd=0.0, created_at="",
        run_id="",
    )  # fmt: skip


def grave(text: str, said: str, **changes: int) -> list[Hitch]:
    settings = CheckSettings(**changes)  # type: ignore[arg-type]
    found = compare(text, heard(said), (0, 6000))
    return [one for one in found.hitches if is_grave(one, settings, found.said_words)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("In 1943, nineteen brass hooks.", "in nineteen forty-three 19 brass hooks"),
        ("1,440 wicks", "one thousand four hundred and forty wicks"),
        ("The 3rd of May, 2024", "the third of may two thousand twenty four"),
        ("Room 221 was empty", "room two two one was empty"),
        ("Their colour is grey, isn’t it?", "there color is gray isnt it"),
        ("Good-night, everyone", "goodnight every one"),
        ("“Étude,” she said", "etude she said"),
        ("他说：“你好，2024年。”门开了。", "他说 你好 二零二四年 门开了"),
        ("她有一千二百元", "他有1200元"),
        ("两万三千人", "23000人"),
    ],
)
def test_another_spelling_is_the_same_words(text: str, said: str) -> None:
    assert compare(text, heard(said), (0, 6000)).hitches == ()


def test_numbers_that_differ_are_not_the_same() -> None:
    found = compare("In 1943 he came", heard("in nineteen forty four he came"), (0, 6000)).hitches
    assert [(one.code, one.said) for one in found] == [(Code.TAKE_CHANGES_WORDS, "1943")]


@given(st.integers(0, 9_999))
def test_a_number_is_the_same_in_digits_and_in_chinese(number: int) -> None:
    units, places = "零一二三四五六七八九", "千百十"
    digits = f"{number:04d}"
    text = "".join(
        units[int(digit)] + (places[place] if place < 3 and digit != "0" else "") for place, digit in enumerate(digits)
    )
    assert form([char for char in text]) in {f"#{number}", f"#{digits}"}  # noqa: C416 — a list of characters


def test_a_dropped_sentence_is_missing_and_has_its_time() -> None:
    (found,) = grave(TEXT, "He stopped. To whom? Nobody answered him.")
    assert (found.code, found.said, found.words) == (Code.TAKE_LACKS_WORDS, "the pen above the last line", 6.0)
    assert (found.at_ms, found.exact) == (2 * STEP_MS, True)


def test_what_is_cut_off_is_missing_at_either_end() -> None:
    (end,) = grave(TEXT, "He stopped, the pen above the last line")
    assert (end.code, end.said) == (Code.TAKE_LACKS_WORDS, "To whom? Nobody answered him")
    (start,) = grave(TEXT, "the last line. To whom? Nobody answered him.")
    assert (start.code, start.at_ms) == (Code.TAKE_LACKS_WORDS, 0)


def test_what_is_said_twice_is_added() -> None:
    (found,) = grave(TEXT, f"{TEXT} Nobody answered him.")
    assert (found.code, found.heard) == (Code.TAKE_ADDS_WORDS, "Nobody answered him")


def test_other_words_are_changed_and_only_a_warning() -> None:
    said = "He stopped, the pen above the last line. To whom? Every green bicycle."
    (flaw,) = word_flaws(
        take(), Hearing(ask=ASK, said=heard(said), price_usd=0, created_at="", run_id=""), "", CheckSettings()
    )
    assert flaw.code is Code.TAKE_CHANGES_WORDS
    assert not fails([flaw])


@pytest.mark.parametrize("said", ["He stopped a pen above last line to whom nobody answered", TEXT.replace("last", "")])
def test_single_words_prove_nothing(said: str) -> None:
    assert grave(TEXT, said) == []
    assert grave(TEXT, said, missing_words=1, changed_words=1) != []


def test_half_of_a_take_of_two_words_is_told() -> None:
    (found,) = grave("Nobody spoke.", "nobody")
    assert (found.code, found.said) == (Code.TAKE_LACKS_WORDS, "spoke")
    assert grave("Nobody spoke.", "nobody smoke") == []


def test_two_chinese_characters_count_as_a_word() -> None:
    text = "他站住了，笔还在最后一行上面。给谁？没有人回答他。"
    (found,) = grave(text, "他站住了给谁没有人回答他")
    assert (found.code, found.said, found.words) == (Code.TAKE_LACKS_WORDS, "笔还在最后一行上面", 4.5)


def test_a_word_that_agrees_by_chance_does_not_divide_what_is_missing() -> None:
    text = "One went home. Two of the four had seen the light of the house. Five stayed there."
    found = grave(text, "One went home the. Five stayed there.", missing_words=6)
    assert [one.code for one in found] == [Code.TAKE_LACKS_WORDS]


def test_without_times_a_place_is_reckoned_and_said_to_be() -> None:
    (found,) = compare(TEXT, heard("He stopped. To whom? Nobody answered him.", timed=False), (0, 6000)).hitches
    assert not found.exact
    assert 0 < found.at_ms < 3000
    settings = CheckSettings()
    hearing = Hearing(ask=ASK, said=heard("Nobody answered him.", timed=False), price_usd=0, created_at="", run_id="")
    assert "about" in word_flaws(take(), hearing, "", settings)[0].value


def test_a_recogniser_that_could_not_follow_proves_nothing() -> None:
    nothing = dataclasses.replace(heard("what ever"), followed=False)
    hearing = Hearing(ask=ASK, said=nothing, price_usd=0, created_at="", run_id="")
    assert word_flaws(take(), hearing, "", CheckSettings()) == ()
    assert word_flaws(take(), None, "", CheckSettings()) == ()


def test_a_take_of_which_nothing_is_understood_is_named_once_and_not_word_by_word() -> None:
    babble = heard("all those winding green bicycles over there sing to a great many cats")
    hearing = Hearing(ask=ASK, said=babble, price_usd=0, created_at="", run_id="")
    assert [flaw.code for flaw in word_flaws(take(), hearing, "", CheckSettings())] == [Code.TAKE_UNCLEAR]
    silence = Hearing(ask=ASK, said=heard(""), price_usd=0, created_at="", run_id="")
    flaws = word_flaws(take(), silence, "", CheckSettings())
    assert [flaw.code for flaw in flaws] == [Code.TAKE_LACKS_WORDS]
    assert fails(flaws)


def test_a_respelled_word_may_be_heard_as_the_book_has_it() -> None:
    hearing = Hearing(ask=ASK, said=heard("Siobhan Ni Mhaolain waited there"), price_usd=0, created_at="", run_id="")
    respelled = take("Shivawn Knee Wail-on waited there")
    settings = CheckSettings(changed_words=1, missing_words=1)
    assert word_flaws(respelled, hearing, "", settings) != ()
    assert word_flaws(respelled, hearing, "Siobhán Ní Mhaoláin waited there", settings) == ()


@given(
    st.lists(
        st.sampled_from(
            [
                "the",
                "pen",
                "above",
                "last",
                "line",
                "he",
                "stopped",
                "12",
                "twelve",
                "one",
                "他",
                "说",
                "one",
                "hundred",
            ]
        ),
        max_size=12,
    )
)
def test_what_is_heard_as_it_is_to_be_said_has_no_difference(words: list[str]) -> None:
    text = " ".join(words)
    found = compare(text, heard(text), (0, 6000))
    assert (found.hitches, found.share) == ((), 1.0)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_was_heard_is_compared(text: str, said: str) -> None:
    found = compare(text, heard(said), (0, 6000))
    assert 0.0 <= found.share <= 1.0
    assert all(word.key for word in folded(text))


def test_a_moment_of_a_take_has_its_place_in_the_chapter() -> None:
    one = take()
    cue = Cue(
        line=0, chunk=0, character="N", text=TEXT, start=0, end=1, take_id=one.take_id, start_frame=60_000,
        end_frame=66_000,
    )  # fmt: skip
    timeline = ChapterTimeline(chapter=1, title="", rate_hz=1000, frames=70_000, cues=(cue,))
    assert chapter_ms(timeline, one, 800, keep_ms=40) == 60_740
    assert chapter_ms(timeline, take("other"), 800, keep_ms=40) is None
    assert [clock(ms) for ms in (740, 60_740, 3_723_400)] == ["0:00.7", "1:00.7", "1:02:03.4"]


def test_a_sample_is_the_same_takes_every_time() -> None:
    ids = [dataclasses.replace(take().ask, ordinal=number).take_id for number in range(1000)]
    assert all(is_sampled(one, 1.0) for one in ids)
    assert 200 < sum(is_sampled(one, 0.25) for one in ids) < 300


def test_a_hearing_is_read_as_it_was_written() -> None:
    hearing = Hearing(ask=ASK, said=heard(TEXT), price_usd=0.1, created_at="t", run_id="r")
    assert read_as(Hearing, json.dumps(dataclasses.asdict(hearing))) == hearing
