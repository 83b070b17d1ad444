"""Measures of saved weights on validation subjects: what a study may tune by, beside the error that chose the epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from harness import occlusion
from harness.metrics import summarise
from harness.spec.run import Run
from harness.training.evaluate import FIXED_LEVEL, condition_rows
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.repeatable import pick_device, repeatable
from harness.training.train import build_lifter
from harness.training.validation import validation_mpjpe


def validation_scores(
    run: Run,
    weights: Mapping[str, Tensor],
    metrics: Collection[str],
    levels: Sequence[str],
    *,
    device: str | torch.device | None = None,
) -> dict[str, float]:
    """Score weights of a run on its validation clips, as training does: no flip-averaging, the same masks and noise.

    It may be called while the run trains: it leaves the random state as it found it.

    Args:
        weights: of the backbone.
        metrics: names of registered metrics.
        levels: occlusion levels of the clips.
    Returns:
        metric → mean over a subject's clips, then over subjects, then over levels; in the metric's unit.
    """
    where = pick_device(device)
    with repeatable(where, run.train.threads):
        return _scores(run, weights, metrics, levels, where)


def _scores(
    run: Run, weights: Mapping[str, Tensor], metrics: Collection[str], levels: Sequence[str], device: torch.device
) -> dict[str, float]:
    material = open_material(run.data)
    observer, views = Observer(run.data.noise, run.data.confidence, material.skeleton), material.validation
    lifter = build_lifter(run, material, observer).to(device)
    lifter.backbone.load_state_dict(dict(weights))
    found: dict[str, float] = {}
    rest = [name for name in metrics if name != "mpjpe"]
    if "mpjpe" in metrics:
        found["mpjpe"] = validation_mpjpe(lifter, views, [occlusion.level(n) for n in levels], observer, device)
    if rest:
        fixed = ~observed(views, occlusion.level(FIXED_LEVEL), observer)[1]
        rows = []
        for name in levels:
            poses, hidden = predict(lifter, views, occlusion.level(name), observer, flip=False, device=device)
            labels = {"test_occlusion": name}
            rows += condition_rows(views, poses, hidden, fixed, labels, material.skeleton, False, rest)
        frame = pd.DataFrame(rows)
        # A level at which a metric is undefined, such as hidden joints where none are, enters no mean.
        found |= {name: float(summarise(frame, name)["value"].mean()) for name in rest}
    return {name: found[name] for name in metrics}
