"""Voices that say little: how many strangers among three to ten takes the approved preview tells, without false alarms.

The casts are those of the demos, made by the sandbox from the demos' descriptions with another chance each time and
spoken by espeak-ng. Of each voice three to ten of its lines are taken; one of them is then spoken by somebody else.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from narration.audio.clips import measure_take
from narration.cast import load_cast
from narration.check.takes import Judge
from narration.finding import Code
from narration.sandbox.audio import wav
from narration.sandbox.damage import Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import Engine, EngineKind, Traits, load_engine
from narration.sandbox.languages import Language
from narration.settings.checks import CheckSettings
from narration.take import ClipMeasures, ClipTraits, SpeechAsk, Take
from tests.prove.checks import DATA, TEXTS, jobs

FEWEST, MOST = 3, 10
LEAST_OTHERS, LEAST_STRANGERS = 0.65, 0.5
"""Share of the takes of another voice of the cast, and of somebody whom chance made, that have to be told."""
BOOKS = {"en": "demo", "zh": "demo-zh"}
Sound: TypeAlias = tuple[ClipMeasures, ClipTraits | None]


@dataclass(frozen=True, slots=True)
class Actor:
    """A voice of a cast, with its preview and its takes."""

    traits: Traits
    preview: ClipTraits
    takes: tuple[Take, ...]


def _cast(engine: Engine, language: Language, seed: int, folder: Path) -> list[Actor]:
    chance = random.Random(seed)  # noqa: S311 — voices, not secrets
    rows = load_cast(folder / "cast.yaml").characters
    texts = [job.text for job in jobs(language.value, MOST * len(rows), TEXTS[language.value].read_text("utf-8"), seed)]
    cast = []
    for number, row in enumerate(rows):
        traits = design(row.voice, chance.randrange(2**31))
        _, preview = measure_take(wav(engine.render(traits, language, row.preview)))
        assert preview is not None
        mine = texts[number * MOST : (number + 1) * MOST]
        sounds = [measure_take(wav(engine.render(traits, language, text))) for text in mine]
        takes = [_take(str(number), language, place, text, *sounds[place]) for place, text in enumerate(mine)]
        cast.append(Actor(traits, preview, tuple(takes)))
    return cast


def _take(
    voice: str, language: Language, ordinal: int, text: str, measures: ClipMeasures, traits: ClipTraits | None
) -> Take:
    ask = SpeechAsk(
        service="qwen", region="r", model="m", voice=voice, text=text, language=language.value, ordinal=ordinal
    )
    return Take(
        ask=ask, sha256="", measures=measures, request_id="", billed_characters=0, price_usd=0.0, created_at="",
        run_id="", traits=traits,
    )  # fmt: skip


def _judged(takes: list[Take], actor: Actor) -> Judge:
    judge = Judge(CheckSettings(), takes)
    judge.refer(takes[0].ask.voice, actor.preview)
    judge.settle()
    return judge


def _of_the_voice(judge: Judge, take: Take) -> bool:
    return any(flaw.code in (Code.TAKE_PITCH, Code.TAKE_TIMBRE) for flaw in judge.flaws(take))


def _try(engine: Engine, language: Language, cast: list[Actor], chance: random.Random, found: Counter[str]) -> None:
    for actor in cast:
        takes = chance.sample(actor.takes, chance.randint(FEWEST, MOST))
        judge = _judged(takes, actor)
        found["good"] += len(takes)
        found["accused"] += sum(_of_the_voice(judge, take) for take in takes)
        replaced = takes[0]
        other = chance.choice([one for one in cast if one is not actor])
        text, seed = replaced.ask.text, chance.randrange(2**31)
        for kind, samples in (
            ("other", engine.render(other.traits, language, text)),
            ("stranger", damaged(engine, actor.traits, language, text, Damage.OTHER_VOICE, seed)),
        ):
            measures, traits = measure_take(wav(samples))
            stranger = replace(replaced, measures=measures, traits=traits)
            judge = _judged([stranger, *takes[1:]], actor)
            told = _of_the_voice(judge, stranger)
            found[kind] += 1
            found[f"{kind} told"] += told
            found[f"{kind} doubted"] += not told and judge.apart(stranger).weight >= 1
            found["good"] += len(takes) - 1
            found["accused"] += sum(_of_the_voice(judge, take) for take in takes[1:])


def prove_strangers(casts: int = 8, *, languages: tuple[str, ...] = ("en", "zh"), seed: int = 1) -> str:
    """Make so many casts of each demo, and put a stranger among the few takes of each voice.

    Returns:
        The figures, in one sentence for each language.
    """
    engine, told = load_engine(EngineKind.ESPEAK), []
    for name in languages:
        language, found = Language(name), Counter[str]()
        chance = random.Random(seed)  # noqa: S311 — takes, not secrets
        for number in range(casts):
            cast = _cast(engine, language, seed + number, DATA / BOOKS[name])
            for _ in range(4):
                _try(engine, language, cast, chance, found)
        shares = {kind: found[f"{kind} told"] / found[kind] for kind in ("other", "stranger")}
        both = {kind: shares[kind] + found[f"{kind} doubted"] / found[kind] for kind in shares}
        told.append(
            f"{name}: of {found['other']} takes in another voice of the cast {shares['other']:.0%} are told and "
            f"{both['other']:.0%} told or doubted; of {found['stranger']} by somebody whom chance made "
            f"{shares['stranger']:.0%} and {both['stranger']:.0%}; "
            f"{found['accused']} of {found['good']} good takes accused"
        )
        assert found["accused"] == 0, told
        assert shares["other"] >= LEAST_OTHERS, told
        assert shares["stranger"] >= LEAST_STRANGERS, told
    return "\n".join(["", *told, ""])
