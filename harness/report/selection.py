"""Which values stand behind a cell: rows and columns as selections of the evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from harness import registry
from harness.errors import UserError, unknown
from harness.report.area import head, is_area
from harness.report.coding import among, together
from harness.report.evidence import STEPS, Arm, Evidence

EVALUATION = ("test_occlusion", "cameras")
# What a row or column may pin beside the arms' axes.
DIMENSIONS = (*EVALUATION, "metric")
HEADS = {STEPS: "steps", "test_occlusion": "test occlusion", "train_occlusion": "train occlusion"}
Key = tuple[str, ...]
Values = dict[Key, dict[int, float]]
SubjectValues = dict[Key, dict[int, dict[str, float]]]


@dataclass(frozen=True)
class Column:
    """One column: what of the evidence stands in it.

    Attributes:
        where: dimension or axis → its value, or a list of values that are averaged over.
        head: (group, label).
    """

    where: Mapping[str, Any]
    head: tuple[str, str]


@dataclass(frozen=True)
class Metric:
    """How a metric is printed: unit, decimals of a mean, and which way is better (None: neither)."""

    label: str
    unit: str = ""
    decimals: int = 2
    better: str | None = None

    @property
    def head(self) -> str:
        return f"{self.label}, {self.unit}" if self.unit else self.label


def metric(name: str) -> Metric:
    """How the metric called ``name`` is printed, as its class says; one that isn't registered has no best."""
    entry = registry.entries("metrics").get(name)
    if entry is None:
        return Metric(name)
    return _printed(entry)


@cache
def _printed(entry: registry.Entry) -> Metric:
    told = {each.name: registry.attribute(entry, each.name, each.default) for each in fields(Metric)[1:]}
    return Metric(registry.attribute(entry, "label", entry.name), **told)


def dimension_values(evidence: Evidence, name: str) -> list[str]:
    """The values of an axis or evaluation dimension, in the spec's order; the area under the curve is no level.

    Raises:
        UserError: there is no such axis.
    """
    if name == "test_occlusion":
        return list(evidence.levels)
    if name == "cameras":
        return list(evidence.cameras)
    if not evidence.arms or name not in evidence.arms[0].labels:
        known = [*(evidence.arms[0].labels if evidence.arms else ()), *EVALUATION]
        raise unknown("table axis", name, known, key="report.tables")
    return list(dict.fromkeys(arm.labels[name] for arm in evidence.arms))


def endpoints(evidence: Evidence) -> dict[str, str]:
    """Values of ``test_occlusion`` → their heads: the areas under the curves, if there are any, then the levels."""
    return {value: head(value) for value in [*areas(evidence), *evidence.levels]}


def areas(evidence: Evidence) -> list[str]:
    """The areas under the occlusion curve among the values of ``test_occlusion``; none where levels make no curve."""
    return [] if evidence.scale is None else list(evidence.scale.areas)


