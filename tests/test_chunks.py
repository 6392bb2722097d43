"""Chunks: the law that no text is lost and no limit exceeded, on anything and on real books."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from narration.book import Chapter, ChapterChunks, Chunk, Gap, Paragraph, ParagraphKind, Removal
from narration.cast import Cast, Character, Role
from narration.chunks import billed_characters, cut_chapter, is_speakable, measure, verify_coverage
from narration.errors import TextLost
from narration.manuscript import read_manuscript
from narration.script import script_chapter
from narration.settings.settings import ChunkSettings, LengthUnit

CORPUS = Path(__file__).parents[1] / ".." / "shared" / "corpus"
BOOKS = [
    CORPUS / "books" / "lu-xun_nahan.zh.txt",
    *(
        CORPUS / "litbank" / "original" / name
        for name in ("158_emma.txt", "1342_pride_and_prejudice.txt", "4300_ulysses.txt")
    ),
]

CAST = Cast(
    characters=(
        Character(name="Narrator", voice="v", preview="p", role=Role.NARRATOR),
        Character(name="Mara", voice="v", preview="p"),
        Character(name="阿Q", voice="v", preview="p", aliases=("阿Ｑ",)),
    )
)


def limits(target: int = 300, longest: int = 600, unit: LengthUnit = LengthUnit.CODEPOINTS) -> ChunkSettings:
    return ChunkSettings(target_chars=target, max_length=longest, unit=unit)


def cut(*paragraphs: str | Paragraph, settings: ChunkSettings | None = None, language: str = "en") -> ChapterChunks:
    made = tuple(text if isinstance(text, Paragraph) else Paragraph(text=text) for text in paragraphs)
    script = script_chapter(Chapter(number=1, title="", paragraphs=made), CAST, language=language)
    chunks = cut_chapter(script, settings or limits(), language=language)
    verify_coverage(chunks, settings or limits())
    return chunks


def texts(chunks: ChapterChunks) -> list[str]:
    return [chunk.text for chunk in chunks.chunks]


def assert_law(chunks: ChapterChunks, settings: ChunkSettings) -> None:
    """The law, in words of its own: not by the guard that the program itself uses."""
    text = chunks.chapter.text
    covered = [False] * len(text)
    parts: list[Chunk | Removal] = [*chunks.chunks, *chunks.removals]
    for part in parts:
        assert text[part.start : part.end] == part.text != ""
        assert not any(covered[part.start : part.end])
        covered[part.start : part.end] = [True] * (part.end - part.start)
    assert not "".join(letter for letter, is_covered in zip(text, covered, strict=True) if not is_covered).strip()
    assert all(before.end <= after.start for before, after in pairwise(chunks.chunks))
    assert [chunk.index for chunk in chunks.chunks] == list(range(len(chunks.chunks)))
    for chunk in chunks.chunks:
        line = chunks.script.lines[chunk.line]
        assert line.start <= chunk.start < chunk.end <= line.end
        assert chunk.character == line.character
        assert chunk.text == chunk.text.strip()
        assert any(letter.isalnum() for letter in chunk.text)
        assert measure(chunk.text, settings.unit) <= settings.max_length
    for removal in chunks.removals:
        if removal.rule != "speaker-label":
            assert not any(letter.isalnum() for letter in removal.text)


ANY_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120),
    st.lists(
        st.sampled_from(
            [
                "“",
                "”",
                "Mara",
                " said",
                ". ",
                ", ",
                "Mr. ",
                "x" * 30,
                "夜里",
                "。",
                "，",
                "😀",
                "e\u0301",
                "***",
                "—",
                "3.5",
                '"',
            ]
        ),
        min_size=1,
        max_size=40,
    ).map("".join),
)
CHAPTERS = st.lists(
    st.builds(
        lambda text, kind: Paragraph(text=text.strip(), kind=kind),
        ANY_TEXT.filter(lambda text: bool(text.strip())),
        st.sampled_from(ParagraphKind),
    ),
    min_size=1,
    max_size=6,
)


@hypothesis(deadline=None)
@given(
    CHAPTERS,
    st.integers(1, 80),
    st.integers(4, 90),
    st.sampled_from(LengthUnit),
    st.sampled_from(["en", "zh", "ja", "de"]),
)
def test_nothing_is_lost_and_no_limit_exceeded_whatever_the_text(
    paragraphs: list[Paragraph], target: int, longest: int, unit: LengthUnit, language: str
) -> None:
    settings = limits(target, longest, unit)
    assert_law(cut(*paragraphs, settings=settings, language=language), settings)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("settings", [limits(300, 550, LengthUnit.WEIGHTED), limits(120, 186, LengthUnit.BYTES)])
def test_the_chunks_of_a_real_book_are_the_book(path: Path, settings: ChunkSettings) -> None:
    if not path.exists():
        pytest.skip(f"the corpus is not here: {path.name}")
    book = read_manuscript(path)
    for chapter in book.chapters:
        script = script_chapter(chapter, CAST, language=book.language)
        chunks = cut_chapter(script, settings, language=book.language)
        verify_coverage(chunks, settings)
        assert_law(chunks, settings)
        if settings.unit is LengthUnit.WEIGHTED:
            assert not [text for text in texts(chunks) if text.endswith(("Mr.", "Mrs.", "Dr.", "Miss"))]


def test_outer_quotation_marks_and_labels_are_not_sent() -> None:
    chunks = cut("Mara: “Go ‘now’.”", "“Stay”, said Mara.")
    assert texts(chunks) == ["Go ‘now’.", "Stay", "said Mara."]
    assert [(removal.rule, removal.text) for removal in chunks.removals] == [
        ("speaker-label", "Mara:"),
        ("quotation-mark", "“"),
        ("quotation-mark", "”"),
        ("quotation-mark", "“"),
        ("quotation-mark", "”"),
        ("symbols-only", ","),
    ]


def test_symbols_are_pauses_not_requests() -> None:
    scene = Paragraph(text="***", kind=ParagraphKind.SCENE_BREAK)
    heading = Paragraph(text="One", kind=ParagraphKind.HEADING)
    chunks = cut(scene, heading, "She came.", "“……”", "“Well?” said Mara.", scene, "It was late.")
    assert [(chunk.text, chunk.gap) for chunk in chunks.chunks] == [
        ("One", Gap.START),
        ("She came.", Gap.HEADING),
        ("Well?", Gap.PARAGRAPH),
        ("said Mara.", Gap.LINE),
        ("It was late.", Gap.SCENE),
    ]


def test_sentences_are_packed_up_to_the_target() -> None:
    chunks = cut(
        "Mr. Lee came in. He sat down. “Oh,” he thought. It cost 3.50 a piece. He left.", settings=limits(30, 60)
    )
    assert texts(chunks) == ["Mr. Lee came in. He sat down.", "Oh,", "he thought.", "It cost 3.50 a piece. He left."]
    assert [chunk.gap for chunk in chunks.chunks] == [Gap.START, Gap.LINE, Gap.LINE, Gap.WITHIN]


def test_a_last_crumb_joins_the_piece_before_it() -> None:
    assert texts(cut("She came in and sat down there. Yes.", settings=limits(32, 60))) == [
        "She came in and sat down there. Yes."
    ]


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("one two three four; five six, seven eight", ["one two three four;", "five six, seven eight"]),
        ("one two three four, five six seven eight", ["one two three four,", "five six seven eight"]),
        ("one two three four five six seven eight", ["one two three four", "five six seven eight"]),
        ("twelve thousand Mr. Smithson comes after", ["twelve thousand", "Mr. Smithson comes after"]),
        ("it is worth 1,000,000 of these and more", ["it is worth 1,000,000", "of these and more"]),
    ],
)
def test_an_over_long_sentence_is_cut_where_a_reader_breathes(sentence: str, parts: list[str]) -> None:
    assert texts(cut(sentence, settings=limits(26, 26))) == parts


def test_an_over_long_chinese_sentence_is_cut_at_its_commas() -> None:
    text = "灯灭了，可是屋里谁也没有睡；风在外面走来走去，像丢了钥匙的人"
    assert texts(cut(text, settings=limits(20, 36, LengthUnit.WEIGHTED), language="zh")) == [
        "灯灭了，可是屋里谁也没有睡；",
        "风在外面走来走去，像丢了钥匙的人",
    ]


def test_sentences_inside_a_nested_quotation_are_found() -> None:
    text = "He said ‘It was late. Nobody came. The lamp was out. It was dark in there.’ and so on"
    assert texts(cut(text, settings=limits(40, 60)))[0] == "He said ‘It was late. Nobody came."


def test_an_accent_or_a_joined_emoji_is_not_parted() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    chunks = cut("e\u0301" * 11 + "a" + family * 4 + "b", settings=limits(6, 6))
    assert all(not text.startswith(("\u0301", "\u200d")) for text in texts(chunks))


def test_one_paragraph_of_200_000_letters_without_a_space_is_cut() -> None:
    chunks = cut("夜" * 200_000, settings=limits(300, 550, LengthUnit.WEIGHTED), language="zh")
    assert "".join(texts(chunks)) == "夜" * 200_000


def test_lengths_are_counted_in_three_ways() -> None:
    text = "夜 Ab，カ😀𠀀"
    assert [measure(text, unit) for unit in LengthUnit] == [8, 10, 3 + 1 + 2 + 3 + 3 + 4 + 4]
    assert billed_characters(text) == 10
    assert not is_speakable("—“……”😀")
    assert is_speakable("5")


def test_the_vendors_own_sample_is_counted_as_it_counts() -> None:
    assert billed_characters("夜" * 92 + "，" * 11) == 195


def test_a_limit_that_one_character_may_exceed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        cut("a", settings=limits(10, 3))


def damaged(chunks: ChapterChunks) -> list[ChapterChunks]:
    first, second, *rest = chunks.chunks
    return [
        replace(chunks, chunks=(second, *rest)),
        replace(chunks, chunks=(second, first, *rest)),
        replace(chunks, chunks=(first, first, second, *rest)),
        replace(chunks, chunks=(replace(first, text=first.text.upper()), second, *rest)),
        replace(chunks, chunks=(replace(first, character="Mara"), second, *rest)),
        replace(chunks, chunks=(replace(first, end=first.end - 3, text=first.text[:-3]), second, *rest)),
        replace(chunks, removals=()),
        replace(chunks, removals=(*chunks.removals, chunks.removals[0])),
    ]


def test_the_guard_sees_every_kind_of_loss() -> None:
    whole = cut("It was late. Nobody came.", "“Go,” said Mara.", "***", "It was dark.")
    for broken in damaged(whole):
        with pytest.raises(TextLost):
            verify_coverage(broken)
    with pytest.raises(TextLost, match="longer than 10"):
        verify_coverage(whole, limits(10, 10))
