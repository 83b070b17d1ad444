"""The best of a column, and what isn't separated from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field

from harness.report.selection import Key, Values
from harness.report.statistics import MIN_PAIRS, holm, paired_ps, pilot_first

ALPHA = 0.05


@dataclass(frozen=True)
class Ranked:
    """Best rows of a column and those that can't be told from the best."""

    best: frozenset[Key] = field(default_factory=frozenset)
    near: frozenset[Key] = field(default_factory=frozenset)


def separated(differences: Sequence[float], corrected_p: float, pilot: int | None = None) -> bool:
    """Whether paired differences tell their two sides apart.

    Fewer than three pairs aren't tested, so that nothing tells them apart. Equal differences at every seed have no p
    either; they are apart unless they are zero. Where a pilot fixed their number, this is of its, the first ``pilot``.
    """
    if len(differences[:pilot]) < MIN_PAIRS:
        return False
    if math.isnan(corrected_p):
        return math.fsum(differences) != 0
    return corrected_p < ALPHA


def rank(
    columns: list[Values],
    better: Callable[[int, Key], str | None],
    group: Callable[[Key], Hashable],
    pilot: Collection[int] = (),
) -> list[Ranked]:
    """Best and not-separated rows of each column.

    Rows compete only within their group (equal training steps, equal test condition), and only with
    two seeds or more: one seed is never the best. p-values are corrected by Holm within the table.

    Args:
        columns: the values of each column.
        better: column number, row key → "lower", "higher" or None (not ranked); the same within a group.
        group: row key → the group it competes in.
        pilot: seeds of the pilot that fixed how many each row has, if one did.
    """
    best: list[set[Key]] = [set() for _ in columns]
    near: list[set[Key]] = [set() for _ in columns]
    comparisons: list[tuple[int, Key, list[float], int | None]] = []
    for i, column in enumerate(columns):
        groups: dict[Hashable, list[Key]] = {}
        for key, values in column.items():
            if better(i, key) is not None and len(values) >= 2:
                groups.setdefault(group(key), []).append(key)
        for keys in groups.values():
            if len(keys) < 2:
                continue
            sign = 1 if better(i, keys[0]) == "lower" else -1
            means = {key: sign * math.fsum(column[key].values()) / len(column[key]) for key in keys}
            winner = min(keys, key=means.__getitem__)
            # Exact ties (deterministic baselines) are all best.
            winners = {key for key in keys if means[key] == means[winner]}
            best[i] |= winners
            for key in keys:
                if key not in winners:
                    others, mine = column[winner], column[key]
                    apart = {seed: mine[seed] - others[seed] for seed in mine if seed in others}
                    comparisons.append((i, key, *pilot_first(apart, pilot)))
    found = paired_ps([differences for _, _, differences, _ in comparisons], [first for *_, first in comparisons])
    corrected = holm(found.tolist())
    for (i, key, differences, first), p in zip(comparisons, corrected, strict=True):
        if not separated(differences, p, first):
            near[i].add(key)
    return [Ranked(frozenset(b), frozenset(n)) for b, n in zip(best, near, strict=True)]
