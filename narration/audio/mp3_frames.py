"""The frames of an MP3 file, read from their headers: what bit rates, sample rates and channels are really in it.

Invariant: nothing here trusts the file's own summary (the Xing or Info frame); it is passed over, but for the number
of frames that were written, which tells a file that was cut short.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""By the two version bits and the four bits of the bit rate. Source: ISO/IEC 11172-3, 2.4.2.3, and 13818-3."""
_SUMMARIES = (b"Xing", b"Info", b"VBRI")
_TAG_BYTES, _SUMMARY_BYTES = 10, 64
_READ_BYTES, _MOST_BYTES = 1 << 20, 1 << 11
"""A file is read in pieces; no frame of Layer III is longer than the second. Source: 320 kbit/s at 32 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What the frames of a file say.

    Attributes:
        count: of frames with sound.
        kbps: the bit rates, in order of size.
        mean_kbps: over all frames.
        announced: how many frames the file's summary says there are; 0 without one.
    """

    count: int
    kbps: tuple[int, ...]
    mean_kbps: float
    announced: int

    @property
    def is_cut_short(self) -> bool:
        """Whether frames are missing; the last one may be counted or not."""
        return self.count < self.announced - 1


def read_frames(path: Path) -> Frames | None:
    """Walk through the frames of a file; None where it is no MP3 file.

    Raises:
        OSError: it cannot be read.
    """
    counts: dict[int, int] = {}
    announced = 0
    with path.open("rb") as file:
        file.seek(_after_tag(file.read(_TAG_BYTES)))
        data, position, first = file.read(_READ_BYTES), 0, True
        while True:
            if position + _MOST_BYTES > len(data) and (fresh := file.read(_READ_BYTES)):
                data, position = data[position:] + fresh, max(0, position - len(data))
            if position + 4 > len(data):
                break
            found = _frame(int.from_bytes(data[position : position + 4]))
            if found is None:
                at = data.find(b"\xff", position + 1)
                position = at if at >= 0 else len(data)
                continue
            kbps, size = found
            summary = _summary(data[position : position + _SUMMARY_BYTES]) if first else None
            if summary is not None:
                announced = summary
            else:
                counts[kbps] = counts.get(kbps, 0) + 1
            first = False
            position += size
    total = sum(counts.values())
    if total < 2:
        return None
    mean = sum(kbps * count for kbps, count in counts.items()) / total
    # A stray byte pair in a cover or a torn frame looks like a header now and then.
    kept = tuple(sorted(kbps for kbps, count in counts.items() if count * 1000 >= total))
    return Frames(count=total, kbps=kept, mean_kbps=round(mean, 1), announced=announced)


def _summary(frame: bytes) -> int | None:
    """How many frames a summary announces, 0 where it does not say; None where this frame is sound.

    Source: the Xing header as LAME writes it: its name, four bytes of flags, then the number of frames.
    """
    for name in _SUMMARIES:
        at = frame.find(name)
        if at >= 0 and name == b"VBRI":
            return int.from_bytes(frame[at + 14 : at + 18])
        if at >= 0:
            return int.from_bytes(frame[at + 8 : at + 12]) if frame[at + 7 : at + 8] and frame[at + 7] & 1 else 0
    return None


def _after_tag(data: bytes) -> int:
    """Where the sound begins, behind an ID3v2 tag. Source: id3.org, id3v2.3.0, 3.1."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(header: int) -> tuple[int, int] | None:
    """Bit rate and size in bytes of a Layer III frame, or None where this is no header."""
    if header >> 21 != 0x7FF or header >> 17 & 3 != 1:
        return None
    version, rate_index, kbps_index = header >> 19 & 3, header >> 10 & 3, header >> 12 & 15
    if version == 1 or rate_index == 3 or kbps_index in (0, 15):
        return None
    kbps = (_KBPS_1 if version == 3 else _KBPS_2)[kbps_index]
    samples = 1152 if version == 3 else 576
    return kbps, samples // 8 * kbps * 1000 // _RATES_HZ[version][rate_index] + (header >> 9 & 1)
