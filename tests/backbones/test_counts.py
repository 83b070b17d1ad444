"""Every published configuration: its parameters, and that a checkpoint's shapes are enough to find it."""

from __future__ import annotations

import json

import pytest
import torch

import backbones
from backbones.constant_pose import ConstantPose
from backbones.fitting import which_fits
from backbones.pstmo_mae import MaskedPSTMO
from tests.backbones.conftest import DATA

# What counts.json calls networks and options.
NETWORKS = {"martinez": "simple_baseline"}
ALIASES = {
    "arc": "filter_widths",
    "kept": "number_of_kept_frames",
    "coeff": "number_of_kept_coeffs",
    ("poseformerv2", "frames"): "num_frame",
}
ENTRIES = json.loads((DATA / "counts.json").read_text(encoding="utf-8"))

every = pytest.mark.parametrize("name", ENTRIES)


def make(name):
    """The network of an entry without memory for its weights, and what it is called."""
    network = NETWORKS.get(name.split("_")[0], name.split("_")[0])
    given = {key: value for key, value in ENTRIES[name]["config"].items() if key != "drop_path_rate"}
    options = {ALIASES.get((network, key), ALIASES.get(key, key)): value for key, value in given.items()}
    with torch.device("meta"):
        return (MaskedPSTMO(**options) if "mae" in name else backbones.build(network, **options)), network


@every
def test_counts_are_the_published_ones(name):
    module, _ = make(name)
    assert sum(p.numel() for p in module.parameters()) == ENTRIES[name]["params"]
    assert len(module.state_dict()) == ENTRIES[name]["n_tensors"]


@every
def test_the_shapes_of_a_checkpoint_tell_its_network(name):
    module, network = make(name)
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    if "mae" in name:  # no lifting network
        assert which_fits(shapes, ConstantPose) is None
        assert which_fits(shapes, MaskedPSTMO).startswith("MaskedPSTMO")
    else:
        assert which_fits(shapes, ConstantPose).split(" ")[0] in {
            key for key, line in backbones.LINES.items() if network in (key, line.base)
        }


@pytest.mark.parametrize(
    ("preset", "entry"),
    [
        ("dstformer", "dstformer_default"),
        ("dstformer-lite", "dstformer_lite"),
        ("motionagformer-xs", "motionagformer_paper_xsmall"),
        ("motionagformer-s", "motionagformer_paper_small"),
        ("motionagformer", "motionagformer_paper_base"),
        ("motionagformer-l", "motionagformer_paper_large"),
        ("pstmo", "pstmo_default_243"),
        ("pstmo-s", "pstmo_S_default_243"),
        ("poseformerv2-27", "poseformerv2_default_27_3_3"),
    ],
)
def test_published_sizes_are_found_by_their_preset(preset, entry):
    module, _ = make(entry)
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    assert which_fits(shapes, type(module)) == preset
    with torch.device("meta"):
        assert sum(p.numel() for p in backbones.build(preset).parameters()) == ENTRIES[entry]["params"]
