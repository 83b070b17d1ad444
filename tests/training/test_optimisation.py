"""Learning rate schedules and the convergence verdict."""

import math

import pytest

from harness.spec.run import Train
from harness.training.convergence import slope
from harness.training.optimisation import learning_rate


def test_schedules():
    assert learning_rate(Train(schedule="constant", lr=0.5), 2999) == 0.5
    cosine = Train(schedule="cosine", lr=1.0, steps=100)
    assert learning_rate(cosine, 0) == 1.0
    assert learning_rate(cosine, 50) == pytest.approx(0.5)
    assert learning_rate(cosine, 99) < 0.001
    exponential = Train(schedule="exponential", lr=1.0, steps=100, decay=0.25)
    assert learning_rate(exponential, 50) == pytest.approx(0.5)


def test_warmup_rises_linearly_and_hands_over_at_the_full_rate():
    train = Train(schedule="cosine", lr=1.0, steps=100, warmup=10)
    assert [learning_rate(train, s) for s in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])


def test_slope_in_mm_per_thousand_steps():
    curve = [("val_mpjpe", step, 200 - 0.01 * step) for step in range(100, 1001, 100)]
    rate, falling = slope([*curve, ("loss", 1000, 5.0)], 1000)
    assert rate == pytest.approx(-10.0)
    assert falling


def test_flat_and_rising_curves_are_not_falling():
    for gain in (0.0, 0.01):
        rate, falling = slope([("val_mpjpe", s, 100 + gain * s) for s in range(100, 1001, 100)], 1000)
        assert rate == pytest.approx(gain * 1000)
        assert not falling


def test_too_few_points_give_no_slope():
    rate, falling = slope([("val_mpjpe", 1000, 90.0)], 1000)
    assert math.isnan(rate)
    assert not falling
