"""What every registered network keeps to; a new line in the registry is tested here as it stands."""

from __future__ import annotations

import inspect

import pytest
import torch

import backbones
from harness import registry
from harness.training import contract

JOINTS, FRAMES = 17, 29
# Smaller than the defaults, for speed alone.
SMALL = {
    "videopose3d": {"channels": 16},
    "videopose3d-s": {"channels": 16},
    "simple_baseline": {"linear_size": 16},
    "multistride_tcn": {"filter_widths": [3], "channels": 16},
    "mixste": {"embed_dim_ratio": 16, "depth": 2},
    "poseformer": {"num_frame": 9, "embed_dim_ratio": 8, "depth": 1},
    "poseformer-27": {"embed_dim_ratio": 8, "depth": 1},
    "poseformer-9": {"embed_dim_ratio": 8, "depth": 1},
    "poseformerv2": {"num_frame": 9, "number_of_kept_frames": 3, "embed_dim_ratio": 8, "depth": 1},
    "poseformerv2-81": {"num_frame": 27, "embed_dim_ratio": 8, "depth": 1},
    "poseformerv2-27": {"embed_dim_ratio": 8, "depth": 1},
    "pstmo": {"layers": 1, "channel": 16, "d_hid": 16, "frames": 9},
    "pstmo-s": {"layers": 1, "channel": 16, "d_hid": 16},
    "pstmo-tiny": {"layers": 1, "channel": 16, "d_hid": 16},
    "dstformer": {"dim_feat": 16, "dim_rep": 16, "depth": 1},
    "dstformer-lite": {"dim_feat": 16, "dim_rep": 16, "depth": 1},
    "dstformer-tiny": {"dim_feat": 16, "dim_rep": 16, "depth": 1},
    **{
        name: {"n_layers": 1, "dim_feat": 16, "dim_rep": 16}
        for name in backbones.LINES
        if name.startswith("motionagformer")
    },
}

every = pytest.mark.parametrize("name", sorted(backbones.LINES))


def make(name, **further):
    """The network as a run builds it, ready for use: fitted if it is one of the closed-form ones."""
    entry = registry.get("backbones", name)
    cls = registry.load(entry)
    features = 3 if cls.needs_confidence else 2
    shape = {"joints": JOINTS, "features": features, "frames": FRAMES}
    module = cls.for_data(**{**shape, **entry.preset, **SMALL.get(name, {}), **further})
    x = torch.randn(3, FRAMES, JOINTS, features)
    if hasattr(module, "fit"):
        module.fit([(x, torch.randn(3, FRAMES, JOINTS, 3), torch.ones(3, FRAMES, dtype=torch.bool))])
    return module, x


@every
def test_shapes_follow_from_the_receptive_field(name):
    module, x = make(name)
    out = module.eval()(x)
    assert out.dtype == torch.float32 and torch.isfinite(out).all()
    assert out.shape == (3, module.output_frames(FRAMES), JOINTS, 3)
    assert module.output_frames(FRAMES) == FRAMES - module.receptive_field + 1
    assert isinstance(module.causal, bool) and isinstance(module.needs_confidence, bool)


@every
def test_it_says_before_it_is_loaded_whether_it_answers_for_one_frame_or_all(name):
    entry, (module, _) = registry.get("backbones", name), make(name)
    assert registry.attribute(entry, "frames_out", None) == ("all" if module.receptive_field == 1 else "one")


@every
def test_input_shorter_than_the_receptive_field_is_stopped_at_the_door(name):
    module, x = make(name)
    short = module.receptive_field - 1
    with pytest.raises(ValueError, match=r"\(B, T.* found") as caught:
        module(x[:, :short])
    assert module.output_frames(short) == 0 and str((3, short, *x.shape[2:])) in str(caught.value)


