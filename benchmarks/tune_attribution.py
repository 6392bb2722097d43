"""Writes `narration/script/weights.toml`: the weights of attribution, learnt on LitBank's development novels.

    python -m benchmarks.tune_attribution            # about fifteen minutes on two cores
    python -m benchmarks.tune_attribution --dry-run  # without writing: learns on half of them, and measures on the rest

Learnt from: the annotated quotations of the development novels, and quotations of the same novels whose name tags were
taken away (`masking.py`). The held-out novels are never read. The weights maximise the likelihood of the known speakers,
with the unknown ones summed out and a Gaussian prior, by Adam; seeds are fixed.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from benchmarks import litbank
from benchmarks.chain import Batch, Floats, Stretch, batches
from benchmarks.masking import gold_labels, masked, stretches
from narration.script.weights import load_weights

KEPT = (0.35, 0.7)
"""Share of the tags that stay in the masked versions of a novel, in turn."""
ANNOTATED_WEIGHT = 3.0
EPOCHS = 24
RATE = 0.06
BATCH = 24
PRIOR = 3.0
EXPECTED = {
    "same:continued": 4.0,
    "tag:name": 3.5,
    "tag:i": 3.5,
    "tag:i-is-he": -3.0,
    "tag:spoken-to": -3.0,
    "tag:noun:title": 3.0,
    "tag:noun:spouse": 2.5,
    "own": 2.0,
}
"""Middle of the prior where it is not nothing: an open quotation mark says that the same person goes on, and most of the
labels are of quotations whose tags were taken away, which tell little of how much a tag is worth."""
LEAST_LABELS = 60
LEAST_WEIGHT = 0.005
WRITTEN = Path(__file__).resolve().parents[1] / "narration" / "script" / "weights.toml"

Sample = tuple[list[str], list[Stretch]]


def sample(task: tuple[str, int]) -> Sample:
    """The stretches of one novel: annotated, and masked so many times; with the names of the features."""
    key, versions = task
    weights = load_weights()
    novel = litbank.novel(key)
    names: dict[str, int] = {}
    found: list[Stretch] = []
    if novel.gold:
        found += stretches(key, novel.text, novel.cast, gold_labels(novel), weights, names, annotated=True)
    for version in range(versions):
        text, cast, known = masked(novel, random.Random(f"{version} {key}"), kept=KEPT[version % len(KEPT)])
        if len(known) >= LEAST_LABELS:
            found += stretches(key, text, cast, known, weights, names, annotated=False)
    print(f"{key[:50]:50} {sum(place >= 0 for one in found for place in one.gold):6} labels", file=sys.stderr)
    return list(names), found


def samples(*, versions: int) -> tuple[list[str], list[Stretch]]:
    """The names of all features, and the stretches of all development novels."""
    tasks = [(key, versions) for key in litbank.novel_keys() if not litbank.is_held_out(key)]
    names: dict[str, int] = {}
    found: list[Stretch] = []
    with Pool(2) as pool:
        for own, parts in pool.imap(sample, tasks):
            places = np.array([names.setdefault(name, len(names)) for name in own], dtype=np.int32)
            found += [
                replace(
                    one,
                    columns=places[one.columns],
                    same=[int(places[name]) for name in one.same],
                    back=[int(places[name]) for name in one.back],
                )
                for one in parts
            ]
    return list(names), found


def learn(
    data: Sequence[Stretch], names: Sequence[str], *, prior: float = PRIOR, annotated: float = ANNOTATED_WEIGHT
) -> Floats:
    """Weights of these features, and a last one of nothing."""
    expected = np.array([*(EXPECTED.get(name, 0.0) for name in names), 0.0])
    size = len(names)
    order = list(data)
    random.Random(1).shuffle(order)
    parts = list(batches(order, [annotated if one.annotated else 1.0 for one in order], BATCH))
    weights, mean, square = expected.copy(), np.zeros(size + 1), np.zeros(size + 1)
    labels = sum(float((part.gold >= 0).sum(axis=1) @ part.weights) for part in parts)
    rng = random.Random(2)
    steps = 0
    for epoch in range(EPOCHS):
        rate = RATE * (0.02 + 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS)))
        total = 0.0
        rng.shuffle(parts)
        for part in parts:
            found, likelihood, _ = part.gradient(weights)
            total += float(likelihood @ part.weights)
            share = float((part.gold >= 0).sum(axis=1) @ part.weights) / labels
            step = found - prior * share * (weights - expected)
            steps += 1
            mean = 0.9 * mean + 0.1 * step
            square = 0.99 * square + 0.01 * step * step
            scale = np.sqrt(square / (1 - 0.99**steps)) + 1e-3
            weights += rate * mean / (1 - 0.9**steps) / scale
            weights[-1] = 0.0
        print(f"epoch {epoch + 1}: log likelihood {total / labels:.4f} a label", file=sys.stderr, flush=True)
    return weights


def measure(parts: Iterable[Batch], weights: Floats) -> tuple[float, float, int]:
    """Log likelihood a label, share of right speakers, number of labels."""
    likelihood = right = count = 0.0
    for part in parts:
        _, found, posteriors = part.gradient(weights)
        known = part.gold >= 0
        likelihood += float(found.sum())
        right += float((posteriors.argmax(axis=2) == part.gold)[known].sum())
        count += float(known.sum())
    return likelihood / max(1.0, count), right / max(1.0, count), int(count)


def written(weights: Mapping[str, float]) -> str:
    """The weights as a file."""
    lines = [f'"{name}" = {value:.2f}\n' for name, value in sorted(weights.items()) if abs(value) >= LEAST_WEIGHT]
    return "# Written by benchmarks/tune_attribution.py; see weights.py.\n" + "".join(lines)


def half(key: str) -> int:
    """0 or 1: which half of the development novels a novel is in."""
    return hashlib.sha256(f"half {key}".encode()).digest()[0] % 2


def cross(data: Sequence[Stretch], names: Sequence[str]) -> None:
    """Prints how well weights of either half of the development novels do on the other half."""
    for side in (0, 1):
        weights = learn([one for one in data if half(one.key) == side], names)
        for kind in (True, False):
            rest = [one for one in data if half(one.key) != side and one.annotated is kind]
            likelihood, right, count = measure(batches(rest, [1.0] * len(rest), BATCH), weights)
            title = "annotated" if kind else "masked"
            print(f"half {1 - side}, {title:9}: {100 * right:5.1f} % of {count:6,}, log likelihood {likelihood:.4f}")


def main() -> None:
    """Tunes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; learn on each half, measure on the other"
    )
    parser.add_argument("--versions", type=int, default=2, help="differently masked versions of each novel")
    options = parser.parse_args()
    if not litbank.CORPUS.is_dir():
        print("skipped: ../shared/corpus/litbank is not there")
        return
    names, data = samples(versions=options.versions)
    if options.dry_run:
        cross(data, names)
        return
    weights = learn(data, names)
    WRITTEN.write_text(written(dict(zip(names, weights.tolist(), strict=False))), encoding="utf-8")


if __name__ == "__main__":
    main()
