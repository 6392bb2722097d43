"""Dialogue that dashes open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.cast import Cast, Character
from narration.script import attribute
from narration.script.dashes import dash_spans, is_dash_book
from narration.script.passages import paragraphs_of, passages_of


@pytest.mark.parametrize(
    ("paragraph", "spoken"),
    [
        ("—Yes, my love?", ["—Yes, my love?"]),
        ("—Back to barracks! he said sternly.", ["—Back to barracks!"]),
        ("—Thanks, old chap, he cried briskly. That will do.", ["—Thanks, old chap,", "That will do."]),
        ("--No, said Stephen. He turned away.", ["--No,"]),
        ("— Oui, dit-il. Et toi ?", ["— Oui,", "Et toi ?"]),
        ("—Vamos —dijo Juan—. Ahora.", ["—Vamos", "Ahora."]),
        ("It was late — too late.", []),
        ("—said he. Go on.", ["—said he. Go on."]),
    ],
)
def test_a_tag_parts_what_a_dash_opens(paragraph: str, spoken: list[str]) -> None:
    assert [paragraph[start:end] for start, end in dash_spans(paragraph)] == spoken


def test_only_a_book_of_dashes_opens_its_dialogue_with_them() -> None:
    assert is_dash_book(["—Yes?", "—No.", "He went.", "—Stay."])
    assert not is_dash_book(["—Yes?", "“No.”", "“Stay.”", "“Go.”", "—and so on", "— and again"])
    assert not is_dash_book(["—Yes?", "—No."])


def test_dash_dialogue_has_speakers() -> None:
    cast = Cast(characters=(Character(name="Stephen"), Character(name="Haines")))
    text = "—Tell me, Stephen said quietly.\n\n—Yes? said Haines.\n\n—How long?\n\n—A week."
    spoken = [(text[one.start : one.end], one.character) for one in attribute(text, cast)]
    assert spoken[:2] == [("—Tell me,", "Stephen"), ("—Yes?", "Haines")]
    assert [who for _, who in spoken[2:]] == ["Stephen", "Haines"]


def test_a_speech_that_a_dash_opens_does_not_go_on_in_the_next_paragraph() -> None:
    text = "—Yes.\n\n—No.\n\n—Yes."
    assert [passage.goes_on for passage in passages_of(paragraphs_of(text))] == [False, False, False]


@given(st.text(alphabet="—-–Aa he said., !?\n", max_size=60))
def test_dash_spans_are_in_order_and_inside(paragraph: str) -> None:
    position = 0
    for start, end in dash_spans(paragraph):
        assert position <= start < end <= len(paragraph)
        position = end
