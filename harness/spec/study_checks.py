"""What can be wrong with a study although each value in it is allowed, found before its first trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import registry
from harness.errors import UserError, unknown
from harness.spec import trial
from harness.spec.fields import ALIASES, SHORTHANDS, printed, resolve
from harness.spec.grid import Expansion
from harness.spec.schema import SpecFile
from harness.spec.sections import Builder
from harness.spec.space import Parameter, active, ordered, wanted
from harness.spec.study import Direction, Metric, Over, Pruner, Study
from harness.spec.yaml_lines import Document
from harness.spec.yaml_lines import Path as Place

COSTS = ("parameters", "macs")
"""Measures of a network that no clip decides."""
VALIDATION = "val_"
"""What the name of a metric begins with where it is measured on validation clips."""
_DIRECTIONS: dict[str, Direction] = {"lower": "minimize", "higher": "maximize"}
_HOME: Place = ("study",)


def tuning(file: SpecFile, expansion: Expansion, document: Document) -> trial.Tuning | None:
    """The study of a spec with everything spelt out, and the arms it tunes; None without a study.

    Raises:
        UserError: an unknown field, axis, metric or level; a field that the grid varies, that no arm has, or whose
            range holds a value that isn't allowed; a metric of test subjects.
    """
    if file.study is None:
        return None
    study = file.study
    space = _space(study, file, expansion, document)
    levels(study.over.occlusion, (*_HOME, "over", "occlusion"), document)
    metrics = _metrics(study, document)
    pruner = study.pruner
    if len(metrics) > 1:
        if "pruner" in study.model_fields_set and pruner.name != "none":
            message = f"{pruner.name} stops trials by one number, and the study has {len(metrics)} metrics"
            raise UserError(f"{message}: write pruner: none", **document.where((*_HOME, "pruner")))
        pruner = Pruner(name="none")
    per = _per(study, expansion, document)
    over = Over(seeds=study.seeds, occlusion=study.over.occlusion)
    update = {"space": space, "metric": metrics, "pruner": pruner, "per": per, "over": over}
    checked = study.model_copy(update=update)
    grid = expansion.builder
    builder = Builder(file, document, list(dict.fromkeys([*grid.swept, *space])), grid.fingerprint)
    arms = trial.arms(checked, builder, expansion.points, per)
    for name in space:
        if not any(name in arm.space for arm in arms):
            message = f"no arm of the grid has '{name}', under the conditions given"
            raise UserError(message, **document.where((*_HOME, "space", name)))
    for arm in arms:
        _probe(arm, builder, document)
    return trial.Tuning(checked, arms, builder)


def _space(study: Study, file: SpecFile, expansion: Expansion, document: Document) -> dict[str, Parameter]:
    """The space under the fields' own names, in order, its conditions checked."""
    varied = {setting.field.name for point in expansion.points for setting in point.settings}
    found: dict[str, Parameter] = {}
    for name, parameter in study.space.items():
        place = (*_HOME, "space", name)
        where = document.where(place)
        if name == "seed":
            raise UserError("a seed isn't tuned: average over some with 'over: {seeds: 3}'", **where)
        if name == "objective":
            raise UserError("objectives are compared, not tuned: name them in the grid", **where)
        field = resolve(name, file, document, place)
        if field.name in varied:
            raise UserError(f"the grid varies {field.name} already: leave it out of one of the two", **where)
        if field.name in found:
            raise UserError(f"'{field.name}' is in the space already", **where)
        when = {ALIASES.get(other, other): value for other, value in parameter.when.items()}
        found[field.name] = parameter.model_copy(update={"when": when})
    for name, parameter in found.items():
        place = (*_HOME, "space", name, "when")
        for other, condition in parameter.when.items():
            here = document.where((*place, other))
            if other == name:
                raise UserError(f"'{name}' depends on itself", **here)
            if other in found:
                for value in condition if isinstance(condition, list) else [condition]:
                    if not found[other].holds(value):
                        raise UserError(f"{other} is never {printed(value)} in this space", **here)
            elif other in expansion.axes and other != "seed":
                for value in wanted(condition):
                    if value not in expansion.axes[other]:
                        raise unknown(f"value of the axis {other}", value, expansion.axes[other], **here)
            else:
                axes = (axis for axis in expansion.axes if axis != "seed")
                raise unknown("field of the space", other, [*found, *axes], **here)
    try:
        return ordered(found)
    except ValueError as error:
        raise UserError(str(error), **document.where((*_HOME, "space"))) from None


