"""Lifting networks: 2D keypoint sequence in, 3D keypoint sequence out.

`LINES` is the registry: one line a name, importable without torch. Each class is the contract:
``forward`` takes (B, T, J, C) and gives (B, T_out, J, 3) in metres; ``output_frames(T)`` is T_out, and
T - ``receptive_field`` + 1 for every network: one that keeps all its frames has 1 and says
``frames_out = "all"``, the others say ``"one"``. With ``causal`` an output frame stands for the last frame
of its receptive field, otherwise for the centre; a network that sees one frame at a time says False, so
that it answers for the frames the others do. ``needs_confidence`` says that C must be 3.
``for_data(joints=…, features=…, frames=…, **options)`` builds it for data of a given shape. A class with a
``fit`` method is solved in closed form instead of trained by gradient steps. docs/backbones.md lists the
networks, docs/adding-a-backbone.md has an example.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

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
    "mixste": Line(
        "backbones.mixste:MixSTE", 1, "joints and frames by turns, all frames out (Zhang et al., CVPR 2022)"
    ),
    "mixste-s": Line(
        "backbones.mixste:MixSTE",
        1,
        "mixste at 32 numbers a token, 2 pairs of blocks, 2 heads",
        {"embed_dim_ratio": 32, "depth": 2, "num_heads": 2},
        "mixste",
    ),
    "poseformer": Line(
        "backbones.poseformer:PoseFormer",
        1,
        "joints, then frames, centre frame out (Zheng et al., ICCV 2021); 81 frames",
    ),
    "poseformer-27": Line(
        "backbones.poseformer:PoseFormer", 1, "poseformer of 27 frames", {"num_frame": 27}, "poseformer"
    ),
    "poseformer-9": Line(
        "backbones.poseformer:PoseFormer", 1, "poseformer of 9 frames", {"num_frame": 9}, "poseformer"
    ),
    "poseformer-s": Line(
        "backbones.poseformer:PoseFormer",
        1,
        "poseformer of 9 frames at 8 numbers a joint, 2 blocks of each kind",
        {"num_frame": 9, "embed_dim_ratio": 8, "depth": 2, "num_heads": 2},
        "poseformer",
    ),
    "poseformerv2": Line(
        "backbones.poseformerv2:PoseFormerV2",
        1,
        "central frames and low frequencies, centre frame out (Zhao et al., CVPR 2023); 243 frames",
    ),
    "poseformerv2-81": Line(
        "backbones.poseformerv2:PoseFormerV2",
        1,
        "poseformerv2 of 81 frames: 9 central ones, 9 coefficients",
        {"num_frame": 81, "number_of_kept_frames": 9},
        "poseformerv2",
    ),
    "poseformerv2-27": Line(
        "backbones.poseformerv2:PoseFormerV2",
        1,
        "poseformerv2 of 27 frames: 3 central ones, 3 coefficients",
        {"num_frame": 27, "number_of_kept_frames": 3},
        "poseformerv2",
    ),
    "poseformerv2-s": Line(
        "backbones.poseformerv2:PoseFormerV2",
        1,
        "poseformerv2-27 at 8 numbers a joint, 2 blocks of each kind",
        {"num_frame": 27, "number_of_kept_frames": 3, "embed_dim_ratio": 8, "depth": 2, "num_heads": 2},
        "poseformerv2",
    ),
    "multistride_tcn": Line(
        "backbones.multistride_tcn:MultiStrideTcn", 1, "convolutions at strides 1, 2, 4, 8 (Cheng et al., AAAI 2020)"
    ),
    "multistride_tcn-s": Line(
        "backbones.multistride_tcn:MultiStrideTcn",
        1,
        "multistride_tcn at 64 channels a stride, receptive field 17",
        {"filter_widths": [3, 1], "channels": 64},
        "multistride_tcn",
    ),
    "pstmo": Line(
        "backbones.pstmo:PSTMO", 1, "all frames, then strides of 3 to the centre frame (Shan et al., ECCV 2022)"
    ),
    "pstmo-s": Line("backbones.pstmo:PSTMO", 1, "pstmo's small form, 3 layers in place of 4", {"layers": 3}, "pstmo"),
    "pstmo-tiny": Line(
        "backbones.pstmo:PSTMO",
        1,
        "pstmo of 9 frames at 64 channels, 2 layers",
        {"layers": 2, "channel": 64, "d_hid": 128, "frames": 9},
        "pstmo",
    ),
    "dstformer": Line(
        "backbones.dstformer:DSTformer", 1, "MotionBERT's network, all frames out (Zhu et al., ICCV 2023)"
    ),
    "dstformer-lite": Line(
        "backbones.dstformer:DSTformer",
        1,
        "MotionBERT's lite network, the one of RePOSE",
        {"dim_feat": 256, "mlp_ratio": 4},
        "dstformer",
    ),
    "dstformer-tiny": Line(
        "backbones.dstformer:DSTformer",
        1,
        "dstformer at 32 numbers a token, 2 layers, 2 heads",
        {"dim_feat": 32, "dim_rep": 64, "depth": 2, "num_heads": 2},
        "dstformer",
    ),
    "motionagformer": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "attention and graphs in parallel, all frames out (Mehraban et al., WACV 2024); size B",
    ),
    "motionagformer-xs": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "motionagformer, the published XS (published for 27 frames)",
        {"n_layers": 12, "dim_feat": 64},
        "motionagformer",
    ),
    "motionagformer-s": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "motionagformer, the published S (published for 81 frames)",
        {"n_layers": 26, "dim_feat": 64},
        "motionagformer",
    ),
    "motionagformer-b": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "motionagformer, the published B (published for 243 frames)",
        {},
        "motionagformer",
    ),
    "motionagformer-l": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "motionagformer, the published L (published for 243 frames)",
        {"n_layers": 26},
        "motionagformer",
    ),
    "motionagformer-tiny": Line(
        "backbones.motionagformer:MotionAGFormer",
        1,
        "motionagformer at 32 numbers a token, 2 layers, 2 heads",
        {"n_layers": 2, "dim_feat": 32, "dim_rep": 64, "num_heads": 2},
        "motionagformer",
    ),
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
    module, _, attribute = line.target.partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    _check(name, cls, config)
    return cls(**{**line.preset, **config})


def _check(name: str, cls: Any, config: Mapping[str, Any]) -> None:
    """Hold options against the annotations of the class, as a spec's are; raises as `build`."""
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(cls.__init__, include_extras=True)
    known = [option for option in hints if option != "return"]
    for option, value in config.items():
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise TypeError(f"{name} has no option '{option}'{hint} (it has: {', '.join(known)})")
        try:
            TypeAdapter(hints[option]).validate_python(value)
        except ValidationError as error:
            raise ValueError(f"{name}: {option}: {error.errors()[0]['msg']}; found {value!r}") from None


def load_checkpoint(
    module: nn.Module, path_or_dict: str | PathLike[str] | Mapping[str, Any], *, part: str | None = None
) -> nn.Module:
    """Load a published or own checkpoint into ``module`` and return it; see `backbones.checkpoint`."""
    from backbones.checkpoint import load_checkpoint as load

    return load(module, path_or_dict, part=part)
