"""The speaker: renders with the engine away from the event loop, and keeps what it rendered.

Invariant: one voice, language and text is one key, and the audio of a key never changes. Speech is kept as a file;
what a cheap engine renders is kept as its recipe, and rendered when it is fetched.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import TypeVar

from narration.sandbox import audio
from narration.sandbox.damage import Damage, damaged
from narration.sandbox.engine import SAMPLE_RATE_HZ, Engine, Samples, Traits
from narration.sandbox.faults import Switchboard
from narration.sandbox.files import Shelf
from narration.sandbox.languages import Language
from narration.sandbox.state import State

T = TypeVar("T")

KEY_CHARS = 40
FLAWS = ("silent_wav", "runaway_wav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a file is to be: its format by the service's name, sample rate, and volume (50 is as it comes)."""

    name: str = "wav"
    rate_hz: int = SAMPLE_RATE_HZ
    volume: int = 50


PLAIN = Form()


class Speaker:
    """One worker thread in front of an engine; the engines are not thread-safe."""

    def __init__(self, engine: Engine, shelf: Shelf, state: State, board: Switchboard) -> None:
        self._engine = engine
        self._board = board
        self._shelf = shelf
        self._state = state
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="speaker")

    def close(self) -> None:
        """Let the rendering at work finish and drop what waits."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def speak(
        self, traits: Traits, language: Language, text: str, faults: frozenset[str], form: Form = PLAIN
    ) -> str:
        """Speak a text, and return the key under which it can be fetched from now on."""
        flaws = [flaw for flaw in FLAWS if flaw in faults]
        matter = self._board.damage_of(text, faults)
        if matter is not None:
            flaws.append(f"{matter[0]} {matter[1]}")
        shape = [] if form == PLAIN else list(astuple(form))
        recipe = json.dumps([self._engine.name, traits.as_dict(), language, text, flaws, *shape])
        key = hashlib.sha256(recipe.encode()).hexdigest()[:KEY_CHARS]
        if self._engine.cheap:
            self._state.keep_recipe(key, recipe)
        elif not self._shelf.touch(key):
            self._state.keep_sound(await self._apart(lambda: self._shelved(key, recipe)), recipe)
        return key

    def fetch(self, key: str) -> bytes | None:
        """Return the file of a key, None when there is none (any more)."""
        data = self._shelf.get(key)
        if data is None and self._engine.cheap:
            recipe = self._state.recipe(key)
            if recipe is not None:
                data = self._render(recipe)
                self._state.keep_sound(_digest(data), recipe)
        return data

    async def preview(self, traits: Traits, language: Language, text: str, rate_hz: int, form: str) -> bytes:
        """Speak a preview in an asked rate and format; it is not kept."""
        return await self._apart(lambda: audio.preview(self._engine.render(traits, language, text), rate_hz, form))

    @property
    def engine(self) -> Engine:
        """What speaks."""
        return self._engine

    def _shelved(self, key: str, recipe: str) -> str:
        """Put the file of a recipe on the shelf, and return what its sound is known by."""
        data = self._render(recipe)
        self._shelf.put(key, data)
        return _digest(data)

    def _render(self, recipe: str) -> bytes:
        """Return the file of a recipe."""
        _, traits, language, text, flaws, *shape = json.loads(recipe)
        samples = self._spoken(Traits(**traits), Language(language), text, flaws)
        if not shape:
            return audio.wav(samples)
        name, rate_hz, volume = shape
        return audio.preview(audio.louder(samples, volume / PLAIN.volume), rate_hz, name)

    def _spoken(self, traits: Traits, language: Language, text: str, flaws: list[str]) -> Samples:
        matter = next((flaw.split() for flaw in flaws if flaw not in FLAWS), None)
        if matter is None:
            samples = self._engine.render(traits, language, text)
        else:
            samples = damaged(self._engine, traits, language, text, Damage(matter[0]), int(matter[1]))
        for flaw in flaws:
            if flaw in FLAWS:
                samples = audio.silence(samples) if flaw == "silent_wav" else audio.runaway(samples)
        return samples

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


def _digest(data: bytes) -> str:
    """What one of our files is known by when it is heard: the hash of its samples."""
    return hashlib.sha256(data[audio.HEADER_BYTES :] if data.startswith(b"RIFF") else data).hexdigest()
