"""Learning rate schedules."""

import pytest

from harness.spec.run import Train
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
