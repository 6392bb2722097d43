"""The whole book: containers and companions, made from the delivered chapters and from nothing else.

Invariant: a file whose chapters, cover and edition did not change is not made again; what an earlier delivery made and
this one does not want is taken away, unless somebody changed it; every container is measured after it was made.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from narration.audio.encodings import LANGUAGE_CODES
from narration.audio.m4b import Facts, Part, write_m4b
from narration.audio.measure import Delivered, probe
from narration.deliver.cover import Cover, write_cover
from narration.deliver.cue import MOST_TRACKS, write_cue
from narration.deliver.epub import write_epub
from narration.deliver.library import METADATA, write_library
from narration.deliver.lpf import write_lpf
from narration.deliver.names import safe_name
from narration.deliver.record import file_hash
from narration.deliver.release import Release, Track
from narration.deliver.subtitles import captions, srt, vtt
from narration.deliver.writing import staged, write_text
from narration.errors import StoreError, ToolError
from narration.finding import Finding
from narration.formats import Encoded, Format
from narration.production import Production
from narration.take import canonical_hash
from narration.typed import object_of

PACKAGER_VERSION = 1
"""Counts up whenever the same chapters would be packed otherwise."""
VOLUME_MOST_S = 24 * 3600.0
"""Longer books are several M4B files: beyond 27 h at 44.1 kHz a header counts in 64 bits, which some players cannot."""
LIBRARY = "Audiobookshelf"
RECORD = "book.json"
_FOLDER = "timeline"
_LENGTH_TOLERANCE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What was delivered beside the chapters.

    Attributes:
        files: in the order of the formats, absolute.
        measures: of the containers, decoded, by file.
        findings: what is to be said of the cover.
        reused: how many of the files were there already.
    """

    files: tuple[Path, ...]
    measures: Mapping[Path, Delivered] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One file to be made.

    Attributes:
        file: seen from the output folder.
        facts: everything that it is made from.
        make: makes it at a path that is not there yet.
        measured: whether it is decoded afterwards.
    """

    file: str
    facts: object
    make: Callable[[Path], None]
    measured_s: float = 0.0


def package(
    tracks: Sequence[Track], hashes: Mapping[Path, str], production: Production, cover: Cover, folder: Path
) -> Package:
    """Make everything but the chapters' own files that `production.formats` names.

    Args:
        tracks: all of the book, in order, with the encodings that `narration.formats` has made for these formats.
        hashes: SHA-256 of the tracks' files.
        production: formats and edition.
        cover: of the book.
        folder: where the chapters are.

    Raises:
        StoreError: the folder cannot be written.
        ToolError: a part is not what was made, or a container is not as long as its parts.
    """
    placed = folder / f"cover{cover.suffix}"
    if not placed.exists() or placed.read_bytes() != cover.data:
        write_cover(placed, cover.data)
    release = Release(edition=production.edition, tracks=tuple(tracks), cover=placed)
    before = _read(folder)
    made: dict[str, dict[str, object]] = {}
    files: list[Path] = []
    measures: dict[Path, Delivered] = {}
    reused = 0
    for job in _jobs(release, cover, production.formats, hashes):
        target = folder / job.file
        fingerprint = canonical_hash({"version": PACKAGER_VERSION, "file": job.file, "facts": job.facts})
        old = before.get(job.file, {})
        if old.get("fingerprint") == fingerprint and old.get("sha256") == file_hash(target) != "":
            made[job.file] = old
            reused += 1
        else:
            measured = _make(job, target)
            made[job.file] = {"fingerprint": fingerprint, "sha256": file_hash(target)}
            if measured is not None:
                made[job.file]["measured"] = asdict(measured)
        if "measured" in made[job.file]:
            measures[target] = _measures(made[job.file]["measured"])
        files.append(target)
    if Format.ABS in production.formats:
        files.append(_shelve(release, folder, made))
    _take_away(folder, before, made)
    write_text(folder / _FOLDER / RECORD, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return Package(files=tuple(files), measures=measures, findings=cover.findings, reused=reused)


def _jobs(release: Release, cover: Cover, formats: Sequence[Format], hashes: Mapping[Path, str]) -> Iterator[_Job]:
    edition, name = asdict(release.edition), safe_name(release.edition.title) or "Book"
    picture = canonical_hash({"picture": cover.data.hex()})

    def of(tracks: Sequence[Track], encoded: Encoded) -> list[tuple[str, str]]:
        return [(track.title, hashes[track.files[encoded]]) for track in tracks]

    if Format.M4B in formats:
        for file, volume in _volumes(release.tracks, name):
            yield _Job(
                file=file,
                facts=[edition, picture, of(volume, Encoded.M4A)],
                make=_m4b_maker(release, volume, file, cover),
                measured_s=sum(track.duration_s for track in volume),
            )
    for wanted in (found for found in Format if found in formats and found in CAPTIONS):
        yield from _captions(release, name, formats, wanted, CAPTIONS[wanted])
    for wanted in (found for found in Format if found in formats and found in BOOKS):
        one = BOOKS[wanted]
        for file, tracks in _sheets(release.tracks, f"{name}.{wanted}", one.most_tracks):
            held = replace(release, tracks=tracks)
            facts = [edition, picture, of(tracks, one.sound), *one.facts(held)]
            yield _Job(file=file, facts=facts, make=lambda path, one=one, held=held: one.write(path, held))  # type: ignore[misc]


def _timelines(tracks: Sequence[Track]) -> list[object]:
    return [[track.stem, asdict(track.timeline)] for track in tracks]


def _captions(
    release: Release,
    name: str,
    formats: Sequence[Format],
    wanted: Format,
    write: Callable[[Path, Sequence[tuple[Track, float]], str], None],
) -> Iterator[_Job]:
    """Captions of every track, and of every volume where there are some."""
    language = release.edition.language
    sets: list[tuple[str, Sequence[Track]]] = [(f"{track.stem}.{wanted}", (track,)) for track in release.tracks]
    if Format.M4B in formats:
        sets += [
            (str(PurePosixPath(file).with_suffix(f".{wanted}")), volume)
            for file, volume in _volumes(release.tracks, name)
        ]
    for file, tracks in sets:
        placed, start_s = [], 0.0
        for track in tracks:
            placed.append((track, start_s))
            start_s += track.duration_s
        yield _Job(
            file=file,
            facts=[language, _timelines(tracks)],
            make=lambda path, placed=placed: write(path, placed, language),  # type: ignore[misc]
        )


def _write_srt(path: Path, placed: Sequence[tuple[Track, float]], _language: str) -> None:
    path.write_text(srt([one for track, at_s in placed for one in captions(track, at_s)]), encoding="utf-8")


def _write_vtt(path: Path, placed: Sequence[tuple[Track, float]], language: str) -> None:
    path.write_text(vtt([one for track, at_s in placed for one in captions(track, at_s)], language), encoding="utf-8")


CAPTIONS: Mapping[Format, Callable[[Path, Sequence[tuple[Track, float]], str], None]] = MappingProxyType(
    {Format.SRT: _write_srt, Format.VTT: _write_vtt}
)
"""What is made beside every file of sound, from tracks with the second at which each starts, and the language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBook:
    """A file that is made from the whole book.

    Attributes:
        sound: the encoding of the chapters that is in it or that it names; `narration.formats` has it made.
        write: makes it at a path, of a release.
        facts: what else it is made from: where these change, it is made anew.
        most_tracks: how many tracks one file can hold; a longer book is several files. 0 is any number.
    """

    sound: Encoded
    write: Callable[[Path, Release], None]
    facts: Callable[[Release], list[object]] = lambda _release: []
    most_tracks: int = 0


