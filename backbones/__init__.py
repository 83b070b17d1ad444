"""Lifting networks: 2D keypoint sequence in, 3D keypoint sequence out.

`LINES` is the registry: one line a name, importable without torch. Each class is the contract:
``forward`` takes (B, T, J, C) and gives (B, T_out, J, 3) in metres; ``output_frames(T)`` is T_out, and
T - ``receptive_field`` + 1 for every network, so that one which keeps all its frames has 1. With
``causal`` an output frame stands for the last frame of its receptive field, otherwise for the centre;
a network that sees one frame at a time says False, so that it answers for the frames the others do.
``needs_confidence`` says that C must be 3. ``for_data(joints=…, features=…, frames=…, **options)`` builds
it for data of a given shape. A class with a ``fit`` method is solved in closed form instead of trained
by gradient steps. docs/adding-a-backbone.md has an example.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class Line(NamedTuple):
    """One registry line: where the class is, its version, one line of prose, preset options."""

    target: str
    version: int
    summary: str
    preset: dict[str, Any] = {}  # noqa: RUF012 (read only)
    base: str | None = None


LINES: dict[str, Line] = {
    "videopose3d": Line("backbones.videopose3d:VideoPose3D", 1, "temporal convolutions (Pavllo et al., CVPR 2019)"),
    "videopose3d-s": Line(
        "backbones.videopose3d:VideoPose3D",
        1,
        "videopose3d at 128 channels, receptive field 27",
        {"filter_widths": [3, 3, 3], "channels": 128},
        "videopose3d",
    ),
    "simple_baseline": Line("backbones.simple_baseline:SimpleBaseline", 1, "residual MLP (Martinez et al., ICCV 2017)"),
    "ridge": Line("backbones.ridge:Ridge", 1, "ridge regression on a short window of keypoints, closed form"),
    "constant_pose": Line("backbones.constant_pose:ConstantPose", 1, "the mean training pose, whatever the input"),
}


def build(name: str, **config: Any) -> Any:
    """The network called ``name``, built with its own option names.

    Raises:
        KeyError: no such name.
        TypeError: an option the network doesn't have.
        ValueError: an option of a value the network can't have.
    """
    if name not in LINES:
        near = difflib.get_close_matches(name, LINES, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise KeyError(f"unknown backbone '{name}'{hint} (known: {', '.join(sorted(LINES))})")
    line = LINES[name]
    module, cls = line.target.split(":")
    return getattr(importlib.import_module(module), cls)(**{**line.preset, **config})


def load_checkpoint(
    module: nn.Module, path_or_dict: str | PathLike[str] | Mapping[str, Any], *, part: str | None = None
) -> nn.Module:
    """Load a published or own checkpoint into ``module`` and return it; see `backbones.checkpoint`."""
    from backbones.checkpoint import load_checkpoint as load

    return load(module, path_or_dict, part=part)
