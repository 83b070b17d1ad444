"""The opponent of the term ``adversarial``: a discriminator that learns in turn with the lifter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from harness import objectives
from harness.objectives.adversarial import Adversarial, blurred, predicted
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.companion import Terms, reseed
from harness.training.discriminator import Discriminator
from harness.training.errors import Diverged
from harness.training.lifter import Lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.state import TrainState

_GATHERED = 100
"""Batches of true motions by which features are standardised; later ones are like them."""


class Opponent:
    """The discriminator, its optimiser, and its turn: after the lifter's step, on the poses of that step.

    True motions are those of the batch, in its valid frames. While the lifter learns the discriminator stands still,
    its spectral norms too; while it learns the lifter does. In the curves: its ``loss``; ``real`` and ``fake``, the
    chance that it gives true and predicted frames of being true; ``accuracy``, the share of both it is right about. All
    three near 0.5 say that it can't tell them apart.
    """

    name = "discriminator"
    joint = False

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        ((term, (_, options)),) = terms.items()
        built = objectives.build_term(term, skeleton=material.skeleton, **options)
        assert isinstance(built, Adversarial)
        self.run, self.term, self.bones = run, built, material.skeleton.bones

    def enter(self, state: TrainState, device: torch.device) -> None:
        reseed(self.name, self.run.seed, "weights")
        made = Discriminator(self.bones, self.term.channels).to(device).requires_grad_(False)
        state.modules[self.name] = made
        state.optimisers[self.name] = torch.optim.Adam(made.parameters(), lr=self.term.lr, betas=(0.5, 0.9))

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        """Nothing is added; the term itself asks the discriminator, which stands still for it."""
        made = self._discriminator(state).eval()
        if context.step < _GATHERED:
            made.gather(batch.target, batch.valid)
        return output

    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        if context.step % self.term.every:
            return {}
        made, optimiser = self._discriminator(state), state.optimisers[self.name]
        done = state.optimisers["lifter"].param_groups[0]["lr"] / self.run.train.lr  # of the schedule
        for group in optimiser.param_groups:
            group["lr"] = self.term.lr * done
        made.train().requires_grad_(True)
        noise, step, (poses, valid, keys) = self.term.noise, context.step, predicted(output, batch)
        shown = [blurred(batch.target, batch.keys, step, "true", noise)]
        shown += [blurred(poses.detach(), keys, step, "predicted", noise)]
        # In one pass, so that both are judged under the same spectral norms.
        scores = made(torch.cat(shown), torch.cat([batch.valid, valid]))  # (B + B', T)
        real, fake = scores[: len(batch.valid)][batch.valid], scores[len(batch.valid) :][valid]  # frames that count
        loss = _mean(functional.softplus(-real)) + _mean(functional.softplus(fake))
        if not torch.isfinite(loss):
            raise Diverged(f"{self.name}.loss", context.step, float(loss.detach()))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        made.eval().requires_grad_(False)
        real, fake = real.detach(), fake.detach()
        return {
            f"{self.name}.loss": loss.detach(),
            f"{self.name}.real": _mean(real.sigmoid()),
            f"{self.name}.fake": _mean(fake.sigmoid()),
            f"{self.name}.accuracy": (_mean((real > 0).float()) + _mean((fake < 0).float())) / 2,
        }

    def _discriminator(self, state: TrainState) -> Discriminator:
        made = state.modules[self.name]
        assert isinstance(made, Discriminator)
        return made


def _mean(values: Tensor) -> Tensor:
    """The mean, 0 of nothing."""
    return values.sum() / max(1, len(values))
