"""One report: evidence, tables, and the files they become."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import protocols
from harness.report import (
    costs,
    data_writers,
    layouts,
    literature,
    measured_costs,
    provenance,
    records,
    stages,
    tuning,
    underlying,
    variance,
    writers,
)
from harness.report.arranging import arranged
from harness.report.claims_view import claims_table
from harness.report.commands import commanded
from harness.report.figures import Drawn, Figures, Meanwhile, figures
from harness.report.frame_csv import frame_csv
from harness.report.layouts import CHOSEN_ON_TEST
from harness.report.page import Section, figure_section, page, provenance_section, table_section
from harness.report.records import Evidence, Source, Store, option
from harness.report.table import Table
from harness.report.writing import DATA, PAGE, RUNS, RUNS_TYPED, SUBJECTS, put

DIFFERENCES = ("difference", "new_subjects")
"""Kinds of tables that follow the table whose differences they hold."""


@dataclass(frozen=True)
class Report:
    """What a report says, before it is printed.

    Attributes:
        spec: the spec it speaks of.
        evidence: what the finished runs left.
        uri: the tracking store it was read from.
        player: HTML of the playable clips, complete in itself; None without any.
        still: the same clips on paper, a figure among the others.
        meanwhile: another process that draws the figures, see `harness.report.figures.figures`.
    """

    spec: Any
    evidence: Evidence
    uri: str | None = None
    player: str | None = None
    still: Drawn | None = None
    meanwhile: Meanwhile | None = None

    @cached_property
    def tables(self) -> list[Table]:
        """All tables computed from the runs, the main one first."""
        section = self.spec.report
        labels = option(section, "labels")
        made = layouts.tables(self.evidence, list(option(section, "tables", [])), labels)
        spread = variance.table(self.evidence, option(section, "variance"))
        made += [] if spread is None else [arranged(spread, labels=labels or {})]
        made += [arranged(table, labels=labels or {}) for table in tuning.differences(self.evidence)]
        return [commanded(table, self.spec) for table in made]

    @cached_property
    def claims(self) -> Table | None:
        """What the spec claimed and what became of it."""
        return claims_table(self.spec, self.evidence)

    @cached_property
    def literature(self) -> list[Table]:
        """Published numbers, never mixed with the runs' own."""
        return literature.tables(self.spec.report)

    @cached_property
    def costs(self) -> Table | None:
        """What the networks cost; None where nobody counted."""
        return costs.table(self.evidence)

    @cached_property
    def spent(self) -> Table | None:
        """What a pilot found and how many seeds it fixed; None where no pilot did."""
        return stages.table(self.evidence)

    @cached_property
    def tuning(self) -> list[Table]:
        """What a study gave, spent and found, and what is left of it on fresh seeds; empty without one."""
        return tuning.tables(self.evidence)

    @cached_property
    def measured_costs(self) -> Table | None:
        """What the networks cost on the machines that trained them; None where no run measured."""
        return measured_costs.table(self.evidence)

    @cached_property
    def figures(self) -> Figures:
        """The figures the spec asks for, else all that the evidence can fill."""
        drawn = figures(self.evidence, option(self.spec.report, "figures") or None, self.meanwhile)
        if self.still is not None:
            drawn["clips"] = self.still
        return drawn

    @property
    def all_tables(self) -> list[Table]:
        """Every table of the report in the order of the page."""
        first, others = self._main
        return [
            *([self.claims] if self.claims else []),
            *first,
            *([self.spent] if self.spent else []),
            *self.tuning,
            *others,
            *self._counted,
            *self.literature,
        ]

    @property
    def _main(self) -> tuple[list[Table], list[Table]]:
        """The main table with its differences, and the other tables."""
        main, *others = self.tables
        its = list(itertools.takewhile(lambda table: table.recipe and table.recipe.kind in DIFFERENCES, others))
        return [main, *its], others[len(its) :]

    @property
    def _counted(self) -> list[Table]:
        return [self.costs] if self.costs else []

    @property
    def title(self) -> str:
        return option(self.spec.report, "title", self.spec.name)

    @cached_property
    def warnings(self) -> list[str]:
        """What no reader may miss: scores of chosen epochs, runs that are absent or failed, arms not converged."""
        evidence = self.evidence
        said = [CHOSEN_ON_TEST] if protocols.of(evidence.protocol).chosen_on_test else []
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
        codes = provenance.several_codes(evidence)
        said += [codes] if codes else []
        falling = [
            f"{evidence.describe(arm)} ({len(arm.falling)} of {len(arm.finished)} runs, {_gain(arm)})"
            for arm in evidence.arms
            if arm.falling
        ]
        if falling:
            said.append(
                "Still falling when training ended, so that longer training may change the order of arms: "
                f"{'; '.join(falling)}. Gained late is what the last fifth of the steps took off a run's lowest "
                "validation MPJPE, on average."
            )
        if evidence.study is not None and evidence.study.changed:
            said.append("The spec's study has changed since it was made: what is shown is of the one before.")
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
        return [
            *lines,
            *stages.told(evidence),
            *option(self.spec, "notes", ()),
            *tuning.told(self.spec, evidence.study),
        ]

    def sections(self) -> list[Section]:
        """The page's sections in the order in which they are read, see `_main`; published numbers after all tables."""
        main, others = self._main
        first = [*([self.claims] if self.claims else []), *main]
        drawn = figure_section(
            {name: (one.caption, one.svg) for name, one in self.figures.items()}, self.figures.lacking
        )
        clips = Section("clips", "Clips", self.player) if self.player else None
        origin = provenance_section(
            self.identity,
            provenance.runs(self.evidence),
            provenance.machine(self.evidence, self.uri),
            provenance.kept(self.evidence, self.uri),
            self.measured_costs,
        )
        return [
            *map(table_section, first),
            *(part for part in (drawn, clips) if part is not None),
            *map(
                table_section,
                [*([self.spent] if self.spent else []), *self.tuning, *others, *self._counted, *self.literature],
            ),
            origin,
        ]

    @cached_property
    def identity(self) -> dict[str, str]:
        """What names these results, the same wherever the report is made."""
        return provenance.identity(self.spec, self.evidence)

    def files(self) -> dict[str, str | bytes]:
        """Relative path → content of every file of the report."""
        frame = self.evidence.frame
        made: dict[str, str | bytes] = {}
        # Arrow makes a file of the frame without Python, on a processor that has nothing else to do.
        with ThreadPoolExecutor(1) as beside:
            typed = beside.submit(data_writers.frame_bytes, frame)
            # Figures last: another process may have drawn them by then.
            runs, subjects = frame_csv(frame), underlying.subjects(self.evidence, self.tables)
            for table in self.all_tables:
                made |= _rendered(table, "tables")
            if self.measured_costs is not None:
                made |= _rendered(self.measured_costs, measured_costs.FOLDER)
            for name, drawn in self.figures.items():
                made |= {f"figures/{name}.svg": drawn.svg, f"figures/{name}.pdf": drawn.pdf}
            made |= {RUNS: runs, RUNS_TYPED: typed.result()}
        if subjects is not None:
            made[SUBJECTS] = data_writers.frame_bytes(subjects)
        made[DATA] = data_writers.whole(self)
        made[PAGE] = page(self.title, self.summary, self.warnings, self.sections())
        return made


