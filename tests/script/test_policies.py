"""Chunk policies: a tag is dropped only where the voice tells, a line is joined only to what it touches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.book import ChapterChunks
from narration.chunks import cut_chapter, verify_coverage
from narration.script.policies import apply_policies
from narration.settings.settings import ChunkSettings, LengthUnit, TagPolicy
from tests.script.marking import CAST, attributed, bound, chapter

PLAIN = ChunkSettings(target_chars=300, max_length=600, unit=LengthUnit.CODEPOINTS)
DROP = replace(PLAIN, tags=TagPolicy.DROP)
JOIN = replace(PLAIN, join_short=True)


def cut(text: str, *paragraphs: str, settings: ChunkSettings) -> ChapterChunks:
    script = apply_policies(bound(text, chapter(*paragraphs)).script, CAST, settings)
    found = cut_chapter(script, settings, language="en")
    verify_coverage(found, settings)
    return found


def dropped(text: str, *paragraphs: str) -> list[str]:
    found = cut(text, *paragraphs, settings=DROP)
    return [removal.text for removal in found.removals if removal.rule == "dropped-tag"]


@pytest.mark.parametrize("tag", ["said Mara.", "Mara said.", "she said,", "replied she.", "said Mara:", "—cried Mara—"])
def test_a_bare_tag_is_dropped_and_listed(tag: str) -> None:
    found = cut(f"Mara: “Go,”\n{tag}\nMara: “Now.”", f"“Go,” {tag} “Now.”", settings=DROP)
    assert [(chunk.character, chunk.text) for chunk in found.chunks] == [("Mara", "Go,"), ("Mara", "Now.")]
    assert [removal.text for removal in found.removals if removal.rule == "dropped-tag"] == [tag]


@pytest.mark.parametrize(
    "tag",
    ["said Mara softly.", "said Tom.", "he said.", "said I.", "said the girl.", "She smiled.", "said Mara, and went."],
)
def test_a_tag_that_says_more_or_other_stays(tag: str) -> None:
    assert dropped(f"Mara: “Go,”\n{tag}", f"“Go,” {tag}") == []


@pytest.mark.parametrize("line", ["“Go,”", "Mara?: “Go,”", "Mara + Tom: “Go,”", "~ Mara: “Go,”"])
def test_a_tag_stays_where_no_voice_tells(line: str) -> None:
    assert dropped(f"{line}\nsaid Mara.", "“Go,” said Mara.") == []


def test_a_tag_between_two_speakers_stays_unless_it_names_the_only_one() -> None:
    assert dropped("Mara: “Go,”\nshe said.\nTom: “No.”", "“Go,” she said. “No.”") == []


def test_a_tag_that_a_person_marked_stays() -> None:
    assert dropped("Mara: “Go,”\nNarrator (sadly): said Mara.", "“Go,” said Mara.") == []
    assert dropped("Mara: “Go,”\n[pause 1]\nsaid Mara.", "“Go,” said Mara.") == []


def test_a_chinese_tag_is_dropped_as_well() -> None:
    assert dropped("阿Q: “好，”\n阿Q说。", "“好，”阿Q说。") == ["阿Q说。"]


def test_short_lines_of_one_speaker_are_joined_where_nothing_lies_between() -> None:
    text = "He called it\nNarrator?: “a day”\nand went.\nMara: “Go.”\nMara: “Now.”"
    page = "He called it “a day” and went. “Go.” “Now.”"
    assert len(cut(text, page, settings=PLAIN).chunks) == 5
    found = cut(text, page, settings=JOIN)
    assert [(chunk.character, chunk.text) for chunk in found.chunks] == [
        ("Narrator", "He called it “a day” and went."),
        ("Mara", "“Go.” “Now.”"),
    ]


def test_lines_are_not_joined_over_a_paragraph_a_pause_a_speaker_or_the_target() -> None:
    assert len(cut("One.\n\nTwo.", "One.", "Two.", settings=JOIN).chunks) == 2
    assert len(cut("One.\n[pause 1]\nTwo.", "One. Two.", settings=JOIN).chunks) == 2
    assert len(cut("Mara: One.\nTom: Two.", "One. Two.", settings=JOIN).chunks) == 2
    assert len(cut("Mara (low): One.\nMara: Two.", "One. Two.", settings=JOIN).chunks) == 2
    assert len(cut("One.\n~ Two.\nThree.", "One. Two. Three.", settings=JOIN).chunks) == 2
    narrow = replace(JOIN, target_chars=20)
    assert len(cut("One is enough.\nTwo are many.", "One is enough. Two are many.", settings=narrow).chunks) == 2


PARTS = st.sampled_from(
    ["“Go,”", "said Mara.", "“Now.”", "she said.", "He went.", "“Who?”", "said Tom", "“好，”", "阿Q说。", "***"]
)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=5), st.booleans())
def test_no_policy_loses_a_word(paragraphs: list[str], join_short: bool) -> None:
    script = attributed(chapter(*paragraphs))
    settings = replace(DROP, join_short=join_short)
    made = apply_policies(script, CAST, settings)
    found = cut_chapter(made, settings, language="en")
    verify_coverage(found, settings)
    plain = cut_chapter(script, PLAIN, language="en")
    assert len(found.chunks) + sum(removal.rule == "dropped-tag" for removal in found.removals) <= len(plain.chunks)
    assert all(line.text == script.chapter.text[line.start : line.end] for line in made.lines)
    assert apply_policies(script, CAST, PLAIN) == script
