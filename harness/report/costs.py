"""What the arms' networks cost, as they were counted: the same wherever the report is made."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from harness.report.evidence import Arm, Evidence
from harness.report.table import Cell, Row, Table, number

NAME = "cost"
BACKBONE = "backbone"
_NOTES = (
    "Counted anew from the networks, by one counter for all: every product of matrices and every convolution for one "
    "window, attention included, over the frames that come out of it. Published counts follow other rules.",
    "Parameters: numbers that training changes. What a run took stands under Provenance, with the machine; memory and "
    "throughput too, where the runs measured them.",
)


def table(evidence: Evidence) -> Table | None:
    """A row for each network, told apart by the backbone and whatever else changes its cost; None without counts."""
    counted = {id(arm): cost for arm in evidence.arms if (cost := of_arm(evidence, arm))}
    if not counted:
        return None
    axes = paying(evidence)
    rows: dict[tuple[str, ...], Mapping[str, float]] = {}
    for arm in evidence.arms:
        if id(arm) in counted:
            rows.setdefault(tuple(arm.labels.get(axis, "-") for axis in axes), counted[id(arm)])
    columns = (("", "parameters"), ("", "million MACs an output frame"))
    made = tuple(Row(key, _cells(cost)) for key, cost in rows.items())
    return Table(NAME, "Cost of the networks", axes, columns, made, _NOTES)


def of_arm(evidence: Evidence, arm: Arm) -> Mapping[str, float]:
    """The count of an arm's network; empty if nobody counted it."""
    return next((evidence.costs[run_id] for run_id in arm.runs.values() if run_id in evidence.costs), {})


def seconds(evidence: Evidence) -> dict[str, float]:
    """Backbone → median seconds that its finished runs took, as their records say."""
    spent: dict[str, list[float]] = {}
    for arm in evidence.arms:
        for run_id in arm.runs.values():
            took = getattr(evidence.records.get(run_id), "seconds", None)
            if took is not None:
                spent.setdefault(arm.labels.get(BACKBONE, "-"), []).append(float(took))
    return {name: statistics.median(of) for name, of in spent.items()}


def _cells(cost: Mapping[str, float]) -> tuple[Cell, Cell]:
    parameters, macs = int(cost["parameters"]), cost["macs"] / 1e6
    shown = number(macs, 2)
    return Cell(f"{parameters:,}", {"value": str(parameters)}), Cell(shown, {"value": shown})


def paying(evidence: Evidence) -> tuple[str, ...]:
    """The backbone, and each axis on which two arms that differ in nothing else cost differently."""
    counted = {id(arm): cost for arm in evidence.arms if (cost := of_arm(evidence, arm))}
    names = dict.fromkeys(axis for arm in evidence.arms for axis in arm.labels)
    found = [BACKBONE]
    for axis in names:
        seen: dict[tuple, Mapping[str, float]] = {}
        for arm in evidence.arms:
            if id(arm) in counted:
                rest = tuple(value for name, value in arm.labels.items() if name != axis)
                if seen.setdefault(rest, counted[id(arm)]) != counted[id(arm)] and axis not in found:
                    found.append(axis)
    return tuple(found)
