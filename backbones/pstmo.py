"""P-STMO: an encoder of poses, attention over all frames, and strided attention down to the centre frame.

Shan, Liu, Zhang, Wang, Ma, Gao: P-STMO: pre-trained spatial temporal many-to-one model for 3D human pose
estimation, ECCV 2022 (arXiv 2203.07628), section 3. The strided part is that of Li, Liu, Ding, Liu, Wang, Yang:
Exploiting temporal contexts with strided Transformer, TMM 2022 (arXiv 2103.14304). Its masked pre-training
form is `backbones.pstmo_mae`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from backbones.attention import attend
from backbones.shapes import Shapes, check_input, entries
from backbones.sliding import windows

HEADS = 8  # of all attention, as published


class PSTMO(nn.Module):
    """One token a frame. A Transformer over all frames, then layers that keep every third frame or so, to one.

    The centre form reads ``frames`` frames at a time and gives their centre; of a longer input it reads every
    window of that length. The all-frame form gives what the first Transformer finds for each frame, which the
    authors supervise too. Both have the same parameters under the same names.

    Args:
        layers: of the Transformer over all frames.
        channel: width of the tokens.
        d_hid: width of the feed-forward layers.
        frames: of a window; None is the data's, or 243.
        stride_num: frames each strided layer goes on by; together they must lead to one frame. None is 3,
            as often as it takes.
        n_joints: keypoints a frame.
        out_joints: joints a frame.
        in_features: numbers a keypoint: 2, or 3 with confidence.
        dropout: of the Transformers.
        p_dropout: of the encoder of poses.
        head: centre gives the centre frame; all gives every frame.
    Raises:
        ValueError: a width that can't be shared among 8 heads, or strides that don't lead to one frame.
    """

    frames_out = "one"
    causal = False
    needs_confidence = False
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adam",
            "amsgrad": True,
            "lr": 7e-4,
            "weight_decay": 0.0,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.97,
            "batch": 160,
            "passes": 80,
            "pretrain": {"lr": 1e-4, "frames_hidden": 0.8, "joints_hidden": 2},
        },
        "objective": {"mpjpe": 1.0, "mpjpe_every_frame": 1.0},
    }
    heads = ("every",)  # what `both` gives beside the pose
    masked_form = "backbones.pstmo_mae:MaskedPSTMO"
    slides = True
    fits_window: ClassVar = (">=", "frames")

    Transformer_reduce: Any

    def __init__(
        self,
        *,
        layers: Annotated[int, Ge(1)] = 4,
        channel: Annotated[int, Ge(1)] = 256,
        d_hid: Annotated[int, Ge(1)] = 512,
        frames: Annotated[int, Ge(1)] | None = None,
        stride_num: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] | None = None,
        n_joints: Annotated[int, Ge(1)] = 17,
        out_joints: Annotated[int, Ge(1)] = 17,
        in_features: Annotated[int, Ge(1)] = 2,
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.1,
        p_dropout: Annotated[float, Ge(0), Lt(1)] = 0.25,
        head: Literal["centre", "all"] = "centre",
    ) -> None:
        super().__init__()
        if channel % HEADS:
            raise ValueError(f"channel must be a multiple of the {HEADS} attention heads; found {channel}")
        length = frames or 243
        strides = _strides(length) if stride_num is None else tuple(stride_num)
        _check_strides(length, strides)
        self.joints, self.features, self.out_joints = n_joints, in_features, out_joints
        self.frames, self.head = length, head
        self.receptive_field = length if head == "centre" else 1
        if head == "all":
            self.frames_out, self.slides = "all", False

        # Attributes follow the published checkpoints' names and order.
        self.encoder = PoseEncoder(n_joints * in_features, channel, 2 * channel, p_dropout)
        self.Transformer = FrameTransformer(layers, channel, d_hid, dropout, positions=length)
        self.Transformer_reduce = nn.Module()
        self.Transformer_reduce.model = _StridedTransformer(strides, channel, d_hid, dropout, length)
        self.fcn = nn.Sequential(nn.BatchNorm1d(channel), nn.Conv1d(channel, 3 * out_joints, 1))
        self.fcn_1 = nn.Sequential(nn.BatchNorm1d(channel), nn.Conv1d(channel, 3 * out_joints, 1))

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints of ``features`` numbers.

        Raises:
            ValueError: what `PSTMO` raises.
        """
        return cls(frames=frames, **{"n_joints": joints, "out_joints": joints, "in_features": features, **options})

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell, strides of 3 assumed. KeyError if another network's."""
        inner, keypoints, _ = shapes["encoder.fc_1.weight"]
        joints = shapes["fcn.1.weight"][0] // 3
        frames = shapes["Transformer.pos_embedding"][1]
        strided = entries(shapes, "Transformer_reduce.model.layers")
        usual = _strides(frames)
        return {
            "layers": entries(shapes, "Transformer.model.layers"),
            "channel": inner // 2,
            "d_hid": shapes["Transformer.model.layers.0.feed_forward.w_1.weight"][0],
            "frames": frames,
            "stride_num": None if strided == len(usual) else (*usual[: strided - 1], frames),
            "n_joints": joints,
            "out_joints": joints,
            "in_features": keypoints // joints,
        }

    @property
    def idle(self) -> tuple[str, ...]:
        """What the names of parameters begin with that `forward` doesn't use (published checkpoints hold them)."""
        norms = ("Transformer.model.norm.", "Transformer_reduce.model.norm.")
        if self.head == "all":
            return (*norms, "Transformer_reduce.", "fcn.")
        layers = len(self.Transformer_reduce.model.layers)
        return (*norms, "fcn_1.", *(f"Transformer_reduce.model.pos_embedding_{n}" for n in (1, 2, 3) if n > layers))

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: one a window; all in the all-frame form, or 0."""
        if self.head == "all":
            return frames if frames == self.frames else 0
        return max(frames - self.frames + 1, 0)

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The centre frame, and what the first Transformer finds for every frame.

        Args:
            x: (B, frames, J, C) normalised screen coordinates: one window.
        Returns:
            (B, 1, J_out, 3) and (B, frames, J_out, 3), metres.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=True)
        tokens = self._tokens(x)
        return self._centre(tokens), self._all(tokens)

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates, T at least ``frames`` (equal to it in the all-frame form).
        Returns:
            (B, T - receptive_field + 1, J_out, 3) metres.
        Raises:
            ValueError: another shape.
        """
        every = self.head == "all"
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=every)
        if every:
            return self._all(self._tokens(x))
        # The encoder sees one frame at a time, so it runs once a frame, however many windows share it.
        encoded = windows(self.encoder(x.flatten(2)), self.frames)  # (B·T_out, frames, C)
        return self._centre(self.Transformer(encoded)).view(len(x), -1, self.out_joints, 3)

    def _tokens(self, x: Tensor) -> Tensor:
        return self.Transformer(self.encoder(x.flatten(2)))  # (B, T, C)

    def _centre(self, tokens: Tensor) -> Tensor:
        one = self.Transformer_reduce.model(tokens)  # (B, 1, C)
        return self.fcn(one.transpose(1, 2)).transpose(1, 2).unflatten(2, (self.out_joints, 3))

    def _all(self, tokens: Tensor) -> Tensor:
        return self.fcn_1(tokens.transpose(1, 2)).transpose(1, 2).unflatten(2, (self.out_joints, 3))


