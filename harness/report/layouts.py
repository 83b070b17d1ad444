"""Which tables a report holds: those its spec declares, else the ablation table and its companions."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from harness.errors import unknown
from harness.report.records import Evidence, option
from harness.report.selection import EVALUATION, HEADS, Column, dimension_values, listed, metric
from harness.report.table import Table
from harness.report.tables import difference_table, gap_table, mean_table

DEPTH = ("order_spatial", "order_temporal")
SECONDARY = ("p_mpjpe", "n_mpjpe", "mpjve", "pck150", "auc", "mpjpe_occluded", "mpjpe_fixed", *DEPTH, "depth_spread")
OCCLUDED = "occluded"
_DEFAULT = {"rows": "objective", "columns": "test_occlusion", "metric": "mpjpe"}
AVERAGES = {"value": "subjects", "per_action": "actions", "per_frame": "frames"}


def tables(evidence: Evidence, declared: list[Any] | None = None) -> list[Table]:
    """All tables of a report, the main one first.

    Raises:
        UserError: a declared table names an axis that isn't there or a metric nobody logged.
    """
    if declared and not _is_default(declared):
        main = [table for i, layout in enumerate(declared, 1) for table in _declared(evidence, layout, i)]
    else:
        main = _ablation(evidence)
    rows = _with_cameras(evidence)
    rest = [
        gap_table(evidence, "gap", evidence.axes, list(evidence.cameras)),
        _secondary(evidence, rows),
        *(_depth_order(evidence, rows, name) for name in DEPTH),
        _averaging(evidence, rows),
    ]
    return [*main, *(table for table in rest if table is not None)]


def _ablation(evidence: Evidence) -> list[Table]:
    kind = metric("mpjpe")
    columns = [
        Column(
            {"metric": "mpjpe", "test_occlusion": level, "cameras": cameras},
            (f"{cameras} cameras, test occlusion", level),
        )
        for cameras in evidence.cameras
        for level in evidence.levels
    ]
    notes = common_notes(evidence)
    main = mean_table(evidence, "ablation", f"{kind.head}, by test occlusion", evidence.axes, columns, notes)
    by_level = [Column({"metric": "mpjpe", "test_occlusion": x}, ("test occlusion", x)) for x in evidence.levels]
    title = f"Paired difference to the baseline: {kind.head}"
    difference = difference_table(evidence, "difference", title, _with_cameras(evidence), by_level)
    return [main, *([difference] if difference else [])]


def _is_default(declared: list[Any]) -> bool:
    """Whether the spec asks for no more than the default layout shows: objectives by test level."""
    (only, *others) = declared
    names = [listed(option(only, name, default)) for name, default in _DEFAULT.items()]
    plain = option(only, "title") is None and not option(only, "where", {})
    return not others and plain and names == [[default] for default in _DEFAULT.values()]


def _declared(evidence: Evidence, layout: Any, number: int) -> list[Table]:
    names = listed(option(layout, "metric", _DEFAULT["metric"]))
    rows = tuple(listed(option(layout, "rows", _DEFAULT["rows"])))
    across = tuple(listed(option(layout, "columns", _DEFAULT["columns"])))
    where = {axis: listed(value) for axis, value in dict(option(layout, "where", {})).items()}
    where["metric"] = names
    if len(names) > 1 and "metric" not in (*rows, *across):
        across += ("metric",)
    for axis in (*rows, *across, *where):
        if axis not in ("metric", "weights", "group"):
            dimension_values(evidence, axis)
    for axis in ("weights", "group"):
        found = set(evidence.frame[axis])
        for value in set(where.get(axis, ())) - found:
            raise unknown(f"{axis} of a table", value, found, key="report.tables")
    # An axis that varies and is named nowhere would pool different arms: it becomes a row key.
    pinned = {axis for axis, values in where.items() if len(values) == 1}
    rows += tuple(axis for axis in evidence.axes if axis not in (*rows, *across, *pinned))
    choices = [where.get(axis) or dimension_values(evidence, axis) for axis in across]
    columns = []
    for chosen in itertools.product(*choices):
        selected = {**where, **dict(zip(across, chosen, strict=True))}
        if "metric" not in rows:
            selected["metric"] = listed(selected["metric"])[0]
        shown = [metric(v).head if axis == "metric" else v for axis, v in zip(across, chosen, strict=True)]
        columns.append(Column(selected, (" · ".join(shown[:-1]), shown[-1] if shown else "")))
    notes = common_notes(evidence)
    for axis in EVALUATION:
        if axis not in (*rows, *across):
            over = where.get(axis) or dimension_values(evidence, axis)
            how = "averaged over " if len(over) > 1 else ""
            notes += (f"{HEADS.get(axis, axis).capitalize()}: {how}{', '.join(over)}.",)
    by = ", ".join(HEADS.get(axis, axis) for axis in across if axis != "metric")
    title = option(layout, "title", ", ".join(metric(name).head for name in names) + (f", by {by}" if by else ""))
    stem = f"table{number}"
    main = mean_table(evidence, stem, title, rows, columns, notes, where)
    difference = difference_table(
        evidence, f"{stem}_difference", f"Paired difference to the baseline: {title}", rows, columns, where=where
    )
    return [main, *([difference] if difference else [])]


def _secondary(evidence: Evidence, rows: tuple[str, ...]) -> Table | None:
    logged = set(evidence.frame["metric"].unique())
    columns = [Column({"metric": "mpjpe"}, ("", "MPJPE, mm"))]
    columns.append(Column({"metric": "mpjpe", "weights": "last"}, ("", "MPJPE of the last epoch, mm")))
    columns += [Column({"metric": name}, ("", metric(name).head)) for name in SECONDARY if name in logged]
    if (evidence.frame["weights"] == "last").sum() == 0:
        columns.pop(1)
    note = (
        f"Averaged over the test levels ({', '.join(evidence.levels)}) at which a metric is defined. Fixed "
        "joints: those hidden at the severe level, scored at every level. Depth spread: 1 is that of the truth, 0 that "
        "of a flat pose; without it a low relational loss says nothing."
    )
    return mean_table(evidence, "metrics", "Other measures", rows, columns, (note,))


def _depth_order(evidence: Evidence, rows: tuple[str, ...], name: str) -> Table | None:
    """Depth order by true gap, all pairs and those with an occluded keypoint apart; None if it wasn't logged."""
    groups = list(evidence.frame.loc[(evidence.frame["metric"] == name).to_numpy(), "group"].unique())
    if not groups:
        return None
    columns = []
    for hidden in (False, True):
        for group in (g for g in groups if g.startswith(OCCLUDED) == hidden):
            gap = group.removeprefix(OCCLUDED).strip()
            head = "pairs with an occluded keypoint" if hidden else "all pairs"
            columns.append(Column({"metric": name, "group": group}, (head, "any gap" if gap in ("", "all") else gap)))
    note = (
        f"Averaged over the test levels ({', '.join(evidence.levels)}) at which a column is defined. Pairs by their "
        "true difference in depth; a predicted tie counts one half, so that chance is 50 %."
    )
    kind = metric(name)
    return mean_table(evidence, name, f"{kind.head[:1].upper()}{kind.head[1:]}, by true gap", rows, columns, (note,))


