"""A grid beside itself with tuned values: each arm as the spec says it, and as a study found it best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.spec import readback, study_file, trial
from harness.spec.fields import ALIASES, printed, resolve
from harness.spec.grid import Expansion, Point
from harness.spec.partners import NOTHING
from harness.spec.partners import TUNED as AXIS
from harness.spec.run import Run
from harness.spec.schema import SpecFile
from harness.spec.sections import Builder
from harness.spec.space import Space, ordered
from harness.spec.study_file import ArmRecord, StudyFile
from harness.spec.yaml_lines import Document

DEFAULT, TUNED = "default", "tuned"
_PLACE = ("from_study",)


@dataclass(frozen=True)
class Tuned:
    """What a study's values were used for.

    Attributes:
        path: the study's file; None if the spec's own study hasn't run yet.
        values: the study's arm, as printed, → the trial's number and the values taken from it.
        pick: the metric by which one of several best trials was taken; None is the study's first.
        own: whether the study is the spec's own.
    """

    path: Path | None
    values: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    pick: str | None = None
    own: bool = False


def beside(file: SpecFile, expansion: Expansion, document: Document) -> tuple[Expansion, Tuned | None]:
    """The expansion with a tuned run behind each run that a study has values for, told apart by the axis `AXIS`.

    A field that an arm lacks isn't applied. An arm that the study didn't tune, or left as it was, has one run only.

    Raises:
        UserError: a study that isn't there, isn't finished or tuned none of these arms, a field that the grid varies,
            or a seed that the study has trained with already.
    """
    given = file.from_study
    if given is None:
        return expansion, None
    where = document.where((*_PLACE, "study"))
    if file.study is not None:
        _fresh(file.study.seeds, expansion, document)
    path = study_file.locate(given.study, document.folder)
    own = file.study is not None and given.study == file.name
    if own and not path.exists():
        untuned = [_labelled(run, NOTHING if run.checkpoint else DEFAULT) for run in expansion.runs]
        return replace(expansion, runs=untuned, axes={**expansion.axes, AXIS: [DEFAULT]}), Tuned(None, own=own)
    found = study_file.read(path, where, StudyFile)
    _fresh(found.study.seeds, expansion, document)
    space = _space(found, file, expansion, document)
    grid = expansion.builder
    builder = Builder(file, document, list(dict.fromkeys([*grid.swept, *space])), grid.fingerprint)

    points: dict[str, Point] = {}
    for point in expansion.points:
        points.setdefault(point.run.run_id, point)
    runs: dict[str, Run] = {}
    used: dict[str, tuple[int, dict[str, Any]]] = {}
    matched = 0
    for run in expansion.runs:
        arm = _arm(run, found) if run.checkpoint is None else None
        matched += arm is not None
        tuned = None if arm is None else _tuned(arm, found, points[run.run_id], builder, space, given, used, document)
        same = tuned is None or tuned.run_id == run.run_id
        runs.setdefault(run.run_id, _labelled(run, NOTHING if same else DEFAULT))
        if tuned is not None and not same:
            labels = {axis: tuned.labels[axis] for axis in run.labels}
            runs.setdefault(tuned.run_id, _labelled(tuned.model_copy(update={"labels": labels}), TUNED))
    if not matched:
        known = "; ".join(_said(arm) for arm in found.arms)
        raise UserError(f"the study tuned no arm of this grid (it tuned: {known})", **where)
    values = list(dict.fromkeys(run.labels[AXIS] for run in runs.values() if run.checkpoint is None))
    axes = {**expansion.axes, AXIS: values}
    return replace(expansion, runs=list(runs.values()), axes=axes), Tuned(path, used, given.pick, own)


def foreseen(expansion: Expansion, tuned: Tuned | None) -> list[Run]:
    """The tuned runs that the spec's own study may find yet, or could have found where it left an arm as it was."""
    if tuned is None or not tuned.own:
        return []
    arms = [{**run.labels, AXIS: ""} for run in expansion.runs if run.labels[AXIS] == TUNED]
    bare = [run for run in expansion.runs if run.checkpoint is None and run.labels[AXIS] != TUNED]
    return [_labelled(run, TUNED) for run in bare if {**run.labels, AXIS: ""} not in arms]


def _tuned(
    arm: ArmRecord,
    found: StudyFile,
    point: Point,
    builder: Builder,
    space: Space,
    given: study_file.FromStudy,
    used: dict[str, tuple[int, dict[str, Any]]],
    document: Document,
) -> Run:
    """The run of ``point`` with the arm's best values; notes them in ``used``."""
    if arm.space == []:  # a control that has nothing to tune
        return point.run
    best = study_file.best(arm, found.study.metrics, given.pick, document.where((*_PLACE, "pick")))
    if best is None:
        message = f"no trial of {_said(arm)} has ended: let `repose tune` go on"
        raise UserError(message, **document.where((*_PLACE, "study")))
    params = {name: value for name, value in best.params.items() if name in space}
    if best.params and not params:
        message = f"the spec has none of the fields that were tuned for {_said(arm)}: {', '.join(best.params)}"
        raise UserError(message, **document.where((*_PLACE, "study")))
    used[_said(arm)] = (best.number, best.params)
    labelled = replace(point, run=trial.labelled(builder, point))
    try:
        return trial.made(builder, labelled, space, params, place=_PLACE)
    except UserError as error:
        message = f"what was tuned for {_said(arm)} doesn't fit here: {error.message}"
        raise UserError(message, **document.where((*_PLACE, "study"))) from None


def _space(found: StudyFile, file: SpecFile, expansion: Expansion, document: Document) -> Space:
    """The tuned fields that this spec has, in order, with the conditions that are of fields here."""
    where = document.where((*_PLACE, "study"))
    varied = {setting.field.name for point in expansion.points for setting in point.settings}
    kept = {}
    for name, parameter in ordered(found.study.space).items():
        if name in varied:
            raise UserError(f"the study tuned {name}, which the grid varies: leave it out of the grid", **where)
        try:
            resolve(name, file, document, _PLACE)
        except UserError:
            continue  # an objective or a network that this spec doesn't declare
        kept[name] = parameter.model_copy(update={"when": {f: v for f, v in parameter.when.items() if f in kept}})
    return kept


def _arm(run: Run, found: StudyFile) -> ArmRecord | None:
    """The study's arm that a run belongs to."""
    for arm in found.arms:
        if all(_label(run, axis) == value for axis, value in arm.arm.items()):
            return arm
    return None


def _label(run: Run, axis: str) -> str:
    axis = ALIASES.get(axis, axis)
    return run.labels[axis] if axis in run.labels else readback.read(run, axis)


def _fresh(seeds: list[int], expansion: Expansion, document: Document) -> None:
    """Refuse seeds that a study has trained with: what it chose by them can't be tested on them."""
    taken = sorted({run.seed for run in expansion.runs if run.checkpoint is None} & set(seeds))
    if taken:
        said = f"seed{'s' if len(taken) > 1 else ''} {', '.join(map(str, taken))}"
        first = max(seeds) + 1
        message = f"the study chose its values with {said}: test them on fresh ones, e.g. seed: [{first}, {first + 1}]"
        raise UserError(message, **document.where(("grid", "seed")))


def _labelled(run: Run, value: str) -> Run:
    return run.model_copy(update={"labels": {**run.labels, AXIS: value}})


def _said(arm: ArmRecord | Mapping[str, str]) -> str:
    labels = arm.arm if isinstance(arm, ArmRecord) else arm
    return ", ".join(f"{axis} {printed(value)}" for axis, value in labels.items()) or "its one arm"
