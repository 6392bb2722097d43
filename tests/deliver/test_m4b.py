"""M4B: chapters, cover and tags read back; no gap at the joins, and the same bytes every time."""

from __future__ import annotations

import dataclasses
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from narration.audio.encode import ffmpeg_program
from narration.audio.m4b import AAC_FRAME, Facts, Part, write_m4b
from narration.deliver.cover import drawn_cover, thumbnail
from narration.errors import StoreError, ToolError
from tests.deliver.releases import EDITION

RATE_HZ = 44_100
FRAMES = 60
FACTS = Facts(
    tags=(
        ("title", "The Lamp & the Kettle"),
        ("album", "The Lamp & the Kettle"),
        ("artist", "A. N. Other"),
        ("album_artist", "A. N. Other"),
        ("composer", "The Cast"),
        ("genre", "Audiobook"),
        ("date", "2026"),
        ("description", "short"),
        ("synopsis", "A short book."),
        ("copyright", ""),
    ),
    freeform=(("SERIES", "Lämps"), ("SERIES-PART", "2"), ("ISBN", "")),
    language="eng",
    cover=b"",
)


def tone(start: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A piece of one endless sine, so that a missing or surplus sample at a join is a click."""
    return 0.3 * np.sin(2 * np.pi * 441.0 * np.arange(start, start + count) / RATE_HZ)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Part, ...]:
    made = []
    for number in range(4):
        wav, path = tmp_path / f"{number}.wav", tmp_path / f"{number}.m4a"
        samples = tone(number * FRAMES * AAC_FRAME, FRAMES * AAC_FRAME)
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
        command = [
            ffmpeg_program(),
            "-loglevel",
            "error",
            "-i",
            str(wav),
            "-c:a",
            "aac",
            "-b:a",
            "96k",
            "-y",
            str(path),
        ]
        subprocess.run(command, check=True, timeout=600)
        made.append(Part(path=path, title=f"Chapter {number + 1}: Ünder"))
    return tuple(made)


def decoded(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(np.float64)


def marks_s(path: Path) -> list[tuple[float, float]]:
    """Where the chapters begin and end, in seconds."""
    found = []
    with av.open(str(path)) as container:
        for mark in container.chapters():
            assert mark["time_base"] is not None
            found.append((float(mark["start"] * mark["time_base"]), float(mark["end"] * mark["time_base"])))
    return found


def test_chapters_cover_and_tags_read_back(parts: Sequence[Part], tmp_path: Path) -> None:
    picture = thumbnail(drawn_cover(EDITION)[0])
    facts = Facts(tags=FACTS.tags, freeform=FACTS.freeform, language="eng", cover=picture)
    joined = write_m4b(tmp_path / "b.m4b", parts, facts)
    assert joined.starts == tuple(number * FRAMES * AAC_FRAME for number in range(4))
    with av.open(str(tmp_path / "b.m4b")) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
        chapters = container.chapters()
        (cover,) = [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]
        language = container.streams.audio[0].metadata["language"]
    assert [one["metadata"]["title"] for one in chapters] == [part.title for part in parts]
    assert [mark for mark, _ in marks_s(tmp_path / "b.m4b")] == pytest.approx(
        [start / RATE_HZ for start in joined.starts], abs=0.001
    )
    for name, value in (*FACTS.tags, ("series", "Lämps"), ("series-part", "2"), ("media_type", "2")):
        assert tags.get(name, "") == value, name
    assert tags["major_brand"] == "M4B "
    assert "comment" not in tags
    assert (cover, language) == (picture, "eng")


def test_the_joins_are_gapless(parts: Sequence[Part], tmp_path: Path) -> None:
    write_m4b(tmp_path / "b.m4b", parts, FACTS)
    heard = decoded(tmp_path / "b.m4b")
    assert abs(len(heard) - 4 * FRAMES * AAC_FRAME) <= AAC_FRAME
    expected = tone(0, len(heard))
    # Away from the joins, where frames that were encoded apart overlap, the sine goes on in phase.
    for number in range(4):
        low, high = number * FRAMES * AAC_FRAME + 4 * AAC_FRAME, (number + 1) * FRAMES * AAC_FRAME - 4 * AAC_FRAME
        assert np.abs(heard[low:high] - expected[low:high]).max() < 0.02, number


def test_the_same_parts_are_the_same_bytes(parts: Sequence[Part], tmp_path: Path) -> None:
    write_m4b(tmp_path / "a.m4b", parts, FACTS)
    write_m4b(tmp_path / "b.m4b", parts, FACTS)
    assert (tmp_path / "a.m4b").read_bytes() == (tmp_path / "b.m4b").read_bytes()


def test_parts_of_one_chapter_are_one_mark(parts: Sequence[Part], tmp_path: Path) -> None:
    one = [parts[0], Part(path=parts[1].path, title="x", starts_chapter=False), *parts[2:]]
    write_m4b(tmp_path / "b.m4b", one, FACTS)
    step = FRAMES * AAC_FRAME / RATE_HZ
    found = [end for mark in marks_s(tmp_path / "b.m4b") for end in mark]
    assert found == pytest.approx([0, 2 * step, 2 * step, 3 * step, 3 * step, 4 * step], abs=0.001)


def test_more_chapters_than_the_nero_list_counts_are_all_there(parts: Sequence[Part], tmp_path: Path) -> None:
    many = [Part(path=parts[number % 4].path, title=f"Chapter {number}") for number in range(300)]
    write_m4b(tmp_path / "b.m4b", many, FACTS)
    with av.open(str(tmp_path / "b.m4b")) as container:
        assert [mark["metadata"]["title"] for mark in container.chapters()] == [part.title for part in many]
    assert b"chpl" not in (tmp_path / "b.m4b").read_bytes()[: 1 << 20]


def test_a_part_that_is_damaged_is_an_error_that_names_it(parts: Sequence[Part], tmp_path: Path) -> None:
    parts[1].path.write_bytes(b"not a part")
    with pytest.raises(ToolError, match=r"1\.m4a"):
        write_m4b(tmp_path / "b.m4b", parts, FACTS)


@pytest.mark.slow
def test_at_the_end_of_fifteen_hours_the_sound_is_where_the_marks_say(tmp_path: Path) -> None:
    """A click at the beginning of every quarter of an hour; the last one is heard where its chapter begins."""
    frames = 900 * RATE_HZ // AAC_FRAME
    samples = np.zeros(frames * AAC_FRAME)
    click = RATE_HZ // 2
    samples[click : click + 441] = tone(0, 441)
    wav, path = tmp_path / "q.wav", tmp_path / "q.m4a"
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    command = [
        ffmpeg_program(),
        "-loglevel",
        "error",
        "-i",
        str(wav),
        "-c:a",
        "aac",
        "-aac_coder",
        "fast",
        "-y",
        str(path),
    ]
    subprocess.run(command, check=True, timeout=900)
    joined = write_m4b(tmp_path / "b.m4b", [Part(path=path, title=f"{n}") for n in range(60)], FACTS)
    assert joined.samples / RATE_HZ > 14.9 * 3600
    with av.open(str(tmp_path / "b.m4b")) as container:
        stream = container.streams.audio[0]
        container.seek(joined.starts[-1], stream=stream)
        for frame in container.decode(stream):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if len(loud):
                assert frame.pts is not None
                heard_s = (frame.pts + int(loud[0])) / RATE_HZ
                break
    assert heard_s == pytest.approx((joined.starts[-1] + click) / RATE_HZ, abs=0.05)


def test_a_book_without_tags_of_its_own_kind_has_no_comment_either(parts: Sequence[Part], tmp_path: Path) -> None:
    write_m4b(tmp_path / "b.m4b", parts, dataclasses.replace(FACTS, freeform=(("SERIES", ""),)))
    with av.open(str(tmp_path / "b.m4b")) as container:
        tags = {name.lower() for name in container.metadata}
    assert "title" in tags
    assert not tags & {"comment", "series"}


def test_a_part_that_holds_no_sound_is_refused_by_name(parts: Sequence[Part], tmp_path: Path) -> None:
    empty = tmp_path / "empty.m4a"
    with av.open(str(parts[0].path)) as source, av.open(str(empty), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        packet = next(source.demux(source.streams.audio[0]))
        packet.stream = stream
        target.mux(packet)
    with pytest.raises(ToolError, match=r"empty\.m4a holds no sound") as refused:
        write_m4b(tmp_path / "b.m4b", (*parts, Part(path=empty, title="x")), FACTS)
    assert "made anew" in str(refused.value)
    assert not (tmp_path / "b.m4b").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_as_such(parts: Sequence[Part]) -> None:
    with pytest.raises(StoreError, match="The disk is full: full cannot be written"):
        write_m4b(Path("/dev/full"), parts, FACTS)


def test_what_the_library_does_not_take_is_told_with_the_name_of_the_book(
    parts: Sequence[Part], tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match=r"b\.m4b cannot be made"):
        write_m4b(tmp_path / "b.m4b", parts, dataclasses.replace(FACTS, cover=b"no picture"))
    with pytest.raises(ToolError, match=r"b\.m4b cannot be made"):
        write_m4b(tmp_path / "gone" / "b.m4b", parts, FACTS)