def _averaging(evidence: Evidence, rows: tuple[str, ...]) -> Table | None:
    """The same errors averaged in the three customary ways: a number without its way isn't comparable."""
    kind = metric("mpjpe")
    parts = [
        mean_table(evidence, "averaging", "", rows, [Column({"metric": "mpjpe"}, ("averaged over", over))], mean=mean)
        for mean, over in AVERAGES.items()
    ]
    title = f"{kind.head}, by how clips are averaged"
    return _joined(parts, title, (f"Averaged over the test levels ({', '.join(evidence.levels)}).",))


def _joined(parts: list[Table], title: str, notes: tuple[str, ...]) -> Table:
    rows = tuple(
        replace(rows[0], cells=tuple(cell for row in rows for cell in row.cells))
        for rows in zip(*(part.rows for part in parts), strict=True)
    )
    columns = tuple(column for part in parts for column in part.columns)
    recipes = [part.recipe for part in parts if part.recipe is not None]
    recipe = replace(recipes[0], columns=tuple(column for one in recipes for column in one.columns))
    merged = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return replace(parts[0], title=title, rows=rows, columns=columns, notes=(*notes, *merged), recipe=recipe)


def common_notes(evidence: Evidence) -> tuple[str, ...]:
    """What every main table's reader must know: whom it speaks of, the protocol, the epoch."""
    subjects = int(evidence.frame["subjects"].max())
    whom = f"these {subjects} test subjects" if subjects != 1 else "this one test subject"
    return (
        f"Protocol {evidence.protocol}; weights of the epoch chosen once per run on the validation subjects.",
        f"Intervals and tests speak of {whom}, over training seeds; not of new subjects.",
    )


def _with_cameras(evidence: Evidence) -> tuple[str, ...]:
    return ("cameras", *evidence.axes) if len(evidence.cameras) > 1 else evidence.axes
