"""One report: evidence, tables, and the files they become."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.report import layouts, provenance, records, writers
from harness.report.figures import figures
from harness.report.page import page
from harness.report.records import Evidence, Source, Store, option
from harness.report.table import Table
from harness.report.writing import PAGE, put


@dataclass(frozen=True)
class Report:
    """What a report says, before it is printed.

    Attributes:
        spec: the spec it speaks of.
        evidence: what the finished runs left.
        uri: the tracking store it was read from.
    """

    spec: Any
    evidence: Evidence
    uri: str | None = None

    @cached_property
    def tables(self) -> list[Table]:
        """All tables, the main one first."""
        return layouts.tables(self.evidence, list(option(self.spec.report, "tables", [])))

    @property
    def title(self) -> str:
        return option(self.spec.report, "title", self.spec.name)

    @cached_property
    def warnings(self) -> list[str]:
        """What no reader may miss: runs that are absent or failed, arms that had not converged."""
        evidence, said = self.evidence, []
        absent = evidence.planned - evidence.finished
        if absent:
            arms = [
                f"{evidence.describe(arm)} ({len(arm.runs) - len(arm.finished)} of {len(arm.runs)})"
                for arm in evidence.arms
                if len(arm.finished) < len(arm.runs)
            ]
            said.append(f"{absent} of {evidence.planned} runs are missing: {'; '.join(arms)}.")
        if evidence.failed:
            said.append(f"{len(evidence.failed)} of them failed; the reasons stand at the end, under Provenance.")
        if evidence.unevaluated:
            named = [f"{level} with {cameras} cameras ({n})" for (level, cameras), n in evidence.unevaluated.items()]
            said.append(f"Finished runs not tested yet at {', '.join(named)}: `repose run` does it, without training.")
        falling = [
            f"{evidence.describe(arm)} ({len(arm.falling)} of {len(arm.finished)} runs, {_slope(arm)})"
            for arm in evidence.arms
            if arm.falling
        ]
        if falling:
            said.append(
                "Still falling when training ended, so that longer training may change the order of arms: "
                f"{'; '.join(falling)}. Slopes are of the validation MPJPE over the last fifth of the steps."
            )
        return said

    @property
    def summary(self) -> list[str]:
        """What was compared, in a sentence or two."""
        evidence = self.evidence
        seeds = sorted({len(arm.finished) for arm in evidence.arms})
        several = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
        lines = [
            f"{len(evidence.arms)} arms, {evidence.finished} of {evidence.planned} runs finished, {several} seeds an "
            f"arm, tested at {', '.join(evidence.levels)} with {' and '.join(evidence.cameras)} cameras."
        ]
        if evidence.baseline:
            lines.append("Baseline: " + ", ".join(f"{k} = {v}" for k, v in evidence.baseline.items()) + ".")
        return lines

    def files(self) -> dict[str, str]:
        """Relative path → text of every file of the report."""
        drawn = figures(self.evidence)
        made = {f"tables/{t.name}.{suffix}": render(t) for t in self.tables for suffix, render in _RENDERERS.items()}
        made |= {f"figures/{name}.svg": svg for name, (_, svg, *_) in drawn.items()}
        made["runs.csv"] = self.evidence.frame.to_csv(index=False, lineterminator="\n")
        made[PAGE] = page(
            self.title,
            self.summary,
            self.warnings,
            self.tables,
            drawn,
            provenance.identity(self.spec, self.evidence),
            provenance.machine(self.evidence, self.uri),
        )
        return made


_RENDERERS = {"md": writers.markdown, "tex": writers.latex, "csv": writers.comma_separated}


def collect(spec: Any, uri: str | None = None, *, source: Source | None = None) -> Report:
    """Read what the finished runs of ``spec`` left.

    Args:
        spec: a loaded spec.
        uri: tracking store; None is the spec's own, else the default one.
        source: read from here instead of the tracking store.

    Raises:
        UserError: no run is finished; a baseline or table names what isn't there; the store is unreachable.
    """
    uri = uri or option(option(spec, "tracking", {}), "uri")
    return Report(spec, records.load(spec, source or Store(uri)), uri)


def write(spec: Any, uri: str | None = None, out: str | Path | None = None, *, source: Source | None = None) -> Path:
    """Write the report of ``spec`` (or a collected `Report`) and return the path of its page.

    Args:
        spec: a loaded spec, or what `collect` gave.
        uri: tracking store, see `collect`.
        out: the folder; None is ``results/<name of the spec>`` in the working folder.
        source: read from here instead of the tracking store.

    Raises:
        UserError: as `collect`; or the folder can't be written.
    """
    report = spec if isinstance(spec, Report) else collect(spec, uri, source=source)
    folder = Path("results") / report.spec.name if out is None else Path(out)
    return put(folder, report.files())


def render_terminal(spec: Any, uri: str | None = None, *, source: Source | None = None, width: int = 120) -> str:
    """The main table, and what no reader may miss, as plain text of about ``width`` columns."""
    report = spec if isinstance(spec, Report) else collect(spec, uri, source=source)
    return "\n".join([writers.plain(report.tables[0], width), *(textwrap.fill(w, width) for w in report.warnings)])


def _slope(arm: records.Arm) -> str:
    slopes = [arm.slopes[seed] for seed in arm.falling if seed in arm.slopes]
    return f"{sum(slopes) / len(slopes):.1f} mm per 1,000 steps" if slopes else "slope not recorded"
