"""Several specs as one, for one report: the union of their arms, under the conditions they share.

What makes numbers incomparable (averaging, data, detector) must be the same in all of them. A run that
several name is counted once; arms that would look alike are told apart by an axis ``spec``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.spec import identity
from harness.spec.conditions import CONDITIONS
from harness.spec.fields import printed
from harness.spec.loading import Spec
from harness.spec.readback import read
from harness.spec.report_section import Report, Table
from harness.spec.run import Run, Test
from harness.spec.schema import Tracking

AXIS = "spec"


@dataclass(frozen=True)
class Comparison:
    """Several specs in the place of one; see `harness.spec.Spec` for what the attributes are.

    Attributes:
        specs: the specs, in the order given.
        notes: what a reader must know of the union, a sentence each.
    """

    specs: tuple[Spec, ...]
    name: str
    runs: list[Run]
    test: Test
    report: Report
    tracking: Tracking
    digest: str
    overrides: tuple[str, ...]
    notes: tuple[str, ...]
    claims: tuple[Any, ...] = ()

    def where(self, key: str) -> dict[str, Any] | None:
        """File, line and key of what stands at a dotted key in the first spec that says it."""
        return next((found for spec in self.specs if (found := spec.where(key)) is not None), None)


def compared(specs: Sequence[Spec], uri: str | None = None) -> Comparison:
    """Several specs as one.

    Args:
        specs: two or more, of different names.
        uri: the store that holds the records of all; None is the one they name.
    Raises:
        UserError: specs of one name; of another protocol, data or detector; without a common test condition,
            baseline or tracking store; whose seeds a pilot fixes.
    """
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two of the compared specs are called '{name}': give one another name", key="name")
    for spec in specs:
        _fixed_beforehand(spec)
    first = specs[0]
    for other in specs[1:]:
        _comparable(first, other)
    stores = {spec.tracking.uri for spec in specs}
    if uri is None and len(stores) > 1:
        raise UserError("the compared specs keep their records in different stores; name one", key="--tracking-uri")
    test, dropped = _common_test(specs)
    runs = _relabelled(specs)
    planned = sum(len(spec.runs) for spec in specs)
    notes = [f"Compares {', '.join(f'{spec.name} ({len(spec.runs)} runs)' for spec in specs)}."]
    if planned > len(runs):
        notes.append(f"{planned - len(runs)} runs stand in more than one of them and are counted once.")
    if dropped:
        notes.append(f"Only some of them are tested at {', '.join(dropped)}: left out here.")
    if any(spec.claims for spec in specs):
        notes.append("Claims are decided in the report of the spec that states them.")
    return Comparison(
        specs=tuple(specs),
        name="-vs-".join(names),
        runs=runs,
        test=test,
        report=_report(specs, runs),
        tracking=first.tracking,
        digest=identity.digest([spec.digest for spec in specs]),
        overrides=first.overrides,
        notes=tuple(notes),
    )


def _fixed_beforehand(spec: Spec) -> None:
    """Refuse seeds in two stages: their intervals take the spread of a pilot, which the others don't have."""
    if spec.stages is not None:
        raise UserError(
            f"a pilot fixes the seeds of '{spec.name}', so its intervals aren't made like those of a fixed number, and "
            "a comparison would mix them: report it alone, or compare a fixed number with --seeds N",
            **(spec.where("seeds") or {"file": str(spec.path), "key": "seeds"}),
        )


def _comparable(one: Spec, other: Spec) -> None:
    """Refuse numbers of different protocols in one table."""
    said = []
    sides: dict[str, tuple[set[str], ...]] = {"test.protocol": ({one.test.protocol}, {other.test.protocol})}
    for field, value in CONDITIONS.items():
        sides[field] = tuple({printed(value(run.data)) for run in spec.runs} for spec in (one, other))
    for field, (left, right) in sides.items():
        if left != right:
            here, there = (" and ".join(sorted(values)) for values in (left, right))
            said.append(f"{field} is {here} in '{one.name}' and {there} in '{other.name}'")
    if said:
        raise UserError(f"'{one.name}' and '{other.name}' can't stand in one table: {'; '.join(said)}")


def _common_test(specs: Sequence[Spec]) -> tuple[Test, list[str]]:
    """The levels and cameras that all are tested on, and those that only some are."""
    kept: dict[str, list[Any]] = {}
    dropped: list[str] = []
    for field in ("occlusion", "cameras"):
        sides = [getattr(spec.test, field) for spec in specs]
        kept[field] = [value for value in sides[0] if all(value in side for side in sides)]
        if not kept[field]:
            shown = "; ".join(f"{', '.join(side)} in '{spec.name}'" for spec, side in zip(specs, sides, strict=True))
            raise UserError(f"the compared specs share no value of test.{field}: {shown}")
        dropped += [v for v in dict.fromkeys(v for side in sides for v in side) if v not in kept[field]]
    return specs[0].test.model_copy(update=kept), dropped


