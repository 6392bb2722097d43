"""A chapter delivered: what is heard is where the timeline says, nothing is made twice, nothing is left half made."""

import dataclasses
import hashlib
import io
import json
import os
import threading
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from narration.audio import encode
from narration.audio.clips import measure_clip
from narration.book import Chapter, ChapterChunks, ChapterScript, Chunk, Gap, Paragraph
from narration.deliver.chapter import DeliveredChapter, deliver_chapter
from narration.deliver.parts import stops_mid_sentence
from narration.deliver.slot import Slot, chapter_slot
from narration.errors import AudioRefused, StoreError, ToolError
from narration.formats import Encoded
from narration.production import Production
from narration.settings.presets import read_preset
from narration.settings.settings import (
    ChunkSettings,
    LengthUnit,
    LimitSettings,
    ServiceSettings,
    Settings,
    load_settings,
)
from narration.take import SpeechAsk, Take

AUDIO = load_settings("sandbox", environ={}).audio
SETTINGS = Settings(
    service=ServiceSettings(
        kind="qwen",
        profile="sandbox",
        base_url="",
        websocket_url="",
        region="sandbox",
        workspace="",
        design_model="d",
        speech_model="s",
        download_hosts=(),
        sandbox=True,
    ),
    chunks=ChunkSettings(target_chars=300, max_length=550, unit=LengthUnit.WEIGHTED),
    limits=LimitSettings(per_minute=0, per_second=0, in_flight=1, connect_s=1, read_s=1, attempts=1, total_s=1),
    audio=AUDIO,
    preset=read_preset(),
    chat=load_settings("sandbox", environ={}).chat,
)
PRODUCTION = Production(
    folder=Path("/book"),
    name="book",
    title="The Counted Things",
    author="Anonymous",
    language="en",
    manuscript=Path("/book/m.md"),
    cast=Path("/book/c.yaml"),
    narrator="The Cast",
)
WORDS = ("The End", "It was late.", "“Who is there?”", "said nobody.", "And then.")
GAPS = (Gap.START, Gap.HEADING, Gap.PARAGRAPH, Gap.LINE, Gap.SCENE)


def sound(seed: int, seconds: float = 0.9, rate_hz: int = 24_000) -> bytes:
    """A burst of noise, another for each seed, between silences."""
    noise = np.random.default_rng(seed).normal(0, 0.05, round(seconds * rate_hz))
    quiet = np.zeros(round(0.25 * rate_hz))
    samples = np.rint(np.concatenate([quiet, noise, quiet]) * 32_768).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


class Shelf:
    """Where takes are read from; counts."""

    def __init__(self) -> None:
        self.audio: dict[str, bytes] = {}
        self.reads = 0

    def take(self, text: str, wav: bytes, ordinal: int = 0) -> Take:
        ask = SpeechAsk(
            service="qwen", region="sandbox", model="s", voice="v", text=text, language="en", ordinal=ordinal
        )
        self.audio[ask.take_id] = wav
        return Take(
            ask=ask,
            sha256=hashlib.sha256(wav).hexdigest(),
            measures=measure_clip(wav),
            request_id="r",
            billed_characters=len(text),
            price_usd=0.0,
            created_at="2026-01-01T00:00:00Z",
            run_id="run",
        )

    def read(self, take: Take) -> bytes:
        self.reads += 1
        return self.audio[take.take_id]


def chapter_of(words: Sequence[str] = WORDS, title: str = "The End", number: int = 2) -> ChapterChunks:
    chapter = Chapter(number=number, title=title, paragraphs=tuple(Paragraph(text=text) for text in words))
    chunks = tuple(
        Chunk(
            chapter=number,
            line=index,
            index=index,
            character="Narrator",
            start=start,
            end=end,
            text=text,
            gap=GAPS[index % len(GAPS)],
        )
        for index, ((start, end), text) in enumerate(zip(chapter.spans(), words, strict=True))
    )
    return ChapterChunks(chapter=chapter, script=ChapterScript(chapter=chapter, lines=()), chunks=chunks, removals=())


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def takes(shelf: Shelf) -> tuple[Take, ...]:
    return tuple(shelf.take(text, sound(index, 0.4 + index / 7)) for index, text in enumerate(WORDS))


def slot_of(chunks: ChapterChunks, total: int = 3) -> Slot:
    return chapter_slot(chunks.chapter, track=chunks.chapter.number, total=total)


