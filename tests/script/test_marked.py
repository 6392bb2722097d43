"""The marked script as text: what each mark means, what is refused, and the way there and back."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.book import Respelling
from narration.errors import InputError
from narration.script.marked import BLANK, SCENE, Mark, MarkedScript, Row, write_marked
from tests.script.marking import LABELS, parsed

EVERYTHING = """\
%% narration-script 1 | chapter 3 | sha256:9f2c61d0a4b87e15

# Chapter Three
#! A note

It was late.
Mara (softly): “Is there {Beauchamp|Beecham}?”
Tom?: “Who?”
Narrator?: “Nobody.”
Mara + Tom (at once): “Oh!”
~ said they.
~ Mara: “Well.”
[pause 1.5]

---

; a note for the producer
\\Dear Sir: it is {\\{over\\}|done} \\\\ \\{sic}
\\[Illustration]
Tom: O wild west wind,
    thou breath
"""


def test_every_mark_is_read() -> None:
    script = parsed(EVERYTHING)
    assert (script.chapter, script.manuscript) == (3, "9f2c61d0a4b87e15")
    assert script.rows == (
        Row(mark=Mark.HEADING, text="Chapter Three"),
        Row(mark=Mark.HEADING, text="A note", skipped=True),
        BLANK,
        Row(text="It was late."),
        Row(
            text="“Is there Beauchamp?”",
            characters=("Mara",),
            direction="softly",
            respellings=(Respelling(start=10, end=19, say="Beecham"),),
        ),
        Row(text="“Who?”", characters=("Tom",), doubtful=True),
        Row(text="“Nobody.”", characters=("Narrator",), doubtful=True),
        Row(text="“Oh!”", characters=("Mara", "Tom"), direction="at once"),
        Row(text="said they.", skipped=True),
        Row(text="“Well.”", characters=("Mara",), skipped=True),
        Row(mark=Mark.PAUSE, pause_ms=1500),
        BLANK,
        SCENE,
        BLANK,
        Row(mark=Mark.COMMENT, text="a note for the producer"),
        Row(text="Dear Sir: it is {over} \\ {sic}", respellings=(Respelling(start=16, end=22, say="done"),)),
        Row(text="[Illustration]"),
        Row(text="O wild west wind,\nthou breath", characters=("Tom",)),
    )


def test_what_was_written_is_written_again() -> None:
    assert write_marked(parsed(EVERYTHING), LABELS) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Old Tom: “Well?”", Row(text="“Well?”", characters=("Tom",))),
        ("Mara（轻轻地）：“好。”", Row(text="“好。”", characters=("Mara",), direction="轻轻地")),
        ("阿Q？：“好。”", Row(text="“好。”", characters=("阿Q",), doubtful=True)),
        ("他说：“好。”", Row(text="他说：“好。”")),
        ("Everything else was this: nothing.", Row(text="Everything else was this: nothing.")),
        ("He said: “Go.”", Row(text="He said: “Go.”")),
        ("It was 9:30.", Row(text="It was 9:30.")),
        ("-----", SCENE),
        ("[ pause 2s ]", Row(mark=Mark.PAUSE, pause_ms=2000)),
        (";note", Row(mark=Mark.COMMENT, text="note")),
    ],
)
def test_other_spellings_are_understood(text: str, row: Row) -> None:
    assert parsed(text).rows == (row,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It was late.\nMarra: “Go.”", ("line 2", "'Marra'", "Did you mean `Mara`?")),
        ("Mara + Tim: “Go.”", ("line 1", "'Tim'", "Did you mean `Tom`?")),
        ("somebody else (softly): “Go.”", ("nobody in the cast", "backslash")),
        ("Mara + Mara: “Go.”", ("twice",)),
        ("[pasue 1.5]", ("not a pause", "backslash")),
        ("[pause 61]", ("0 to 60 seconds",)),
        ("Mara:", ("without words",)),
        ("~", ("without words",)),
        ("a {b", ("not a respelling", "\\{")),
        ("a {b|}", ("not a respelling",)),
        ("%% narration-script 9 | chapter 1", ("unknown header", "narration-script 1")),
        (f"%% narration-script {'9' * 5000} | chapter 1", ("unknown header", "narration-script 1")),
        ("It was.\n%% narration-script 1 | chapter 1", ("line 2", "not the first line")),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert "script/01.txt, line" in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parsed("Marra: “Go.”\n[pasue 1]\nMara: “Go.”\n{")
    assert [problem.where for problem in caught.value.problems] == [f"script/01.txt, line {row}" for row in (1, 2, 4)]


ALPHABET = st.sampled_from("aB .:;,#~[]{}|\\%-+()?“”!Mara Tom阿Q：？（）pause1\u3000\u00a0")
PIECE = st.text(ALPHABET, min_size=1, max_size=24).map(str.strip).filter(bool)
WORDS = st.lists(PIECE, min_size=1, max_size=3).map("\n".join)
NAMES = st.lists(st.sampled_from(["Mara", "Tom", "阿Q", "Narrator"]), unique=True, min_size=1, max_size=3).map(tuple)
DIRECTION = st.text(st.sampled_from("abc :,’"), max_size=12).map(lambda text: " ".join(text.split()))


@st.composite
def spoken_rows(draw: st.DrawFn) -> Row:
    text = draw(WORDS)
    respellings = []
    position = 0
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(position, len(text)))
        end = draw(st.integers(start, len(text)))
        written = text[start:end]
        if written and written == written.strip() and "\n" not in written:
            respellings.append(Respelling(start=start, end=end, say=draw(PIECE)))
            position = end
    found = Row(text=text, respellings=tuple(respellings), skipped=draw(st.booleans()))
    if draw(st.booleans()):
        return Row(mark=Mark.HEADING, text=text, respellings=found.respellings, skipped=found.skipped)
    if not draw(st.booleans()):
        return found
    return Row(
        text=text,
        respellings=found.respellings,
        skipped=found.skipped,
        characters=draw(NAMES),
        doubtful=draw(st.booleans()),
        direction=draw(DIRECTION),
    )


ROWS = st.one_of(
    spoken_rows(),
    st.just(SCENE),
    st.integers(0, 60_000).map(lambda pause_ms: Row(mark=Mark.PAUSE, pause_ms=pause_ms)),
    PIECE.map(lambda text: Row(mark=Mark.COMMENT, text=text)),
)
SCRIPTS = st.builds(
    lambda rows, gaps: MarkedScript(
        chapter=1,
        manuscript="0123456789abcdef",
        rows=tuple(part for row, gap in zip(rows, gaps, strict=False) for part in (BLANK, row)[not gap :])[
            bool(gaps and gaps[0]) :
        ],
    ),
    st.lists(ROWS, min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=8, max_size=8),
)


@given(SCRIPTS)
def test_reading_undoes_writing(script: MarkedScript) -> None:
    assert parsed(write_marked(script, LABELS)) == script


@given(SCRIPTS)
def test_writing_undoes_reading_of_what_was_written(script: MarkedScript) -> None:
    text = write_marked(script, LABELS)
    assert write_marked(parsed(text), LABELS) == text


@given(st.text(st.one_of(ALPHABET, st.characters(exclude_categories=["Cs"])), max_size=200))
def test_any_text_that_is_read_is_written_the_same_from_then_on(text: str) -> None:
    with contextlib.suppress(InputError):
        once = write_marked(parsed(text), LABELS)
        assert write_marked(parsed(once), LABELS) == once
