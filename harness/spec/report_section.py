"""The ``report`` section of a spec file, typed: which tables the report shows."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.spec.run import Part


class Table(Part):
    """One table of the report.

    Attributes:
        rows, columns: one axis or several; columns may be ``test_occlusion``, ``cameras`` or ``metric``.
        metric: registry names of what the cells show: one or several.
        title: heading; made from the rest when missing.
        where: axis → value: only runs (and evaluations) with these values.
    """

    rows: str | list[str] = "objective"
    columns: str | list[str] = "test_occlusion"
    metric: str | list[str] = "mpjpe"
    title: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)


class Report(Part):
    """What the report shows.

    Attributes:
        title: heading of the page; the spec's name when missing.
        baseline: axis → value of the arms that others are compared with.
        tables: the tables; the report's usual ones when missing.
    """

    title: str | None = None
    baseline: dict[str, Any] = Field(default_factory=dict)
    tables: list[Table] = Field(default_factory=list)
