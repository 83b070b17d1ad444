import math

import numpy as np
import pytest
from scipy import stats

from harness.report.statistics import LOPSIDED, lopsided, paired_difference, paired_p, paired_ps, sign_flip, t_interval


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


def test_two_pairs_have_an_interval_but_no_test():
    found = paired_difference({0: 1.0, 1: 2.0}, {0: 0.0, 1: 0.5})
    assert found.difference.half == t_interval([1.0, 1.5]).half > 0
    assert math.isnan(found.p) and math.isnan(found.p_sign_flip) and math.isnan(paired_p([1.0, 1.5]))
    assert found.left_out == "p, p_sign_flip: two pairs"


@pytest.mark.parametrize("outlier, there", [(2.4, True), (2.8, False), (-3.0, False)])
def test_differences_that_look_skewed_have_no_sign_flip(outlier, there):
    """|g| of four zeros-and-ones and an outlier: 0.63 at 2.4, 0.83 at 2.8, 1.16 at −3; the bound is 0.8."""
    values = [0.0, 1.0, 0.0, 1.0, outlier]
    assert bool(lopsided(np.array(values))) == (abs(stats.skew(values)) > LOPSIDED) != there
    found = paired_difference(dict(enumerate(values)), dict.fromkeys(range(5), 0.0))
    assert found.left_out == ("" if there else "p_sign_flip: skewed differences") and found.p > 0
    assert found.p_sign_flip == pytest.approx(sign_flip(values) if there else math.nan, nan_ok=True)


def test_equal_differences_have_no_p():
    found = paired_difference({0: 1.1, 1: 2.1, 2: 3.1}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert math.isnan(found.p) and found.difference.mean == pytest.approx(0.1)
    assert found.difference.half == pytest.approx(0, abs=1e-12)
    assert found.left_out == "p: equal differences" and found.p_sign_flip == pytest.approx(2 / 8)


def test_agrees_with_scipy_stats_where_nothing_is_skewed():
    b = np.random.default_rng(0).normal(size=7)
    a = b + 0.3 + np.array([-2.0, -1.1, -0.4, 0.0, 0.4, 1.1, 2.0])
    found = paired_difference(dict(enumerate(a)), dict(enumerate(b)))
    known = stats.ttest_rel(a, b)
    assert found.p == pytest.approx(known.pvalue) and found.difference.low == pytest.approx(
        known.confidence_interval().low
    )


def test_sign_flip_by_hand():
    # |±1 ±2 ±4| ≥ 7: two patterns of eight; |±1 ±2 ±4| ≥ 5 (−1 + 2 + 4): four
    assert sign_flip([1, 2, 4]) == pytest.approx(2 / 8)
    assert sign_flip([-1, 2, 4]) == pytest.approx(4 / 8)
    assert sign_flip([0.0, 0.0]) == 1.0
    assert math.isnan(sign_flip([3.0])) and math.isnan(sign_flip([]))


def test_sign_flip_cannot_reach_five_percent_with_five_pairs():
    assert sign_flip([1.0, 1.1, 0.9, 1.0, 1.2]) == pytest.approx(2 / 32)
    assert sign_flip([1.0, 1.1, 0.9, 1.0, 1.2, 1.0]) == pytest.approx(2 / 64)


def test_sign_flip_of_many_pairs_is_drawn_the_same_each_time():
    values = np.random.default_rng(6).normal(0.4, size=17)
    found = sign_flip(values)
    assert found == sign_flip(values) == sign_flip(-values)
    # Exact for the first sixteen; one more pair changes it little.
    assert found == pytest.approx(sign_flip(values[:16]), abs=0.1)
    assert sign_flip(np.full(30, 2.0)) == pytest.approx(1 / 20_000)


def test_all_signs_counted_one_by_one():
    import itertools

    values = np.random.default_rng(7).normal(0.3, size=9)
    sums = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=9)]
    assert sign_flip(values) == pytest.approx(np.mean(np.array(sums) >= abs(values.sum()) - 1e-12))


def test_what_the_order_of_averaging_tells_is_a_tie():
    """0.1 + 0.2 is not 0.3."""
    assert paired_difference({0: 0.1 + 0.2, 1: 1.0}, {0: 0.3, 1: 2.0}).improvement == 0.75


def test_probability_of_improvement_counts_pairs_and_halves_ties():
    a, b = dict(enumerate([1.0, 2.0, 3.0, 4.0])), dict(enumerate([2.0, 2.0, 5.0, 1.0]))
    assert paired_difference(a, b).improvement == pytest.approx(2.5 / 4)
    assert paired_difference(b, a).improvement == pytest.approx(1.5 / 4)
    assert math.isnan(paired_difference({}, b).improvement)


def test_effect_is_unbiased_and_undefined_for_two_pairs():
    rng = np.random.default_rng(8)
    effects = [
        paired_difference(dict(enumerate(d)), dict.fromkeys(range(5), 0.0)).effect for d in rng.normal(1, 1, (4000, 5))
    ]
    assert np.mean(effects) == pytest.approx(1, abs=0.05)  # d_z itself: 1.25
    assert math.isnan(paired_difference({0: 1.0, 1: 2.0}, {0: 0.0, 1: 0.5}).effect)


def test_fifteen_pairs_get_a_studentised_interval():
    rng = np.random.default_rng(9)
    found = paired_difference(dict(enumerate(rng.normal(size=15))), dict(enumerate(rng.normal(size=15))))
    assert found.difference.method == "studentised" and 0 < found.p < 1


@pytest.mark.parametrize("n", [3, 6, 14])
def test_p_is_below_five_percent_where_the_interval_leaves_zero_out(n):
    for values in np.random.default_rng(n).exponential(size=(50, n)) - 0.4:
        found = paired_difference(dict(enumerate(values)), dict.fromkeys(range(n), 0.0))
        assert (found.p < 0.05) == (found.difference.low > 0 or found.difference.high < 0)


def test_p_values_of_many_at_once_are_those_of_each():
    rng = np.random.default_rng(6)
    many = [rng.normal(1, 2, n) for n in (0, 1, 2, 3, 5, 3, 20, 5)] + [np.full(5, 0.25)]
    pilots = [None] * 7 + [3, None]
    expected = [paired_p(differences, pilot) for differences, pilot in zip(many, pilots, strict=True)]
    np.testing.assert_allclose(paired_ps(many, pilots), expected, rtol=1e-12)
    assert np.isnan(expected)[[0, 1, 2, 8]].all() and not np.isnan(expected)[3:8].any()
