"""Writes `narration/script/weights.toml`: the weights of attribution, learnt on LitBank's development novels.

    python benchmarks/tune_attribution.py            # about ten minutes
    python benchmarks/tune_attribution.py --dry-run  # without writing

Learnt from: the annotated quotations of the development novels, and quotations of the same novels whose name tags were
taken away (`masking.py`). The held-out novels are never read. The weights maximise the likelihood of the known speakers,
with the unknown ones summed out, by Adam over windows of turns, from the present weights on; seeds are fixed.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path

import litbank
from masking import Window, gold_labels, masked, windows

from narration.script.conversation import Node, believe
from narration.script.weights import load_weights

WINDOW_TURNS = 160
ANNOTATED_TURNS = 120
WINDOWS_PER_NOVEL = 6
ANNOTATED_WEIGHT = 3.0
EPOCHS = 12
RATE = 0.08
BATCH = 6
PULL = 0.01
LEAST_LABELS = 60
WRITTEN = Path(__file__).resolve().parents[1] / "narration" / "script" / "weights.toml"

Weights = dict[str, float]


def samples(weights: Weights, *, versions: int = 1) -> list[tuple[Window, float]]:
    """Windows of the development novels, each with its weight."""
    found: list[tuple[Window, float]] = []
    for novel in litbank.books():
        if novel.held_out:
            continue
        if novel.gold:
            labels = gold_labels(novel)
            found += [
                (window, ANNOTATED_WEIGHT)
                for window in windows(novel.key, novel.text, novel.cast, labels, weights, [0], ANNOTATED_TURNS)
            ]
        for version in range(versions):
            rng = random.Random(f"{version} {novel.key}")
            text, cast, known = masked(novel, rng)
            if len(known) < LEAST_LABELS:
                continue
            count = len(known)
            starts = sorted(rng.sample(range(0, 2 * count, 40), k=min(WINDOWS_PER_NOVEL, count // 20)))
            found += [(window, 1.0) for window in windows(novel.key, text, cast, known, weights, starts, WINDOW_TURNS)]
        print(f"{novel.key[:50]:50} {sum(len(window.gold) for window, _ in found):6} labels", file=sys.stderr)
    return found


def _nodes(window: Window, weights: Weights, *, clamped: bool) -> list[Node]:
    nodes = []
    for t, (people, rows, moves) in enumerate(zip(window.people, window.features, window.moves, strict=True)):
        if clamped and t in window.gold:
            place = people.index(window.gold[t])
            people, rows = (people[place],), [rows[place]]
        scores = [sum(weights.get(name, 0.0) * value for name, value in row) for row in rows]
        nodes.append(Node(people, scores, weights.get(moves[0], 0.0), weights.get(moves[1], 0.0)))
    return nodes


def gradient(window: Window, weights: Weights) -> tuple[Weights, float]:
    """Of the log likelihood of the known speakers, and that itself."""
    free = believe(_nodes(window, weights, clamped=False))
    told = believe(_nodes(window, weights, clamped=True))
    found: Weights = {}
    for t, (people, rows, moves) in enumerate(zip(window.people, window.features, window.moves, strict=True)):
        target = told.posteriors[t]
        if t in window.gold:
            target = [float(who == window.gold[t]) for who in people]
        for row, right, guess in zip(rows, target, free.posteriors[t], strict=True):
            if abs(right - guess) > 1e-4:
                for name, value in row:
                    found[name] = found.get(name, 0.0) + (right - guess) * value
        found[moves[0]] = found.get(moves[0], 0.0) + told.same[t] - free.same[t]
        found[moves[1]] = found.get(moves[1], 0.0) + told.back[t] - free.back[t]
    return found, told.log_sum - free.log_sum


def learn(data: list[tuple[Window, float]], start: Weights) -> Weights:
    """Weights by Adam from a start, pulled a little towards it."""
    weights = dict(start)
    mean: Weights = {}
    square: Weights = {}
    steps = 0
    rng = random.Random(1)
    for epoch in range(EPOCHS):
        rng.shuffle(data)
        rate = RATE * (0.05 + 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS)))
        total = labels = 0.0
        for first in range(0, len(data), BATCH):
            step: Weights = {}
            for window, weight in data[first : first + BATCH]:
                found, likelihood = gradient(window, weights)
                total += likelihood * weight
                labels += len(window.gold) * weight
                for name, value in found.items():
                    step[name] = step.get(name, 0.0) + value * weight
            steps += 1
            for name, value in step.items():
                pulled = value - PULL * (weights.get(name, 0.0) - start.get(name, 0.0))
                mean[name] = 0.9 * mean.get(name, 0.0) + 0.1 * pulled
                square[name] = 0.99 * square.get(name, 0.0) + 0.01 * pulled * pulled
                scale = math.sqrt(square[name] / (1 - 0.99**steps)) + 1e-3
                weights[name] = weights.get(name, 0.0) + rate * mean[name] / (1 - 0.9**steps) / scale
        print(f"epoch {epoch + 1}: log likelihood {total / labels:.4f} a label", file=sys.stderr, flush=True)
    return weights


def written(weights: Weights) -> str:
    """The weights as a file."""
    lines = [f'"{name}" = {value:.2f}\n' for name, value in sorted(weights.items()) if abs(value) >= 0.005]
    return "# Written by benchmarks/tune_attribution.py; see weights.py.\n" + "".join(lines)


def main() -> None:
    """Tunes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="do not write the file")
    parser.add_argument("--versions", type=int, default=1, help="differently masked versions of each novel")
    options = parser.parse_args()
    if not litbank.CORPUS.is_dir():
        print("skipped: ../shared/corpus/litbank is not there")
        return
    start = dict(load_weights())
    data = samples(start, versions=options.versions)
    known = {name for window, _ in data for rows in window.features for row in rows for name, _ in row}
    known |= {name for window, _ in data for moves in window.moves for name in moves}
    weights = {name: value for name, value in learn(data, start).items() if name in known}
    if not options.dry_run:
        WRITTEN.write_text(written(weights), encoding="utf-8")


if __name__ == "__main__":
    main()
