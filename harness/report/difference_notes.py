"""What stands below a table of paired differences: whom they compare, how p is corrected, what was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.report.evidence import Arm, Evidence
from harness.report.selection import HEADS, Column, Key
from harness.report.statistics import MIN_SUBJECTS, Paired

Place = tuple[Key, int]
"""Row key and number of the column."""


def nothing_like(evidence: Evidence, pairs: Mapping[Place, tuple[Arm, Arm]]) -> str:
    """What a reader must know of axes that the arms have and their baseline hasn't."""
    apart = {axis for arm, base in pairs.values() for axis in evidence.axes if arm.labels[axis] != base.labels[axis]}
    own = [axis for axis in evidence.axes if axis in apart and axis not in evidence.baseline]
    return f"The baseline has no {', '.join(own)}: it is the same for every value of it." if own else ""


def named(evidence: Evidence) -> str:
    """The baseline, in a sentence."""
    return ", ".join(f"{HEADS.get(axis, axis)} = {value}" for axis, value in evidence.baseline.items())


def correction(tests: int, columns: Sequence[Column], steps: tuple[int, ...]) -> str:
    """How p is corrected, for so many tests."""
    if not steps:
        return f"p is corrected by Holm for the {tests} tests of this table."
    order = dict(sorted({step: column.head[1] for step, column in zip(steps, columns, strict=True)}.items()))
    return (
        f"p is corrected for the {tests} tests of this table: by Holm across arms, and within an arm in the fixed "
        f"order {' → '.join(order.values())}, where a column counts only once those before it are separated."
    )


def without_p(comparisons: Mapping[Place, Paired], adjusted: Mapping[Place, float]) -> str:
    """Why cells have no p; nothing where all have one."""
    without = [paired.n for place, paired in comparisons.items() if math.isnan(adjusted[place])]
    said = []
    if any(n > 1 for n in without):
        said.append(
            "p –: two pairs of seeds are too few for a test (it would find 5.7 % false positives where differences are "
            "skewed), differences are equal at all seeds, or a test before it in the order couldn't be made."
        )
    if 1 in without:
        said.append("A single pair of seeds has neither an interval nor a p.")
    return " ".join(said)


def unpaired(comparisons: Mapping[Place, Paired]) -> str:
    """Seeds that only one side has; nothing where all are paired."""
    dropped = sorted({seed for paired in comparisons.values() for seed in paired.unpaired})
    if not dropped:
        return ""
    return (
        f"Arms have unequal seeds: differences use common seeds only; left out on one side or the other: seed "
        f"{', '.join(str(seed) for seed in dropped)}."
    )


def refused(evidence: Evidence) -> str:
    """Why there is no table for new subjects; nothing where there is one."""
    subjects = tested(evidence)
    if subjects >= MIN_SUBJECTS:
        return ""
    were = "were" if subjects != 1 else "was"
    return (
        f"New subjects: no interval, since {subjects} {were} tested; under {MIN_SUBJECTS} their spread says too little."
    )


def tested(evidence: Evidence) -> int:
    """How many test subjects there are."""
    return int(evidence.frame["subjects"].max())
