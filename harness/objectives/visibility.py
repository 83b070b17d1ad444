"""What a second head makes of the input: which keypoints the detector saw."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge
from torch import Tensor
from torch.nn import functional

from harness.errors import UserError
from harness.objectives.term import Batch, Context, LossTerm, Output

HEAD = "visibility"
"""Where the head's answer stands in `Output.extra`: (B, T, J) logits of being visible."""


class Visibility(LossTerm):
    """Mean over keypoints of valid frames of −log σ(s), s the head's logit, negated where the keypoint is hidden.

    It trains the head alone (`harness.training.visibility`): no gradient goes to the pose. What the head answers can
    gate the relational terms (``weight: predicted``).

    Source: binary cross-entropy; that lifting gains from knowing which keypoints to trust is Cheng et al., ICCV 2019.

    Args:
        channels: width of the head.
    """

    poseless = True
    companion = "harness.training.visibility:VisibilityHead"

    def __init__(self, *, channels: Annotated[int, Ge(1)] = 64) -> None:
        self.channels = channels

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            UserError: there is no head.
        """
        logits, counts = answer(output), batch.valid[..., None].expand_as(batch.visible)
        if not counts.any():
            return logits.new_zeros(())
        return functional.binary_cross_entropy_with_logits(logits[counts], batch.visible[counts].to(logits.dtype))


def answer(output: Output) -> Tensor:
    """The visibility head's logits, (B, T, J).

    Raises:
        UserError: there is no head.
    """
    found = output.extra.get(HEAD)
    if found is None:
        raise UserError(f"what keypoints are predicted visible needs a head: add the term '{HEAD}' to the objective")
    return found


def predicted_visible(output: Output) -> Tensor:
    """(B, T, J) bool: what the head thinks more likely visible than hidden; without gradient. Raises as `answer`."""
    return answer(output).detach() > 0
