"""Text rules: a golden table for each, what is in doubt included; an empty last column leaves the text alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.lexicon.respelling import Change, Respelt, as_written, respelt
from narration.lexicon.rules import TextRule, apply_rules
from narration.roman import roman_value

GOLDEN = """
roman | en | Chapter IV | Chapter 4
roman | en | CHAPTER XIX. The Sign | CHAPTER 19. The Sign
roman | en | Act I, Scene ii. | Act 1, Scene 2.
roman | en | chapter ii | chapter 2
roman | en | Part I | Part 1
roman | en | Book V was long | Book 5 was long
roman | en | World War II began | World War 2 began
roman | en | In Part I agree with you. |
roman | en | the part I played |
roman | en | Book MIX |
roman | en | Chapter IIII |
roman | en | Henry VIII had six wives. | Henry the Eighth had six wives.
roman | en | Louis XIV, the King | Louis the Fourteenth, the King
roman | en | Charles I of England | Charles the First of England
roman | en | George V’s reign | George the Fifth’s reign
roman | en | It was Charles V. | It was Charles the Fifth.
roman | en | Mary I am tired |
roman | en | Henry IIX was no king |
roman | en | Henry V. Smith |
roman | en | Malcolm X spoke |
roman | en | the vitamin C diet |
roman | fr | Chapitre IV | Chapitre 4
roman | fr | Louis XIV régna | Louis 14 régna
roman | fr | François Ier mourut | François premier mourut
roman | es | Felipe II murió | Felipe segundo murió
roman | es | Alfonso XIII | Alfonso 13
roman | es | Capítulo X | Capítulo 10
roman | de | Kapitel IV | Kapitel 4
roman | de | Friedrich II. war |
roman | ru | Глава IV |
saint | en | St. John went | Saint John went
saint | en | St John went | Saint John went
saint | en | “St. Paul’s is tall.” | “Saint Paul’s is tall.”
saint | en | Jill St. John came | Jill Saint John came
saint | en | Mount St. Helens | Mount Saint Helens
saint | en | in Baker St. at night | in Baker Street at night
saint | en | in Baker St. | in Baker Street.
saint | en | on 42nd St., where | on 42nd Street, where
saint | en | He lived in Baker St. His rooms were |
saint | en | the st. |
saint | de | St. Pauli |
number | en | at No. 7, Baker Street | at number 7, Baker Street
number | en | in Nos. 3 and 4 | in numbers 3 and 4
number | en | room № 9 | room number 9
number | en | “No. 7 men would not.” |
number | en | No. 7 is mine. |
number | en | No, 7 |
number | fr | au n° 7 | au numéro 7
number | de | in Nr. 7 | in Nummer 7
number | es | el n.º 7 | el número 7
sterling | en | £5 6s. 3d. in all | 5 pounds 6 shillings and 3 pence in all
sterling | en | It cost £1 1s. 1d. He paid. | It cost 1 pound 1 shilling and 1 penny. He paid.
sterling | en | £1,000 10s. a year | 1,000 pounds 10 shillings a year
sterling | en | 3s. 6d. a week | 3 shillings and 6 pence a week
sterling | en | He paid 10s. | He paid 10 shillings.
sterling | en | 2½d. each | 2½ pence each
sterling | en | a ½d. stamp | a halfpenny stamp
sterling | en | ½d. each | a halfpenny each
sterling | en | in the 20s. He left |
sterling | en | a 4d film |
sterling | en | £5 only |
sterling | en | the 1850s |
ampersand | en | Smith & Sons | Smith and Sons
ampersand | en | hats, &c., and gloves | hats, et cetera, and gloves
ampersand | en | hats, gloves, &c. | hats, gloves, et cetera.
ampersand | fr | Dupont & Fils | Dupont et Fils
ampersand | de | Müller & Sohn | Müller und Sohn
ampersand | en | AT&T |
percent | en | 5% of it | 5 percent of it
percent | en | 5 % of it | 5 percent of it
percent | fr | 5 % du vin | 5 pour cent du vin
percent | en | a % sign |
percent | zh | 5% |
url | en | See https://www.example.com/a/b. Now | See example dot com slash a slash b. Now
url | en | at www.example.co.uk | at example dot co dot uk
url | en | http://example.org/?q=1 | example dot org
url | en | write to a.b@example.com, please | write to a dot b at example dot com, please
url | de | www.example.de | example Punkt de
url | en | the end.Then |
notes | en | He left.[12] Then | He left. Then
notes | en | a word [3] here | a word here
notes | en | a word†, and | a word, and
notes | en | he said² and | he said and
notes | en | It was so.* Then | It was so. Then
notes | en | *emphasis* here |
notes | en | 10² and 5 m² |
notes | en | [sic] |
notes | zh | 闰土⑵来了。 | 闰土来了。
capitals | en | THE OLD HOUSE stood | The Old House stood
capitals | en | IN THE KING’S NAME | In The King’s Name
capitals | en | HMS PINAFORE | HMS Pinafore
capitals | en | HENRY VIII SPEAKS | Henry VIII Speaks
capitals | fr | LA MAISON ÉCROULÉE | La Maison Écroulée
capitals | en | NASA |
capitals | en | I AM |
capitals | zh | THE LONG ROAD 完 | The Long Road 完
capitals | en | THE END |
"""
ROWS = [tuple(cell.strip() for cell in row.split("|")) for row in GOLDEN.strip().splitlines()]


@pytest.mark.parametrize(("rule", "language", "text", "expected"), ROWS)
def test_a_rule_says_what_its_table_says(rule: str, language: str, text: str, expected: str) -> None:
    spoken = apply_rules(text, [rule], language)
    assert spoken.text == (expected or text)
    assert bool(spoken.changes) == bool(expected)
    assert {change.entry for change in spoken.changes} <= {rule}
    assert as_written(spoken) == text


def test_every_rule_has_its_table() -> None:
    assert {rule for rule, *_ in ROWS} == set(TextRule)


def test_a_rule_that_is_not_chosen_does_nothing() -> None:
    text = "\n".join(text for _, _, text, _ in ROWS)
    assert apply_rules(text, [], "en") == Respelt(text=text)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="romans"):
        apply_rules("Chapter IV", ["romans"], "en")


def test_rules_together_are_the_same_in_any_order() -> None:
    text = "CHAPTER IV. AT NO. 7, ST. JOHN STREET. He paid 3s. 6d. & left.[1]"
    forward, back = list(TextRule), list(TextRule)[::-1]
    assert apply_rules(text, forward, "en") == apply_rules(text, back, "en")
    assert apply_rules("HENRY THE GREAT, Henry IV & 5%.", forward, "en").text == (
        "Henry The Great, Henry the Fourth and 5 percent."
    )


def test_what_the_lexicon_changed_is_left_to_it() -> None:
    text = "St. John and St. Paul"
    change = Change(start=0, end=8, written="St. John", said="Sinjin", entry="lexicon.yaml:1")
    spoken = apply_rules(text, ["saint"], "en", before=respelt(text, [change]))
    assert spoken.text == "Sinjin and Saint Paul"
    assert [one.entry for one in spoken.changes] == ["lexicon.yaml:1", "saint"]
    assert as_written(spoken) == text


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("I", 1), ("iv", 4), ("XLIX", 49), ("CCCXCIX", 399), ("IIII", 0), ("VX", 0), ("MIX", 0), ("", 0), ("IC", 0)],
)
def test_a_numeral_has_a_value_in_its_right_spelling_only(numeral: str, value: int) -> None:
    assert roman_value(numeral) == value


_PIECES = st.sampled_from(
    [
        *(text for _, _, text, _ in ROWS),
        "St.",
        "No.",
        "IV",
        "I",
        "£5",
        "6s.",
        "3d.",
        "½d.",
        "&",
        "%",
        "[1]",
        "²",
        "*",
        "A",
        "\n",
    ]
)


@given(st.lists(_PIECES, max_size=6), st.sampled_from([" ", "", "\n"]), st.sampled_from(["en", "fr", "de", "zh", "ru"]))
def test_all_rules_together_can_be_undone(pieces: list[str], gap: str, language: str) -> None:
    text = gap.join(pieces)
    assert as_written(apply_rules(text, TextRule, language)) == text


def test_a_street_without_its_full_stop_is_left_alone() -> None:
    assert apply_rules("He lives in Main St", ["saint"], "en").text == "He lives in Main St"
    assert apply_rules("He lives in Main St.", ["saint"], "en").text == "He lives in Main Street."
