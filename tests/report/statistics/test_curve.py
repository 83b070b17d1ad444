import math

import pytest

from harness.report.statistics import curve_area


def test_area_by_hand():
    # (1 · 110 + 1 · 140) over severities 0, 1, 2
    assert curve_area([0, 1, 2], [100, 120, 160]) == pytest.approx(125)
    # unevenly spaced: 0.25 · 105 + 0.75 · 130
    assert curve_area([0, 0.25, 1], [100, 110, 150]) == pytest.approx(0.25 * 105 + 0.75 * 130)


def test_a_flat_curve_has_the_area_of_its_level_whatever_the_severities():
    assert curve_area([0.2, 0.3, 0.9], [80.0] * 3) == pytest.approx(80)


def test_the_order_of_levels_is_that_of_severity():
    assert curve_area([1, 0, 0.5], [150, 100, 110]) == curve_area([0, 0.5, 1], [100, 110, 150])


@pytest.mark.parametrize(
    "severity, values, said",
    [
        ([0, 1], [1.0], "2 severities"),
        ([0], [1.0], "two levels"),
        ([0, 0], [1, 2], "one severity"),
        ([0, 1], [1, math.nan], "NaN"),
    ],
)
def test_what_has_no_area_is_refused(severity, values, said):
    with pytest.raises(ValueError, match=said):
        curve_area(severity, values)
