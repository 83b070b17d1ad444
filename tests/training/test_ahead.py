"""Batches made by threads are those that would have been made without."""

import threading

import pytest
import torch

from harness.training.ahead import Ahead
from tests.training.test_batches import assert_equal, batches_of


def test_what_comes_next_is_begun():
    made, begun = [], {number: threading.Event() for number in range(20)}

    def make(number):
        made.append(number)
        begun[number].set()
        return -number

    numbers = Ahead(make, 2)
    assert numbers[0] == 0
    assert begun[1].wait(10) and begun[2].wait(10)
    assert [numbers[n] for n in (1, 2, 10)] == [-1, -2, -10] and sorted(made) == sorted(set(made))
    assert numbers[1] == -1  # going back is no matter


def test_without_threads_nothing_is_begun_and_the_caller_makes_it():
    made = []
    numbers = Ahead(lambda number: made.append((number, threading.current_thread())), 0)
    _ = numbers[3]
    assert made == [(3, threading.current_thread())]


def test_an_exception_comes_when_its_number_does():
    def make(number):
        if number == 2:
            raise ValueError("two")
        return number

    numbers = Ahead(make, 3)
    assert [numbers[0], numbers[1]] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        _ = numbers[2]
    assert numbers[3] == 3


def test_batches_made_ahead_are_the_same(make_run):
    run = make_run(batch=16, occlusion="self_occlusion@0.5")
    plain, ahead = batches_of(run), batches_of(run)
    ahead._groups = Ahead(ahead._assemble, 3)
    before = torch.get_rng_state()
    steps = [*range(0, 40), 5, 100, 101]
    for step in steps:
        assert_equal(ahead[step], plain[step])
    assert torch.equal(torch.get_rng_state(), before)
    assert batches_of(run)._groups._threads == 0  # on a CPU
