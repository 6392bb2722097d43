"""Chunks where the cut is hard: pauses, several voices and services, respellings, and what the guard says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from narration.book import (
    Chapter,
    ChapterChunks,
    ChapterScript,
    Chunk,
    Gap,
    Line,
    Paragraph,
    ParagraphKind,
    Removal,
    Respelling,
)
from narration.chunks import cut_chapter, measure, tightest, verify_coverage
from narration.errors import TextLost
from narration.sentences import split_long
from narration.settings.settings import ChunkSettings, LengthUnit

BREAK = Paragraph(text="***", kind=ParagraphKind.SCENE_BREAK)


def limits(target: int = 300, longest: int = 600, unit: LengthUnit = LengthUnit.CODEPOINTS) -> ChunkSettings:
    return ChunkSettings(target_chars=target, max_length=longest, unit=unit)


def chapter(*paragraphs: str | Paragraph) -> Chapter:
    made = tuple(text if isinstance(text, Paragraph) else Paragraph(text=text) for text in paragraphs)
    return Chapter(number=7, title="", paragraphs=made)


def script(whole: Chapter, *said: tuple[str, dict[str, object]]) -> ChapterScript:
    """Lines of these words, one after the other; the facts of each are fields of `Line`."""
    lines: list[Line] = []
    position = 0
    for words, facts in said:
        start = whole.text.index(words, position)
        position = start + len(words)
        paragraph = next(at for at, (low, high) in enumerate(whole.spans()) if low <= start <= high)
        plain = {"character": "Narrator", "kind": whole.paragraphs[paragraph].kind}
        lines.append(
            Line(
                chapter=whole.number,
                index=len(lines),
                paragraph=paragraph,
                start=start,
                end=position,
                text=words,
                **{**plain, **facts},  # type: ignore[arg-type]
            )
        )
    return ChapterScript(chapter=whole, lines=tuple(lines))


def cut(
    made: ChapterScript, settings: ChunkSettings | None = None, elsewhere: dict[str, ChunkSettings] | None = None
) -> ChapterChunks:
    chunks = cut_chapter(made, settings or limits(), language="en", elsewhere=elsewhere or {})
    verify_coverage(chunks)
    return chunks


def narrated(*paragraphs: str | Paragraph, settings: ChunkSettings | None = None) -> tuple[str, ...]:
    """The texts of chunks of paragraphs that the narrator reads, each one line."""
    whole = chapter(*paragraphs)
    found = cut(script(whole, *((paragraph.text, {}) for paragraph in whole.paragraphs)), settings)
    return tuple(chunk.text for chunk in found.chunks)


# What lies between chunks.


def test_a_pause_belongs_to_the_next_words_and_to_them_only() -> None:
    whole = chapter("She came. He went.", "It was late.")
    found = cut(
        script(whole, ("She came.", {"pause_ms": 900}), ("He went.", {}), ("It was late.", {"pause_ms": 0})),
        limits(9, 9),
    )
    assert [(chunk.text, chunk.pause_ms) for chunk in found.chunks] == [
        ("She came.", 900),
        ("He went.", None),
        ("It was", 0),
        ("late.", None),
    ]


def test_the_pause_and_the_scene_before_what_nobody_speaks_lie_before_what_is_spoken_next() -> None:
    whole = chapter("One.", BREAK, "Not this.", "……", "But this.", "And this.")
    found = cut(
        script(
            whole,
            ("One.", {}),
            ("***", {"pause_ms": 700}),
            ("Not this.", {"skipped": True}),
            ("……", {}),
            ("But this.", {}),
            ("And this.", {}),
        )
    )
    assert [(chunk.text, chunk.gap, chunk.pause_ms) for chunk in found.chunks] == [
        ("One.", Gap.START, None),
        ("But this.", Gap.SCENE, 700),
        ("And this.", Gap.PARAGRAPH, None),
    ]
    assert [(removal.rule, removal.text) for removal in found.removals] == [
        ("symbols-only", "***"),
        ("skipped-by-script", "Not this."),
        ("symbols-only", "……"),
    ]


def test_a_pause_of_a_later_line_replaces_one_that_waits() -> None:
    whole = chapter("Not this.", "But this.")
    found = cut(script(whole, ("Not this.", {"skipped": True, "pause_ms": 700}), ("But this.", {"pause_ms": 50})))
    assert [chunk.pause_ms for chunk in found.chunks] == [50]


def test_what_is_in_no_line_keeps_its_rule_and_its_place_in_order() -> None:
    whole = chapter("“Go.”", "BEN: Stay.")
    label = Removal(rule="speaker-label", start=7, end=11, text="BEN:")
    made = replace(script(whole, ("“Go.”", {}), ("Stay.", {})), removals=(label,))
    assert [(removal.start, removal.rule) for removal in cut(made).removals] == [
        (0, "quotation-mark"),
        (4, "quotation-mark"),
        (7, "speaker-label"),
    ]


@pytest.mark.parametrize(
    ("text", "spoken", "stray"),
    [
        ("“Yes”, said Mara.", "said Mara.", ","),
        ("“Yes”. Nothing else.", "Nothing else.", "."),
        ("“Yes”), said Mara.", "said Mara.", "),"),
        ("“Yes”.5 of them.", ".5 of them.", ""),
        ("“Yes”... and no.", "... and no.", ""),
        ("“Yes” , said Mara.", ", said Mara.", ""),
    ],
)
def test_marks_left_over_by_a_quotation_are_not_spoken(text: str, spoken: str, stray: str) -> None:
    rest = text.removeprefix("“Yes”").lstrip()
    found = cut(script(chapter(text), ("“Yes”", {"character": "Mara"}), (rest, {})))
    assert [chunk.text for chunk in found.chunks] == ["Yes", spoken]
    assert [one.text for one in found.removals if one.rule == "symbols-only"] == ([stray] if stray else [])


def test_marks_at_the_start_of_a_chapter_are_left_to_the_voice() -> None:
    assert narrated("(…) and so on.") == ("(…) and so on.",)
    assert narrated(", and so on.") == (", and so on.",)


# Several voices, several services.


def test_a_line_of_several_is_one_chunk_for_each_of_the_same_words() -> None:
    whole = chapter("“We are here,” they said. Nobody spoke.")
    found = cut(
        script(
            whole,
            ("“We are here,”", {"character": "Ann", "joint": ("Ben", "Cid")}),
            ("they said. Nobody spoke.", {}),
        ),
        limits(12, 12),
    )
    assert [(chunk.character, chunk.text, chunk.unison, chunk.index, chunk.gap) for chunk in found.chunks] == [
        ("Ann", "We are here,", (1, 13), 0, Gap.START),
        ("Ben", "We are here,", (1, 13), 1, Gap.START),
        ("Cid", "We are here,", (1, 13), 2, Gap.START),
        ("Narrator", "they said.", None, 3, Gap.LINE),
        ("Narrator", "Nobody", None, 4, Gap.WITHIN),
        ("Narrator", "spoke.", None, 5, Gap.WITHIN),
    ]


def test_each_character_is_cut_by_the_limits_of_the_service_that_speaks_it() -> None:
    text = "one two three four five six"
    whole = chapter(text, text, text)
    made = script(whole, (text, {}), (text, {"character": "Ann"}), (text, {"character": "Ben", "joint": ("Ann",)}))
    found = cut(made, elsewhere={"Ann": limits(15, 15)})
    halves = ["one two three", "four five six"]
    assert [(chunk.character, chunk.text) for chunk in found.chunks] == [
        ("Narrator", text),
        *(("Ann", half) for half in halves),
        *((name, half) for half in halves for name in ("Ben", "Ann")),
    ]


def test_the_tightest_of_several_settings_keeps_every_limit() -> None:
    one = limits(100, 500, LengthUnit.BYTES)
    other = limits(200, 90, LengthUnit.WEIGHTED)
    for first, second in ((one, other), (other, one)):
        found = tightest([first, second])
        assert (found.target_chars, found.max_length, found.unit) == (100, 90, LengthUnit.BYTES)
    assert tightest([one]) == one


@pytest.mark.parametrize(("here", "there"), [(3, 10), (10, 3)])
def test_a_limit_below_one_character_is_refused_wherever_it_stands(here: int, there: int) -> None:
    made = script(chapter("One."), ("One.", {}))
    with pytest.raises(ValueError, match="max_length is 3; it must be at least 4"):
        cut_chapter(made, limits(10, here), language="en", elsewhere={"Ann": limits(10, there)})
    cut_chapter(made, limits(10, 4), language="en", elsewhere={"Ann": limits(10, 4)})


# Lengths.


def test_a_line_of_just_the_target_is_not_cut_and_a_longer_one_is() -> None:
    first, second = "She came in here and looked about for a while.", "He went out again, and nobody saw him any more."
    text = f"{first} {second}"
    assert narrated(text, settings=limits(len(text), 600)) == (text,)
    assert narrated(text, settings=limits(len(text) - 1, 600)) == (first, second)


@pytest.mark.parametrize(("crumb_chars", "joins"), [(39, True), (40, False)])
def test_a_last_sentence_joins_the_one_before_it_if_it_is_a_crumb(crumb_chars: int, joins: bool) -> None:
    head, crumb = f"A{'a' * 118}. ", f"B{'b' * (crumb_chars - 2)}."
    assert len(narrated(head + crumb, settings=limits(130, 600))) == (1 if joins else 2)


@pytest.mark.parametrize(("target", "joins"), [(120, True), (119, False)])
def test_a_crumb_may_exceed_the_target_by_a_quarter_and_no_more(target: int, joins: bool) -> None:
    text = f"A{'a' * 117}. B{'b' * 28}."
    assert len(text) == 150 == int(120 * 1.25)
    assert len(narrated(text, settings=limits(target, 600))) == (1 if joins else 2)


def test_a_crumb_that_would_exceed_the_limit_stays_alone() -> None:
    text = f"A{'a' * 107}. B{'b' * 28}."
    assert len(narrated(text, settings=limits(120, len(text)))) == 1
    assert len(narrated(text, settings=limits(120, len(text) - 1))) == 2


def test_only_the_last_sentence_may_exceed_the_target() -> None:
    assert narrated("Aaaa aaaa aaaa. Bbb. Cccc cccc cccc cccc.", settings=limits(18, 600)) == (
        "Aaaa aaaa aaaa.",
        "Bbb.",
        "Cccc cccc cccc cccc.",
    )


def test_a_text_counts_as_its_service_counts_it() -> None:
    text = "夜里夜里夜里夜里夜里"
    assert narrated(text, settings=limits(300, 10)) == (text,)
    assert len(narrated(text, settings=limits(300, 10, LengthUnit.WEIGHTED))) == 2
    assert len(narrated(text, settings=limits(300, 15, LengthUnit.BYTES))) == 2
    assert [measure("plain", unit) for unit in LengthUnit] == [5, 5, 5]


# Respellings.


def respelt(text: str, *words: tuple[str, str], settings: ChunkSettings | None = None) -> tuple[Chunk, ...]:
    """The chunks of a second paragraph in which some words are said otherwise."""
    whole = chapter("First.", text)
    offset = len("First.\n\n")
    places = []
    for word, say in words:
        start = offset + text.index(word)
        places.append(Respelling(start=start, end=start + len(word), say=say))
    made = script(whole, ("First.", {}), (text, {"respellings": tuple(places)}))
    found = cut(made, settings)
    verify_coverage(found, settings)
    return found.chunks[1:]


def test_what_is_respelt_is_written_as_ever_and_sent_as_it_is_said() -> None:
    (chunk,) = respelt("At Beauchamp she met St. John.", ("Beauchamp", "Beecham"), ("St. John", "Sinjin"))
    assert chunk.text == "At Beauchamp she met St. John."
    assert chunk.spoken == "At Beecham she met Sinjin."


def test_a_line_is_cut_by_the_length_of_what_is_said_and_each_chunk_has_its_own_respellings() -> None:
    chunks = respelt(
        "He saw NASA. She saw FBI men. They left.",
        ("NASA", "en ay ess ay"),
        ("FBI", "eff bee eye"),
        settings=limits(22, 30),
    )
    assert [(chunk.text, chunk.spoken) for chunk in chunks] == [
        ("He saw NASA.", "He saw en ay ess ay."),
        ("She saw FBI men.", "She saw eff bee eye men."),
        ("They left.", "They left."),
    ]
    assert [len(chunk.respellings) for chunk in chunks] == [1, 1, 0]


def test_a_line_whose_words_get_shorter_is_not_cut_in_vain() -> None:
    (chunk,) = respelt(
        "We met Featherstonehaugh there. Yes.", ("Featherstonehaugh", "Fanshaw"), settings=limits(26, 26)
    )
    assert chunk.spoken == "We met Fanshaw there. Yes."


def test_no_cut_goes_through_what_is_said_for_one_word() -> None:
    (first, second, third) = respelt("aaaa bbbb NASA cccc dddd", ("NASA", "n a s a"), settings=limits(10, 10))
    assert [first.text, second.text, third.text] == ["aaaa bbbb", "NASA", "cccc dddd"]
    assert second.spoken == "n a s a"


# The guard.


def whole() -> ChapterChunks:
    text = chapter("It was late.", "“Go,” said Ann.")
    made = script(text, ("It was late.", {}), ("“Go,”", {"character": "Ann", "joint": ("Ben",)}), ("said Ann.", {}))
    return cut(made)


def lost(broken: ChapterChunks, settings: ChunkSettings | None = None) -> str:
    with pytest.raises(TextLost) as caught:
        verify_coverage(broken, settings)
    return str(caught.value)


def changed(at: int, **facts: object) -> ChapterChunks:
    good = whole()
    chunks = list(good.chunks)
    chunks[at] = replace(chunks[at], **facts)  # type: ignore[arg-type]
    return replace(good, chunks=tuple(chunks))


def test_the_guard_is_content_with_what_is_whole() -> None:
    verify_coverage(whole())
    verify_coverage(whole(), limits(12, 12))


@pytest.mark.parametrize(
    ("at", "facts", "said"),
    [
        (0, {"text": "It was soon."}, "chapter 7, chunk 0: 'It was soon.' is not the text at 0:12."),
        (0, {"end": 7, "text": "It was "}, "chapter 7, chunk 0: 'It was ' is not the text at 0:7."),
        (3, {"start": 18, "end": 19, "text": "”"}, "chapter 7, chunk 3: '”' holds nothing to speak."),
        (3, {"start": 13, "end": 17, "text": "\nGo,"}, "chapter 7, chunk 3: '\\nGo,' is not the text at 13:17."),
        (3, {"start": 15, "end": 18, "text": "Go,"}, "chapter 7, chunk 3: it crosses its line 2."),
        (0, {"line": 1}, "chapter 7, chunk 0: it crosses its line 1."),
        (3, {"character": "Cid"}, "chapter 7, chunk 3: Cid does not speak line 2."),
    ],
)
def test_the_guard_says_which_chunk_is_wrong_and_how(at: int, facts: dict[str, object], said: str) -> None:
    assert lost(changed(at, **facts)).startswith(said)


def test_the_guard_sees_a_chunk_of_a_line_that_is_skipped() -> None:
    good = whole()
    lines = (replace(good.script.lines[0], skipped=True), *good.script.lines[1:])
    broken = replace(good, script=replace(good.script, lines=lines))
    assert lost(broken).startswith("chapter 7, chunk 0: it crosses its line 0.")


def test_the_guard_measures_what_is_said_and_not_what_is_written() -> None:
    said = Respelling(start=7, end=11, say="half past eleven")
    long = changed(0, respellings=(said,))
    verify_coverage(long, limits(24, 24))
    assert lost(long, limits(23, 23)).startswith("chapter 7, chunk 0: it is longer than 23 codepoints.")
    mute = changed(0, respellings=(replace(said, start=0, end=12, say="…"),))
    assert lost(mute).startswith("chapter 7, chunk 0: 'It was late.' holds nothing to speak.")


def test_the_guard_says_where_words_are_lost() -> None:
    good = whole()
    assert lost(replace(good, chunks=())).startswith("chapter 7, character 0: 'It was late.' is in no chunk.")
    last = replace(good, chunks=good.chunks[:-1])
    assert lost(last).startswith("chapter 7, character 19: 'said Ann.' is in no chunk.")
    marks = replace(good, removals=())
    assert lost(marks).startswith("chapter 7, character 12: '“' is in no chunk.")


def test_the_guard_quotes_no_more_than_the_beginning_of_what_is_lost() -> None:
    text = "".join(chr(ord("a") + at % 26) for at in range(60))
    good = cut(script(chapter(text, "Then."), (text, {}), ("Then.", {})))
    first = replace(good, chunks=(replace(good.chunks[1], index=0),))
    assert lost(first).startswith(f"chapter 7, character 0: {text[:40]!r} is in no chunk.")
    last = cut(script(chapter("Then.", text), ("Then.", {}), (text, {})))
    assert lost(replace(last, chunks=last.chunks[:1])).startswith(
        f"chapter 7, character 5: {text[:40]!r} is in no chunk."
    )


def test_the_guard_sees_order_and_overlap() -> None:
    good = whole()
    first, ann, ben, last = good.chunks
    order = "chunks overlap or are out of order."
    assert lost(replace(good, chunks=(ann, ben, first, last))).startswith(f"chapter 7, character 0: {order}")
    assert lost(replace(good, chunks=(first, ann, replace(ben, index=3), last))).startswith(
        f"chapter 7, character 15: {order}"
    )
    assert lost(replace(good, chunks=(first, ann, replace(ben, unison=(15, 17)), last))).startswith(
        f"chapter 7, character 15: {order}"
    )
    twice = replace(good, chunks=(first, replace(first, index=1), replace(ann, index=2)))
    assert lost(twice).startswith(f"chapter 7, character 0: {order}")
    over = replace(good, removals=(*good.removals, Removal(rule="label", start=3, end=6, text="was")))
    assert lost(over).startswith("chapter 7, character 3: two spans overlap.")


def test_the_guard_sees_a_removal_that_is_not_the_text() -> None:
    good = whole()
    wrong = replace(good, removals=(replace(good.removals[0], text="„"), *good.removals[1:]))
    assert lost(wrong).startswith("chapter 7, character 14: '„' is not what the text says there.")


@pytest.mark.parametrize("text", ["🇩🇪🇫🇷🇬🇧🇯🇵", "x🇩🇪🇫🇷🇬🇧", "e\u0301a\u0301o\u0301", "👩\u200d🚀👨\u200d🌾"])
def test_a_word_that_must_be_cut_is_cut_between_characters_as_people_see_them(text: str) -> None:
    parts = [text[start:end] for start, end in split_long(text, lambda part: len(part) <= 3)]
    assert "".join(parts) == text
    assert len(parts) > 1
    for part in parts:
        assert not part.startswith(("\u0301", "\u200d"))
        assert not part.endswith("\u200d")
        assert sum("\U0001f1e6" <= char <= "\U0001f1ff" for char in part) % 2 == 0, "no flag is parted"


def test_one_character_that_is_too_long_by_itself_is_cut_all_the_same() -> None:
    text = "e" + "\u0301" * 9
    parts = [text[start:end] for start, end in split_long(text, lambda part: len(part) <= 4)]
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 4


def test_a_title_is_parted_from_its_name_only_where_there_is_no_other_space() -> None:
    def cut(text: str, longest: int) -> list[str]:
        return [text[start:end] for start, end in split_long(text, lambda part: len(part) <= longest)]

    assert cut("Old Mr. Brown", 9) == ["Old ", "Mr. Brown"]
    assert cut("Mr. Brown", 8) == ["Mr. ", "Brown"]
    assert cut("10 000", 5) == ["10 ", "000"]
