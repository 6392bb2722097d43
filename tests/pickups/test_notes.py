"""Notes of every kind are read, and each finds its line."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import InputError
from narration.pickups.notes import Note, quoted_in, read_notes, seconds_of
from narration.pickups.spotting import Basis, HeardLine, Spotter, heard_lines
from narration.place import Place, place_of
from tests.pickups.synthetic import timelines

NOTES = 200
OFF_S = 0.5


@given(st.integers(0, 99_999), st.integers(1, 99_999), st.integers(0, 999))
def test_a_place_reads_back_as_it_was_written(chapter: int, line: int, part: int) -> None:
    place = Place(chapter=chapter, line=line, part=part)
    assert place_of(str(place)) == place


def test_the_lexicons_spelling_of_a_place_is_read() -> None:
    assert place_of("ch03#s0142") == Place(chapter=3, line=142)
    assert [place_of(wrong) for wrong in ("3", "3:0", "3:x", "a:1", "")] == [None] * 5


def test_times_are_read_as_people_write_them() -> None:
    assert [seconds_of(time) for time in ("1:02:03.5", "12:05", "725.3", "725,3", "0:00")] == [
        3723.5,
        725.0,
        725.3,
        725.3,
        0.0,
    ]
    assert seconds_of("soon") is None


def test_every_kind_of_file_gives_the_same_notes() -> None:
    quote = "Is there any sugar"
    csv = f'Chapter,Timecode,Note\n2,0:00:12.5,"misread “{quote}”"\n'
    semicolons = f"chapter;time;quote;note\n2;12.5;{quote};misread “{quote}”\n"
    rows = f"ch 2 00:00:12.5 - misread “{quote}”\n"
    labels = f"12.5\t12.5\tmisread “{quote}”\n\\\t0.0\t22050.0\n"
    for text in (csv, semicolons, rows, labels, "\ufeff" + csv.replace("\n", "\r\n")):
        (note,) = read_notes(text, where="n", chapter=2)
        assert (note.chapter, note.start_s, note.quote) == (2, 12.5, quote)


def test_our_own_export_names_its_lines() -> None:
    (label,) = read_notes("12.5\t14.0\t[3:17.2] too fast\n", where="n")
    (row,) = read_notes("line,say,direction,note\n3:17.2,Beecham,softly,too fast\n", where="n")
    (region,) = read_notes("#,Name,Start,End\nR1,[3:17.2] too fast,0:12.5,0:14.0\n", where="n")
    assert (label.place, label.text) == (Place(chapter=3, line=17, part=2), "too fast")
    assert (row.place, row.say, row.direction, row.text) == (label.place, "Beecham", "softly", "too fast")
    assert (region.place, region.text, region.end_s) == (label.place, "too fast", 14.0)


def test_rows_that_say_nothing_are_all_told() -> None:
    with pytest.raises(InputError) as caught:
        read_notes("3 00:12:05 fine\nthis is odd\n\nand this\n", where="n.txt")
    assert [problem.where for problem in caught.value.problems] == ["n.txt, line 2", "n.txt, line 4"]


def test_the_longest_quotation_of_a_note_is_its_words() -> None:
    assert quoted_in("“the” should be “the lamp of”") == "the lamp of"


class _Book:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        found = timelines(20, 200, self.random)
        self.chapters = heard_lines(found)
        self.spotter = Spotter(self.chapters, {one.chapter: one.audio_s for one in found})
        self.lines = [line for lines in self.chapters.values() for line in lines]

    def note(self, line: HeardLine, *, quote: bool, start: bool) -> Note:
        at_s = line.start_s if start else self.random.uniform(line.start_s, line.end_s)
        words = line.text.split()
        first = self.random.randrange(max(1, len(words) - 4))
        return Note(
            source="",
            text="again",
            chapter=line.place.chapter,
            start_s=max(0.0, at_s + self.random.uniform(-OFF_S, OFF_S)),
            quote=" ".join(words[first : first + 5]) if quote else "",
        )


@pytest.mark.parametrize("start", [False, True], ids=["anywhere in the line", "at its start"])
def test_notes_with_words_of_their_line_find_it_in_99_of_100(start: bool) -> None:
    book = _Book(7)
    right = 0
    for line in book.random.sample(book.lines, NOTES):
        right += book.spotter.spot(book.note(line, quote=True, start=start)).line == line
    assert right >= 0.99 * NOTES, right


def test_times_alone_find_the_line_or_are_not_sure() -> None:
    book = _Book(8)
    lines = book.random.sample(book.lines, NOTES)
    found = [book.spotter.spot(book.note(line, quote=False, start=False)) for line in lines]
    assert sum(one.line == line for one, line in zip(found, lines, strict=True)) >= 0.95 * NOTES
    sure = [(one, line) for one, line in zip(found, lines, strict=True) if one.sure]
    assert len(sure) > NOTES / 2
    assert all(one.line == line for one, line in sure)


def test_near_a_border_both_lines_are_named_and_the_notes_words_decide() -> None:
    book = _Book(11)
    pairs = [
        (one, other)
        for lines in book.chapters.values()
        for one, other in pairwise(lines)
        if min(len(one.text), len(other.text)) > 60 and other.start_s - one.end_s < 0.3
    ]
    for one, other in pairs[:20]:
        border = Note(source="", text="", chapter=one.place.chapter, start_s=(one.end_s + other.start_s) / 2)
        found = book.spotter.spot(border)
        assert not found.sure
        assert {found.line, found.other} == {one, other}
        for line, next_one in ((one, other), (other, one)):
            own = set(line.text.casefold().strip(".").split()) - set(next_one.text.casefold().strip(".").split())
            longer = sorted(word for word in own if len(word) > 5)
            if longer:
                spelt = replace(border, text=f"{longer[0]} is misread")
                assert book.spotter.spot(spelt).line == line


def test_a_note_near_a_border_rather_means_the_line_in_which_something_was_found() -> None:
    book = _Book(12)
    one, other = next(
        pair
        for pair in pairwise(book.chapters[1])
        if min(len(line.text) for line in pair) > 60 and pair[0].place.line != pair[1].place.line
    )
    note = Note(source="", text="", chapter=1, start_s=(one.end_s + other.start_s) / 2)
    for line in (one, other):
        spotter = Spotter(book.chapters, {}, frozenset({(1, line.place.line)}))
        assert spotter.spot(note).line == line


def test_words_that_were_misquoted_a_little_find_their_line() -> None:
    book = _Book(9)
    line = max(book.chapters[3], key=lambda one: len(one.text))
    words = line.text.split()[:8]
    note = replace(book.note(line, quote=False, start=True), quote=" ".join([*words[:3], "oops", *words[4:]]))
    assert (book.spotter.spot(note).line, book.spotter.spot(note).basis) == (line, Basis.QUOTE)


def test_a_time_of_the_whole_book_finds_its_chapter() -> None:
    book = _Book(10)
    line = max(book.chapters[2], key=lambda one: len(one.text))
    before_s = sum(one.audio_s for one in timelines(20, 200, Random(10))[:1])  # noqa: S311
    note = Note(source="", text="", start_s=before_s + (line.start_s + line.end_s) / 2)
    assert book.spotter.spot(note).line == line


def _line(
    line: int, text: str, start_s: float, end_s: float, *, part: int = 0, character: str = "Narrator", chapter: int = 1
) -> HeardLine:
    return HeardLine(
        place=Place(chapter=chapter, line=line, part=part),
        start_s=start_s,
        end_s=end_s,
        character=character,
        text=text,
        start=line * 100 + part,
        end=line * 100 + part + len(text),
        take_ids=(f"{line}.{part}",),
    )


_FEW = (
    _line(1, "The lamp was out.", 0.0, 2.0),
    _line(2, "Who put it out?", 2.2, 4.0, character="Mara"),
    _line(3, "The lamp was out, and so was the fire.", 4.2, 8.0),
    _line(4, "它灭了。", 8.2, 10.0, part=1),
    _line(4, "没有人说话。", 10.2, 12.0, part=2),
)
_FEW_SPOTTER = Spotter({1: _FEW}, {1: 12.0})


def _spotted(**facts: object) -> tuple[str, Basis, bool]:
    """The line of a note, what it rests on, and whether that is sure."""
    found = _FEW_SPOTTER.spot(replace(Note(source="", text=""), **facts))  # type: ignore[arg-type]
    return (str(found.line.place) if found.line else "", found.basis, found.sure)


def test_a_note_with_a_place_means_that_line_and_its_first_part_or_nothing() -> None:
    assert _spotted(place=Place(chapter=1, line=2)) == ("1:2", Basis.PLACE, True)
    assert _spotted(place=Place(chapter=1, line=4)) == ("1:4.1", Basis.PLACE, True)
    assert _spotted(place=Place(chapter=1, line=4, part=2)) == ("1:4.2", Basis.PLACE, True)
    for nowhere in (Place(chapter=1, line=9), Place(chapter=2, line=1)):
        assert _spotted(place=nowhere) == ("", Basis.NOTHING, False)


def test_a_quotation_without_a_time_is_sure_only_where_one_line_has_it() -> None:
    assert _spotted(quote="so was the fire") == ("1:3", Basis.QUOTE, True)
    assert _spotted(quote="the lamp was out") == ("1:1", Basis.QUOTE, False)
    assert _spotted(quote="有人说") == ("1:4.2", Basis.QUOTE, True)


def test_of_two_lines_as_near_that_hold_a_quotation_it_is_the_one_that_is_quoted_whole() -> None:
    near = (_line(1, "No, said the man.", 0.0, 2.0), _line(2, "No.", 2.1, 2.6))
    spot = Spotter({1: near}, {1: 3.0}).spot
    found = spot(Note(source="", text="", chapter=1, start_s=2.05, quote="no"))
    assert (found.line, found.basis, found.sure) == (near[1], Basis.QUOTE, True)
    twice = Spotter({1: (near[1], replace(near[1], start_s=2.7, end_s=3.2))}, {1: 4.0})
    assert not twice.spot(Note(source="", text="", chapter=1, start_s=2.65, quote="no")).sure


def test_a_quotation_that_is_not_in_the_book_leaves_the_time_which_is_not_sure() -> None:
    assert _spotted(chapter=1, start_s=3.0, quote="entirely other words") == ("1:2", Basis.TIME, False)
    assert _spotted(chapter=1, start_s=3.0, quote="!?") == ("1:2", Basis.TIME, False)
    assert _spotted(quote="entirely other words") == ("", Basis.NOTHING, False)


def test_a_time_behind_the_last_line_means_it_while_it_is_near_and_nothing_behind_the_book() -> None:
    assert _spotted(chapter=1, start_s=15.0) == ("1:4.2", Basis.TIME, True)
    assert _spotted(chapter=1, start_s=90.0) == ("1:4.2", Basis.TIME, False)
    assert _spotted(start_s=11.0) == ("1:4.2", Basis.TIME, True)
    assert _spotted(start_s=99.0) == ("", Basis.NOTHING, False)
    assert _spotted(chapter=7, start_s=1.0) == ("", Basis.NOTHING, False)


def test_near_a_border_the_speaker_who_is_named_decides() -> None:
    for said, place in (("Mara sounds hoarse", "1:2"), ("hoarse, says the narrator", "1:1")):
        assert _spotted(chapter=1, start_s=2.1, text=said)[0] == place


def test_a_stretch_of_time_means_the_line_that_it_covers() -> None:
    assert _spotted(chapter=1, start_s=4.3, end_s=7.9)[0] == "1:3"


def test_what_several_say_together_is_one_line_with_both_names() -> None:
    (timeline,) = timelines(1, 3, Random(1))  # noqa: S311
    first = timeline.cues[0]
    both = replace(first, character="Tom", take_id="other", end_frame=first.end_frame + 100)
    (line, *_) = heard_lines([replace(timeline, cues=(first, both, *timeline.cues[1:]))])[1]
    assert (line.character, line.take_ids) == ("Narrator + Tom", (first.take_id, "other"))
    assert line.end_s == both.end_frame / timeline.rate_hz


def test_rows_of_a_sheet_that_are_empty_are_passed_over_and_those_without_a_line_are_told() -> None:
    sheet = "chapter,time,note\n,,\n2,0:12.5,again\n2,,nobody knows where\n"
    with pytest.raises(InputError) as caught:
        read_notes(sheet, where="n.csv")
    assert [problem.where for problem in caught.value.problems] == ["n.csv, line 4"]


def test_a_bare_time_is_of_the_chapter_that_is_named_or_of_the_book() -> None:
    (of_book,) = read_notes("0:12:05 too fast\n", where="n")
    assert (of_book.chapter, of_book.start_s, of_book.text) == (None, 725.0, "too fast")
    (of_chapter,) = read_notes("12:05 too fast\n", where="n", chapter=3)
    assert (of_chapter.chapter, of_chapter.start_s, of_chapter.place) == (3, 725.0, None)
    (of_line,) = read_notes("12:05 too fast\n", where="n")
    assert (of_line.place, of_line.start_s) == (Place(chapter=12, line=5), None)
