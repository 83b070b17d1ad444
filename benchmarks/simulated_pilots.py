"""How often intervals hold whose number of seeds a pilot fixed: rows of benchmarks/simulated_coverage.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.report.statistics.two_stage import errors, half_widths, wanted

SIZES = ((3, 20), (5, 20), (5, 40), (8, 40))
"""Seeds of the pilot, and the most there may be."""
HALF_WIDTHS = (2.0, 1.0, 0.6, 0.35)
"""Wanted, in sd of a difference."""


def studies(
    x: np.ndarray, pilot: int, halfwidth: float, sums: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(draws,) seeds that are spent, mean, half-width and p, of (draws, most) differences in the order of their seeds.

    ``sums`` are those of each row up to each place, where they are known already.
    """
    first = x[:, :pilot]
    n = np.minimum(wanted(first, halfwidth), x.shape[1]).astype(int)
    mean = means(x, n, sums)
    p = 2 * stdtr(pilot - 1, -np.abs(mean) / errors(first, n))
    return n, mean, half_widths(first, n), p


def means(x: np.ndarray, n: np.ndarray, sums: np.ndarray | None = None) -> np.ndarray:
    """(draws,) means of the first ``n`` of each row."""
    sums = np.cumsum(x, axis=1) if sums is None else sums
    return sums[np.arange(len(x)), n - 1] / n


def by_all(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(draws,) half-widths from the spread of all ``n`` values, as if their number had been fixed: reports don't."""
    squares = np.cumsum(np.square(x), axis=1)[np.arange(len(x)), n - 1]
    variance = (squares - n * np.square(means(x, n))) / (n - 1)
    return stdtrit(n - 1, 0.975) * np.sqrt(np.maximum(variance, 0.0) / n)


def rows(samples: Iterable[tuple[str, str, np.ndarray]], pilot: int, most: int) -> Iterator[list[object]]:
    """For each (name, kind, (draws, most) differences about 0) and half-width: what was spent, and what held."""
    for name, kind, x in samples:
        sums = np.cumsum(x, axis=1)
        for halfwidth in HALF_WIDTHS:
            n, mean, half, p = studies(x, pilot, halfwidth, sums)
            tail = max(float(np.mean(mean > half)), float(np.mean(-mean > half)))
            held, false = float(np.mean(np.abs(mean) <= half)), float(np.mean(p < 0.05))
            reached = float(np.mean(half <= halfwidth * (1 + 1e-9)))
            usual = float(np.mean(np.abs(mean) <= by_all(x, n)))
            spent = f"{n.mean():.1f}"
            yield [name, kind, f"{pilot} to {most}", f"{halfwidth:g}", spent, reached, held, tail, false, usual]


HEADS = (
    "differences",
    "are",
    "seeds",
    "asked for ±, sd",
    "spent",
    "reached",
    "coverage",
    "worse tail",
    "false positives",
    "coverage by the spread of all",
)
