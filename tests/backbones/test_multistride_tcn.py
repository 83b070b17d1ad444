"""The multi-stride TCN has no public numbers: what it must be follows from its widths and strides."""

from __future__ import annotations

import math

import pytest
import torch

import backbones
from backbones.multistride_tcn import MultiStrideTcn
from backbones.videopose3d import VideoPose3D

CONFIGS = [
    ((1, 2, 4, 8), (3, 5)),
    ((1, 2, 4, 8), (3, 1)),
    ((8, 1), (3, 3)),
    ((3,), (5,)),
    ((1, 2, 3), (1, 3, 3)),
]
each = pytest.mark.parametrize(("strides", "widths"), CONFIGS)


def frames_seen(module, frames, output, channels=slice(None)):
    """Input frames that reach an output frame's gradient, by way of the chosen input channels of ``shrink``."""
    x = torch.randn(1, frames, 3, 2, requires_grad=True)
    if channels != slice(None):
        keep = torch.zeros_like(module.shrink.weight)
        keep[:, channels] = 1
        module.shrink.weight.data *= keep
    (gradient,) = torch.autograd.grad(module.eval()(x)[:, output].sum(), x)
    return gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist()


def taps(widths, stride):
    """Distances, in frames, from a branch's first tap."""
    return {stride * step for step in range(math.prod(widths))}


@each
@pytest.mark.parametrize("causal", [False, True])
def test_receptive_field_is_that_of_the_longest_stride(strides, widths, causal):
    module = MultiStrideTcn(num_joints=3, strides=strides, filter_widths=widths, channels=8, causal=causal)
    reach = math.prod(widths) - 1
    assert module.receptive_field == reach * max(strides) + 1
    frames = module.receptive_field + 3
    assert [module.output_frames(t) for t in (frames - 4, frames - 3, frames)] == [0, 1, 4]
    assert module.eval()(torch.randn(2, frames, 3, 2)).shape == (2, 4, 3, 3)
    # The gradient reaches the taps of every branch, all branches aligned at the frame answered for.
    field = module.receptive_field - 1
    starts = {stride: (field - reach * stride) // (1 if causal else 2) for stride in strides}
    expected = {2 + starts[stride] + tap for stride in strides for tap in taps(widths, stride)}
    assert frames_seen(module, frames, output=2) == sorted(expected)
    answered = 2 + (field if causal else field // 2)
    assert answered in expected and (not causal or max(expected) == answered)


@each
def test_each_branch_sees_every_stride_th_frame(strides, widths):
    for number, stride in enumerate(strides):
        module = MultiStrideTcn(num_joints=3, strides=strides, filter_widths=widths, channels=8)
        own = slice(8 * number, 8 * number + 8)
        seen = frames_seen(module, module.receptive_field, output=0, channels=own)
        assert {frame - seen[0] for frame in seen} == taps(widths, stride)
        assert seen[0] + seen[-1] == module.receptive_field - 1  # as many frames unseen before as after


@each
@pytest.mark.parametrize("features", [2, 3])
def test_parameters_are_as_many_as_the_layers_have(strides, widths, features):
    joints, width = 5, 12
    module = MultiStrideTcn(
        num_joints=joints, in_features=features, strides=strides, filter_widths=widths, channels=width
    )
    branch = joints * features * width * widths[0] + 2 * width
    branch += sum(width * width * (taps + 1) + 4 * width for taps in widths[1:])
    last = len(strides) * width * joints * 3 + joints * 3
    assert sum(p.numel() for p in module.parameters()) == len(strides) * branch + last


def test_default_size():
    with torch.device("meta"):
        module = backbones.build("multistride_tcn")
    assert module.receptive_field == 113 <= 128
    assert sum(p.numel() for p in module.parameters()) == 1_735_731


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 5)])
def test_one_branch_of_stride_one_is_videopose3d(widths, causal):
    mine = MultiStrideTcn(strides=(1,), filter_widths=widths, channels=8, causal=causal).eval()
    other = VideoPose3D(filter_widths=widths, channels=8, causal=causal).eval()
    weights = {name.removeprefix("branches.0."): value for name, value in mine.state_dict().items()}
    other.load_state_dict(weights)
    x = torch.randn(2, mine.receptive_field + 2, 17, 2)
    torch.testing.assert_close(mine(x), other(x), atol=1e-6, rtol=1e-6)


def test_a_stride_is_a_slower_clip():
    """A branch of stride 2 on a clip of doubled frames finds what one of stride 1 finds on the clip."""
    slow = MultiStrideTcn(strides=(2,), filter_widths=(3, 3), channels=8).eval()
    fast = MultiStrideTcn(strides=(1,), filter_widths=(3, 3), channels=8).eval()
    fast.load_state_dict(slow.state_dict())
    x = torch.randn(1, 12, 17, 2)
    torch.testing.assert_close(slow(x.repeat_interleave(2, dim=1))[:, ::2], fast(x), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strides": (1, 2, 2)}, r"each another; found \(1, 2, 2\)"),
        ({"strides": ()}, "strides must be positive"),
        ({"strides": (0, 1)}, "strides must be positive"),
        ({"filter_widths": ()}, "filter_widths must be positive"),
        ({"filter_widths": (3, 4)}, "odd unless causal"),
    ],
)
def test_what_makes_no_network_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MultiStrideTcn(channels=8, **options)


def test_even_filters_are_causal_ones():
    module = MultiStrideTcn(strides=(1, 2), filter_widths=(2, 4), channels=8, causal=True).eval()
    assert module.receptive_field == 15 and module(torch.zeros(1, 16, 17, 2)).shape == (1, 2, 17, 3)
    with pytest.raises(ValueError, match=r"\(B, T>=15, J=17, C=2\); found \(1, 14, 17, 2\)"):
        module(torch.zeros(1, 14, 17, 2))


def test_momentum_reaches_every_norm():
    module = MultiStrideTcn(channels=8)
    module.set_bn_momentum(0.25)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert len(norms) == 4 * 3 and all(norm.momentum == 0.25 for norm in norms)
