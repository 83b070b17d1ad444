"""The keys beside λ: what they mean, one name for one run, axes over them, and what can't be."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.objectives.schedule import Schedule
from harness.spec import load
from harness.spec.readback import read
from harness.spec.run import Choice, Run

TERM = "{weight: 0.1, form: margin}"


def run(**keys) -> Run:
    term = {"weight": 0.1, **keys}
    return Run(backbone=Choice(name="videopose3d"), objective={"mpjpe": {"weight": 1}, "spatial_rdc": term})


@pytest.mark.parametrize(
    ("keys", "schedule"),
    [
        ({}, Schedule()),
        ({"warmup": 2}, Schedule(2, 2)),
        ({"ramp": [1, 2.5]}, Schedule(1, 2.5)),
        ({"scale": "gradient"}, Schedule(1, 1, by_gradient=True)),
        ({"scale": "gradient", "warmup": 0.5}, Schedule(0.5, 0.5, by_gradient=True)),
        ({"scale": "gradient", "ramp": [1, 3]}, Schedule(1, 3, by_gradient=True)),
    ],
)
def test_what_they_mean(keys, schedule):
    found = run(**keys)
    assert found.schedules["spatial_rdc"] == schedule
    assert found.terms == run().terms
    assert Run.model_validate(found.model_dump()) == found
    assert (found.run_id == run().run_id) == (not keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"scale": "raw", "warmup": 0, "ramp": None}),
        ({"scale": "gradient"}, {"scale": "gradient", "warmup": 1}),
        ({"ramp": [1, 2]}, {"ramp": (1.0, 2.0), "warmup": None}),
        ({"weight": 0}, {"weight": 0, "warmup": 3}),
    ],
)
def test_one_run_has_one_name(one, other):
    assert run(**one).run_id == run(**other).run_id


def test_axes_over_them_and_their_labels(write, base):
    axes = "objectives.spatial.spatial_rdc.ramp: [null, [0, 1]]\n  objectives.spatial.spatial_rdc.weight: [0, 0.2]\n"
    text = base.replace("[abs, spatial]", "[spatial]").replace("  seed: 2\n", f"  seed: 1\n  {axes}")
    runs = load(write(text)).runs
    found = {(r.labels["objectives.spatial.spatial_rdc.ramp"], r.objective["spatial_rdc"]["weight"]): r for r in runs}
    assert found["[0, 1]", 0.2].objective["spatial_rdc"]["ramp"] == [0, 1]
    assert "ramp" not in found["null", 0.2].objective["spatial_rdc"]
    assert sorted(weight for _, weight in found) == [0, 0.2, 0.2]  # a weight of 0 has no course: one run, not two
    for r in found.values():
        if r.objective["spatial_rdc"]["weight"]:
            axis = "objectives.spatial.spatial_rdc.ramp"
            assert read(r, axis) == r.labels[axis]
    assert read(runs[0], "objectives.spatial.spatial_rdc.scale") == "raw"


def test_tied_axes_are_judged_together(write, base):
    axis = '  "objectives.spatial.spatial_rdc.scale, objectives.spatial.spatial_rdc.ramp": '
    text = base.replace("[abs, spatial]", "[both]").replace("objectives.spatial", "objectives.both")
    text += axis.replace("objectives.spatial", "objectives.both") + "[[raw, [0, 1]], [gradient, [0.5, 1]]]\n"
    schedules = {r.schedules["spatial_rdc"] for r in load(write(text)).runs}
    assert schedules == {Schedule(0, 1), Schedule(0.5, 1, by_gradient=True)}


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ("ramp: [0, 12]", "ramp", "the ramp of spatial_rdc ends at epoch 12, and there are 10 .train.epochs."),
        (
            "warmup: 9.1",
            "warmup",
            "waits for 9.1 epochs, and the last of 10 steps is made after 9 of 10 .train.epochs.",
        ),
        ("warmup: 10", "warmup", "waits for 10 epochs and there are 10 .train.epochs.: none is left"),
        ("ramp: [2, 1]", "ramp", r"an earlier epoch to a later one; got \[2.0, 1.0\]"),
        ("ramp: [1]", "ramp", "got \\[1\\]"),
        ("ramp: [0, x]", "ramp", "x"),
        ("ramp: [0, 1], warmup: 1", "warmup", "leave warmup out"),
        ("warmup: -1", "warmup", "greater than or equal to 0; got -1"),
        ("warmup: true", "warmup", "a number is needed, not true or false"),
        ("scale: gradiant", "scale", "did you mean 'gradient'"),
        ("scale: gradient, warmup: 0", "warmup", "measured in the warm-up: it can't be 0"),
        ("scale: gradient, ramp: [0, 1]", "ramp", "let its ramp begin after 0"),
    ],
)
def test_what_cant_be_is_told_at_its_line(write, base, keys, key, message):
    text = base.replace(TERM, f"{{weight: 0.1, form: margin, {keys}}}")
    with pytest.raises(UserError, match=message) as caught:
        load(write(text))
    assert caught.value.line == 6 and caught.value.key == f"objectives.spatial.spatial_rdc.{key}"


def test_something_must_count_from_the_start_and_measure_what_is_scaled(write, base):
    for keys in ("warmup: 1", "scale: gradient"):
        text = base.replace("mpjpe: 1", "mpjpe: {weight: 1, warmup: 1}").replace(TERM, f"{{weight: 0.1, {keys}}}")
        with pytest.raises(UserError, match="no term counts from the start"):
            load(write(text))
    text = base.replace("mpjpe: 1", "bone_length: 1").replace(TERM, "{weight: 0.1, scale: gradient}")
    with pytest.raises(UserError, match="one must count from the start"):
        load(write(text.replace("[abs, spatial]", "[both]")))


@pytest.mark.parametrize(("key", "begin"), [("warmup", "6.7"), ("ramp", "[6.7, 8]")])
def test_fewer_steps_than_epochs_leave_a_term_none(write, base, key, begin):
    """Three steps are made after 0, 3.3 and 6.7 epochs of ten."""
    text = base.replace(TERM, f"{{weight: 0.1, {key}: {begin}}}").replace("steps: 10", "steps: 3")
    with pytest.raises(UserError, match="and the last of 3 steps is made after") as caught:
        load(write(text))
    assert caught.value.key == f"objectives.spatial.spatial_rdc.{key}"
    assert load(write(text.replace("6.7", "6.6"))).runs


def test_a_ramp_on_an_axis_that_ends_too_late_is_told_at_the_axis(write, base):
    text = base + "  objectives.spatial.spatial_rdc.ramp: [[0, 1], [0, 30]]\n"
    with pytest.raises(UserError, match="ends at epoch 30") as caught:
        load(write(text))
    assert caught.value.line == len(base.splitlines()) + 1
