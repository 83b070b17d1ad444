"""MixSTE, PoseFormer, PoseFormerV2: numbers of the authors' own networks."""

from __future__ import annotations

import json

import pytest
import torch

import backbones
from tests.backbones.conftest import DATA

# What counts.json calls the options.
ALIASES = {"frames": "num_frame", "kept": "number_of_kept_frames", "coeff": "number_of_kept_coeffs"}
FAMILIES = ("mixste", "poseformer", "poseformerv2")
ENTRIES = [
    (name, name.split("_")[0])
    for name in json.loads((DATA / "counts.json").read_text(encoding="utf-8"))
    if name.split("_")[0] in FAMILIES
]


def options(config):
    return {ALIASES.get(key, key): value for key, value in config.items() if not isinstance(value, str)}


@pytest.mark.parametrize(
    ("file", "family"),
    [
        ("mixste_small", "mixste"),
        ("poseformer_small", "poseformer"),
        ("poseformerv2_small_27_9_5_asym", "poseformerv2"),
    ],
)
def test_equals_the_authors_network(reference, seeded, file, family):
    ref = reference(file)
    module, x = seeded(lambda: backbones.build(family, **ref["config"]), ref["input"].shape)
    assert list(module.state_dict()) == ref["keys"]
    torch.testing.assert_close(x, ref["input"])
    torch.testing.assert_close(module(x), ref["output"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "family"), ENTRIES)
def test_counts_are_the_published_ones(published, name, family):
    entry = published[name]
    with torch.device("meta"):
        module = backbones.build(family, **options(entry["config"]))
    assert sum(p.numel() for p in module.parameters()) == entry["params"]
    assert len(module.state_dict()) == entry["n_tensors"]


@pytest.mark.parametrize(("name", "family"), [entry for entry in ENTRIES if entry[0] != "mixste_default_243"])
@torch.no_grad()
def test_published_sizes_give_the_authors_numbers(published, seeded, name, family):
    entry = published[name]
    module, x = seeded(lambda: backbones.build(family, **options(entry["config"])), entry["input"])
    out = module(x)
    assert list(out.shape) == entry["output"]
    assert out.abs().mean().item() == pytest.approx(entry["out_abs_mean"], abs=1e-5)
    if "out_first6" in entry:
        torch.testing.assert_close(out.flatten()[:6], torch.tensor(entry["out_first6"]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("preset", "entry"),
    [
        ("mixste", "mixste_default_243"),
        ("poseformer", "poseformer_default_81"),
        ("poseformer-27", "poseformer_default_27"),
        ("poseformer-9", "poseformer_default_9"),
        ("poseformerv2", "poseformerv2_default_243_27_27"),
        ("poseformerv2-81", "poseformerv2_default_81_9_9"),
        ("poseformerv2-27", "poseformerv2_default_27_3_3"),
    ],
)
def test_presets_have_the_published_sizes(published, preset, entry):
    with torch.device("meta"):
        module = backbones.build(preset)
    assert sum(p.numel() for p in module.parameters()) == published[entry]["params"]


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_authors_checkpoint_layout_loads(seeded, prefix):
    shape, config = (2, 9, 17, 2), {"num_frame": 9, "embed_dim_ratio": 8, "depth": 2}
    source, x = seeded(lambda: backbones.build("mixste", **config), shape)
    weights = {prefix + name: value for name, value in source.state_dict().items()}
    target = backbones.build("mixste", **config).eval()
    backbones.load_checkpoint(target, {"epoch": 100, "lr": 1e-5, "optimizer": None, "model_pos": weights})
    assert torch.equal(target(x), source(x))
    with pytest.raises(ValueError, match=r"'Temporal_pos_embed': expected shape \(1, 27, 8\), found \(1, 9, 8\)"):
        backbones.load_checkpoint(backbones.build("mixste", **{**config, "num_frame": 27}), weights)
