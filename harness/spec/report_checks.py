"""What can be wrong with a ``report`` section although each value in it is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import registry
from harness.errors import UserError, unknown
from harness.spec.fields import printed
from harness.spec.report_section import Report, Table
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document
from harness.spec.yaml_lines import Path as Place

EVALUATION = ("test_occlusion", "cameras")
_WHERE = (*EVALUATION, "weights", "group")


def report(given: Report, axes: Mapping[str, list[str]], file: SpecFile, document: Document) -> Report:
    """The report with every value as labels print it, its names and values checked.

    Args:
        given: as in the file.
        axes: axis → printed values of the runs.
    Raises:
        UserError: an unknown axis, a value no run has, an unknown metric.
    """
    baseline = {}
    for axis, value in given.baseline.items():
        where = document.where(("report", "baseline", axis))
        if axis not in axes:
            raise unknown("axis", axis, axes, **where)
        if axis == "seed":
            raise UserError("arms are compared seed by seed: a baseline names no seed", **where)
        if printed(value) not in axes[axis]:
            raise unknown(f"{axis} of the baseline", printed(value), axes[axis], **where)
        baseline[axis] = printed(value)
    values = {**axes, "test_occlusion": file.test.occlusion, "cameras": [str(c) for c in file.test.cameras]}
    tables = [_table(table, index, values, document) for index, table in enumerate(given.tables)]
    return given.model_copy(update={"baseline": baseline, "tables": tables})


def _table(table: Table, index: int, values: Mapping[str, list[str]], document: Document) -> Table:
    place: Place = ("report", "tables", index)
    names = [*values, "metric"]
    seen: list[str] = []
    for side in ("rows", "columns"):
        for name in _listed(getattr(table, side)):
            here = document.where((*place, side))
            if name not in names:
                raise unknown("axis", name, names, **here)
            if name in seen:
                raise UserError(f"'{name}' is named twice in this table's rows and columns", **here)
            seen.append(name)
    metrics = _listed(table.metric)
    for name in metrics:
        registry.get("metrics", name, **document.where((*place, "metric")))
    if not metrics or len(set(metrics)) < len(metrics):
        raise UserError("a table shows at least one metric, each once", **document.where((*place, "metric")))
    where: dict[str, Any] = {}
    for axis, wanted in table.where.items():
        here = document.where((*place, "where", axis))
        if axis not in (*values, *_WHERE):
            raise unknown("axis", axis, (*values, *_WHERE), **here)
        shown = [printed(value) for value in _listed(wanted)]
        known = {"weights": ["best", "last"], **values}.get(axis, shown)
        for value in shown:
            if value not in known:
                raise unknown(f"value of {axis}", value, known, **here)
        where[axis] = shown if isinstance(wanted, list) else shown[0]
    return table.model_copy(update={"where": where})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
