import math

import pytest

from harness.report.statistics import equivalence


def test_equivalence_by_hand():
    # mean 0.5, sd 1, n 3: the worse bound is t = (2 − 0.5) √3 = 2.598 with 2 degrees of freedom: p = 0.0608
    found = equivalence([-0.5, 0.5, 1.5], margin=2)
    assert found.p == pytest.approx(0.0608, abs=1e-4) and not found.equivalent and found.n == 3
    # t(0.975, 2) = 4.302653
    assert (found.low, found.high) == pytest.approx((0.5 - 4.302653 / 3**0.5, 0.5 + 4.302653 / 3**0.5))


@pytest.mark.parametrize("margin", [2.1, 2.9, 2.98, 2.99, 3.3])
@pytest.mark.parametrize("sign", [-1, 1])
def test_equivalent_exactly_where_the_95_percent_interval_lies_within(margin, sign):
    found = equivalence([sign * -0.5, sign * 0.5, sign * 1.5], margin)
    assert found.equivalent == (-margin < found.low and found.high < margin) == (found.p < 0.025)


def test_not_separated_is_not_equivalent():
    assert not equivalence([-4.0, 5.0, 0.5, -1.0], margin=1).equivalent


def test_equal_differences_have_no_p_but_lie_within_or_not():
    inside, outside = equivalence([0.5] * 4, 1), equivalence([1.5] * 4, 1)
    assert math.isnan(inside.p) and inside.equivalent and not outside.equivalent


@pytest.mark.parametrize("values", [[], [0.0], [0.1, -0.1], [0.1, 0.1]])
def test_fewer_than_three_are_never_equivalent(values):
    found = equivalence(values, 1)
    assert math.isnan(found.p) and not found.equivalent and found.n == len(values)


@pytest.mark.parametrize("margin", [0, -1, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        equivalence([1.0, 2.0], margin)
