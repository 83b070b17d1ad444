"""The centre-frame networks over longer input, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from backbones.mixste import MixSTE
from backbones.poseformer import PoseFormer
from backbones.poseformerv2 import PoseFormerV2, dct_basis, inverse_dct_basis

SMALL = {"num_joints": 5, "embed_dim_ratio": 8, "depth": 2}


CENTRE = [(PoseFormer, {})] + [
    (PoseFormerV2, {"number_of_kept_frames": frames, "number_of_kept_coeffs": coefficients})
    for frames, coefficients in ((3, 3), (3, 5), (5, 2), (1, 9), (9, 1))
]


@pytest.mark.parametrize(("network", "options"), CENTRE)
def test_longer_input_gives_what_its_windows_give(network, options):
    module = network(num_frame=9, **SMALL, **options).eval()
    torch.nn.init.normal_(module.Temporal_pos_embed)
    x = torch.randn(2, 13, 5, 2)
    out = module(x)
    assert out.shape == (2, 5, 5, 3) == (2, module.output_frames(13), 5, 3)
    for start in range(5):
        torch.testing.assert_close(out[:, start : start + 1], module(x[:, start : start + 9]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("network", "options"), CENTRE)
def test_an_output_frame_sees_its_whole_window_and_no_more(network, options):
    module = network(num_frame=9, **SMALL, **options).eval()
    x = torch.randn(1, 12, 5, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(module(x)[:, 1].sum(), x)
    assert gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist() == list(range(1, 10))


def test_kept_frames_are_those_around_the_centre():
    """With the coefficients' part cut off, only the kept frames are seen."""
    network = PoseFormerV2(num_frame=11, number_of_kept_frames=3, number_of_kept_coeffs=4, **SMALL).eval()
    torch.nn.init.zeros_(network.Freq_embedding.weight)
    x = torch.randn(1, 11, 5, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist() == [4, 5, 6]


def test_the_transform_is_the_unnormalised_one():
    x = torch.randn(7, 3)
    slow = [sum(2 * x[n] * math.cos(math.pi * k * (2 * n + 1) / 14) for n in range(7)) for k in range(7)]
    torch.testing.assert_close(dct_basis(7) @ x, torch.stack(slow), atol=1e-5, rtol=1e-5)
    assert torch.equal(dct_basis(7, 3), dct_basis(7)[:3])
    for length in (1, 2, 7, 64):
        torch.testing.assert_close(
            inverse_dct_basis(length) @ dct_basis(length), torch.eye(length), atol=1e-5, rtol=1e-5
        )


def test_coefficients_are_as_many_as_frames_unless_given():
    assert len(PoseFormerV2(num_frame=9, number_of_kept_frames=5, **SMALL).basis) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"number_of_kept_frames": 4}, "number_of_kept_frames must be odd and at most num_frame=9; found 4"),
        ({"number_of_kept_frames": 11}, "at most num_frame=9; found 11"),
        ({"number_of_kept_frames": 3, "number_of_kept_coeffs": 10}, "coeffs must be at most num_frame=9; found 10"),
        ({"number_of_kept_frames": 3, "num_heads": 3}, "8 features can't be shared among 3 attention heads"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PoseFormerV2(num_frame=9, **SMALL, **options)


@pytest.mark.parametrize(
    ("network", "options"), [(PoseFormer, {}), (PoseFormerV2, {"number_of_kept_frames": 3})], ids=["v1", "v2"]
)
def test_a_window_shorter_than_the_receptive_field_is_refused(network, options):
    shape = {"joints": 5, "features": 2, "embed_dim_ratio": 8, "depth": 1, "num_frame": 9, **options}
    with pytest.raises(ValueError, match=r"it reads 9 frames at a time \(num_frame\), and a window has 8"):
        network.for_data(frames=8, **shape)
    module = network.for_data(frames=9, **shape)
    assert [module.output_frames(frames) for frames in (8, 9, 10)] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"\(B, T>=9, J=5, C=2\); found \(1, 8, 5, 2\)"):
        module(torch.zeros(1, 8, 5, 2))


def test_mixste_is_built_for_one_number_of_frames():
    shape = {"joints": 5, "features": 3, "embed_dim_ratio": 8, "depth": 1}
    module = MixSTE.for_data(frames=7, **shape)
    assert module.Temporal_pos_embed.shape == (1, 7, 8)
    assert [module.output_frames(frames) for frames in (6, 7, 8)] == [0, 7, 0]
    assert MixSTE.for_data(frames=7, num_frame=7, **shape).output_frames(7) == 7
    with pytest.raises(ValueError, match="num_frame is 9, and a window has 7 frames"):
        MixSTE.for_data(frames=7, num_frame=9, **shape)
    for frames in (6, 8):
        with pytest.raises(ValueError, match=rf"\(B, T=7, J=5, C=3\); found \(1, {frames}, 5, 3\)"):
            module(torch.zeros(1, frames, 5, 3))


def test_mixste_lets_every_frame_see_every_other():
    module = MixSTE(num_frame=6, **SMALL).eval()
    x = torch.randn(1, 6, 5, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(module(x)[:, 2, 3].sum(), x)
    assert (gradient.abs().sum((0, 3)) > 0).all()


@pytest.mark.parametrize("joints", [15, 133])
@pytest.mark.parametrize("features", [2, 3])
def test_any_skeleton(joints, features):
    shape = {"joints": joints, "features": features, "frames": 3, "num_frame": 3, "embed_dim_ratio": 8, "depth": 1}
    x = torch.randn(1, 3, joints, features)
    assert MixSTE.for_data(**shape)(x).shape == (1, 3, joints, 3)
    for network, options in ((PoseFormer, {}), (PoseFormerV2, {"number_of_kept_frames": 1})):
        assert network.for_data(**shape, **options)(x).shape == (1, 1, joints, 3)


def test_stochastic_depth_acts_in_training_only():
    for network in (MixSTE(num_frame=9, drop_path_rate=0.5, **SMALL), PoseFormer(num_frame=9, **SMALL)):
        x = torch.randn(8, 9, 5, 2)
        network.train()
        assert not torch.equal(network(x), network(x))
        network.eval()
        assert torch.equal(network(x), network(x))
