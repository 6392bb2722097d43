"""Screenplays: what the golden play does not show."""

from pathlib import Path

from narration.book import Book, Paragraph
from narration.manuscript import read_manuscript


def read(folder: Path, text: str) -> Book:
    path = folder / "play.fountain"
    path.write_text(text, encoding="utf-8")
    return read_manuscript(path)


def paragraphs(folder: Path, text: str) -> list[Paragraph]:
    return [paragraph for chapter in read(folder, text).chapters for paragraph in chapter.paragraphs]


def test_a_direction_that_opens_a_speech_is_known_apart(tmp_path: Path) -> None:
    (speech,) = paragraphs(tmp_path, "MARA\n(softly)\nWho is there?\n")
    assert (speech.speaker, speech.direction) == ("MARA", "softly")
    assert speech.text[speech.directions[0][1] :].strip() == "Who is there?"


def test_capitals_with_nothing_below_are_action(tmp_path: Path) -> None:
    found = paragraphs(tmp_path, "BANG.\n\nMARA\nOh.\n\nTHE END\n")
    assert [(paragraph.speaker, paragraph.text) for paragraph in found] == [
        ("", "BANG."),
        ("MARA", "Oh."),
        ("", "THE END"),
    ]


def test_a_line_of_two_spaces_does_not_end_a_speech(tmp_path: Path) -> None:
    (speech,) = paragraphs(tmp_path, "MARA\nOne.\n  \nTwo.\n")
    assert speech.text == "One. Two."


def test_an_unclosed_note_is_read(tmp_path: Path) -> None:
    assert [paragraph.text for paragraph in paragraphs(tmp_path, "She waits. [[why\n\n/* never closed\n")] == [
        "She waits. [[why",
        "/* never closed",
    ]


def test_acts_make_chapters_where_there_are_no_sections(tmp_path: Path) -> None:
    book = read(tmp_path, "ACT ONE\n\nMARA\nOh.\n\nACT TWO\n\nMARA\nAh.\n")
    assert [chapter.title for chapter in book.chapters] == ["ACT ONE", "ACT TWO"]


def test_lines_keep_their_numbers_when_notes_are_cut_out(tmp_path: Path) -> None:
    found = paragraphs(tmp_path, "One.\n\n/* two\nthree\n*/\n\nSeven.\n")
    assert [(paragraph.text, paragraph.source_line) for paragraph in found] == [("One.", 1), ("Seven.", 7)]


def test_transitions_and_synopses_within_a_paragraph_of_action_part_it(tmp_path: Path) -> None:
    found = paragraphs(tmp_path, "She waits.\n> FADE OUT.\n> CUT TO:\nThe lamp goes out.\nNobody sees.\n> BLACK.\n")
    assert [paragraph.text for paragraph in found] == [
        "She waits.",
        "FADE OUT.",
        "CUT TO:",
        "The lamp goes out. Nobody sees.",
        "BLACK.",
    ]


def test_a_cue_of_brackets_only_is_a_name(tmp_path: Path) -> None:
    (speech,) = paragraphs(tmp_path, "@(VOICE)\nWho is there?\n")
    assert (speech.speaker, speech.text) == ("(VOICE)", "Who is there?")


def test_a_title_page_may_begin_with_an_indented_key(tmp_path: Path) -> None:
    book = read(tmp_path, "    Title:\n        The Lamp\nAuthor: Ada Quill\n\nMARA\nOh.\n")
    assert (book.title, book.author) == ("The Lamp", "Ada Quill")
