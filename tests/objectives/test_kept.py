"""What terms keep for the backward pass grows with frames and with joints, never with the square of either."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness import objectives, registry
from harness.objectives.term import Batch, Context, Output
from harness.skeleton import Skeleton
from harness.training.discriminator import Discriminator

TERMS = [
    *((name, {}) for name in registry.entries("losses")),
    *((f"{axis}_rdc", {"form": form}) for axis in ("spatial", "temporal") for form in ("logistic", "placebo")),
    ("spatial_rdc", {"pairs": "nearest", "weight": "occluded"}),
    ("temporal_rdc", {"frames": "radius", "radius": 40, "coords": "xyz"}),
    ("ordinal_depth", {"over": "occluded"}),
]


def chain(pairs: int) -> Skeleton:
    """A root with two arms of as many joints."""
    one, other = range(1, pairs + 1), range(pairs + 1, 2 * pairs + 1)
    parents = (-1, *(0 if j in (1, pairs + 1) else j - 1 for j in (*one, *other)))
    return Skeleton("chain", tuple(f"j{n}" for n in range(len(parents))), parents, (0, *other, *one), {}, {})


def kept(name: str, options: dict, frames: int, pairs: int) -> int:
    """How many bytes a term keeps, tensors that it was given not counted."""
    skeleton, g = chain(pairs), torch.Generator().manual_seed(0)
    shape = (2, frames, len(skeleton))

    def poses(*, spread: float = 0.3) -> torch.Tensor:
        return torch.randn(*shape, 3, generator=g) * spread

    target = poses()
    batch = Batch(
        inputs=target[..., :2], target=target, visible=target[..., 0] > 0,
        valid=torch.arange(frames).expand(2, frames) > 0, keys=torch.arange(2),
        camera=torch.tensor([2.3, 2.3, 0, 0, 0, 0, 0, 0, 0]).expand(2, 9), whole=target,
        whole_valid=torch.ones(2, frames, dtype=torch.bool),
        trajectory=torch.tensor([0.0, 0.0, 4.0]).expand(2, frames, 1, 3), screen=target[..., :2], clean=target[..., :2],
    )  # fmt: skip
    batch = replace(batch, unlabelled=replace(batch, target=torch.full_like(target, torch.nan)))
    extra = {
        "every": poses().requires_grad_(), "unlabelled": poses().requires_grad_(), "unlabelled_teacher": poses(),
        "trajectory": batch.trajectory + 0.1, "unlabelled_trajectory": batch.trajectory + 0.1,
        "visibility": poses()[..., 0].requires_grad_(),
    }  # fmt: skip
    judge = Discriminator(skeleton.bones, 4).eval().requires_grad_(False)
    judge.gather(target, batch.valid)
    extra["trajectory"] = extra["trajectory"].requires_grad_()
    term, sizes, given = objectives.build_term(name, skeleton=skeleton, **options), {}, {target.data_ptr()}

    def note(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in given:
            sizes[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        value = term(Output(poses().requires_grad_(), extra), batch, Context(modules={"discriminator": judge}))
    assert value.requires_grad
    return sum(sizes.values())


@pytest.mark.parametrize(("name", "options"), TERMS)
def test_twice_the_frames_or_joints_keep_about_twice_as_much(name, options):
    base = kept(name, options, 40, 12)
    if name == "adversarial":  # its features are made again; of its layers it keeps the weights too
        assert kept(name, options, 40, 24) < 2.2 * base
    else:
        assert kept(name, options, 40, 24) <= 2.1 * base + 4096
    assert kept(name, options, 80, 12) <= 2.1 * base + 4096
