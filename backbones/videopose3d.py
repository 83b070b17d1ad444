"""VideoPose3D: temporal convolutions over 2D keypoints.

Pavllo, Feichtenhofer, Grangier, Auli: 3D human pose estimation in video with temporal convolutions
and semi-supervised training, CVPR 2019 (arXiv 1811.11742), section 3 and appendix A.5.
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


class VideoPose3D(nn.Module):
    """Residual blocks of dilated convolutions; each layer widens the receptive field by its filter width.

    The dilated form slides over T frames and gives T - receptive_field + 1. The strided form gives the one
    frame of a window as long as the receptive field, without computing what that frame doesn't use. Both
    have the same parameters under the same names, so weights trained in one run in the other.

    An output frame stands for the centre of its receptive field or, if causal, for its last frame.

    Args:
        num_joints_in: keypoints a frame.
        in_features: numbers a keypoint: 2, or 3 with confidence.
        num_joints_out: joints a frame; 1 gives the trajectory network of the paper's section 4.
        filter_widths: taps of each layer; the receptive field is their product. Odd, unless causal.
        causal: no output frame sees later input.
        dropout: probability, after every activation.
        channels: width of the hidden layers.
        dense: fill the gaps between a dilated filter's taps with taps (the paper's ablation).
        strided: the one-frame form.
    Raises:
        ValueError: an even filter width without ``causal``, or ``dense`` with ``strided``.
    """

    frames_out = "one"
    needs_confidence = False
    fits_window: ClassVar = (">=", "product(filter_widths)")
    anneals_bn = True  # its momentum can be set, see `set_bn_momentum`
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adam",
            "amsgrad": True,
            "lr": 1e-3,
            "weight_decay": 0.0,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.95,
            "batch": 1024,
            "passes": 80,
            "bn_momentum_end": 0.001,
        },
        "objective": {"mpjpe": 1.0},
    }

    def __init__(
        self,
        *,
        num_joints_in: Annotated[int, Ge(1)] = 17,
        in_features: Annotated[int, Ge(1)] = 2,
        num_joints_out: Annotated[int, Ge(1)] = 17,
        filter_widths: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (3, 3, 3),
        causal: bool = False,
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.25,
        channels: Annotated[int, Ge(1)] = 1024,
        dense: bool = False,
        strided: bool = False,
    ) -> None:
        super().__init__()
        widths = tuple(filter_widths)
        if not widths or min(widths) < 1:
            raise ValueError(f"filter_widths must be positive integers; found {widths}")
        if not causal and any(width % 2 == 0 for width in widths):
            raise ValueError(f"filter_widths must be odd unless causal (an even filter has no centre); found {widths}")
        if dense and strided:
            raise ValueError("dense and strided exclude each other: dense filters have no gaps to stride over")
        self.joints_in, self.features, self.joints_out = num_joints_in, in_features, num_joints_out
        self.filter_widths, self.causal, self.strided = widths, causal, strided
        self.receptive_field: int = math.prod(widths)
        # Dilation of each layer: how many input frames lie between neighbouring taps.
        dilations = list(accumulate(widths, mul, initial=1))[:-1]

        # Attributes follow the published checkpoints' names and order.
        self.expand_bn = nn.BatchNorm1d(channels)
        self.shrink = nn.Conv1d(channels, num_joints_out * 3, 1)
        self.expand_conv = nn.Conv1d(
            num_joints_in * in_features, channels, widths[0], stride=widths[0] if strided else 1, bias=False
        )
        self.layers_conv = nn.ModuleList()
        self.layers_bn = nn.ModuleList()
        for width, dilation in zip(widths[1:], dilations[1:], strict=True):
            if strided:
                wide = nn.Conv1d(channels, channels, width, stride=width, bias=False)
            elif dense:
                wide = nn.Conv1d(channels, channels, (width - 1) * dilation + 1, bias=False)
            else:
                wide = nn.Conv1d(channels, channels, width, dilation=dilation, bias=False)
            self.layers_conv.extend([wide, nn.Conv1d(channels, channels, 1, bias=False)])
            self.layers_bn.extend([nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)])
        self.drop = nn.Dropout(dropout)
        # The residual branch keeps each filter's centre tap, or its last one if causal.
        spacing = [1] * len(widths) if strided else dilations
        taps = [width - 1 if causal else width // 2 for width in widths]
        self._kept = [tap * space for tap, space in zip(taps, spacing, strict=True)][1:]

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for ``joints`` keypoints of ``features`` numbers.

        Raises:
            ValueError: the strided form on windows longer than its receptive field, or what `VideoPose3D` raises.
        """
        network = cls(**{"num_joints_in": joints, "in_features": features, "num_joints_out": joints, **options})
        if network.strided and frames > network.receptive_field:
            raise ValueError(
                f"the strided form can't use windows of {frames} frames: its receptive field is "
                f"{network.receptive_field} (change filter_widths, the window, or strided)"
            )
        return network

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        channels, numbers, first = shapes["expand_conv.weight"]
        joints = shapes["shrink.weight"][0] // 3
        # Its own joints come in where they can; the trajectory network gives one of many.
        features = numbers // joints if numbers // joints in (2, 3) else 2
        wide = range(0, entries(shapes, "layers_conv"), 2)
        return {
            "num_joints_in": numbers // features,
            "in_features": features,
            "num_joints_out": joints,
            "filter_widths": (first, *(shapes[f"layers_conv.{layer}.weight"][2] for layer in wide)),
            "channels": channels,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in; 0 when that is too few, or too many if strided."""
        if self.strided:
            return int(frames == self.receptive_field)
        return max(frames - self.receptive_field + 1, 0)

    def set_bn_momentum(self, momentum: float) -> None:
        """Set the momentum of every batch normalisation, e.g. to `bn_momentum` once an epoch."""
        for module in (self.expand_bn, *self.layers_bn):
            module.momentum = momentum

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates, T at least the receptive field (equal to it if strided).
        Returns:
            (B, T - receptive_field + 1, J_out, 3) metres.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints_in, features=self.features, frames=self.receptive_field)
        if self.strided and x.shape[1] != self.receptive_field:
            raise ValueError(
                f"the strided form takes exactly T={self.receptive_field} frames; found {x.shape[1]} "
                "(use strided=False for longer input)"
            )
        h = x.flatten(2).transpose(1, 2)
        h = self.drop(torch.relu(self.expand_bn(self.expand_conv(h))))
        for block, kept in enumerate(self._kept):
            wide, narrow = self.layers_conv[2 * block], self.layers_conv[2 * block + 1]
            wide_bn, narrow_bn = self.layers_bn[2 * block], self.layers_bn[2 * block + 1]
            inner = self.drop(torch.relu(wide_bn(wide(h))))
            if self.strided:
                residual = h[:, :, kept :: self.filter_widths[block + 1]]
            else:
                residual = h[:, :, kept : kept + inner.shape[2]]
            h = residual + self.drop(torch.relu(narrow_bn(narrow(inner))))
        return self.shrink(h).transpose(1, 2).unflatten(2, (self.joints_out, 3))


def bn_momentum(epoch: int, epochs: int, *, start: float = 0.1, end: float = 0.001) -> float:
    """Batch-norm momentum of ``epoch`` (from 0) in a training of ``epochs``: from start to end, geometrically.

    Section 5 of the paper: the momentum decays from 0.1 in the first epoch to 0.001 in the last.
    """
    return start * (end / start) ** (epoch / max(epochs - 1, 1))
