"""Damaged takes: how many the checks find by kind, and how many good ones they accuse, in English and in Chinese.

The words are sentences of the demos, one to three at a time; the voices are six, spoken by espeak-ng. Every take is
judged by what is usual of its voice in all takes, the damaged ones included, as a book's are.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from narration.audio.clips import measure_take
from narration.check.doubts import most_doubtful
from narration.check.takes import Judge, fails
from narration.sandbox.audio import wav
from narration.sandbox.damage import KINDS, Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import EngineKind, load_engine
from narration.sandbox.languages import Language
from narration.settings.checks import CheckSettings
from narration.take import ClipMeasures, ClipTraits, SpeechAsk, Take

DATA = Path(__file__).parents[2] / "data"
TEXTS = {"en": DATA / "demo" / "manuscript.md", "zh": DATA / "demo-zh" / "manuscript.md"}
LEAST_FOUND, MOST_ACCUSED = 0.80, 0.02
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
    chance = random.Random(seed)  # noqa: S311 — takes, not secrets
    # A manuscript's marks of emphasis are no words: a book's chunks hold none.
    sentences = [found.strip(" “”#_") for found in _SENTENCE.findall(text.replace("*", ""))]
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
        service="qwen",
        region="r",
        model="m",
        voice=f"v{job.voice}",
        text=job.text,
        language=job.language,
        ordinal=job.number,
    )
    return Take(
        ask=ask, sha256="", measures=measures, request_id=str(job.number), billed_characters=0, price_usd=0.0,
        created_at="", run_id="", traits=traits,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """What the checks found.

    Attributes:
        language: of the texts.
        found: damaged takes that were accused, and all, by kind.
        doubted: damaged takes that passed and are to have a second opinion; and good ones.
        accused: good takes that were accused.
        good: how many there are.
        ms_each: to measure one take, and to judge it, in ms.
    """

    language: str
    found: dict[str, tuple[int, int]]
    accused: int
    good: int
    ms_each: float
    doubted: tuple[int, int]

    @property
    def recall(self) -> float:
        return sum(hits for hits, _ in self.found.values()) / sum(count for _, count in self.found.values())

    @property
    def false_alarms(self) -> float:
        return self.accused / self.good

    def __str__(self) -> str:
        lines = [f"{self.language}: {self.good} good takes, {self.accused} accused ({self.false_alarms:.1%})"]
        lines += [
            f"  {kind:13} {hits:3} of {count:3} found  {hits / count:5.0%}"
            for kind, (hits, count) in self.found.items()
        ]
        lines.append(f"  all           {self.recall:.1%} found; {self.ms_each:.2f} ms to judge a take")
        spoilt, good = self.doubted
        lines.append(
            f"  second opinion on {spoilt} damaged ones that pass, and on {good} good ones ({good / self.good:.1%})"
        )
        return "\n".join(lines)


def processes() -> ProcessPoolExecutor:
    """Two processes that speak; not forked from this one, whose other threads may hold a lock just then."""
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver"))


def run(language: str, count: int, text: str, seed: int) -> Result:
    with processes() as pool:
        done = list(pool.map(measured, jobs(language, count, text, seed), chunksize=20))
    takes = [(job.kind, take_of(job, measures, traits)) for job, measures, traits in done]
    started = time.perf_counter()
    judge = Judge(CheckSettings(), [take for _, take in takes])
    judge.settle()
    judged = [(kind, fails(judge.flaws(take))) for kind, take in takes]
    spent_s = time.perf_counter() - started
    passed = {take.take_id: (kind, take) for (kind, take), (_, failed) in zip(takes, judged, strict=True) if not failed}
    weights = {take_id: judge.apart(take).weight for take_id, (_, take) in passed.items()}
    doubted = Counter(bool(passed[take_id][0]) for take_id in most_doubtful(weights, CheckSettings().doubt_share))
    every, hits = Counter(kind for kind, _ in judged), Counter(kind for kind, failed in judged if failed)
    found = {str(kind): (hits[kind], every[kind]) for kind in KINDS if every[kind]}
    return Result(language, found, hits[""], every[""], 1000 * spent_s / len(takes), (doubted[True], doubted[False]))


def prove_checks(takes: int = 2_000, *, seed: int = 5, languages: tuple[str, ...] = ("en", "zh")) -> str:
    """Damage a tenth of so many takes in the ten ways of the sandbox, and judge all of them without a recogniser.

    Returns:
        The figures, by language and kind.
    """
    results = [run(language, takes, TEXTS[language].read_text(encoding="utf-8"), seed) for language in languages]
    for result in results:
        assert result.recall >= LEAST_FOUND, str(result)
        assert result.false_alarms <= MOST_ACCUSED, str(result)
    return "\n".join(["", *map(str, results), ""])
