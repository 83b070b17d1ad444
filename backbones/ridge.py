"""The ridge-regression baseline: the best a linear map of the keypoints can do.

Hoerl, Kennard: Ridge regression: biased estimation for nonorthogonal problems, Technometrics 1970.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from backbones.shapes import check_fit_batch, check_input


class Ridge(nn.Module):
    """Linear regression of each frame's joints on the keypoints of that frame and its neighbours.

    Minimises, over W and b, the mean over valid frames of |x W + b - y|² plus ``penalty`` |W|²; the
    intercept b isn't penalised. A mean, so that a penalty means the same for any amount of data.

    Args:
        num_joints: joints a frame, in and out.
        in_features: numbers a keypoint.
        radius: neighbouring frames used on either side; at the ends the first and last frame are repeated.
        penalty: in squared input units (normalised screen coordinates).
    """

    receptive_field = 1  # frames lost between input and output + 1: neighbours are found inside
    frames_out = "all"
    causal = False
    needs_confidence = False
    fits_window: ClassVar = (">=", "2 * radius + 1")

    weight: Tensor
    bias: Tensor
    frames_seen: Tensor

    def __init__(
        self,
        *,
        num_joints: Annotated[int, Ge(1)] = 17,
        in_features: Annotated[int, Ge(1)] = 2,
        radius: Annotated[int, Ge(0)] = 4,
        penalty: Annotated[float, Gt(0)] = 1e-4,
    ) -> None:
        super().__init__()
        self.joints, self.features, self.radius, self.penalty = num_joints, in_features, radius, penalty
        inputs = (2 * radius + 1) * num_joints * in_features
        self.register_buffer("weight", torch.zeros(inputs, num_joints * 3))
        self.register_buffer("bias", torch.zeros(num_joints * 3))
        self.register_buffer("frames_seen", torch.zeros((), dtype=torch.int64))

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The baseline for ``joints`` keypoints of ``features`` numbers; works for any number of frames."""
        return cls(**{"num_joints": joints, "in_features": features, **options})

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many."""
        return frames

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        """Solve for the weights from one pass over the data; what an earlier fit found is forgotten.

        Args:
            batches: (x (B, T, J, C), y (B, T, J, 3) metres, valid (B, T) bool). Only sums of products are
                kept, in float64: memory doesn't grow with the data.
        Raises:
            ValueError: wrong shapes, no valid frame, or a value that isn't finite.
        """
        size = len(self.weight) + 1  # the last column is 1, for the intercept
        gram = torch.zeros(size, size, dtype=torch.float64, device=self.weight.device)
        moment = torch.zeros(size, self.joints * 3, dtype=torch.float64, device=self.weight.device)
        for x, y, valid in batches:
            check_input(x, joints=self.joints, features=self.features)
            check_fit_batch(x, y, valid, joints=self.joints)
            chosen = valid.bool()
            inputs = nn.functional.pad(_neighbourhoods(x, self.radius)[chosen].to(gram), (0, 1), value=1.0)
            gram += inputs.T @ inputs
            moment += inputs.T @ y.flatten(2)[chosen].to(gram)
        seen = round(gram[-1, -1].item())
        if not seen:
            raise ValueError("ridge regression needs at least one valid frame; found none")
        if not (torch.isfinite(gram).all() and torch.isfinite(moment).all()):
            raise ValueError("the inputs or targets hold a value that isn't finite")
        weight, bias = _solve(gram / seen, moment / seen, self.penalty)
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.frames_seen.fill_(seen)

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates.
        Returns:
            (B, T, J, 3) metres.
        Raises:
            ValueError: another shape.
            RuntimeError: neither fitted nor loaded.
        """
        check_input(x, joints=self.joints, features=self.features)
        if not self.frames_seen:
            raise RuntimeError("Ridge must be fitted, or loaded, before it is used")
        return (_neighbourhoods(x, self.radius) @ self.weight + self.bias).unflatten(2, (self.joints, 3))


def _neighbourhoods(x: Tensor, radius: int) -> Tensor:
    """(B, T, J, C) → (B, T, (2 radius + 1) J C): frames t - radius … t + radius side by side, ends repeated."""
    frames = x.shape[1]
    offsets = torch.arange(-radius, radius + 1, device=x.device)
    index = (torch.arange(frames, device=x.device)[:, None] + offsets).clamp(0, frames - 1)
    return x.flatten(2)[:, index].flatten(2)


def _solve(gram: Tensor, moment: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Weights and intercept from the mean second moments; the last row and column are the intercept's."""
    mean_x, mean_y = gram[-1, :-1], moment[-1]
    # Centring takes the unpenalised intercept out of the system, which is then positive definite.
    covariance = gram[:-1, :-1] - torch.outer(mean_x, mean_x)
    covariance.diagonal().add_(penalty)
    weight = torch.linalg.solve(covariance, moment[:-1] - torch.outer(mean_x, mean_y))
    return weight, mean_y - mean_x @ weight
