"""The tables that a spec declares."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness import protocols
from harness.errors import unknown
from harness.report.area import head
from harness.report.arranging import arranged, headed, ordered
from harness.report.differences import difference_tables
from harness.report.evidence import BACKBONE, Evidence
from harness.report.records import option
from harness.report.selection import EVALUATION, HEADS, Column, dimension_values, listed, matches, metric, unlogged
from harness.report.table import Table
from harness.report.tables import mean_table
from harness.report.words import Labels, spoken

DEFAULT = {"rows": "objective", "columns": "test_occlusion", "metric": "mpjpe"}


def declared_tables(evidence: Evidence, layout: Any, number: int, common: Labels) -> list[Table]:
    """A declared table, and what follows it: differences to the baseline.

    Args:
        evidence: what the runs left.
        layout: one of the spec's tables.
        number: its place among them, from 1.
        common: other words for values in every table; the table's own go first.
    Raises:
        UserError: an axis that isn't there, a metric nobody logged.
    """
    key = f"report.tables[{number - 1}]"
    names = listed(option(layout, "metric", DEFAULT["metric"]))
    logged = set(evidence.frame["metric"])
    for name in names:
        if name not in logged:
            raise unlogged(name, logged, f"{key}.metric")
    group, order = option(layout, "group"), dict(option(layout, "order", {}))
    rows = tuple(listed(option(layout, "rows", DEFAULT["rows"])))
    across = tuple(listed(option(layout, "columns", DEFAULT["columns"])))
    where = {axis: listed(value) for axis, value in dict(option(layout, "where", {})).items()}
    where["metric"] = names
    if group is not None and group not in rows:
        rows = (group, *rows)
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
    compared = _compared_with(evidence, option(layout, "baseline"))
    spare = tuple(axis for axis in compared.printed if axis not in (*rows, *across, *pinned))
    rows += spare
    choices = [ordered(where.get(axis) or dimension_values(evidence, axis), order.get(axis, ())) for axis in across]
    labels = {**common, **option(layout, "labels", {})}
    columns = []
    for chosen in itertools.product(*choices):
        selected = {**where, **dict(zip(across, chosen, strict=True))}
        if len(across) > 1 and not any(matches(arm, selected) for arm in evidence.arms):
            continue  # no arm of the grid has both
        if "metric" not in rows:
            selected["metric"] = listed(selected["metric"])[0]
        shown = [_head(axis, value, labels) for axis, value in zip(across, chosen, strict=True)]
        columns.append(Column(selected, (" · ".join(shown[:-1]), shown[-1] if shown else "")))
    notes = common_notes(evidence, where.get("weights", ["best"]))
    if len(where.get("group", ())) > 1:
        notes += (f"Group: averaged over {', '.join(where['group'])}.",)
    for axis in EVALUATION:
        if axis not in (*rows, *across):
            over = where.get(axis) or dimension_values(evidence, axis)
            how = "averaged over " if len(over) > 1 else ""
            notes += (f"{HEADS.get(axis, axis).capitalize()}: {how}{', '.join(over)}.",)
    by = ", ".join(HEADS.get(axis, axis) for axis in across if axis != "metric")
    title = option(layout, "title", ", ".join(metric(name).head for name in names) + (f", by {by}" if by else ""))
    stem = f"table{number}"
    main = mean_table(evidence, stem, title, rows, columns, notes, where)
    made = [main]
    if option(layout, "differences", True):
        title = f"Paired difference to the baseline: {title}"
        made += difference_tables(compared, f"{stem}_difference", title, rows, columns, where=where)
    return [arranged(table, order=order, group=group, labels=labels, spare=spare) for table in made]


def _compared_with(evidence: Evidence, baseline: Any) -> Evidence:
    """The evidence with a table's own baseline, if it has one."""
    if baseline is None:
        return evidence
    named = {str(axis): str(value) for axis, value in dict(baseline).items()}
    return replace(evidence, baseline={axis: value for axis, value in named.items() if axis in evidence.axes})


def _head(axis: str, value: str, labels: Labels) -> str:
    if axis == "metric":
        return metric(value).head
    if axis == "test_occlusion":
        return head(value)
    number = value.lstrip("-")[:1].isdecimal()
    return f"{headed(labels, axis)} {value}" if number and isinstance(labels.get(axis), str) else value


def common_notes(evidence: Evidence, weights: Sequence[str] = ("best",)) -> tuple[str, ...]:
    """What the reader of every main table must know: whom it speaks of, the protocol, the epoch."""
    epochs = {"best": "of the epoch chosen once per run on the validation subjects", "last": "of the last epoch"}
    of_tests = evidence.by_metric.get(DEFAULT["metric"], evidence.frame)["subjects"]
    fewest, subjects = int(of_tests.min()), int(of_tests.max())
    protocol = protocols.of(evidence.protocol)
    whom = f"these {subjects} test subjects" if subjects != 1 else "this one test subject"
    if fewest < subjects:
        whom = f"each row's own {fewest} to {subjects} test subjects"
    if protocol.chosen_on_test:
        epochs["best"] = "of the epoch with the lowest error on the test clips themselves"
    which = ", averaged with those ".join(epochs[weight] for weight in weights)
    return (
        f"Protocol {protocol.title} ({protocol.summary}); weights {which}.",
        f"Intervals and tests speak of {whom}, over training seeds; not of new subjects.",
        *_own(evidence),
    )


def _own(evidence: Evidence) -> list[str]:
    """What the rows don't print, as each backbone has its own."""
    said = []
    for axis, of in evidence.own.items():
        values = (
            f"{spoken(evidence.words, BACKBONE, backbone)} {spoken(evidence.words, axis, value)}"
            for backbone, value in of.items()
            if value != "-"
        )
        said.append(f"{headed(evidence.words, axis)} ({', '.join(values)})")
    return [f"Each backbone has its own {'; '.join(said)}."] if said else []
