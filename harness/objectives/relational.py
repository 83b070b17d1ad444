"""Depth-order terms across joints and across frames (RePOSE: Sun et al., ECCV 2024), and their controls.

Definition. Over the *selected ordered pairs* (i, j) whose members are both valid, the term is

    mean of [zgt_i + min_gap < zgt_j] · φ(i, j)

with φ as in `harness.objectives.forms`. Each truly ordered pair therefore counts once above the line and twice
below it, as in the released code, and so do, below it only, ties and pairs no further apart than
``min_gap``: raising ``min_gap`` removes costs and leaves the denominator alone. With the default
options this is the released definition: all pairs, a joint or frame with itself included in the
mean, hinge without margin. With ``coords: xyz`` x, y and z are ordered each by itself and averaged.

Which pairs are selected (and counted below the line):

| option | ordered pairs |
| --- | --- |
| pairs: all | all K² of a frame, the diagonal included |
| pairs: skeleton | each bone in both directions |
| pairs: nearest | each joint and its k nearest along the skeleton, both directions (`joint_pairs`) |
| frames: all | all T² of a joint, the diagonal included |
| frames: adjacent | the two directions of (t, t + 1) |
| frames: radius | abs(t − t′) ≤ radius, the diagonal included; equals ``all`` from radius T − 1 on |
| weight: occluded | of those, the ones with at least one end hidden from the detector (``visible`` False) |
| weight: predicted | the same, hidden by what the head of the term ``visibility`` answers in training |

With ``visible`` unknown every joint counts as visible, so that ``weight: occluded`` selects nothing.
Nothing selected gives 0 with zero gradient. The gradient flows to the prediction only; it is worked
out together with the value, and differentiating it again is an error.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.objectives.forms import form as form_named
from harness.objectives.joint_pairs import joint_pairs
from harness.objectives.pairwise import Edges, Reach, Sums, Task, pair_sums
from harness.objectives.term import Batch, Context, LossTerm, Output
from harness.objectives.visibility import predicted_visible


class _WithGradient(torch.autograd.Function):
    """The mean of a task over ``pairs``; its gradient is known but for the factor."""

    @staticmethod
    def forward(ctx: Any, pose: Tensor, sums: Sums, pairs: float) -> Tensor:
        ctx.save_for_backward(sums.slope)
        ctx.spread, ctx.scale, ctx.dtype = sums.spread, sums.scale / pairs, pose.dtype
        return pose.new_tensor(sums.value / pairs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return ctx.spread(slope, upstream * ctx.scale).to(ctx.dtype), None, None


class _Relational(LossTerm):
    """What the two terms share; they differ in the pair axis and in which pairs they select."""

    applies: ClassVar = {
        "margin": ("form", "margin"),
        "tau": ("form", "logistic", "soft"),
        "radius": ("frames", "radius"),
        "k": ("pairs", "nearest"),
    }
    """Option → the other option and its values beside which it has an effect; read by `harness.registry`."""
    _axis: int  # of (B, T, J, C): the one whose members are paired

    def __init__(self, form: str, coords: str, min_gap: float, weight: str, margin: float, tau: float) -> None:
        self._form = form_named(form, margin, tau)
        self._first = 2 if coords == "z" else 0
        self._min_gap = min_gap
        self._occluded_only, self._predicted = weight != "all", weight == "predicted"
        self._whole: dict[tuple[int, int, Reach | Edges], tuple[float, float]] = {}  # pairs of a sample without masks

    def _select(self, joints: int) -> Reach | Edges:
        raise NotImplementedError

    def _counts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """How many selected ordered pairs have both ends in ``rows``, and how many of those are diagonal.

        Args:
            rows: (B, T, J) float32 of zeros and ones: sums along one axis are exact, those of all need float64.
        """
        raise NotImplementedError

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        """See the module's text; arguments as in `LossTerm.value`.

        With ``weight: predicted`` the caller's ``visible`` is the prediction.

        Raises:
            ValueError: pairs along a skeleton without one of as many joints.
            UserError: pairs along a skeleton that has no bones.
        """
        valid = None if valid is None or bool(valid.all()) else valid
        sums = self._sums(pred, target, visible, valid, keys)
        pairs = max(self._pairs(pred, visible, valid)[0], 1.0)
        if not (pred.requires_grad and torch.is_grad_enabled()):
            return pred.new_tensor(sums.value / pairs)
        return _WithGradient.apply(pred, sums, pairs)

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training. Raises as `value`, and UserError for ``weight: predicted`` without a head."""
        return self.value(output.pose, batch.target, self._visible(output, batch), batch.valid, batch.keys)

    def _visible(self, output: Output, batch: Batch) -> Tensor:
        return predicted_visible(output) if self._predicted else batch.visible

    def active(self, output: Output, batch: Batch, context: Context) -> float | None:
        """Share of the selected unordered pairs of distinct, valid members that have a gradient."""
        visible = self._visible(output, batch)
        sums = self._sums(output.pose, batch.target, visible, batch.valid, batch.keys, count=True)
        ordered, diagonal = self._pairs(output.pose, visible, batch.valid)
        return sums.active / ((ordered - diagonal) / 2) if ordered > diagonal else None

    @torch.no_grad()
    def _sums(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None,
        valid: Tensor | None,
        keys: Tensor | None,
        count: bool = False,
    ) -> Sums:
        dtype = torch.promote_types(torch.promote_types(pred.dtype, target.dtype), torch.float32)
        settled = _seen(pred, visible, valid) if self._occluded_only else None
        if self._form.shuffled:
            keys = torch.zeros(len(pred), dtype=torch.int64, device=pred.device) if keys is None else keys.long()
        poses, select = (pred.to(dtype), target.to(dtype)), self._select(pred.shape[2])
        task = Task(*poses, self._axis, self._first, select, self._form, self._min_gap, valid, settled, keys)
        return pair_sums(task, count)

    def _pairs(self, pred: Tensor, visible: Tensor | None, valid: Tensor | None) -> tuple[float, float]:
        """How many ordered pairs are selected in the batch, over all coordinates, and how many are diagonal."""
        b, t, j, _ = pred.shape
        coords = 3 - self._first
        if valid is None:  # one sample stands for all
            like = (t, j, self._select(j))
            if like not in self._whole:
                self._whole[like] = self._number(pred.new_ones(1, t, j, dtype=torch.float32))
            ordered, diagonal = (b * x for x in self._whole[like])
        else:
            ordered, diagonal = self._number(valid[:, :, None].expand(b, t, j).float())
        if self._occluded_only:
            settled, itself = self._number(_seen(pred, visible, valid).float())
            ordered, diagonal = ordered - settled, diagonal - itself
        return coords * ordered, coords * diagonal

    def _number(self, rows: Tensor) -> tuple[float, float]:
        ordered, diagonal = self._counts(rows)
        return float(ordered), float(diagonal)


