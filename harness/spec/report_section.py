"""The ``report`` section of a spec file, typed: which tables and figures the report shows, and beside what."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from harness.spec.run import Part


def _spelt(value: Any) -> Any:
    """The keys of a mapping as words: ``81: T = 81`` names the value that is printed as 81."""
    if not isinstance(value, dict):
        return value
    return {key if isinstance(key, str) else json.dumps(key): _spelt(item) for key, item in value.items()}


FIGURES = (
    *("occlusion", "difference", "joints", "lambda", "lambdas", "cost", "learning", "terms", "depth_order"),
    *("tuning_fresh", "tuning_history", "tuning_importance", "tuning_slices", "tuning_contour", "tuning_front"),
)
"""Names of the figures that a report can hold; `harness.report.figures` draws them."""
Words = Annotated[str, Field(min_length=1)]
Labels = Annotated[dict[str, str | dict[str, str]], BeforeValidator(_spelt)]


class Table(Part):
    """One table of the report.

    Attributes:
        rows, columns: one axis or several; columns may be ``test_occlusion``, ``cameras`` or ``metric``.
        metric: registry names of what the cells show: one or several.
        baseline: axis → value of the arms that this table's are compared with; the report's when missing.
        title: heading; made from the rest when missing.
        where: axis → value: only runs (and evaluations) with these values.
        group: the key whose values become bands of rows.
        order: axis → values that come first, in this order; the rest follow as in the spec.
        labels: value → what is printed for it, or axis → value → that; the report's apply too.
        differences: whether the paired differences to the baseline follow in a table of their own.
    """

    rows: str | list[str] = "objective"
    columns: str | list[str] = "test_occlusion"
    metric: str | list[str] = "mpjpe"
    baseline: dict[str, Any] | None = None
    title: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    group: str | None = None
    order: dict[str, list[Any]] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    differences: bool = True


class Variance(Part):
    """A table of where the spread of each arm's MPJPE comes from.

    Attributes:
        folds: the axis whose values train and test on other people; without it all subjects are one fold.
        draws: the axis that draws cameras and noise anew (``data.seed``); without it they are as they are.
        where: axis → value: only arms and test conditions with these; the area under the occlusion curve when
            test_occlusion is missing.
    """

    folds: str | None = None
    draws: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)


class Published(Part):
    """A number that somebody published: shown apart from measured ones, never compared with them.

    Attributes:
        label: what it is of.
        value: the number, in the unit of its metric (mm for position errors).
        metric: registry name of the metric.
        source: where it is printed: paper, table or address.
        protocol: whose subjects and how averaged.
        detector: where the 2D keypoints come from.
        dataset: what it was measured on.
        about: whether the source itself gives it as approximate.
        note: what else a reader must know.
        contradicts: what disagrees with it.
    """

    label: Words
    value: Annotated[float, Field(allow_inf_nan=False)]
    metric: str = "mpjpe"
    source: Words
    protocol: Words
    detector: Words
    dataset: Words = "not stated"
    about: bool = False
    note: str = ""
    contradicts: str = ""


class Report(Part):
    """What the report shows.

    Attributes:
        title: heading of the page; the spec's name when missing.
        baseline: axis → value of the arms that others are compared with.
        tables: the tables; the report's usual ones when missing.
        figures: names of figures, each alone or with its options; ``all`` is those that the runs can fill.
        labels: value → what is printed for it in every table, or axis → value → that.
        reference: published numbers to stand beside, in a table of their own: names of shipped ones (``*`` stands for
            any letters), or numbers given here.
        variance: asks for the table of where the spread comes from: seeds, cameras, subjects, folds, the epoch.
    """

    title: str | None = None
    baseline: dict[str, Any] = Field(default_factory=dict)
    tables: list[Table] = Field(default_factory=list)
    figures: Any = "all"
    labels: Labels = Field(default_factory=dict)
    reference: list[Any] = Field(default_factory=list)
    variance: Variance | None = None
