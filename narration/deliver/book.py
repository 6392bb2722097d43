"""Delivering a book: its chapters in as many files as they need, its sample, and what is made from all of them.

Invariant: the output folder holds what the last whole delivery made, and nothing of an earlier one that was not changed
by somebody since.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from narration.audio.encodings import Picture
from narration.deliver.chapter import DeliveredChapter, deliver_chapter
from narration.deliver.cover import Cover, write_cover
from narration.deliver.package import Package, package
from narration.deliver.pieces import Spoken, in_pieces, sample_of
from narration.deliver.record import PARTS_FOLDER, records_of, remove_stale
from narration.deliver.release import Track
from narration.deliver.slot import SAMPLE_KEY, Slot, chapter_slot, keys_of_chapter, sample_slot
from narration.finding import Finding
from narration.formats import Encoded, delivered_as, parts_of
from narration.production import Production
from narration.settings.settings import Settings
from narration.take import Take

_ALL_KEYS = re.compile(rf"\d+(-\d+)?|{SAMPLE_KEY}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFile:
    """One file of the book's sound.

    Attributes:
        slot: its place.
        spoken: what is heard in it.
        delivered: its encodings.
    """

    slot: Slot
    spoken: Spoken
    delivered: DeliveredChapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a book is delivered.

    Attributes:
        production: formats, tags, cover, sample.
        settings: audio and preset.
        numbers: of all chapters of the book, credits included, in order.
        folder: where the files go.
        read_audio: gets a take's audio as received.
        cover: of the book.
    """

    production: Production
    settings: Settings
    numbers: tuple[int, ...]
    folder: Path
    read_audio: Callable[[Take], bytes]
    cover: Cover

    def chapter(self, spoken: Spoken) -> tuple[HeardFile, ...]:
        """The files of a chapter, made or found made; those that it had otherwise before are taken away.

        Raises:
            NarrationError: as `narration.deliver.chapter.deliver_chapter`.
        """
        chapter = spoken.cut.chapter
        pieces = in_pieces(spoken, self.settings)
        track, total = self.numbers.index(chapter.number) + 1, len(self.numbers)
        numbered = [(number, len(pieces)) if len(pieces) > 1 else None for number in range(1, len(pieces) + 1)]
        made = tuple(
            self._file(piece, chapter_slot(chapter, track=track, total=total, piece=place), parts=True)
            for piece, place in zip(pieces, numbered, strict=True)
        )
        self._take_away(keys_of_chapter(chapter.number), made)
        return made

    def whole(self, chapters: Sequence[HeardFile]) -> Package:
        """What is made from all chapters: sample, containers, companions.

        Args:
            chapters: every file of every chapter, in order.

        Raises:
            InputError: the sample is not what book.yaml says.
            NarrationError: as `narration.deliver.package.package`.
        """
        sample, findings = self._sample(chapters)
        tracks = [
            Track(
                title=heard.slot.title,
                stem=heard.slot.stem,
                files={encoded: file.path for encoded, file in heard.delivered.files.items()},
                chapter=heard.spoken.cut.chapter,
                timeline=heard.delivered.timeline,
            )
            for heard in chapters
        ]
        hashes = {file.path: file.sha256 for heard in chapters for file in heard.delivered.files.values()}
        made = package(tracks, hashes, self.production, self.cover, self.folder)
        self._take_away(_ALL_KEYS, (*chapters, *sample))
        files = (*(heard.delivered.main.path for heard in sample), *made.files)
        return replace(made, files=files, findings=(*findings, *made.findings))

    def _sample(self, chapters: Sequence[HeardFile]) -> tuple[tuple[HeardFile, ...], tuple[Finding, ...]]:
        wanted = self.production.sample
        if wanted is None:
            return (), ()
        chosen, findings = sample_of(wanted, _joined(chapters), self.settings, lambda key: f"book.yaml, sample.{key}")
        if chosen is None:
            return (), findings
        return (self._file(chosen, sample_slot(self.production.title), parts=False),), findings

    def _file(self, spoken: Spoken, slot: Slot, *, parts: bool) -> HeardFile:
        delivered = deliver_chapter(
            spoken.cut,
            spoken.takes,
            self.read_audio,
            production=self.production,
            settings=self.settings,
            slot=slot,
            folder=self.folder,
            formats=delivered_as(self.production.formats) if parts else (Encoded.MP3,),
            parts=parts_of(self.production.formats) if parts else (),
            picture=self._picture(),
        )
        return HeardFile(slot=slot, spoken=spoken, delivered=delivered)

    def _picture(self) -> Picture:
        """The small cover, in its place among the hidden parts.

        Raises:
            StoreError: it cannot be written.
        """
        path = self.folder / PARTS_FOLDER / "cover.jpg"
        if not path.exists() or path.read_bytes() != self.cover.small:
            write_cover(path, self.cover.small)
        return Picture(path=path, sha256=hashlib.sha256(self.cover.small).hexdigest())

    def _take_away(self, keys: re.Pattern[str], kept: Sequence[HeardFile]) -> None:
        """Remove what earlier deliveries made under such keys and this one did not."""
        stay = {path for heard in kept for path in self._paths(heard)}
        before = [(path, record) for path, record in records_of(self.folder, keys) if path not in stay]
        remove_stale(self.folder, before, keep=tuple(stay))

    @staticmethod
    def _paths(heard: HeardFile) -> tuple[Path, ...]:
        return (heard.delivered.timeline_path, *(file.path for file in heard.delivered.files.values()))


def _joined(chapters: Sequence[HeardFile]) -> list[Spoken]:
    """The chapters, those of several files whole again."""
    found: dict[int, Spoken] = {}
    for heard in chapters:
        number = heard.spoken.cut.chapter.number
        before = found.get(number)
        found[number] = heard.spoken if before is None else before.followed_by(heard.spoken)
    return list(found.values())
