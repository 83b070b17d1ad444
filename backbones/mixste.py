"""MixSTE: attention over joints and over frames by turns, a pose for every frame.

Zhang, Tu, Yang, Chen, Yuan: MixSTE: Seq2seq mixed spatio-temporal encoder for 3D human pose estimation
in video, CVPR 2022 (arXiv 2203.00859), section 3.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.attention import stack
from backbones.shapes import Shapes, check_input, entries


class MixSTE(nn.Module):
    """``depth`` pairs of blocks: the joints of each frame see each other, then the frames of each joint.

    One norm follows every spatial block, another every temporal one, and all blocks share them; position
    embeddings are added only in front of the first block of each kind.

    Args:
        num_frame: frames of a window, neither more nor fewer; None takes the data's window, or 243.
        num_joints: joints a frame, in and out.
        in_chans: numbers a keypoint: 2, or 3 with confidence.
        embed_dim_ratio: numbers a token (a joint in a frame).
        depth: pairs of blocks.
        num_heads: attention heads; they share a token's numbers.
        mlp_ratio: width of each MLP in tokens' numbers.
        qkv_bias: a bias on queries, keys and values.
        qk_scale: of the attention's products; None is 1 / √(numbers a head).
        drop_rate, attn_drop_rate: dropout of embeddings, outputs and MLPs; and of attention weights.
        drop_path_rate: stochastic depth of the last pair; it rises linearly from 0 in the first.
    Raises:
        ValueError: a token's numbers can't be shared among the heads.
    """

    receptive_field = 1
    frames_out = "all"
    causal = False
    needs_confidence = False
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adamw",
            "lr": 4e-5,
            "weight_decay": 0.1,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.99,
            "batch": 4,
            "passes": 120,
        },
        "objective": {"weighted_mpjpe": 1.0, "temporal_consistency": 0.5, "mpjve": 2.0},
    }
    fits_window: ClassVar = ("==", "num_frame")

    def __init__(
        self,
        *,
        num_frame: Annotated[int, Ge(1)] | None = None,
        num_joints: Annotated[int, Ge(1)] = 17,
        in_chans: Annotated[int, Ge(1)] = 2,
        embed_dim_ratio: Annotated[int, Ge(1)] = 512,
        depth: Annotated[int, Ge(1)] = 8,
        num_heads: Annotated[int, Ge(1)] = 8,
        mlp_ratio: Annotated[float, Gt(0)] = 2.0,
        qkv_bias: bool = True,
        qk_scale: Annotated[float, Gt(0)] | None = None,
        drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        attn_drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        drop_path_rate: Annotated[float, Ge(0), Lt(1)] = 0.1,
    ) -> None:
        super().__init__()
        self.joints, self.features, self.frames = num_joints, in_chans, num_frame or 243
        width = embed_dim_ratio

        def blocks() -> nn.ModuleList:
            return stack(
                depth,
                width,
                num_heads,
                mlp_ratio=mlp_ratio,
                qkv_bias=qkv_bias,
                scale=qk_scale,
                dropout=drop_rate,
                attn_drop=attn_drop_rate,
                drop_path=drop_path_rate,
            )

        # Attributes follow the published checkpoints' names and order.
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, width))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, self.frames, width))
        self.Spatial_patch_to_embedding = nn.Linear(in_chans, width)
        self.STEblocks, self.TTEblocks = blocks(), blocks()
        self.Spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))
        self.pos_drop = nn.Dropout(drop_rate)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints of ``features`` numbers.

        Raises:
            ValueError: ``num_frame`` is given and is another length, or what `MixSTE` raises.
        """
        given = {"num_joints": joints, "in_chans": features, **options}
        own = given.pop("num_frame", None) or frames
        if own != frames:
            raise ValueError(f"num_frame is {own}, and a window has {frames} frames (leave num_frame out)")
        return cls(num_frame=own, **given)

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        width, features = shapes["Spatial_patch_to_embedding.weight"]
        return {
            "num_frame": shapes["Temporal_pos_embed"][1],
            "num_joints": shapes["Spatial_pos_embed"][1],
            "in_chans": features,
            "embed_dim_ratio": width,
            "depth": entries(shapes, "STEblocks"),
            "mlp_ratio": shapes["STEblocks.0.mlp.fc1.weight"][0] / width,
            "qkv_bias": "STEblocks.0.attn.qkv.bias" in shapes,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many, or 0 if it was built for another number."""
        return frames if frames == self.frames else 0

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates, T as the network was built for.
        Returns:
            (B, T, J, 3) metres.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=True)
        batch, frames, joints, _ = x.shape
        h = self.Spatial_patch_to_embedding(x).flatten(0, 1)  # (B·T, J, D)
        h = self.pos_drop(h + self.Spatial_pos_embed)
        for number, (spatial, temporal) in enumerate(zip(self.STEblocks, self.TTEblocks, strict=True)):
            h = self.Spatial_norm(spatial(h))
            h = h.unflatten(0, (batch, frames)).transpose(1, 2).flatten(0, 1)  # (B·J, T, D)
            if number == 0:
                h = self.pos_drop(h + self.Temporal_pos_embed)
            h = self.Temporal_norm(temporal(h))
            h = h.unflatten(0, (batch, joints)).transpose(1, 2).flatten(0, 1)  # (B·T, J, D)
        return self.head(h).unflatten(0, (batch, frames))
