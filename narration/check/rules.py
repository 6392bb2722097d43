"""What is wrong with one finished file, by a preset's rules.

Invariant: pure: the same measures and rules give the same findings, in the order of the register of codes.
"""

from __future__ import annotations

from collections.abc import Iterator

from narration.audio.measure import Delivered
from narration.finding import MEANINGS, Code, Finding
from narration.settings.presets import LoudnessUnit, Preset, Rules

TOLERANCE_DB = 0.05
"""What a value may be over a rule before it is told: rules have one decimal, and meters differ in the second."""
TOLERANCE_MS = 30
"""Where a sound begins is known to a hundredth of a second, and a file is filled up to a whole frame."""
NEVER_CLIPPED_BELOW_DBFS = -20.0
"""A file whose loudest samples are down there holds next to nothing."""


def finding(code: Code, file: str, *, rule: str, value: str, chapter: int = 0) -> Finding:
    """A finding about a file, in the words of the register."""
    meaning = MEANINGS[code]
    return Finding(
        code=code,
        severity=meaning.severity,
        message=f"{meaning.title}: {value}, expected {rule}" if rule else f"{meaning.title}: {value}",
        chapter=chapter,
        hint=meaning.hint,
        file=file,
        rule=rule,
        value=value,
    )


def findings_of(file: str, measures: Delivered, preset: Preset, *, chapter: int = 0) -> tuple[Finding, ...]:
    """Everything that is wrong with one file, but what only the whole folder tells.

    Args:
        file: its name, for the findings.
        measures: of the file, decoded.
        preset: whose rules count.
        chapter: its number, where there is one.
    """
    found = (
        *_sound(measures),
        *_loudness(measures, preset),
        *_peaks(measures, preset.rules),
        *_encoding(measures, preset.rules),
        *_silence(measures, preset.rules),
    )
    order = list(Code)
    return tuple(
        finding(code, file, rule=rule, value=value, chapter=chapter)
        for code, rule, value in sorted(found, key=lambda one: order.index(one[0]))
    )


_Found = tuple[Code, str, str]


def _sound(measures: Delivered) -> Iterator[_Found]:
    if measures.faults:
        kinds = "one kind of fault" if measures.faults == 1 else f"{measures.faults} kinds of faults"
        yield Code.DAMAGED, "none", kinds
    clipped = measures.clipped_dbfs
    if clipped is not None and clipped > NEVER_CLIPPED_BELOW_DBFS:
        yield Code.CLIPPED, "", f"at about {clipped:.1f} dBFS"


def _loudness(measures: Delivered, preset: Preset) -> Iterator[_Found]:
    rules = preset.rules
    if preset.unit is LoudnessUnit.NONE or rules.lowest_db is None or rules.highest_db is None:
        return
    found_db, unit = (measures.rms_dbfs, "dBFS RMS") if preset.unit is LoudnessUnit.RMS else (measures.lufs, "LUFS")
    rule, value = f"between {rules.lowest_db:g} and {rules.highest_db:g} {unit}", f"{found_db:.1f} {unit}"
    if found_db < rules.lowest_db - TOLERANCE_DB:
        yield Code.TOO_SOFT, rule, value
    if found_db > rules.highest_db + TOLERANCE_DB:
        yield Code.TOO_LOUD, rule, value


def _peaks(measures: Delivered, rules: Rules) -> Iterator[_Found]:
    if rules.peak_dbtp is not None:
        limit = rules.peak_dbtp + TOLERANCE_DB
        if measures.peak_dbfs > limit:
            yield Code.PEAK, f"at most {rules.peak_dbtp:g} dBFS", f"{measures.peak_dbfs:.1f} dBFS"
        elif measures.true_peak_dbtp > limit:
            yield Code.TRUE_PEAK, f"at most {rules.peak_dbtp:g} dBTP", f"{measures.true_peak_dbtp:.1f} dBTP"
    if rules.floor_dbfs is not None and measures.floor_dbfs > rules.floor_dbfs + TOLERANCE_DB:
        yield Code.NOISY, f"at most {rules.floor_dbfs:g} dBFS", f"{measures.floor_dbfs:.1f} dBFS"


def _encoding(measures: Delivered, rules: Rules) -> Iterator[_Found]:
    if rules.rates_hz and measures.rate_hz not in rules.rates_hz:
        rates = " or ".join(str(rate) for rate in rules.rates_hz)
        yield Code.RATE, f"{rates} Hz", f"{measures.rate_hz} Hz"
    if measures.codec == "mp3":
        if rules.constant_bitrate and not measures.constant_bitrate:
            yield Code.BITRATE_VARIES, "a constant bit rate", f"{measures.bitrate_kbps} kbit/s on the average"
        elif measures.bitrate_kbps < rules.bitrate_kbps:
            yield Code.BITRATE, f"at least {rules.bitrate_kbps} kbit/s", f"{measures.bitrate_kbps} kbit/s"
    if rules.longest_s and measures.duration_s > rules.longest_s:
        yield Code.TOO_LONG, f"at most {rules.longest_s / 60:g} min", f"{measures.duration_s / 60:.1f} min"


def _silence(measures: Delivered, rules: Rules) -> Iterator[_Found]:
    codes = (
        (rules.head_ms, measures.head_ms, Code.HEAD_SHORT, Code.HEAD_LONG),
        (rules.tail_ms, measures.tail_ms, Code.TAIL_SHORT, Code.TAIL_LONG),
    )
    for limits_ms, found_ms, short, long in codes:
        if limits_ms is None:
            continue
        rule, value = f"between {limits_ms[0] / 1000:g} and {limits_ms[1] / 1000:g} s", f"{found_ms / 1000:.2f} s"
        if found_ms < limits_ms[0] - TOLERANCE_MS:
            yield short, rule, value
        if found_ms > limits_ms[1] + TOLERANCE_MS:
            yield long, rule, value
