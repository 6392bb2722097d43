"""A book of 20,000 lines with everything in the store: planned and rendered again without a request."""

from __future__ import annotations

import array
import asyncio
import hashlib
import io
import json
import math
import os
import random
import subprocess
import tempfile
import time
import wave
from pathlib import Path
from unittest import mock

from tests.prove.harness import NARRATE, ROOT, Studio, vendor

CAST = """\
characters:
  - {name: Narrator, role: narrator, voice: "A calm man, low pitch, steady.", preview: "It was a dark night."}
  - {name: Ann, gender: female, voice: "A young woman, high pitch, lively.", preview: "I saw him go."}
  - {name: Bob, gender: male, voice: "An old man, low pitch, slow.", preview: "So did I, and gladly."}
"""


def write_book(folder: Path, lines: int, chapters: int) -> None:
    """A production with that many distinct lines."""
    folder.mkdir(parents=True)
    (folder / "cast.yaml").write_text(CAST)
    (folder / "book.yaml").write_text(
        "title: The Long Count\nauthor: Nobody\nlanguage: en\nmanuscript: book.md\ncast: cast.yaml\n"
    )
    parts = []
    for chapter in range(chapters):
        parts.append(f"# Chapter {chapter + 1}\n")
        for number in range(lines // chapters // 2):
            name = ("Ann", "Bob")[number % 2]
            parts.append(f"“Stone {number} of wall {chapter} is here,” said {name}.\n")
    (folder / "book.md").write_text("\n".join(parts))


def prove_long_book(lines: int = 20_000, chapters: int = 40) -> str:
    """Plan and render a long book whose every take is in the store already.

    Returns:
        Seconds and peak memory, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_book(folder / "book", lines, chapters)
        with vendor(folder) as service:
            studio = Studio(home=folder / "home", out=folder / "out", profile=service.profile())
            code, _out, err = studio.run("voices", "list")
            assert code == 0, err
            with mock.patch("os.fsync"):  # this store need not survive a power cut
                count = asyncio.run(_fill(folder / "book", studio))
            figures = []
            for what in (["plan", "--json"], ["render", "--json"], ["render", "--json"]):
                seconds, megabytes, answer = _measured(studio, folder / "book", what)
                assert answer["chunks_reused"] == count, answer
                figures.append(f"{what[0]} {seconds:.1f} s, {megabytes:.0f} MiB")
            assert service.bill()["calls"] == 0, "something was asked"
    return f"{count} chunks in the store, no request: " + "; ".join(figures)


def _measured(studio: Studio, book: Path, what: list[str]) -> tuple[float, float, dict[str, object]]:
    argv = [*NARRATE, what[0], str(book), "--profile", str(studio.profile), *what[1:]]
    argv += ["--out", str(studio.out)] if what[0] == "render" else []
    started = time.monotonic()
    process = subprocess.Popen(argv, cwd=ROOT, env=studio.environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    assert process.returncode == 0
    found: dict[str, object] = json.loads(out)
    return time.monotonic() - started, used.ru_maxrss / 1024, found


def _short_wav() -> bytes:
    """A third of a second of noise in the rhythm of a syllable, 24 kHz mono."""
    chance = random.Random(1)  # noqa: S311 - a sound, not a secret
    rhythm = (math.sin(math.pi * n / 8_000) for n in range(8_000))
    samples = array.array("h", (round(3000 * loud * max(-4.0, min(4.0, chance.gauss()))) for loud in rhythm))
    sink = io.BytesIO()
    with wave.open(sink, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24_000)
        out.writeframes(samples.tobytes())
    return sink.getvalue()


async def _fill(book: Path, studio: Studio) -> int:
    """Put a voice for every character and a take for every chunk into the store, as a render would have."""
    from flows.opening import Request, open_job
    from narration.audio.clips import measure_clip
    from narration.memory.takes import Takes
    from narration.memory.voices import Voices
    from narration.take import Take
    from narration.voice import Voice

    request = Request(folder=book, profile=str(studio.profile), store=str(studio.home / "store"))
    job = open_job(request, studio.environment(), needs_key=True)
    bible, takes = Voices(job.store), Takes(job.store)
    for number, planned in enumerate((await job.plan()).voices):
        voice = Voice(
            design=planned.design,
            voice=f"qwen-tts-vd-proof{number}-voice-20261121000000000-000{number}",
            preferred_name=f"proof{number}",
            character=planned.character.name,
            production="book",
            created_at="2026-11-21T00:00:00+00:00",
            request_id=f"design-{number}",
            price_usd=0.2,
            preview_format="wav",
        )
        await bible.put(voice, b"")
    plan = await job.plan()
    wav = _short_wav()
    measures, digest = measure_clip(wav), hashlib.sha256(wav).hexdigest()
    for planned_chunk in plan.missing():
        take = Take(
            ask=planned_chunk.ask,
            sha256=digest,
            measures=measures,
            request_id=planned_chunk.ask.take_id,
            billed_characters=len(planned_chunk.ask.text),
            price_usd=0.0,
            created_at="2026-11-21T00:00:00+00:00",
            run_id="proof",
        )
        await takes.put(take, wav)
    return plan.chunks_total
