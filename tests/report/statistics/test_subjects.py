import math

import numpy as np
import pytest

from harness.report.statistics import MIN_SEEDS, MIN_SUBJECTS, new_subjects, t_interval, widened_interval


def crossed(seeds: int, subjects: int, of_seeds: float, of_subjects: float, rest: float) -> np.ndarray:
    rng = np.random.default_rng([seeds, subjects])
    return (
        of_seeds * rng.normal(size=(seeds, 1))
        + of_subjects * rng.normal(size=subjects)
        + rest * rng.normal(size=(seeds, subjects))
    )


def test_by_hand():
    # Seeds at −2 … 2, subjects at −5 … 5, no rest: MS_seeds = 6 · 2.5 = 15, MS_subjects = 5 · 14 = 70.
    y = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]]) + np.array([-5.0, -3.0, -1.0, 1.0, 3.0, 5.0]) + 2
    found = new_subjects(y)
    freedom = (15 + 70) ** 2 / (15**2 / 4 + 70**2 / 5)
    from scipy import stats

    assert found.mean == pytest.approx(2) and found.n == 6 and found.method == "crossed"
    assert found.half == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt((15 + 70) / 30))


def test_without_spread_between_seeds_it_is_the_t_interval_over_subjects():
    subjects = np.array([3.0, 5.0, 4.0, 7.0, 6.0, 5.5, 4.2])
    found, over = new_subjects(np.tile(subjects, (5, 1))), t_interval(subjects)
    assert (found.low, found.high) == pytest.approx((over.low, over.high))


def test_without_spread_between_subjects_it_is_the_t_interval_over_seeds():
    seeds = np.array([3.0, 5.0, 4.0, 7.0, 4.5])
    found, over = new_subjects(np.tile(seeds[:, None], (1, 8))), widened_interval(seeds)
    assert (found.low, found.high) == pytest.approx((over.low, over.high))


def test_wider_than_what_seeds_alone_or_subjects_alone_tell():
    y = crossed(5, 10, 1.0, 1.0, 0.5)
    assert new_subjects(y).half > max(t_interval(y.mean(0)).half, t_interval(y.mean(1)).half)


def test_where_neither_varies_beyond_the_rest_their_mean_stands_for_both():
    from scipy import stats

    y = np.resize([1.0, -1.0], (6, 6)) * np.resize([1.0, -1.0], 6)[:, None] + 0.01 * np.eye(6)
    y = np.roll(y, 1, 0) * np.where(np.arange(6) < 3, 1, -1)
    over_seeds, over_subjects = 6 * y.mean(1).var(ddof=1), 6 * y.mean(0).var(ddof=1)
    total = (over_seeds + over_subjects) / 2
    freedom = 4 * total**2 / (over_seeds**2 / 5 + over_subjects**2 / 5)
    assert new_subjects(y).half == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(total / 36))


def test_spread_between_subjects_counts_and_more_seeds_do_not_remove_it():
    y = crossed(40, 10, 0.5, 2.0, 0.5)
    assert new_subjects(y).half == pytest.approx(t_interval(y.mean(0)).half, rel=0.05)


def test_under_six_subjects_it_is_refused_with_the_reason():
    found = new_subjects(crossed(5, MIN_SUBJECTS - 1, 1, 1, 1))
    assert math.isnan(found.low) and math.isnan(found.high) and math.isfinite(found.mean)
    assert found.reason == "5 subjects: new subjects can't be told under 6"
    assert new_subjects(crossed(5, MIN_SUBJECTS, 1, 1, 1)).reason == ""


def test_under_five_seeds_it_is_refused_with_the_reason():
    found = new_subjects(crossed(1, 8, 1, 1, 1))
    assert math.isnan(found.half) and found.reason.startswith("one seed:")
    found = new_subjects(crossed(MIN_SEEDS - 1, 8, 1, 1, 1))
    assert math.isnan(found.half) and math.isfinite(found.mean)
    assert found.reason == "4 seeds: new seeds and subjects together can't be told under 5"


def test_equal_values_have_an_interval_of_no_width():
    found = new_subjects(np.full((5, 6), 7.0))
    assert (found.low, found.mean, found.high) == (7, 7, 7)


def test_what_is_no_complete_table_is_refused():
    with pytest.raises(ValueError, match="table"):
        new_subjects([1.0, 2.0])
    y = crossed(3, 6, 1, 1, 1)
    y[1, 2] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        new_subjects(y)
