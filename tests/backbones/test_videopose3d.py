from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

import backbones
from backbones.videopose3d import VideoPose3D, bn_momentum


def randomise_norms(module):
    """Give batch norms statistics and weights that aren't those of a new network."""
    for name, value in module.state_dict().items():
        if "bn" in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    return module.eval()


def pair(**options):
    """The dilated and the strided form with the same weights."""
    dilated = randomise_norms(VideoPose3D(channels=16, **options))
    strided = VideoPose3D(channels=16, strided=True, **options).eval()
    strided.load_state_dict(dilated.state_dict())
    return dilated, strided


@pytest.mark.parametrize("name", ["videopose3d_small", "videopose3d_small_causal"])
@pytest.mark.parametrize("strided", [False, True])
def test_equals_the_authors_network(reference, name, strided):
    ref = reference(name)
    module = backbones.build("videopose3d", strided=strided, **ref["config"]).eval()
    assert list(module.state_dict()) == list(ref["keys"])
    backbones.load_checkpoint(module, ref["checkpoint"])
    x, y = (ref["opt1f_input"], ref["opt1f_output"]) if strided else (ref["input"], ref["output"])
    torch.testing.assert_close(module(x), y, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("config", "parameters", "receptive_field"),
    [
        ({"filter_widths": [3, 3, 3]}, 8_555_571, 27),
        ({"filter_widths": (3, 3, 3, 3)}, 12_753_971, 81),
        ({"filter_widths": [3, 3, 3, 3, 3]}, 16_952_371, 243),
        ({"channels": 64}, 43_251, 27),
        ({"channels": 64, "causal": True}, 43_251, 27),
        ({"channels": 64, "dense": True}, 125_171, 27),
        ({"num_joints_in": 15, "num_joints_out": 1, "filter_widths": [3, 5, 3], "channels": 32}, 13_539, 45),
    ],
)
def test_parameter_counts_are_the_published_ones(config, parameters, receptive_field):
    with torch.device("meta"):
        module = backbones.build("videopose3d", **config)
    assert sum(p.numel() for p in module.parameters()) == parameters
    assert module.receptive_field == receptive_field


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 5, 3), (5, 1, 3), (7,)])
def test_strided_form_agrees_with_the_dilated_one(widths, causal):
    dilated, strided = pair(filter_widths=widths, causal=causal, num_joints_out=1)
    frames = math.prod(widths)
    x = torch.randn(2, frames + 3, 17, 2)
    out = dilated(x)
    assert out.shape == (2, 4, 1, 3)
    for start in range(4):
        one = strided(x[:, start : start + frames])
        assert one.shape == (2, 1, 1, 3)
        torch.testing.assert_close(one, out[:, start : start + 1], atol=1e-5, rtol=1e-5)


def test_trajectory_network_lifts_joints_to_one_point():
    module = VideoPose3D(num_joints_in=15, num_joints_out=1, filter_widths=(3, 5, 3), channels=32).eval()
    assert module(torch.randn(3, 50, 15, 2)).shape == (3, 6, 1, 3)
    assert module.output_frames(50) == 6
    assert module.output_frames(44) == 0


def test_dense_form_with_zeros_between_the_taps_is_the_dilated_form():
    dilated = randomise_norms(VideoPose3D(channels=16))
    dense = VideoPose3D(channels=16, dense=True).eval()
    weights = dict(dilated.state_dict())
    for layer, dilation in ((0, 3), (2, 9)):
        name = f"layers_conv.{layer}.weight"
        filled = torch.zeros_like(dense.state_dict()[name])
        filled[:, :, ::dilation] = weights[name]
        weights[name] = filled
    dense.load_state_dict(weights)
    x = torch.randn(2, 31, 17, 2)
    torch.testing.assert_close(dense(x), dilated(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 5), (2, 4)])
def test_residual_keeps_the_centre_or_if_causal_the_last_frame(widths):
    """With the convolutions of the residual blocks at zero only the residual path is left."""
    frames = math.prod(widths)
    for causal in (True, False) if widths[0] % 2 else (True,):
        for module in pair(filter_widths=widths, causal=causal):
            for conv in module.layers_conv:
                torch.nn.init.zeros_(conv.weight)
            x = torch.randn(1, frames, 17, 2, requires_grad=True)
            module(x).sum().backward()
            seen = x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist()
            first = frames - widths[0] if causal else (frames - widths[0]) // 2
            assert seen == list(range(first, first + widths[0]))


def test_output_frame_sees_exactly_its_receptive_field():
    module = randomise_norms(VideoPose3D(channels=16, causal=True))
    x = torch.randn(1, 35, 17, 2, requires_grad=True)
    out = module(x)
    assert out.shape[1] == 9
    (gradient,) = torch.autograd.grad(out[:, 4].sum(), x)
    seen = gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist()
    assert seen == list(range(4, 31))  # the causal output frame 4 is input frame 30: nothing later


def test_even_filters_need_the_causal_form():
    with pytest.raises(ValueError, match="odd unless causal"):
        VideoPose3D(filter_widths=(3, 4), channels=8)
    dilated, strided = pair(filter_widths=(2, 4), causal=True)
    x = torch.randn(2, 8, 17, 2)
    torch.testing.assert_close(dilated(x), strided(x), atol=1e-5, rtol=1e-5)


def test_what_excludes_each_other_is_refused():
    with pytest.raises(ValueError, match="dense and strided"):
        VideoPose3D(channels=8, dense=True, strided=True)
    with pytest.raises(ValueError, match="filter_widths"):
        VideoPose3D(channels=8, filter_widths=())
    _, strided = pair()
    with pytest.raises(ValueError, match="exactly T=27 frames; found 28"):
        strided(torch.zeros(1, 28, 17, 2))
    assert [strided.output_frames(frames) for frames in (26, 27, 28)] == [0, 1, 0]
    with pytest.raises(ValueError, match="windows of 81 frames: its receptive field is 27"):
        VideoPose3D.for_data(joints=17, features=2, frames=81, channels=8, strided=True)


def test_momentum_falls_from_a_tenth_to_a_thousandth():
    momenta = [bn_momentum(epoch, 80) for epoch in range(80)]
    assert momenta[0] == pytest.approx(0.1) and momenta[-1] == pytest.approx(0.001)
    ratios = [b / a for a, b in pairwise(momenta)]
    assert max(ratios) == pytest.approx(min(ratios)) and max(ratios) < 1
    assert bn_momentum(0, 1) == 0.1


def test_momentum_reaches_every_norm():
    module = VideoPose3D(channels=8)
    module.set_bn_momentum(0.25)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert len(norms) == 5 and all(norm.momentum == 0.25 for norm in norms)
