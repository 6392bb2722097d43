"""Voice descriptions and audition lines."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from narration.cast import Gender
from narration.design_limits import DesignLimits
from narration.discovery import Speaker, draft_voice, guesses
from narration.discovery.previews import choose_preview

LIMITS = DesignLimits(prompt_max_chars=2_048, preview_max_chars=1_024)
genders = st.sampled_from(list(Gender))
ages = st.sampled_from(["", "child", "young", "middle-aged", "elderly"])
others = st.lists(
    st.one_of(
        st.builds(lambda gender, age: draft_voice(Speaker(name="X", gender=gender, age=age), ()), genders, ages),
        st.sampled_from(
            ["A calm middle-aged woman, low pitch.", "An old man, hoarse.", "七十多岁的老年男性，音调低沉", "", "Nice."]
        ),
    ),
    max_size=8,
)


@given(genders, ages, others)
def test_a_draft_has_15_to_40_words_and_every_dimension(gender: Gender, age: str, heard: list[str]) -> None:
    voice = draft_voice(Speaker(name="Quim", gender=gender, age=age), heard)
    assert 15 <= len(voice.split()) <= 40
    assert all(word in voice for word in ("pitch", "pace", "manner", "audiobook"))
    assert "Quim" not in voice
    assert len(voice) <= LIMITS.prompt_max_chars


@given(genders, ages, others)
def test_a_draft_depends_on_the_others_but_not_on_their_order(gender: Gender, age: str, heard: list[str]) -> None:
    speaker = Speaker(name="Quim", gender=gender, age=age)
    assert draft_voice(speaker, heard) == draft_voice(speaker, heard[::-1]) == draft_voice(speaker, [*heard, *heard])


@given(st.sampled_from([Gender.FEMALE, Gender.MALE]), st.sampled_from(["child", "young", "middle-aged", "elderly"]))
def test_a_draft_says_what_the_book_says(gender: Gender, age: str) -> None:
    voice = draft_voice(Speaker(name="Quim", gender=gender, age=age), ()).lower()
    assert any(word in voice for word in (("woman", "girl") if gender is Gender.FEMALE else (" man", "boy")))
    assert {"child": "about ten", "young": "twenties", "middle-aged": "forties", "elderly": "sixty"}[age] in voice


def test_twelve_women_of_unknown_age_get_twelve_descriptions_that_differ_in_more_than_the_mood() -> None:
    heard: list[str] = []
    for _ in range(12):
        heard.append(draft_voice(Speaker(name="X", gender=Gender.FEMALE), heard))
    without_mood = {re.sub(r"\w+ in manner, ", "", voice) for voice in heard}
    assert len(without_mood) == 12


def test_a_voice_that_a_person_described_is_kept_away_from() -> None:
    speaker = Speaker(name="X", gender=Gender.MALE, age="elderly")
    voice = draft_voice(speaker, ["An elderly man, low pitch, slow pace, hoarse and dry."])
    assert "hoarse" not in voice
    assert "low pitch" not in voice


def test_a_chinese_book_gets_a_chinese_description() -> None:
    voice = draft_voice(Speaker(name="老秦", gender=Gender.MALE, age="elderly"), (), language="zh")
    assert voice.startswith("六十五岁以上的老年男性，音调")
    assert not re.search("[a-z]", voice)


def test_a_guess_says_what_it_rests_on_and_what_is_not_known() -> None:
    told = Speaker(name="X", gender=Gender.FEMALE, gender_evidence="12 × she")
    assert guesses(told) == "guessed: female from 12 × she; age unknown"
    assert guesses(Speaker(name="X")) == "guessed: gender unknown; age unknown"


def test_a_preview_is_said_in_the_book_and_neither_too_short_nor_too_long() -> None:
    said = ["“Yes.”", "“and so it went on for many years, as these things will.”", "“" + "No, never. " * 40 + "”"]
    good = "The boat was gone before any of us had thought of looking for it."
    assert choose_preview([*said, f"“{good}”"], language="en") == good
    assert choose_preview(said, language="en") == ""


def test_a_preview_that_ran_on_into_its_tag_ends_with_a_full_stop() -> None:
    assert choose_preview(["“It was never the rope that I was afraid of, you know,”"], language="en").endswith("know.")


@given(st.lists(st.text(max_size=200), max_size=5), st.sampled_from(["en", "zh"]))
def test_a_preview_is_never_longer_than_asked_for(said: list[str], language: str) -> None:
    assert len(choose_preview(said, language=language)) <= 161