def _relabelled(specs: Sequence[Spec]) -> list[Run]:
    """Each run once, with a label on every axis of any spec; equal configurations have equal labels."""
    axes = list(dict.fromkeys(axis for spec in specs for axis in spec.axes))
    runs: dict[str, Run] = {}
    labels: dict[str, dict[str, str]] = {}
    homes: dict[str, dict[str, None]] = {}
    configuration = _configurations()
    for spec in specs:
        for run in spec.runs:
            key = configuration(run)
            homes.setdefault(key, {})[spec.name] = None
            labels.setdefault(key, {axis: run.labels[axis] if axis in run.labels else read(run, axis) for axis in axes})
            runs.setdefault(run.run_id, run)
    # Other numbers of steps are an axis by themselves, other numbers of passes aren't.
    steps = {configuration(run): run.train.steps if run.train.passes is None else None for run in runs.values()}
    alike: dict[tuple, list[int | None]] = {}
    for key, found in labels.items():
        alike.setdefault(tuple(value for axis, value in found.items() if axis != "seed"), []).append(steps[key])
    if any(len(found) > 1 and (None in found or len(set(found)) < len(found)) for found in alike.values()):
        labels = {key: {**found, AXIS: " + ".join(homes[key])} for key, found in labels.items()}
    return [
        run.model_copy(update={"labels": {**labels[configuration(run)], "seed": run.labels["seed"]}})
        for run in runs.values()
    ]


def _configurations() -> Callable[[Run], str]:
    """What decides a run's weights, but for its seed."""
    known: dict[tuple[int, ...], str] = {}

    def find(run: Run) -> str:
        if run.checkpoint is not None:
            return run.run_id
        # Runs of a spec share their parts.
        parts = (id(run.data), id(run.backbone), id(run.objective), id(run.train))
        if parts not in known:
            known[parts] = identity.assemble(
                identity.data_fragment(run.data),
                identity.backbone_fragment(run.backbone),
                identity.objective_fragment(run.objective),
                identity.train_fragment(run.train),
                0,
            )
        return known[parts]

    return find


def _report(specs: Sequence[Spec], runs: Sequence[Run]) -> Report:
    """One report section: all the tables, figures, labels and published numbers, one baseline."""
    sections = [spec.report for spec in specs]
    baseline = _baseline(specs)
    everything = any(section.figures == "all" for section in sections)
    labels: dict[str, Any] = {}
    for section in reversed(sections):
        labels |= section.labels
    return Report(
        title=" and ".join(spec.report.title or spec.name for spec in specs),
        baseline=_placed(baseline, runs),
        labels=labels,
    ).model_copy(
        update={
            "tables": _once(_own(table, runs) for section in sections for table in section.tables),
            "figures": "all" if everything else _once(figure for section in sections for figure in section.figures),
            "reference": _once(entry for section in sections for entry in section.reference),
        }
    )


def _baseline(specs: Sequence[Spec]) -> dict[str, str]:
    """The one baseline that all name; an axis on which a spec has but one value needn't be named there."""
    named = [spec for spec in specs if spec.report.baseline]
    found = {axis: value for spec in named for axis, value in spec.report.baseline.items()}
    for spec in named:
        rest = {axis: value for axis, value in found.items() if spec.report.baseline.get(axis) != value}
        if any({run.labels.get(axis) or read(run, axis) for run in spec.runs} != {rest[axis]} for axis in rest):
            shown = "; ".join(f"{_words(one.report.baseline)} in '{one.name}'" for one in named)
            example = f"-o 'report.baseline={{{next(iter(found))}: …}}'"
            raise UserError(f"the compared specs have different baselines: {shown}; give all the same with {example}")
    return found


def _own(table: Table, runs: Sequence[Run]) -> Table:
    return table if table.baseline is None else table.model_copy(update={"baseline": _placed(table.baseline, runs)})


def _once(given: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for one in given:
        found += [] if one in found else [one]
    return found


def _placed(baseline: Mapping[str, str], runs: Sequence[Run]) -> dict[str, str]:
    """The baseline with its spec, where all of its arms are of one; else arms are compared within their spec."""
    if not baseline:
        return {}
    of = {run.labels.get(AXIS) for run in runs if all(run.labels.get(a) == value for a, value in baseline.items())}
    (home,) = of if len(of) == 1 else (None,)
    return {**baseline, AXIS: home} if home is not None else dict(baseline)


def _words(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in labels.items())
