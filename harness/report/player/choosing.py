"""Which clips are shown, of which two arms: from the recorded errors, before anything is predicted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import UserError
from harness.report import scores
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms

_VIEW = ["cameras", "clip", "camera"]
_ABOUT = ["subject", "action"]
_READ = [*_VIEW, *_ABOUT, "weights", "test_occlusion", "joint", "group", "metric", "value"]


class Unplayable(Exception):
    """Why no clip can be shown; the message says it."""


@dataclass(frozen=True)
class Pick:
    """One test clip seen by one camera.

    Attributes:
        clip, subject, action: the clip.
        cameras, camera: the set of test cameras, and the camera's number.
        errors: recorded MPJPE of the baseline and of the other arm, mm.
    """

    clip: str
    subject: str
    action: str
    cameras: str
    camera: int
    errors: tuple[float, float]


@dataclass(frozen=True)
class Choice:
    """What is shown.

    Attributes:
        level: the test occlusion.
        seed: the one whose runs are shown.
        names, colours, runs: of the baseline and of the other arm: what tells the two apart, and a run_id.
        shared: what both are; empty where nothing else tells arms apart.
        picks: the clips, the greatest difference first.
    """

    level: str
    seed: int
    names: tuple[str, str]
    shared: str
    colours: tuple[str, str]
    runs: tuple[str, str]
    picks: tuple[Pick, ...]


def choose(evidence: Evidence, clips: int) -> Choice:
    """The ``clips`` that tell the best arm most from its baseline, where most is hidden.

    The best arm is the one with the lowest mean MPJPE at the hardest test level, of those that have a baseline
    with a seed in common (several in common, if any arm has); their lowest common seed is shown. A clip counts by the
    greatest difference, either way, that one of its test cameras sees.

    Raises:
        Unplayable: no two arms can be compared, or nothing was recorded for single clips.
        UserError: an evaluation can't be read.
    """
    level = arms.hardest(evidence)
    base, other, seed = _pair(evidence, level)
    runs = base.runs[seed], other.runs[seed]
    ours, theirs = (_views(evidence.files[run], level) for run in reversed(runs))
    both = theirs.merge(ours[[*_VIEW, "value"]], on=_VIEW, suffixes=("", "_other"))
    if both.empty:
        raise Unplayable(f"no clip was recorded at test occlusion {level}")
    both["apart"] = (both["value_other"] - both["value"]).abs()
    both = both.sort_values(["apart", *_VIEW], ascending=[False, True, True, True], kind="stable")
    kept = both.drop_duplicates("clip").head(clips)
    columns = (kept[name].tolist() for name in ("clip", *_ABOUT, "cameras", "camera", "value", "value_other"))
    styles = arms.styles(evidence)
    colours = tuple(styles.get(id(arm), {"color": "#0072B2"})["color"] for arm in (base, other))
    return Choice(
        level=level,
        seed=seed,
        names=(_named(evidence, base, other), _named(evidence, other, base)),
        shared=arms.named(
            {axis: base.labels[axis] for axis in evidence.printed if base.labels[axis] == other.labels[axis]}
        ),
        colours=(colours[0], colours[1]),
        runs=runs,
        picks=tuple(
            Pick(clip, subject, action, cameras, int(camera), (float(before), float(after)))
            for clip, subject, action, cameras, camera, before, after in zip(*columns, strict=True)
        ),
    )


def _pair(evidence: Evidence, level: str) -> tuple[Arm, Arm, int]:
    """The baseline, the best other arm and the seed."""
    if not evidence.baseline:
        raise Unplayable("the report names no baseline to compare an arm with")
    frame = evidence.frame
    rows = frame[
        (frame["metric"] == "mpjpe").to_numpy()
        & (frame["group"] == "all").to_numpy()
        & (frame["weights"] == "best").to_numpy()
        & (frame["test_occlusion"] == level).to_numpy()
    ]
    means = rows.groupby("run_id", observed=True)[evidence.mean].mean()
    error = dict(zip(map(str, means.index), means.to_numpy(dtype=float), strict=True))
    pairs: list[tuple[bool, float, int, Arm, Arm, int]] = []
    for arm in evidence.arms:
        base = evidence.baseline_of(arm)
        if base is None:
            continue
        seeds = [s for s in arm.finished if s in base.finished and {arm.runs[s], base.runs[s]} <= error.keys()]
        if seeds:
            mean = sum(error[arm.runs[seed]] for seed in seeds) / len(seeds)
            pairs.append((len(seeds) < 2, mean, len(pairs), base, arm, min(seeds)))
    if not pairs:
        raise Unplayable(f"no arm shares a seed, tested at {level} occlusion, with its baseline")
    *_, base, arm, seed = min(pairs, key=lambda pair: pair[:3])
    return base, arm, seed


def _views(files: Mapping[Path, scores.Conditions], level: str) -> pd.DataFrame:
    """One row per test clip and camera at ``level``, with the MPJPE of the chosen weights in ``value``."""
    kept = {"weights": "best", "test_occlusion": level, "joint": "all", "group": "all", "metric": "mpjpe"}
    found = []
    for path, conditions in files.items():
        counted = set(conditions)
        try:
            filters = [(name, "==", value) for name, value in kept.items()]
            frame = pq.read_table(path, columns=_READ, filters=filters, use_threads=False).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"can't read an evaluation: {error}", file=str(path)) from None
        # A condition counts with all its metrics or with one that was scored later, see `scores.Conditions`.
        holds = {cameras for cameras in frame["cameras"] if counted & {(level, cameras), (level, cameras, "mpjpe")}}
        found.append(frame.loc[frame["cameras"].isin(holds), [*_VIEW, *_ABOUT, "value"]].dropna(subset="value"))
    return pd.concat(found, ignore_index=True).drop_duplicates(_VIEW)


def _named(evidence: Evidence, arm: Arm, beside: Arm) -> str:
    """The arm's values on the axes on which it differs from the one beside it."""
    return arms.named({axis: arm.labels[axis] for axis in evidence.printed if arm.labels[axis] != beside.labels[axis]})
