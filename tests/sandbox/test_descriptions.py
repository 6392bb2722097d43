"""From a description to a voice."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.sandbox.descriptions import Age, Chance, Gender, design, read
from narration.sandbox.languages import Language, guess, is_chinese_or_english


@pytest.mark.parametrize(
    ("description", "gender", "age"),
    [
        ("A calm middle-aged woman, low pitch, steady pace, for audiobook narration.", Gender.FEMALE, Age.MIDDLE),
        ("Elderly man with a gravelly voice.", Gender.MALE, Age.ELDERLY),
        ("A man of 72 years, dry.", Gender.MALE, Age.ELDERLY),
        ("A 30-year-old woman.", Gender.FEMALE, Age.YOUNG),
        ("A little boy of nine.", Gender.MALE, Age.CHILD),
        ("Young girl, bright voice", Gender.FEMALE, Age.CHILD),
        ("A woman in her twenties who reads children's stories.", Gender.FEMALE, Age.YOUNG),
        ("Teenage boy, nervous.", Gender.MALE, Age.TEEN),
        ("A woman who speaks like her father.", Gender.FEMALE, None),
        ("Somebody neutral.", None, None),
        ("沉稳的中年男性，音调低沉，语速缓慢，适合有声书旁白。", Gender.MALE, Age.MIDDLE),
        ("年迈的老奶奶，声音沙哑。", Gender.FEMALE, Age.ELDERLY),
        ("七八岁的小女孩，声音清脆。", Gender.FEMALE, Age.CHILD),
        ("60多岁的男人", Gender.MALE, Age.ELDERLY),
        ("年轻女性，讲童话故事。", Gender.FEMALE, Age.YOUNG),
    ],
)
def test_a_description_tells_gender_and_age(description: str, gender: Gender | None, age: Age | None) -> None:
    wish = read(description)
    assert (wish.gender, wish.age) == (gender, age)


@pytest.mark.parametrize(
    ("description", "pitch", "pace", "liveliness"),
    [
        ("low pitch, slow pace, calm", -2, -2, -2),
        ("very high voice, fast, cheerful", 3, 2, 2),
        ("slightly low, slightly fast", -1, 1, 0),
        ("high-energy host, medium pitch", 0, 0, 0),
        ("音调偏高，语速快，活泼", 2, 2, 2),
        ("声音低沉，语速略慢", -2, -1, 0),
        ("a plain voice", 0, 0, 0),
    ],
)
def test_a_description_tells_pitch_pace_and_liveliness(
    description: str, pitch: int, pace: int, liveliness: int
) -> None:
    wish = read(description)
    assert (wish.pitch, wish.pace, wish.liveliness) == (pitch, pace, liveliness)


@given(st.text(), st.integers(0, 2**31 - 1))
def test_a_design_depends_on_nothing_but_description_and_seed(description: str, seed: int) -> None:
    traits = design(description, seed)
    assert traits == design(description, seed)
    assert 0 <= traits.pitch <= 100
    assert 80 <= traits.rate_wpm <= 450
    assert 0.9 <= traits.tract <= 1.2


def test_a_seeded_chance_makes_the_same_voices_in_whatever_order_they_are_asked_for() -> None:
    one, other, third = Chance(Random(3)), Chance(Random(3)), Chance(Random(4))  # noqa: S311 — voices, not secrets
    asked = ("A calm woman.", "A man.", "A calm woman.")
    first = [one.seed("a", description) for description in asked]
    assert [other.seed("b", description) for description in reversed(asked)] == first
    assert [other.seed("c", description) for description in asked] == first
    assert len(set(first)) == 3
    assert not set(first) & {third.seed("a", description) for description in asked}


def test_chance_makes_every_voice_another() -> None:
    voices = [design("A calm woman.", seed) for seed in range(200)]
    sounds = {(voice.variant, voice.pitch, voice.pitch_range, voice.rate_wpm, voice.tract) for voice in voices}
    assert len(sounds) == 200


@pytest.mark.parametrize(
    ("text", "fallback", "found"),
    [
        ("灯灭了。", Language.ENGLISH, Language.CHINESE),
        ("東京へ行く", Language.CHINESE, Language.JAPANESE),
        ("안녕하세요", Language.ENGLISH, Language.KOREAN),
        ("Добрый день", Language.ENGLISH, Language.RUSSIAN),
        ("Bonjour à tous", Language.FRENCH, Language.FRENCH),
        ("Hello", Language.CHINESE, Language.ENGLISH),
        ("1234!", Language.CHINESE, Language.CHINESE),
    ],
)
def test_auto_guesses_by_script(text: str, fallback: Language, found: Language) -> None:
    assert guess(text, fallback) is found


def test_prompts_are_chinese_or_english() -> None:
    assert is_chinese_or_english("A naïve woman, 中年, “calm” – 40%!")
    assert not is_chinese_or_english("Спокойный")
    assert not is_chinese_or_english("1234")
