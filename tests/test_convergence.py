"""The rule for runs that were still falling when training ended."""

import math

import pytest

from harness.convergence import falling, late_gain


def still(*errors: float, steps: int = 3000) -> bool:
    """Of a run whose epochs ended at these errors."""
    ends = [round(steps * (n + 1) / len(errors)) for n in range(len(errors))]
    return falling(late_gain(zip(ends, errors, strict=True)), min(errors))


def test_gain_of_the_last_fifth_in_mm():
    assert late_gain([(step, 200 - 0.01 * step) for step in range(100, 1001, 100)]) == pytest.approx(2.0)
    assert late_gain([(1000, 98.0), (400, 101.0), (800, 99.0)]) == pytest.approx(1.0), "in any order"


def test_a_run_is_falling_beyond_half_a_per_cent():
    assert still(120, 110, 105, 100.6, 100.0)
    assert not still(120, 110, 105, 100.4, 100.0)


def test_flat_and_rising_curves_are_not_falling():
    assert not still(100, 100, 100, 100, 100)
    assert not still(100, 101, 102, 103, 104)
    assert late_gain([(step, 100.0 + step) for step in range(100, 1001, 100)]) == 0.0


def test_a_bump_that_is_over_is_no_progress():
    """Its slope over the last fifth is −1.4 mm per 1,000 steps."""
    assert not still(130, 122, 119, 117.0, 117.1, 117.8, 118.3, 117.6, 117.3, 117.2)


def test_a_last_point_that_jumped_up_hides_no_progress():
    """Its slope over the last fifth is positive, and it had got two per cent lower within it."""
    assert still(181, 155, 142, 138, 135, 134, 133, 131, 128, 132)


def test_epochs_that_end_at_rounded_steps_count_where_they_were_meant_to():
    assert late_gain([(200, 130.0), (400, 120.0), (601, 110.0), (801, 100.0), (1001, 99.0)]) == pytest.approx(1.0)


def test_too_few_points_tell_nothing():
    for curve in ([], [(1000, 90.0)], [(900, 91.0), (1000, 90.0)]):
        assert math.isnan(late_gain(curve))
        assert not falling(late_gain(curve), 90.0)
