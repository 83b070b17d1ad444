"""Seeds fixed by a pilot: what the interval promises, by simulation, and that it is what one report computes.

Coverage must lie within 93 and 97 %, false positives at or under 5.5 %, as for the other methods
(`test_coverage.py`), at every pilot, half-width and most seeds of benchmarks/simulated_coverage.py.
"""

import math

import numpy as np
import pytest

from benchmarks import simulated_coverage as coverage
from benchmarks import simulated_pilots as pilots
from harness.report.statistics import (
    equivalence,
    interval,
    paired_difference,
    paired_p,
    pilot_first,
    seed_interval,
    seeds_fixed,
    widened_interval,
)

MOST = 0.055


def test_a_pilot_that_is_narrow_enough_is_all_there_is():
    pilot = [1.0, 2.0, 3.0]
    half = widened_interval(pilot).half
    assert seeds_fixed(pilot, half) == 3
    assert seeds_fixed(pilot, half * 0.99) == 4
    assert interval(pilot, pilot=3).half == pytest.approx(half)


def test_the_half_width_is_reached_and_one_seed_fewer_would_miss_it():
    pilot = np.array([0.3, -1.2, 0.8, 2.0, -0.1])
    for wanted in (0.8, 0.3, 0.05):
        n = seeds_fixed(pilot, wanted)
        reached = [interval([*pilot, *np.zeros(m - 5)], pilot=5).half for m in (n, n - 1)]
        assert reached[0] <= wanted * (1 + 1e-9) < reached[1]


def test_only_the_pilot_tells_the_spread():
    pilot = [0.0, 1.0, 2.0]
    near, far = ([*pilot, *more] for more in ([1.0, 1.0], [-50.0, 52.0]))
    assert interval(near, pilot=3).half == interval(far, pilot=3).half
    assert interval(near, pilot=3).n == 5
    # Student's quantile of two degrees of freedom; the pilot is symmetric, so that there is no room for skew.
    assert interval(near, pilot=3).half == pytest.approx(4.302653 / math.sqrt(5))


def test_a_pilot_without_spread_asks_for_no_more_and_tests_nothing():
    assert seeds_fixed([2.0, 2.0, 2.0], 0.1) == 3
    found = paired_difference(dict.fromkeys(range(3), 2.0), dict.fromkeys(range(3), 1.0), pilot=range(3))
    assert math.isnan(found.p) and found.difference.low == found.difference.high == 1.0


@pytest.mark.parametrize("wrong", [([1.0], 1.0), ([1.0, 2.0], 0.0), ([1.0, math.nan, 2.0], 1.0)])
def test_what_asks_for_nothing_sensible_is_refused(wrong):
    with pytest.raises(ValueError, match="a pilot of two values"):
        seeds_fixed(*wrong)


def test_interval_test_and_equivalence_agree():
    rng = np.random.default_rng(4)
    for _ in range(100):
        d = rng.normal(0.5, 1.0, 9)
        a = dict(enumerate(d))
        found = paired_difference(a, dict.fromkeys(a, 0.0), pilot=range(4))
        assert (found.p < 0.05) == (found.difference.low > 0 or found.difference.high < 0)
        same = equivalence(d, 1.5, 4)
        assert same.equivalent == (found.difference.low > -1.5 and found.difference.high < 1.5)
        assert math.isnan(found.p_sign_flip) and "seeds fixed" in found.left_out


def test_seeds_of_the_pilot_are_found_wherever_they_stand():
    values = {7: 10.0, 1: 1.0, 0: 0.0, 2: 2.0, 9: 12.0}
    assert pilot_first(values, (0, 1, 2)) == ([1.0, 0.0, 2.0, 10.0, 12.0], 3)
    assert pilot_first(values, ()) == ([10.0, 1.0, 0.0, 2.0, 12.0], None)
    assert seed_interval(values, (0, 1, 2)).mean == 5.0
    # Until two of the pilot's are there, nothing is told.
    assert math.isnan(seed_interval({0: 1.0, 7: 2.0, 9: 3.0}, (0, 1, 2)).low)


def test_what_is_simulated_is_what_is_printed():
    x = coverage.arm_values("skewed", 12, 30)
    n, mean, half, p = pilots.studies(x, 4, 1.0)
    for i, row in enumerate(x):
        assert n[i] == min(seeds_fixed(row[:4], 1.0), 12)
        found = interval(row[: n[i]], pilot=4)
        assert (found.mean, found.half) == pytest.approx((mean[i], half[i]))
        assert paired_p(row[: n[i]], 4) == pytest.approx(p[i])


@pytest.mark.parametrize("distribution", ["normal", "t4", "skewed"])
@pytest.mark.parametrize(("pilot", "most"), pilots.SIZES)
def test_it_holds_whatever_the_pilot_asked_for(distribution, pilot, most):
    alike = coverage.differences(distribution, most, 20_000)
    itself = coverage.arm_values(distribution, most, 20_000 if distribution == "normal" else 150_000)
    for x in (alike, itself):
        sums = np.cumsum(x, axis=1)
        for halfwidth in pilots.HALF_WIDTHS:
            n, mean, half, p = pilots.studies(x, pilot, halfwidth, sums)
            assert 0.93 <= np.mean(np.abs(mean) <= half) <= 0.97
            assert np.mean(p < 0.05) <= MOST
            assert np.all(half[n < most] <= halfwidth * (1 + 1e-9))


def test_the_spread_of_all_seeds_would_be_too_small():
    x = coverage.arm_values("normal", 20, 60_000)
    n, mean, _, _ = pilots.studies(x, 5, 1.0)
    assert np.mean(np.abs(mean) <= pilots.by_all(x, n)) < 0.935


def test_other_measures_of_the_same_runs_hold_too():
    """Seeds are fixed by one endpoint; others of the same runs move with it, and are told by their own pilots."""
    rng = np.random.default_rng(8)
    one = rng.normal(size=(60_000, 20))
    other = 0.9 * one + math.sqrt(1 - 0.81) * rng.normal(size=one.shape)
    n, _, _, _ = pilots.studies(one, 5, 0.8)
    mean, half = pilots.means(other, n), pilots.half_widths(other[:, :5], n)
    assert 0.95 <= np.mean(np.abs(mean) <= half) <= 0.97
