"""Re-runs: what a person accepted stays, whatever becomes of the manuscript."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from narration.book import Chapter, Paragraph
from narration.errors import InputError
from narration.script.binding import bind, text_hash
from narration.script.following import REMOVED, Followed, follow, refresh
from narration.script.marked import Mark, MarkedScript, Row, write_marked
from tests.script.marking import CAST, LABELS, attributed, bound, chapter, marked, parsed, written

BEFORE = chapter("# One", "It was late.", "“Go,” said Mara.", "“Who goes?”", "They went on. It rained.")
SCRIPT = """\
# One

It was late.

Mara (low): “Go,”
~ said Mara.

; ask the author
[pause 2]
Tom: “Who {goes|gows}?”

They went on.
Tom: It rained.
"""


def followed(text: str, after: Chapter) -> Followed:
    """A script brought to a chapter, and proof that it fits."""
    script = parsed(text)
    fresh = attributed(after)
    try:
        found = refresh(script, bind(script, after, CAST, where="x"), fresh, CAST)
    except InputError:
        found = follow(script, fresh, CAST, LABELS)
    made = MarkedScript(chapter=1, manuscript=text_hash(after), rows=found.rows)
    bound(write_marked(made, LABELS), after)
    return found


def text_of(found: Followed) -> str:
    return write_marked(MarkedScript(chapter=0, manuscript="", rows=found.rows), LABELS)


def test_a_script_that_fits_stays_as_it_is() -> None:
    found = followed(SCRIPT, BEFORE)
    assert text_of(found) == SCRIPT
    assert (found.kept, found.edited, found.reattributed, found.added, found.removed) == (7, 0, 0, 0, ())


def test_only_doubtful_lines_are_attributed_again() -> None:
    text = SCRIPT.replace("Mara (low)", "Tom? (low)").replace("Tom: “Who", "Tom?: “Who")
    found = followed(text, BEFORE)
    assert "Mara (low): “Go,”" in text_of(found)
    fresh = next(line for line in attributed(BEFORE).lines if line.text == "“Who goes?”")
    assert f"{fresh.character}{'?' * fresh.doubtful}: “Who {{goes|gows}}?”" in text_of(found)
    assert (found.kept, found.reattributed) == (5, 2)


def test_an_inserted_paragraph_is_attributed_and_every_accepted_line_is_kept() -> None:
    after = chapter(
        "# One",
        "It was late.",
        "“Quiet!” said Tom. Nobody was.",
        "“Go,” said Mara.",
        "“Who goes?”",
        "They went on. It rained.",
    )
    found = followed(SCRIPT, after)
    assert text_of(found) == SCRIPT.replace("It was late.\n", "It was late.\n\nTom: “Quiet!”\nsaid Tom. Nobody was.\n")
    assert (found.kept, found.added, found.removed) == (7, 2, ())


def test_an_edited_line_keeps_its_speaker_and_its_marks() -> None:
    after = chapter(
        "# One", "It was very late.", "“Go away,” said Mara.", "“So who goes there?”", "They went on. It rained."
    )
    found = followed(SCRIPT, after)
    assert "It was very late." in text_of(found)
    assert "Mara (low): “Go away,”\n~ said Mara." in text_of(found)
    assert "; ask the author\n[pause 2]\nTom: “So who {goes|gows} there?”" in text_of(found)
    assert (found.kept, found.edited, found.added, found.removed) == (4, 3, 0, ())


def test_a_removed_line_is_told_and_what_was_decided_of_it_is_a_comment() -> None:
    after = chapter("# One", "“Go,” said Mara.", "They went on. It rained.")
    found = followed(SCRIPT, after)
    assert found.removed == ("It was late.", "Tom: “Who {goes|gows}?”")
    assert text_of(found) == (
        "# One\n\nMara (low): “Go,”\n~ said Mara.\n\n"
        "; ask the author\n; removed: [pause 2]\n; removed: Tom: “Who {goes|gows}?”\nThey went on.\nTom: It rained.\n"
    )
    again = followed(text_of(found), after)
    assert text_of(again) == text_of(found)


def test_a_moved_paragraph_takes_its_lines_along() -> None:
    after = chapter("# One", "It was late.", "“Who goes?”", "They went on. It rained.", "“Go,” said Mara.")
    found = followed(SCRIPT, after)
    assert "Tom: “Who {goes|gows}?”" in text_of(found)
    assert "Mara (low): “Go,”" in text_of(found)
    assert "~ said Mara." in text_of(found)
    assert found.removed == ()


def test_a_skipped_line_does_not_swallow_new_words() -> None:
    after = chapter("# One", "It was late.", "“Go,” said Mara. It snowed.", "“Who goes?”", "They went on. It rained.")
    found = followed(SCRIPT, after)
    assert "~ said Mara. It snowed." not in text_of(found)
    assert "It snowed." in text_of(found)


def test_a_scene_break_follows_the_manuscript_and_one_added_by_hand_stays() -> None:
    text = SCRIPT.replace("It was late.\n", "It was late.\n\n---\n")
    after = chapter("# One", "It was late.", "“Go,” said Mara.", "***", "“Who goes?”", "They went. It rained.")
    found = followed(text, after)
    assert text_of(found).count("---") == 2
    assert "---\n\nMara (low)" in text_of(found)


SENTENCES = st.sampled_from(
    [
        "It was late.",
        "He went.",
        "“Go,” said Mara.",
        "“Who goes there?”",
        "“Me,” said Tom. “Just me.”",
        "Nobody spoke.",
        "“Oh!”",
        "Rain fell on the roof, and went on falling.",
        "Mara: I stay.",
        "***",
        "# One",
        "“Go,” he said.",
    ]
)
PAGES = st.lists(SENTENCES, min_size=1, max_size=8).map(lambda texts: chapter(*texts))


@st.composite
def accepted(draw: st.DrawFn, page: Chapter) -> MarkedScript:
    """A script in which a person decided about some lines."""
    script = marked(attributed(page))
    rows = []
    for row in script.rows:
        if row.mark is Mark.LINE and draw(st.booleans()):
            rows += [Row(mark=Mark.COMMENT, text="note")] if draw(st.booleans()) else []
            name = draw(st.sampled_from(["Mara", "Tom"]))
            rows.append(replace(row, characters=(name,), doubtful=False, direction=draw(st.sampled_from(["", "low"]))))
        else:
            rows.append(row)
    return replace(script, rows=tuple(rows))


@given(PAGES, PAGES, st.data())
def test_nothing_that_a_person_wrote_is_lost(before: Chapter, after: Chapter, data: st.DataObject) -> None:
    script = data.draw(accepted(before))
    found = followed(write_marked(script, LABELS), after)
    decided = [row for row in script.rows if row.mark is Mark.LINE and row.characters and not row.doubtful]
    there = [row for row in found.rows if row.is_text and row.characters and not row.doubtful]
    gone = [row.text for row in found.rows if row.mark is Mark.COMMENT and row.text.startswith(REMOVED)]
    for row in decided:
        kept = [one for one in there if (one.characters, one.direction) == (row.characters, row.direction)]
        assert kept or any(row.text in text for text in gone)
    notes = sum(row.mark is Mark.COMMENT and row.text == "note" for row in script.rows)
    assert sum(row.mark is Mark.COMMENT and row.text == "note" for row in found.rows) == notes


@given(PAGES, st.data())
def test_accepted_lines_survive_an_inserted_paragraph(page: Chapter, data: st.DataObject) -> None:
    script = data.draw(accepted(page))
    place = data.draw(st.integers(0, len(page.paragraphs)))
    new = Paragraph(text="A thing that never was said before happened.")
    after = replace(page, paragraphs=(*page.paragraphs[:place], new, *page.paragraphs[place:]))
    found = followed(write_marked(script, LABELS), after)
    there = iter(row for row in found.rows if row.is_text)
    assert all(row in there for row in script.rows if row.is_text and not row.doubtful), "in their order"
    assert found.removed == ()


@given(PAGES)
def test_a_re_run_changes_nothing(page: Chapter) -> None:
    text = written(attributed(page))
    script = parsed(text)
    assert followed(text, page).rows == script.rows
