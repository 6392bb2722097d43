"""The speakers of a conversation as a chain: probabilities by forward and backward sums.

Each turn has candidates with a score. Between turns, the score depends on whether the speaker stays the same and
whether they answer each other (A, B, A). Such a chain of second order is summed over pairs in quadratic time, because
the speaker before the last only matters by being the same as the present one.

Invariant: the posteriors of every turn are in [0, 1] and sum to one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Pairs = list[list[float]]


@dataclass(frozen=True, slots=True)
class Node:
    """A turn of the chain.

    Attributes:
        people: candidates; -1 is somebody outside the cast.
        scores: of each, as logarithms.
        same: score of the same speaker as in the turn before.
        back: score of the speaker of the turn before the last, if another spoke between.
    """

    people: Sequence[int]
    scores: Sequence[float]
    same: float
    back: float


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What the chain tells.

    Attributes:
        posteriors: of each turn, one number per candidate.
        same: expected number (0 to 1) of "the same speaker again", per turn.
        back: the same for A, B, A.
        log_sum: logarithm of the sum over all assignments.
    """

    posteriors: list[list[float]]
    same: list[float]
    back: list[float]
    log_sum: float


def believe(nodes: Sequence[Node]) -> Beliefs:
    """Posteriors of every turn of a chain."""
    if not nodes:
        return Beliefs([], [], [], 0.0)
    emits = [_exponentials(node.scores) for node in nodes]
    log_sum = sum(max(node.scores) for node in nodes)
    forwards: list[Pairs] = []
    links = [_link(before, node) for before, node in zip((None, *nodes[:-1]), nodes, strict=True)]
    older = [_older(nodes, t) for t in range(len(nodes))]
    for t, node in enumerate(nodes):
        pairs, scale = _forward(forwards[-1] if forwards else None, node, emits[t], links[t], older[t])
        log_sum += math.log(scale)
        forwards.append(pairs)
    posteriors: list[list[float]] = [[] for _ in nodes]
    same = [0.0] * len(nodes)
    back = [0.0] * len(nodes)
    beta: Pairs = [[1.0] * len(nodes[-1].people) for _ in forwards[-1]]
    for t in range(len(nodes) - 1, -1, -1):
        pairs = [[a * b for a, b in zip(x, y, strict=True)] for x, y in zip(forwards[t], beta, strict=True)]
        total = sum(map(sum, pairs)) or 1.0
        posteriors[t] = [value / total for value in map(sum, zip(*pairs, strict=True))]
        if t == 0:
            break
        same[t] = sum(pairs[i][j] for j, i in enumerate(links[t]) if i >= 0) / total
        beta, back[t] = _backward(beta, forwards[t - 1], nodes[t], emits[t], links[t], older[t], total)
    return Beliefs(posteriors, same, back, log_sum)


def _exponentials(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    return [math.exp(score - top) for score in scores]


def _link(before: Node | None, node: Node) -> list[int]:
    """Of each candidate, its place among those of the turn before; -1 where it is none of them."""
    if before is None:
        return [-1] * len(node.people)
    places = {who: place for place, who in enumerate(before.people)}
    return [places.get(who, -1) for who in node.people]


def _older(nodes: Sequence[Node], t: int) -> list[int]:
    """The same for the turn before the last."""
    return _link(nodes[t - 2] if t > 1 else None, nodes[t])


def _forward(
    before: Pairs | None, node: Node, emit: Sequence[float], link: Sequence[int], older: Sequence[int]
) -> tuple[Pairs, float]:
    """Sums over all beginnings, per (previous speaker, speaker), scaled to one; and the scale."""
    if before is None:
        total = sum(emit)
        return [[value / total for value in emit]], total
    same, back = math.exp(node.same), math.exp(node.back) - 1.0
    columns = [sum(column) for column in zip(*before, strict=True)]
    pairs: Pairs = []
    for i, reach in enumerate(columns):
        row = []
        for j, value in enumerate(emit):
            if link[j] == i:
                row.append(value * reach * same)
            elif older[j] >= 0:
                row.append(value * (reach + back * before[older[j]][i]))
            else:
                row.append(value * reach)
        pairs.append(row)
    total = sum(map(sum, pairs)) or 1e-300
    return [[value / total for value in row] for row in pairs], total


def _backward(
    beta: Pairs,
    before: Pairs,
    node: Node,
    emit: Sequence[float],
    link: Sequence[int],
    older: Sequence[int],
    total: float,
) -> tuple[Pairs, float]:
    """Sums over all endings, per pair of the turn before; and how likely the turn is an answer (A, B, A)."""
    same, gain = math.exp(node.same), math.exp(node.back)
    columns = len(before[0])
    weights = [[value * later for value, later in zip(emit, row, strict=True)] for row in beta]
    plain = [
        sum(weight * (same if link[j] == i else 1.0) for j, weight in enumerate(row)) for i, row in enumerate(weights)
    ]
    result = [plain[:] for _ in before]
    answered = 0.0
    for j, k in enumerate(older):
        if k < 0 or k >= len(before):
            continue
        for i in range(columns):
            if link[j] != i:
                extra = weights[i][j] * (gain - 1.0)
                result[k][i] += extra
                answered += before[k][i] * weights[i][j] * gain
    norm = sum(a * b for x, y in zip(result, before, strict=True) for a, b in zip(x, y, strict=True)) or 1.0
    top = max(map(max, result)) or 1.0
    del total
    return [[value / top for value in row] for row in result], answered / norm
