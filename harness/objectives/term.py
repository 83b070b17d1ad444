"""What a loss term is given and what it must answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

from torch import Tensor

from harness.skeleton import Skeleton


@dataclass(frozen=True)
class Output:
    """What the backbone gave.

    Attributes:
        pose: (B, T, J, 3) predicted positions, metres, camera axes.
        extra: further heads' outputs by name (e.g. visibility logits).
    """

    pose: Tensor
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """What the data loader gave.

    Attributes:
        inputs: (B, T_in, J, C) normalised screen coordinates, perhaps with confidence.
        target: (B, T, J, 3) true positions, metres, camera axes.
        visible: (B, T, J) bool, False where the keypoint was occluded.
        valid: (B, T) bool, False where the frame is padding.
        keys: (B,) int64, the samples' keys for keyed draws.
        camera: (B, 9) intrinsics as `harness.data.camera` has them, of the camera that sees the sample as it is given
            (mirrored with it).
        trajectory: (B, T, 1, 3) true place of what the target is relative to, metres, camera axes: ``target +
            trajectory`` are places seen by the camera. Of each frame its root, or the first frame's root in all.
        screen: (B, T, J, 2) what the detector reports of the output frames, the inputs' first two channels.
        clean: (B, T_in, J, C) the same inputs before occlusion: same noise, nothing hidden.
        unlabelled: as many windows of which nothing but the inputs is known. Its target is NaN; ``visible`` is what
            training itself hid.
        whole, whole_valid, whole_visible: (B, T_read, J, 3), (B, T_read) and (B, T_read, J), target and masks of every
            frame that the network reads; only for terms of a second head.
    """

    inputs: Tensor
    target: Tensor
    visible: Tensor
    valid: Tensor
    keys: Tensor
    camera: Tensor | None = None
    whole: Tensor | None = None
    whole_valid: Tensor | None = None
    whole_visible: Tensor | None = None
    trajectory: Tensor | None = None
    screen: Tensor | None = None
    clean: Tensor | None = None
    unlabelled: Batch | None = None


@dataclass(frozen=True)
class Context:
    """Where training stands.

    Attributes:
        epoch: counted from 0.
        step: counted from 0 over the stage.
        steps_an_epoch: not a whole number, where the epochs don't divide the steps.
        modules: other modules a term may need (discriminator, teacher), by name.
        skeleton: the skeleton of the poses.
    """

    epoch: int = 0
    step: int = 0
    steps_an_epoch: float = math.inf
    modules: dict[str, Any] = field(default_factory=dict)
    skeleton: Skeleton | None = None

    @property
    def epochs(self) -> float:
        """Epochs passed, parts of epochs included."""
        return self.step / self.steps_an_epoch


class LossTerm:
    """One named differentiable scalar. A new one overrides `value`, or `__call__` if it needs more.

    The keyword-only arguments of a subclass's ``__init__`` are its option schema.

    Attributes:
        absolute: True when the term measures positions or motion against the truth directly; the
            other terms' gradients are compared with the sum of the absolute ones.
        poseless: True when no gradient of it reaches the lifter's poses: it trains its companion alone.
        min_frames: the fewest output frames for which the term means anything.
        needs_bones: what it can't do without in any skeleton: ``some`` bones, ``mirrored`` or ``joined`` ones.
        needs: fields of `Batch` that it reads beside poses, masks and inputs; training fills in no others.
        companion: ``"module:Class"`` of what it needs beside the lifter (`harness.training.companion`), or several.
        skeleton: set by `bind`; None until then.
    """

    absolute: bool = False
    poseless: bool = False
    min_frames: int = 1
    needs_bones: str | None = None
    needs: tuple[str, ...] = ()
    companion: str | tuple[str, ...] | None = None
    skeleton: Skeleton | None = None

    def bind(self, skeleton: Skeleton) -> Self:
        """Tell the term which skeleton the poses have. Returns the term itself."""
        self.skeleton = skeleton
        return self

    def value(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        """The scalar from poses and masks alone.

        Args:
            pred: (B, T, J, 3) metres; the gradient flows here and nowhere else.
            target: (B, T, J, 3) metres, a constant.
            visible: (B, T, J) bool; None: everything is visible.
            valid: (B, T) bool; None: every frame is valid.
            keys: (B,) int64 sample keys; None: zeros.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be computed from poses and masks alone")

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training."""
        return self.value(output.pose, batch.target, batch.visible, batch.valid, batch.keys)

    def active(self, output: Output, batch: Batch, context: Context) -> float | None:
        """Share of the pairs the term averages over that have a non-zero gradient; None: no pairs."""
        return None


def check_shapes(pred: Tensor, target: Tensor, visible: Tensor | None, valid: Tensor | None) -> None:
    """Refuse shapes that would broadcast into a wrong number.

    Raises:
        ValueError: naming what was expected and what was found.
    """
    if pred.ndim != 4 or pred.shape[-1] != 3:
        raise ValueError(f"pred: expected (B, T, J, 3), found {tuple(pred.shape)}")
    for name, mask, expected in (
        ("target", target, pred.shape),
        ("visible", visible, pred.shape[:3]),
        ("valid", valid, pred.shape[:2]),
    ):
        if mask is not None and mask.shape != expected:
            raise ValueError(f"{name}: expected {tuple(expected)} beside the prediction, found {tuple(mask.shape)}")
