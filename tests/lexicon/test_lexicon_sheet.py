"""The file of the lexicon: what it may say, that every mistake is found at once, that additions keep it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.book import Chapter, ChapterScript, Line, Paragraph
from narration.cast import Cast, Character, Role
from narration.errors import InputError, Problem
from narration.lexicon import ChapterRange, Entry, Lexicon
from narration.lexicon.sheet import load_lexicon, read_lexicon
from narration.lexicon.text import added_to, entry_line, new_proposals
from narration.lexicon.use import uses

CAST = Cast(
    characters=(
        Character(name="Narrator", voice="low", preview="hello", role=Role.NARRATOR),
        Character(name="Jane", voice="high", preview="hello", aliases=("Miss Eyre",)),
        Character(name="Rochester", voice="low", preview="hello"),
    )
)


def read(text: str) -> tuple[Entry, ...]:
    return read_lexicon(text, CAST, "lexicon.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_every_key_of_an_entry_is_read() -> None:
    text = (
        "# names\n"
        "- {word: Beauchamp, say: Beecham, lang: EN-gb}\n"
        "- word: St. John\n"
        "  say: Sinjin\n"
        "  who: [miss eyre, Rochester, Jane]\n"
        "  chapters: 1-3, 5, 7-\n"
        "  at: 3#142\n"
        "  ci: yes\n"
        "- {word: 行, say: 杭, context: 银行}\n"
        "- {word: ahem, silent: true}\n"
    )
    assert read(text) == (
        Entry(word="Beauchamp", say="Beecham", lang="en", source="lexicon.yaml:2"),
        Entry(
            word="St. John",
            say="Sinjin",
            who=("Jane", "Rochester"),
            chapters=(
                ChapterRange(first=1, last=3),
                ChapterRange(first=5, last=5),
                ChapterRange(first=7, last=None),
            ),
            at=("3:142",),
            ci=True,
            source="lexicon.yaml:3",
        ),
        Entry(word="行", say="杭", context="银行", source="lexicon.yaml:9"),
        Entry(word="ahem", say="", source="lexicon.yaml:10"),
    )


@pytest.mark.parametrize("text", ["- {word: a, say: b}", "---\n- {word: a, say: b}", "\n\n  - word: a\n    say: b\n"])
def test_the_list_may_be_the_whole_file(text: str) -> None:
    assert [entry.word for entry in read(text)] == ["a"]


def test_the_list_may_stand_under_a_key() -> None:
    assert read("# words\nentries:\n  - {word: a, say: b}\n") == (Entry(word="a", say="b", source="lexicon.yaml:3"),)


def test_a_file_of_comments_is_an_empty_lexicon() -> None:
    assert read("# - {word: a, say: b}\n") == ()


def test_every_mistake_is_told_at_once_in_order_with_its_line() -> None:
    found = mistakes(
        '- {word: "", sya: y}\n'
        "- {word: Ann, say: x, who: [Jain, Narrator]}\n"
        "- {word: Bea, say: x, lang: english, chapters: [0, 3-1], at: [there], ci: perhaps}\n"
        "- {word: lead, say: led, context: a pipe}\n"
        "- {word: Cy, say: Sigh, silent: true}\n"
        "- text\n"
        '- {word: Di, say: "a\\tb"}\n'
    )
    lines = [problem.split(":", 1)[0] for problem in found]
    assert lines == [
        "lexicon.yaml, line 1, entries[0].word",
        "lexicon.yaml, line 1, entries[0].sya",
        "lexicon.yaml, line 1, entries[0].say",
        "lexicon.yaml, line 2, entries[1].who[0]",
        "lexicon.yaml, line 3, entries[2].lang",
        "lexicon.yaml, line 3, entries[2].ci",
        "lexicon.yaml, line 3, entries[2].chapters[0]",
        "lexicon.yaml, line 3, entries[2].chapters[1]",
        "lexicon.yaml, line 3, entries[2].at[0]",
        "lexicon.yaml, line 4, entries[3].context",
        "lexicon.yaml, line 5, entries[4].say",
        "lexicon.yaml, line 6, entries[5]",
        "lexicon.yaml, line 7, entries[6].say",
    ]
    assert "Did you mean `say`?" in found[1]
    assert "Did you mean `Jane`?" in found[3]


def test_an_empty_say_needs_to_be_meant() -> None:
    (found,) = mistakes('- {word: ahem, say: ""}')
    assert found == (
        "lexicon.yaml, line 1, entries[0].say: is empty; expected how the word is to be said. "
        "To leave the word out, write `silent: true`."
    )


def test_one_word_twice_with_the_same_scope_is_a_mistake_at_the_second() -> None:
    (found,) = mistakes("- {word: Ann, say: x}\n- {word: Ann, say: y, who: Jane}\n- {word: Ann, say: z}\n")
    assert found.startswith("lexicon.yaml, line 3, entries[2].word: “Ann” stands twice")
    assert "lexicon.yaml:1" in found


@pytest.mark.parametrize("text", ["Beauchamp: Beecham", "hello", "# x\n[{word: a, say: b}]"])
def test_what_is_no_list_is_told_with_an_example(text: str) -> None:
    (found,) = mistakes(text)
    assert "expected a list of entries such as `- {word: Beauchamp, say: Beecham}`" in found
    assert f"line {1 + text.count(chr(10))}:" in found


def test_a_mistake_of_yaml_is_told_on_its_own_line() -> None:
    (found,) = mistakes("- {word: a, say: b}\n- word: c\n  word: d\n  say: e\n")
    assert found == "lexicon.yaml, line 3, entries[1].word: the key stands twice, first on line 2"
    (found,) = mistakes("- {word: a, say: b}\n- {word: a: b, say: c}\n- {word: d, say: e}\n")
    assert found.startswith("lexicon.yaml, line 2: is not valid YAML")


def test_no_file_is_an_empty_lexicon_unless_somebody_named_it(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.yaml"
    assert load_lexicon(path, CAST, language="en") == Lexicon(language="en")
    (tmp_path / "lexicon.yml").touch()
    with pytest.raises(InputError, match=r"no such file.*Did you mean `lexicon.yml`"):
        load_lexicon(path, CAST, language="en", required=True)


def test_a_file_becomes_a_lexicon(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.yaml"
    path.write_text("- {word: Ann, say: Anne, who: Jane}\n", encoding="utf-8")
    words = load_lexicon(path, CAST, language="en")
    assert words.respell("Ann", character="Jane", chapter=1).text == "Anne"
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="folder"):
        load_lexicon(path, CAST, language="en")


_TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).map(str.strip)
_PRINTED = _TEXT.filter(bool)


@given(_PRINTED, _PRINTED | st.just(""), st.booleans())
def test_an_entry_that_was_written_is_read_back(word: str, say: str, ci: bool) -> None:
    word, say = unicodedata.normalize("NFC", word), unicodedata.normalize("NFC", say)
    entry = Entry(word=word, say=say, ci=ci, who=("Jane",), chapters=(ChapterRange(first=2, last=None),))
    (back,) = read(added_to("", [entry_line(entry)]))
    assert back == Entry(word=word, say=say, ci=ci, who=entry.who, chapters=entry.chapters, source="lexicon.yaml:1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# mine\n- {word: a, say: b}",
        "- word: a\n  say: b\n  who:\n    - Jane\n",
        "entries:\n  - {word: a, say: b}\n",
        "  - {word: a, say: b}\n",
    ],
)
def test_what_is_there_stays_and_what_is_added_counts(text: str) -> None:
    longer = added_to(text, ["{word: c, say: d}"], comment="From elsewhere.")
    assert longer.startswith(text)
    assert [entry.word for entry in read(longer)] == [*(["a"] if text else []), "c"]


def test_a_proposal_counts_for_nothing_and_is_made_once() -> None:
    words = [("Hermione", "12 times: said Hermione"), ("O’Hara", "2 times")]
    text = added_to("- {word: a, say: b}\n", new_proposals("", words), sign="# - ")
    assert [entry.word for entry in read(text)] == ["a"]
    assert '# - {word: Hermione, say: ""}  # 12 times: said Hermione\n' in text
    assert new_proposals(text, [*words, ("Zed", "1 time")]) == ('{word: Zed, say: ""}  # 1 time',)


def script(*lines: tuple[str, str]) -> ChapterScript:
    text = "\n\n".join(words for _, words in lines)
    chapter = Chapter(number=1, title="", paragraphs=tuple(Paragraph(text=words) for _, words in lines))
    spoken, position = [], 0
    for index, (character, words) in enumerate(lines):
        end = position + len(words)
        spoken.append(
            Line(chapter=1, index=index, paragraph=index, character=character, start=position, end=end, text=words)
        )
        position = end + 2
    assert chapter.text == text
    return ChapterScript(chapter=chapter, lines=tuple(spoken))


def test_each_entry_is_told_with_its_uses_and_an_unused_one_with_the_reason() -> None:
    entries = read(
        "- {word: Beauchamp, say: Beecham}\n"
        "- {word: Hermione, say: Her-my-oh-nee, who: Rochester}\n"
        "- {word: hermione, say: x}\n"
        "- {word: Beau, say: x}\n"
        "- {word: Beechamp, say: x}\n"
        "- {word: gate, say: x, lang: fr}\n"
        "- {word: the, say: x, context: the house}\n"
        "- {word: Old Beauchamp, say: Old Beecham}\n"
        "- {word: Old, say: x}\n"
    )
    lines = (("Narrator", "Beauchamp at the gate."), ("Jane", "“Hermione! Old Beauchamp! Beauchamp!”"))
    found = uses(Lexicon(entries=entries, language="en"), [script(*lines)])
    assert [use.count for use in found] == [2, 0, 0, 0, 0, 0, 0, 1, 0]
    assert [use.first for use in found if use.count] == ["1:1", "1:2"]
    assert [use.hint for use in found if not use.count] == [
        "It stands in the book, never within its scope (first at 1:2, spoken by Jane).",
        "It stands in the book in other case only: `ci: true` would find it.",
        "It stands in the book only as a part of longer words.",
        "Did you mean `Beauchamp`?",
        "It is for books in `fr`; this one is in `en`.",
        "It stands in the book, never inside its context.",
        "It stands in the book, each time inside a longer or narrower entry (first at 1:2, spoken by Jane).",
    ]


def test_the_example_of_the_documentation_is_a_lexicon() -> None:
    page = (Path(__file__).parents[2] / "docs" / "lexicon.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    words = Lexicon(entries=read(example), language="en")
    assert len(words.entries) == 7
    assert (
        words.respell("The Lead pipe and the lead.", character="Jane", chapter=2).text == "The leed pipe and the leed."
    )
    assert words.respell("A lead pipe.", character="Jane", chapter=5).text == "A led pipe."


_KEYS = st.sampled_from(["word", "say", "lang", "who", "chapters", "at", "ci", "context", "silent", "wo"])
_VALUES = st.sampled_from(
    ["a", "''", "[]", "{}", "[a, {b: c}]", "{a: b}", "null", "~", "[null]", "!x y", "*a", "true", "1-"]
)


@given(st.lists(st.dictionaries(_KEYS, _VALUES)))
def test_whatever_stands_in_a_list_is_read_or_refused_with_its_place(rows: list[dict[str, str]]) -> None:
    text = "".join(f"- {{{', '.join(f'{key}: {value}' for key, value in row.items())}}}\n" for row in rows)
    problems: tuple[Problem, ...] = ()
    entries: tuple[Entry, ...] = ()
    try:
        entries = read(text)
    except InputError as error:
        problems = error.problems
    assert all(problem.where.startswith("lexicon.yaml, line ") for problem in problems)
    assert problems or len(entries) == len(rows)


def test_a_lexicon_to_which_nothing_is_added_stays_byte_for_byte() -> None:
    text = "# mine\n- {word: a, say: b}   "
    assert added_to(text, [], comment="From elsewhere.") == text
