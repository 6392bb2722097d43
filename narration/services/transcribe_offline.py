"""The recogniser of this machine: pocketsphinx, in processes of its own. English only, free, and honest about it.

It is told the expected words, and follows them through the sound (`narration.audio.dictation` says how): `followed` is
strong evidence that all of them are there, if no proof, and its absence says nothing.

Invariant: whatever becomes of a process, this one goes on: a process that dies or hangs is replaced, and its sound is
counted as not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import sys
from typing import Final

from narration.errors import InputError, Problem, ToolError
from narration.hearing import HeardWord, HearingAsk, Transcript
from narration.services.protocol import Gate
from narration.services.recogniser import Told

log = logging.getLogger("narration.services.transcribe")

LANGUAGE: Final = "en"
MODULE: Final = "narration.audio.dictation"
PROCESSES: Final = 2
ANSWER_S: Final = 300.0
"""A minute of sound takes a quarter of this on a slow machine."""
_LINE_BYTES: Final = 4 * 1024 * 1024


def check_language(language: str) -> None:
    """Refuse what it cannot hear.

    Raises:
        InputError: it is not English.
    """
    if language.split("-")[0].lower() != LANGUAGE:
        what = f"the offline recogniser hears English only, and the book's language is {language}"
        hint = "Use the kind dashscope or openai for other languages."
        where = "recogniser of the table [check]"
        raise InputError(Problem(what=what, where=where, expected="a book in English", hint=hint))


class OfflineRecogniser:
    """pocketsphinx, a few processes of it.

    Raises:
        ToolError: it is not installed.
    """

    account = ""

    def __init__(self, *, processes: int = PROCESSES, answer_s: float = ANSWER_S) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise ToolError(
                "The offline recogniser, pocketsphinx, is not installed.",
                "Install the extra `narrate[speechcheck]`, or choose another recogniser.",
            )
        self._answer_s = answer_s
        self._idle: asyncio.LifoQueue[asyncio.subprocess.Process | None] = asyncio.LifoQueue()
        for _ in range(processes):
            self._idle.put_nowait(None)

    async def transcribe(self, sound: bytes, ask: HearingAsk, gate: Gate) -> Told:  # noqa: ARG002 — nothing is sent
        """Follow the expected words through a WAV file.

        Raises:
            InputError: the language is not English.
            ToolError: the process cannot be started.
        """
        check_language(ask.language)
        process = await self._idle.get()
        try:
            if process is None or process.returncode is not None:
                process = await _started()
            said = await self._answered(process, sound, ask)
        except BaseException:
            await _ended(process)
            self._idle.put_nowait(None)
            raise
        if said is None:
            await _ended(process)
            process, said = None, Transcript(request_id="", words=(), followed=False)
        self._idle.put_nowait(process)
        return Told(said=said, call=None)

    async def aclose(self) -> None:
        """End the processes that wait for work."""
        while not self._idle.empty():
            await _ended(self._idle.get_nowait())

    async def _answered(self, process: asyncio.subprocess.Process, sound: bytes, ask: HearingAsk) -> Transcript | None:
        """What the process says; None where it died or took too long."""
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 — `_started` asks for them
        asked = json.dumps({"bytes": len(sound), "words": ask.expected.split()})
        try:
            async with asyncio.timeout(self._answer_s):
                process.stdin.write(asked.encode() + b"\n" + sound)
                await process.stdin.drain()
                line = await process.stdout.readline()
            told = json.loads(line)
            words = tuple(HeardWord(text=str(t), start_ms=a, end_ms=b) for t, a, b in told["words"])
            return Transcript(request_id="", words=words, followed=bool(told["followed"]))
        except (TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the offline recogniser failed on one take: %s", type(error).__name__)
            return None


async def _started() -> asyncio.subprocess.Process:
    """A process that waits for sounds.

    Raises:
        ToolError: it cannot be started.
    """
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    argv = (sys.executable, "-m", MODULE)
    try:
        return await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=nothing, limit=_LINE_BYTES)
    except OSError as error:
        raise ToolError(f"The offline recogniser cannot be started: {error.strerror}.") from error


async def _ended(process: asyncio.subprocess.Process | None) -> None:
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    # The pipes' transport is closed with the last of them; left open, it would complain when the loop is gone.
    assert process.stdin is not None  # noqa: S101 — `_started` asks for it
    process.stdin.close()
