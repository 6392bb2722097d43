"""A whole book delivered: every format, nothing made twice, nothing left over, and long chapters in pieces."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
from pathlib import Path

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from narration.audio.m4b import write_m4b
from narration.audio.measure import probe
from narration.book import Line, ParagraphKind
from narration.deliver.book import Delivery, HeardFile
from narration.deliver.cover import cover_of
from narration.deliver.package import BOOKS, CAPTIONS, Package, _captions, _volumes, _write_srt
from narration.deliver.pieces import Spoken, in_pieces, sample_of
from narration.errors import InputError, ToolError
from narration.formats import Format, delivered_as, made_of_all, parts_of
from narration.production import Production, Sample
from narration.settings.settings import Settings
from tests.deliver.releases import lines_track, release
from tests.deliver.test_chapter import PRODUCTION, SETTINGS, Shelf, chapter_of, sound

TITLES = ("One", "Two", "Three")
ALL = tuple(Format)
DELIVERY = Path(__file__).parents[2] / "docs" / "delivery.md"


class Press:
    """Delivers a book of three chapters, again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = Shelf()
        self.chapters: list[Spoken] = []
        for number, title in enumerate(TITLES, start=1):
            words = (title, f"It was late in {title}.", "“Who is there?”", "said nobody.", "And then.")
            self.chapters.append(self.spoken(words, title, number))

    def spoken(self, words: tuple[str, ...], title: str, number: int, seconds: float = 0.5) -> Spoken:
        takes = [
            self.shelf.take(f"{number} {text}", sound(number * 100 + place, seconds))
            for place, text in enumerate(words)
        ]
        return Spoken(cut=chapter_of(words, title, number), takes=tuple(takes))

    def delivery(self, production: Production, settings: Settings = SETTINGS) -> Delivery:
        return Delivery(
            production=production,
            settings=settings,
            numbers=tuple(spoken.cut.chapter.number for spoken in self.chapters),
            folder=self.folder,
            read_audio=self.shelf.read,
            cover=cover_of(production.cover, production.edition),
        )

    def deliver(
        self, formats: tuple[Format, ...] = ALL, settings: Settings = SETTINGS, **facts: object
    ) -> tuple[list[HeardFile], Package]:
        production = dataclasses.replace(PRODUCTION, formats=formats, **facts)  # type: ignore[arg-type]
        delivery = self.delivery(production, settings)
        heard = [file for spoken in self.chapters for file in delivery.chapter(spoken)]
        return heard, delivery.whole(heard)

    def files(self) -> dict[str, int]:
        """Names of all files, and when they were written."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_mtime_ns for path in found}


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return Press(tmp_path / "out")


@pytest.fixture(scope="session")
def first_delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the book in every format, made once."""
    press = Press(tmp_path_factory.mktemp("delivered") / "out")
    press.deliver()
    return press.folder


@pytest.fixture
def delivered(first_delivery: Path, tmp_path: Path) -> Press:
    """A book that was delivered in every format already, a day ago, as the test's own."""
    copied = Press(shutil.copytree(first_delivery, tmp_path / "out"))
    for name, written_ns in copied.files().items():
        before_ns = written_ns - 86_400 * 10**9  # what is written now has another time, however coarse these are
        os.utime(copied.folder / name, ns=(before_ns, before_ns))
    return copied


def longest(settings: Settings, seconds: float) -> Settings:
    rules = dataclasses.replace(settings.preset.rules, longest_s=seconds)
    return dataclasses.replace(settings, preset=dataclasses.replace(settings.preset, rules=rules))


def test_every_format_is_there_and_measured(press: Press) -> None:
    _, made = press.deliver(series="Counting", series_index="1")
    names = set(press.files())
    for number, title in enumerate(TITLES, start=1):
        for suffix in ("mp3", "flac", "opus", "srt", "vtt"):
            assert f"{number:02} - {title}.{suffix}" in names
    book = PRODUCTION.title
    shelf = f"Audiobookshelf/Anonymous/Counting/Vol 1 - {book}"
    for name in (
        f"{book}.m4b",
        f"{book}.epub",
        f"{book}.lpf",
        f"{book}.cue",
        f"{book}.srt",
        f"{book}.vtt",
        "cover.jpg",
    ):
        assert name in names
    for name in (f"{shelf}/{book}.m4b", f"{shelf}/metadata.json", f"{shelf}/cover.jpg", f"{shelf}/reader.txt"):
        assert name in names
    (measured,) = made.measures.values()
    assert measured == probe(press.folder / f"{book}.m4b")
    assert not [name for name in names if name.endswith(".part")]
    assert {pictures(press.folder / f"01 - One.{suffix}") for suffix in ("mp3", "flac", "opus")} == {0, 1}


