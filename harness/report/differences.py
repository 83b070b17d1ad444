"""Paired differences to the baseline: for these subjects over seeds, and for new subjects."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.cells import (
    UNDEFINED,
    absent,
    difference_cell,
    falling_mark,
    finished,
    kind_of,
    marked,
    selections,
    subjects_cell,
    two_stage,
)
from harness.report.difference_notes import (
    Place,
    correction,
    named,
    nothing_like,
    refused,
    tested,
    unpaired,
    without_p,
)
from harness.report.evidence import Arm, Evidence
from harness.report.selection import (
    DIMENSIONS,
    Column,
    Key,
    listed,
    matches,
    row_keys,
    subject_values,
    values,
)
from harness.report.statistics import (
    MIN_SEEDS,
    MIN_SUBJECTS,
    SKEW_TOLD,
    SKEW_TOLD_PILOT,
    STUDENTISED_FROM,
    Paired,
    fixed_order,
    holm,
    new_subjects,
    paired_difference,
)
from harness.report.table import Cell, Recipe, Row, Table


def difference_tables(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
) -> list[Table]:
    """The differences for these subjects, and for new ones where enough were tested; none without a baseline."""
    made = difference_table(evidence, name, title, rows, columns, notes, where)
    if made is None:
        return []
    new = new_subjects_table(evidence, f"{name}_new_subjects", title, rows, columns, notes, where)
    return [made] if new is None else [made, new]


def difference_table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
) -> Table | None:
    """Paired difference of every arm to the baseline within the same other axes, on common seeds.

    Where the columns are test levels, p-values are corrected by Holm across arms and in fixed order within an arm:
    area under the curve, then the hardest level, down to none. Else all cells are corrected together by Holm. None
    where no baseline is named or the baseline's axis is none of the table's.
    """
    keys = _compared(evidence, rows, where)
    if not keys:
        return None
    found = _read(evidence, rows, columns, values)
    pairs = _pairs(evidence, rows, keys, columns)
    comparisons: dict[Place, Paired] = {}
    for (key, i), (arm, base) in pairs.items():
        own, other = (found[i].get(_at(evidence, rows, key, side), {}) for side in (arm, base))
        paired = paired_difference(own, other, pilot=evidence.pilot)
        if paired.n:
            comparisons[key, i] = paired
    steps = _steps(evidence, columns)
    chains = _chains(keys, columns, steps, [bool(cells_of) for cells_of in found])
    adjusted = _adjusted({place: paired.p for place, paired in comparisons.items()}, chains)
    body = []
    for key in keys:
        cells = []
        for i, column in enumerate(columns):
            if (key, i) in comparisons:
                kind = kind_of(rows, key, column)
                cells.append(difference_cell(comparisons[key, i], adjusted[key, i], kind, tested=True))
            else:
                cells.append(_absent(evidence, rows, key, column, found[i], (key, i) in pairs))
        body.append(Row(key, tuple(cells), falling_mark(evidence, rows, key, columns), marked(rows)))
    tests = sum(not math.isnan(p) for p in adjusted.values())
    explained = (
        f"Cells: mean difference to the baseline ({named(evidence)}; all else equal) for these subjects, paired "
        f"by seed, with its 95 % interval over seeds ({_how(evidence)}), the corrected p-value of the paired t-test "
        "with that room, and the number of seed pairs. Negative means lower than the baseline; p ≥ 0.05 means not "
        f"separated, not equal. {SKEW_TOLD_PILOT if evidence.pilot else SKEW_TOLD}",
        nothing_like(evidence, pairs),
        correction(tests, columns, steps),
        without_p(comparisons, adjusted),
        unpaired(comparisons),
        refused(evidence),
    )
    recipe = Recipe("difference", rows, selections(columns, evidence.mean), dict(evidence.baseline), steps)
    said = (*notes, *(note for note in explained if note))
    title = f"{title}; these subjects (over seeds)"
    return finished(evidence, name, title, rows, columns, body, said, recipe)


def new_subjects_table(
    evidence: Evidence,
    name: str,
    title: str,
    rows: tuple[str, ...],
    columns: list[Column],
    notes: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
) -> Table | None:
    """The same differences with intervals for subjects that weren't tested: seeds and subjects both drawn anew.

    Only complete tables of common seeds × common subjects enter. None where `difference_table` is, and with fewer
    than six test subjects, whose spread says too little about others; and where no single subject has a number.
    """
    keys = _compared(evidence, rows, where)
    if not keys or tested(evidence) < MIN_SUBJECTS:
        return None
    found = _read(evidence, rows, columns, subject_values)
    if not any(found):
        return None
    pairs = _pairs(evidence, rows, keys, columns)
    body, left_out, few = [], 0, False
    for key in keys:
        cells = []
        for i, column in enumerate(columns):
            sides = [found[i].get(_at(evidence, rows, key, arm), {}) for arm in pairs.get((key, i), ())]
            if evidence.pilot:  # with the others the spread would come out short: the pilot's fixed how many there are
                sides = [{seed: side[seed] for seed in side if seed in evidence.pilot} for side in sides]
            of_seeds, subjects = _complete(*sides) if sides else ([], [])
            if not of_seeds or not subjects:
                cells.append(_absent(evidence, rows, key, column, found[i], (key, i) in pairs))
                continue
            # (seeds, subjects)
            table = np.array([[a[subject] - b[subject] for subject in subjects] for a, b in of_seeds])
            cells.append(subjects_cell(new_subjects(table), len(of_seeds), kind_of(rows, key, column)))
            left_out += len(subjects) < tested(evidence)
            few |= len(of_seeds) < MIN_SEEDS
        body.append(Row(key, tuple(cells), falling_mark(evidence, rows, key, columns), marked(rows)))
    explained = (
        f"Cells: mean difference to the baseline ({named(evidence)}; all else equal) with its 95 % interval for "
        "new seeds and new subjects: both count as drawn at random (crossed random effects, Satterthwaite's degrees of "
        "freedom), and the number of seed pairs × subjects. Each interval stands for itself, not corrected for their "
        "number.",
        nothing_like(evidence, pairs),
        "It speaks of people like these subjects, filmed like them; the interval over seeds speaks of these alone.",
        "" if evidence.protocol == "mean-per-subject" else "Here every subject weighs alike, whatever the protocol.",
        f"{left_out} cells rest on fewer subjects, those with a value on both sides." if left_out else "",
        f"No interval under {MIN_SEEDS} seed pairs." if few else "",
        "Of the pilot's seeds alone: it fixed how many the others are." if evidence.pilot else "",
    )
    recipe = Recipe("new_subjects", rows, selections(columns, "value"), dict(evidence.baseline))
    said = (*notes, *(note for note in explained if note))
    return finished(evidence, name, f"{title}; new subjects", rows, columns, body, said, recipe)


def _how(evidence: Evidence) -> str:
    if evidence.pilot:
        return two_stage(evidence.pilot)
    return f"t, with room for skew; studentised bootstrap from {STUDENTISED_FROM} pairs"


def _compared(evidence: Evidence, rows: tuple[str, ...], where: Mapping[str, Any] | None) -> list[Key]:
    """The rows of arms other than the baseline; none where a table doesn't tell it from others."""
    pinned = {axis for axis, wanted in (where or {}).items() if len(listed(wanted)) == 1}
    if not evidence.baseline or not set(evidence.baseline) <= {*rows, *pinned}:
        return []
    # A checkpoint has no seed that could be paired with one of the baseline's.
    trained = [arm for arm in evidence.arms if arm.trained and matches(arm, where or {})]
    others = [arm for arm in trained if not evidence.is_baseline(arm)]
    kept = {_of_arm(rows, arm) for arm in others}
    return [key for key in row_keys(evidence, rows, where) if _without_conditions(rows, key) in kept]


