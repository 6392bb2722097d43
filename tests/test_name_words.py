"""Words that a voice may not know: found by how the book itself writes them."""

from __future__ import annotations

import pytest

from narration.book import Book, Chapter, Paragraph, ParagraphKind
from narration.name_words import Mark, NameWord, name_words


def book(*paragraphs: str, language: str = "en", heading: str = "") -> Book:
    texts = tuple(Paragraph(text=text) for text in paragraphs)
    head = (Paragraph(text=heading, kind=ParagraphKind.HEADING),) if heading else ()
    return Book(
        title="", author="", language=language, chapters=(Chapter(number=1, title="", paragraphs=head + texts),)
    )


def words(*paragraphs: str, language: str = "en", heading: str = "") -> list[tuple[str, int]]:
    return [(name.word, name.count) for name in name_words(book(*paragraphs, language=language, heading=heading))]


def test_names_are_ranked_by_how_often_they_are_spoken() -> None:
    text = "So Wemmick came. Then Wemmick met Estella. “Wemmick’s hat,” said Estella, and WEMMICK went with Zorb."
    assert words(text) == [("Wemmick", 4), ("Estella", 2), ("Zorb", 1)]


def test_a_word_at_the_beginning_of_a_sentence_is_no_evidence_for_a_name() -> None:
    assert words("Perhaps. “Certainly,” she said. “Indeed!” — Nowhere: Somewhere… Elsewhere") == []


def test_a_title_with_a_full_stop_does_not_end_a_sentence() -> None:
    assert words("He met Mr. Wopsle and Mrs. Gargery.") == [("Gargery", 1), ("Wopsle", 1)]


def test_a_word_that_the_book_writes_small_as_well_is_ordinary() -> None:
    assert words("The Harbour Watch of Gannet kept watch in the harbour.") == [("Gannet", 1)]


def test_days_months_and_plain_english_names_are_left_out() -> None:
    assert words("On Monday in May, with John and Mary in London, he saw Lord Quux.") == [("Quux", 1)]


def test_a_heading_is_spoken_but_no_evidence() -> None:
    assert words("He saw Skiffins.", heading="The Marriage of Skiffins and Others") == [("Skiffins", 2)]


def test_marked_words_come_first_unless_they_stand_but_once() -> None:
    text = (
        "He saw Zed, and Zed saw Zed. He saw Zoë with O’Hara and McTavish. She saw Zoë with O’Hara, "
        "McTavish and Ann-Lou; and Ann-Lou saw Çelik."
    )
    found = name_words(book(text))
    assert [(name.word, name.marks) for name in found] == [
        ("Ann-Lou", (Mark.HYPHEN,)),
        ("McTavish", (Mark.INNER_CAPITAL,)),
        ("O’Hara", (Mark.APOSTROPHE,)),
        ("Zoë", (Mark.ACCENT,)),
        ("Zed", ()),
        ("Çelik", (Mark.ACCENT,)),
    ]


def test_a_hyphen_between_ordinary_words_makes_no_name() -> None:
    assert words("In the Drawing-Room he sat, in the room for drawing.") == []


def test_an_example_shows_the_words_around_its_first_place_inside_a_sentence() -> None:
    text = "Estella laughed. It was a long time before he spoke to Estella again, and then he did not speak for long."
    (name,) = name_words(book(text))
    assert name == NameWord(
        word="Estella",
        count=2,
        marks=(),
        example="…long time before he spoke to Estella again, and then he did not…",
        chapter=1,
    )


def test_known_words_are_left_out_whatever_their_case() -> None:
    assert name_words(book("He saw Quux."), known=["QUUX"]) == ()


def test_a_german_noun_is_no_name() -> None:
    text = "Dann sah der Mann Grete, und die Frau sah Grete, und das Kind sah Grete am Haus."
    assert words(text, language="de") == [("Grete", 3)]


def test_an_accent_of_the_language_marks_nothing() -> None:
    (name,) = name_words(book("Il vit Hélène, et puis l’Émile.", language="fr"), known=["Émile"])
    assert (name.word, name.marks) == ("Hélène", ())


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_in_a_language_without_capitals_words_in_latin_letters_are_found(language: str) -> None:
    (name,) = name_words(book("阿Q说：“Hello先生，Hello！”", language=language))
    assert (name.word, name.count, name.marks) == ("Hello", 2, (Mark.SCRIPT,))


def test_a_latin_name_in_a_russian_book_is_marked() -> None:
    found = name_words(book("Он видел Smith и Наташу. Он видел Smith.", language="ru"))
    assert [(name.word, name.marks) for name in found] == [("Smith", (Mark.SCRIPT,)), ("Наташу", ())]


def test_a_name_that_runs_into_its_verb_is_no_word_of_its_own() -> None:
    assert words("So Wemmick came. Then Wemmick’ll go, and Wemmick’d stay.") == [("Wemmick", 1)]
