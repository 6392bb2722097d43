"""Swapped takes found: recall and false alarms of the drift check on the sandbox's voices.

`python -m benchmarks.voices` speaks 2,000 lines of the demo story in its cast's voices with the sandbox's engine, swaps
20 of them between characters, and prints how many of the 20 are told, and how many of the other 1,980. Repeated for
several casts and choices of lines; `--casts 1` is quickest.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frame import Figure, at_least, told
from narration.audio.likeness import Likeness
from narration.audio.voiceprint import VoicePrint, print_of_samples
from narration.cast import load_cast
from narration.sandbox.descriptions import design
from narration.sandbox.engine import SAMPLE_RATE_HZ, Traits
from narration.sandbox.engine.espeak import EspeakEngine
from narration.sandbox.languages import Language

DEMO = Path(__file__).parents[1] / "data" / "demo"
TAKES, SWAPS = 2_000, 20


def lines() -> list[str]:
    """Sentences of the demo story and pairs of them, short and long."""
    text = re.sub(r"^#.*$|[_*“”]", "", (DEMO / "manuscript.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [" ".join(one.split()) for one in re.split(r"(?<=[.!?])\s+", text)]
    return [one for one in found if len(one) >= 8]


def heard(engine: EspeakEngine, traits: Traits, text: str) -> VoicePrint | None:
    """The voiceprint of a text in a voice."""
    return print_of_samples(engine.render(traits, Language.ENGLISH, text), SAMPLE_RATE_HZ)


def run(seed: int) -> tuple[int, int, int, float]:
    """Swaps told, false alarms, takes, seconds of measuring for each take."""
    chance, engine = random.Random(seed), EspeakEngine()
    cast = load_cast(DEMO / "cast.yaml").characters
    traits = {one.name: design(one.voice, seed=chance.getrandbits(31)) for one in cast}
    previews = {one.name: heard(engine, traits[one.name], one.preview) for one in cast}
    said, names = lines(), list(traits)
    speakers = [names[0] if chance.random() < 0.5 else chance.choice(names[1:]) for _ in range(TAKES)]
    texts = list(itertools.islice(itertools.cycle(chance.sample(said, len(said))), TAKES))
    swapped = set(chance.sample(range(TAKES), SWAPS))
    kept: dict[tuple[str, str], VoicePrint | None] = {}
    takes, indexes, spent = [], [], 0.0
    for index, (speaker, text) in enumerate(zip(speakers, texts, strict=True)):
        voice = chance.choice([name for name in names if name != speaker]) if index in swapped else speaker
        if (voice, text) not in kept:
            samples = engine.render(traits[voice], Language.ENGLISH, text)
            began = time.perf_counter()
            kept[voice, text] = print_of_samples(samples, SAMPLE_RATE_HZ)
            spent += time.perf_counter() - began
        found = kept[voice, text]
        if found is not None:
            takes.append((speaker, found))
            indexes.append(index)
    likeness = Likeness({name: one for name, one in previews.items() if one}, takes)
    told = {indexes[stray.index] for stray in likeness.strays()}
    return len(told & swapped), len(told - swapped), len(takes), spent / max(1, len(kept))


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Swap takes in two casts, and count which are told."""
    runs = [run(seed) for seed in range(1, 2 if tiny else 3)]
    told_, alarms, takes = (sum(one[place] for one in runs) for place in range(3))
    swaps = SWAPS * len(runs)
    yield at_least("swapped takes that are told", 100 * told_ / swaps, 90.0, "%", seen=f"{told_} of {swaps}", digits=0)
    yield told("false alarms", 100 * alarms / (takes - swaps), "%", seen=f"{alarms} of {takes - swaps}")
    yield told("measuring a take", 1000 * runs[0][3], "ms", digits=1)


def main() -> None:
    """Print a row for each cast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casts", type=int, default=3)
    print("cast  swaps told  false alarms        takes  ms a take")
    for seed in range(1, parser.parse_args().casts + 1):
        told, alarms, takes, seconds = run(seed)
        print(
            f"{seed:4}  {told:4} of {SWAPS}  {alarms:5} ({100 * alarms / (takes - SWAPS):5.2f} %)  {takes:8}  {1000 * seconds:9.1f}"
        )


if __name__ == "__main__":
    main()
