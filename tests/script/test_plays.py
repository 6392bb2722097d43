"""Plays and screenplays: who speaks stands in the manuscript, and becomes lines, joint lines and directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from narration.book import Book, Chapter, ChapterScript, Paragraph
from narration.cast import Cast, Character, Role
from narration.manuscript import read_manuscript
from narration.script import script_chapter
from narration.script.binding import bind, rows_of, text_hash
from narration.script.following import follow
from narration.script.marked import MarkedScript, parse_marked, write_marked
from narration.script.plays import parts_of, strangers_in
from narration.script.speakers import labels_of

CAST = Cast(
    characters=(
        Character(name="Narrator", role=Role.NARRATOR),
        Character(name="Mara", aliases=("Mrs. Quill",)),
        Character(name="Tom", aliases=("The Captain",)),
        Character(name="A man", aliases=("First Porter", "Second Porter")),
    )
)
LABELS = labels_of(CAST)

SCREENPLAY = """\
Title: Low Water

INT. BOATHOUSE - NIGHT

Rain. TOM bars the door.

MARA
(softly)
Is he here? (beat) I heard him.

THE CAPTAIN
Nobody is here.
(He sits.)

MARA & TOM
Listen!

BOTH
It is the tide.

CUT TO:
"""


def chapter_of(*paragraphs: Paragraph) -> Chapter:
    return Chapter(number=1, title="", paragraphs=paragraphs)


def speech(speaker: str, text: str, *directions: str) -> Paragraph:
    """A speech whose directions are found in its text."""
    spans, position = [], 0
    for direction in directions:
        start = text.index(direction, position)
        position = start + len(direction)
        spans.append((start, position))
    return Paragraph(text=text, speaker=speaker, directions=tuple(spans))


def told(script: ChapterScript) -> list[tuple[str, str, str, bool]]:
    return [
        (" + ".join((line.character, *line.joint)), line.direction, line.text, line.doubtful) for line in script.lines
    ]


def marked(script: ChapterScript) -> MarkedScript:
    chapter = script.chapter
    return MarkedScript(chapter=chapter.number, manuscript=text_hash(chapter), rows=rows_of(script, CAST))


def again(script: ChapterScript) -> ChapterScript:
    """The script by way of its file."""
    text = write_marked(marked(script), LABELS)
    return bind(parse_marked(text, LABELS, where="x"), script.chapter, CAST, where="x").script


def read(folder: Path, text: str, name: str = "play.fountain") -> Book:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_manuscript(path)


def test_a_screenplay_becomes_lines_joint_lines_and_directions(tmp_path: Path) -> None:
    (chapter,) = read(tmp_path, SCREENPLAY).chapters
    script = script_chapter(chapter, CAST, language="en")
    assert told(script)[1:] == [
        ("Narrator", "", "Rain. TOM bars the door.", False),
        ("Mara", "softly", "Is he here? (beat) I heard him.", False),
        ("Tom", "", "Nobody is here.", False),
        ("Narrator", "", "(He sits.)", False),
        ("Mara + Tom", "", "Listen!", False),
        ("Narrator", "", "It is the tide.", True),
        ("Narrator", "", "CUT TO:", False),
    ]
    assert (script.quotations, script.unattributed) == (4, 1)
    found = again(script)
    assert (found.lines, found.removals) == (script.lines, script.removals)
    assert found.unattributed == 1


def test_a_direction_before_words_says_how_and_one_after_them_is_read() -> None:
    text = "Coldly. I see. Turning away. And you? He laughs. Exit."
    chapter = chapter_of(speech("TOM", text, "Coldly.", "Turning away.", "He laughs. Exit."))
    script = script_chapter(chapter, CAST, language="en")
    assert told(script) == [
        ("Tom", "Coldly", "I see.", False),
        ("Tom", "Turning away", "And you?", False),
        ("Narrator", "", "He laughs. Exit.", False),
    ]
    assert [(one.rule, one.text) for one in script.removals] == [
        ("stage-direction", "Coldly."),
        ("stage-direction", "Turning away."),
    ]
    assert again(script).lines == script.lines


def test_directions_side_by_side_are_one() -> None:
    chapter = chapter_of(speech("Mara", "(V.O.) (softly) Come in.", "(V.O.)", "(softly)"))
    script = script_chapter(chapter, CAST, language="en")
    assert told(script) == [("Mara", "V.O.; softly", "Come in.", False)]
    assert again(script).lines == script.lines


def test_a_direction_alone_is_read_even_when_it_is_there_twice() -> None:
    lone = Paragraph(text="(A bell.)", directions=((0, 9),))
    chapter = chapter_of(lone, lone, speech("Mara", "Yes. Yes.", "Yes."), speech("Tom", "(Nods.)", "(Nods.)"))
    script = script_chapter(chapter, CAST, language="en")
    assert told(script) == [
        ("Narrator", "", "(A bell.)", False),
        ("Narrator", "", "(A bell.)", False),
        ("Mara", "Yes", "Yes.", False),
        ("Narrator", "", "(Nods.)", False),
    ]
    assert again(script).lines == script.lines


def test_names_are_found_in_any_case_through_aliases_and_articles() -> None:
    names = ["mara", "MRS. QUILL", "Captain", "THE CAPTAIN.", "First Porter and Tom", "Mara, Tom, and First Porter"]
    script = script_chapter(chapter_of(*(speech(name, "Yes.") for name in names)), CAST, language="en")
    assert [who for who, _, _, _ in told(script)] == [
        "Mara",
        "Mara",
        "Tom",
        "Tom",
        "A man + Tom",
        "Mara + Tom + A man",
    ]
    assert not script.doubtful


def test_several_who_share_a_voice_are_one_voice() -> None:
    script = script_chapter(chapter_of(speech("First Porter + Second Porter", "Aye!")), CAST, language="en")
    assert told(script) == [("A man", "", "Aye!", False)]


def test_a_speaker_who_is_not_in_the_cast_is_reported_until_somebody_decides() -> None:
    chapter = chapter_of(
        speech("The Ghost", "Swear! Beneath. Swear!", "Beneath."),
        speech("Mara + Ghost", "Swear!"),
        speech("Tom", "No."),
    )
    script = script_chapter(chapter, CAST, language="en")
    assert told(script) == [
        ("Narrator", "", "Swear!", True),
        ("Narrator", "Beneath", "Swear!", True),
        ("Mara", "", "Swear!", True),
        ("Tom", "", "No.", False),
    ]
    assert strangers_in([script], CAST) == (("Ghost", 1), ("The Ghost", 1))
    text = write_marked(marked(script), LABELS).replace("Narrator? (Beneath):", "Tom (Beneath):")
    decided = text.replace("Narrator?:", "Tom:").replace("Mara?:", "Mara + Tom:")
    bound = bind(parse_marked(decided, LABELS, where="x"), chapter, CAST, where="x")
    assert strangers_in([bound.script], CAST) == ()


def test_a_speech_is_its_speakers_whatever_it_quotes() -> None:
    chapter = chapter_of(speech("Tom", "She said: “Go home,” and I went. Mara: that was all."))
    script = script_chapter(chapter, CAST, language="en")
    assert told(script) == [("Tom", "", "She said: “Go home,” and I went. Mara: that was all.", False)]
    assert again(script).lines == script.lines


def test_a_direction_that_somebody_has_read_aloud_stays_so_when_the_manuscript_changes() -> None:
    chapter = chapter_of(speech("Tom", "Takes the key. I have it.", "Takes the key."), speech("Mara", "Good."))
    text = write_marked(marked(script_chapter(chapter, CAST, language="en")), LABELS)
    edited = text.replace("Tom (Takes the key): ", "Takes the key.\nTom: ")
    read_aloud = parse_marked(edited, LABELS, where="x")
    assert [line.text for line in bind(read_aloud, chapter, CAST, where="x").script.lines][:1] == ["Takes the key."]
    longer = replace(chapter, paragraphs=(Paragraph(text="Night."), *chapter.paragraphs))
    followed = follow(read_aloud, script_chapter(longer, CAST, language="en"), CAST, LABELS)
    assert (followed.kept, followed.added, followed.removed) == (3, 1, ())
    made = MarkedScript(chapter=1, manuscript=text_hash(longer), rows=followed.rows)
    assert [line.text for line in bind(made, longer, CAST, where="x").script.lines] == [
        "Night.",
        "Takes the key.",
        "I have it.",
        "Good.",
    ]


WORDS = st.text(alphabet="ab. (\n", min_size=1, max_size=12)
SPEECHES = st.lists(
    st.tuples(
        st.sampled_from(["", "Mara", "TOM", "Mara + Tom", "Ghost"]),
        st.lists(st.tuples(WORDS, st.booleans()), min_size=1),
    ),
    min_size=1,
    max_size=5,
)


@given(SPEECHES)
def test_no_word_of_a_play_is_lost_on_the_way_through_its_script(
    speeches: list[tuple[str, list[tuple[str, bool]]]],
) -> None:
    paragraphs = []
    for speaker, pieces in speeches:
        text, spans = "", []
        for piece, is_direction in pieces:
            start = len(text)
            text += piece
            if is_direction and piece.strip():
                spans.append((start, len(text)))
        if text.strip():
            paragraphs.append(Paragraph(text=text.strip(), speaker=speaker, directions=_within(text, spans)))
    if not paragraphs:
        return
    chapter = chapter_of(*paragraphs)
    for paragraph in chapter.paragraphs:
        parts = "".join(paragraph.text[part.start : part.end] for part in parts_of(paragraph))
        assert "".join(parts.split()) == "".join(paragraph.text.split())
    script = script_chapter(chapter, CAST, language="en")
    stretches = sorted(
        [(one.start, one.text) for one in script.lines] + [(one.start, one.text) for one in script.removals]
    )
    assert "".join("".join(piece.split()) for _, piece in stretches) == "".join(chapter.text.split())
    bound = again(script)
    spoken = "".join("".join(line.text.split()) for line in bound.lines)
    assert spoken == "".join("".join(line.text.split()) for line in script.lines)


def _within(text: str, spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The spans in the text without the white space at its ends."""
    before, size = len(text) - len(text.lstrip()), len(text.strip())
    moved = [(max(0, start - before), min(size, end - before)) for start, end in spans]
    return tuple((start, end) for start, end in moved if start < end)
