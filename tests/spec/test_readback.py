from __future__ import annotations

import pytest

from harness.spec import load
from harness.spec.readback import read


@pytest.fixture
def spatial(base, write):
    """The run of the arm spatial whose backbone has options."""
    text = base.replace("objectives:\n", "backbones: {wide: {base: videopose3d-s, channels: 96}}\nobjectives:\n")
    spec = load(write(text.replace("[videopose3d-s, simple_baseline]", "wide")))
    return next(run for run in spec.runs if run.labels["objective"] == "spatial")


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("train.lr", "0.001"),
        ("train.validate_on", "[none, minor, moderate, severe]"),
        ("data.window", "27"),
        ("data.path", "-"),
        ("data.cameras.train", "2"),
        ("data.options.nothing", "-"),
        ("backbone.channels", "96"),
        ("backbone.heads", "-"),
        ("backbones.wide.channels", "96"),
        ("backbones.other.channels", "-"),
        ("objectives.spatial.spatial_rdc.weight", "0.1"),
        ("objectives.spatial.spatial_rdc.form", "margin"),
        ("objectives.spatial.spatial_rdc.frames", "-"),
        ("objectives.temporal.temporal_rdc.weight", "-"),
        ("elsewhere", "-"),
    ],
)
def test_what_a_run_has_on_an_axis_of_another_spec(spatial, axis, value):
    assert read(spatial, axis) == value


def test_it_reads_what_a_spec_that_varies_the_axis_prints(base, write):
    axes = "  train.lr: [1e-3, 2]\n  objectives.spatial.spatial_rdc.weight: [0.1, 1]\n  data.options.subjects: [9]\n"
    for run in load(write(base + axes)).runs:
        for axis in ("train.lr", "data.options.subjects", "objectives.spatial.spatial_rdc.weight"):
            assert read(run, axis) == run.labels[axis]
