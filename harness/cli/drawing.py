"""A report's figures, begun in a process beside this one while its tables are computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cli.cost import Counts, Network

if TYPE_CHECKING:
    from harness.cli.aside import Answers, Aside
    from harness.report import Report
    from harness.report.evidence import Evidence


def begun(other: Aside, report: Report, counts: Counts) -> Answers:
    """Have the figures of a report drawn there; see `harness.report.figures.each`.

    Raises:
        UserError: a figure or an option that isn't there is asked for.
    """
    from harness.report.figures import planned
    from harness.report.records import option

    evidence = report.spoken
    # Of millions of rows only what figures are drawn from.
    others = [name for name in ("per_action", "per_frame", "n", "subjects") if name != evidence.mean]
    sent = replace(
        evidence, frame=evidence.frame.drop(columns=others), records={}, subjects=(), costs={}, registered={}, _known={}
    )
    plan = planned(option(report.spec.report, "figures") or None)
    return other.ask(f"{__name__}:drawn", sent, counts.networks, counts.places, plan)


def drawn(
    evidence: Evidence, networks: Sequence[Network], places: Mapping[str, int], plan: Sequence[Any]
) -> Iterator[Any]:
    """The planned figures, with the counts of the runs' networks."""
    from harness.report.figures import each

    return each(replace(evidence, costs=Counts(networks, places)), plan)
