"""Captions: every word once, in time, on two rows, with its speaker."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from narration.deliver.subtitles import ROW_CHARS, ROWS, captions, srt, vtt
from tests.deliver.releases import lines_track, paragraph, track

WORDS = st.text(alphabet="abcdefgh ,.!?“”’é— 山川三月，。", min_size=1, max_size=400).filter(
    lambda text: bool(text.strip())
)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_joined_the_captions_are_the_words(texts: list[str]) -> None:
    made = captions(lines_track(1, [("Mara", text.strip()) for text in texts]))
    assert squeezed("".join("".join(caption.rows) for caption in made)) == squeezed("".join(texts))


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_no_caption_is_empty_or_larger_than_the_screen_or_overlaps(texts: list[str]) -> None:
    made = captions(lines_track(1, [("Mara", text.strip()) for text in texts]))
    for caption in made:
        assert 1 <= len(caption.rows) <= ROWS
        assert all(row.strip() for row in caption.rows)
        assert all(sum(2 if char >= "\u1100" else 1 for char in row) <= ROW_CHARS + 2 for row in caption.rows)
        assert caption.start_s < caption.end_s
    for before, after in itertools.pairwise(made):
        assert before.end_s <= after.start_s + 1e-9


def test_a_long_text_is_cut_behind_a_mark() -> None:
    text = "The lamp was out, but nobody in the house had slept at all that night. The kettle began to sing on its own."
    made = captions(lines_track(1, [("Narrator", text)]))
    assert [caption.rows for caption in made] == [
        ("The lamp was out, but nobody in the", "house had slept at all that night."),
        ("The kettle began to sing on its own.",),
    ]


def test_subrip_names_a_speaker_where_one_begins() -> None:
    made = captions(lines_track(1, [("Mara", "Who is there?"), ("Mara", "Speak."), ("Tom", "Only me.")]))
    assert srt(made) == (
        "1\n00:00:00,250 --> 00:00:01,000\n[Mara] Who is there?\n\n"
        "2\n00:00:01,250 --> 00:00:02,000\nSpeak.\n\n"
        "3\n00:00:02,250 --> 00:00:03,000\n[Tom] Only me.\n"
    )


def test_webvtt_has_the_speaker_as_a_voice_and_escapes_what_is_markup() -> None:
    made = captions(lines_track(1, [("R & D", "a < b")]), offset_s=3600.0)
    assert vtt(made, "en") == (
        "WEBVTT\nKind: captions\nLanguage: en\n\n01:00:00.250 --> 01:00:01.000\n<v R &amp; D>a &lt; b</v>\n"
    )


def test_what_is_said_together_is_one_caption() -> None:
    together = track(
        1,
        [paragraph("Good night!")],
        [(0, 11, "Mara", 0.5, 1.4), (0, 11, "Tom", 0.5, 1.6)],
        duration_s=2.0,
    )
    (caption,) = captions(together)
    assert (caption.speakers, caption.start_s, caption.end_s) == (("Mara", "Tom"), 0.5, 1.6)
    assert srt([caption]).splitlines()[2] == "[Mara + Tom] Good night!"


def test_a_word_longer_than_a_row_is_cut_into_rows_and_not_lost() -> None:
    word = "Ah" + "h" * 100 + "!"
    made = captions(lines_track(1, [("Mara", word)]))
    rows = [row for caption in made for row in caption.rows]
    assert "".join(rows) == word
    assert max(map(len, rows)) <= ROW_CHARS
