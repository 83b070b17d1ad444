"""Score a run's saved weights: tidy rows, from which all statistics are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import torch
from torch import Tensor

from harness import occlusion, protocols
from harness.data.views import Views
from harness.errors import UserError
from harness.metrics.records import clip_rows, scored
from harness.protocols import PLAIN, Scoring
from harness.skeleton import Skeleton
from harness.spec.run import Run, Test
from harness.training.material import Material, open_material
from harness.training.observation import Observer
from harness.training.prediction import observed, predict
from harness.training.repeatable import pick_device, repeatable
from harness.training.result import Result
from harness.training.train import build_lifter

COLUMNS = [
    "weights",
    "test_occlusion",
    "cameras",
    "subject",
    "action",
    "clip",
    "camera",
    "joint",
    "group",
    "metric",
    "value",
    "n",
]
FIXED_LEVEL = "severe"
"""The level whose hidden joints are scored at every level: the same joints, seen or not."""


def evaluate(
    run: Run,
    test: Test,
    result: Result,
    *,
    metrics: Collection[str] | None = None,
    device: str | torch.device | None = None,
    material: Material | None = None,
) -> pd.DataFrame:
    """Score the chosen and the last weights of a run on its test clips, as the test's protocol has it.

    The chosen weights (``best``) get every metric, or those in ``metrics``; the last ones only the cheap ones of them
    (position errors).

    Args:
        material: in place of the run's own; a part of it, say.
    Returns:
        one row per weights × test level × cameras × clip × camera × joint group × metric; errors in
        mm; an undefined value is missing.
    Raises:
        UserError: data that the protocol can't score; see `check_protocol`.
    """
    where = pick_device(device)
    with repeatable(where, run.train.threads):
        weights = {"best": result.best_weights, "last": result.last_weights}
        return _evaluate(run, test, weights, metrics, where, material or open_material(run.data))


def check_protocol(run: Run, test: Test) -> None:
    """Refuse a protocol that can't score a run's data, before anything is trained for it.

    Raises:
        UserError: see `harness.protocols.Scoring.fits`.
    """
    _fitting(run, test, open_material(run.data))


def _fitting(run: Run, test: Test, material: Material) -> Scoring:
    scoring = protocols.of(test.protocol).scoring
    clips = [(clip.subject, clip.name) for clip in material.tests["seen"].clips]
    try:
        scoring.fits(material.skeleton, clips, run.data.root)
    except UserError as error:
        raise UserError(
            f"the protocol '{test.protocol}' can't score these data: {error.message}", key=error.key
        ) from None
    return scoring


def _evaluate(
    run: Run,
    test: Test,
    weights: Mapping[str, Mapping[str, Tensor]],
    metrics: Collection[str] | None,
    device: torch.device,
    material: Material,
) -> pd.DataFrame:
    scoring = _fitting(run, test, material)
    flip = run.train.flip_test if scoring.flip is None else scoring.flip
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer).to(device)
    rows: list[dict] = []
    for cameras in test.cameras:
        views = material.tests[cameras]
        fixed = ~observed(views, occlusion.level(FIXED_LEVEL), observer)[1]
        for kind, state in weights.items():
            cheap = kind == "last"
            if cheap and (_same(state, weights["best"]) or not scored(cheap=True, metrics=metrics)):
                continue
            lifter.backbone.load_state_dict(state)
            for name in test.occlusion:
                level = occlusion.level(name)
                poses, hidden = predict(
                    lifter, views, level, observer, flip=flip, device=device, overlap=scoring.overlap
                )
                labels = {"weights": kind, "test_occlusion": name, "cameras": cameras}
                rows += condition_rows(views, poses, hidden, fixed, labels, material.skeleton, cheap, metrics, scoring)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return _with_last(frame)


def condition_rows(
    views: Views,
    poses: Tensor,
    hidden: Tensor,
    fixed: Tensor,
    labels: dict,
    skeleton: Skeleton,
    cheap: bool,
    metrics: Collection[str] | None,
    scoring: Scoring = PLAIN,
) -> list[dict]:
    """Rows of all views under one condition, but for those of clips that the scoring leaves out."""
    found = []
    dropped = scoring.dropped((clip.subject, clip.name) for clip in views.clips)
    for number in range(len(views)):
        clip = views.clips[int(views.clip[number])]
        if clip.name in dropped:
            continue
        place = slice(int(views.offset[number]), int(views.offset[number] + views.length[number]))
        about = {"subject": clip.subject, "action": clip.action, "clip": clip.name, "camera": int(views.camera[number])}
        rows = clip_rows(
            poses[place],
            views.poses[place],
            hidden=hidden[place],
            fixed=fixed[place],
            valid=clip.scored,
            skeleton=skeleton,
            root=skeleton.root,
            cheap=cheap,
            metrics=metrics,
            scoring=scoring,
        )
        found += [{**labels, **about, **row} for row in rows]
    return found


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in b)


def _with_last(frame: pd.DataFrame) -> pd.DataFrame:
    """Where the last epoch was the chosen one, its rows are the chosen one's."""
    if (frame["weights"] == "last").any():
        return frame
    copied = frame[(frame["metric"] == "mpjpe") & (frame["joint"] == "all") & (frame["group"] == "all")]
    return pd.concat([frame, copied.assign(weights="last")], ignore_index=True)
