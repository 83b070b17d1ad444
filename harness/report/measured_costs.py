"""Peak memory and throughput of the arms' networks, as the runs measured them: of their machines, not of the runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from harness.report import costs
from harness.report.evidence import Arm, Evidence
from harness.report.records import option
from harness.report.table import Cell, Row, Table, three_digits

NAME, FOLDER = "cost_measured", "machine"
HARDWARE, BATCH, UNKNOWN = "hardware", "batch", "not recorded"
FIGURES = ("cost.predict_bytes", "cost.step_bytes", "cost.predict_per_second", "cost.step_per_second")
"""The final figures of a run behind the columns, in their order; see `harness.training.run_cost`."""
_COLUMNS = (
    ("peak memory, MB", "a prediction"),
    ("peak memory, MB", "a training step"),
    ("windows a second", "predicted"),
    ("windows a second", "trained"),
    ("", "runs"),
)
# What a pass depends on beyond the network; the batch stands in the record itself.
_OF_PASS = ("train.precision", "train.compile", "train.threads")
_NOTES = (
    "Measured by the runs' own processes after the training, beside whatever else the machine did: medians over runs. "
    "Another machine or moment gives other numbers.",
    "Memory: the most that torch's allocator held at a time, beyond weights, optimiser state and the batch. A training "
    "step: forward, mean per-joint error, backward, optimiser; no data, no other loss terms.",
)
Found = tuple[tuple[str, ...], list[Mapping[str, float]]]


def table(evidence: Evidence) -> Table | None:
    """A row for each network, hardware and batch; None if no run measured (records of older runs have no figures)."""
    axes = _axes(evidence)
    rows: dict[tuple[str, ...], list[Mapping[str, float]]] = {}
    for arm in evidence.arms:
        measured = [run_id for run_id in _finished(arm) if "cost.batch" in evidence.summaries.get(run_id, {})]
        labels = tuple(arm.labels.get(axis, "-") for axis in axes)
        for run_id in measured:
            figures = evidence.summaries[run_id]
            hardware = str(option(evidence.records.get(run_id), "hardware", UNKNOWN))
            rows.setdefault((*labels, hardware, f"{figures['cost.batch']:.0f}"), []).append(figures)
        if _finished(arm) and not measured:
            rows.setdefault((*labels, "–", "–"), [])
    if not any(rows.values()):
        return None
    told = {key[: len(axes)] for key, found in rows.items() if found}
    made = [Row(key, _cells(found)) for key, found in rows.items() if found or key[: len(axes)] not in told]
    lacking = sum(cell.missing for row in made for cell in row.cells)
    missing = f"{lacking} of {len(made) * len(_COLUMNS)} cells are missing: no run of that network measured."
    notes = (*_NOTES, *([missing] if lacking else []))
    title = "Peak memory and throughput of the networks"
    return Table(NAME, title, (*axes, HARDWARE, BATCH), _COLUMNS, tuple(made), notes)


def _axes(evidence: Evidence) -> tuple[str, ...]:
    named = dict.fromkeys(axis for arm in evidence.arms for axis in arm.labels)
    return (*costs.paying(evidence), *(axis for axis in named if axis in _OF_PASS))


def _finished(arm: Arm) -> Sequence[str]:
    return [arm.runs[seed] for seed in arm.finished]


def _cells(found: Sequence[Mapping[str, float]]) -> tuple[Cell, ...]:
    if not found:
        return (Cell("not measured", missing=True),) * len(_COLUMNS)
    return (*(_cell(name, found) for name in FIGURES), Cell(str(len(found)), {"n": str(len(found))}))


def _cell(name: str, found: Sequence[Mapping[str, float]]) -> Cell:
    values = [figures[name] for figures in found if name in figures]
    if not values:  # solved in closed form, or trained by others
        return Cell("–")
    text = three_digits(statistics.median(values) / (1e6 if name.endswith("bytes") else 1))
    return Cell(text, {"value": text.replace(",", "")})
