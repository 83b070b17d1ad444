"""Statistics of small ablations: pure functions of arrays, in the unit of what they are given.

Intervals speak either of *these subjects* (values vary over seeds: `interval`) or of *new subjects* (values vary
over seeds and subjects: `new_subjects`). What can't be computed is NaN, never 0. How often each method
holds what it says is simulated in benchmarks/simulated_coverage.py and shown in docs/statistics.md.
"""

from harness.report.statistics.curve import curve_area
from harness.report.statistics.equivalence import Equivalence, equivalence
from harness.report.statistics.intervals import (
    LEVEL,
    STUDENTISED_FROM,
    Interval,
    interval,
    intervals,
    seed_interval,
    seed_intervals,
    studentised_interval,
    t_interval,
    widened_interval,
)
from harness.report.statistics.multiplicity import fixed_order, holm
from harness.report.statistics.paired import MIN_PAIRS, Paired, paired_difference, paired_p, paired_ps
from harness.report.statistics.seeds import MOST_SEEDS, seeds_needed
from harness.report.statistics.sign_flip import sign_flip
from harness.report.statistics.skew import LOPSIDED, SKEW_TOLD, SKEW_TOLD_PILOT, lopsided, widening
from harness.report.statistics.subjects import MIN_SEEDS, MIN_SUBJECTS, new_subjects
from harness.report.statistics.two_stage import pilot_first, seeds_fixed

__all__ = [
    "LEVEL",
    "LOPSIDED",
    "MIN_PAIRS",
    "MIN_SEEDS",
    "MIN_SUBJECTS",
    "MOST_SEEDS",
    "SKEW_TOLD",
    "SKEW_TOLD_PILOT",
    "STUDENTISED_FROM",
    "Equivalence",
    "Interval",
    "Paired",
    "curve_area",
    "equivalence",
    "fixed_order",
    "holm",
    "interval",
    "intervals",
    "lopsided",
    "new_subjects",
    "paired_difference",
    "paired_p",
    "paired_ps",
    "pilot_first",
    "seed_interval",
    "seed_intervals",
    "seeds_fixed",
    "seeds_needed",
    "sign_flip",
    "studentised_interval",
    "t_interval",
    "widened_interval",
    "widening",
]
