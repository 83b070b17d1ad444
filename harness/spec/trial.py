"""The arms that a study tunes, and the runs of its trials: points of the grid with tuned values in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness import registry
from harness.errors import UserError, unknown
from harness.spec.axes import Axis
from harness.spec.fields import ALIASES, SHORTHANDS, Setting, resolve
from harness.spec.grid import Point, points
from harness.spec.partners import NOTHING
from harness.spec.run import Run
from harness.spec.sections import Builder
from harness.spec.space import Parameter, Space, active, ordered, wanted
from harness.spec.study import Study
from harness.spec.yaml_lines import Path

if TYPE_CHECKING:
    from harness.spec.loading import Spec


@dataclass(frozen=True)
class Arm:
    """An arm of the grid, as a study tunes it.

    Attributes:
        labels: axis of ``per`` → printed value.
        space: the tuned fields that it has, those that others depend on first; empty where there is nothing to tune.
        default: the spec's own value of each of these fields that means something beside the others; it may lie outside
            of the space (`Parameter.holds`).
        point: of the grid, with any seed.
    """

    labels: dict[str, str]
    space: dict[str, Parameter]
    default: dict[str, Any]
    point: Point

    @property
    def label(self) -> str:
        """The values that tell it apart, in one line."""
        said = [(axis, value) for axis, value in self.labels.items() if value != NOTHING]
        return ", ".join(value if axis in SHORTHANDS else f"{axis}={value}" for axis, value in said)


@dataclass(frozen=True)
class Tuning:
    """A checked study and what its trials are made of.

    Attributes:
        study: metrics with their directions and levels, ``per`` spelt out, space in order.
        arms: in the order of the grid.
        builder: of runs that are labelled with the tuned fields too.
    """

    study: Study
    arms: list[Arm]
    builder: Builder


def point(spec: Spec, params: Mapping[str, Any], arm: Arm | Mapping[str, str], seed: int) -> Run:
    """The run of a trial: the arm's point of the grid with ``params`` in it, equal to the grid's run of these values.

    Args:
        spec: has a study.
        params: tuned field → value; a field that the arm lacks, or that means nothing beside the others, isn't applied.
        arm: one of ``spec.tuning.arms``, or its labels.
        seed: of the run.
    Raises:
        UserError: a field that the study doesn't tune, an arm that isn't there, or a value that isn't allowed; located
            at the field in the study's space.
    """
    tuning = spec.tuning
    assert tuning is not None, "only a spec with a study has trials"
    if not isinstance(arm, Arm):
        arm = find(tuning, arm)
    for name in params:
        if name not in tuning.study.space:
            raise unknown("tuned field", name, tuning.study.space, **tuning.builder.document.where(("study", "space")))
    return made(tuning.builder, arm.point, arm.space, params, seed)


def find(tuning: Tuning, labels: Mapping[str, str]) -> Arm:
    """The arm with these labels.

    Raises:
        UserError: there is none.
    """
    for arm in tuning.arms:
        if arm.labels == dict(labels):
            return arm
    said = ", ".join(f"{axis}: {value}" for axis, value in labels.items())
    raise unknown("arm", said, [arm.label for arm in tuning.arms])


def made(
    builder: Builder,
    base: Point,
    space: Space,
    params: Mapping[str, Any],
    seed: int | None = None,
    place: Path = ("study", "space"),
) -> Run:
    """The run of ``base`` with those of ``params`` that it has the fields for, and another seed.

    A term's option that means nothing beside the others falls back to its default: the spec's own margin, say, where
    the form that is tried has none.

    Args:
        builder: labels must name the fields of ``space``.
        base: its run labelled by ``builder`` (`labelled`).
        space: in order (`ordered`).
        params: field → value.
        place: where in the spec the fields stand.
    Raises:
        UserError: a value that isn't allowed, or that doesn't go with the others.
    """
    wide = [_setting(builder, name, params[name], place) for name in ("backbone",) if name in params and name in space]
    if seed is not None:
        wide.append(_setting(builder, "seed", seed, ("grid",)))
    run = _run(builder, base, wide) if wide else base.run
    values: dict[str, Any] = {}
    reset, own = [], []
    for name in space:
        if name == "backbone" or not has(name, run):
            values[name] = run.labels.get(name)
        elif not active(name, space, values):
            default = _default(name)
            if default is not None:
                reset.append(_setting(builder, name, default, place))
        else:
            values[name] = params.get(name, _value(run.labels[name]))
            if name in params:
                own.append(_setting(builder, name, params[name], place))
    if not own:  # nothing is tried: all is as the spec says
        return run
    return _run(builder, base, [*wide, *reset, *own])


def has(field: str, run: Run) -> bool:
    """Whether a run has a field at all: the term, the network or the stage that it belongs to.

    Args:
        field: one that the run is labelled with.
    """
    path = field.split(".")
    if path[:2] == ["train", "pretrain"] and len(path) > 2:
        return run.train.pretrain is not None
    return path[0] not in ("objectives", "backbones", "backbone") or run.labels[field] != NOTHING


def _default(field: str) -> Any:
    """What a term's option is where nothing is said of it; None of other fields, and of options that must be said."""
    head, *path = field.split(".")
    if head != "objectives":
        return None
    option = registry.options(registry.get("losses", path[1])).get(path[2])
    return None if option is None or option.required else option.default


