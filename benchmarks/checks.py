"""How many damaged takes the checks find, by kind, and how many good ones they accuse.

    python benchmarks/checks.py                       # 2,000 takes in English and 2,000 in Chinese
    python benchmarks/checks.py --takes 500 --language en --seed 3
    python benchmarks/checks.py --text FILE           # other words than the demo's

A tenth of the takes is damaged in the ten ways of `narration.sandbox.damage`, as many in each. The words are sentences
of a text, one to three at a time; the voices are six, spoken by espeak-ng. Every take is judged by what is usual of its
voice in all takes, the damaged ones included, as a book's are.
"""

from __future__ import annotations

import argparse
import pickle
import random
import re
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from narration.audio.clips import measure_take
from narration.sandbox.audio import wav
from narration.sandbox.damage import KINDS, Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import EngineKind, load_engine
from narration.sandbox.languages import Language
from narration.take import ClipMeasures, ClipTraits, SpeechAsk, Take

DATA = Path(__file__).parents[1] / "data"
TEXTS = {"en": DATA / "demo" / "manuscript.md", "zh": DATA / "demo-zh" / "manuscript.md"}
VOICES = ("a calm old man, low", "a young woman, lively", "a middle-aged woman", "a boy, fast", "a man, deep", "a girl")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]+[”’」』\"']*")


@dataclass(frozen=True, slots=True)
class Job:
    number: int
    voice: int
    language: str
    text: str
    kind: str
    seed: int


def jobs(language: str, count: int, text: str, seed: int) -> list[Job]:
    chance = random.Random(seed)
    sentences = [found.strip(" “”#*_") for found in _SENTENCE.findall(text)]
    sentences = [one for one in sentences if 2 <= len(one) <= 250]
    spoilt = chance.sample(range(count), count // 10)
    kinds = dict(zip(spoilt, [KINDS[place % len(KINDS)] for place in range(len(spoilt))], strict=True))
    glue = "" if language == "zh" else " "
    made = []
    for number in range(count):
        start = chance.randrange(len(sentences) - 3)
        words = glue.join(sentences[start : start + chance.choice((1, 1, 2, 3))])
        made.append(Job(number, chance.randrange(len(VOICES)), language, words, kinds.get(number, ""), seed + number))
    return made


def measured(job: Job) -> tuple[Job, ClipMeasures, ClipTraits | None]:
    engine, traits = load_engine(EngineKind.ESPEAK), design(VOICES[job.voice], job.voice)
    language = Language(job.language)
    if job.kind:
        samples = damaged(engine, traits, language, job.text, Damage(job.kind), job.seed)
    else:
        samples = engine.render(traits, language, job.text)
    return job, *measure_take(wav(samples))


def take_of(job: Job, measures: ClipMeasures, traits: ClipTraits | None) -> Take:
    ask = SpeechAsk(
        service="qwen", region="r", model="m", voice=f"v{job.voice}", text=job.text, language=job.language, ordinal=0
    )
    return Take(
        ask=ask, sha256="", measures=measures, request_id=str(job.number), billed_characters=0, price_usd=0.0,
        created_at="", run_id="", traits=traits,
    )  # fmt: skip
