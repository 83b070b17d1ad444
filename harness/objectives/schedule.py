"""When a loss term has its λ, and what λ is measured in. Plain numbers: specs read this without torch."""

from __future__ import annotations

from dataclasses import dataclass

KEYS = ("scale", "warmup", "ramp")
"""What may stand beside a term's λ in a spec; no term has an option of one of these names."""


@dataclass(frozen=True)
class Schedule:
    """λ over the epochs of a run: 0 up to ``begin``, then in a straight line to its full size at ``full``.

    Attributes:
        begin, full: in epochs from the start of the training, parts of epochs included.
        by_gradient: λ isn't a factor of the term but what its gradient weighs beside that of the absolute terms; see
            `harness.objectives.scale`.
    """

    begin: float = 0.0
    full: float = 0.0
    by_gradient: bool = False

    def share(self, epochs: float) -> float:
        """The share of λ that is in force after so many epochs, from 0 to 1."""
        if epochs < self.begin:
            return 0.0
        return 1.0 if epochs >= self.full else (epochs - self.begin) / (self.full - self.begin)

    @property
    def constant(self) -> bool:
        """Whether λ is as given from the first step to the last."""
        return self == Schedule()
