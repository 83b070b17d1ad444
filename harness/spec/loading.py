"""From a spec file to its checked runs: the door of this package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.data import fingerprint
from harness.errors import UserError
from harness.spec import (
    checks,
    claim_checks,
    from_study,
    identity,
    overrides,
    protocol_checks,
    report_checks,
    shipped,
    study_checks,
)
from harness.spec.claims import Claim
from harness.spec.fields import SHORTHANDS
from harness.spec.grid import expand
from harness.spec.level_checks import levels_fit_skeletons
from harness.spec.report_section import Report
from harness.spec.run import Data, Run, Test
from harness.spec.schema import Resources, Tracking, read
from harness.spec.stages import Fixed, Stages, staged, with_seed_axis
from harness.spec.study import Study
from harness.spec.term_checks import terms_fit_skeletons
from harness.spec.trial import Tuning
from harness.spec.yaml_lines import Document, parse


@dataclass(frozen=True)
class Spec:
    """A spec, read and checked.

    Attributes:
        name: the spec's own name; results and records go by it.
        path: its file.
        runs: the runs, each once, whole comparisons first.
        test: what every run is tested on.
        report: what the report shows, axis values as labels print them.
        resources, tracking, retries: how it is executed.
        axes: axis → printed values, in the order of the runs.
        arms: label of an arm → the ids of its runs, which differ only by seed.
        digest: 16 hexadecimal digits of the file's content, overrides applied, and of values taken from another spec's
            study; the same wherever data and store lie.
        overrides: those, as given.
        document: the file's content with its lines.
        claims: what was claimed before the runs, checked, axis values as labels print them.
        awaited: likewise, claims about values that the spec's own study is yet to find, or that it didn't find.
        tuning: the study and its arms, checked; None without one.
        tuned: the values taken from the study that ``from_study`` names.
        stages: how a pilot fixes the seeds, where it does; ``runs`` are then all that there may be (see `narrowed`).
    """

    name: str
    path: Path
    runs: list[Run]
    test: Test
    report: Report
    resources: Resources
    tracking: Tracking
    retries: int
    axes: dict[str, list[str]]
    arms: dict[str, list[str]]
    digest: str
    overrides: tuple[str, ...] = field(default=())
    document: Document | None = field(default=None, repr=False, compare=False)
    claims: tuple[Claim, ...] = ()
    awaited: tuple[Claim, ...] = ()
    tuning: Tuning | None = field(default=None, repr=False, compare=False)
    tuned: from_study.Tuned | None = None
    stages: Stages | None = None

    @property
    def pilot(self) -> tuple[int, ...]:
        """The seeds of the pilot that fixes how many there are; none without one."""
        return () if self.stages is None else self.stages.pilot

    def narrowed(self, found: Mapping[str, Fixed]) -> Spec:
        """The spec with the runs alone that are to be done; itself where no pilot fixes its seeds.

        Args:
            found: digest of a contrast → what the store knows of its seeds.
        Raises:
            UserError: seeds that were fixed by another rule than the spec's.
        """
        if self.stages is None:
            return self
        fixed = self.stages.agreed(found)
        runs = self.stages.chosen(self.runs, fixed)
        seeds = list(dict.fromkeys(run.labels["seed"] for run in runs))
        axes = {**self.axes, "seed": [seed for seed in self.axes["seed"] if seed in seeds]}
        told = replace(self.stages, fixed=fixed)
        return replace(self, runs=runs, axes=axes, arms=arms(runs, axes), stages=told)

    @property
    def study(self) -> Study | None:
        """What `repose tune` searches, checked."""
        return None if self.tuning is None else self.tuning.study

    def where(self, key: str) -> dict[str, Any] | None:
        """File, line and key of a dotted key, such as ``report.tables[0].metric``, for a `UserError`.

        What the file leaves to its default is located at the part around it; None if it says nothing of the kind.
        """
        steps = re.findall(r"([^.\[\]]+)|\[(\d+)\]", key)
        path = tuple(name or int(index) for name, index in steps)
        return self.document.where(path) if self.document is not None and path[:1] in self.document.lines else None

    @property
    def baseline(self) -> dict[str, str]:
        """Axis → value of the arms that others are compared with."""
        return self.report.baseline


def load(
    path_or_name: str | Path,
    overrides: Sequence[str] = (),
    seeds: int | None = None,
    *,
    data: str = "trust",
) -> Spec:
    """Read, check and expand a spec.

    Args:
        path_or_name: a spec file, or the name of a shipped spec.
        overrides: ``field=value`` each, the value in YAML.
        seeds: replaces the seed axis by 0 … seeds - 1.
        data: ``trust`` believes a declared fingerprint and reads data files only to compute missing ones;
            ``check`` also opens the data that are there; ``need`` refuses a spec whose data aren't there.
    Raises:
        UserError: what is wrong, with file, line, dotted key and the nearest valid name.
    """
    path = shipped.find(path_or_name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"can't be read as text ({error})", file=str(path)) from None
    document = parse(text, str(path))
    return build(document, path, overrides, seeds, data=data)


def build(
    document: Document, path: Path, given: Sequence[str] = (), seeds: int | None = None, *, data: str = "trust"
) -> Spec:
    """`load` for a parsed document."""
    later = overrides.apply(document, given)
    if seeds is not None and isinstance(document.data, dict):
        document.data.pop("seeds", None)  # so many, and no pilot
        overrides.put(document, ("grid", "seed"), seeds, f"--seeds {seeds}")
    file = with_seed_axis(read(document), document)
    checks.test_levels(file, document)
    protocol = protocol_checks.named(file, document)
    checks.backbones(file, document)
    fixed = overrides.settings(later, file, document)
    grid = expand(file, document, fixed, _fingerprints(document))
    expansion, tuned = from_study.beside(file, grid, document)
    protocol_checks.fits(protocol, expansion.runs, document)
    foreseen = from_study.foreseen(expansion, tuned)
    claims, awaited = claim_checks.claims(file, expansion.axes, expansion.runs, document, foreseen)
    if data != "trust":
        checks.data_files(expansion.runs, document, needed=data == "need")
        checks.recordings_fit(expansion.runs, file, document)
        terms_fit_skeletons(expansion.runs, document)
        levels_fit_skeletons(expansion.runs, file.test, document)
    section = report_checks.report(file.report, expansion.axes, expansion.runs, file, document)
    return Spec(
        name=file.name,
        path=path,
        runs=expansion.runs,
        test=file.test,
        report=section,
        resources=file.resources,
        tracking=file.tracking,
        retries=file.retries,
        axes=expansion.axes,
        arms=arms(expansion.runs, expansion.axes),
        digest=identity.digest(
            [
                _said(document.data),
                [[s.field, s.value] for s in later if s.field not in _PLACES],
                *([tuned.values] if tuned is not None and not tuned.own else []),
            ]
        ),
        overrides=tuple(given),
        document=document,
        claims=tuple(claims),
        awaited=tuple(awaited),
        tuned=tuned,
        tuning=study_checks.tuning(file, grid, document),
        stages=staged(file, expansion.runs, section.baseline, document),
    )


def _fingerprints(document: Document) -> Callable[[Data], str]:
    """Fingerprints by data set, each computed once."""
    known: dict[str, str] = {}

    def find(data: Data) -> str:
        key = identity.dumps([data.dataset, data.path, data.options])
        if key not in known:
            try:
                known[key] = fingerprint(data.dataset, data.path, **data.options)
            except UserError as error:
                raise checks.located(error, document) from None
        return known[key]

    return find


def arms(runs: Sequence[Run], axes: dict[str, list[str]]) -> dict[str, list[str]]:
    """Label of an arm → the ids of its runs: the values of the axes that vary, but for the seed."""
    names = [name for name, values in axes.items() if name != "seed" and len(values) > 1] or ["objective"]
    found: dict[str, list[str]] = {}
    for run in runs:
        parts = [
            run.labels[name] if name in (*SHORTHANDS, from_study.AXIS) else f"{name}={run.labels[name]}"
            for name in names
            if run.labels[name] != "-"
        ]
        found.setdefault(", ".join(parts), []).append(run.run_id)
    return found


# Of one machine: they decide nothing, and a report of the same spec must verify elsewhere.
_PLACES = ("data.path", "tracking.uri")


def _said(content: dict[str, Any]) -> dict[str, Any]:
    """A spec's content without `_PLACES`."""
    kept = {name: dict(part) if isinstance(part, dict) else part for name, part in content.items()}
    for place in _PLACES:
        name, _, inner = place.partition(".")
        part = kept.get(name)
        if isinstance(part, dict) and part.pop(inner, None) is not None and not part:
            del kept[name]
    return kept
