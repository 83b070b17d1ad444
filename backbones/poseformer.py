"""PoseFormer: attention over the joints of each frame, then over the frames, for the pose of the centre frame.

Zheng, Zhu, Mendieta, Yang, Chen, Ding: 3D human pose estimation with spatial and temporal transformers,
ICCV 2021 (arXiv 2103.10455), section 3.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.attention import stack
from backbones.shapes import Shapes, check_input, check_window, entries
from backbones.sliding import windows


class PoseFormer(nn.Module):
    """Tokens of joints, then one token a frame; a learned mean over the frames gives the centre frame's pose.

    The network reads ``num_frame`` frames at a time. Of a longer input it reads every window of that length
    at once, one output frame each; the spatial part is computed once a frame.

    Args:
        num_frame: frames of a window: the receptive field.
        num_joints: joints a frame, in and out.
        in_chans: numbers a keypoint: 2, or 3 with confidence.
        embed_dim_ratio: numbers a joint; a frame has as many times ``num_joints``.
        depth: spatial blocks, and again temporal ones.
        num_heads: attention heads; they share the numbers of a joint, and of a frame.
        mlp_ratio: width of each MLP in its tokens' numbers.
        qkv_bias: a bias on queries, keys and values.
        qk_scale: of the attention's products; None is 1 / √(numbers a head).
        drop_rate, attn_drop_rate: dropout of embeddings, outputs and MLPs; and of attention weights.
        drop_path_rate: stochastic depth of the last block; it rises linearly from 0 in the first.
    Raises:
        ValueError: a token's numbers can't be shared among the heads.
    """

    frames_out = "one"
    causal = False
    needs_confidence = False
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adamw",
            "lr": 2e-4,
            "weight_decay": 0.1,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.98,
            "batch": 1024,
            "passes": 130,
        },
        "objective": {"mpjpe": 1.0},
    }
    slides = True
    fits_window: ClassVar = (">=", "num_frame")

    def __init__(
        self,
        *,
        num_frame: Annotated[int, Ge(1)] = 81,
        num_joints: Annotated[int, Ge(1)] = 17,
        in_chans: Annotated[int, Ge(1)] = 2,
        embed_dim_ratio: Annotated[int, Ge(1)] = 32,
        depth: Annotated[int, Ge(1)] = 4,
        num_heads: Annotated[int, Ge(1)] = 8,
        mlp_ratio: Annotated[float, Gt(0)] = 2.0,
        qkv_bias: bool = True,
        qk_scale: Annotated[float, Gt(0)] | None = None,
        drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        attn_drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        drop_path_rate: Annotated[float, Ge(0), Lt(1)] = 0.1,
    ) -> None:
        super().__init__()
        self.joints, self.features, self.receptive_field = num_joints, in_chans, num_frame
        joint, frame = embed_dim_ratio, embed_dim_ratio * num_joints  # numbers a token

        def blocks(width: int) -> nn.ModuleList:
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
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, joint))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, num_frame, frame))
        self.Spatial_patch_to_embedding = nn.Linear(in_chans, joint)
        self.Spatial_blocks = blocks(joint)
        self.blocks = blocks(frame)
        self.Spatial_norm = nn.LayerNorm(joint, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(frame, eps=1e-6)
        self.weighted_mean = nn.Conv1d(num_frame, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(frame), nn.Linear(frame, num_joints * 3))
        self.pos_drop = nn.Dropout(drop_rate)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints of ``features`` numbers.

        Raises:
            ValueError: the window is shorter than ``num_frame``, or what `PoseFormer` raises.
        """
        network = cls(**{"num_joints": joints, "in_chans": features, **options})
        check_window(frames, network.receptive_field, "num_frame")
        return network

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        width, features = shapes["Spatial_patch_to_embedding.weight"]
        return {
            "num_frame": shapes["Temporal_pos_embed"][1],
            "num_joints": shapes["Spatial_pos_embed"][1],
            "in_chans": features,
            "embed_dim_ratio": width,
            "depth": entries(shapes, "Spatial_blocks"),
            "mlp_ratio": shapes["Spatial_blocks.0.mlp.fc1.weight"][0] / width,
            "qkv_bias": "Spatial_blocks.0.attn.qkv.bias" in shapes,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: one a window, 0 when there is none."""
        return max(frames - self.receptive_field + 1, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates, T at least ``num_frame``.
        Returns:
            (B, T - num_frame + 1, J, 3) metres: the centre frames.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.receptive_field)
        batch, frames = x.shape[:2]
        h = self.Spatial_patch_to_embedding(x).flatten(0, 1)  # (B·T, J, D)
        h = self.pos_drop(h + self.Spatial_pos_embed)
        for block in self.Spatial_blocks:
            h = block(h)
        h = self.Spatial_norm(h).flatten(1).unflatten(0, (batch, frames))  # (B, T, J·D)
        h = self.pos_drop(windows(h, self.receptive_field) + self.Temporal_pos_embed)  # (B·T_out, num_frame, J·D)
        for block in self.blocks:
            h = block(h)
        h = self.weighted_mean(self.Temporal_norm(h))  # (B·T_out, 1, J·D)
        return self.head(h).view(batch, -1, self.joints, 3)
