"""Multi-stride TCN: temporal convolutions at several strides in parallel, for slow and fast motion.

Cheng, Yang, Wang, Tan: 3D human pose estimation using spatio-temporal networks with explicit occlusion
training, AAAI 2020 (arXiv 2004.11822): strides 1, 2, 4 and 8, features concatenated, 128 frames. The paper
gives neither weights nor counts; the branches here are built as its reference for TCNs builds them
(Pavllo et al., CVPR 2019), and their widths are our choice.
"""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul
from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from backbones.shapes import Shapes, check_input, entries


class _Branch(nn.Module):
    """A temporal network on every ``stride``-th frame: all taps are ``stride`` times as far apart.

    Gives ``channels`` numbers for each of T - (product of widths - 1) * stride frames.
    """

    def __init__(
        self, features: int, channels: int, widths: tuple[int, ...], stride: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        # How many frames lie between neighbouring taps of each layer.
        spacing = list(accumulate(widths, mul, initial=stride))[:-1]
        self.expand_conv = nn.Conv1d(features, channels, widths[0], dilation=stride, bias=False)
        self.expand_bn = nn.BatchNorm1d(channels)
        self.layers_conv, self.layers_bn = nn.ModuleList(), nn.ModuleList()
        for width, apart in zip(widths[1:], spacing[1:], strict=True):
            wide = nn.Conv1d(channels, channels, width, dilation=apart, bias=False)
            self.layers_conv.extend([wide, nn.Conv1d(channels, channels, 1, bias=False)])
            self.layers_bn.extend([nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)])
        self.drop = nn.Dropout(dropout)
        # The residual path keeps each filter's centre tap, or its last one if causal.
        taps = [width - 1 if causal else width // 2 for width in widths]
        self._kept = [tap * apart for tap, apart in zip(taps, spacing, strict=True)][1:]

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, T) → (B, channels, T_out)."""
        h = self.drop(torch.relu(self.expand_bn(self.expand_conv(x))))
        for block, kept in enumerate(self._kept):
            wide, narrow = self.layers_conv[2 * block], self.layers_conv[2 * block + 1]
            wide_bn, narrow_bn = self.layers_bn[2 * block], self.layers_bn[2 * block + 1]
            inner = self.drop(torch.relu(wide_bn(wide(h))))
            inner = self.drop(torch.relu(narrow_bn(narrow(inner))))
            h = h[:, :, kept : kept + inner.shape[2]] + inner
        return h


class MultiStrideTcn(nn.Module):
    """Branches that differ in stride alone look at the same output frame; one linear map reads them all.

    The receptive field is that of the longest stride: (product of the widths - 1) * stride + 1. The defaults
    are the widest with filters of three and more taps that stay within the paper's 128 frames: 113. An output
    frame stands for the centre of its receptive field or, if causal, for its last frame.

    Args:
        num_joints: joints a frame, in and out.
        in_features: numbers a keypoint: 2, or 3 with confidence.
        strides: of the branches, in frames, each another.
        filter_widths: taps of each layer of a branch; odd, unless causal.
        channels: width of each branch; four of 256 are together as wide as VideoPose3D.
        dropout: probability, after every activation.
        causal: no output frame sees later input.
    Raises:
        ValueError: a stride given twice, or an even filter width without ``causal``.
    """

    frames_out = "one"
    needs_confidence = False
    fits_window: ClassVar = (">=", "(product(filter_widths) - 1) * max(strides) + 1")
    anneals_bn = True  # its momentum can be set, see `set_bn_momentum`

    def __init__(
        self,
        *,
        num_joints: Annotated[int, Ge(1)] = 17,
        in_features: Annotated[int, Ge(1)] = 2,
        strides: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (1, 2, 4, 8),
        filter_widths: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (3, 5),
        channels: Annotated[int, Ge(1)] = 256,
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.25,
        causal: bool = False,
    ) -> None:
        super().__init__()
        steps, widths = tuple(strides), tuple(filter_widths)
        if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
            raise ValueError(f"strides must be positive integers, each another; found {steps}")
        if not widths or min(widths) < 1:
            raise ValueError(f"filter_widths must be positive integers; found {widths}")
        if not causal and any(width % 2 == 0 for width in widths):
            raise ValueError(f"filter_widths must be odd unless causal (an even filter has no centre); found {widths}")
        self.joints, self.features, self.causal = num_joints, in_features, causal
        reach = math.prod(widths) - 1  # steps from a branch's first tap to its last
        self.receptive_field: int = reach * max(steps) + 1
        # Frames of the receptive field that a branch of a shorter stride doesn't see.
        self._unseen = [reach * (max(steps) - stride) for stride in steps]
        self.branches = nn.ModuleList(
            _Branch(num_joints * in_features, channels, widths, stride, dropout, causal) for stride in steps
        )
        self.shrink = nn.Conv1d(channels * len(steps), num_joints * 3, 1)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for ``joints`` keypoints of ``features`` numbers; works for any number of frames."""
        return cls(**{"num_joints": joints, "in_features": features, **options})

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell, the usual strides assumed.

        Raises:
            KeyError: it is another network's.
        """
        channels, numbers, first = shapes["branches.0.expand_conv.weight"]
        joints = shapes["shrink.weight"][0] // 3
        wide = range(0, entries(shapes, "branches.0.layers_conv"), 2)
        return {
            "num_joints": joints,
            "in_features": numbers // joints,
            "filter_widths": (first, *(shapes[f"branches.0.layers_conv.{layer}.weight"][2] for layer in wide)),
            "channels": channels,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in; 0 when that is too few."""
        return max(frames - self.receptive_field + 1, 0)

    def set_bn_momentum(self, momentum: float) -> None:
        """Set the momentum of every batch normalisation."""
        for module in self.branches.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = momentum

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates, T at least the receptive field.
        Returns:
            (B, T - receptive_field + 1, J, 3) metres.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.receptive_field)
        h = x.flatten(2).transpose(1, 2)  # (B, J·C, T)
        found = []
        for branch, unseen in zip(self.branches, self._unseen, strict=True):
            before = unseen if self.causal else unseen // 2
            found.append(branch(h[:, :, before : h.shape[2] - (unseen - before)]))  # (B, channels, T_out)
        return self.shrink(torch.cat(found, dim=1)).transpose(1, 2).unflatten(2, (self.joints, 3))