class PoseEncoder(nn.Module):
    """One token of the keypoints of a frame: an MLP with one residual block.

    Args:
        numbers: keypoints times numbers a keypoint.
        channel: width of a token.
        hidden: width between.
        dropout: probability.
    """

    def __init__(self, numbers: int, channel: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.fc_1 = nn.Conv1d(numbers, hidden, 1)
        self.bn_1 = nn.BatchNorm1d(hidden)
        self.fc_2 = nn.Conv1d(hidden, channel, 1)
        self.layers = nn.ModuleList([_Residual(hidden, dropout)])
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, N) → (B, T, C)."""
        h = self.drop(_leaky(self.bn_1(self.fc_1(x.transpose(1, 2)))))  # (B, H, T)
        for layer in self.layers:
            h = layer(h)
        return self.fc_2(h).transpose(1, 2)


class _Residual(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.w1 = nn.Conv1d(width, width, 1)
        self.batch_norm1 = nn.BatchNorm1d(width)
        self.w2 = nn.Conv1d(width, width, 1)
        self.batch_norm2 = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, C, T)."""
        h = self.drop(_leaky(self.batch_norm1(self.w1(x))))
        return x + self.drop(_leaky(self.batch_norm2(self.w2(h))))


class FrameTransformer(nn.Module):
    """A Transformer over frames.

    Args:
        layers, width, hidden, dropout: of its layers.
        positions: frames it has learned positions for; None adds none.
    """

    model: Any

    def __init__(self, layers: int, width: int, hidden: int, dropout: float, *, positions: int | None = None) -> None:
        super().__init__()
        self.pos_embedding = None if positions is None else nn.Parameter(torch.randn(1, positions, width))
        self.model = nn.Module()
        self.model.layers = nn.ModuleList(
            _Layer(width, _FeedForward(width, hidden, dropout), dropout) for _ in range(layers)
        )
        self.model.norm = UnbiasedNorm(width)  # in published checkpoints, and never used

    def forward(self, x: Tensor, *, keep: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(B, T, C) → (B, T', C); ``keep`` chooses the frames after their positions are added."""
        h = x if self.pos_embedding is None else x + self.pos_embedding
        if keep is not None:
            h = keep(h)
        for layer in self.model.layers:
            h = layer(h)
        return h


class _StridedTransformer(nn.Module):
    def __init__(self, strides: tuple[int, ...], width: int, hidden: int, dropout: float, frames: int) -> None:
        super().__init__()
        # Three, as published, however many layers there are; each holds positions for the whole window.
        self.pos_embedding_1 = nn.Parameter(torch.randn(1, frames, width))
        self.pos_embedding_2 = nn.Parameter(torch.randn(1, frames, width))
        self.pos_embedding_3 = nn.Parameter(torch.randn(1, frames, width))
        self.layers = nn.ModuleList(
            _Layer(width, _StridedFeedForward(width, hidden, dropout, stride), dropout, stride) for stride in strides
        )
        self.norm = UnbiasedNorm(width)  # in published checkpoints, and never used

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, 1, C)."""
        positions = (self.pos_embedding_1, self.pos_embedding_2, self.pos_embedding_3)
        for number, layer in enumerate(self.layers):
            if number < len(positions):
                x = x + positions[number][:, : x.shape[1]]
            x = layer(x)
        return x


class _Layer(nn.Module):
    """Attention and feed-forward, each on the normalised tokens and added to them."""

    sublayer: Any

    def __init__(self, width: int, feed_forward: nn.Module, dropout: float, stride: int = 1) -> None:
        super().__init__()
        self.self_attn = _Attention(width, dropout)
        self.feed_forward = feed_forward
        self.sublayer = nn.ModuleList(_named("norm", UnbiasedNorm(width)) for _ in range(2))
        self.drop = nn.Dropout(dropout)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, ⌈T / stride⌉, C)."""
        x = x + self.drop(self.self_attn(self.sublayer[0].norm(x)))
        return x[:, :: self.stride] + self.drop(self.feed_forward(self.sublayer[1].norm(x)))


def _named(name: str, module: nn.Module) -> nn.Module:
    parent = nn.Module()
    parent.add_module(name, module)
    return parent


class _Attention(nn.Module):
    """Self-attention with separate maps for queries, keys, values and output, in this order."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        q, k, v = (linear(x).unflatten(2, (HEADS, -1)).transpose(1, 2) for linear in self.linears[:3])  # (B, H, T, D)
        mixed = attend(q, k, v, dropout=self.dropout if self.training else 0.0)
        return self.linears[3](mixed.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, hidden)
        self.w_2 = nn.Linear(hidden, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        return self.w_2(self.drop(self.w_1(x).relu()))


class _StridedFeedForward(nn.Module):
    def __init__(self, width: int, hidden: int, dropout: float, stride: int) -> None:
        super().__init__()
        self.w_1 = nn.Conv1d(width, hidden, 1)
        self.w_2 = nn.Conv1d(hidden, width, 3, stride=stride, padding=1)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, ⌈T / stride⌉, C)."""
        h = self.drop(self.w_1(x.transpose(1, 2)).relu())
        return self.w_2(h).transpose(1, 2)


class UnbiasedNorm(nn.Module):
    """Layer norm with the unbiased standard deviation, and eps added to it rather than to the variance."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a_2 = nn.Parameter(torch.ones(width))
        self.b_2 = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, C) → (…, C)."""
        std, mean = torch.std_mean(x, dim=-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + 1e-6) + self.b_2


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def _strides(frames: int) -> tuple[int, ...]:
    """3, as often as it takes from ``frames`` frames to one."""
    strides: list[int] = []
    while frames > 1 or not strides:
        strides.append(3)
        frames = -(-frames // 3)
    return tuple(strides)


def _check_strides(frames: int, strides: tuple[int, ...]) -> None:
    left = frames
    for stride in strides:
        left = -(-left // stride)
    if left != 1:
        raise ValueError(f"the strides {list(strides)} lead from {frames} frames to {left}; they must lead to one")
