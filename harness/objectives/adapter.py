"""A loss term as a plain function of poses and masks."""

from __future__ import annotations

from torch import Tensor

from harness.objectives.term import LossTerm, check_shapes
from harness.skeleton import H36M17


class Adapter:
    """``loss(pred, target, visible=None, valid=None)`` around a term; made by `objectives.build`.

    Poses of 17 joints count as the Human3.6M skeleton unless the term was bound to another.
    """

    def __init__(self, term: LossTerm) -> None:
        self.term = term

    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        visible: Tensor | None = None,
        valid: Tensor | None = None,
        keys: Tensor | None = None,
    ) -> Tensor:
        """The term's value.

        Args:
            pred: (B, T, J, 3) metres.
            target: (B, T, J, 3) metres.
            visible: (B, T, J) bool, True = visible; None: all.
            valid: (B, T) bool, True = a real frame; None: all.
            keys: (B,) int64 sample keys, for terms that draw numbers; None: all zero.
        Raises:
            ValueError: shapes that don't fit, or a term that needs a skeleton it wasn't given.
        """
        check_shapes(pred, target, visible, valid)
        if self.term.skeleton is None and pred.shape[2] == len(H36M17):
            self.term.bind(H36M17)
        return self.term.value(
            pred,
            target,
            None if visible is None else visible.bool(),
            None if valid is None else valid.bool(),
            keys,
        )
