"""The espeak-ng engine, through ctypes. The library is GPL-3: it is loaded here and in the sandbox's process only.

Invariant: one utterance, one life of the library. It keeps a random generator and other state between calls, so each
utterance loads it, seeds it, speaks and unloads it again, whatever happens: a library left loaded would give its
state to the next utterance. It is not thread-safe, so a lock lets one utterance through at a time.
"""

import ctypes
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import numpy as np

from narration.sandbox.engine import SAMPLE_RATE_HZ, EngineError, EngineMissingError, Samples, Traits
from narration.sandbox.languages import Language

# Numbers of espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4
_POS_CHARACTER = 1
_UTF8 = 1
_WORD_EVENT = 1

# Names that SetVoiceByName accepts; `en-gb` and `fr-fr`, say, it does not.
_VOICES: Mapping[Language, str] = {language: language.value for language in Language} | {Language.CHINESE: "cmn"}

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class EspeakEngine:
    """Real words in formant speech, ten languages."""

    name = "espeak-ng-1"
    cheap = False
    _lock: ClassVar = threading.Lock()  # there is one library in a process, however many engines

    def __init__(self) -> None:
        try:
            import espeakng_loader
            import soxr
        except ImportError as error:
            raise EngineMissingError(
                f"the speech engine needs {error.name}, which is not installed: "
                "install the extra `narrate[sandbox]`, or use --engine tone"
            ) from error
        self._resample = soxr.resample
        self._library = os.fsencode(espeakng_loader.get_library_path())
        self._data = os.fsencode(espeakng_loader.get_data_path())
        self._loader = ctypes.CDLL(None)
        self._loader.dlopen.restype = ctypes.c_void_p
        self._loader.dlopen.argtypes = (ctypes.c_char_p, ctypes.c_int)
        self._loader.dlclose.argtypes = (ctypes.c_void_p,)

    def render(self, traits: Traits, language: Language, text: str) -> Samples:
        """Return the spoken text, 24 kHz mono, 16 bit.

        Raises:
            EngineError: the library refused the voice or the text.
        """
        return self.score(traits, language, text)[0]

    def score(self, traits: Traits, language: Language, text: str) -> tuple[Samples, Mapping[int, int]]:
        """Return the same with the sample at which each word begins, by the place of its first character.

        Raises:
            EngineError: the library refused the voice or the text.
        """
        voice = f"{_VOICES[language]}+{traits.variant}"
        # A smaller speaker: the waveform is played faster by `tract`, and spoken slower by as much.
        rate_wpm = round(traits.rate_wpm / traits.tract)
        with self._lock, self._loaded() as (library, rate_hz):
            pcm, begun = _speak(library, voice, (rate_wpm, traits.pitch, traits.pitch_range), text)
        spoken = np.frombuffer(pcm, dtype=np.int16)
        resampled: Samples = self._resample(spoken, rate_hz * traits.tract, SAMPLE_RATE_HZ)
        scale = SAMPLE_RATE_HZ / (rate_hz * traits.tract)
        return resampled, {place: round(sample * scale) for place, sample in begun.items()}

    @contextmanager
    def _loaded(self) -> Iterator[tuple[ctypes.CDLL, int]]:
        """Give a fresh copy of the library, seeded, with its sample rate in Hz; unload it in any case."""
        handle = self._loader.dlopen(self._library, os.RTLD_NOW)
        if not handle:
            raise EngineError("the espeak-ng library could not be loaded")
        try:
            library = ctypes.CDLL("espeak-ng", handle=handle)
            rate_hz = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, self._data, _DONT_EXIT)
            if rate_hz <= 0:
                raise EngineError("the espeak-ng library could not be initialised")
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))
            yield library, rate_hz
            library.espeak_Terminate()
        finally:
            self._loader.dlclose(handle)


class _Event(ctypes.Structure):
    """An event of speak_lib.h; a list of them ends with one of type 0."""

    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


def _speak(library: ctypes.CDLL, voice: str, settings: tuple[int, int, int], text: str) -> tuple[bytes, dict[int, int]]:
    """Return the 16-bit samples of one utterance at the library's own rate, and the sample at which a word begins."""
    parts: list[bytes] = []
    begun: dict[int, int] = {}

    def collect(samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            parts.append(ctypes.string_at(samples, 2 * count))
        found = ctypes.cast(events, ctypes.POINTER(_Event)) if events else None
        number = 0
        while found is not None and found[number].type:
            if found[number].type == _WORD_EVENT:
                begun.setdefault(found[number].text_position - 1, found[number].sample)
            number += 1
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    status = library.espeak_SetVoiceByName(voice.encode())
    if status != 0:
        raise EngineError(f"no voice {voice} (status {status})")
    for parameter, value in zip((_RATE, _PITCH, _RANGE), settings, strict=True):
        library.espeak_SetParameter(parameter, value, 0)
    data = text.replace("\0", " ").encode("utf-8", "replace")
    status = library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, _POS_CHARACTER, 0, _UTF8, None, None)
    if status != 0:
        raise EngineError(f"the text could not be spoken (status {status})")
    return b"".join(parts), begun
