"""Where quotations begin and end, in every usual style."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.script.quotation import outer_marks, quotation_spans, quote_openers


def found(paragraph: str, *more: str) -> list[str]:
    openers = quote_openers([paragraph, *more])
    return [paragraph[start:end] for start, end in quotation_spans(paragraph, openers)]


@pytest.mark.parametrize(
    ("paragraph", "quotations"),
    [
        ("“Go,” said Mara. “Now.”", ["“Go,”", "“Now.”"]),
        ('"Go," said Mara. "Now."', ['"Go,"', '"Now."']),
        ("‘Go,’ said Mara. ‘It’s the boys’ hat.’", ["‘Go,’", "‘It’s the boys’ hat.’"]),
        ("'Go,' said Mara. 'It's hers.'", ["'Go,'", "'It's hers.'"]),
        ("‘Yes’ he said ‘no’ and went.", ["‘Yes’", "‘no’"]),
        ("‘He said “no” to me,’ she said.", ["‘He said “no” to me,’"]),
        ("“He said ‘no’ to me,” she said.", ["“He said ‘no’ to me,”"]),
        ("「行くよ、『はい』と言った」と彼は言った。", ["「行くよ、『はい』と言った」"]),
        ("他说：“好。”然后走了。", ["“好。”"]),
        ("«Oui», dit-elle.", ["«Oui»"]),
        ("»Ja«, sagte sie.", ["»Ja«"]),
        ("„Ja“, sagte sie. „Nein“, sagte er.", ["„Ja“", "„Nein“"]),
        ("“It goes on in the next paragraph.", ["“It goes on in the next paragraph."]),
        ('He had a 6" nail and went.', []),
        ("'Tis the season, and 'twas night.", []),
        ("The dogs’ bowls and the boys’ hats.", []),
    ],
)
def test_quotations_are_found(paragraph: str, quotations: list[str]) -> None:
    assert found(paragraph) == quotations


def test_an_apostrophe_is_no_quotation_in_a_book_of_double_marks() -> None:
    assert found("“It’s ‘here’,” he said. ‘Not this,’ she thought.", "“Yes.”") == ["“It’s ‘here’,”"]


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("“Go.”", (1, 1)),
        ("“It goes on", (1, 0)),
        ("“The Lamp” and “The Door”", (0, 0)),
        ("'Tis late", (0, 0)),
        ("'ouse of cards", (0, 0)),
        ("‘Go.’", (1, 1)),
        ("no marks", (0, 0)),
        ("", (0, 0)),
        ("“", (1, 0)),
        ("「好」", (1, 1)),
    ],
)
def test_outer_marks_are_those_of_one_quotation(line: str, marks: tuple[int, int]) -> None:
    assert outer_marks(line) == marks


@settings(deadline=None)
@given(st.text(alphabet="ab ,.“”\"‘’'「」«»„", max_size=60))
def test_spans_are_in_order_and_begin_with_a_mark(paragraph: str) -> None:
    position = 0
    for start, end in quotation_spans(paragraph, quote_openers([paragraph])):
        assert position <= start < end <= len(paragraph)
        assert paragraph[start] in "“\"„«»「『‘'"
        position = end
