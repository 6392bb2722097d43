"""The chain of `narration/script/conversation.py` over many stretches of novels at once, and the gradient of its weights.

Stretches of `TURNS` turns with `PEOPLE` candidates each are laid side by side in arrays, so that the sums forward and
backward are taken for all of them turn by turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narration.script.scene import MOST_CANDIDATES

TURNS = 160
PEOPLE = MOST_CANDIDATES + 1

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some turns of a novel, with the speakers that are known.

    Attributes:
        key: of the novel.
        annotated: the speakers are annotated; else they were masked.
        rows, columns, values: the features: candidate (`turn * PEOPLE + place`), index of the name, number.
        people: candidates of each turn.
        same, back: indexes of the names of the two moves of each turn.
        gold: place of the known speaker of each turn, or -1.
    """

    key: str
    annotated: bool
    rows: npt.NDArray[np.int32]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    people: Sequence[Sequence[int]]
    same: Sequence[int]
    back: Sequence[int]
    gold: Sequence[int]


class Batch:
    """Stretches side by side.

    Arrays are [stretch, turn, candidate]; `same_as` and `back_to` say whether a candidate is which of the turn before,
    or of the one before that.
    """

    def __init__(self, stretches: Sequence[Stretch], weights: Sequence[float]) -> None:
        count = len(stretches)
        self.count = count
        self.weights = np.array(weights)
        size = TURNS * PEOPLE
        self.rows = np.concatenate([one.rows.astype(np.int64) + n * size for n, one in enumerate(stretches)])
        self.columns = np.concatenate([one.columns for one in stretches])
        self.values = np.concatenate([one.values for one in stretches]).astype(np.float64)
        self.mask = np.zeros((count, TURNS, PEOPLE), dtype=bool)
        self.mask[:, :, 0] = True
        self.link = np.full((count, TURNS, PEOPLE), -1, dtype=np.int64)
        self.older = np.full((count, TURNS, PEOPLE), -1, dtype=np.int64)
        self.gold = np.full((count, TURNS), -1, dtype=np.int64)
        self.same = np.full((count, TURNS), -1, dtype=np.int64)
        self.back = np.full((count, TURNS), -1, dtype=np.int64)
        for n, one in enumerate(stretches):
            length = len(one.people)
            self.gold[n, :length] = one.gold
            self.same[n, :length] = one.same
            self.back[n, :length] = one.back
            for t, people in enumerate(one.people):
                self.mask[n, t, : len(people)] = True
                for distance, target in ((1, self.link), (2, self.older)):
                    if t >= distance:
                        places = {who: place for place, who in enumerate(one.people[t - distance])}
                        target[n, t, : len(people)] = [places.get(who, -1) for who in people]

    def scores(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Of each candidate, and of both moves of each turn; the last weight is that of no move."""
        flat = _added(self.rows, self.values * weights[self.columns], self.mask.size)
        return flat.reshape(self.mask.shape), weights[self.same], weights[self.back]

    def gradient(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Of the weighted log likelihood of the known speakers; that of each stretch; and the free posteriors."""
        scores, same, back = self.scores(weights)
        known = self.gold >= 0
        told_mask = self.mask.copy()
        told_mask[known] = False
        stretch, turn = np.nonzero(known)
        told_mask[stretch, turn, self.gold[known]] = True
        free = _sums(np.where(self.mask, scores, -np.inf), same, back, self.link, self.older)
        told = _sums(np.where(told_mask, scores, -np.inf), same, back, self.link, self.older)
        scale = self.weights[:, None]
        change = (told.posteriors - free.posteriors) * scale[:, :, None]
        found = _added(self.columns, self.values * change.ravel()[self.rows], len(weights))
        for names, told_moves, free_moves in ((self.same, told.same, free.same), (self.back, told.back, free.back)):
            found += np.bincount(
                names.ravel() % len(weights), ((told_moves - free_moves) * scale).ravel(), len(weights)
            )
        found[-1] = 0.0
        return found, told.log_sum - free.log_sum, free.posteriors


def _added(places: npt.NDArray[np.integer], values: Floats, size: int) -> Floats:
    """The sum of the values of each place."""
    return np.bincount(places, values, minlength=size).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Sums:
    posteriors: Floats
    same: Floats
    back: Floats
    log_sum: Floats


def _sums(scores: Floats, same: Floats, back: Floats, link: Ints, older: Ints) -> _Sums:
    count, turns, people = scores.shape
    top = scores.max(axis=2, keepdims=True)
    emits = np.exp(scores - top)
    places = np.arange(people)
    rows = np.arange(count)[:, None]
    log_sum = top[:, :, 0].sum(axis=1)
    gain = np.exp(same) - 1.0, np.exp(back) - 1.0
    forwards = np.zeros((count, turns, people, people))
    repeats = link[:, :, None, :] == places[None, None, :, None]
    answers = np.zeros((count, turns, people, people))
    for t in range(turns):
        if t == 0:
            pairs = np.repeat(emits[:, 0, None, :], people, axis=1) / people
        else:
            before = forwards[:, t - 1]
            reach = before.sum(axis=1)[:, :, None] * (1.0 + gain[0][:, t, None, None] * repeats[:, t])
            picked = before[rows, np.maximum(older[:, t], 0)] * (older[:, t] >= 0)[:, :, None]
            answers[:, t] = picked.transpose(0, 2, 1) * ~repeats[:, t]
            pairs = emits[:, t, None, :] * (reach + gain[1][:, t, None, None] * answers[:, t])
        total = pairs.sum(axis=(1, 2))
        log_sum += np.log(total)
        forwards[:, t] = pairs / total[:, None, None]
    posteriors = np.zeros((count, turns, people))
    same_sums, back_sums = np.zeros((count, turns)), np.zeros((count, turns))
    beta = np.ones((count, people, people))
    for t in range(turns - 1, -1, -1):
        pairs = forwards[:, t] * beta
        total = pairs.sum(axis=(1, 2))
        posteriors[:, t] = pairs.sum(axis=1) / total[:, None]
        if t == 0:
            break
        same_sums[:, t] = (pairs * repeats[:, t]).sum(axis=(1, 2)) / total
        weights = emits[:, t, None, :] * beta
        plain = (weights * (1.0 + gain[0][:, t, None, None] * repeats[:, t])).sum(axis=2)
        back_gain = gain[1][:, t, None, None]
        extra = weights * ~repeats[:, t] * back_gain
        chosen = (older[:, t, :, None] == places[None, None, :]).astype(np.float64)
        result = plain[:, None, :] + np.matmul(extra, chosen).transpose(0, 2, 1)
        norm = (result * forwards[:, t - 1]).sum(axis=(1, 2))
        back_sums[:, t] = (answers[:, t] * weights * (back_gain + 1.0)).sum(axis=(1, 2)) / norm
        beta = result / result.max(axis=(1, 2))[:, None, None]
    return _Sums(posteriors, same_sums, back_sums, log_sum)


def batches(stretches: Sequence[Stretch], weights: Sequence[float], size: int) -> Iterable[Batch]:
    """The stretches in batches of this size, in order."""
    for first in range(0, len(stretches), size):
        yield Batch(stretches[first : first + size], weights[first : first + size])
