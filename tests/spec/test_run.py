from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from harness.spec.run import Run, Test, Train, join_term, split_term

MINIMAL = {"backbone": {"name": "ridge"}, "objective": {"mpjpe": {"weight": 1}}}


def test_a_run_is_immutable_and_survives_pickling_and_json():
    run = Run.model_validate(MINIMAL)
    assert len(run.run_id) == 16 and int(run.run_id, 16) >= 0
    with pytest.raises(ValidationError, match="frozen"):
        run.seed = 3
    again = pickle.loads(pickle.dumps(run))
    assert again == run and again.run_id == run.run_id
    assert Run.model_validate_json(run.model_dump_json()).run_id == run.run_id
    assert "run_id" not in run.model_dump()


def test_frames_predicted_default_to_the_window():
    run = Run.model_validate({**MINIMAL, "data": {"window": 81}})
    assert run.data.frames_predicted == 81
    assert Run.model_validate({**MINIMAL, "data": {"window": 81, "frames_out": 1}}).data.frames_predicted == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0), ("steps", True), ("steps", 1.5), ("batch", -1), ("lr", 0), ("lr", float("nan")),
        ("lr", float("inf")), ("weight_decay", -1), ("clip_norm", -1), ("body_shape", 0.31), ("decay", 0),
        ("optimiser", "sgd"), ("schedule", "step"), ("validate_on", []), ("threads", 0), ("stepz", 1),
    ],
)  # fmt: skip
def test_training_refuses(field, value):
    with pytest.raises(ValidationError):
        Train.model_validate({field: value})


@pytest.mark.parametrize(
    "objective",
    [
        {},
        {"mpjpe": {}},
        {"mpjpe": {"weight": -1}},
        {"mpjpe": {"weight": float("nan")}},
        {"mpjpe": {"weight": float("inf")}},
        {"mpjpe": {"weight": "all"}},
        {"mpjpe": {"weight": True}},
    ],
)
def test_an_objective_needs_finite_weights(objective):
    with pytest.raises(ValidationError):
        Run.model_validate({**MINIMAL, "objective": objective})


def test_a_term_with_an_option_called_weight_spells_its_weight_lambda():
    assert split_term({"weight": 0.5, "form": "soft"}) == (0.5, {"form": "soft"})
    assert split_term({"lambda": 0.5, "weight": "occluded"}) == (0.5, {"weight": "occluded"})
    for term in ({"weight": 1.0}, {"lambda": 1.0, "weight": "occluded", "form": "soft"}):
        assert join_term(*split_term(term)) == term


def test_a_test_needs_a_level():
    with pytest.raises(ValidationError):
        Test.model_validate({"occlusion": []})