class SpatialRdc(_Relational):
    """Depth order across the joints of each frame; definition and sources in the module's text.

    Args:
        form: what a pair costs.
        pairs: all pairs of joints, bones only, or each joint with its nearest along the skeleton.
        k: neighbours of each joint for ``pairs: nearest``, ties included.
        coords: depth only, or x, y and z each by itself.
        min_gap: true gap up to which a pair is not ordered, metres.
        weight: all pairs, or those touching an occluded joint, or one predicted to be.
        margin: m of the form ``margin``, metres.
        tau: temperature τ of the forms ``logistic`` and ``soft``, metres.
    """

    _axis = 2

    def __init__(
        self,
        *,
        form: Literal["hinge", "margin", "logistic", "soft", "difference", "placebo"] = "hinge",
        pairs: Literal["all", "skeleton", "nearest"] = "all",
        k: Annotated[int, Ge(1)] = 3,
        coords: Literal["z", "xyz"] = "z",
        min_gap: Annotated[float, Ge(0)] = 0.0,
        weight: Literal["all", "occluded", "predicted"] = "all",
        margin: Annotated[float, Gt(0)] = 0.05,
        tau: Annotated[float, Gt(0)] = 0.05,
    ) -> None:
        super().__init__(form, coords, min_gap, weight, margin, tau)
        self._pairs_of, self._k = pairs, k

    def _listed(self, joints: int) -> tuple[tuple[int, int], ...]:
        return joint_pairs(self._pairs_of, self._k, self.skeleton, joints)

    def _select(self, joints: int) -> Reach | Edges:
        return Reach() if self._pairs_of == "all" else Edges(self._listed(joints))

    def _counts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        if self._pairs_of == "all":
            return _total(rows.sum(2).square()), _total(rows)
        first, second = torch.tensor(self._listed(rows.shape[2]), device=rows.device).T
        return 2 * _total(rows[:, :, first] * rows[:, :, second]), rows.new_zeros(())


class TemporalRdc(_Relational):
    """Depth order across the frames of each joint; definition and sources in the module's text.

    Args:
        form: what a pair costs.
        frames: all pairs of frames, neighbours (t, t + 1), or pairs within ``radius``.
        radius: the largest distance in frames for ``frames: radius``.
        coords: depth only, or x, y and z each by itself.
        min_gap: true gap up to which a pair is not ordered, metres.
        weight: all pairs, or those touching a frame in which the joint is occluded, or predicted to be.
        margin: m of the form ``margin``, metres.
        tau: temperature τ of the forms ``logistic`` and ``soft``, metres.
    """

    _axis = 1
    min_frames = 2

    def __init__(
        self,
        *,
        form: Literal["hinge", "margin", "logistic", "soft", "difference", "placebo"] = "hinge",
        frames: Literal["all", "adjacent", "radius"] = "all",
        radius: Annotated[int, Ge(1)] = 5,
        coords: Literal["z", "xyz"] = "z",
        min_gap: Annotated[float, Ge(0)] = 0.0,
        weight: Literal["all", "occluded", "predicted"] = "all",
        margin: Annotated[float, Gt(0)] = 0.05,
        tau: Annotated[float, Gt(0)] = 0.05,
    ) -> None:
        super().__init__(form, coords, min_gap, weight, margin, tau)
        self._frames, self._radius = frames, radius

    def _select(self, joints: int) -> Reach | Edges:
        return Reach({"all": None, "adjacent": 1, "radius": self._radius}[self._frames])

    def _counts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        match self._frames:
            case "all":
                return _total(rows.sum(1).square()), _total(rows)
            case "adjacent":
                return 2 * _total(rows[:, 1:] * rows[:, :-1]), rows.new_zeros(())
        total = torch.nn.functional.pad(rows.cumsum(1), (0, 0, 1, 0))
        at = torch.arange(rows.shape[1], device=rows.device)
        upper = (at + self._radius + 1).clamp(max=rows.shape[1])
        lower = (at - self._radius).clamp(min=0)
        return _total(rows * (total[:, upper] - total[:, lower])), _total(rows)


def _total(x: Tensor) -> Tensor:
    return x.sum(dtype=torch.float64)


def _seen(pred: Tensor, visible: Tensor | None, valid: Tensor | None) -> Tensor:
    """(B, T, J) bool: valid and visible."""
    seen = torch.ones(pred.shape[:3], dtype=torch.bool, device=pred.device) if visible is None else visible
    return seen if valid is None else seen & valid[:, :, None]
