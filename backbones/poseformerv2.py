"""PoseFormerV2: a few frames around the centre, and the low frequencies of a long window, for one pose.

Zhao, Zheng, Liu, Wang, Chen: PoseFormerV2: Exploring frequency domain for efficient and robust 3D human
pose estimation, CVPR 2023 (arXiv 2303.17472), section 3.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.attention import Attention, DropPath, Mlp, drop_path_rates, stack
from backbones.shapes import Shapes, check_input, check_window, entries
from backbones.sliding import windows


def dct_basis(length: int, kept: int | None = None) -> Tensor:
    """The DCT-II without normalisation: (kept or length, length), float32.

    Row k is 2 cos(π k (2 n + 1) / (2 · length)) over n; coefficients are ``basis @ x`` for x (length, …).
    """
    n = torch.arange(length, dtype=torch.float64, device="cpu")
    return (2 * torch.cos(math.pi / length * torch.outer(n[:kept], n + 0.5))).float()


def inverse_dct_basis(length: int) -> Tensor:
    """The inverse of `dct_basis`, (length, length), float32: its transpose, rows weighted."""
    weight = torch.full((length, 1), 1 / (2 * length), dtype=torch.float64, device="cpu")
    weight[0] /= 2
    return (dct_basis(length).double() * weight).T.float()


class _FrequencyMlp(Mlp):
    """An MLP on the DCT of the tokens, transformed back."""

    to_frequency: Tensor
    to_tokens: Tensor

    def __init__(self, features: int, hidden: int, dropout: float, tokens: int) -> None:
        super().__init__(features, hidden, dropout)
        self.register_buffer("to_frequency", dct_basis(tokens), persistent=False)
        self.register_buffer("to_tokens", inverse_dct_basis(tokens), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(S, tokens, C) → (S, tokens, C)."""
        return self.to_tokens @ super().forward(self.to_frequency @ x)