def _of_arm(rows: tuple[str, ...], arm: Arm) -> Key:
    return tuple(arm.labels[name] for name in rows if name not in DIMENSIONS)


def _without_conditions(rows: tuple[str, ...], key: Key) -> Key:
    return tuple(value for name, value in zip(rows, key, strict=True) if name not in DIMENSIONS)


def _read(
    evidence: Evidence, rows: tuple[str, ...], columns: Sequence[Column], read: Callable[..., dict[Key, Any]]
) -> list[dict[Key, Any]]:
    """For each column: all labels of an arm and the test conditions of a row → what was measured there.

    A column's choice of arms doesn't enter: it mustn't hide the baseline.
    """
    names = (*evidence.axes, *(name for name in rows if name in DIMENSIONS))
    known: dict[str, dict[Key, Any]] = {}
    found = []
    for column in columns:
        conditions = {name: wanted for name, wanted in column.where.items() if name not in evidence.arms[0].labels}
        seen = repr(sorted(conditions.items()))
        if seen not in known:
            known[seen] = read(evidence, names, Column(conditions, column.head))
        found.append(known[seen])
    return found


def _pairs(
    evidence: Evidence, rows: tuple[str, ...], keys: Sequence[Key], columns: Sequence[Column]
) -> dict[Place, tuple[Arm, Arm]]:
    """Cell → its arm and the baseline of that; of the cells that have both."""
    found = {}
    for i, column in enumerate(columns):
        behind: dict[Key, list[Arm]] = {}
        for arm in (arm for arm in evidence.arms if matches(arm, column.where)):
            behind.setdefault(_of_arm(rows, arm), []).append(arm)
        for key in keys:
            arms = behind.get(_without_conditions(rows, key), [])
            base = evidence.baseline_of(arms[0]) if len(arms) == 1 else None
            if base is not None:
                found[key, i] = (arms[0], base)
    return found


