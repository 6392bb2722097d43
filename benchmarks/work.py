"""What the chunks of a book cost this machine: to plan, to speak, to render again.

The service is a process of its own and is not counted; it answers at once, so that nothing but our own work remains.
Beside it, the least that any program does for the same takes: ask, download, write, with the same library, and nothing
kept of what is paid for (`python -m benchmarks.work least`).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from benchmarks.frame import NARRATE, Figure, Used, at_most, child, run, told, unit_s
from benchmarks.service import write_monologue
from tests.prove.harness import KEY, Studio, vendor

CHUNKS = 500
"""Half a thousand; what grows with the chunks is told for one."""
LONGER = 4
IN_FLIGHT = 16
TEXT = "At bell {} the keeper counted the lights along the shore and wrote them down, " + 2 * "as he did each night; "
MOST_AGAIN = 0.1
"""Of the processor time of speaking, a render takes at the most that finds everything spoken."""


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Plan, speak, deliver and render again a book; plan one that is longer."""
    chunks, unit = (24 if tiny else CHUNKS), unit_s()
    with tempfile.TemporaryDirectory() as name, vendor(Path(name)) as service:
        folder = Path(name)
        studio = Studio(home=folder / "home", out=folder / "out", profile=service.profile(in_flight=IN_FLIGHT))
        write_monologue(folder / "book", chunks, chapters=4)
        plan = _narrate(studio, "plan", folder / "book", "--json")
        total = int(json.loads(plan.out)["chunks_total"])
        seen = f"{total} chunks: {plan}"
        yield told("plan, units of CPU", plan.cpu_s / unit, seen=seen, digits=1)
        yield told("plan, a chunk", 1000 * plan.cpu_s / total, "ms CPU", digits=1)
        yield from _longer(studio, folder, plan.cpu_s, chunks)
        speak = child("work", "speak", folder / "book", studio.profile, studio.home / "store", env=studio.environment())
        least = child("work", "least", service.base_url, total, folder / "least", env=os.environ)
        yield told("speak, against the least", speak.cpu_s / least.cpu_s, seen=f"{speak}; {least}", digits=1)
        yield told("speak, a chunk", 1000 * speak.cpu_s / total, "ms CPU", digits=1)
        _narrate(studio, "render", folder / "book", *_deliver(studio))
        again = _narrate(studio, "render", folder / "book", *_deliver(studio))
        asked = int(json.loads(again.out)["chunks_spoken"])
        yield at_most("chunks asked for when rendered again", asked, 0, "", digits=0)
        yield at_most("render again, against speaking", again.cpu_s / speak.cpu_s, MOST_AGAIN, seen=str(again))
        yield told("render again, units of CPU", again.cpu_s / unit, digits=1)


def _longer(studio: Studio, folder: Path, plan_s: float, chunks: int) -> Iterator[Figure]:
    write_monologue(folder / "longer", LONGER * chunks, chapters=4 * LONGER)
    longer = _narrate(studio, "plan", folder / "longer", "--json")
    ratio = longer.cpu_s / plan_s
    yield at_most(f"plan of {LONGER} times as much", ratio, LONGER, seen=str(longer), digits=1)


def _deliver(studio: Studio) -> tuple[str, ...]:
    return ("--out", str(studio.out), "--json", "--yes")


def _narrate(studio: Studio, command: str, book: Path, *arguments: str) -> Used:
    return run([*NARRATE, command, str(book), "--profile", str(studio.profile), *arguments], env=studio.environment())


async def speak(book: Path, profile: str, store: str, environ: Mapping[str, str]) -> None:
    """Speak a book into the store, and make no files."""
    from flows.opening import Request, open_job
    from flows.progress import Progress
    from flows.rendering import render

    job = open_job(Request(folder=book, profile=profile, store=store, speak_only=True), environ, needs_key=True)
    plan = await job.plan()
    summary = await render(job, plan, environ, progress=Progress(plan=plan))
    if summary.chunks_spoken != plan.chunks_total:
        raise RuntimeError(f"{summary.chunks_spoken} of {plan.chunks_total} chunks were spoken: {summary.stopped}")


async def least(base_url: str, count: int, folder: Path) -> None:
    """Ask for as many texts, and write what comes."""
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        design = {
            "model": "qwen-voice-design",
            "input": {
                "action": "create",
                "target_model": "qwen3-tts-vd-2026-01-26",
                "voice_prompt": "A calm middle-aged woman, low pitch, steady pace, for audiobook narration.",
                "preview_text": "The lamp was out, but nobody in the house had slept.",
                "preferred_name": "least",
                "language": "en",
            },
            "parameters": {"sample_rate": 24000, "response_format": "wav"},
        }
        answer = await client.post(f"{base_url}/services/audio/tts/customization", json=design)
        voice = answer.raise_for_status().json()["output"]["voice"]
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def one(number: int) -> None:
            async with slots:
                text = {"text": TEXT.format(number), "voice": voice, "language_type": "English"}
                asked = {"model": "qwen3-tts-vd-2026-01-26", "input": text}
                told = await client.post(f"{base_url}/services/aigc/multimodal-generation/generation", json=asked)
                sound = await client.get(told.raise_for_status().json()["output"]["audio"]["url"])
                (folder / f"{number}.wav").write_bytes(sound.raise_for_status().content)

        await asyncio.gather(*(one(number) for number in range(count)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["speak", book, profile, store]:
            asyncio.run(speak(Path(book), profile, store, dict(os.environ)))
        case ["least", base_url, count, folder]:
            Path(folder).mkdir()
            asyncio.run(least(base_url, int(count), Path(folder)))
