"""What can be wrong with a ``report`` section although each value in it is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from harness import registry
from harness.errors import UserError, unknown
from harness.spec import published
from harness.spec.claims import areas
from harness.spec.fields import printed
from harness.spec.report_section import FIGURES, Labels, Published, Report, Table, Variance
from harness.spec.run import Run
from harness.spec.schema import SpecFile, explain
from harness.spec.yaml_lines import Document
from harness.spec.yaml_lines import Path as Place

EVALUATION = ("test_occlusion", "cameras")
_WHERE = (*EVALUATION, "weights", "group")
Values = Mapping[str, list[str]]


def report(
    given: Report, axes: Mapping[str, list[str]], runs: Sequence[Run], file: SpecFile, document: Document
) -> Report:
    """The report with every value as labels print it, its names and values checked.

    Args:
        given: as in the file.
        axes: axis → printed values of the runs.
        runs: of the spec.
    Raises:
        UserError: an unknown axis, a value no run has, an unknown metric, figure or published number.
    """
    levels = list(file.test.occlusion)
    values = {**axes, "test_occlusion": levels, "cameras": [str(c) for c in file.test.cameras]}
    metrics = [name for table in given.tables for name in _listed(table.metric)] or list(registry.entries("metrics"))
    _labels(given.labels, values, metrics, ("report", "labels"), document)
    return given.model_copy(
        update={
            "baseline": _baseline(given.baseline, axes, runs, ("report", "baseline"), document),
            "tables": [_table(table, index, values, axes, runs, document) for index, table in enumerate(given.tables)],
            "figures": _figures(given.figures, document),
            "reference": [
                _reference(entry, ("report", "reference", index), document)
                for index, entry in enumerate(given.reference)
            ],
            "variance": _variance(given.variance, axes, values, document),
        }
    )


def _baseline(
    given: Mapping[str, Any], axes: Mapping[str, list[str]], runs: Sequence[Run], place: Place, document: Document
) -> dict[str, str]:
    baseline = {}
    for axis, value in given.items():
        where = document.where((*place, axis))
        if axis not in axes:
            raise unknown("axis", axis, axes, **where)
        if axis == "seed":
            raise UserError("arms are compared seed by seed: a baseline names no seed", **where)
        if printed(value) not in axes[axis]:
            raise unknown(f"{axis} of the baseline", printed(value), axes[axis], **where)
        baseline[axis] = printed(value)
    if not any(all(run.labels[axis] == value for axis, value in baseline.items()) for run in runs):
        named = " and ".join(f"{axis} {value}" for axis, value in baseline.items())
        raise UserError(f"the grid has no run with {named} together", **document.where(place))
    return baseline


def _table(
    table: Table,
    index: int,
    values: Values,
    axes: Mapping[str, list[str]],
    runs: Sequence[Run],
    document: Document,
) -> Table:
    place: Place = ("report", "tables", index)
    names = [*values, "metric"]
    seen: list[str] = []
    for side in ("rows", "columns"):
        for name in _listed(getattr(table, side)):
            here = document.where((*place, side))
            if name not in names:
                raise unknown("axis", name, names, **here)
            if name == "seed":
                raise UserError("every cell is over the seeds: they are neither rows nor columns", **here)
            if name in seen:
                raise UserError(f"'{name}' is named twice in this table's rows and columns", **here)
            seen.append(name)
    metrics = _listed(table.metric)
    for name in metrics:
        registry.get("metrics", name, **document.where((*place, "metric")))
    if not metrics or len(set(metrics)) < len(metrics):
        raise UserError("a table shows at least one metric, each once", **document.where((*place, "metric")))
    known: Values = {
        **values,
        "test_occlusion": [*values["test_occlusion"], *areas(values["test_occlusion"])],
        "metric": metrics,
    }
    where: dict[str, Any] = {}
    for axis, wanted in table.where.items():
        here = document.where((*place, "where", axis))
        if axis not in (*values, *_WHERE):
            raise unknown("axis", axis, (*values, *_WHERE), **here)
        if axis == "seed":
            raise UserError("every cell is over all seeds: a table names none", **here)
        shown = _values(wanted, axis, {"weights": ["best", "last"], **known}.get(axis), here)
        where[axis] = shown if isinstance(wanted, list) else shown[0]
    if table.group is not None:
        here = document.where((*place, "group"))
        if table.group not in names or table.group == "seed":
            raise unknown("axis", table.group, [name for name in names if name != "seed"], **here)
        if table.group in _listed(table.columns):
            raise UserError(f"'{table.group}' is a column of this table; bands are of rows", **here)
    order = {}
    for axis, wanted in table.order.items():
        here = document.where((*place, "order", axis))
        if axis not in known:
            raise unknown("axis", axis, known, **here)
        order[axis] = _values(wanted, axis, known[axis], here)
    _labels(table.labels, values, metrics, (*place, "labels"), document)
    baseline = table.baseline
    if baseline is not None:
        baseline = _baseline(baseline, axes, runs, (*place, "baseline"), document)
    return table.model_copy(update={"where": where, "order": order, "baseline": baseline})


def _variance(
    given: Variance | None, axes: Mapping[str, list[str]], values: Values, document: Document
) -> Variance | None:
    if given is None:
        return None
    place: Place = ("report", "variance")
    over = {name: axis for name in ("folds", "draws") if (axis := getattr(given, name)) is not None}
    for name, axis in over.items():
        here = document.where((*place, name))
        if axis not in axes:
            raise unknown("axis", axis, axes, **here)
        if axis == "seed":
            raise UserError("seeds are told apart from folds and draws already; name another axis", **here)
    if len(set(over.values())) < len(over):
        raise UserError(f"'{given.folds}' can't be both folds and draws", **document.where((*place, "draws")))
    levels = values["test_occlusion"]
    known: Values = {**values, "test_occlusion": [*levels, *areas(levels)]}
    where = {}
    for axis, wanted in given.where.items():
        here = document.where((*place, "where", axis))
        if axis not in values or axis in ("seed", *over.values()):
            raise unknown("axis", axis, [one for one in values if one not in ("seed", *over.values())], **here)
        shown = _values(wanted, axis, known[axis], here)
        where[axis] = shown if isinstance(wanted, list) else shown[0]
    return given.model_copy(update={"where": where})


def _values(wanted: Any, axis: str, known: Sequence[str] | None, here: Mapping[str, Any]) -> list[str]:
    """The values as labels print them, each known and named once."""
    shown = [printed(value) for value in _listed(wanted)]
    for value in shown:
        if known is not None and value not in known:
            raise unknown(f"value of {axis}", value, known, **here)
    if not shown or len(set(shown)) < len(shown):
        raise UserError(f"it names at least one value of {axis}, each once", **here)
    return shown


def _labels(labels: Labels, values: Values, metrics: list[str], place: Place, document: Document) -> None:
    """Refuse other words for what no table can show."""
    known = {
        **values,
        "test_occlusion": [*values["test_occlusion"], *areas(values["test_occlusion"])],
        "metric": metrics,
    }
    everywhere = [*known, *(value for found in known.values() for value in found)]
    for name, shown in labels.items():
        here = document.where((*place, name))
        if isinstance(shown, str):
            if name not in everywhere:
                raise unknown("value or axis", name, everywhere, **here)
            continue
        if name not in known:
            raise unknown("axis", name, known, **here)
        for value in shown:
            if value not in known[name]:
                raise unknown(f"value of {name}", value, known[name], **document.where((*place, name, value)))


def _figures(given: Any, document: Document) -> Any:
    """``all``, or the figures in order: a name, or a name with its options."""
    if given == "all":
        return given
    found: list[Any] = []
    for index, figure in enumerate(_listed(given)):
        here = document.where(("report", "figures", index))
        named = figure if isinstance(figure, dict) else {figure: None}
        for name, options in named.items():
            if name not in FIGURES:
                raise unknown("figure", str(name), FIGURES if isinstance(given, list) else ("all", *FIGURES), **here)
            if options is not None and not isinstance(options, dict):
                raise UserError(f"the options of the figure '{name}' are a mapping; got {options!r}", **here)
            found.append({name: options} if options else name)
    return found


def _reference(entry: Any, place: Place, document: Document) -> str | Published:
    if isinstance(entry, dict):
        try:
            number = Published.model_validate(entry)
        except ValidationError as error:
            raise explain(error, Published, document, place) from None
        registry.get("metrics", number.metric, **document.where((*place, "metric")))
        return number
    try:
        published.chosen([str(entry)])
    except UserError as error:
        raise UserError(error.message, **document.where(place)) from None
    return str(entry)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
