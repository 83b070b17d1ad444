"""A short run of benchmarks/coverage.py: what reports print holds what it says.

Coverage must lie within 93 and 97 %, false positives at or under 5.5 %. There are enough draws to keep a method that
holds its level off those bounds (a true 95 % lies 4 standard errors inside at 2,000 draws; a true 5 % lies 4 under
5.5 % at 40,000 and 2 at 8,000), and they are seeded by row, so that the run is repeatable. What is known to miss stands
in docs/statistics.md and isn't asserted here.
"""

import numpy as np
import pytest

from benchmarks import coverage
from harness.report.statistics import equivalence, interval, new_subjects, paired_difference, sign_flip, t_interval

MOST = 0.055


def holds(share: float) -> bool:
    return 0.93 <= share <= 0.97


@pytest.mark.parametrize("n", [3, 5, 10, 14])
@pytest.mark.parametrize("distribution", ["normal", "t4"])
def test_interval_of_one_arm_by_students_t(distribution, n):
    assert holds(coverage.covered(coverage.arm_values(distribution, n, 4_000), interval))


@pytest.mark.parametrize("distribution, n", [("normal", 15), ("t4", 20), ("skewed", 20)])
def test_interval_of_one_arm_by_bootstrap(distribution, n):
    assert holds(coverage.covered(coverage.arm_values(distribution, n, 2_000), interval))


def test_a_percentile_bootstrap_would_not_do():
    assert coverage.covered(coverage.arm_values("normal", 5, 2_000), coverage.percentile_interval) < 0.88


@pytest.mark.parametrize("n", [3, 5, 10, 14])
@pytest.mark.parametrize("distribution", ["normal", "t4", "skewed"])
def test_paired_differences_by_students_t(distribution, n):
    assert holds(coverage.covered(coverage.differences(distribution, n, 4_000), interval))
    assert np.mean(coverage.paired_p(coverage.differences(distribution, n, 40_000)) < 0.05) <= MOST


@pytest.mark.parametrize("distribution", ["normal", "t4", "skewed"])
def test_paired_differences_by_bootstrap(distribution):
    assert holds(coverage.covered(coverage.differences(distribution, 15, 2_000), interval))
    assert np.mean(coverage.paired_p(coverage.differences(distribution, 15, 40_000)) < 0.05) <= MOST


def test_the_simulated_p_is_the_one_that_is_printed():
    for d in coverage.differences("skewed", 6, 20):
        assert paired_difference(dict(enumerate(d)), dict.fromkeys(range(6), 0.0)).p == pytest.approx(
            coverage.paired_p(d)
        )


def test_sign_flip_holds_its_level_where_t_need_not():
    p = [sign_flip(d) for d in coverage.differences("very skewed", 8, 20_000)]
    assert 0.02 < np.mean(np.less(p, 0.05)) <= MOST


@pytest.mark.parametrize("distribution", ["normal", "t4", "skewed"])
@pytest.mark.parametrize("parts, seeds, subjects", [("subjects", 5, 10), ("alike", 5, 6), ("seeds", 10, 8)])
def test_new_subjects(distribution, parts, seeds, subjects):
    y, _ = coverage.crossed(distribution, parts, seeds, subjects, 3_000)
    assert holds(coverage.covered(y, new_subjects))


def test_seeds_alone_speak_of_these_subjects_only():
    y, these = coverage.crossed("normal", "subjects", 5, 10, 3_000)
    assert holds(coverage.covered(y.mean(2) - these[:, None], t_interval))
    assert coverage.covered(y.mean(2), t_interval) < 0.8


@pytest.mark.parametrize("scenario", coverage.truths())
def test_any_false_positive_of_a_table(scenario):
    truth = coverage.truths()[scenario]
    p = coverage.family("normal", truth, 5, 8_000)
    null = truth == 0
    assert coverage.familywise(p, null, coverage.by_fixed_order) <= MOST
    assert coverage.familywise(p[:4_000], null, coverage.by_holm) <= MOST
    assert coverage.familywise(p[:4_000], null, np.asarray) > 0.15


@pytest.mark.parametrize("distribution, n", [("normal", 3), ("t4", 5), ("skewed", 10)])
def test_false_equivalence_at_the_margin(distribution, n):
    d = coverage.differences(distribution, n, 10_000)
    assert 0.03 < np.mean([equivalence(one + 1.5, 1.5).equivalent for one in d]) <= MOST
