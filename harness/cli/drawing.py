"""A report's figures, begun in a process beside this one while its tables are computed here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cli import aside
from harness.cli.collecting import rarely
from harness.cli.cost import Counts, Network

if TYPE_CHECKING:
    from harness.cli.aside import Answers, Aside
    from harness.report import Report
    from harness.report.evidence import Evidence
    from harness.report.figures import Planned


_NEEDED = ("harness.training.cost", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg")


@contextmanager
def helper() -> Iterator[Aside | None]:
    """A process that helps with reports, see `aside.beside`; what it will need is loaded at once."""
    with rarely(), aside.beside() as other:
        if other is not None:
            other.ask(f"{__name__}:loaded", *_NEEDED)
        yield other


def loaded(*modules: str) -> tuple[()]:
    """Modules are imported before they are needed."""
    for module in modules:
        importlib.import_module(module)
    return ()


def ahead(other: Aside, report: Report) -> Answers:
    """Have those figures drawn there that need no row of an evaluation; see `harness.report.collect`, ``before``.

    Raises:
        UserError: a figure or an option that isn't there is asked for.
    """
    from harness.report.figures import FROM_CURVES

    known = replace(report.evidence, records={}, costs={}, registered={}, _known={})
    return other.ask(f"{__name__}:drawn", known, [], {}, [one for one in _plan(report) if one[1] in FROM_CURVES])


def begun(other: Aside, report: Report, counts: Counts, early: Answers | None = None) -> Answers:
    """Have the figures of a report drawn there, beside those of `ahead`; see `harness.report.figures.each`.

    Raises:
        UserError: a figure or an option that isn't there is asked for.
    """
    from harness.report.figures import FROM_CURVES

    evidence = report.evidence
    # Of millions of rows only what figures are drawn from.
    others = [name for name in ("per_action", "per_frame", "n", "subjects") if name != evidence.mean]
    sent = replace(
        evidence, frame=evidence.frame.drop(columns=others), records={}, subjects=(), costs={}, registered={}, _known={}
    )
    plan = [one for one in _plan(report) if early is None or one[1] not in FROM_CURVES]
    return other.ask(f"{__name__}:drawn", sent, counts.networks, counts.places, plan, among=early)


def _plan(report: Report) -> list[Planned]:
    from harness.report.figures import planned
    from harness.report.records import option

    return planned(option(report.spec.report, "figures") or None)


def drawn(
    evidence: Evidence, networks: Sequence[Network], places: Mapping[str, int], plan: Sequence[Any]
) -> Iterator[Any]:
    """The planned figures, with the counts of the runs' networks."""
    from harness.report.figures import each

    return each(replace(evidence, costs=Counts(networks, places)), plan)
