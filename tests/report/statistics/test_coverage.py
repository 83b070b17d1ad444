"""A short run of benchmarks/simulated_coverage.py: what reports print holds what it says.

Coverage must lie within 93 and 97 %, false positives at or under 5.5 %, on every distribution, size and layout that
docs/statistics.md claims: normal, t4 and skewed values. A test that a report leaves out, as differences look skewed,
finds nothing; it is counted among all draws. There are enough draws to keep a method that holds its level
off those bounds, and they are seeded by row, so that the run is repeatable. What is known to miss (very skewed values)
stands in docs/statistics.md and isn't asserted here.
"""

import numpy as np
import pytest

from benchmarks import simulated_coverage as coverage
from harness.report.statistics import (
    STUDENTISED_FROM,
    equivalence,
    interval,
    new_subjects,
    paired_difference,
    sign_flip,
    t_interval,
)
from harness.report.statistics.subjects import half_widths

MOST = 0.055
CLAIMED = ["normal", "t4", "skewed"]
FEW = [n for n in coverage.SIZES if n < STUDENTISED_FROM]


def holds(share: float) -> bool:
    return 0.93 <= share <= 0.97


def test_what_is_simulated_is_what_is_printed():
    for d in coverage.differences("very skewed", 6, 20):
        found = paired_difference(dict(enumerate(d)), dict.fromkeys(range(6), 0.0))
        assert found.p == pytest.approx(float(coverage.paired_p(d)))
        assert sign_flip(d) == pytest.approx(coverage.sign_flips(d[None])[0])
        assert found.p_sign_flip == pytest.approx(coverage.kept_sign_flips(d[None])[0], nan_ok=True)
        assert found.difference.half == pytest.approx(float(coverage.widened_half(d)))
        assert equivalence(d, 0.9).equivalent == coverage.called_equal(d, 0.9)
        assert t_interval(d).half == pytest.approx(float(coverage.student_half(d)))
    y, _ = coverage.crossed("skewed", "neither", 5, 6, 20)
    assert [new_subjects(one).half for one in y] == pytest.approx(list(half_widths(y)))


@pytest.mark.parametrize("n", FEW)
@pytest.mark.parametrize("distribution", CLAIMED)
def test_interval_of_one_arm(distribution, n):
    x = coverage.arm_values(distribution, n, 60_000)
    assert holds(coverage.within(x, coverage.widened_half(x)))


@pytest.mark.parametrize("distribution", CLAIMED)
def test_interval_of_one_arm_by_bootstrap(distribution):
    assert holds(coverage.covered(coverage.arm_values(distribution, 15, 2_000), interval))


def test_what_reports_do_not_use_would_not_do():
    assert coverage.covered(coverage.arm_values("normal", 5, 2_000), coverage.percentile_interval) < 0.88
    x = coverage.arm_values("skewed", 5, 40_000)
    assert np.mean(coverage.student_p(x) < 0.05) > 0.06


@pytest.mark.parametrize("distribution", CLAIMED)
def test_paired_differences(distribution):
    for n in coverage.SIZES:
        alike = coverage.differences(distribution, n, 240_000 // n)
        for d in (alike, coverage.arm_values(distribution, n, 900_000 // n)):
            assert n not in coverage.TESTED or np.mean(coverage.paired_p(d) < 0.05) <= MOST
            assert n not in FEW or holds(coverage.within(d, coverage.widened_half(d)))


@pytest.mark.parametrize("distribution", CLAIMED)
def test_paired_differences_by_bootstrap(distribution):
    assert holds(coverage.covered(coverage.differences(distribution, 15, 2_000), interval))


@pytest.mark.parametrize("distribution", [*CLAIMED, "very skewed"])
def test_sign_flip_where_arms_are_drawn_alike(distribution):
    """Differences are symmetric then, whatever the arms: the test is exact, to the step of its p-values."""
    for n in (7, 10):
        assert 0.03 < np.mean(coverage.sign_flips(coverage.differences(distribution, n, 20_000)) < 0.05) <= MOST
    assert np.mean([sign_flip(d) < 0.05 for d in coverage.differences(distribution, 20, 2_000)]) <= 0.065


@pytest.mark.parametrize("distribution", CLAIMED)
def test_sign_flip_where_differences_are_skewed_themselves(distribution):
    for n in coverage.TESTED:
        if n <= 10 or n == 20:
            d = coverage.arm_values(distribution, n, 30_000 if n <= 10 else 1_500)
            assert np.mean(coverage.kept_sign_flips(d) < 0.05) <= MOST, n


def test_a_test_of_two_pairs_would_find_too_much():
    d = coverage.arm_values("skewed", 2, 300_000)
    assert np.mean(coverage.paired_p(d) < 0.05) > MOST
    found = paired_difference(dict(enumerate(d[0])), {0: 0.0, 1: 0.0})
    assert np.isnan(found.p) and np.isnan(found.p_sign_flip) and np.isnan(equivalence(d[0], 1e9).p)


@pytest.mark.parametrize("parts", coverage.COMPONENTS)
def test_new_subjects(parts):
    for seeds, subjects in coverage.LAYOUTS:
        for distribution in CLAIMED:
            draws = max(1_200_000 // (seeds * subjects), 15_000)
            y, _ = coverage.crossed(distribution, parts, seeds, subjects, draws)
            assert holds(coverage.within(y, half_widths(y))), (seeds, subjects, distribution)


def test_seeds_alone_speak_of_these_subjects_only():
    y, these = coverage.crossed("normal", "subjects", 5, 10, 10_000)
    over_seeds = y.mean(2)
    these_alone = over_seeds - these[:, None]
    assert holds(coverage.within(these_alone, coverage.widened_half(these_alone)))
    assert coverage.within(over_seeds, coverage.widened_half(over_seeds)) < 0.8


@pytest.mark.parametrize("scenario", coverage.truths())
def test_any_false_positive_of_a_table(scenario):
    truth = coverage.truths()[scenario]
    p = coverage.family("normal", truth, 5, 8_000)
    null = truth == 0
    assert coverage.familywise(p, null, coverage.by_fixed_order) <= MOST
    assert coverage.familywise(p[:4_000], null, coverage.by_holm) <= MOST
    assert coverage.familywise(p[:4_000], null, np.asarray) > 0.15


@pytest.mark.parametrize("distribution", CLAIMED)
def test_false_equivalence_at_the_margin(distribution):
    for n in coverage.TESTED:
        alike, itself = coverage.differences(distribution, n, 20_000), coverage.arm_values(distribution, n, 20_000)
        for d in (alike, itself, -itself):
            assert np.mean(coverage.called_equal(d + 1.5, 1.5)) <= MOST
