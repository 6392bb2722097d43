"""A delivered chapter held against its preset's rules, by the measures that were taken of its files.

Invariant: what is checked is the file that is delivered; parts of containers are not.
"""

from __future__ import annotations

from narration.check.rules import findings_of
from narration.deliver.chapter import DeliveredChapter
from narration.deliver.record import PARTS_FOLDER
from narration.finding import Finding
from narration.settings.presets import Preset


def check_chapter(delivered: DeliveredChapter, preset: Preset) -> tuple[Finding, ...]:
    """What is wrong with the files of a chapter; of one in which nobody speaks, nothing."""
    if not any(cue.end_frame > cue.start_frame for cue in delivered.timeline.cues):
        return ()
    return tuple(
        finding
        for file in delivered.files.values()
        if file.path.parent.name != PARTS_FOLDER
        for finding in findings_of(file.path.name, file.measures, preset, chapter=delivered.number)
    )