class _MixedBlock(nn.Module):
    """Attention over all tokens; then the first half has an MLP, the second half one on its DCT.

    The halves are halves of the sequence: where there are more tokens of frames than of coefficients, some
    of the frames' are in the first.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        tokens: int,
        mlp_ratio: float,
        dropout: float,
        drop_path: float,
        **attention: Any,
    ) -> None:
        super().__init__()
        hidden = int(features * mlp_ratio)
        self.halves = (tokens // 2, tokens - tokens // 2)
        self.norm1 = nn.LayerNorm(features, eps=1e-6)
        self.attn = Attention(features, heads, proj_drop=dropout, **attention)
        self.norm2 = nn.LayerNorm(features, eps=1e-6)
        self.mlp1 = Mlp(features, hidden, dropout)
        self.norm3 = nn.LayerNorm(features, eps=1e-6)
        self.mlp2 = _FrequencyMlp(features, hidden, dropout, self.halves[1])
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(S, tokens, C) → (S, tokens, C)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        first, second = x.split(self.halves, dim=1)
        first = first + self.drop_path(self.mlp1(self.norm2(first)))
        second = second + self.drop_path(self.mlp2(self.norm3(second)))
        return torch.cat((first, second), dim=1)


class PoseFormerV2(nn.Module):
    """Joints of the kept frames see each other; frames and coefficients are then tokens of one sequence.

    The network reads ``num_frame`` frames at a time. Of a longer input it reads every window of that length
    at once, one output frame each; the spatial part is computed once a frame.

    Args:
        num_frame: frames of a window: the receptive field.
        number_of_kept_frames: frames around the centre that become tokens; odd.
        number_of_kept_coeffs: low DCT coefficients of the window that become tokens; None is as many as frames.
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
        ValueError: an even number of kept frames (they have no centre), more kept frames or coefficients than
            the window has, or a token's numbers that can't be shared among the heads.
    """

    frames_out = "one"
    causal = False
    needs_confidence = False
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adamw",
            "lr": 1e-4,
            "weight_decay": 0.1,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.99,
            "batch": 1024,
            "passes": 200,
        },
        "objective": {"mpjpe": 1.0},
    }
    slides = True
    fits_window: ClassVar = (">=", "num_frame")

    basis: Tensor

    def __init__(
        self,
        *,
        num_frame: Annotated[int, Ge(1)] = 243,
        number_of_kept_frames: Annotated[int, Ge(1)] = 27,
        number_of_kept_coeffs: Annotated[int, Ge(1)] | None = None,
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
        kept, coefficients = number_of_kept_frames, number_of_kept_coeffs or number_of_kept_frames
        if kept % 2 == 0 or kept > num_frame:
            raise ValueError(f"number_of_kept_frames must be odd and at most num_frame={num_frame}; found {kept}")
        if coefficients > num_frame:
            raise ValueError(f"number_of_kept_coeffs must be at most num_frame={num_frame}; found {coefficients}")
        self.joints, self.features, self.receptive_field = num_joints, in_chans, num_frame
        self.kept, self.first_kept = kept, (num_frame - 1) // 2 - kept // 2
        joint, frame = embed_dim_ratio, embed_dim_ratio * num_joints  # numbers a token
        block: dict[str, Any] = {
            "mlp_ratio": mlp_ratio,
            "qkv_bias": qkv_bias,
            "scale": qk_scale,
            "dropout": drop_rate,
            "attn_drop": attn_drop_rate,
        }

        # Attributes follow the published checkpoints' names and order.
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, joint))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, kept, frame))
        self.Temporal_pos_embed_ = nn.Parameter(torch.zeros(1, coefficients, frame))
        self.Joint_embedding = nn.Linear(in_chans, joint)
        self.Freq_embedding = nn.Linear(in_chans * num_joints, frame)
        self.Spatial_blocks = stack(depth, joint, num_heads, drop_path=drop_path_rate, **block)
        self.blocks = nn.ModuleList(
            _MixedBlock(frame, num_heads, tokens=coefficients + kept, drop_path=rate, **block)
            for rate in drop_path_rates(drop_path_rate, depth)
        )
        self.Spatial_norm = nn.LayerNorm(joint, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(frame, eps=1e-6)
        self.weighted_mean = nn.Conv1d(coefficients, 1, 1)
        self.weighted_mean_ = nn.Conv1d(kept, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(2 * frame), nn.Linear(2 * frame, num_joints * 3))
        self.pos_drop = nn.Dropout(drop_rate)
        self.register_buffer("basis", dct_basis(num_frame, coefficients), persistent=False)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints of ``features`` numbers.

        Raises:
            ValueError: the window is shorter than ``num_frame``, or what `PoseFormerV2` raises.
        """
        network = cls(**{"num_joints": joints, "in_chans": features, **options})
        check_window(frames, network.receptive_field, "num_frame")
        return network

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell; the window's length isn't among them.

        Raises:
            KeyError: it is another network's.
        """
        width, features = shapes["Joint_embedding.weight"]
        return {
            "number_of_kept_frames": shapes["Temporal_pos_embed"][1],
            "number_of_kept_coeffs": shapes["Temporal_pos_embed_"][1],
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
        coefficients = self.basis @ windows(x.flatten(2), self.receptive_field)  # (B·T_out, n, J·C)
        tokens = (
            self.Freq_embedding(coefficients) + self.Temporal_pos_embed_,  # (B·T_out, n, J·D)
            windows(self._poses(x), self.kept) + self.Temporal_pos_embed,  # (B·T_out, f, J·D)
        )
        h = torch.cat(tokens, dim=1)
        for block in self.blocks:
            h = block(h)
        frequency, time = self.Temporal_norm(h).split([len(self.basis), self.kept], dim=1)
        h = torch.cat((self.weighted_mean(frequency), self.weighted_mean_(time)), dim=-1)  # (B·T_out, 1, 2·J·D)
        return self.head(h).view(len(x), -1, self.joints, 3)

    def _poses(self, x: Tensor) -> Tensor:
        """Tokens of the frames that any window keeps: (B, T, J, C) → (B, T_out + f - 1, J·D)."""
        near = x[:, self.first_kept : self.first_kept + self.kept + x.shape[1] - self.receptive_field]
        h = self.pos_drop(self.Joint_embedding(near).flatten(0, 1) + self.Spatial_pos_embed)  # (B·F, J, D)
        for block in self.Spatial_blocks:
            h = block(h)
        return self.Spatial_norm(h).flatten(1).unflatten(0, near.shape[:2])
