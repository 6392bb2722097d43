"""Whether a chapter has to be mastered once more, and how: from what was measured of its delivered files.

Invariant: a chapter that keeps the preset's rules is never touched, so that speech is equally loud in the whole book.
"""

from __future__ import annotations

from collections.abc import Sequence

from narration.audio.encodings import Correction
from narration.audio.measure import Delivered
from narration.settings.presets import LoudnessUnit
from narration.settings.settings import Settings

MAX_GAIN_DB = 6.0
"""A chapter that is further off is no matter of mastering."""
PEAK_MARGIN_DB = 0.1
SPEECH_FROM_DB = -50.0
"""A file that is softer has nobody speaking in it."""


def correction_of(files: Sequence[Delivered], settings: Settings) -> Correction | None:
    """What a second pass would do otherwise, or None when the first was right.

    Args:
        files: the measures of a chapter's files, the one that counts for loudness first.
        settings: with the preset.
    """
    audio, preset = settings.audio, settings.preset
    gain_db = 0.0
    if audio.loudness_unit is preset.unit and preset.unit is not LoudnessUnit.NONE:
        found_db = files[0].rms_dbfs if preset.unit is LoudnessUnit.RMS else files[0].lufs
        lowest_db = -float("inf") if preset.rules.lowest_db is None else preset.rules.lowest_db
        highest_db = float("inf") if preset.rules.highest_db is None else preset.rules.highest_db
        reachable = lowest_db <= audio.loudness_db <= highest_db and found_db > SPEECH_FROM_DB
        if reachable and not lowest_db <= found_db <= highest_db:
            gain_db = max(-MAX_GAIN_DB, min(MAX_GAIN_DB, audio.loudness_db - found_db))
    excess_db = max(file.true_peak_dbtp for file in files) - audio.peak_dbtp
    limit_db = excess_db + PEAK_MARGIN_DB if excess_db > 0 else 0.0
    if not gain_db and not limit_db:
        return None
    return Correction(gain_db=round(gain_db, 2), limit_db=round(limit_db, 2))