def _of_cue(release: Release) -> list[object]:
    return [track.files[Encoded.MP3].name for track in release.tracks]


def _of_epub(release: Release) -> list[object]:
    return [[asdict(track.chapter) for track in release.tracks], _timelines(release.tracks)]


BOOKS: Mapping[Format, WholeBook] = MappingProxyType(
    {
        Format.EPUB: WholeBook(sound=Encoded.M4A, write=write_epub, facts=_of_epub),
        Format.LPF: WholeBook(sound=Encoded.MP3, write=write_lpf),
        Format.CUE: WholeBook(sound=Encoded.MP3, write=write_cue, facts=_of_cue, most_tracks=MOST_TRACKS),
    }
)
"""A new format of this kind is a module that writes it, and a row here and in `narration.formats`."""


def _volumes(tracks: Sequence[Track], name: str) -> list[tuple[str, tuple[Track, ...]]]:
    """The M4B files: names, and what is in them; cut between chapters, as few as can be, about equally long."""
    lengths_s = [track.duration_s for track in tracks]
    fewest = len(_filled(lengths_s, VOLUME_MOST_S))
    if fewest <= 1:
        return [(f"{name}.m4b", tuple(tracks))]
    # The least bound, in seconds, with which there are no more of them.
    most_s = bisect_left(range(int(VOLUME_MOST_S)), -fewest, key=lambda most_s: -len(_filled(lengths_s, most_s)))
    rest, found = iter(tracks), []
    for number, count in enumerate(_filled(lengths_s, most_s), start=1):
        found.append((f"{name}, Volume {number}.m4b", tuple(itertools.islice(rest, count))))
    return found


