"""The Transformer pieces that the attention networks share, under the names their checkpoints use.

Dosovitskiy et al.: An image is worth 16x16 words, ICLR 2021 (pre-norm blocks); Huang et al.: Deep
networks with stochastic depth, ECCV 2016. The attention is torch's fused one.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Sequences one CUDA launch takes: the fused kernels put them on a grid axis of 16 bits.
_SEQUENCES = 65535


class DropPath(nn.Module):
    """Stochastic depth: in training, the branch is left out for a share ``rate`` of the samples (of dimension 0)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        kept = x.new_empty((len(x),) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * (kept / keep)


def drop_path_rates(rate: float, depth: int) -> list[float]:
    """The rate of each of ``depth`` blocks: from 0 in the first, linearly, to ``rate`` in the last."""
    return torch.linspace(0, rate, depth, device="cpu").tolist()


class Mlp(nn.Module):
    """Linear, GELU, linear; dropout after each.

    Args:
        features: numbers a token, in and out.
        hidden: width between.
        dropout: probability.
    """

    def __init__(self, features: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, features)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(…, C) → (…, C)."""
        return self.drop(self.fc2(self.drop(F.gelu(self.fc1(x)))))


class Attention(nn.Module):
    """Multi-head self-attention over dimension -2.

    Args:
        features: numbers a token, in and out; a multiple of ``heads``.
        heads: of features / heads numbers each.
        qkv_bias: a bias on queries, keys and values.
        scale: of the products; None is 1 / √(features / heads).
        attn_drop, proj_drop: dropout of the attention weights and of the output.
    Raises:
        ValueError: features that can't be shared among the heads.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        qkv_bias: bool = True,
        scale: float | None = None,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
    ) -> None:
        super().__init__()
        if features % heads:
            raise ValueError(f"{features} features can't be shared among {heads} attention heads")
        self.heads, self.scale, self.attn_drop = heads, scale, attn_drop
        self.qkv = nn.Linear(features, 3 * features, bias=qkv_bias)
        self.proj = nn.Linear(features, features)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor) -> Tensor:
        """(…, N, C) → (…, N, C): every token of a sequence of N sees the N."""
        qkv = self.qkv(x.flatten(0, -3))  # (S, N, 3C)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)  # (S, H, N, C/H) each
        mixed = attend(q, k, v, dropout=self.attn_drop if self.training else 0.0, scale=self.scale)
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2))).view(x.shape)


def attend(q: Tensor, k: Tensor, v: Tensor, *, dropout: float = 0.0, scale: float | None = None) -> Tensor:
    """Fused attention, (S, H, N, D) each → (S, H, N, D), for any number S of sequences.

    Short sequences of joints come in large numbers: 1,024 windows of 81 frames are 82,944 of them, more than
    one launch takes on a GPU.
    """

    def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scale)

    if q.device.type != "cuda" or len(q) <= _SEQUENCES:
        return fused(q, k, v)
    return torch.cat([fused(*part) for part in zip(*(x.split(_SEQUENCES) for x in (q, k, v)), strict=True)])


class Block(nn.Module):
    """Attention and MLP, each on the normalised tokens and added to them.

    Args:
        features, heads, qkv_bias, scale, attn_drop: see `Attention`.
        mlp_ratio: width of the MLP in features.
        dropout: of the attention's output and within the MLP.
        drop_path: share of the samples that skip each branch in training.
        eps: of the norms.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        mlp_ratio: float = 2.0,
        qkv_bias: bool = True,
        scale: float | None = None,
        dropout: float = 0.0,
        attn_drop: float = 0.0,
        drop_path: float = 0.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features, eps=eps)
        self.attn = Attention(features, heads, qkv_bias=qkv_bias, scale=scale, attn_drop=attn_drop, proj_drop=dropout)
        self.norm2 = nn.LayerNorm(features, eps=eps)
        self.mlp = Mlp(features, int(features * mlp_ratio), dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(S, N, C) → (S, N, C)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def stack(depth: int, features: int, heads: int, *, drop_path: float, **options: Any) -> nn.ModuleList:
    """``depth`` blocks whose stochastic depth rises linearly from 0 in the first to ``drop_path`` in the last.

    Args:
        features, heads, options: of each `Block`.
    """
    rates = drop_path_rates(drop_path, depth)
    return nn.ModuleList(Block(features, heads, drop_path=rate, **options) for rate in rates)
