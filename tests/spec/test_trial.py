"""The runs of trials are the grid's runs of the same values, arm by arm."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.spec.trial import point

S = "objectives.spatial.spatial_rdc"
STUDY = f"""\
study:
  space:
    {S}.weight: {{log: [0.001, 1]}}
    {S}.margin: {{float: [0.01, 0.1], when: {{{S}.form: margin}}}}
    {S}.form: {{categorical: [hinge, margin]}}
    objectives.temporal.temporal_rdc.weight: {{log: [0.001, 1]}}
    train.lr: {{log: [1e-4, 1e-2], when: {{backbone: videopose3d-s}}}}
  budget: {{trials: 4}}
"""


@pytest.fixture
def spec(write, base):
    text = base.replace("[abs, spatial]", "[abs, spatial, both]").replace(
        "form: margin}", "form: margin, margin: 0.02}"
    )
    return load(write(text + STUDY))


def grid_run(write, base, axes: dict[str, object], where: str = ""):
    """The one run of a grid that says the same."""
    head = base[: base.index("grid:")].replace("form: margin}", where or "form: margin}")
    return load(
        write(head + "grid:\n" + "".join(f"  {name}: [{value}]\n" for name, value in axes.items()), "g.yaml")
    ).runs


def test_an_arm_has_the_fields_it_can_use_and_the_specs_own_values(spec):
    arms = {arm.label: arm for arm in spec.tuning.arms}
    assert list(arms) == [f"{b}, {o}" for b in ("videopose3d-s", "simple_baseline") for o in ("abs", "spatial", "both")]
    assert list(arms["simple_baseline, abs"].space) == []
    assert list(arms["videopose3d-s, abs"].space) == ["train.lr"]
    assert list(arms["simple_baseline, spatial"].space) == [f"{S}.weight", f"{S}.form", f"{S}.margin"]
    assert arms["simple_baseline, both"].default == {
        f"{S}.weight": 0.1,
        f"{S}.form": "margin",
        f"{S}.margin": 0.02,
        "objectives.temporal.temporal_rdc.weight": 0.2,
    }
    assert arms["videopose3d-s, both"].default["train.lr"] == 1e-3
    assert arms["videopose3d-s, both"].labels == {"backbone": "videopose3d-s", "objective": "both"}


def test_a_trial_without_values_is_the_specs_own_run(spec):
    for arm in spec.tuning.arms:
        for seed in (0, 1):
            assert point(spec, {}, arm, seed).run_id in spec.arms[arm.label]
            assert point(spec, arm.default, arm, seed).run_id in spec.arms[arm.label]


def test_a_trial_is_the_grids_run_of_the_same_values(spec, write, base):
    arm = {"backbone": "videopose3d-s", "objective": "both"}
    params = {f"{S}.form": "margin", f"{S}.margin": 0.07, f"{S}.weight": 0.25, "train.lr": 2e-3}
    (same,) = grid_run(write, base, {**arm, **params, "seed": 7})
    made = point(spec, params, arm, 7)
    assert made.run_id == same.run_id
    assert made.model_dump(exclude={"labels"}) == same.model_dump(exclude={"labels"})
    assert made.labels["train.lr"] == "0.002"
    assert point(spec, dict(reversed(params.items())), arm, 7) == made
    assert point(spec, params, arm, 8).run_id != made.run_id


def test_what_means_nothing_beside_the_others_falls_away(spec, write, base):
    arm = {"backbone": "simple_baseline", "objective": "spatial"}
    (same,) = grid_run(write, base, {**arm, "seed": 0}, "form: hinge}")
    # The spec's own margin goes too: the form that is tried has none.
    assert point(spec, {f"{S}.form": "hinge"}, arm, 0).run_id == same.run_id
    assert point(spec, {f"{S}.form": "hinge", f"{S}.margin": 0.05}, arm, 0).run_id == same.run_id


def test_a_field_that_the_arm_lacks_is_not_applied(spec):
    arm = {"backbone": "simple_baseline", "objective": "abs"}
    everything = {f"{S}.weight": 0.5, f"{S}.form": "hinge", "train.lr": 5e-3}
    assert point(spec, everything, arm, 0).run_id == point(spec, {}, arm, 0).run_id


def test_a_field_or_an_arm_that_is_not_there_is_refused(spec):
    with pytest.raises(UserError, match=r"did you mean 'train\.lr'"):
        point(spec, {"train.lrr": 1}, spec.tuning.arms[0], 0)
    with pytest.raises(UserError, match="unknown arm"):
        point(spec, {}, {"backbone": "videopose3d-s"}, 0)


def test_a_tuned_network_brings_its_own_fields(write):
    text = """\
name: size
train: {steps: 10}
backbone: small
backbones:
  small: {base: videopose3d, channels: 32}
  flat: {base: simple_baseline, linear_size: 64}
objectives: {abs: {mpjpe: 1}}
grid: {seed: 2}
study:
  space:
    backbones.small.channels: {log_int: [16, 64]}
    backbones.flat.linear_size: {int: [32, 128]}
    backbone: {categorical: [small, flat]}
  budget: {hours: 1}
  metric: [val_mpjpe, macs]
"""
    spec = load(write(text))
    (arm,) = spec.tuning.arms
    assert (next(iter(arm.space)), arm.default) == ("backbone", {"backbone": "small", "backbones.small.channels": 32})
    made = point(spec, {"backbone": "flat", "backbones.flat.linear_size": 100, "backbones.small.channels": 20}, arm, 0)
    assert (made.backbone.name, made.backbone.options) == ("simple_baseline", {"linear_size": 100})
    assert point(spec, {"backbones.small.channels": 20}, arm, 1).backbone.options == {"channels": 20}


def test_values_given_on_the_command_line_are_the_specs_own(write, base):
    spec = load(write(base.replace("[abs, spatial]", "both") + STUDY), ["train.lr=0.005", f"{S}.weight=0.5"])
    arm = spec.tuning.arms[0]
    assert (arm.default["train.lr"], arm.default[f"{S}.weight"]) == (0.005, 0.5)
    assert point(spec, {}, arm, 0).run_id == spec.runs[0].run_id
    assert point(spec, {f"{S}.weight": 0.3}, arm, 0).terms["spatial_rdc"][0] == 0.3
