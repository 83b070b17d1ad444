"""Does a claim hold? Decided from paired differences alone, whatever they are differences of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from harness.report.statistics import (
    MOST_SEEDS,
    Equivalence,
    Paired,
    equivalence,
    paired_difference,
    pilot_first,
    seeds_needed,
)

SUPPORTED, REFUTED, EQUIVALENT = "supported", "refuted", "equivalent"
INCONCLUSIVE, UNDECIDED = "inconclusive", "undecided"
POWER = 0.8
_ROUNDED = 9
"""Decimals at which ends of intervals are compared: 101.3 − 100.3 is 1."""


@dataclass(frozen=True)
class Decision:
    """What became of a claim.

    Attributes:
        verdict: `SUPPORTED`, `REFUTED`, `EQUIVALENT`, `INCONCLUSIVE`, or `UNDECIDED` where the runs may not decide.
        paired: the differences, the claim's arm minus the other.
        equivalence: the two one-sided tests; None without a margin or with fewer than two pairs.
        seeds: of an inconclusive claim, the seed pairs that would decide it with probability `POWER` if mean and
            spread of the differences are those found; None otherwise, and where it is beyond all reach.
        reasons: why it is undecided.
    """

    verdict: str
    paired: Paired
    equivalence: Equivalence | None = None
    seeds: int | None = None
    reasons: tuple[str, ...] = ()


def decide(
    arm: Mapping[int, float],
    versus: Mapping[int, float],
    *,
    direction: str,
    at_least: float = 0.0,
    margin: float | None = None,
    pilot: Collection[int] = (),
) -> Decision:
    """Decide a claim from seed → value of both arms, in the metric's unit; only common seeds count.

    Supported: the whole 95 % interval of the paired difference lies at or beyond ``at_least`` in the claimed
    direction. Refuted: the whole interval is short of it. Equivalent: neither, and two one-sided tests at 2.5 % say
    that the difference lies within ±``margin``. Else inconclusive. Undecided with fewer than two pairs, and where
    neither side varies over its seeds, which then are one measurement.

    Args:
        direction: ``lower`` or ``higher``.
        at_least, margin: as above.
        pilot: seeds of the pilot that fixed how many there are, if one did: two pairs of it are the least.
    """
    paired = paired_difference(arm, versus, pilot=pilot)
    common = [seed for seed in arm if seed in versus]
    telling = sum(seed in pilot for seed in common) if pilot else paired.n
    if telling < 2:
        counted = "one pair of seeds has" if telling else "no pair of seeds has"
        return Decision(UNDECIDED, paired, reasons=(f"{counted} finished, and two are the least",))
    if all(np.ptp([side[seed] for seed in common]) == 0 for side in (arm, versus)):
        return Decision(UNDECIDED, paired, reasons=("neither arm varies over its seeds: they are one measurement",))
    ordered, first = pilot_first({seed: arm[seed] - versus[seed] for seed in common}, pilot)
    differences = np.array(ordered)
    same = None if margin is None else equivalence(differences, margin, first)
    sign = -1.0 if direction == "lower" else 1.0
    ends = sorted(round(sign * end, _ROUNDED) for end in (paired.difference.low, paired.difference.high))
    if ends[0] >= at_least:
        return Decision(SUPPORTED, paired, same)
    if ends[1] < at_least:
        return Decision(REFUTED, paired, same)
    if same is not None and same.equivalent:
        return Decision(EQUIVALENT, paired, same)
    short = abs(sign * paired.difference.mean - at_least)
    return Decision(INCONCLUSIVE, paired, same, _seeds(differences, short, margin))


def _seeds(differences: np.ndarray, short: float, margin: float | None) -> int | None:
    """Pairs for the cheapest decision, were the difference found the true one: beyond, short of, or equivalent."""
    n, sd, mean = len(differences), float(np.std(differences, ddof=1)), abs(float(np.mean(differences)))
    needed = [seeds_needed(sd, effect=short, power=POWER)]
    if margin is not None and mean < margin:
        # Both tests must reject: enough for the nearer side, at one-sided 2.5 %, and for both at a difference of 0.
        near = seeds_needed(sd, effect=margin - mean, power=POWER)
        needed.append(max(near, seeds_needed(sd, margin=margin, power=POWER)))
    least = max(min(needed), n + 1)
    return least if least < MOST_SEEDS else None
