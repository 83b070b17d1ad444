"""DSTformer, the network of MotionBERT: two streams of spatial and temporal attention, fused by learned weights.

Zhu, Ma, Liu, Liu, Wu, Wang: MotionBERT: a unified perspective on learning human motion representations,
ICCV 2023 (arXiv 2210.06551), section 3.2.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.attention import Attention, DropPath, Mlp, drop_path_rates
from backbones.shapes import Shapes, check_confidence, check_input, check_longest, entries

LONGEST = 243  # frames, as published


class DSTformer(nn.Module):
    """Each layer runs both orders of attention, joints then frames and frames then joints, and mixes the results.

    Args:
        dim_in: numbers a keypoint: x, y and confidence.
        dim_out: numbers a joint, out.
        dim_feat: width of the tokens.
        dim_rep: width of the motion representation before the head.
        depth: layers; each holds one block of either stream.
        num_heads: attention heads.
        mlp_ratio: width of the MLPs in ``dim_feat``.
        num_joints: keypoints a frame.
        maxlen: the most frames a window may have (position embeddings); None is 243, or the data's window if longer.
        qkv_bias: a bias on queries, keys and values.
        qk_scale: of the attention products; None is 1 / √(width of a head).
        drop_rate, attn_drop_rate: dropout of tokens and MLPs, and of attention weights.
        drop_path_rate: share of the frames that skip a branch of the last block in training; grows from 0.
        att_fuse: fuse the streams by learned weights; otherwise by their mean.
        norm_eps: of the layer norms.
    """

    receptive_field = 1
    frames_out = "all"
    causal = False
    needs_confidence = True
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adamw",
            "lr": 2e-4,
            "weight_decay": 0.01,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.99,
            "batch": 32,
            "passes": 60,
        },
        "objective": {"mpjpe": 1.0, "n_mpjpe": 0.5, "mpjve": 20.0},
    }
    fits_window: ClassVar = ("<=", "maxlen")

    ts_attn: Any

    def __init__(
        self,
        *,
        dim_in: Annotated[int, Ge(1)] = 3,
        dim_out: Annotated[int, Ge(1)] = 3,
        dim_feat: Annotated[int, Ge(1)] = 512,
        dim_rep: Annotated[int, Ge(1)] = 512,
        depth: Annotated[int, Ge(1)] = 5,
        num_heads: Annotated[int, Ge(1)] = 8,
        mlp_ratio: Annotated[float, Gt(0)] = 2.0,
        num_joints: Annotated[int, Ge(1)] = 17,
        maxlen: Annotated[int, Ge(1)] | None = None,
        qkv_bias: bool = True,
        qk_scale: Annotated[float, Gt(0)] | None = None,
        drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        attn_drop_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        drop_path_rate: Annotated[float, Ge(0), Lt(1)] = 0.0,
        att_fuse: bool = True,
        norm_eps: Annotated[float, Gt(0)] = 1e-6,
    ) -> None:
        super().__init__()
        longest = maxlen or LONGEST
        self.joints, self.features, self.longest = num_joints, dim_in, longest

        def stream(spatial_first: bool) -> nn.ModuleList:
            return nn.ModuleList(
                _Block(
                    dim_feat,
                    num_heads,
                    int(dim_feat * mlp_ratio),
                    spatial_first=spatial_first,
                    qkv_bias=qkv_bias,
                    scale=qk_scale,
                    dropout=drop_rate,
                    attn_drop=attn_drop_rate,
                    drop_path=rate,
                    eps=norm_eps,
                )
                for rate in drop_path_rates(drop_path_rate, depth)
            )

        # Attributes follow the published checkpoints' names and order.
        self.temp_embed = nn.Parameter(torch.zeros(1, longest, 1, dim_feat))
        self.pos_embed = nn.Parameter(torch.zeros(1, num_joints, dim_feat))
        self.joints_embed = nn.Linear(dim_in, dim_feat)
        self.pos_drop = nn.Dropout(drop_rate)
        self.blocks_st = stream(spatial_first=True)
        self.blocks_ts = stream(spatial_first=False)
        self.norm = nn.LayerNorm(dim_feat, eps=norm_eps)
        self.pre_logits = nn.Sequential()
        self.pre_logits.add_module("fc", nn.Linear(dim_feat, dim_rep))
        self.pre_logits.add_module("act", nn.Tanh())
        self.head = nn.Linear(dim_rep, dim_out)
        self.ts_attn = nn.ModuleList(nn.Linear(2 * dim_feat, 2) for _ in range(depth)) if att_fuse else None
        self._start()

    def _start(self) -> None:
        """Initial weights: truncated normal of sd 0.02; the streams weigh the same."""
        nn.init.trunc_normal_(self.temp_embed, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for fuse in self.ts_attn or ():
            nn.init.zeros_(fuse.weight)
            nn.init.constant_(fuse.bias, 0.5)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints with confidence.

        Raises:
            ValueError: keypoints without confidence, windows longer than a ``maxlen`` that was given, or sizes
                that don't go together.
        """
        check_confidence(features)
        given = {"num_joints": joints, "dim_in": features, **options}
        longest = given.pop("maxlen", None) or max(frames, LONGEST)
        check_longest(frames, longest, option="maxlen")
        return cls(maxlen=longest, **given)

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        width, dim_in = shapes["joints_embed.weight"]
        return {
            "dim_in": dim_in,
            "dim_out": shapes["head.weight"][0],
            "dim_feat": width,
            "dim_rep": shapes["head.weight"][1],
            "depth": entries(shapes, "blocks_st"),
            "mlp_ratio": shapes["blocks_st.0.mlp_s.fc1.weight"][0] / width,
            "num_joints": shapes["pos_embed"][1],
            "maxlen": shapes["temp_embed"][1],
            "qkv_bias": "blocks_st.0.attn_s.qkv.bias" in shapes,
            "att_fuse": "ts_attn.0.weight" in shapes,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many; 0 when that is more than ``maxlen``."""
        return frames if frames <= self.longest else 0

    def representation(self, x: Tensor) -> Tensor:
        """The motion representation before the head.

        Args:
            x: (B, T, J, 3) normalised screen coordinates and confidence, T at most ``maxlen``.
        Returns:
            (B, T, J, dim_rep).
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features)
        check_longest(x.shape[1], self.longest, option="maxlen")
        h = self.joints_embed(x) + self.pos_embed + self.temp_embed[:, : x.shape[1]]  # (B, T, J, C)
        h = self.pos_drop(h)
        for layer, (st, ts) in enumerate(zip(self.blocks_st, self.blocks_ts, strict=True)):
            h_st, h_ts = st(h), ts(h)
            if self.ts_attn is None:
                h = (h_st + h_ts) / 2
            else:
                weights = self.ts_attn[layer](torch.cat([h_st, h_ts], dim=-1)).softmax(dim=-1)  # (B, T, J, 2)
                h = h_st * weights[..., :1] + h_ts * weights[..., 1:]
        return self.pre_logits(self.norm(h))

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, 3) normalised screen coordinates and confidence, T at most ``maxlen``.
        Returns:
            (B, T, J, 3) metres.
        Raises:
            ValueError: another shape.
        """
        return self.head(self.representation(x))


class _Block(nn.Module):
    """Attention and MLP over joints, and the same over frames, in either order."""

    def __init__(
        self,
        features: int,
        heads: int,
        hidden: int,
        *,
        spatial_first: bool,
        qkv_bias: bool,
        scale: float | None,
        dropout: float,
        attn_drop: float,
        drop_path: float,
        eps: float,
    ) -> None:
        super().__init__()
        self.spatial_first = spatial_first

        def attention() -> Attention:
            made = Attention(features, heads, qkv_bias=qkv_bias, scale=scale, attn_drop=attn_drop, proj_drop=dropout)
            made.qkv = made._modules.pop("qkv")  # type: ignore[assignment]  # published order: after proj
            return made

        self.norm1_s = nn.LayerNorm(features, eps=eps)
        self.norm1_t = nn.LayerNorm(features, eps=eps)
        self.attn_s, self.attn_t = attention(), attention()
        self.norm2_s = nn.LayerNorm(features, eps=eps)
        self.norm2_t = nn.LayerNorm(features, eps=eps)
        self.mlp_s = Mlp(features, hidden, dropout)
        self.mlp_t = Mlp(features, hidden, dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, C) → (B, T, J, C)."""
        for spatial in (self.spatial_first, not self.spatial_first):
            x = self._over_joints(x) if spatial else self._over_frames(x)
        return x

    def _over_joints(self, x: Tensor) -> Tensor:
        x = self._add(x, self.attn_s(self.norm1_s(x)))
        return self._add(x, self.mlp_s(self.norm2_s(x)))

    def _over_frames(self, x: Tensor) -> Tensor:
        x = self._add(x, self.attn_t(self.norm1_t(x).transpose(1, 2)).transpose(1, 2))
        return self._add(x, self.mlp_t(self.norm2_t(x)))

    def _add(self, x: Tensor, branch: Tensor) -> Tensor:
        """``x`` + ``branch``; stochastic depth draws for each frame, as the authors' does."""
        return x + self.drop_path(branch.flatten(0, 1)).unflatten(0, x.shape[:2])
