"""A run's values of the study's metrics: of its best epoch so far, or of its finished record; never of a test clip."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from harness import tracking
from harness.spec.study import Metric
from harness.spec.study_checks import COSTS, VALIDATION


class Measures:
    """Reads what a study is measured by, in the order of its metrics.

    Args:
        metrics: of the checked study.
    """

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = list(metrics)
        self._best: tuple[float, list[float]] = (math.inf, [])

    def begin(self) -> None:
        """Another run."""
        self._best = (math.inf, [])

    def of_epoch(self, run: Any, info: Any) -> list[float] | None:
        """Values of the best epoch so far, which are final if it stays the best; None before any epoch was scored."""
        if info.best_mpjpe < self._best[0]:  # of a run that is gone on with, the best may lie before
            self._best = (info.best_mpjpe, self._values(run, info.best_mpjpe, info.best_weights))
        return self._best[1] or None

    def of_record(self, uri: str, run: Any, record: tracking.Record) -> list[float]:
        """Values of a finished run, from its record; its saved weights are scored for what that doesn't tell."""

        def weights() -> Any:
            import torch

            return torch.load(tracking.path(uri, record, "best.pt"), map_location="cpu", weights_only=True)

        summary = json.loads(tracking.path(uri, record, "summary.json").read_text())
        return self._values(run, float(summary["val_mpjpe_best"]), weights)

    def course(self, uri: str, run: Any, record: tracking.Record) -> list[list[float]]:
        """Values of the best epoch so far at each epoch of a finished run; empty where its record can't tell."""
        if not all(self._chose(metric, run) for metric in self._metrics):
            return []
        from pyarrow import parquet

        rows = parquet.read_table(tracking.path(uri, record, "curves.parquet")).to_pylist()
        errors = [row["value"] for row in sorted(rows, key=lambda row: row["step"]) if row["name"] == "val_mpjpe"]
        best, found = math.inf, []
        for error in errors:
            best = min(best, error)
            found.append([best] * len(self._metrics))
        return found

    def _values(self, run: Any, val_mpjpe: float, weights: Any) -> list[float]:
        scored: dict[tuple[str, ...], dict[str, float]] = {}
        for metric in self._metrics:
            if metric.name not in COSTS and not self._chose(metric, run):
                scored.setdefault(_levels(metric, run), {})[metric.name.removeprefix(VALIDATION)] = math.nan
        if scored:
            from harness import training

            state = weights()
            scored = {at: training.validation_scores(run, state, list(names), at) for at, names in scored.items()}
        return [self._value(metric, run, val_mpjpe, scored) for metric in self._metrics]

    def _value(
        self, metric: Metric, run: Any, val_mpjpe: float, scored: dict[tuple[str, ...], dict[str, float]]
    ) -> float:
        if metric.name in COSTS:
            return _cost(metric.name, run)
        if self._chose(metric, run):
            return val_mpjpe
        return scored[_levels(metric, run)][metric.name.removeprefix(VALIDATION)]

    @staticmethod
    def _chose(metric: Metric, run: Any) -> bool:
        """Whether it is the very error that chooses the epoch."""
        return metric.name == "val_mpjpe" and _levels(metric, run) == tuple(run.train.validate_on)


def _levels(metric: Metric, run: Any) -> tuple[str, ...]:
    return tuple(metric.levels or run.train.validate_on)


def _cost(name: str, run: Any) -> float:
    from harness.training import cost

    backbone, data = run.backbone, run.data
    features = 2 if data.confidence == "none" else 3
    shape = {"window": data.window, "frames_out": data.frames_predicted, "features": features}
    return float(getattr(cost.count(backbone.name, backbone.options, **shape), name))