@pytest.mark.parametrize("wanted", ALL)
def test_a_format_is_in_its_tables_and_has_a_row_of_the_documentation(wanted: Format) -> None:
    if made_of_all((wanted,)):
        assert wanted in {*BOOKS, *CAPTIONS, Format.M4B, Format.ABS}, "nothing makes it"
    if wanted in BOOKS:
        encoded = (*delivered_as((wanted,)), *parts_of((wanted,)))
        assert encoded == (BOOKS[wanted].sound,), "narration.formats does not have its sound made"
    rows = [line.split("|")[1] for line in DELIVERY.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert sum(f"`{wanted}`" in row for row in rows) == 1


def pictures(path: Path) -> int:
    """How many covers are in an audio file."""
    with av.open(str(path)) as container:
        return len(container.streams.video)


def test_the_metadata_of_the_library_names_the_chapters_where_they_are(press: Press) -> None:
    heard, _ = press.deliver((Format.ABS,), narrator="The Cast", year="2026")
    data = json.loads((press.folder / "Audiobookshelf/Anonymous" / PRODUCTION.title / "metadata.json").read_text())
    assert (data["title"], data["authors"], data["narrators"], data["publishedYear"]) == (
        PRODUCTION.title,
        ["Anonymous"],
        ["The Cast"],
        "2026",
    )
    lengths = [file.delivered.timeline.audio_s for file in heard]
    assert [one["title"] for one in data["chapters"]] == list(TITLES)
    assert [one["start"] for one in data["chapters"]] == pytest.approx([0, lengths[0], sum(lengths[:2])], abs=0.001)


def test_a_second_delivery_writes_nothing(delivered: Press) -> None:
    before, reads = delivered.files(), delivered.shelf.reads
    _, made = delivered.deliver()
    changed = {name for name, stamp in delivered.files().items() if before.get(name) != stamp}
    assert {name for name in changed if not name.startswith(("Audiobookshelf", "timeline/book"))} == set()
    assert delivered.shelf.reads == reads
    assert made.reused > 8


def test_one_changed_line_makes_one_chapter_and_the_containers_again(delivered: Press) -> None:
    before = delivered.files()
    words = ("Two", "It was early in Two.", "“Who is there?”", "said nobody.", "And then.")
    delivered.chapters[1] = delivered.spoken(words, "Two", 2, seconds=0.6)
    delivered.deliver()
    changed = {name for name, stamp in delivered.files().items() if before.get(name) != stamp}
    untouched = [name for name in changed if name.startswith(("01", "03", ".parts/01", ".parts/03", "timeline/01"))]
    assert untouched == []
    assert {"02 - Two.mp3", "02 - Two.srt", f"{PRODUCTION.title}.m4b", f"{PRODUCTION.title}.epub"} <= changed


def test_what_is_not_wanted_any_more_is_taken_away_unless_it_was_changed(delivered: Press) -> None:
    (delivered.folder / "01 - One.srt").write_text("mended by hand")
    (delivered.folder / "notes.txt").write_text("mine")
    delivered.deliver((Format.MP3,))
    names = set(delivered.files())
    assert {name for name in names if not name.startswith(("timeline", ".parts", "0"))} == {"cover.jpg", "notes.txt"}
    assert "01 - One.srt" in names
    assert "02 - Two.srt" not in names


def test_a_chapter_that_is_gone_from_the_book_leaves_no_file(press: Press) -> None:
    press.deliver((Format.MP3,))
    press.chapters.pop()
    press.deliver((Format.MP3,))
    assert not [name for name in press.files() if "03" in name]


def test_the_same_book_is_the_same_bytes_in_another_folder(delivered: Press, tmp_path: Path) -> None:
    other = Press(tmp_path / "other")
    other.deliver()
    for name in delivered.files():
        assert (delivered.folder / name).read_bytes() == (other.folder / name).read_bytes(), name


def test_a_container_that_is_shorter_than_its_parts_is_not_delivered(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "narration.deliver.package.write_m4b", lambda path, parts, facts: write_m4b(path, parts[:-1], facts)
    )
    with pytest.raises(ToolError, match="would hold"):
        press.deliver((Format.M4B,))
    assert not (press.folder / f"{PRODUCTION.title}.m4b").exists()


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_broken_cover_is_a_mistake_and_leaves_the_last_delivery(
    delivered: Press, tmp_path: Path, damage: str
) -> None:
    before = delivered.files()
    cover = tmp_path / "cover.jpg"
    if damage == "torn":
        cover.write_bytes((delivered.folder / "cover.jpg").read_bytes()[:2000])
    with pytest.raises(InputError, match="cover"):
        delivered.deliver(cover=cover)
    assert delivered.files() == before


def test_a_chapter_that_is_too_long_is_cut_at_a_paragraph_into_files_that_fit(press: Press) -> None:
    words = tuple(f"Sentence {number}." for number in range(40))
    press.chapters = [press.spoken(words, "Long", 1, seconds=1.5)]
    limit = longest(SETTINGS, 40.0)
    heard, _ = press.deliver((Format.MP3, Format.M4B, Format.EPUB), limit)
    assert len(heard) > 1
    assert [file.slot.stem for file in heard] == [f"01 - Long ({n} of {len(heard)})" for n in range(1, len(heard) + 1)]
    assert all(file.delivered.timeline.audio_s <= 40.0 for file in heard)
    chunks = [chunk.index for file in heard for chunk in file.spoken.cut.chunks]
    assert chunks == list(range(40))
    press.deliver((Format.MP3,))
    assert [name for name in press.files() if name.endswith(".mp3")] == ["01 - Long.mp3"]


def test_chapters_that_fit_are_not_cut(press: Press) -> None:
    assert [in_pieces(spoken, longest(SETTINGS, 600.0)) for spoken in press.chapters] == [
        (spoken,) for spoken in press.chapters
    ]


@pytest.mark.parametrize("room_s", [6.0, 9.0, 20.0])
def test_a_chunk_that_no_file_has_room_for_is_a_file_of_its_own_and_none_is_empty(press: Press, room_s: float) -> None:
    whole = press.spoken(("A.", "Long.", "B.", "Longer."), "Odd", 1, seconds=1.0)
    long = press.spoken(("Long.", "Longer."), "Odd", 2, seconds=12.0).takes
    story = dataclasses.replace(whole, takes=(whole.takes[0], long[0], whole.takes[2], long[1]))
    pieces = in_pieces(story, longest(SETTINGS, room_s))
    assert [len(piece.takes) for piece in pieces] == [1, 1, 1, 1]
    assert [take for piece in pieces for take in piece.takes] == list(story.takes)


def test_what_several_say_together_is_never_cut_apart(press: Press) -> None:
    story = press.spoken(("Alone.", "Both.", "Both too.", "After."), "Choir", 1, seconds=4.0)
    chunks = [
        dataclasses.replace(chunk, unison=(5, 9) if chunk.index in (1, 2) else None) for chunk in story.cut.chunks
    ]
    story = dataclasses.replace(story, cut=dataclasses.replace(story.cut, chunks=tuple(chunks)))
    pieces = in_pieces(story, longest(SETTINGS, 12.0))
    assert [len(piece.takes) for piece in pieces] == [1, 2, 1]


def where(key: str) -> str:
    return f"book.yaml, line 12, sample.{key}"


def test_an_automatic_sample_begins_behind_the_heading_and_ends_with_a_paragraph(press: Press) -> None:
    words = tuple(f"Sentence {number}." for number in range(60))
    story = press.spoken(words, "Long", 1, seconds=5.0)
    lines = tuple(
        dataclasses.replace(line, kind=ParagraphKind.HEADING if line.index == 0 else ParagraphKind.PROSE)
        for line in _lines(story)
    )
    story = dataclasses.replace(
        story, cut=dataclasses.replace(story.cut, script=dataclasses.replace(story.cut.script, lines=lines))
    )
    chosen, findings = sample_of(Sample(), [story], SETTINGS, where)
    assert findings == ()
    assert chosen is not None
    first, last = chosen.cut.chunks[0], chosen.cut.chunks[-1]
    assert first.index == 1
    assert 150 < 5.0 * len(chosen.takes) + 1 < 200
    assert last.index + 1 == 1 + len(chosen.takes)


def _lines(spoken: Spoken) -> list[Line]:
    return [
        Line(
            chapter=chunk.chapter,
            index=chunk.index,
            paragraph=chunk.index,
            character=chunk.character,
            start=chunk.start,
            end=chunk.end,
            text=chunk.text,
        )
        for chunk in spoken.cut.chunks
    ]


def test_a_sample_by_its_words_begins_and_ends_there(press: Press) -> None:
    chosen, findings = sample_of(
        Sample(begin="It was  late in Two", end='"Who is there?"'), press.chapters, SETTINGS, where
    )
    assert chosen is not None
    assert [chunk.text for chunk in chosen.cut.chunks] == ["It was late in Two.", "“Who is there?”"]
    assert [finding.code for finding in findings] == ["sample-002"], "two seconds are no sample"


@pytest.mark.parametrize(
    ("sample", "place"),
    [
        (Sample(begin="Nowhere to be found"), "begin"),
        (Sample(begin="It was", end="Nowhere"), "end"),
        (Sample(chapter=9), "chapter"),
    ],
)
def test_words_that_are_not_in_the_book_are_a_mistake_with_its_place(press: Press, sample: Sample, place: str) -> None:
    with pytest.raises(InputError, match=rf"line 12, sample\.{place}"):
        sample_of(sample, press.chapters, SETTINGS, where)


def test_a_book_without_a_long_chapter_has_no_automatic_sample_and_says_so(press: Press) -> None:
    chosen, findings = sample_of(Sample(), press.chapters, SETTINGS, where)
    assert chosen is None
    assert [finding.code for finding in findings] == ["sample-001"]


def test_a_sample_that_only_has_an_end_begins_with_the_chapter(press: Press) -> None:
    chosen, _ = sample_of(Sample(chapter=2, end="“Who is there?”"), press.chapters, SETTINGS, where)
    assert chosen is not None
    assert [chunk.text for chunk in chosen.cut.chunks] == ["Two", "It was late in Two.", "“Who is there?”"]


def test_the_sample_is_a_file_of_its_own(press: Press) -> None:
    _, made = press.deliver((Format.MP3,), sample=Sample(begin="It was late in Two"))
    assert made.files[0] == press.folder / "Sample.mp3"
    press.deliver((Format.MP3,))
    assert not (press.folder / "Sample.mp3").exists()


@given(hours=st.lists(st.integers(1, 20), min_size=1, max_size=9))
@example(hours=[13, 1, 1, 13, 13])
def test_volumes_are_as_few_as_can_be_and_the_longest_is_as_short_as_can_be(hours: list[int]) -> None:
    track = lines_track(1, [("Narrator", "A line.")])
    frames = 3600 * track.timeline.rate_hz
    tracks = [
        dataclasses.replace(track, timeline=dataclasses.replace(track.timeline, frames=n * frames)) for n in hours
    ]
    made = [[round(one.duration_s / 3600) for one in held] for _, held in _volumes(tracks, "Book")]
    assert list(itertools.chain(*made)) == hours

    def cut(places: tuple[int, ...]) -> list[list[int]]:
        return [hours[start:end] for start, end in itertools.pairwise((0, *places, len(hours)))]

    ways = (cut(places) for n in range(len(hours)) for places in itertools.combinations(range(1, len(hours)), n))
    best = min((len(way), max(map(sum, way))) for way in ways if max(map(sum, way)) <= 24)
    assert (len(made), max(map(sum, made))) == best


def test_a_very_long_book_is_several_volumes_whose_captions_begin_at_nought(tmp_path: Path) -> None:
    tracks = [lines_track(number, [("Narrator", f"Line {number}.")]) for number in (1, 2, 3)]
    long = [
        dataclasses.replace(
            one, timeline=dataclasses.replace(one.timeline, frames=int(13 * 3600 * one.timeline.rate_hz))
        )
        for one in tracks[:2]
    ]
    volumes = _volumes([*long, tracks[2]], "Book")
    assert [(name, [track.chapter.number for track in held]) for name, held in volumes] == [
        ("Book, Volume 1.m4b", [1]),
        ("Book, Volume 2.m4b", [2, 3]),
    ]
    assert [name for name, _ in _volumes(tracks, "Book")] == ["Book.m4b"]
    made = release([*long, tracks[2]], tmp_path / "cover.jpg")
    jobs = {job.file: job for job in _captions(made, "Book", (Format.M4B,), Format.SRT, _write_srt)}
    assert list(jobs)[3:] == ["Book, Volume 1.srt", "Book, Volume 2.srt"]
    jobs["Book, Volume 2.srt"].make(tmp_path / "two.srt")
    said = (tmp_path / "two.srt").read_text(encoding="utf-8")
    assert said.startswith("1\n00:00:00,250")
    assert "\n13:00:00,250" in said
