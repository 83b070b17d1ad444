"""Where the spread of one arm's numbers comes from: seeds, cameras, subjects, folds and the choice of the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from harness.report.cells import MISSING, UNDEFINED, falling_mark, finished, marked
from harness.report.evidence import Evidence
from harness.report.records import option
from harness.report.selection import Column, Key, SubjectValues, areas, listed, metric, row_keys, subject_values
from harness.report.statistics.components import Components, believable, components
from harness.report.table import Cell, Recipe, Row, Table, number

KIND = "variance"
METRIC = "mpjpe"  # the one that is scored for the last epoch too
SEEDS = (3, 5, 10)
PARTS = {
    "mean": ("", "mean"),
    "seed": ("sd, mm, over", "seeds"),
    "draw": ("sd, mm, over", "cameras and noise"),
    "subject": ("sd, mm, over", "subjects"),
    "subject_draw": ("sd, mm, over", "subjects' own cameras"),
    "fold": ("sd, mm, over", "folds"),
    "epoch": ("epoch, mm", "chosen or last"),
    **{f"n{n}": ("smallest difference to believe, mm", f"{n} seeds") for n in SEEDS},
}
"""What a column holds → its head."""
Pooled = dict[str, dict[str, dict[int, dict[str, float]]]]  # fold → draw → seed → subject → value


def table(evidence: Evidence, asked: Any) -> Table | None:
    """A row for each arm, told apart by all axes but the folds and draws; None where the spec doesn't ask.

    Args:
        asked: the section ``report.variance`` of the spec.
    """
    if asked is None:
        return None
    pooled = {name: option(asked, name) for name in ("folds", "draws")}
    over = tuple(axis for axis in pooled.values() if axis is not None)
    rows = tuple(axis for axis in evidence.printed if axis not in over)
    if len(evidence.cameras) > 1:
        rows = ("cameras", *rows)
    primary = areas(evidence)[:1]
    where = {**({"test_occlusion": primary[0]} if primary else {}), **dict(option(asked, "where", {}))}
    both = {of: subject_values(evidence, (*rows, *over), _column(where, of)) for of in ("best", "last")}
    columns = [Column({"metric": METRIC, **where}, head) for head in PARTS.values()]
    body, left_out = [], 0
    for key in row_keys(evidence, rows, where):
        chosen, last = (_pooled(found, rows, key, pooled) for found in both.values())
        folds, without = complete(chosen)
        left_out += without
        if not folds:
            cells = [MISSING] * len(PARTS)
        else:
            found = components([values for values, _ in folds.values()])
            cells = [_cell(part, found, folds, last) for part in PARTS]
        body.append(Row(key, tuple(cells), falling_mark(evidence, rows, key, columns), marked(rows)))
    more = {"weights": ["best", "last"], "mean": "value", **{name: axis for name, axis in pooled.items() if axis}}
    held = tuple({**column.where, **more, "part": part} for column, part in zip(columns, PARTS, strict=True))
    title = f"Where the spread comes from: {metric(METRIC).head}"
    said = _notes(evidence, where, pooled, left_out)
    return finished(evidence, KIND, title, rows, columns, body, said, Recipe(KIND, rows, held))


def complete(found: Pooled) -> tuple[dict[str, tuple[np.ndarray, tuple[list, list, list]]], int]:
    """Fold → (draws, seeds, subjects) of its values and their names, and how many runs had to be left out.

    A fold has the seeds that are finished under all of its draws, and the subjects that all of these were tested on.
    """
    tables, left_out = {}, 0
    for fold, draws in found.items():
        common = _common(of.keys() for of in draws.values())
        subjects = _common(of[seed].keys() for of in draws.values() for seed in common)
        left_out += sum(len(of) - len(common) for of in draws.values())
        if common and subjects:
            values = [[[of[seed][subject] for subject in subjects] for seed in common] for of in draws.values()]
            tables[fold] = np.array(values), (list(draws), common, subjects)
    return tables, left_out


def _cell(part: str, found: Components, folds: Mapping[str, Any], last: Pooled) -> Cell:
    decimals = metric(METRIC).decimals + 1
    if part == "mean":
        runs = sum(values.shape[0] * values.shape[1] for values, _ in folds.values())
        mean = number(found.mean, decimals)
        return Cell(f"{mean} ({runs})", {"mean": mean, "n": str(runs)})
    if part == "epoch":
        value = _epoch(folds, last)
    elif part[0] == "n" and part[1:].isdecimal():
        value = believable(found.seed, int(part[1:]))
    else:
        value = math.sqrt(getattr(found, part))
    return UNDEFINED if math.isnan(value) else Cell(number(value, decimals), {"value": number(value, decimals)})


def _epoch(folds: Mapping[str, Any], last: Pooled) -> float:
    """Root mean square of what a run's mean changes where the last epoch takes the chosen one's place."""
    changes = []
    for fold, (values, (draws, seeds, subjects)) in folds.items():
        for i, draw in enumerate(draws):
            for j, seed in enumerate(seeds):
                ends = last.get(fold, {}).get(draw, {}).get(seed, {})
                if not set(subjects) <= set(ends):
                    return math.nan
                changes.append(values[i, j].mean() - np.mean([ends[subject] for subject in subjects]))
    return float(np.sqrt(np.mean(np.square(changes))))


def _column(where: Mapping[str, Any], weights: str) -> Column:
    return Column({"metric": METRIC, **where, "weights": weights}, ("", ""))


def _pooled(found: SubjectValues, rows: tuple[str, ...], key: Key, pooled: Mapping[str, str | None]) -> Pooled:
    """What stands behind one row, by fold and draw."""
    over = [name for name, axis in pooled.items() if axis is not None]
    result: Pooled = {}
    for whole, seeds in found.items():
        if whole[: len(rows)] == key:
            place = dict(zip(over, whole[len(rows) :], strict=True))
            result.setdefault(place.get("folds", ""), {})[place.get("draws", "")] = seeds
    return result


def _common(names: Iterable[Iterable[Any]]) -> list[Any]:
    first, *others = [list(one) for one in names] or [[]]
    return [name for name in first if all(name in other for other in others)]


def _notes(
    evidence: Evidence, where: Mapping[str, Any], pooled: Mapping[str, str | None], left_out: int
) -> tuple[str, ...]:
    levels = listed(where.get("test_occlusion", evidence.levels))
    said = [
        f"Test occlusion: {', '.join(levels)}. Every subject weighs alike. Standard deviations by the method of "
        "moments (random effects; seeds within a draw, draws and subjects within a fold); a variance below 0 counts "
        "as 0.",
        "Seeds: of a run's mean over its subjects, on the same data. Subjects: from one person to the next.",
    ]
    if pooled["draws"] is not None:
        said.append(
            f"Cameras and noise: {pooled['draws']} draws both anew, for training and test; of the mean, beyond its "
            "seeds. Subjects' own cameras: what a draw does to one subject and not to others."
        )
    if pooled["folds"] is not None:
        said.append(
            f"Folds: {pooled['folds']} trains and tests on other people; of the mean, beyond what its few subjects, "
            "draws and seeds explain. A standard deviation of so few folds is a guess."
        )
    said += [
        "Chosen or last: root mean square of what a run's number changes where its last epoch is tested in place of "
        "the one that the validation subjects chose.",
        "Smallest difference to believe: half-width of the 95 % interval (Student's t, n − 1 degrees of freedom) of "
        "two arms that share no seed, with the spread over seeds found here. Seeds in pairs make it smaller where "
        "arms go the same way from the same start; room for skew makes printed intervals a tenth wider.",
    ]
    if left_out:
        are = "1 run is" if left_out == 1 else f"{left_out} runs are"
        said.append(f"{are} left out: their seed isn't finished under all draws of its fold.")
    return tuple(said)
