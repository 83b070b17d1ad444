import math

import numpy as np
import pytest
from scipy import stats

from harness.report.statistics.components import believable, components

SIZES = {"seed": 1.5, "draw": 2.0, "subject": 4.0, "subject_draw": 1.0, "fold": 8.0}


def drawn(rng, draws, seeds, subjects, *, rest=0.8, **sizes):
    """(draws, seeds, subjects) values of one fold whose sources have these standard deviations."""
    size = {**SIZES, **sizes}
    return (
        100.0
        + size["fold"] * rng.normal()
        + size["draw"] * rng.normal(size=(draws, 1, 1))
        + size["seed"] * rng.normal(size=(draws, seeds, 1))
        + size["subject"] * rng.normal(size=subjects)
        + size["subject_draw"] * rng.normal(size=(draws, 1, subjects))
        + rest * rng.normal(size=(draws, seeds, subjects))
    )


def test_by_hand():
    # Subjects at 0 and 10, seeds at −1 and 1, no rest: the mean of two seeds lies √2 apart, that of subjects √50.
    found = components([np.array([[[-1.0, 9.0], [1.0, 11.0]]])])
    assert (found.mean, found.seed, found.subject) == pytest.approx((5, 2, 50))
    assert math.isnan(found.draw) and math.isnan(found.subject_draw) and math.isnan(found.fold)


def test_over_many_studies_the_mean_of_each_component_is_the_truth():
    # Without truncation components are unbiased; with sources this strong few are truncated.
    rng = np.random.default_rng(5)
    studies = [components([drawn(rng, 4, 5, 6) for _ in range(6)]) for _ in range(300)]
    truth = {**{name: size**2 for name, size in SIZES.items()}, "seed": SIZES["seed"] ** 2 + 0.8**2 / 6}
    for name, variance in truth.items():
        found = np.array([getattr(study, name) for study in studies])
        error = found.std() / np.sqrt(len(found))
        assert error < 0.06 * variance and abs(found.mean() - variance) < 4 * error, name


def test_what_does_not_vary_is_nothing_and_what_is_below_nothing_too():
    y = np.tile(np.array([1.0, 2.0, 6.0]), (2, 4, 1))
    found = components([y, y])
    assert (found.seed, found.draw, found.subject_draw, found.fold) == (0, 0, 0, 0)
    assert found.subject == pytest.approx(7)


def test_folds_of_unequal_subjects_and_seeds():
    rng = np.random.default_rng(2)
    found = components([drawn(rng, 3, 4, 6), drawn(rng, 3, 5, 5), drawn(rng, 3, 3, 2)])
    assert all(value >= 0 for value in vars(found).values())


def test_one_seed_or_one_subject_tells_less():
    rng = np.random.default_rng(2)
    one_seed = components([drawn(rng, 3, 1, 6)])
    assert math.isnan(one_seed.seed) and one_seed.subject > 0
    one_subject = components([drawn(rng, 3, 4, 1)])
    assert math.isnan(one_subject.subject) and one_subject.seed > 0


def test_a_difference_to_believe_is_the_half_width_of_two_arms_that_share_nothing():
    assert believable(4.0, 5) == pytest.approx(stats.t.ppf(0.975, 4) * math.sqrt(2 * 4.0 / 5))
    rng = np.random.default_rng(1)
    a, b = rng.normal(scale=2.0, size=(2, 4000, 5))
    apart = np.abs((a - b).mean(1)) > believable(4.0, 5)
    assert apart.mean() < 0.05


@pytest.mark.parametrize("folds", [[], [np.zeros((2, 3))], [np.zeros((2, 0, 3))], [np.full((1, 2, 2), np.nan)]])
def test_no_tables_are_refused(folds):
    with pytest.raises(ValueError, match="tables"):
        components(folds)
