"""Spaces: what a tuned field may take, in which order, and the grid over it."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from harness.spec.space import Parameter, active, combinations, ordered, size


def parameter(**given):
    return Parameter.model_validate(given)


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        ({"float": [-1, 1]}, [-1, 0.3, 1], [1.1, "0", True, math.nan]),
        ({"log": [1e-3, 1]}, [0.001, 0.5], [0, 2]),
        ({"int": [1, 5]}, [1, 5, 3.0], [0, 2.5, 6]),
        ({"int": [1, 9], "step": 4}, [1, 5, 9], [2, 3]),
        ({"float": [0, 1], "step": 0.1}, [0, 0.3, 0.7, 1], [0.05]),
        ({"categorical": ["hinge", 1, None, True]}, ["hinge", 1.0, None, True], ["soft", 2, False]),
    ],
)
def test_a_parameter_holds_what_it_may_take(given, inside, outside):
    made = parameter(**given)
    assert [value for value in inside if not made.holds(value)] == []
    assert [value for value in outside if made.holds(value)] == []


def test_a_grid_takes_ranges_evenly_on_their_own_scale():
    assert parameter(float=[0, 1], points=3).values() == [0, 0.5, 1]
    assert parameter(log=[0.01, 1], points=3).values() == pytest.approx([0.01, 0.1, 1])
    assert parameter(int=[1, 3]).values() == [1, 2, 3]  # five points of three numbers
    assert parameter(log_int=[1, 64], points=4).values() == [1, 4, 16, 64]
    assert parameter(int=[2, 9], step=3).values() == [2, 5, 8]
    assert parameter(float=[0, 0.3], step=0.1).values() == pytest.approx([0, 0.1, 0.2, 0.3])
    for given in ({"float": [-2, 7]}, {"log": [1e-4, 3]}, {"int": [1, 50]}, {"log_int": [3, 1000]}):
        made = parameter(**given)
        assert all(made.holds(value) for value in made.values())


SPACE = {
    "margin": parameter(float=[0.01, 0.05], points=2, when={"form": "margin"}),
    "form": parameter(categorical=["hinge", "margin", "soft"], when={"use": True}),
    "use": parameter(categorical=[True, False]),
    "tau": parameter(float=[1, 2], points=2, when={"form": ["soft", "margin"]}),
}


def test_fields_stand_behind_those_they_depend_on_and_else_as_written():
    assert list(ordered(SPACE)) == ["use", "form", "margin", "tau"]
    with pytest.raises(ValueError, match="a and b depend on each other"):
        ordered({"a": parameter(int=[1, 2], when={"b": 1}), "b": parameter(int=[1, 2], when={"a": 1})})


def test_a_condition_needs_its_field_and_one_of_its_values():
    assert active("margin", SPACE, {"use": True, "form": "margin"})
    assert active("tau", SPACE, {"form": "margin"})
    assert not active("margin", SPACE, {"use": True, "form": "soft"})
    assert not active("margin", SPACE, {"use": False})
    # Of an axis of the grid the arm decides, not the trial.
    assert active("x", {"x": parameter(int=[1, 2], when={"backbone": "small"})}, {})


def test_every_combination_stands_once_without_what_means_nothing_in_it():
    found = list(combinations(ordered(SPACE)))
    assert len(found) == size(ordered(SPACE)) == 1 + 1 + 4 + 2  # unused, hinge, margin × tau, soft × tau
    assert {"use": False} in found
    assert {"use": True, "form": "hinge"} in found
    assert {"use": True, "form": "soft", "tau": 2} in found
    assert all(found.count(point) == 1 for point in found)
    assert size(ordered(SPACE), most=3) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"float": [1, 1]}, "the range is empty"),
        ({"log": [1, 0.1]}, "the range is empty"),
        ({"log": [0, 1]}, "positive ends"),
        ({"log_int": [-4, 4]}, "positive ends"),
        ({"float": [0, math.inf]}, "finite ends"),
        ({"float": [0]}, "two numbers"),
        ({"float": 3}, "two numbers"),
        ({"float": [False, True]}, "two numbers"),
        ({"int": [1, 2.5]}, "whole ends"),
        ({"int": [1, 5], "step": 0.5}, "whole number"),
        ({"int": [1, 5], "step": 9}, "wider than the range"),
        ({"log": [1, 5], "step": 1}, "'step' belongs to float and int"),
        ({"int": [1, 5], "step": 2, "points": 3}, "'points' has no effect"),
        ({"categorical": []}, "at least 1 item"),
        ({"categorical": [1, 1.0]}, "stands twice"),
        ({"categorical": [[1], [2]]}, r"not \[1\]"),
        ({}, "none is given"),
        ({"int": [1, 2], "log": [1, 2]}, "got log and int"),
    ],
)
def test_what_is_no_range_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        parameter(**given)