def _filled(lengths_s: Iterable[float], most_s: float) -> list[int]:
    """How many chapters each volume holds, filled in order up to a bound; a longer chapter has one of its own."""
    counts, held_s = [0], 0.0
    for length_s in lengths_s:
        if counts[-1] and held_s + length_s > most_s:
            counts.append(0)
            held_s = 0.0
        counts[-1] += 1
        held_s += length_s
    return counts


def _sheets(tracks: tuple[Track, ...], file: str, most: int) -> list[tuple[str, tuple[Track, ...]]]:
    """The files of a format that holds so many tracks at most: names, and what is in them."""
    if not most or len(tracks) <= most:
        return [(file, tracks)]
    path = PurePosixPath(file)
    return [
        (f"{path.stem}, Sheet {number}{path.suffix}", tracks[start : start + most])
        for number, start in enumerate(range(0, len(tracks), most), start=1)
    ]


def _m4b_maker(release: Release, tracks: Sequence[Track], file: str, cover: Cover) -> Callable[[Path], None]:
    edition = release.edition
    title = PurePosixPath(file).stem if "Volume" in file else edition.title
    description = " ".join(edition.description.split())
    facts = Facts(
        tags=(
            ("title", title),
            ("album", edition.title),
            ("artist", edition.author),
            ("album_artist", edition.author),
            ("composer", edition.narrator),
            ("genre", "Audiobook"),
            ("date", edition.year),
            ("description", description[:255]),
            ("synopsis", description),
            ("copyright", edition.copyright),
            ("publisher", edition.publisher),
        ),
        freeform=(
            ("SUBTITLE", edition.subtitle),
            ("SERIES", edition.series),
            ("SERIES-PART", edition.series_index),
            ("PUBLISHER", edition.publisher),
            ("LANGUAGE", edition.language),
            ("ISBN", edition.isbn),
        ),
        language=LANGUAGE_CODES.get(edition.language, "und"),
        cover=cover.small,
    )
    numbers = [track.chapter.number for track in tracks]
    parts = [
        Part(
            path=track.files[Encoded.M4A],
            title=track.chapter.title or track.title,
            starts_chapter=place == 0 or numbers[place] != numbers[place - 1],
        )
        for place, track in enumerate(tracks)
    ]

    def make(path: Path) -> None:
        write_m4b(path, parts, facts)

    return make


def _make(job: _Job, target: Path) -> Delivered | None:
    """Make a file, and look at it before it is in its place.

    Raises:
        StoreError, ToolError: as `package`.
    """
    with staged(target) as part:
        job.make(part)
        if not job.measured_s:
            return None
        measured = probe(part)
        if abs(measured.duration_s - job.measured_s) > _LENGTH_TOLERANCE_S:
            raise ToolError(
                f"{target.name} would hold {measured.duration_s:.3f} s; its chapters are {job.measured_s:.3f} s long."
            )
        return measured


def _measures(record: object) -> Delivered:
    """The measures of a record, as it was written or as it was read."""
    facts = dict(record) if isinstance(record, dict) else {}
    facts["tags"] = tuple((str(name), str(value)) for name, value in facts["tags"])
    return Delivered(**facts)


def _shelve(release: Release, folder: Path, made: dict[str, dict[str, object]]) -> Path:
    """Lay the book out for Audiobookshelf, with the M4B files where there are some."""
    volumes = [file for file in made if file.endswith(".m4b")]
    audio = [folder / file for file in volumes] or [track.files[Encoded.MP3] for track in release.tracks]
    shelf = write_library(folder / LIBRARY, release, audio)
    for path in sorted(shelf.iterdir()):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            made[name] = {"fingerprint": "", "sha256": file_hash(path)}
    return shelf / METADATA


def _read(folder: Path) -> dict[str, dict[str, object]]:
    """What an earlier delivery noted; nothing where there was none, or it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        data = object_of((folder / _FOLDER / RECORD).read_bytes())
        if all(isinstance(one, dict) for one in data.values()):
            return data
    return {}


def _take_away(
    folder: Path, before: Mapping[str, Mapping[str, object]], made: Mapping[str, Mapping[str, object]]
) -> None:
    """Remove what the delivery before made and this one did not, unless it was changed since.

    Raises:
        StoreError: a file cannot be removed.
    """
    for file, old in before.items():
        path = folder / file
        inside = not PurePosixPath(file).is_absolute() and ".." not in PurePosixPath(file).parts
        if file in made or not inside or file_hash(path) != old.get("sha256") or not path.is_file():
            continue
        try:
            path.unlink()
        except OSError as error:
            raise StoreError(f"{path} cannot be removed: {error.strerror}.") from error
