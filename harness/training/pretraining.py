"""The stage in front of a training that needs no poses: hidden keypoints are guessed from those shown.

Shan et al., P-STMO, ECCV 2022, section 3.2. A network's masked form is its own (P-STMO's) or the one for all networks
that answer for all their frames (`backbones.masked`). Either holds modules of the network itself, so that the stage
that follows starts from what this one learned.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import torch
from torch import Tensor

from harness import keyed, registry
from harness.errors import UserError
from harness.objectives.term import Batch, Context
from harness.spec.masked_form import GENERIC
from harness.spec.masked_form import masked_form as masked_form_of
from harness.spec.run import Run
from harness.training.batches import TrainingBatches
from harness.training.curriculum import Curriculum
from harness.training.errors import Diverged
from harness.training.lifter import Lifter
from harness.training.material import Material, training_windows
from harness.training.observation import Observer
from harness.training.optimisation import learning_rate, make_optimiser, set_learning_rate
from harness.training.speed import Forward
from harness.training.state import TrainState

NAME = "masked"
"""What the masked form and its optimiser are called in a run's state."""
_POSITIVE = (1 << 63) - 1


def masked_form(run: Run, lifter: Lifter, observer: Observer) -> Any:
    """The masked form of a run's network; what it has of its own starts from weights keyed by the run's seed.

    Raises:
        UserError: the network has none, or its options don't fit it.
    """
    target = masked_form_of(registry.get("backbones", run.backbone.name))
    if target is None or run.train.pretrain is None:
        raise UserError(f"{run.backbone.name} has no masked form to pre-train", key="train.pretrain")
    module, cls = target.split(":")
    options: dict[str, Any] = {
        "spatial_mask_num": run.train.pretrain.joints_hidden,
        "temporal_mask_rate": run.train.pretrain.frames_hidden,
    }
    if target == GENERIC:
        options |= {"joints": len(observer.skeleton), "features": observer.features, "frames": lifter.window}
    torch.manual_seed(keyed.key("masked weights", run.seed) & _POSITIVE)
    try:
        return getattr(importlib.import_module(module), cls).sharing(lifter.backbone, **options)
    except ValueError as error:
        raise UserError(str(error), key="train.pretrain") from None


class Pretraining:
    """Gradient steps on the 2D error of all keypoints of a window, hidden ones included.

    Keypoints that the occlusion level hides have no true place in the input: they aren't counted. What is hidden
    here is keyed by the sample, as noise and occlusion are.

    Args:
        run: lengths in steps.
        observer: of what the network sees.
        a_pass: steps of one pass over the training frames.
    """

    name = "pretrain"
    validates = False

    def __init__(self, run: Run, observer: Observer, a_pass: float = math.inf) -> None:
        assert run.train.pretrain is not None and run.train.pretrain.steps is not None
        own = run.train.pretrain
        self.run, self.observer, self.steps, self.a_pass = run, observer, run.train.pretrain.steps, a_pass
        self.train = run.train.model_copy(update={"steps": self.steps, "lr": own.lr or run.train.lr, "warmup": 0})

        self.forward = Forward(run.train)

    def enter(self, state: TrainState, device: torch.device) -> None:
        """Add the masked form of the state's network, which shares its encoder."""
        lifter: Any = state.lifter
        masked = masked_form(self.run, lifter, self.observer).to(device)
        state.modules[NAME] = masked
        state.optimisers[NAME] = make_optimiser(self.run.train, masked.parameters())

    def leave(self, state: TrainState) -> None:
        """Take the masked form out; what was learned stays in the network."""
        del state.modules[NAME], state.optimisers[NAME]

    def batches(self, material: Material, device: torch.device) -> TrainingBatches:
        """Whole windows of all clips, labelled or not, drawn by keys of their own."""
        window = self.run.data.window
        windows = training_windows(material.unlabelled, window, window, 0)
        return TrainingBatches(
            self.run,
            material.unlabelled,
            windows,
            Curriculum(self.run.train, self.steps),
            self.observer,
            device,
            purpose="pretrain",
        )

    def step(self, state: TrainState, batch: Batch, context: Context) -> dict[str, Tensor]:
        """One batch of whole windows; of longer ones than the network reads, the middle."""
        masked: Any = state.modules[NAME]
        optimiser = state.optimisers[NAME]
        torch.manual_seed(keyed.key("pretrain step", self.run.seed, context.step) & _POSITIVE)
        set_learning_rate(optimiser, learning_rate(self.train, context.step, self.a_pass))
        first = (batch.inputs.shape[1] - masked.frames) // 2
        part = slice(first, first + masked.frames)
        inputs, valid = batch.inputs[:, part], batch.valid[:, part]
        counts = batch.visible[:, part] & valid[..., None]  # (B, T, J)
        guess = self.forward(masked, inputs, *masked.seen(*_numbers(batch.keys, *counts.shape[1:]), valid=valid))
        error = torch.linalg.vector_norm((guess - inputs)[..., :2], dim=-1)
        loss = (error * counts).sum() / counts.sum().clamp(min=1)
        if not torch.isfinite(loss):
            raise Diverged("pretrain_loss", context.step, float(loss))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.train.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(masked.parameters(), self.train.clip_norm)
        optimiser.step()
        return {"pretrain_loss": loss.detach()}


def _numbers(keys: Tensor, frames: int, joints: int) -> tuple[Tensor, Tensor]:
    """A number in [0, 1) for each frame (B, T), and for each joint of each frame (B, T, J)."""
    time, place = (torch.arange(count, device=keys.device) for count in (frames, joints))
    by_frame = keyed.combine(keys, keyed.key("hidden frames"))[:, None]  # (B, 1)
    by_joint = keyed.combine(keys, keyed.key("hidden joints"))[:, None, None]  # (B, 1, 1)
    return keyed.uniform(keyed.combine(by_frame, time)), keyed.uniform(keyed.combine(by_joint, time[:, None], place))
