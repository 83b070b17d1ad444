import math

import numpy as np
import pytest

from harness.report.statistics import MOST_SEEDS, seeds_needed, widening
from harness.report.statistics.skew import usual_widening


@pytest.mark.parametrize("ratio, expected", [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_to_find_an_effect_are_one_or_two_more_than_in_the_tables(ratio, expected):
    # Cohen's effect sizes in a paired t-test, two-sided 5 %, power 80 %, as G*Power prints them: without room for skew.
    found = seeds_needed(1.0, effect=ratio)
    assert found == seeds_needed(3.0, effect=-3 * ratio) and expected < found <= expected + 2


@pytest.mark.parametrize("ratio", [0.3, 0.7, 1.5, 4.0])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_the_smallest_number_with_that_power(ratio, level):
    from scipy import stats

    def power(n):
        critical, shift = stats.t.ppf((1 + level) / 2, n - 1) * usual_widening(n), ratio * math.sqrt(n)
        return stats.nct.sf(critical, n - 1, shift)

    n = seeds_needed(1.0, effect=ratio, power=0.9, level=level)
    assert power(n) >= 0.8995 and (n == 2 or power(n - 1) < 0.9005)


def test_seeds_for_a_half_width():
    from scipy import stats

    n = seeds_needed(2.0, halfwidth=1.0)
    halves = [stats.t.ppf(0.975, m - 1) * usual_widening(m) * 2 / math.sqrt(m) for m in (n, n - 1)]
    assert halves[0] <= 1 < halves[1]


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
def test_the_usual_room_is_that_of_normal_values(n):
    of_values = widening(np.random.default_rng(n).normal(size=(20_000, n))).mean()
    assert usual_widening(n) == pytest.approx(of_values, abs=0.02)


def test_a_narrower_margin_needs_more():
    needed = [seeds_needed(1.0, margin=margin) for margin in (0.25, 0.5, 1.0, 2.0)]
    assert needed == sorted(needed, reverse=True) and needed[0] > 3 * needed[1] > 6 * needed[2]


def test_the_ends_of_the_scale():
    assert seeds_needed(0.0, effect=1.0) == seeds_needed(0.0, margin=1.0) == 3, "two pairs aren't tested"
    assert seeds_needed(1.0, effect=1e6) == seeds_needed(1.0, margin=1e6) == 3
    assert seeds_needed(0.0, halfwidth=1.0) == seeds_needed(1.0, halfwidth=1e6) == 2
    assert seeds_needed(1.0, effect=0.0) == seeds_needed(0.0, effect=0.0) == MOST_SEEDS
    assert seeds_needed(1.0, effect=1e-9) == MOST_SEEDS


@pytest.mark.parametrize(
    "given", [{}, {"effect": 1, "margin": 1}, {"halfwidth": -1}, {"effect": math.nan}, {"effect": 1, "power": 80}]
)
def test_what_is_no_question_is_refused(given):
    with pytest.raises(ValueError):
        seeds_needed(1.0, **given)
    with pytest.raises(ValueError):
        seeds_needed(math.nan, effect=1.0)
