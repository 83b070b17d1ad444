"""How much wider Student's t must be where values look skewed."""

from __future__ import annotations

import math

import numpy as np

SKEW_TOLD = (
    "Simulated, these intervals hold up to a skewness of 1; stronger skew can't be seen in a few seeds, and at 2 they "
    "cover 90–93 % under 14 seeds."
)
"""What a report says below its tables."""
SKEW_TOLD_PILOT = (
    "Simulated, these intervals hold up to a skewness of 1; stronger skew can't be seen in a few seeds, and at 2 they "
    "cover 89–92 %."
)
"""The same where a pilot fixed the seeds."""
WIDENING = 0.42
"""Chosen by simulation: enough for errors of skewness 1 at three to thirty values, and not too much for symmetric
ones (docs/statistics.md)."""
LOPSIDED = 0.8
"""Where |g| of the differences is larger, they get no sign-flip test, which takes them for symmetric. Chosen by
simulation: of differences of skewness 1, it then finds 5 % or fewer false positives at every number of pairs."""


def skewness(x: np.ndarray) -> np.ndarray:
    """(…,) moment skewness m₃ / m₂^1.5 of (…, n) values; 0 where they are equal but for rounding."""
    centred = x - x.mean(-1, keepdims=True)
    squared = np.square(centred)  # powers of floats would take ten times as long
    second = squared.mean(-1)
    flat = np.sqrt(second) <= 1e-12 * np.maximum(1.0, np.abs(x).max(-1))
    return np.where(flat, 0.0, (squared * centred).mean(-1) / np.where(flat, 1.0, second * np.sqrt(second)))


def widening(x: np.ndarray) -> np.ndarray:
    """(…,) factor, 1 or more, by which the t quantile of (…, n) values is stretched: 1 + 0.42 |g| / √(n − 1).

    Where values are skewed, mean and sd move together, and one end of Student's interval lies short by about
    (1 + 2 t²) γ / (6 √n) standard errors (Johnson, Journal of the American Statistical Association 73, 1978; Hall,
    Journal of the Royal Statistical Society B 54, 1992). Those authors shift or bend the interval by it; a few values
    hardly tell the sign of γ, so that it is room on both sides here, and half as much of it. Two values can't be
    skewed, and |g| never exceeds (n − 2) / √(n − 1): the factor lies below 1.42.
    """
    n = x.shape[-1]
    return 1.0 + WIDENING * np.abs(skewness(x)) / math.sqrt(max(n - 1, 1))


def lopsided(x: np.ndarray) -> np.ndarray:
    """(…,) whether (…, n) values look skewed: |g| above `LOPSIDED`, which three values can't reach."""
    return np.abs(skewness(x)) > LOPSIDED


def usual_widening(n: int) -> float:
    """The mean of `widening` over normal samples of ``n`` values, to two percent; what planning reckons with.

    The skewness of normal values has the variance 6 (n − 2) / ((n + 1) (n + 3)) (Fisher 1930), and about a normal form.
    """
    spread = math.sqrt(6 * max(n - 2, 0) / ((n + 1) * (n + 3)))
    return 1.0 + WIDENING * math.sqrt(2 / math.pi) * spread / math.sqrt(max(n - 1, 1))
