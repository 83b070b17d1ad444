"""Tuned values on seeds that the study never saw: what tuning bought, and how much of the study's best was luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.report.cells import difference_cell, mean_cell, with_ends
from harness.report.evidence import Arm, Evidence, describe
from harness.report.selection import Metric, metric
from harness.report.statistics import Interval, paired_difference, seed_interval
from harness.report.table import Cell, Row, Table, number
from harness.report.tuning.study import Arm as Searched
from harness.report.tuning.study import Study
from harness.spec.from_study import AXIS, DEFAULT, TUNED

NAME = "tuning_fresh"
MEASURE = "val_mpjpe"
"""The one measure of validation subjects that every run keeps: `FIGURE` of its final figures."""
FIGURE = "val_mpjpe_best"
NOTHING = Cell("–")
_COLUMNS = (
    ("the spec's own values", "in the study"),
    ("the spec's own values", "fresh seeds"),
    ("the spec's own values", "fresh − study"),
    ("tuned values", "in the study"),
    ("tuned values", "fresh seeds"),
    ("tuned values", "optimism: fresh − study"),
    ("tuned − own", "in the study"),
    ("tuned − own", "fresh seeds"),
)


@dataclass(frozen=True)
class Again:
    """An arm that was tuned, on fresh seeds.

    Attributes:
        key: its values on the axes that tell such arms apart.
        own, tuned: seed → validation MPJPE in mm of the best epoch, with the spec's own and the tuned values.
        own_before, tuned_before: what the study had measured of them; NaN where it hadn't.
        pilot: seeds of the pilot that fixed how many there are, if one did.
    """

    key: tuple[str, ...]
    own: Mapping[int, float]
    tuned: Mapping[int, float]
    own_before: float
    tuned_before: float
    pilot: tuple[int, ...] = ()

    @property
    def optimism(self) -> Interval:
        """What the tuned values give on fresh seeds, less what the study had promised; above 0 is worse."""
        return seed_interval({seed: value - self.tuned_before for seed, value in self.tuned.items()}, self.pilot)

    @property
    def shift(self) -> Interval:
        """The same of the spec's own values, which nobody chose."""
        return seed_interval({seed: value - self.own_before for seed, value in self.own.items()}, self.pilot)


def again(evidence: Evidence) -> list[Again]:
    """The tuned arms that have runs on fresh seeds; empty where the study didn't measure what runs keep."""
    study: Study | None = evidence.study
    if study is None or not any(AXIS in arm.labels for arm in evidence.arms):
        return []
    place = measured(study)
    if place is None:
        return []
    found = []
    for key, sides in groups(evidence, study).items():
        one = sides.get(DEFAULT) or sides.get(TUNED)
        assert one is not None
        arm = searched(study, one)
        if arm is None or arm.space == []:
            continue
        best, own = study.tuned(arm), arm.default
        mine, theirs = (_values(evidence, sides.get(side)) for side in (DEFAULT, TUNED))
        if not theirs and best is not None and own is not None and best.params == own.params:
            theirs = mine  # its own values were the best
        before = own.values[place] if own is not None and own.values is not None else math.nan
        promised = best.values[place] if best is not None and best.values is not None else math.nan
        found.append(Again(key, mine, theirs, before, promised, evidence.pilot))
    return found


def axes(evidence: Evidence, study: Study) -> list[str]:
    """The axes that tell tuned arms apart, without those that tuning itself changes."""
    return [axis for axis in evidence.axes if axis != AXIS and axis not in study.about.space]


def groups(evidence: Evidence, study: Study) -> dict[tuple[str, ...], dict[str, Arm]]:
    """Values on `axes` → ``default`` and ``tuned`` → its arm; an arm that tuning left alone is its default."""
    names = axes(evidence, study)
    found: dict[tuple[str, ...], dict[str, Arm]] = {}
    for arm in evidence.arms:
        if arm.trained:
            side = TUNED if arm.labels.get(AXIS) == TUNED else DEFAULT
            found.setdefault(tuple(arm.labels[axis] for axis in names), {}).setdefault(side, arm)
    return found


