"""What is sent of a line that a script respells, skips or has spoken together."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from narration.book import ChapterChunks, Respelling
from narration.chunks import cut_chapter, measure, verify_coverage
from narration.halving import halves
from narration.settings.settings import ChunkSettings, LengthUnit
from tests.script.marking import attributed, bound, chapter

LIMITS = ChunkSettings(target_chars=300, max_length=600, unit=LengthUnit.CODEPOINTS)


def cut(text: str, *paragraphs: str, settings: ChunkSettings = LIMITS) -> ChapterChunks:
    found = cut_chapter(bound(text, chapter(*paragraphs)).script, settings, language="en")
    verify_coverage(found, settings)
    return found


def test_a_respelling_is_sent_and_the_text_is_as_written() -> None:
    (chunk,) = cut("Mara: “Mr. {Beauchamp|Beecham} and {St. John|Sinjin}.”", "“Mr. Beauchamp and St. John.”").chunks
    assert (chunk.text, chunk.spoken) == ("Mr. Beauchamp and St. John.", "Mr. Beecham and Sinjin.")


def test_a_symbol_can_be_given_words_and_words_none() -> None:
    found = cut("{***|Three stars.}\nIt was.", "*** It was.")
    assert [chunk.spoken for chunk in found.chunks] == ["Three stars.", "It was."]
    found = cut("{Pop|—}\nIt was.", "Pop It was.")
    assert [chunk.spoken for chunk in found.chunks] == ["It was."]
    assert ("symbols-only", "Pop") in [(removal.rule, removal.text) for removal in found.removals]


def test_a_joint_line_is_a_chunk_for_each_of_its_speakers() -> None:
    found = cut("It was late.\nMara + Tom: “Oh! We know.”\nSo they said.", "It was late. “Oh! We know.” So they said.")
    assert [(chunk.index, chunk.character, chunk.text, str(chunk.gap)) for chunk in found.chunks] == [
        (0, "Narrator", "It was late.", "start"),
        (1, "Mara", "Oh! We know.", "line"),
        (2, "Tom", "Oh! We know.", "line"),
        (3, "Narrator", "So they said.", "line"),
    ]
    assert found.chunks[1].unison == found.chunks[2].unison == (found.chunks[1].start, found.chunks[1].end)
    assert found.chunks[0].unison is None


def test_a_pause_goes_before_the_next_words_that_are_heard() -> None:
    found = cut("One.\n[pause 2]\n~ Two.\nThree.", "One. Two. Three.")
    assert [(chunk.text, chunk.pause_ms) for chunk in found.chunks] == [("One.", None), ("Three.", 2000)]


def test_a_refused_chunk_is_never_cut_inside_a_respelling() -> None:
    (chunk,) = cut("One. {Two. Three|Four five}. Six.", "One. Two. Three. Six.").chunks
    pair = halves(replace(chunk, pause_ms=700), "en", within_sentences=False)
    assert pair is not None
    assert {half.spoken for half in pair} <= {"One.", "Four five. Six.", "One. Four five.", "Six."}
    assert (pair[0].pause_ms, pair[1].pause_ms) == (700, None)
    assert sum(len(half.respellings) for half in pair) == 1


WORDS = st.lists(st.sampled_from(["one", "two.", "three,", "Mr.", "four!", "五六。", "七"]), min_size=1, max_size=40)


@given(WORDS, st.data())
def test_respelled_lines_keep_every_word_and_the_limit(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    page = chapter(text)
    (line,) = attributed(page).lines
    spans = []
    position = 0
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(position, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        if text[start:end].strip() == text[start:end] != "":
            say = data.draw(st.sampled_from(["x", "a longer. way to say it", "五"]))
            spans.append(Respelling(start=start, end=end, say=say))
            position = end
    script = replace(attributed(page), lines=(replace(line, respellings=tuple(spans)),))
    settings = replace(LIMITS, target_chars=40, max_length=60)
    found = cut_chapter(script, settings, language="en")
    verify_coverage(found)
    spoken = "".join("".join(chunk.spoken.split()) for chunk in found.chunks)
    pieces, at = [], 0
    for one in spans:
        pieces += [text[at : one.start], one.say]
        at = one.end
    assert spoken == "".join("".join([*pieces, text[at:]]).split())
    longest = max((len(one.say) for one in spans), default=0)
    assert all(measure(chunk.spoken, settings.unit) <= settings.max_length + longest for chunk in found.chunks)
