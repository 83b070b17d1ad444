import math

import numpy as np
import pytest

from harness.report.statistics import STUDENTISED_FROM, interval, intervals, studentised_interval, t_interval, widening
from harness.report.verify import arithmetic


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


def test_the_report_takes_t_of_few_values_and_the_bootstrap_from_there():
    values = np.random.default_rng(1).normal(size=STUDENTISED_FROM)
    few = interval(values[:-1])
    assert few.method == "widened" and few.half == pytest.approx(t_interval(values[:-1]).half * widening(values[:-1]))
    assert interval(values) == studentised_interval(values) and interval(values).method == "studentised"


def test_studentised_interval_depends_on_the_values_alone():
    values = np.random.default_rng(2).exponential(size=STUDENTISED_FROM + 2)
    found = interval(values)
    assert interval(list(reversed(values))).half == pytest.approx(found.half)
    moved = interval(50 + 3 * values)
    assert (moved.low, moved.high) == pytest.approx((50 + 3 * found.low, 50 + 3 * found.high))
    mirrored = interval(-values)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_studentised_interval_of_normal_values_is_near_students():
    values = np.random.default_rng(3).normal(size=40)
    assert studentised_interval(values).half == pytest.approx(t_interval(values).half, rel=0.1)
    assert studentised_interval(values, level=0.8).half < 0.75 * studentised_interval(values).half


def test_studentised_interval_by_plain_resampling():
    values = np.random.default_rng(4).exponential(size=11)
    drawn = np.random.default_rng(5).choice(values, size=(40_000, 11))
    t = (drawn.mean(1) - values.mean()) / (drawn.std(1, ddof=1) / math.sqrt(11))
    expected = np.quantile(np.abs(t), 0.95) * values.std(ddof=1) / math.sqrt(11)
    assert studentised_interval(values).half == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("values", [[1.0] * STUDENTISED_FROM, [1.0] * STUDENTISED_FROM + [2.0]])
def test_values_nearly_all_equal_fall_back_on_t(values):
    assert interval(values) == t_interval(values)
    assert interval(values).method == "t" and interval(values).half < 1


def test_room_for_skew_by_hand():
    # About their mean 1: −1, −1, 2. m2 = 2, m3 = 2: g = 2 / 2^1.5 = 0.7071, over √2 one half: 1 + 0.42 / 2
    assert widening(np.array([0.0, 0.0, 3.0])) == pytest.approx(1.21)
    assert widening(np.array([3.0, 3.0, 0.0])) == pytest.approx(1.21)
    assert interval([0.0, 0.0, 3.0]).half == pytest.approx(1.21 * t_interval([0.0, 0.0, 3.0]).half)


@pytest.mark.parametrize("values", [[1.0, 9.0], [1.0, 2.0, 3.0], [-4.0, -1.0, 0.0, 1.0, 4.0], [0.1 + 0.2, 0.3, 0.3]])
def test_no_room_where_nothing_looks_skewed(values):
    assert widening(np.array(values)) == pytest.approx(1.0)
    assert interval(values).half == pytest.approx(t_interval(values).half)


def test_room_has_a_limit_and_no_unit():
    one_out = np.array([0.0] * 9 + [1.0])
    assert widening(one_out) == pytest.approx(1 + 0.42 * 8 / 9)
    assert widening(one_out * -1e6 + 3) == pytest.approx(widening(one_out))
    draws = np.random.default_rng(6).lognormal(0, 3, (200, 6))
    assert (widening(draws) < 1.42).all() and widening(draws).shape == (200,)


@pytest.mark.parametrize("n", [15, 16, 24])
@pytest.mark.parametrize("others", [1, 2, 5])
def test_resamples_without_spread_are_told_from_rounding(n, others):
    """A few values that differ from all others: what a resample of equal values has for an sd is rounding."""
    values = np.where(np.arange(n) < others, 50.1, 47.3)
    half, resampled = arithmetic.half_width(values.tolist())
    found = interval(values)
    assert (found.method == "studentised") == resampled and found.half == pytest.approx(half, rel=1e-9)


def test_many_intervals_at_once_are_those_of_each():
    rng = np.random.default_rng(4)
    many = [rng.exponential(1 + i, n) + 40 for i, n in enumerate([1, 2, 5, 14, 15, 15, 32, 15, 32, 0])]
    many.append(np.full(20, 3.0))
    pilots = [None] * len(many)
    pilots[2] = 3
    for one, values, pilot in zip(intervals(many, pilots=pilots), many, pilots, strict=True):
        alone = interval(values, pilot=pilot)
        assert (one.method, one.n, one.reason) == (alone.method, alone.n, alone.reason)
        np.testing.assert_allclose([one.mean, one.low, one.high], [alone.mean, alone.low, alone.high], rtol=1e-12)