def _at(evidence: Evidence, rows: tuple[str, ...], key: Key, arm: Arm) -> Key:
    """Where `_read` has an arm under the test conditions of a row."""
    conditions = (value for name, value in zip(rows, key, strict=True) if name in DIMENSIONS)
    return tuple([*(arm.labels[axis] for axis in evidence.axes), *conditions])


def _absent(
    evidence: Evidence, rows: tuple[str, ...], key: Key, column: Column, found: Mapping[Key, Any], planned: bool
) -> Cell:
    """Nothing is missing where the grid has no baseline to compare with."""
    return absent(evidence, rows, key, column, found) if planned else UNDEFINED


def _steps(evidence: Evidence, columns: Sequence[Column]) -> tuple[int, ...]:
    """Place of each column among the test levels, hardest first; empty where columns aren't levels."""
    levels = [listed(column.where.get("test_occlusion", ())) for column in columns]
    if evidence.scale is None or any(len(level) != 1 for level in levels) or len({x for [x] in levels}) < 2:
        return ()
    order = evidence.scale.order([x for [x] in levels])
    return tuple(order.index(level) for [level] in levels) if all(x in order for [x] in levels) else ()


def _chains(
    keys: Sequence[Key], columns: Sequence[Column], steps: tuple[int, ...], defined: Sequence[bool]
) -> list[list[Place]]:
    """Cells in the order in which they are tested, an arm's apart; a cell alone where there is no order."""
    if not steps:
        return [[(key, i)] for key in keys for i in range(len(columns))]
    chains: dict[Hashable, list[Place]] = {}
    for key in keys:
        for i in sorted(range(len(columns)), key=lambda i: steps[i]):
            rest = tuple((name, *listed(v)) for name, v in sorted(columns[i].where.items()) if name != "test_occlusion")
            if defined[i]:  # a measure that isn't defined at a level is no test that was left out
                chains.setdefault((key, rest), []).append((key, i))
    return list(chains.values())


def _adjusted(pvalues: Mapping[Place, float], chains: Sequence[Sequence[Place]]) -> dict[Place, float]:
    if all(len(chain) == 1 for chain in chains):
        places = [place for chain in chains for place in chain if place in pvalues]
        return dict(zip(places, holm([pvalues[place] for place in places]).tolist(), strict=True))
    found = fixed_order({i: [pvalues.get(x, math.nan) for x in chain] for i, chain in enumerate(chains)})
    return {x: float(p) for i, chain in enumerate(chains) for x, p in zip(chain, found[i], strict=True)}


def _complete(
    a: Mapping[int, Mapping[str, float]], b: Mapping[int, Mapping[str, float]]
) -> tuple[list[tuple[Mapping[str, float], Mapping[str, float]]], list[str]]:
    """The sides of each common seed, and the subjects that all of them have."""
    sides = [(a[seed], b[seed]) for seed in a if seed in b]
    common = set.intersection(*(set(x) & set(y) for x, y in sides)) if sides else set()
    return sides, sorted(common)
