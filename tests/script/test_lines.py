"""A chapter as lines."""

from itertools import pairwise

import pytest

from narration.book import Chapter, Paragraph, ParagraphKind
from narration.cast import Cast, Character, Role
from narration.script import script_chapter
from narration.script.lines import script_chapters

CAST = Cast(
    characters=(
        Character(name="Narrator", voice="v", preview="p", role=Role.NARRATOR),
        Character(name="Mara", voice="v", preview="p"),
        Character(name="Tom", voice="v", preview="p"),
    )
)


def chapter(*texts: str, kind: ParagraphKind = ParagraphKind.PROSE) -> Chapter:
    return Chapter(number=3, title="", paragraphs=tuple(Paragraph(text=text, kind=kind) for text in texts))


def test_quotations_go_to_their_speakers_and_the_rest_to_the_narrator() -> None:
    script = script_chapter(chapter("“Go,” said Mara. “Now.”", "It was late."), CAST, language="en")
    assert [(line.character, line.text, line.paragraph, line.index, line.chapter) for line in script.lines] == [
        ("Mara", "“Go,”", 0, 0, 3),
        ("Narrator", "said Mara.", 0, 1, 3),
        ("Mara", "“Now.”", 0, 2, 3),
        ("Narrator", "It was late.", 1, 3, 3),
    ]
    assert (script.quotations, script.unattributed) == (2, 0)


def test_a_quotation_of_nobody_is_the_narrators_doubtful_and_counted() -> None:
    script = script_chapter(chapter("“Who is there?”", "“Me,” said Tom."), CAST, language="en")
    assert [(line.character, line.doubtful) for line in script.lines] == [
        ("Narrator", True),
        ("Tom", False),
        ("Narrator", False),
    ]
    assert (script.quotations, script.unattributed) == (2, 1)


def test_a_label_is_removed_and_its_direction_kept() -> None:
    script = script_chapter(chapter("Tom (softly): “Good night.” He went.", "Mara: I stay."), CAST, language="en")
    assert [(line.character, line.text, line.direction) for line in script.lines] == [
        ("Tom", "“Good night.”", "softly"),
        ("Narrator", "He went.", ""),
        ("Mara", "I stay.", ""),
    ]
    assert [(removal.rule, removal.text) for removal in script.removals] == [
        ("speaker-label", "Tom (softly):"),
        ("speaker-label", "Mara:"),
    ]


def test_headings_are_the_narrators_whatever_they_quote() -> None:
    script = script_chapter(chapter("Tom: “The Lamp”", kind=ParagraphKind.HEADING), CAST, language="en")
    assert [(line.character, line.text, line.doubtful) for line in script.lines] == [
        ("Narrator", "Tom: “The Lamp”", False)
    ]
    assert script.quotations == 0


def test_a_lone_name_before_a_colon_in_a_novel_is_text_and_not_lost() -> None:
    novel = [f"“It is {number},” said Tom." for number in range(50)]
    telegram = "Mara: your husband is very ill."
    script = script_chapter(chapter(*novel, telegram), CAST, language="en")
    assert (script.lines[-1].character, script.lines[-1].text, script.removals) == ("Narrator", telegram, ())
    labelled = script_chapter(chapter(*novel, telegram, telegram, telegram), CAST, language="en")
    assert (labelled.lines[-1].character, labelled.lines[-1].text) == ("Mara", "your husband is very ill.")


def test_far_more_text_than_a_novel_is_attributed_in_parts_that_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.script.lines._MOST_CHARS", 120)
    story = [f"“Number {number} is late,” said {('Mara', 'Tom')[number % 2]}. They waited." for number in range(30)]
    chapters = [
        Chapter(number=number + 1, title="", paragraphs=tuple(Paragraph(text=text) for text in story[first:last]))
        for number, (first, last) in enumerate(pairwise((0, 1, 20, 22, 30)))
    ]
    scripts = script_chapters(chapters, CAST, language="en")
    assert [script.chapter.number for script in scripts] == [1, 2, 3, 4]
    for script in scripts:
        assert "".join("".join(line.text.split()) for line in script.lines) == "".join(script.chapter.text.split())
        assert all(script.chapter.text[line.start : line.end] == line.text for line in script.lines)
    said = [line for script in scripts for line in script.lines if line.text.startswith("“")]
    assert [line.character for line in said] == [("Mara", "Tom")[number % 2] for number in range(30)]
