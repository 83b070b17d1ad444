"""λ as a ratio of gradients: what one unit of it is, measured before the term begins.

With ``scale: gradient`` a term's λ says how long its gradient is beside that of the absolute terms, both with respect
to the predicted pose: λ = 0.1 makes it a tenth. The factor that does so is

    Σ ‖∇ Σ λ_a·a‖ / Σ ‖∇ term‖    over steps before the term begins, a the absolute terms

and is fixed from then on, so that the term fades as it is learnt, as one of a constant λ does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.errors import UserError

MEASURED = 32
"""About how many steps of a warm-up are measured; evenly over it."""


class GradientScale(nn.Module):
    """What was measured, as part of a run's state, so that a resumed run has the same factors bit for bit.

    Args:
        names: the terms.
    """

    name = "lambda"
    """Its key among a run's modules."""
    sums: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.register_buffer("sums", torch.zeros(len(names), 2, dtype=torch.float64))

    def add(self, name: str, own: float, absolute: float) -> None:
        """Count one step: the lengths of the term's gradient and of the absolute terms'."""
        self.sums[self.names.index(name)] += torch.tensor([own, absolute], dtype=torch.float64)

    def factor(self, name: str) -> float:
        """What λ is multiplied by.

        Raises:
            UserError: the term never had a gradient, or the absolute terms never did.
        """
        own, absolute = self.sums[self.names.index(name)].tolist()
        if not own * absolute > 0:
            who = name if absolute > 0 else "the absolute terms"
            message = f"scale: gradient can't be measured: {who} had no gradient before {name} began"
            raise UserError(message, key=f"{name}.scale")
        return absolute / own