_RENDERERS: dict[str, Callable[[Table], str | bytes]] = {
    "md": writers.markdown,
    "tex": writers.latex,
    "csv": data_writers.comma_separated,
    "json": data_writers.table_json,
    "parquet": data_writers.parquet,
}


def _rendered(table: Table, folder: str) -> dict[str, str | bytes]:
    return {f"{folder}/{table.name}.{suffix}": render(table) for suffix, render in _RENDERERS.items()}


def collect(
    spec: Any,
    uri: str | None = None,
    *,
    source: Source | None = None,
    costs: Mapping[str, Mapping[str, float]] | None = None,
    player: str | None = None,
    before: Callable[[Report], None] | None = None,
) -> Report:
    """Read what the finished runs of ``spec`` left.

    Args:
        spec: a loaded spec.
        uri: tracking store; None is the spec's own, else the default one.
        source: read from here instead of the tracking store.
        costs: run_id → ``macs`` per output frame and ``parameters``, where they are known.
        player: HTML of the playable clips, see `Report`.
        before: is given the report without the rows of its evaluations, before these are read, which takes longest.

    Raises:
        UserError: no run is finished; a baseline or table names what isn't there; the store is unreachable.
    """
    uri = uri or option(option(spec, "tracking", {}), "uri")
    more: dict[str, Any] = {} if costs is None else {"costs": costs}

    def report(evidence: Evidence) -> Report:
        return Report(spec, replace(evidence, **more), uri, player)

    early = None if before is None else lambda evidence: before(report(evidence))
    return report(records.load(spec, source or Store(uri), early))


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
    """Claims, the main table, and what no reader may miss, as plain text of about ``width`` columns."""
    report = spec if isinstance(spec, Report) else collect(spec, uri, source=source)
    first = [*([report.claims] if report.claims else []), report.tables[0]]
    return "\n".join(
        [*(writers.plain(table, width) for table in first), *(textwrap.fill(w, width) for w in report.warnings)]
    )


def _gain(arm: records.Arm) -> str:
    return f"{sum(arm.gains[seed] for seed in arm.falling) / len(arm.falling):.1f} mm gained late"
