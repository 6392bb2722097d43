"""The speaker: renders with the engine away from the event loop, and keeps what it rendered.

Invariant: one voice, language and text is rendered once; asked again, the same file is given.
"""

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

from narration.sandbox import audio
from narration.sandbox.engine import Engine, Samples, Traits
from narration.sandbox.files import Shelf
from narration.sandbox.languages import Language

KEY_CHARS = 40
FLAWS = ("silent_wav", "runaway_wav")


class Speaker:
    """One worker thread in front of an engine; the engines are not thread-safe."""

    def __init__(self, engine: Engine, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="speaker")

    def close(self) -> None:
        """Let the rendering at work finish and drop what waits."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def speak(self, traits: Traits, language: Language, text: str, faults: frozenset[str]) -> tuple[str, bytes]:
        """Render a text and put it on the shelf.

        Returns:
            The key of its file, and the whole WAV file with exact sizes.
        """
        flaws = tuple(flaw for flaw in FLAWS if flaw in faults)
        key = self._key(traits, language, text, flaws)

        def work() -> bytes:
            kept = self._shelf.get(key) if self._shelf.touch(key) else None
            if kept is not None:
                return kept
            samples = self._engine.render(traits, language, text)
            for flaw in flaws:
                samples = audio.silence(samples) if flaw == "silent_wav" else audio.runaway(samples)
            data = audio.wav(audio.pcm_bytes(samples))
            self._shelf.put(key, data)
            return data

        if self._engine.cheap:
            return key, work()
        return key, await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def preview(self, traits: Traits, language: Language, text: str, rate_hz: int, form: str) -> bytes:
        """Render a preview in an asked rate and format; it is not kept."""

        def work() -> bytes:
            samples: Samples = self._engine.render(traits, language, text)
            return audio.preview(samples, rate_hz, form)

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _key(self, traits: Traits, language: Language, text: str, flaws: tuple[str, ...]) -> str:
        asked = json.dumps([self._engine.name, traits.as_dict(), language, text, flaws], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:KEY_CHARS]