Deliver = Callable[..., DeliveredChapter]


@pytest.fixture
def deliver(shelf: Shelf, takes: tuple[Take, ...], tmp_path: Path) -> Deliver:
    def run(
        chunks: ChapterChunks | None = None,
        using: Sequence[Take] | None = None,
        settings: Settings = SETTINGS,
        production: Production = PRODUCTION,
        total: int = 3,
        formats: Sequence[Encoded] = (Encoded.MP3,),
        parts: Sequence[Encoded] = (),
    ) -> DeliveredChapter:
        return deliver_chapter(
            chunks or chapter_of(),
            takes if using is None else using,
            shelf.read,
            production=production,
            settings=settings,
            slot=slot_of(chunks or chapter_of(), total),
            folder=tmp_path / "out",
            formats=formats,
            parts=parts,
        )

    return run


def files(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())


def decoded(path: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_a_chapter_is_an_mp3_with_tags_and_a_timeline(deliver: Deliver, tmp_path: Path) -> None:
    made = deliver()
    assert files(tmp_path) == ["02 - The End.mp3", "timeline/02.json"]
    assert (made.number, made.title, made.reused) == (2, "The End", False)
    assert dict(made.main.measures.tags) == {
        "title": "The End",
        "album": "The Counted Things",
        "artist": "Anonymous",
        "album_artist": "Anonymous",
        "composer": "The Cast",
        "track": "2/3",
        "genre": "Audiobook",
        "language": "eng",
    }
    assert (made.main.measures.codec, made.main.measures.rate_hz, made.main.measures.channels) == ("mp3", 44_100, 1)
    assert made.main.measures.peak_dbfs <= AUDIO.peak_dbtp
    assert made.main.measures.floor_dbfs < -60
    assert made.main.measures.duration_s == pytest.approx(made.timeline.audio_s, abs=0.001)


def test_every_cue_is_within_50_ms_of_the_sound_in_the_delivered_file(deliver: Deliver) -> None:
    made = deliver()
    heard = decoded(made.main.path)
    block = 44_100 // 200
    levels = np.sqrt(np.mean(heard[: len(heard) // block * block].reshape(-1, block) ** 2, axis=1))
    loud = np.flatnonzero(levels > 10 ** (-45 / 20))
    # Blocks of 5 ms that are nearer to each other than any pause belong to one sound.
    sounds = np.split(loud, np.flatnonzero(np.diff(loud) > 20) + 1)
    found_s = [(blocks[0] / 200, (blocks[-1] + 1) / 200) for blocks in sounds]
    cues_s = [(cue.start_frame / 24_000, cue.end_frame / 24_000) for cue in made.timeline.cues]
    assert len(found_s) == len(cues_s) == len(WORDS)
    assert np.abs(np.array(found_s) - np.array(cues_s)).max() < 0.05


def test_the_timeline_file_says_what_is_spoken_where_and_by_whom(deliver: Deliver) -> None:
    made = deliver()
    data = json.loads(made.timeline_path.read_text(encoding="utf-8"))
    assert (data["chapter"], data["title"], data["rate_hz"]) == (2, "The End", 24_000)
    assert data["files"]["mp3"]["file"] == "02 - The End.mp3"
    assert data["duration_s"] == pytest.approx(data["frames"] / 24_000, abs=0.001)
    text = chapter_of().chapter.text
    for cue, words in zip(data["cues"], WORDS, strict=True):
        assert cue["text"] == words == text[cue["text_start"] : cue["text_end"]]
        assert cue["speaker"] == "Narrator"
        assert cue["start_s"] == round(cue["start_frame"] / 24_000, 3)
        assert 0 < cue["start_frame"] < cue["end_frame"] < data["frames"]


def test_nothing_changed_and_nothing_is_made_again(deliver: Deliver, shelf: Shelf) -> None:
    first = deliver()
    reads, stamp = shelf.reads, first.main.path.stat().st_mtime_ns
    second = deliver()
    assert second == dataclasses.replace(first, reused=True)
    assert (shelf.reads, second.main.path.stat().st_mtime_ns) == (reads, stamp)


@pytest.mark.parametrize("change", ["take", "pause", "title", "author", "gap", "total", "speaker"])
def test_whatever_is_heard_or_shown_is_made_again_when_it_changes(
    change: str, deliver: Deliver, shelf: Shelf, takes: tuple[Take, ...]
) -> None:
    before = deliver()
    chunks = chapter_of()
    first, *rest = chunks.chunks
    match change:
        case "take":
            after = deliver(using=(shelf.take(WORDS[0], sound(99), ordinal=1), *takes[1:]))
        case "pause":
            longer = dataclasses.replace(AUDIO, scene_ms=2_000)
            after = deliver(settings=dataclasses.replace(SETTINGS, audio=longer))
        case "title":
            after = deliver(chunks=chapter_of(title="Another"))
        case "author":
            after = deliver(production=dataclasses.replace(PRODUCTION, author="Somebody"))
        case "gap":
            rest[0] = dataclasses.replace(rest[0], gap=Gap.WITHIN)
            after = deliver(chunks=dataclasses.replace(chunks, chunks=(first, *rest)))
        case "total":
            after = deliver(total=4)
        case _:
            first = dataclasses.replace(first, character="Somebody")
            after = deliver(chunks=dataclasses.replace(chunks, chunks=(first, *rest)))
    assert not after.reused
    assert (after.fingerprint, after.main) != (before.fingerprint, before.main)


def test_what_the_sound_does_not_depend_on_makes_nothing_again(deliver: Deliver) -> None:
    deliver()
    other = dataclasses.replace(SETTINGS, limits=dataclasses.replace(SETTINGS.limits, in_flight=9))
    assert deliver(settings=other, production=dataclasses.replace(PRODUCTION, budget_usd=3.0)).reused


@pytest.mark.parametrize("damage", ["gone", "other", "record", "record gone"])
def test_a_damaged_delivery_is_made_again_with_the_same_bytes(damage: str, deliver: Deliver) -> None:
    first = deliver()
    mp3, record = first.main.path.read_bytes(), first.timeline_path.read_bytes()
    match damage:
        case "gone":
            first.main.path.unlink()
        case "other":
            first.main.path.write_bytes(mp3[:-10])
        case "record":
            first.timeline_path.write_bytes(record[:-100])
        case _:
            first.timeline_path.unlink()
    second = deliver()
    assert not second.reused
    assert (first.main.path.read_bytes(), first.timeline_path.read_bytes()) == (mp3, record)


def test_a_new_title_replaces_the_file_of_the_old_one(deliver: Deliver, tmp_path: Path) -> None:
    deliver()
    deliver(chunks=chapter_of(title="The Beginning"))
    assert files(tmp_path) == ["02 - The Beginning.mp3", "timeline/02.json"]


def test_files_that_are_not_ours_are_left_alone(deliver: Deliver, tmp_path: Path) -> None:
    first = deliver()
    mine = tmp_path / "out" / "02 - My notes.mp3"
    mine.write_bytes(b"mine")
    first.main.path.write_bytes(b"edited by hand since")
    deliver(chunks=chapter_of(title="New"))
    assert mine.read_bytes() == b"mine"
    assert first.main.path.read_bytes() == b"edited by hand since"


def test_a_record_that_points_outside_the_folder_is_not_believed(deliver: Deliver, tmp_path: Path) -> None:
    first = deliver()
    victim = tmp_path / "victim.mp3"
    victim.write_bytes(first.main.path.read_bytes())
    data = json.loads(first.timeline_path.read_text(encoding="utf-8"))
    first.timeline_path.write_text(
        json.dumps({**data, "files": {"mp3": {**data["files"]["mp3"], "file": "../victim.mp3"}}}), encoding="utf-8"
    )
    deliver(chunks=chapter_of(title="New"))
    assert victim.exists()


def test_a_chapter_without_words_is_a_short_room_tone(deliver: Deliver) -> None:
    made = deliver(chunks=chapter_of(words=()), using=())
    assert made.timeline.cues == ()
    assert made.main.measures.duration_s == pytest.approx((AUDIO.head_ms + AUDIO.tail_ms) / 1000, abs=1024 / 44_100)
    assert -80 < made.main.measures.rms_dbfs < -65


def test_all_encodings_come_of_one_stitching_and_parts_are_hidden(
    deliver: Deliver, takes: tuple[Take, ...], shelf: Shelf, tmp_path: Path
) -> None:
    made = deliver(formats=(Encoded.MP3, Encoded.FLAC, Encoded.OPUS), parts=(Encoded.M4A,))
    assert shelf.reads == len(takes)
    assert files(tmp_path) == [
        ".parts/02.m4a",
        "02 - The End.flac",
        "02 - The End.mp3",
        "02 - The End.opus",
        "timeline/02.json",
    ]
    assert {encoded: file.measures.codec for encoded, file in made.files.items()} == {
        Encoded.MP3: "mp3",
        Encoded.M4A: "aac",
        Encoded.FLAC: "flac",
        Encoded.OPUS: "opus",
    }
    for file in made.files.values():
        assert file.measures.duration_s == pytest.approx(made.timeline.audio_s, abs=0.001)
        assert file.measures.rms_dbfs == pytest.approx(made.main.measures.rms_dbfs, abs=2.0)
        assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert deliver(formats=(Encoded.MP3, Encoded.FLAC, Encoded.OPUS), parts=(Encoded.M4A,)).reused


def test_another_encoding_is_added_without_making_the_others_again(deliver: Deliver, tmp_path: Path) -> None:
    first = deliver()
    stamp = first.main.path.stat().st_mtime_ns
    second = deliver(parts=(Encoded.M4A,))
    assert (second.main, second.main.path.stat().st_mtime_ns) == (first.main, stamp)
    assert set(second.files) == {Encoded.MP3, Encoded.M4A}
    assert deliver().reused
    assert ".parts/02.m4a" in files(tmp_path)


def test_a_new_author_leaves_the_part_without_tags_as_it_was(deliver: Deliver) -> None:
    first = deliver(parts=(Encoded.M4A,))
    stamp = first.files[Encoded.M4A].path.stat().st_mtime_ns
    other = deliver(parts=(Encoded.M4A,), production=dataclasses.replace(PRODUCTION, author="Somebody"))
    assert other.files[Encoded.M4A].path.stat().st_mtime_ns == stamp
    assert other.main.sha256 != first.main.sha256


def test_an_encoding_that_is_stale_and_no_longer_asked_for_is_removed(deliver: Deliver, tmp_path: Path) -> None:
    deliver(formats=(Encoded.MP3, Encoded.FLAC))
    deliver(chunks=chapter_of(words=()), using=())
    assert files(tmp_path) == ["02 - The End.mp3", "timeline/02.json"]


@pytest.mark.parametrize("encoded", list(Encoded))
def test_every_encoding_has_the_same_bytes_each_time(encoded: Encoded, deliver: Deliver) -> None:
    file = deliver(formats=(encoded,)).files[encoded]
    first = file.path.read_bytes()
    file.path.unlink()
    assert deliver(formats=(encoded,)).files[encoded].path.read_bytes() == first


def test_a_chapter_without_a_title_is_named_by_its_number(deliver: Deliver) -> None:
    assert deliver(chunks=chapter_of(title="", number=3)).main.path.name == "03 - Chapter 3.mp3"


def test_takes_and_chunks_that_do_not_match_are_a_mistake_of_the_program(
    deliver: Deliver, takes: tuple[Take, ...]
) -> None:
    with pytest.raises(ValueError, match="5 chunks and 4 takes"):
        deliver(using=takes[:-1])


def test_a_damaged_take_is_an_error_that_names_it_and_leaves_the_folder_as_it_was(
    deliver: Deliver, shelf: Shelf, takes: tuple[Take, ...], tmp_path: Path
) -> None:
    first = deliver()
    before = first.main.path.read_bytes()
    damaged = shelf.take("new words", sound(7))
    shelf.audio[damaged.take_id] = shelf.audio[damaged.take_id][:-2]
    with pytest.raises(StoreError, match=damaged.take_id):
        deliver(using=(*takes[:-1], damaged))
    assert files(tmp_path) == ["02 - The End.mp3", "timeline/02.json"]
    assert first.main.path.read_bytes() == before
    assert deliver().reused


def test_a_disk_that_fills_up_under_one_of_the_encoders_leaves_the_folder_as_it_was(
    deliver: Deliver, tmp_path: Path
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full to play the full disk")
    first = deliver()
    before = first.main.path.read_bytes()
    (tmp_path / "out" / f".02 - The End.flac.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="The disk is full"):
        deliver(formats=(Encoded.MP3, Encoded.FLAC), settings=louder(-19.0))
    assert files(tmp_path) == ["02 - The End.mp3", "timeline/02.json"]
    assert first.main.path.read_bytes() == before
    assert deliver().reused


def louder(loudness_db: float) -> Settings:
    return dataclasses.replace(SETTINGS, audio=dataclasses.replace(AUDIO, loudness_db=loudness_db))


def test_a_chapter_outside_the_rules_is_mastered_a_second_time(deliver: Deliver, shelf: Shelf) -> None:
    """Long pauses make a chapter softer than the rules allow, although its speech is as loud as the book's."""
    slow = dataclasses.replace(SETTINGS, audio=dataclasses.replace(AUDIO, scene_ms=5_000, heading_ms=5_000))
    made = deliver(settings=slow)
    assert shelf.reads in (2 * len(WORDS), 3 * len(WORDS))
    rules = SETTINGS.preset.rules
    assert rules.lowest_db is not None
    assert rules.lowest_db <= made.main.measures.rms_dbfs <= AUDIO.loudness_db + 0.5
    assert made.main.measures.true_peak_dbtp <= AUDIO.peak_dbtp


def test_a_chapter_within_the_rules_is_mastered_once(deliver: Deliver, shelf: Shelf) -> None:
    deliver()
    assert shelf.reads == len(WORDS)


@pytest.mark.parametrize("preset", ["podcast", "audiobookshelf"])
def test_a_preset_by_loudness_is_met(preset: str, deliver: Deliver) -> None:
    settings = load_settings("sandbox", environ={}, preset=preset)
    measures = deliver(settings=settings).main.measures
    rules = settings.preset.rules
    assert rules.lowest_db is not None
    assert rules.highest_db is not None
    assert rules.lowest_db <= measures.lufs <= rules.highest_db
    assert measures.true_peak_dbtp <= settings.audio.peak_dbtp


def test_the_preset_none_leaves_takes_as_loud_as_they_came(deliver: Deliver, takes: tuple[Take, ...]) -> None:
    made = deliver(settings=load_settings("sandbox", environ={}, preset="none"))
    with av.open(str(made.main.path)) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    for cue, take in zip(made.timeline.cues, takes, strict=True):
        part = heard[round(cue.start_frame * 1.8375) + 600 : round(cue.end_frame * 1.8375) - 600]
        assert 10 * np.log10(np.mean(part**2)) == pytest.approx(take.measures.speech_dbfs, abs=0.6)


def test_a_reader_that_stops_ends_it_and_leaves_nothing(takes: tuple[Take, ...], shelf: Shelf, tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopped(Exception): ...

    def read(take: Take) -> bytes:
        if shelf.reads == 3:
            stop.set()
        if stop.is_set():
            raise Stopped
        return shelf.read(take)

    with pytest.raises(Stopped):
        deliver_chapter(
            chapter_of(),
            takes,
            read,
            production=PRODUCTION,
            settings=SETTINGS,
            slot=slot_of(chapter_of()),
            folder=tmp_path / "out",
        )
    assert files(tmp_path) == []


def test_a_take_that_is_no_audio_is_refused(deliver: Deliver, shelf: Shelf, takes: tuple[Take, ...]) -> None:
    junk = dataclasses.replace(
        shelf.take("x", sound(1)), sha256=hashlib.sha256(b"<Error>NoSuchKey</Error>").hexdigest()
    )
    shelf.audio[junk.take_id] = b"<Error>NoSuchKey</Error>"
    with pytest.raises(AudioRefused, match="NoSuchKey"):
        deliver(using=(*takes[:-1], junk))


def test_an_encoder_that_makes_something_else_is_caught_before_it_is_delivered(
    deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is delivered was measured: an ffmpeg that drops the second half, and says that all is well, is found out."""
    real = encode.ffmpeg_program()
    half = tmp_path / "ffmpeg"
    half.write_text(f'#!/bin/sh\nhead -c 96000 | "{real}" "$@"\ncat > /dev/null\n')
    half.chmod(0o755)
    monkeypatch.setattr(encode, "ffmpeg_program", lambda: str(half))
    with pytest.raises(ToolError, match="were written into it"):
        deliver()
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_store_error(deliver: Deliver, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        deliver()


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("I think,", True),
        ("“I think,”", True),
        ("he said—", True),
        ("“But—”", True),
        ("the red, the blue", True),
        ("It was late.", False),
        ("“Who?”", False),
        ("And then …", False),
        ("他说：", True),
        ("天黑了。」", False),
        ("", False),
    ],
)
def test_a_sentence_that_goes_on_is_told_by_its_last_mark(text: str, goes_on: bool) -> None:
    assert stops_mid_sentence(text) is goes_on
