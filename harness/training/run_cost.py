"""What a run's network costs where it was trained: peak memory and throughput, measured by the run's own process.

Measured after the training on a fresh copy of the network, as `harness.training.cost` does for
`repose ls backbones --cost`: the network and the optimiser alone, without data, loss terms and validation.
"""

from __future__ import annotations

import torch

from harness.spec.identity import backbone_fragment
from harness.spec.run import Run, Train
from harness.training import cost
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.repeatable import pick_device, repeatable
from harness.training.train import build_lifter

_SHARE, _MOST = 0.01, 0.5
"""A pass is repeated for this share of the training's time, and no longer than this many seconds."""
_known: dict[tuple[object, ...], dict[str, float]] = {}


def measured(run: Run, seconds: float, device: str | torch.device | None = None) -> dict[str, float]:
    """The final figures that say what a run's network costs; runs of one network in one process share them.

    Args:
        run: its network, window, batch, optimiser, threads, precision and compile count.
        seconds: how long it trained; decides how long is measured.
        device: default is the GPU this process was given, else the CPU.
    Returns:
        ``cost.batch`` windows of a pass; ``cost.predict_per_second`` and ``cost.step_per_second``, windows a second of
        a prediction and of a training step; ``cost.predict_bytes`` and ``cost.step_bytes``, the most memory each held
        beyond weights, optimiser state and batch. No step of a network that this run didn't train step by step.
    """
    where, train = pick_device(device), run.train
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    shape = (run.data.window, run.data.frames_predicted, observer.features, material.skeleton)
    passes = (train.batch, train.optimiser, train.amsgrad, train.threads, train.precision, train.compile)
    key = (backbone_fragment(run.backbone), *shape, *passes, run.checkpoint is None, str(where))
    if key not in _known:
        _known[key] = _measure(run, min(_MOST, _SHARE * seconds), where)
    return dict(_known[key])


def _measure(run: Run, budget: float, where: torch.device) -> dict[str, float]:
    material, train = open_material(run.data), run.train
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    with repeatable(where, train.threads):
        lifter = cost.solved(build_lifter(run, material, observer)).to(where)
        inputs = torch.rand(train.batch, run.data.window, len(material.skeleton), observer.features).to(where)
        # As runs are scored: neither compiled nor in bfloat16.
        forward = cost.timed(cost.forward_pass(lifter, inputs, Train()), train.batch, where, budget=budget)
        found = {
            "cost.batch": float(train.batch),
            "cost.predict_per_second": forward.windows,
            "cost.predict_bytes": float(forward.memory),
        }
        if run.checkpoint is None and any(True for _ in lifter.parameters()):
            step = cost.timed(cost.training_step(lifter, inputs, train), train.batch, where, budget=budget)
            found |= {"cost.step_per_second": step.windows, "cost.step_bytes": float(step.memory)}
    return found