def filtered(evidence: Evidence, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of the evidence that ``where`` names; the best epoch's weights unless it says otherwise.

    The area under the occlusion curve is among them only where ``where`` names it.

    Raises:
        UserError: the metric was never logged, or a dimension is unknown.
    """
    frame, kept = _selected(evidence, where)
    return frame[kept]


def _selected(evidence: Evidence, where: Mapping[str, Any]) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows, and (rows,) bool which of them `filtered` keeps."""
    where = {"weights": "best", **where}
    names = listed(where["metric"])
    absent = next((name for name in names if name not in evidence.by_metric), None)
    if absent is not None:
        raise unlogged(absent, evidence.frame["metric"].unique(), "report.tables")
    parts = [evidence.by_metric[name] for name in dict.fromkeys(names)]
    frame = parts[0] if len(parts) == 1 else pd.concat(parts).sort_index()
    # Parts of a metric (gaps) are averaged only where it has no number for the whole.
    if among(frame["group"], ["all"]).any():
        where.setdefault("group", "all")
    return frame, _kept(evidence, frame, where)


def unlogged(name: str, logged: Iterable[str], key: str) -> UserError:
    """The error about a metric that no finished run has logged."""
    later = "; `repose rescore` adds it" if name in registry.entries("metrics") else ""
    return UserError(
        f"no finished run has logged the metric '{name}'; logged were: {', '.join(sorted(logged))}{later}", key=key
    )


def _kept(evidence: Evidence, frame: pd.DataFrame, where: Mapping[str, Any]) -> np.ndarray:
    """(rows,) bool: what ``where`` names; the area under the curve only if it's named."""
    keep = np.ones(len(frame), dtype=bool)
    if "test_occlusion" not in where:
        keep &= ~among(frame["test_occlusion"], areas(evidence))
    for dimension, wanted in where.items():
        if dimension not in frame:
            dimension_values(evidence, dimension)
        keep &= among(frame[dimension], listed(wanted))
    return keep


def values(evidence: Evidence, rows: tuple[str, ...], column: Column, mean: str | None = None) -> Values:
    """Row key → seed → value, averaged over the dimensions that neither rows nor column pin.

    A seed that lacks a part of what is averaged over is left out: half an average isn't one.

    Raises:
        UserError: as `filtered`; or the area under the curve would be averaged with levels.
    """
    levels = listed(column.where.get("test_occlusion", ()))
    found_areas = [level for level in levels if is_area(level)]
    if found_areas and len(levels) > 1 and "test_occlusion" not in rows:
        others = ", ".join(level for level in levels if level != found_areas[0])
        raise UserError(
            f"the area under the occlusion curve ({found_areas[0]}) isn't averaged with {others}: make test_occlusion "
            "a row or column key, or choose one of them",
            key="report.tables",
        )
    frame, kept = _selected(evidence, column.where)
    chosen = mean or evidence.mean
    found: Values = {}
    for key, (seed,), value in _averaged(frame[[*rows, "seed", chosen]][kept], rows, ("seed",), chosen):
        found.setdefault(key, {})[seed] = value
    return found


def subject_values(evidence: Evidence, rows: tuple[str, ...], column: Column) -> SubjectValues:
    """Row key → seed → test subject → value, averaged as `values` does.

    Raises:
        UserError: as `values`.
    """
    where = {"weights": "best", **column.where}
    named = listed(where.pop("metric"))
    weights, groups = listed(where.pop("weights")), listed(where.pop("group", "all"))
    parts = []
    for metric, weight, group in itertools.product(named, weights, groups):
        frame = evidence.by_subject(metric, group, weights=weight)
        parts.append(frame[_kept(evidence, frame, where)].assign(metric=metric))
    found: SubjectValues = {}
    for key, (seed, subject), value in _averaged(pd.concat(parts), rows, ("seed", "subject"), "value"):
        found.setdefault(key, {}).setdefault(seed, {})[subject] = value
    return found


def _averaged(
    frame: pd.DataFrame, rows: tuple[str, ...], units: tuple[str, ...], mean: str
) -> Iterator[tuple[Key, tuple[Any, ...], float]]:
    """Means by row key, as text, and units; only of those that have all of what is averaged over."""
    if frame.empty:
        return
    group, first = together(frame, [*rows, *units])
    means = pd.Series(frame[mean].to_numpy()).groupby(group, sort=False).mean().to_numpy()
    heads = frame.iloc[first]
    full, sizes = np.bincount(group), np.bincount(group)
    # Metrics as rows need not be defined at equally many levels.
    of_metric = together(heads, ["metric"])[0] if "metric" in rows else np.zeros(len(first), dtype=np.int64)
    for one in range(of_metric.max() + 1):
        full[of_metric == one] = sizes[of_metric == one].max()
    whole = np.flatnonzero(sizes == full)
    of_key, firsts = together(heads, rows)
    texts = [heads[name].iloc[firsts].astype(str) for name in rows]
    keys = list(zip(*texts, strict=True)) if rows else [()]
    found = zip(*(heads[name].iloc[whole].tolist() for name in units), strict=True)
    for at, unit, value in zip(of_key[whole].tolist(), found, means[whole].tolist(), strict=True):
        yield keys[at], unit, value


def row_keys(evidence: Evidence, rows: tuple[str, ...], where: Mapping[str, Any] | None = None) -> list[Key]:
    """The rows that the spec plans, finished or not: arms in order, evaluation dimensions within them.

    ``where`` keeps the arms and the values that it names; a list of metrics in it is what ``metric`` as
    a row runs over.
    """
    names = [name for name in rows if name in DIMENSIONS]
    choices = [listed(where[n]) if where and n in where else dimension_values(evidence, n) for n in names]
    points = [dict(zip(names, point, strict=True)) for point in itertools.product(*choices)]
    arms = [arm for arm in evidence.arms if matches(arm, where or {})]
    # The test condition runs outermost where it is the first key: the arms then stand below each other.
    outer = bool(rows) and rows[0] in DIMENSIONS
    pairs = [(a, p) for p in points for a in arms] if outer else [(a, p) for a in arms for p in points]
    return list(dict.fromkeys(tuple({**arm.labels, **point}[name] for name in rows) for arm, point in pairs))


def arms_of(evidence: Evidence, rows: tuple[str, ...], key: Key, where: Mapping[str, Any]) -> list[Arm]:
    """The arms behind a cell."""
    labels = {**where, **dict(zip(rows, key, strict=True))}
    return [arm for arm in evidence.arms if matches(arm, labels)]


def matches(arm: Arm, where: Mapping[str, Any]) -> bool:
    """Whether the arm has the labels that ``where`` names (evaluation dimensions don't matter)."""
    return all(arm.labels[name] in listed(wanted) for name, wanted in where.items() if name in arm.labels)


def listed(value: Any) -> list[str]:
    """One value or several, as a list of their printed forms."""
    return [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
