"""The head beside the lifter that says which keypoints the detector saw."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from harness import objectives
from harness.objectives.term import Batch, Context, Output
from harness.objectives.visibility import HEAD, Visibility
from harness.spec.run import Run
from harness.training.companion import Terms, reseed
from harness.training.lifter import Lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.optimisation import make_optimiser
from harness.training.speed import Forward
from harness.training.state import TrainState

_MEASURED = 400
"""How often in a run the head is scored."""
_SMALLEST = 1e-3
"""What is added to a length before its logarithm is taken, normalised screen coordinates."""


class Head(nn.Module):
    """What each keypoint's own course tells, by layers that all joints share, and what whole frame and pose add.

    Beside the keypoints it reads the logarithms of how far each lies from the frame before, from the one after, and
    from the centre of the screen: what is held is still and what is lost is at the centre, to less than the noise.

    Args:
        joints, features: of the input.
        channels: width of the layer over whole frames; a quarter of it of those over one joint.
        first, frames: the output frames of the window.
    """

    def __init__(self, joints: int, features: int, channels: int, first: int, frames: int) -> None:
        super().__init__()
        self.asked, own = slice(first, first + frames), max(1, channels // 4)
        self.near = nn.Conv1d(features + 3, own, 3, padding=1, padding_mode="replicate")
        self.wide = nn.Conv1d(own, own, 3, padding=3, dilation=3, padding_mode="replicate")
        self.alone = nn.Linear(own, 1)
        self.together = nn.Sequential(nn.Linear(joints * (own + 3), channels), nn.ReLU(), nn.Linear(channels, joints))

    def forward(self, inputs: Tensor, pose: Tensor) -> Tensor:
        """(B, T_in, J, C) and (B, T, J, 3) → logits (B, T, J)."""
        place = inputs[..., :2]
        steps = _size(place[:, 1:] - place[:, :-1])  # (B, T_in - 1, J, 1)
        edge = place.new_zeros(len(place), 1, place.shape[2], 1)
        before, after = torch.cat([edge, steps], dim=1), torch.cat([steps, edge], dim=1)
        known = torch.cat([inputs, before, after, _size(place)], dim=-1)  # (B, T_in, J, C + 3)
        course = self.near(known.permute(0, 2, 3, 1).flatten(0, 1)).relu()  # (B·J, own, T_in)
        course = self.wide(course).relu()[..., self.asked].unflatten(0, (len(inputs), -1))  # (B, J, own, T)
        course = course.permute(0, 3, 1, 2)  # (B, T, J, own)
        return self.alone(course)[..., 0] + self.together(torch.cat([course, pose], dim=-1).flatten(2))


class VisibilityHead:
    """``visibility`` (B, T, J): logits of each keypoint being seen by the detector.

    The head reads the input and the lifter's pose, to which it gives no gradient, so an arm with it trains the lifter
    as one without, but for what is gated by it. It is trained as the lifter is, by an optimiser of its own. In the
    curves, of windows it hasn't learned from yet: ``visibility.accuracy``, the mean of the shares of visible and of
    hidden keypoints that it is right about, and ``visibility.auc``, the chance that it gives a visible keypoint the
    higher score of the two. Both are 0.5 for a head that knows nothing, and missing where nothing is hidden.
    """

    name = HEAD
    joint = True

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        ((term, (_, options)),) = terms.items()
        built = objectives.build_term(term, skeleton=material.skeleton, **options)
        assert isinstance(built, Visibility)
        self.run, self.forward = run, Forward(run.train)
        self.shape = len(material.skeleton), observer.features, built.channels, lifter.left, lifter.frames_out
        self.every = max(1, run.train.steps // _MEASURED)

    def enter(self, state: TrainState, device: torch.device) -> None:
        reseed(self.name, self.run.seed, "weights")
        head = Head(*self.shape).to(device)
        state.modules[self.name] = head
        state.optimisers[self.name] = make_optimiser(self.run.train, head.parameters())

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        logits = self.forward(state.modules[self.name], batch.inputs, output.pose.detach())
        return replace(output, extra={**output.extra, HEAD: logits})

    @torch.no_grad()
    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        if context.step % self.every:
            return {}
        logits, seen = output.extra[HEAD][batch.valid], batch.visible[batch.valid]
        visible, hidden = logits[seen], logits[~seen]
        if not len(visible) or not len(hidden):
            return {}
        accuracy = ((visible > 0).float().mean() + (hidden <= 0).float().mean()) / 2
        return {f"{self.name}.accuracy": accuracy, f"{self.name}.auc": area(visible, hidden)}


def area(positive: Tensor, negative: Tensor) -> Tensor:
    """The area under the ROC curve: P(positive > negative) + P(equal)/2 over all pairs of scores; (N,) and (M,)."""
    ordered = negative.sort().values
    below = torch.searchsorted(ordered, positive) + torch.searchsorted(ordered, positive, right=True)
    return below.double().mean().float() / (2 * len(negative))


def _size(x: Tensor) -> Tensor:
    """(…, 2) → (…, 1): logarithms of lengths, of about unit spread."""
    return (x.square().sum(dim=-1, keepdim=True) + _SMALLEST**2).log() / 4 + 2