def _metrics(study: Study, document: Document) -> list[Metric]:
    found: list[Metric] = []
    for index, metric in enumerate(study.metric):
        place: Place = (*_HOME, "metric", index)
        if place not in document.lines:  # one metric, without a list
            place = (*_HOME, "metric")
        here = document.where((*place, "name"))
        better = _better(metric.name, here)
        direction = metric.direction if better is None else _DIRECTIONS[better]
        if direction is None:
            message = f"{metric.name} has no better side: say 'direction', minimize or maximize"
            raise UserError(message, **here)
        if metric.direction not in (None, direction):
            message = f"{metric.name} is better when it is {better}: {direction} it"
            raise UserError(message, **document.where((*place, "direction")))
        if metric.levels is not None and metric.name in COSTS:
            message = f"'levels' has no effect: {metric.name} is the network's own"
            raise UserError(message, **document.where((*place, "levels")))
        levels(metric.levels, (*place, "levels"), document)
        over = metric.levels or (None if metric.name in COSTS else study.over.occlusion)
        made = Metric(name=metric.name, direction=direction, levels=over)
        if made in found:
            raise UserError(f"the metric {metric.name} is named twice", **here)
        found.append(made)
    if all(metric.name in COSTS for metric in found):
        message = "a cost alone is least where nothing is learnt: name a metric of validation subjects too"
        raise UserError(message, **document.where((*_HOME, "metric")))
    return found


def _better(name: str, where: Mapping[str, Any]) -> str | None:
    """Which side of a metric is the better one."""
    if name in COSTS:
        return "lower"
    measured = registry.entries("metrics")
    known = [*(VALIDATION + metric for metric in measured), *COSTS]
    if name in known:
        return registry.attribute(measured[name.removeprefix(VALIDATION)], "better", None)
    # Whoever names a test metric should learn why it can't be, rather than which word is nearest.
    bare = name.removeprefix("test").lstrip("_.")
    if bare in measured or name.startswith("test"):
        message = f"'{name}' is measured on test subjects, and what is chosen by them can't be tested on them"
        instead = VALIDATION + (bare if bare in measured else "mpjpe")
        raise UserError(f"{message}: name {instead}, the same of validation subjects", **where)
    raise unknown("metric", name, known, **where)


def levels(names: Sequence[str] | None, place: Place, document: Document) -> None:
    """Check names of occlusion levels.

    Raises:
        UserError: an unknown one, or one that stands twice.
    """
    for index, name in enumerate(names or ()):
        where = document.where((*place, index))
        registry.get("occlusions", name, **where)
        if name in (names or ())[:index]:
            raise UserError(f"'{name}' is named twice", **where)


def _per(study: Study, expansion: Expansion, document: Document) -> list[str]:
    """The axes that tell arms apart: those named, or backbone, objective and whatever else varies."""
    axes = expansion.axes
    varying = [axis for axis, values in axes.items() if len(values) > 1 and axis != "seed"]
    if study.per is None:
        return [axis for axis in axes if axis in (*SHORTHANDS[:2], *varying)]
    named: list[str] = []
    for index, axis in enumerate(study.per):
        where = document.where((*_HOME, "per", index))
        name = ALIASES.get(axis, axis)
        if name == "seed":
            raise UserError("an arm is all its seeds: a study averages over them ('over')", **where)
        if name not in axes:
            raise unknown("axis", axis, [known for known in axes if known != "seed"], **where)
        if name in named:
            raise UserError(f"the axis {name} is named twice", **where)
        named.append(name)
    return named


def _probe(arm: trial.Arm, builder: Builder, document: Document) -> None:
    """Make the runs at the ends of every range and at every choice: a trial in the night would be late to fail."""
    for name, parameter in arm.space.items():
        for value in _probes(parameter):
            params = {**_parents(name, arm), name: value}
            try:
                trial.made(builder, arm.point, arm.space, params)
            except UserError as error:
                said = f"{printed(value)} can't be tried for {arm.label}: {error.message}"
                raise UserError(said, **document.where((*_HOME, "space", name))) from None


def _probes(parameter: Parameter) -> Iterator[Any]:
    if parameter.categorical is not None:
        yield from parameter.categorical
        return
    yield from (parameter.low, parameter.high)
    if parameter.step is None and not parameter.whole:
        # Neither end tells that whole numbers are wanted.
        yield parameter.low + 0.381966 * (parameter.high - parameter.low)


def _parents(name: str, arm: trial.Arm) -> dict[str, Any]:
    """Values of the fields that ``name`` depends on, directly or not, at which it means something."""
    found: dict[str, Any] = {}
    for other, condition in arm.space[name].when.items():
        found |= _parents(other, arm)
        choices = arm.space[other].values() if arm.space[other].categorical is not None else None
        first = condition[0] if isinstance(condition, list) else condition
        found[other] = next((c for c in choices or () if printed(c) == printed(first)), first)
    return {other: found[other] for other in arm.space if other in found and active(other, arm.space, found)}
