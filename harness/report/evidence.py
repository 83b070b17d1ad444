"""What the finished runs of a spec left, as the report sees it: one frame of numbers, and readers for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import protocols
from harness.report import area, scores
from harness.report.area import Scale
from harness.report.coding import as_codes, coded, codes_of
from harness.report.curve_files import read_curves
from harness.report.words import Labels, spoken
from harness.spec.partners import partners

STEPS = "train.steps"
BACKBONE, TRAIN = "backbone", "train."


@dataclass(frozen=True)
class Arm:
    """All runs of the spec that differ only by seed.

    Attributes:
        labels: axis → printed value, without the seed.
        steps: training steps.
        runs: seed → run_id, of every run the spec names.
        finished: the seeds that left an evaluation.
        gains: seed → by how much the last fifth of the steps lowered the lowest validation MPJPE, mm, where it is told.
        falling: seeds whose validation error was still falling when training ended.
        trained: whether the harness trained it; else it is a checkpoint, of one run.
    """

    labels: dict[str, str]
    steps: int
    runs: dict[int, str]
    finished: tuple[int, ...] = ()
    gains: dict[int, float] = field(default_factory=dict)
    falling: tuple[int, ...] = ()
    trained: bool = True


@dataclass(frozen=True)
class Evidence:
    """Everything a report speaks of, and nothing it computed.

    Attributes:
        frame: one row per run × weights × test_occlusion × cameras × metric × group, with a column
            per axis and the means ``value`` (over subjects), ``per_action`` and ``per_frame``. Among the
            values of test_occlusion is `area.CURVE`, the area under the occlusion curve.
        arms: in the spec's order.
        axes: the axes that tell the arms apart, ``objective`` first.
        levels, cameras, protocol: what was tested, in the spec's order.
        baseline: axis → value of the arm that others are compared with; empty if none is named.
        failed: run_id → reason.
        records: run_id → the tracking record.
        summaries: run_id → the run's final figures.
        curves: run_id → array (points, 2) of step and validation MPJPE in mm.
        unevaluated: (test_occlusion, cameras) → how many finished runs weren't tested on it.
        scale: where the levels stand on the curve; None with fewer than two.
        files: run_id → its evaluation files → the `scores.Conditions` that count in each.
        subjects: the means of each test subject, as `scores.read_all` found them.
        curve_files: run_id → the file of all its curves.
        started: run_id → when the finished run was first begun, ISO time: an attempt that was stopped counts.
        registered: digest of a claim → its `harness.tracking.Registration`: when, and for which content of the spec.
        words: what figures, claims, pilots and warnings print for values; see `harness.report.words`.
        costs: run_id → ``macs`` of one predicted frame and ``parameters``; empty where nobody counted.
        pilot: the seeds that fixed how many each arm has, and tell how far its values spread; empty without a pilot.
        stages: the rule they were fixed by, a `harness.spec.stages.Stages`; None without a pilot.
        study: the study that tuned these arms, a `harness.report.tuning.study.Study`; None without one.
    """

    frame: pd.DataFrame
    arms: tuple[Arm, ...]
    axes: tuple[str, ...]
    levels: tuple[str, ...]
    cameras: tuple[str, ...]
    protocol: str
    baseline: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    summaries: dict[str, Mapping[str, float]] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    unevaluated: dict[tuple[str, str], int] = field(default_factory=dict)
    scale: Scale | None = None
    files: scores.Files = field(default_factory=dict, repr=False)
    subjects: Sequence[scores.Subjects] = field(default=(), repr=False)
    curve_files: Mapping[str, Path] = field(default_factory=dict, repr=False)
    started: Mapping[str, str] = field(default_factory=dict)
    registered: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    words: Labels = field(default_factory=dict)
    pilot: tuple[int, ...] = ()
    stages: Any = None
    study: Any = None
    # Kept by copies that differ in their baseline, say: what was read for one holds for the other.
    _known: dict[tuple[str, ...], tuple[Any, pd.DataFrame]] = field(default_factory=dict, repr=False, compare=False)

    def by_subject(self, metric: str = "mpjpe", group: str = "all", *, weights: str = "best") -> pd.DataFrame:
        """One row per run × test_occlusion (`area.CURVE` too) × cameras × subject.

        Returns:
            columns run_id, the axes, seed, test_occlusion, cameras, subject, value: the mean of the subject's
            clips, weighted by their frames or pairs, in the metric's unit. Not to be changed.
        """
        return self._units(("subject", metric, group, weights))

    def by_joint(
        self, metric: str = "mpjpe", *, weights: str = "best", arms: Iterable[Arm] | None = None
    ) -> pd.DataFrame:
        """`by_subject` with ``joint`` in place of ``subject``, each joint's value the protocol's mean.

        Read from the files when first asked for; with ``arms`` those of their runs alone.
        """
        if arms is None:
            return self._units(("joint", metric, "", weights))
        chosen = list(arms)
        wanted = {run_id for arm in chosen for run_id in arm.runs.values()}
        files = {run_id: found for run_id, found in self.files.items() if run_id in wanted}
        return labelled(scores.by_joint(files, metric, self.mean, weights), chosen, self.scale)

    def _units(self, asked: tuple[str, str, str, str]) -> pd.DataFrame:
        behind = (self.files, self.subjects, self.arms, self.scale, self.protocol)
        known = self._known.get(asked)
        if known is None or any(a is not b for a, b in zip(known[0], behind, strict=True)):
            unit, metric, group, weights = asked
            if unit == "subject":
                found = scores.by_subject(self.subjects, metric, group, weights)
            else:
                found = scores.by_joint(self.files, metric, self.mean, weights)
            known = self._known[asked] = (behind, labelled(found, self.arms, self.scale))
        return known[1]

    @cached_property
    def by_metric(self) -> dict[str, pd.DataFrame]:
        """Metric → its rows of ``frame``, in their order: what stands behind a cell is of one, mostly."""
        grouped = self.frame.groupby("metric", observed=True, sort=False)
        return {str(name): self.frame.iloc[np.asarray(rows)] for name, rows in grouped.indices.items()}

    def terms(self, run_id: str) -> pd.DataFrame:
        """All curves of a run: columns name, step and value; empty for a run that left none."""
        path = self.curve_files.get(run_id)
        if path is None:
            return pd.DataFrame({"name": [], "step": [], "value": []})
        return read_curves(path).to_pandas()

    def curve_names(self, run_id: str) -> list[str]:
        """The names among `terms`, each once."""
        path = self.curve_files.get(run_id)
        return [] if path is None else read_curves(path)["name"].unique().to_pylist()

    def baseline_of(self, arm: Arm) -> Arm | None:
        """The arm that ``arm`` is compared with, see `harness.spec.partners`.

        None where no baseline is named, where ``arm`` is one, and where no arm or several would do.
        """
        return self._baselines.get(id(arm))

    def is_baseline(self, arm: Arm) -> bool:
        """Whether others are compared with this arm."""
        return bool(self.baseline) and all(arm.labels.get(axis) == value for axis, value in self.baseline.items())

    @cached_property
    def _baselines(self) -> dict[int, Arm]:
        if not self.baseline:
            return {}
        by_labels = {tuple(arm.labels.items()): arm for arm in self.arms}
        every, found = [arm.labels for arm in self.arms], {}
        for arm in (arm for arm in self.arms if not self.is_baseline(arm)):
            # Equal labels are found at once: a thousand runs have too many pairs of arms to try them all.
            exact = by_labels.get(tuple({**arm.labels, **self.baseline}.items()))
            near = [] if exact else partners(arm.labels, self.baseline, every)
            if exact or len(near) == 1:
                found[id(arm)] = exact or by_labels[tuple(near[0].items())]
        return found

    def describe(self, arm: Arm) -> str:
        """The arm's name in a sentence: the values that tell it apart, in the spec's `words` if they are there."""
        shown = {axis: spoken(self.words, axis, arm.labels[axis]) for axis in self.printed}
        return describe(lengths_named(shown))

    @cached_property
    def printed(self) -> tuple[str, ...]:
        """The axes that names and rows print: `axes` without the `own` ones."""
        return tuple(axis for axis in self.axes if axis not in self.own)

    @property
    def rows(self) -> tuple[str, ...]:
        """`printed`, behind the cameras where there are several: the rows of a table that nobody declared."""
        return ("cameras", *self.printed) if len(self.cameras) > 1 else self.printed

    @cached_property
    def own(self) -> dict[str, dict[str, str]]:
        """Fields of ``train`` of which each backbone has its own value: axis → backbone → that.

        They tell nothing apart that the backbone doesn't. The number of steps is none of them, as arms of different
        length don't compete and a reader must see why; nor is what names the baseline.
        """
        found = {}
        kept = {STEPS, *self.baseline}
        for axis in self.axes if BACKBONE in self.axes else ():
            pairs = {(arm.labels[BACKBONE], arm.labels[axis]) for arm in self.arms}
            if axis.startswith(TRAIN) and axis not in kept and len(pairs) == len(dict(pairs)):
                found[axis] = dict(sorted(pairs))
        return found

    @property
    def planned(self) -> int:
        return sum(len(arm.runs) for arm in self.arms)

    @property
    def finished(self) -> int:
        return sum(len(arm.finished) for arm in self.arms)

    @property
    def mean(self) -> str:
        """The column of ``frame`` that the protocol makes primary."""
        return protocols.of(self.protocol).mean


def labelled(frame: pd.DataFrame, arms: Iterable[Arm], along: Scale | None = None) -> pd.DataFrame:
    """Rows of `scores` behind the labels and seed of their run, with the areas under their curves."""
    frame = as_codes(frame)
    if along is not None and not frame.empty:
        frame = _behind(frame, area.curves(frame, along, scores.DECIMALS))
    labels = pd.DataFrame(
        [{"run_id": run_id, **arm.labels, "seed": seed} for arm in arms for seed, run_id in arm.runs.items()]
    )
    codes, names = codes_of(frame["run_id"])
    at = pd.Index(names).get_indexer(pd.Index(labels["run_id"]))  # of each run, its place among those with rows
    counts = np.where(at >= 0, np.bincount(codes, minlength=len(names) + 1)[at], 0)
    begins = np.cumsum(np.bincount(codes, minlength=len(names) + 1))
    order = np.argsort(codes, kind="stable")
    # Run after run, each run's rows in their order.
    run = np.repeat(np.arange(len(labels)), counts)
    within = np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = frame.iloc[order[(begins[at] - counts)[run] + within]]
    columns: dict[str, Any] = {}
    for name in labels.columns:
        if name == "seed":
            columns[name] = labels[name].to_numpy()[run]
        else:
            own, texts = codes_of(labels[name])
            columns[name] = coded(own[run], texts)
    for name in (name for name in frame.columns if name not in columns):
        column = rows[name]
        columns[name] = coded(*codes_of(column)) if column.dtype == "category" else column.to_numpy()
    return pd.DataFrame(columns, copy=False)


def _behind(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """The rows of both, one behind the other."""
    columns: dict[str, Any] = {}
    for name in frame.columns:
        if frame[name].dtype == "category":
            (first, names), (second, others) = codes_of(frame[name]), codes_of(more[name])
            columns[name] = coded(
                np.concatenate([first, second.astype(np.int32) + len(names)], dtype=np.int32), [*names, *others]
            )
        else:
            columns[name] = np.concatenate([frame[name].to_numpy(), more[name].to_numpy()])
    return pd.DataFrame(columns, copy=False)


def lengths_named(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels with ``steps`` behind a number of them; lengths in passes say what they are."""
    return {axis: f"{v} steps" if axis == STEPS and v.isdecimal() else v for axis, v in labels.items()}


def describe(labels: Mapping[str, str]) -> str:
    """An arm's labels in one line: the values, without those that aren't set."""
    return " · ".join(value for value in labels.values() if value != "-")