def _setting(builder: Builder, name: str, value: Any, place: Path) -> Setting:
    return Setting(resolve(name, builder.file, builder.document, place), value, (*place, name))


def labelled(builder: Builder, base: Point) -> Run:
    """The run of a point with the labels that ``builder`` gives it."""
    return _run(builder, base, [])


def _run(builder: Builder, base: Point, changes: Sequence[Setting]) -> Run:
    names = {setting.field.name for setting in changes}
    settings = [*(s for s in base.settings if s.field.name not in names), *changes]
    axes = [Axis((setting.field,), ((setting,),)) for setting in settings]
    return next(points(builder, axes, [], base.fixed)).run


def arms(study: Study, builder: Builder, found: Sequence[Point], per: Sequence[str]) -> list[Arm]:
    """The arms of a grid, in its order.

    Args:
        study: with its space.
        builder: labels must name the tuned fields.
        found: the points of the grid.
        per: axes that tell arms apart.
    Raises:
        UserError: an axis that varies and isn't in ``per``.
    """
    made_of: dict[tuple[str, ...], Arm] = {}
    for point in found:
        labels = point.run.labels
        key = tuple(labels[axis] for axis in per)
        known = made_of.get(key)
        if known is None:
            made_of[key] = _arm(study, builder, point, {axis: labels[axis] for axis in per})
            continue
        for axis in labels:
            if axis != "seed" and labels[axis] != known.point.run.labels[axis]:
                message = f"{axis} varies too ({known.point.run.labels[axis]}, {labels[axis]}): what is tuned for both"
                where = builder.document.where(("study", "per"))
                raise UserError(f"{message} isn't tuned for either; add {axis} to 'per'", **where)
    return list(made_of.values())


def _arm(study: Study, builder: Builder, point: Point, labels: dict[str, str]) -> Arm:
    run = labelled(builder, point)
    space = {}
    for name, parameter in study.space.items():
        path = name.split(".")
        outside = {field: value for field, value in parameter.when.items() if field not in study.space}
        if any(run.labels[ALIASES.get(field, field)] not in wanted(value) for field, value in outside.items()):
            continue
        when = {field: value for field, value in parameter.when.items() if field in study.space}
        if path[0] == "backbones" and "backbone" in study.space:
            when.setdefault("backbone", path[1])
        elif not has(name, run) and "backbone" not in study.space:
            continue
        space[name] = parameter.model_copy(update={"when": when})
    # What depends on a field that the arm lacks means nothing to it either.
    while lost := [name for name, it in space.items() if any(f not in space for f in it.when)]:
        for name in lost:
            del space[name]
    space = ordered(space)
    values: dict[str, Any] = {}
    for name in space:
        if active(name, space, values) and run.labels[name] != NOTHING:
            values[name] = _value(run.labels[name])
    return Arm(labels, space, values, replace(point, run=run))


def _value(label: str) -> Any:
    """What a label was printed from."""
    try:
        return json.loads(label)
    except ValueError:
        return label
