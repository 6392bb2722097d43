"""Counting: the weighted rule, and the other units of the limit."""

from hypothesis import given
from hypothesis import strategies as st

from narration.sandbox.billing import LengthUnit, billed_chars, length


def test_the_documented_sample_counts_195() -> None:
    assert billed_chars("汉" * 92 + "，" * 11) == 195


def test_only_han_counts_twice() -> None:
    assert billed_chars("漢A1，。　") == 7
    assert billed_chars("ひらがなカタカナ한글") == 10
    assert billed_chars("\U00020000") == 2
    assert billed_chars("😀\n") == 2


@given(st.text(), st.text())
def test_a_bill_adds_up(left: str, right: str) -> None:
    assert billed_chars(left + right) == billed_chars(left) + billed_chars(right)
    assert len(left) <= billed_chars(left) <= 2 * len(left)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_units_agree_on_ascii(text: str) -> None:
    assert {length(text, unit) for unit in LengthUnit} == {len(text)}


def test_the_units_differ_on_han() -> None:
    assert [length("灯a", unit) for unit in LengthUnit] == [3, 2, 4]