def searched(study: Study, arm: Arm) -> Searched | None:
    """The study's arm that an arm of the report belongs to; axes that the report's grid hasn't tell nothing."""
    fits = [one for one in study.arms if all(arm.labels.get(axis, value) == value for axis, value in one.arm.items())]
    return fits[0] if len(fits) == 1 else None


def measured(study: Study) -> int | None:
    """Place of `MEASURE` among the study's metrics, averaged as each run averages it; None if it's none of them."""
    for i, one in enumerate(study.about.metrics):
        if one.name == MEASURE and (one.levels is None or tuple(one.levels) == study.levels):
            return i
    return None


def table(evidence: Evidence) -> Table | None:
    """A row for each tuned arm; None where nothing was run on fresh seeds."""
    found = again(evidence)
    if not found:
        return None
    kind = shown()
    rows = []
    for one in found:
        cells = [_before(one.own_before, kind), _mean(one.own, kind, one.pilot), _shift(one.shift)]
        cells += [_before(one.tuned_before, kind), _mean(one.tuned, kind, one.pilot), _shift(one.optimism)]
        both = one.tuned is not one.own
        cells.append(_before(one.tuned_before - one.own_before if both else math.nan, kind, signed=True))
        paired = paired_difference(one.tuned, one.own, pilot=one.pilot) if both else None
        cells.append(difference_cell(paired, math.nan, metric("mpjpe")) if paired and paired.n else NOTHING)
        rows.append(Row(one.key, tuple(cells)))
    notes = (
        "Validation MPJPE of each run's best epoch, in mm. In the study: mean over its seeds. Fresh seeds: mean ± "
        "half-width of the 95 % interval over seeds that the study never trained with (number of seeds).",
        "Optimism: what the tuned values give on fresh seeds less what the study had measured of them, with its 95 % "
        "interval over the fresh seeds; above 0, the study promised more than holds. The study's value is the best of "
        "many on few seeds. The same difference of the spec's own values, which were not chosen, shows the luck of "
        "seeds and, where the fresh runs are trained otherwise, what that changes.",
        "Tuned − own: what the study promised; and on fresh seeds, paired by seed, with its 95 % interval, not "
        "corrected for the number of arms; below 0, tuning bought something.",
        "–: the study left the arm's own values as they were, or nothing was measured.",
    )
    heads = tuple(axes(evidence, evidence.study))
    return Table(NAME, "Tuning: what is left of it on fresh seeds", heads, _COLUMNS, tuple(rows), notes)


def shown() -> Metric:
    """How means stand in the table: a digit more than in tables of results."""
    kind = metric("mpjpe")
    return replace(kind, decimals=kind.decimals + 1)


def label(one: Again, names: Sequence[str]) -> str:
    """An arm in one line."""
    return describe(dict(zip(names, one.key, strict=True)))


def _values(evidence: Evidence, arm: Arm | None) -> dict[int, float]:
    runs = {} if arm is None else {seed: arm.runs[seed] for seed in arm.finished}
    found = {seed: float(evidence.summaries.get(run, {}).get(FIGURE, math.nan)) for seed, run in runs.items()}
    return {seed: value for seed, value in found.items() if math.isfinite(value)}


def _before(value: float, kind: Metric, *, signed: bool = False) -> Cell:
    if math.isnan(value):
        return NOTHING
    text = number(value, kind.decimals, signed=signed)
    return Cell(text, {"value": text})


def _mean(values: Mapping[int, float], kind: Metric, pilot: tuple[int, ...]) -> Cell:
    return mean_cell(seed_interval(values, pilot), kind, False, False) if values else NOTHING


def _shift(found: Interval) -> Cell:
    if math.isnan(found.mean):
        return NOTHING
    text, numbers = with_ends(found, metric("mpjpe"))
    return Cell(f"{text} ({found.n})", {**numbers, "n": str(found.n)})
