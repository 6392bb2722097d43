"""The lexicon: what it respells, where, and that it can be undone."""

from __future__ import annotations

import pickle
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.lexicon import ChapterRange, Entry, Lexicon, as_place, place_name
from narration.lexicon.respelling import Change, as_written, respelt
from tests.growth import is_about, processor_s


def lexicon(*entries: Entry, language: str = "en") -> Lexicon:
    return Lexicon(entries=entries, language=language)


def said(text: str, *entries: Entry, character: str = "Jane", chapter: int = 1, place: str = "") -> str:
    return lexicon(*entries).respell(text, character=character, chapter=chapter, place=place).text


def entry(word: str, say: str, **more: object) -> Entry:
    return Entry(word=word, say=say, source=f"lexicon.yaml:{word}", **more)  # type: ignore[arg-type]


BEAUCHAMP = entry("Beauchamp", "Beecham")


def test_a_word_is_respelt_and_the_change_is_listed() -> None:
    spoken = lexicon(BEAUCHAMP).respell("At Beauchamp’s gate.", character="Jane", chapter=1)
    assert spoken.text == "At Beecham’s gate."
    assert spoken.changes == (
        Change(start=3, end=12, written="Beauchamp", said="Beecham", entry="lexicon.yaml:Beauchamp"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Beauchamps", "Beauchamps"),
        ("unBeauchamp", "unBeauchamp"),
        ("Beauchamp\u0301", "Beauchamp\u0301"),
        ("beauchamp", "beauchamp"),
        ("Beauchamp1", "Beauchamp1"),
        ("_Beauchamp_", "_Beecham_"),
        ("d’Beauchamp", "d’Beecham"),
        ("St.-Beauchamp", "St.-Beecham"),
        ("“Beauchamp!”", "“Beecham!”"),
        ("我爱Beauchamp的", "我爱Beecham的"),
        ("Beauchamp은", "Beecham은"),
    ],
)
def test_only_a_whole_word_in_its_own_case_is_found(text: str, expected: str) -> None:
    assert said(text, BEAUCHAMP) == expected


def test_a_name_is_not_found_in_a_contraction() -> None:
    assert said("Don Juan, I don’t.", entry("don", "dohn", ci=True)) == "dohn Juan, I don’t."


def test_case_does_not_count_where_an_entry_says_so() -> None:
    assert said("LEAD, Lead, lead", entry("lead", "led", ci=True)) == "led, led, led"


@pytest.mark.parametrize(
    ("word", "text"),
    [("O'Hara", "O’Hara"), ("St. John", "St.\u00a0John"), ("Ann-May", "Ann‑May"), ("Zoë", "Zoe\u0308")],
)
def test_a_word_is_found_in_the_signs_that_print_uses(word: str, text: str) -> None:
    assert said(f"So {text} went.", entry(word, "X")) == "So X went."


def test_the_longest_entry_is_found_first() -> None:
    short, long = entry("St. John", "Sinjin"), entry("St. John Rivers", "Sinjin Rivvers")
    assert said("St. John Rivers and St. John", short, long) == "Sinjin Rivvers and Sinjin"


def test_an_entry_never_changes_what_another_one_said() -> None:
    assert said("a b", entry("a", "b"), entry("b", "c")) == "b c"


def test_a_word_may_be_protected_from_a_shorter_entry() -> None:
    assert said("lead singer, lead", entry("lead", "led"), entry("lead singer", "lead singer")) == "lead singer, led"


def test_a_longer_entry_that_does_not_count_here_leaves_room_for_a_shorter_one() -> None:
    entries = (entry("New York", "Noo Yawk", who=("Kit",)), entry("New", "Gnu"))
    assert said("New York", *entries) == "Gnu York"
    assert said("New York", *entries, character="Kit") == "Noo Yawk"


def test_a_silent_word_is_left_out() -> None:
    assert said("He ahem went.", entry("ahem", "")) == "He  went."


def test_an_entry_counts_for_its_speakers_chapters_and_places() -> None:
    word = entry("Ann", "Anne", who=("Jane",), chapters=(ChapterRange(first=2, last=3),), at=("2:7",))
    assert said("Ann", word, chapter=2, place="2:7") == "Anne"
    assert said("Ann", word, chapter=2, place="2#7") == "Anne"
    assert said("Ann", word, chapter=2, place="2:8") == "Ann"
    assert said("Ann", word, chapter=4, place="2:7") == "Ann"
    assert said("Ann", word, chapter=2, place="2:7", character="Kit") == "Ann"


def test_the_narrower_of_two_entries_for_a_word_counts() -> None:
    entries = (entry("Ann", "wide"), entry("Ann", "mine", who=("Jane",)), entry("Ann", "there", at=("1:1",)))
    assert said("Ann", *entries, character="Kit") == "wide"
    assert said("Ann", *entries) == "mine"
    assert said("Ann", *entries, place="1:1") == "there"


def test_an_entry_of_another_language_does_not_count() -> None:
    assert said("Ann", entry("Ann", "X", lang="fr")) == "Ann"


def test_a_character_is_respelt_in_its_context_only() -> None:
    word = Entry(word="行", say="杭", context="银行", source="lexicon.yaml:1")
    spoken = lexicon(word, language="zh").respell("行人走进银行，行不行？", character="旁白", chapter=1)
    assert spoken.text == "行人走进银杭，行不行？"


def test_a_context_is_of_whole_words() -> None:
    word = entry("lead", "led", context="lead pipe")
    assert said("lead pipe, lead pipes, a lead", word) == "led pipe, lead pipes, a lead"


