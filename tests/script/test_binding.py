"""A script in its chapter: the words are the manuscript's, one after the other, or the difference is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.book import Line, Paragraph, ParagraphKind, Respelling
from narration.chunks import cut_chapter, verify_coverage
from narration.errors import InputError
from narration.script.binding import bind
from narration.settings.settings import ChunkSettings, LengthUnit
from tests.script.marking import CAST, attributed, bound, chapter, marked, parsed, written

LIMITS = ChunkSettings(target_chars=300, max_length=600, unit=LengthUnit.CODEPOINTS)
PAGE = chapter("# One", "“Go,” said Mara. “Now.”", "***", "“Who?”", "Tom (softly): “Me.”")

SCRIPT = """\
%% narration-script 1 | chapter 1 | sha256:05bb1552fc61faba

# One

Mara: “Go,”
said Mara.
Mara: “Now.”

---

Narrator?: “Who?”

Tom (softly): “Me.”
"""


def test_a_chapter_is_written_as_its_lines() -> None:
    assert written(bound(SCRIPT, PAGE).script) == SCRIPT


def test_the_label_of_a_manuscript_is_no_word_of_its_script() -> None:
    assert bound(SCRIPT, PAGE).script.removals == attributed(PAGE).removals
    assert [removal.text for removal in bound(SCRIPT, PAGE).script.removals] == ["Tom (softly):"]


def test_what_a_person_changes_is_in_the_lines() -> None:
    text = SCRIPT.replace("Narrator?: “Who?”", "[pause 1.5]\nTom + Mara (low): “{Who|Hoo}?”").replace(
        "said Mara.", "~ said Mara."
    )
    lines = bound(text, PAGE).script.lines
    assert [(line.character, line.skipped) for line in lines if line.skipped] == [("Narrator", True)]
    start = PAGE.text.index("“Who?”")
    assert lines[5] == Line(
        chapter=1,
        index=5,
        paragraph=3,
        character="Tom",
        start=start,
        end=start + 6,
        text="“Who?”",
        direction="low",
        joint=("Mara",),
        pause_ms=1500,
        respellings=(Respelling(start=start + 1, end=start + 4, say="Hoo"),),
    )


def test_a_line_may_be_split_and_joined_within_its_paragraph() -> None:
    page = chapter("He went. She stayed. “No,” she said.")
    text = "He went.\nMara: She stayed.\n“No,” she said."
    lines = bound(text, page).script.lines
    assert [(line.character, line.text) for line in lines] == [
        ("Narrator", "He went."),
        ("Mara", "She stayed."),
        ("Narrator", "“No,” she said."),
    ]


def test_blank_rows_say_nothing_of_paragraphs() -> None:
    lines = bound(SCRIPT.replace("\n\n", "\n"), PAGE).script.lines
    assert lines == bound(SCRIPT, PAGE).script.lines


def test_a_scene_break_may_be_left_out_or_added() -> None:
    page = chapter("One.", "***", "Two.", "Three.")
    script = bound("One.\nTwo.\n---\nThree.", page).script
    assert [(line.text, line.kind, line.skipped) for line in script.lines] == [
        ("One.", ParagraphKind.PROSE, False),
        ("***", ParagraphKind.SCENE_BREAK, True),
        ("Two.", ParagraphKind.PROSE, False),
        ("", ParagraphKind.SCENE_BREAK, False),
        ("Three.", ParagraphKind.PROSE, False),
    ]
    cut = cut_chapter(script, LIMITS, language="en")
    verify_coverage(cut)
    assert [(chunk.text, str(chunk.gap)) for chunk in cut.chunks] == [
        ("One.", "start"),
        ("Two.", "paragraph"),
        ("Three.", "scene"),
    ]
    assert [(removal.rule, removal.text) for removal in cut.removals] == [("skipped-by-script", "***")]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("It was late. He left.", "line 1", ("-It was very late.", "+It was late.", "manuscript, chapter 1")),
        ("It was very late.", "line 1", ("-He left.",)),
        ("It was very late.\nHe left.\nSo did she.", "line 3", ("+So did she.",)),
        ("It was very late.\nShe left.", "line 2", ("-He left.", "+She left.")),
        ("It was\nvery late. He left.", "line 2", ("goes over the end of a paragraph",)),
        ("It was very late.\nHe left.\n[pause 1]", "01.txt", ("a pause with no line after it",)),
    ],
)
def test_other_words_than_the_manuscripts_are_refused_with_a_difference(
    text: str, where: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        bound(text, chapter("It was very late.", "He left."))
    said = str(caught.value)
    assert where in said.partition("\n")[0]
    assert all(word in said for word in words), said


def test_what_to_do_depends_on_whether_the_manuscript_changed() -> None:
    with pytest.raises(InputError, match="put them back"):
        bound(SCRIPT.replace("Now", "Then"), PAGE)
    with pytest.raises(InputError, match=r"`narrate script DIR` follows it"):
        bound(SCRIPT, chapter("# One", "“Go,” said Mara. “Then.”"))


def test_spaces_elsewhere_are_other_words() -> None:
    with pytest.raises(InputError, match="spaces elsewhere"):
        bound("It was to day.", chapter("It was today."))


def test_verse_keeps_its_rows() -> None:
    page = chapter(Paragraph(text="O wild west wind,\nthou breath", kind=ParagraphKind.VERSE))
    text = written(attributed(page))
    assert "\nO wild west wind,\n    thou breath\n" in text
    assert bound(text, page).script.lines == attributed(page).lines


PARTS = st.sampled_from(
    [
        "“Go,”",
        "said Mara.",
        "Mara:",
        "Tom said:",
        "Dear Sir:",
        "***",
        "---",
        "~ so",
        "; it",
        "#",
        "[x]",
        "{a",
        "b}",
        "\\",
        "He went",
        "“Who?”",
        "‘No.’",
        "\n",
        " ",
        "\u3000",
        "阿Q：",
        "说道",
        "%%",
        "(low)",
        "Tom (low): “I.”",
        "(a+b):",
        "{a/b}",
    ]
)
PROSE = st.lists(PARTS, min_size=1, max_size=7).map(" ".join)
PARAGRAPHS = st.lists(
    st.builds(
        Paragraph,
        text=st.one_of(PROSE, st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())).filter(
            str.strip
        ),
        kind=st.sampled_from(list(ParagraphKind)),
    ),
    min_size=1,
    max_size=6,
)


@given(PARAGRAPHS)
def test_a_script_read_back_is_the_script(paragraphs: list[Paragraph]) -> None:
    page = chapter(*paragraphs)
    script = attributed(page)
    again = bind(parsed(written(script)), page, CAST, where="x").script
    assert (again.chapter, again.lines, again.removals) == (page, script.lines, script.removals)


@given(PARAGRAPHS)
def test_nothing_of_a_chapter_is_lost_on_the_way_through_its_script(paragraphs: list[Paragraph]) -> None:
    page = chapter(*paragraphs)
    cut = cut_chapter(bind(marked(attributed(page)), page, CAST, where="x").script, LIMITS, language="en")
    verify_coverage(cut, LIMITS)


@given(PARAGRAPHS, st.data())
def test_skipped_lines_are_listed_word_for_word(paragraphs: list[Paragraph], data: st.DataObject) -> None:
    page = chapter(*paragraphs)
    script = marked(attributed(page))
    rows = tuple(replace(row, skipped=row.is_text and data.draw(st.booleans())) for row in script.rows)
    found = bind(replace(script, rows=rows), page, CAST, where="x").script
    cut = cut_chapter(found, LIMITS, language="en")
    verify_coverage(cut, LIMITS)
    skipped = [line.text for line in found.lines if line.skipped]
    assert [removal.text for removal in cut.removals if removal.rule == "skipped-by-script"] == skipped
