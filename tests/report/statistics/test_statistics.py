import math

import numpy as np
import pytest

from harness.report.statistics import holm, paired_difference, t_interval


def test_t_interval_by_hand():
    # sd of 1..5 is sqrt(2.5); t(0.975, 4) = 2.776445
    found = t_interval([1, 2, 3, 4, 5])
    assert found.n == 5 and found.mean == 3
    assert found.half == pytest.approx(2.776445 * math.sqrt(2.5 / 5), abs=1e-5)
    assert (found.low, found.high) == pytest.approx((found.mean - found.half, found.mean + found.half))


def test_t_interval_level():
    # t(0.95, 2) = 2.919986; sd of 1, 2, 3 is 1
    assert t_interval([1, 2, 3], level=0.9).half == pytest.approx(2.919986 / math.sqrt(3), abs=1e-5)


@pytest.mark.parametrize("values, mean", [([], math.nan), ([7.0], 7.0)])
def test_interval_of_fewer_than_two_is_undefined_not_zero(values, mean):
    found = t_interval(values)
    assert math.isnan(found.half) and found.n == len(values)
    assert found.mean == pytest.approx(mean, nan_ok=True)


def test_nan_and_levels_out_of_range_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        t_interval([1.0, math.nan])
    with pytest.raises(ValueError, match="level"):
        t_interval([1.0, 2.0], level=95)


def test_paired_difference_by_hand():
    # differences -2, -1, -3: mean -2, sd 1, t = -2 sqrt(3) with 2 degrees of freedom, p = 0.074180
    found = paired_difference({0: 8.0, 1: 11.0, 2: 9.0}, {0: 10.0, 1: 12.0, 2: 12.0})
    assert found.n == 3 and found.difference.mean == pytest.approx(-2)
    assert found.difference.half == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)
    assert found.p == pytest.approx(0.0741799, abs=1e-6)
    assert found.effect == pytest.approx(-2 / math.sqrt(math.pi))  # d_z = -2, times Γ(1) / Γ(1/2)
    assert found.unpaired == ()


def test_only_common_seeds_are_paired_in_any_order():
    found = paired_difference({3: 5.0, 1: 2.0, 2: 9.0}, {1: 1.0, 3: 3.0, 7: 0.0})
    assert found.n == 2 and found.difference.mean == pytest.approx(1.5)
    assert set(found.unpaired) == {2, 7}


def test_pairing_beats_seed_to_seed_variance():
    seeds = {seed: 10.0 * seed for seed in range(5)}
    better = {seed: value - 1 + 0.01 * (-1) ** seed for seed, value in seeds.items()}
    found = paired_difference(better, seeds)
    assert found.p < 1e-6 and found.difference.half < 0.02 < t_interval(list(seeds.values())).half


@pytest.mark.parametrize("pairs", [0, 1])
def test_comparison_of_fewer_than_two_pairs_is_undefined(pairs):
    found = paired_difference({s: 1.0 for s in range(pairs)}, {s: 2.0 for s in range(pairs)})
    assert found.n == pairs
    assert all(map(math.isnan, (found.p, found.effect, found.difference.half)))


def test_equal_differences_have_no_p():
    found = paired_difference({0: 1.1, 1: 2.1, 2: 3.1}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert math.isnan(found.p) and found.difference.mean == pytest.approx(0.1)
    assert found.difference.half == pytest.approx(0, abs=1e-12)


def test_holm_by_hand():
    # sorted 0.01·4, 0.02·3, 0.03·2, 0.04·1, never falling
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_holm_leaves_undefined_tests_out_of_the_count():
    found = holm([0.02, math.nan, 0.03])
    assert found[[0, 2]] == pytest.approx([0.04, 0.04]) and np.isnan(found[1])
    assert holm([]).size == 0


def test_agrees_with_scipy_stats():
    from scipy import stats

    a, b = np.random.default_rng(0).normal(size=(2, 7))
    found = paired_difference(dict(enumerate(a)), dict(enumerate(b)))
    known = stats.ttest_rel(a, b)
    assert found.p == pytest.approx(known.pvalue) and found.difference.low == pytest.approx(
        known.confidence_interval().low
    )
