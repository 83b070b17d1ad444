"""Expands a spec file into runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.spec import axes as axes_of
from harness.spec import checkpoints, checks, identity
from harness.spec.axes import Axis
from harness.spec.fields import SECTIONS, SHORTHANDS, Setting
from harness.spec.occlusion_checks import gate_has_head, schedule_fits_level
from harness.spec.readback import NOTHING
from harness.spec.run import Data, Run
from harness.spec.schedule_checks import schedules_fit_training
from harness.spec.schema import SpecFile
from harness.spec.sections import Builder, Section
from harness.spec.term_checks import terms_go_together
from harness.spec.yaml_lines import Document

Excluded = list[list[tuple[int, frozenset[int]]]]


@dataclass(frozen=True)
class Point:
    """A point of the grid: what it starts from, what it sets, and the run that this makes."""

    fixed: Sequence[Setting]
    settings: Sequence[Setting]
    run: Run


@dataclass(frozen=True)
class Expansion:
    """The runs of a spec, axis → printed values in the order of the runs, and, for a study, the points behind them."""

    runs: list[Run]
    axes: dict[str, list[str]]
    points: list[Point]
    builder: Builder


def expand(
    file: SpecFile, document: Document, fixed: Sequence[Setting], fingerprint: Callable[[Data], str]
) -> Expansion:
    """All runs of a spec: the grid less what is excluded, then what is included; equal runs once.

    Args:
        file: the spec.
        document: for lines.
        fixed: settings that every point starts from (command-line overrides).
        fingerprint: gives the fingerprint of data that declare none; may raise `UserError`.
    Raises:
        UserError: anything about the grid that is wrong, with its line.
    """
    axes = axes_of.grid(file, document)
    entries = axes_of.included(file, document, axes)
    everything = itertools.chain(axes, *(entry.axes for entry in entries))
    swept = list(dict.fromkeys(f.name for axis in everything for f in axis.fields if f.name not in SHORTHANDS))
    builder = Builder(file, document, swept, fingerprint)
    for name in file.objectives:
        builder.terms(name)

    runs: dict[str, Run] = {}
    found = list(points(builder, axes, axes_of.exclusions(file, document, axes), fixed))
    for entry in entries:
        kept = [s for s in fixed if not (entry.names_backbone and s.field.section == "backbone")]
        found += points(builder, entry.axes, [], kept)
    for point in found:
        runs.setdefault(point.run.run_id, point.run)
    if not runs:
        raise UserError("the grid is empty: 'exclude' removes every point", **document.where(("exclude",)))
    values: dict[str, dict[str, None]] = {name: {} for name in (*SHORTHANDS, *swept)}
    if "data.frames_out" not in swept:
        checks.frames_equal(runs.values(), document)
    for run in checkpoints.runs(builder, fixed):
        runs.setdefault(run.run_id, run)
    for run in runs.values():
        for name, value in run.labels.items():
            if run.checkpoint is None or value != NOTHING:  # what a checkpoint lacks is no value of an axis
                values[name][value] = None
    for name in (axis for axis in swept if axis.startswith("objectives.") and set(values[axis]) == {NOTHING}):
        raise UserError("no run has such a term: the axis has no effect", **document.where(("grid", name)))
    return Expansion(list(runs.values()), {name: list(said) for name, said in values.items()}, found, builder)


def points(builder: Builder, axes: Sequence[Axis], excluded: Excluded, fixed: Sequence[Setting]) -> Iterator[Point]:
    """The points of the product of ``axes``, less the excluded ones.

    Raises:
        UserError: a value that isn't allowed, or values that don't go together.
    """
    touching = {
        section: [at for at, axis in enumerate(axes) if any(field.section == section for field in axis.fields)]
        for section in SECTIONS
    }
    base = {section: [s for s in fixed if s.field.section == section] for section in SECTIONS}
    built: dict[tuple, Section] = {}
    checked: set[tuple] = set()

    every = [*fixed, *(setting for axis in axes for choice in axis.choices for setting in choice)]
    by_backbone = {name for name in SECTIONS if builder.by_backbone(name, every)}

    def section(name: str, point: tuple[int, ...], of: Section | None = None) -> Section:
        backbone = of.part.name if of is not None and name in by_backbone else None
        key = (name, backbone, *(point[at] for at in touching[name]))
        found = built.get(key)
        if found is None:
            own = [s for at in touching[name] for s in axes[at].choices[point[at]] if s.field.section == name]
            found = built[key] = builder.build(name, [*base[name], *own], backbone)
        return found

    for point in itertools.product(*(range(len(axis.choices)) for axis in axes)):
        if any(all(point[at] in choices for at, choices in entry) for entry in excluded):
            continue
        data, backbone, seed = section("data", point), section("backbone", point), section("seed", point)
        objective, train = section("objective", point, backbone), section("train", point, backbone)
        if (id(data), id(objective)) not in checked:
            checked.add((id(data), id(objective)))
            checks.objective_fits_data(objective.part, objective.labels["objective"], data.part, builder.document)
        if (id(data), id(objective), id(backbone)) not in checked:
            checked.add((id(data), id(objective), id(backbone)))
            names = objective.labels["objective"], backbone.labels["backbone"]
            checks.heads_there(objective.part, backbone.part, data.part, names, builder.document)
        if (id(data), id(backbone)) not in checked:
            checked.add((id(data), id(backbone)))
            checks.backbone_fits_data(backbone.part, backbone.labels["backbone"], data.part, builder.document)
        if (id(objective),) not in checked:
            checked.add((id(objective),))
            gate_has_head(objective.part, objective.labels["objective"], builder.document)
            terms_go_together(objective.part, objective.labels["objective"], builder.document)
        if (id(train),) not in checked:
            checked.add((id(train),))
            schedule_fits_level(train.part, builder.document)
        if (id(train), id(objective)) not in checked:
            checked.add((id(train), id(objective)))
            schedules_fit_training(objective.part, objective.labels["objective"], train.part, builder.document)
        if (id(train), id(backbone)) not in checked:
            checked.add((id(train), id(backbone)))
            checks.training_fits_backbone(train.part, backbone.part, backbone.labels["backbone"], builder.document)
        labels = {**backbone.labels, **objective.labels, **train.labels, **seed.labels, **data.labels}
        # Every part is validated already; validating ten thousand runs again would take most of `plan`.
        run = Run.model_construct(
            data=data.part,
            backbone=backbone.part,
            objective=objective.part,
            train=train.part,
            seed=seed.part,
            labels={name: labels[name] for name in (*SHORTHANDS, *builder.swept)},
        )
        fragments = (data.fragment, backbone.fragment, objective.fragment, train.fragment)
        run.__dict__["run_id"] = identity.assemble(*fragments, seed.part)  # fills the cached property
        yield Point(fixed, [setting for at, axis in enumerate(axes) for setting in axis.choices[point[at]]], run)