def test_a_korean_particle_may_follow_a_word() -> None:
    assert said("서울은 남서울", entry("서울", "서 울")) == "서 울은 남서울"


def test_open_ended_chapters() -> None:
    later = ChapterRange(first=4, last=None)
    assert [number in later for number in (3, 4, 99)] == [False, True, True]
    assert [str(some) for some in (later, ChapterRange(first=4, last=4), ChapterRange(first=4, last=6))] == [
        "4-",
        "4",
        "4-6",
    ]


def test_a_place_is_read_as_it_is_written() -> None:
    assert place_name(3, 142) == "3:142"
    assert as_place("3#142") == as_place("CH003#s142") == "3:142"
    assert as_place("0:1") == "0:1"  # opening credits
    assert as_place("1:0") == as_place("3:17.2") == as_place("somewhere") == ""


def test_an_empty_lexicon_changes_nothing() -> None:
    assert Lexicon().respell("Anything.", character="Jane", chapter=1) == respelt("Anything.", ())
    assert not Lexicon().touches("Anything.", character="Jane", chapter=1)


def test_a_lexicon_travels_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(lexicon(BEAUCHAMP)))  # noqa: S301 — our own
    assert copy == lexicon(BEAUCHAMP)
    assert copy.respell("Beauchamp", character="", chapter=1).text == "Beecham"


def test_changes_that_do_not_fit_a_text_are_refused() -> None:
    change = Change(start=0, end=2, written="ab", said="x", entry="e")
    with pytest.raises(ValueError, match="not of this text"):
        respelt("abc"[1:], (change,))
    with pytest.raises(ValueError, match="overlaps"):
        respelt("abc", (change, Change(start=1, end=3, written="bc", said="y", entry="e")))


_WORDS = st.text(st.sampled_from("abAB éß’ -行银1."), min_size=1, max_size=4).map(str.strip).filter(bool)
_ENTRIES = st.lists(
    st.builds(
        Entry,
        word=_WORDS,
        say=st.text(st.sampled_from("abxy 行"), max_size=5),
        ci=st.booleans(),
        who=st.sampled_from([(), ("Jane",), ("Kit",)]),
        source=st.sampled_from(["lexicon.yaml:1", "lexicon.yaml:2"]),
    ),
    max_size=8,
).map(tuple)
_TEXTS = st.text(st.sampled_from("abAB éß’'\n -行银1.e\u0301\u00a0"), max_size=40)


@given(_TEXTS, _ENTRIES)
def test_undone_the_changes_give_the_text_back(text: str, entries: tuple[Entry, ...]) -> None:
    spoken = lexicon(*entries).respell(text, character="Jane", chapter=1)
    assert as_written(spoken) == text
    assert all(text[change.start : change.end] == change.written for change in spoken.changes)
    assert spoken.changes or spoken.text == text


@given(_TEXTS, _ENTRIES)
def test_a_text_is_touched_exactly_when_it_is_changed(text: str, entries: tuple[Entry, ...]) -> None:
    words = lexicon(*entries)
    changes = words.respell(text, character="Kit", chapter=1).changes
    assert words.touches(text, character="Kit", chapter=1) == bool(changes)


@given(_TEXTS, _ENTRIES)
def test_each_change_is_asked_for_by_an_entry_of_this_speaker(text: str, entries: tuple[Entry, ...]) -> None:
    asked = {(one.say, one.source) for one in entries if one.who in ((), ("Jane",))}
    changes = lexicon(*entries).respell(text, character="Jane", chapter=1).changes
    assert {(change.said, change.entry) for change in changes} <= asked


@given(st.text(st.sampled_from("cdefg CDEFG.,\n"), max_size=60), _ENTRIES)
def test_a_text_without_the_words_is_sent_as_it_is_written(text: str, entries: tuple[Entry, ...]) -> None:
    strange = tuple(one for one in entries if any(char in "abABéß行银1" for char in one.word))
    assert lexicon(*strange).respell(text, character="Jane", chapter=1) == respelt(text, ())


def test_a_million_characters_take_about_as_long_for_five_hundred_entries_as_for_five() -> None:
    names = [f"{first}{second}{third}" for first in "BCDFG" for second in "aeiou" for third in "lmnrstvwxz kjhg"]
    names = [name.strip() + ending for name in names for ending in ("ek", "oth")][:500]
    plain, common = "the old house stood where nobody had seen it since the ", ("boat", "lamp", "tide", "crew", "mail")
    text = "".join(f"{plain}{common[index % 5]} came with {names[index % 500]}. " for index in range(13_500))
    assert len(text) > 1_000_000
    for ci in (False, True):
        every, few = (
            lexicon(*(Entry(word=word, say="X", ci=ci, source=word) for word in words)) for words in (names, common)
        )
        changes = [len(one.respell(text, character="Jane", chapter=1).changes) for one in (every, few)]
        assert changes == [13_500, 13_500], "as many, so that only the number of entries differs"
        every_s, few_s, quarter_s = processor_s(
            *(
                partial(one.respell, part, character="Jane", chapter=1)
                for one, part in ((every, text), (few, text), (every, text[: len(text) // 4]))
            )
        )
        assert is_about(every_s, few_s, 4), f"all are found in one go: {every_s} s for 500, {few_s} for five"
        assert is_about(every_s, quarter_s, 4), f"four times the text takes {every_s} s, and not {quarter_s}"
