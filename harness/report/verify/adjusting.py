"""Corrections for many tests, a second time: Holm's by its definition, fixed orders as a graph.

The graph is that of Bretz, Maurer, Brannath and Posch, Statistics in Medicine 28 (2009), algorithm 2: hypotheses are
nodes that hold shares of α and hand them along edges when they are rejected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for their number; NaN ones are no tests."""
    tested = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    adjusted, reached = [math.nan] * len(p), 0.0
    for rank, (value, i) in enumerate(tested):
        reached = max(reached, min(1.0, (len(tested) - rank) * value))
        adjusted[i] = reached
    return adjusted


def along_chains(chains: Sequence[Sequence[float]]) -> list[list[float]]:
    """p-values corrected where each chain is tested in order and then hands its share to the other chains.

    A NaN ends its chain: it and what follows stay NaN.
    """
    kept = [list(_before_nan(chain)) for chain in chains]
    nodes = [(i, j) for i, chain in enumerate(kept) for j in range(len(chain))]
    adjusted = [[math.nan] * len(chain) for chain in chains]
    if not nodes:
        return adjusted
    at = {node: k for k, node in enumerate(nodes)}
    heads = [i for i, chain in enumerate(kept) if chain]
    weights, edges = np.zeros(len(nodes)), np.zeros((len(nodes), len(nodes)))
    for i in heads:
        weights[at[i, 0]] = 1 / len(heads)
        for j in range(len(kept[i]) - 1):
            edges[at[i, j], at[i, j + 1]] = 1
        for other in heads:
            if other != i:
                edges[at[i, len(kept[i]) - 1], at[other, 0]] = 1 / (len(heads) - 1)
    p = np.array([kept[i][j] for i, j in nodes])
    left, reached = np.ones(len(nodes), dtype=bool), 0.0
    while left.any():
        ready = np.flatnonzero(left & (weights > 0))
        node = int(ready[np.argmin(p[ready] / weights[ready])])
        reached = max(reached, min(1.0, float(p[node] / weights[node])))
        i, j = nodes[node]
        adjusted[i][j] = reached
        left[node] = False
        weights, edges = _reject(node, weights, edges, left)
    return adjusted


def _reject(node: int, weights: np.ndarray, edges: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hand on the node's share, and join the edges that led over it."""
    shares = np.where(left, weights + weights[node] * edges[node], 0.0)
    rest = (1 - edges[:, node] * edges[node])[:, None]
    joined = np.where(rest > 0, (edges + np.outer(edges[:, node], edges[node])) / np.where(rest > 0, rest, 1.0), 0.0)
    joined[~left, :] = 0.0
    joined[:, ~left] = 0.0
    np.fill_diagonal(joined, 0.0)
    return shares, joined


def _before_nan(chain: Sequence[float]) -> Sequence[float]:
    return chain[: next((i for i, p in enumerate(chain) if math.isnan(p)), len(chain))]
