"""WAV files as services send them: torn, streamed, odd, of every width; and what must be refused."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.audio.clips import measure_clip, open_clip, samples_of
from narration.errors import AudioRefused

TONE = np.rint(8000 * np.sin(np.arange(2400) * 2 * np.pi * 440 / 24_000)).astype("<i2")
PCM = TONE.tobytes()


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(tag: int = 1, channels: int = 1, rate_hz: int = 24_000, bits: int = 16, extra: bytes = b"") -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits) + extra)


def same_sound(wav: bytes, tolerance: int = 0) -> bool:
    clip = open_clip(wav)
    heard = samples_of(clip)
    return len(heard) == len(TONE) and int(np.abs(heard.astype(int) - TONE.astype(int)).max()) <= tolerance


def test_a_plain_file_is_heard_as_written() -> None:
    assert same_sound(riff(fmt(), chunk(b"data", PCM)))


def test_a_torn_download_is_refused() -> None:
    whole = riff(fmt(), chunk(b"data", PCM))
    with pytest.raises(AudioRefused, match="cut short: 4800 bytes of sound are announced, 2400 came"):
        open_clip(whole[: 44 + 2400])


@given(st.integers(min_value=0, max_value=43))
def test_a_file_torn_inside_its_header_is_refused(length: int) -> None:
    with pytest.raises(AudioRefused):
        open_clip(riff(fmt(), chunk(b"data", PCM))[:length])


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_FFFF - 36])
def test_a_streamed_header_means_until_the_end(size: int) -> None:
    riff_size = 36 if size == 0 else 0xFFFF_FFFF
    assert same_sound(riff(fmt(), chunk(b"data", PCM, size=size), size=riff_size))


def test_an_empty_data_chunk_is_refused_and_not_filled_with_what_follows() -> None:
    with pytest.raises(AudioRefused, match="no sound in it"):
        open_clip(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFOabcd")))


def test_other_chunks_before_and_behind_the_sound_are_not_heard() -> None:
    listed = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0")
    assert same_sound(riff(fmt(), listed, chunk(b"data", PCM), listed))


def test_an_odd_byte_at_the_end_shifts_nothing() -> None:
    assert same_sound(riff(fmt(), chunk(b"data", PCM + b"\x7f")))
    assert same_sound(riff(fmt(), b"data\xff\xff\xff\xff" + PCM + b"\x7f"))


def packed_24(samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> bytes:
    return b"".join(struct.pack("<i", int(sample) << 16)[1:] for sample in samples)


@pytest.mark.parametrize(
    ("tag", "bits", "body", "tolerance"),
    [
        (1, 8, ((TONE.astype(int) + 128) // 256 + 128).astype(np.uint8).tobytes(), 128),
        (1, 24, packed_24(TONE), 0),
        (1, 32, (TONE.astype("<i4") << 16).tobytes(), 0),
        (3, 32, (TONE / 32_768).astype("<f4").tobytes(), 0),
        (3, 64, (TONE / 32_768).astype("<f8").tobytes(), 0),
    ],
)
def test_every_width_becomes_16_bit(tag: int, bits: int, body: bytes, tolerance: int) -> None:
    assert same_sound(riff(fmt(tag=tag, bits=bits), chunk(b"data", body)), tolerance)


def test_an_extensible_format_is_read_by_its_subformat() -> None:
    extra = struct.pack("<HHI", 22, 16, 4) + b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    assert same_sound(riff(fmt(tag=0xFFFE, extra=extra), chunk(b"data", PCM)))


def test_stereo_becomes_the_mean_of_its_channels() -> None:
    left_only = np.stack([TONE, np.zeros_like(TONE)], axis=1).astype("<i2").tobytes()
    clip = open_clip(riff(fmt(channels=2), chunk(b"data", left_only)))
    assert clip.channels == 1
    assert np.abs(samples_of(clip) - TONE / 2).max() <= 0.5


def test_floats_over_full_scale_are_limited_and_do_not_wrap() -> None:
    body = np.array([2.0, -2.0, 1.0], dtype="<f4").tobytes()
    assert samples_of(open_clip(riff(fmt(tag=3, bits=32), chunk(b"data", body)))).tolist() == [32767, -32768, 32767]


@pytest.mark.parametrize(
    ("wav", "message"),
    [
        (b"", "it is empty"),
        (b'{"code":"InvalidParameter","message":"no"}', "InvalidParameter"),
        (b"ID3\x04\0\0\0\0\0\0" + b"\0" * 50, "not a WAV file"),
        (riff(chunk(b"data", PCM)), "no format chunk"),
        (riff(fmt()), "no data chunk"),
        (riff(fmt(tag=7, bits=8), chunk(b"data", PCM)), "0x0007 with 8 bits"),
        (riff(fmt(tag=1, bits=12), chunk(b"data", PCM)), "12 bits"),
        (riff(fmt(channels=0), chunk(b"data", PCM)), "0 channels"),
        (riff(fmt(rate_hz=1000), chunk(b"data", PCM)), "1000 Hz"),
        (riff(chunk(b"fmt ", b"\1\0\1\0"), chunk(b"data", PCM)), "4 bytes"),
        (riff(fmt(tag=3, bits=32), chunk(b"data", np.array([np.nan], dtype="<f4").tobytes())), "not numbers"),
    ],
)
def test_what_is_not_whole_readable_sound_is_refused_with_a_reason(wav: bytes, message: str) -> None:
    with pytest.raises(AudioRefused, match=message):
        measure_clip(wav)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_bring_another_error(junk: bytes) -> None:
    for wav in (junk, b"RIFF\0\0\0\0WAVE" + junk, riff(fmt(), b"data" + junk)):
        with contextlib.suppress(AudioRefused):
            assert measure_clip(wav).frames > 0