@pytest.mark.parametrize(
    "name", [n for n, e in registry.entries("backbones").items() if registry.attribute(e, "slides", False)]
)
def test_sliding_gives_what_each_window_gives(name):
    module, x = make(name)
    module.eval()
    length = module.receptive_field
    windows = [module(x[:, start : start + length]) for start in range(FRAMES - length + 1)]
    torch.testing.assert_close(module(x), torch.cat(windows, dim=1), atol=1e-5, rtol=1e-5)


@every
def test_samples_do_not_see_each_other(name):
    module, x = make(name)
    module.eval()
    torch.testing.assert_close(module(x)[1:2], module(x[1:2]), atol=1e-5, rtol=1e-5)


@every
def test_gradient_reaches_every_parameter(name):
    module, x = make(name)
    parameters = dict(module.train().named_parameters())
    assert bool(parameters) != hasattr(module, "fit")
    if parameters:
        module(x).square().sum().backward()
        # Some published checkpoints hold weights that the network doesn't use: it says which.
        idle = getattr(module, "idle", ())
        used = {key: p for key, p in parameters.items() if not key.startswith(idle or "-")}
        assert [key for key, p in used.items() if p.grad is None or not p.grad.any()] == []
        assert all(parameters[key].grad is None for key in parameters if key not in used)


@pytest.mark.parametrize(
    "name", [n for n, e in registry.entries("backbones").items() if "causal" in registry.options(e)]
)
def test_a_causal_network_does_not_look_ahead(name):
    module, x = make(name, causal=True)
    module.eval()
    changed = x.clone()
    changed[:, -1] += 1.0
    assert module.causal and module.output_frames(FRAMES) > 1
    differs = (module(changed) != module(x)).flatten(2).any(2).any(0)
    assert differs.tolist() == [False] * (len(differs) - 1) + [True]


@every
@pytest.mark.parametrize("shape", [(17, 2), (3, 29, 34), (3, 29, 16, 2), (3, 29, 17, 4), (3, 0, 17, 2)])
def test_another_shape_is_stopped_at_the_door(name, shape):
    module, _ = make(name)
    with pytest.raises(ValueError, match=r"J=17.*found") as caught:
        module(torch.zeros(shape))
    assert str(tuple(shape)) in str(caught.value)


@every
def test_state_survives_the_checkpoint_loader(name, tmp_path):
    module, x = make(name)
    other, _ = make(name)
    torch.save(module.state_dict(), tmp_path / "own.pt")
    backbones.load_checkpoint(other, tmp_path / "own.pt")
    assert torch.equal(other.eval()(x), module.eval()(x))


@every
def test_options_are_what_the_registry_reads_without_importing(name):
    entry = registry.get("backbones", name)
    parameters = inspect.signature(registry.load(entry)).parameters
    options = registry.options(entry)
    assert {key: option.default for key, option in options.items()} == {k: p.default for k, p in parameters.items()}
    defaults = {key: option.default for key, option in options.items()}
    # Every default passes its own check, and spelling it out is the same as leaving it out.
    spelt_out = {**defaults, **entry.preset}
    assert registry.check_options(entry, spelt_out) == registry.check_options(entry, {})


@every
def test_the_command_finds_that_it_keeps_the_contract(name):
    assert [finding for finding in contract.check(name, SMALL.get(name)) if finding.holds is False] == []


def test_presets_are_their_parents_with_options():
    small = backbones.build("videopose3d-s")
    assert small.receptive_field == 27 and small.shrink.in_channels == 128
    assert registry.get("backbones", "videopose3d-s").canonical == "videopose3d"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(KeyError, match="did you mean 'videopose3d'"):
        backbones.build("video_pose3d")
    with pytest.raises(TypeError, match="no option 'chanels'; did you mean 'channels'"):
        backbones.build("videopose3d", chanels=8)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [("mixste", "depth", 0), ("mixste", "embed_dim_ratio", -1), ("pstmo", "head", "middle")],
)
def test_a_value_that_no_spec_could_have_is_refused_in_python_too(name, option, value):
    with pytest.raises(ValueError, match=f"^{name}: {option}: .*; found {value!r}$"):
        backbones.build(name, **{option: value})
