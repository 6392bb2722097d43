"""Who is meant by titles, kin, nouns and shared names."""

import time

import pytest

from narration.cast import Cast, Character
from narration.script import attribute
from narration.script.people import people_of


def cast(*names: str) -> Cast:
    """Characters, each as `Name; alias; alias`."""
    entries = [[part.strip() for part in name.split(";")] for name in names]
    return Cast(characters=tuple(Character(name=first, aliases=tuple(rest)) for first, *rest in entries))


def who(text: str, people: Cast) -> list[str | None]:
    return [one.character for one in attribute(text, people)]


def test_his_lady_is_no_lady_of_the_cast() -> None:
    people = cast("Mr. Bennet", "Mrs. Bennet", "Lady Catherine")
    text = "Mr. Bennet was alone with his wife.\n\n“My dear,” said his lady, “have you heard?”"
    assert set(who(text, people)) == {"Mrs. Bennet"}


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("The Landlord", "said the landlord"),
        ("Landlord", "said the landlord"),
        ("Old Woman", "said the old woman"),
        ("Unnamed Guard; the guard", "said the guard"),
        ("Captain Hale", "said the captain"),
    ],
)
def test_a_character_named_by_a_noun_is_found_by_it(name: str, tag: str) -> None:
    people = cast(name, "Mara", "Tom Reed")
    text = f"Tom Reed and Mara came to the inn.\n\n“Good day,” {tag}."
    assert who(text, people) == [name.split(";")[0]]


def test_a_shared_alias_is_whoever_is_there() -> None:
    people = cast("Jane Bennet; Miss Bennet; Jane", "Elizabeth Bennet; Miss Bennet; Elizabeth", "Mr. Collins")
    text = (
        "Mr. Collins sat down by Elizabeth. Elizabeth looked away.\n\n“No,” said Miss Bennet.\n\n"
        "“Why?” said Mr. Collins."
    )
    assert who(text, people) == ["Elizabeth Bennet", "Mr. Collins"]


def test_the_given_alias_wins_over_a_derived_one() -> None:
    people = people_of(cast("Thomas Reed; Reed", "Mara Reed"))
    assert [owners for words, owners in people.by_word["Reed"] if words == ("Reed",)] == [(1,)]


def test_a_large_cast_takes_no_longer_than_the_text() -> None:
    def seconds(names: int) -> float:
        people = cast(*(f"Name{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]} Hale" for n in range(names)))
        text = "\n\n".join(f"“Go,” said {one.name}.\n\n“No.”" for one in people.characters)
        began = time.process_time()
        found = who(text, people)
        assert found[::2] == [one.name for one in people.characters]
        return time.process_time() - began

    assert seconds(100) < 8 * seconds(25) + 0.5, "four times the names in four times the text"
