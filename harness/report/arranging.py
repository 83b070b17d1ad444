"""A finished table as a spec wants it read: order of rows, bands of rows, other words for values.

Only what is printed changes: a row's ``raw`` keys and the table's recipe stay in the words of the records.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.report.area import head
from harness.report.selection import HEADS, listed, metric
from harness.report.table import Row, Table
from harness.report.words import Labels, spoken


def headed(labels: Labels, axis: str) -> str:
    """What is printed for an axis."""
    own = labels.get(axis)
    return own if isinstance(own, str) else HEADS.get(axis, axis)


def ordered(values: Sequence[str], first: Sequence[str]) -> list[str]:
    """``values`` with those that ``first`` names before the others."""
    return [value for value in first if value in values] + [value for value in values if value not in first]


def arranged(
    table: Table,
    *,
    order: Mapping[str, Sequence[str]] | None = None,
    group: str | None = None,
    labels: Labels | None = None,
    spare: Collection[str] = (),
) -> Table:
    """The table in another order and other words.

    Args:
        table: what `harness.report.tables` made; one without a recipe is left alone.
        order: axis → values that come first, in this order.
        group: the key whose values become bands: it is no key column any more.
        labels: value → what is printed for it, or axis → value → that; axis → its head.
        spare: keys that are no columns where all rows have one value: a note says which, unless it's none.
    """
    if table.recipe is None:
        return table
    axes, labels = table.recipe.rows, labels or {}
    rows = _in_order(table.rows, axes, order or {}, group)
    at = axes.index(group) if group in axes else None
    alike = _alike(rows, axes, spare)
    kept = [i for i, axis in enumerate(axes) if i != at and axis not in alike]
    recipe = table.recipe
    return replace(
        table,
        keys=tuple(headed(labels, axes[i]) if axes[i] in labels else table.keys[i] for i in kept),
        columns=tuple(
            (_head(labels, chosen, over), _head(labels, chosen, label))
            for chosen, (over, label) in zip(recipe.columns, table.columns, strict=True)
        ),
        rows=tuple(_row(row, axes, kept, at, labels) for row in rows),
        notes=(
            *_said_of_all(alike, labels),
            *(_note(note, recipe.baseline, labels) for note in table.notes),
        ),
    )


def _alike(rows: Sequence[Row], axes: Sequence[str], spare: Collection[str]) -> dict[str, str]:
    """The spare axes of which all rows have one value, and that."""
    found = {axis: {row.raw[i] for row in rows} for i, axis in enumerate(axes) if axis in spare}
    return {axis: value for axis, values in found.items() if len(values) == 1 for value in values}


def _said_of_all(alike: Mapping[str, str], labels: Labels) -> list[str]:
    told = [f"{headed(labels, axis)} {spoken(labels, axis, value)}" for axis, value in alike.items() if value != "-"]
    return [f"All rows: {', '.join(told)}."] if told else []


def _in_order(
    rows: Sequence[Row], axes: Sequence[str], order: Mapping[str, Sequence[str]], group: str | None
) -> list[Row]:
    """Rows by the places of their keys, the group's first; without an order only the group's bands are gathered."""
    places = []
    for i, axis in enumerate(axes):
        values = list(dict.fromkeys(row.raw[i] for row in rows))
        places.append({value: n for n, value in enumerate(ordered(values, order.get(axis, ())))})
    by = [i for i, axis in enumerate(axes) if axis == group]
    if any(axis in order for axis in axes):
        by += [i for i, axis in enumerate(axes) if axis != group]
    return sorted(rows, key=lambda row: [places[i][row.raw[i]] for i in by])


def _row(row: Row, axes: Sequence[str], kept: Sequence[int], at: int | None, labels: Labels) -> Row:
    keys = [spoken(labels, axis, key) for axis, key in zip(axes, row.keys, strict=True)]
    band = keys[at] if at is not None else ""
    if at is not None and band == row.keys[at]:
        # A bare number says nothing over a band.
        band = f"{headed(labels, axes[at])}: {band}"
    marked = kept.index(row.marked) if row.marked in kept else 0
    return replace(row, keys=tuple(keys[i] for i in kept), marked=marked, band=band)


def _head(labels: Labels, chosen: Mapping[str, Any], text: str) -> str:
    """A column's head in other words: each of its parts that is a value of the column's selection."""
    return " · ".join(_part(labels, chosen, part) for part in text.split(" · "))


def _part(labels: Labels, chosen: Mapping[str, Any], text: str) -> str:
    for axis, wanted in chosen.items():
        for value in listed(wanted) if axis != "mean" else ():
            word = spoken(labels, axis, value)
            if word == value:
                continue
            if text in (value, head(value), metric(value).head if axis == "metric" else value):
                return word
            if axis == "cameras" and text.startswith(f"{value} cameras"):
                return word + text[len(value) :]
    return text


def _note(note: str, baseline: Mapping[str, str], labels: Labels) -> str:
    for axis, value in baseline.items():
        named = f"{HEADS.get(axis, axis)} = {value}"
        note = note.replace(named, f"{headed(labels, axis)} = {spoken(labels, axis, value)}")
    return note
