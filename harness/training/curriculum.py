"""How much of each training window is hidden: alike in all, mixed, or more and more over the epochs."""

from __future__ import annotations

import torch
from torch import Tensor

from harness import keyed, occlusion
from harness.errors import UserError
from harness.occlusion import ladder
from harness.spec.run import Train

_DRAW = keyed.key("occlusion level")


class Curriculum:
    """The schedule of a stage's training occlusion.

    Levels of one ladder nest: a window drawn at a lower severity hides part of what it would hide at the level itself,
    by the same events. So arms that differ in the schedule alone differ in nothing else.

    ``mixed`` gives each window one of the ladder's levels up to the named one, ``none`` included, all equally likely,
    by the window's key. ``rising`` begins at the lowest severity of the ladder that hides anything and grows in
    equal steps, epoch by epoch, to the named level's in the last epoch (minor to severe, as Cheng et al., AAAI 2020,
    order their occlusions).

    Args:
        train: ``occlusion``, ``occlusion_schedule`` and ``epochs`` count.
        steps: of the stage.
    Raises:
        UserError: a schedule on a level that no ladder holds.
    """

    def __init__(self, train: Train, steps: int) -> None:
        self.level, self.kind = occlusion.level(train.occlusion), train.occlusion_schedule
        rungs = sorted(set(ladder.rungs(train.occlusion).values())) if self.kind != "fixed" else []
        if self.kind != "fixed" and not any(rungs):
            raise UserError(
                f"occlusion_schedule: {self.kind} has no effect on '{train.occlusion}'", key="train.occlusion_schedule"
            )
        epochs = min(train.epochs, steps)
        if self.kind == "rising":
            first = min(severity for severity in rungs if severity > 0)
            rungs = [first + (self.level.severity - first) * done / max(1, epochs - 1) for done in range(epochs)]
            rungs[-1] = self.level.severity
        self._rungs = torch.tensor(rungs, dtype=torch.float64)
        self._ends = torch.tensor([round(steps * (n + 1) / epochs) for n in range(epochs)])

    def severity(self, keys: Tensor, step: Tensor) -> Tensor | None:
        """Each window's severity, (B,) float64; None: the level's own.

        Args:
            keys: (B,) int64, the windows' keys.
            step: (B,) the steps at which they are shown, from 0.
        """
        if self.kind == "fixed":
            return None
        if self.kind == "mixed":
            place = keyed.uniform(keyed.combine(keys, _DRAW)) * len(self._rungs)
        else:
            place = torch.searchsorted(self._ends, step, right=True)
        return self._rungs[place.long().clamp(max=len(self._rungs) - 1)]
