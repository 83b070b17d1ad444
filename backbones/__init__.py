"""Lifting networks: 2D keypoint sequence in, 3D keypoint sequence out.

`LINES` is the registry: one line a name, importable without torch. Each class is the contract:
``forward`` takes (B, T, J, C) and gives (B, T_out, J, 3) in metres; ``receptive_field`` (frames),
``causal`` (bool) and ``output_frames(T)`` say how T_out follows from T; ``for_data(joints, features,
frames, **options)`` builds it for data of a given shape. A class with a ``fit`` method is solved in
closed form instead of trained by gradient steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Line(NamedTuple):
    """One registry line: where the class is, its version, one line of prose, preset options."""

    target: str
    version: int
    summary: str
    preset: dict[str, Any] = {}
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


def build(name: str, **config: Any):
    """The network called ``name``, built with its own option names.

    Raises:
        KeyError: no such name.
        TypeError: an option the network doesn't have.
    """
    import importlib

    line = LINES[name]
    module, cls = line.target.split(":")
    return getattr(importlib.import_module(module), cls)(**{**line.preset, **config})


def load_checkpoint(module, path_or_dict):
    """Load a published or own checkpoint into ``module``; see `backbones.checkpoint`."""
    from backbones.checkpoint import load_checkpoint as load

    return load(module, path_or_dict)
