"""The shape of a spec file, typed; what its grid means is `harness.spec.grid`'s."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

from harness.errors import UserError, unknown, wrong_value
from harness.spec.claims import Claim
from harness.spec.recipes import TrainSection
from harness.spec.report_section import Report
from harness.spec.run import Count, Data, NonNegative, Part, Positive, Test, Whole
from harness.spec.seeds import Seeds
from harness.spec.study import Study
from harness.spec.study_file import FromStudy
from harness.spec.yaml_lines import Document, Path


def _auto(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise ValueError("a number is needed, or the word auto")
    return value


_or_auto = BeforeValidator(_auto)


class Resources(Part):
    """What one run occupies, and how many run at once.

    Attributes:
        cpu: CPU share of a run.
        gpu: GPU share of a run; 0.25 puts four runs on one GPU; auto as many as its memory holds, by a probe of each
            sort of run (and of RAM, as with ``memory: auto``), or none where there's no GPU.
        workers: runs at once; None is as many as fit.
        hours: of work on a run, the earlier parts of one that is gone on with included; beyond that it is stopped,
            recorded as failed, and left alone until the limit is raised; None is no limit.
        checkpoint_minutes: between two checkpoints of a run; None: only when it is told to stop.
        memory: GB of RAM that a run has for itself; auto is what a probe of its sort measures; None isn't counted.
        grace_seconds: that a stopped sweep gives its runs to keep a checkpoint, before it ends them.
    """

    cpu: Positive = 1.0
    gpu: Annotated[NonNegative | Literal["auto"], _or_auto] = 0.0
    memory: Annotated[Positive | Literal["auto"] | None, _or_auto] = None
    workers: Count | None = None
    hours: Positive | None = None
    checkpoint_minutes: Positive | None = 10.0
    grace_seconds: NonNegative = 20.0


class Tracking(Part):
    """Where records are kept: an MLflow tracking URI; None is the local store."""

    uri: str | None = None


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class CheckpointEntry(Part):
    """Weights that others trained, tested on the spec's data as an arm of their own.

    Attributes:
        path: the file, relative to the spec's folder.
        backbone: the network they belong to: a name, or ``{name: …, option: …}``.
        part: the entry that holds the weights where the file has several, e.g. model_traj.
        window, frames_out: other than the data's, if the network needs them.
        flip_test: average the predictions of an input and of its mirror image.
        digest: of the file's content; may be declared, so that the report needs no file.
    """

    path: str
    backbone: str | dict[str, Any]
    part: str | None = None
    window: Count | None = None
    frames_out: Count | None = None
    flip_test: bool = True
    digest: str | None = None


def _studied(given: Any) -> Any:
    return {"study": given} if isinstance(given, str) else given


class SpecFile(Part):
    """One spec file: what to compare, on what, how to report it.

    Attributes:
        name: results and records go by it.
        claims: sentences stated before the runs, which the report decides.
        checkpoints: weights that others trained, tested beside the arms.
        retries: how often a failed run is tried again.
        seeds: a pilot, and how narrow the intervals are to be that fix the further seeds; instead of an axis.
        study: what `repose tune` searches; the grid is as without it.
        from_study: a study whose tuned values each arm has too, beside its own: a name, a path, or with options.
    """

    name: Name
    data: Data = Data()
    backbone: Any = None
    backbones: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    train: TrainSection = TrainSection()
    test: Test = Test()
    objectives: Annotated[dict[Name, Any], Field(min_length=1)]
    grid: dict[str, Any]
    include: list[dict[str, Any]] = Field(default_factory=list)
    exclude: list[dict[str, Any]] = Field(default_factory=list)
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    report: Report = Report()
    claims: list[Claim] = Field(default_factory=list)
    checkpoints: dict[Name, CheckpointEntry] = Field(default_factory=dict)
    retries: Whole = 1
    seeds: Seeds | None = None
    study: Study | None = None
    from_study: Annotated[FromStudy, BeforeValidator(_studied, json_schema_input_type=str | FromStudy)] | None = None

    @field_validator("test")
    @classmethod
    def _once(cls, test: Test) -> Test:
        for field, values in (("occlusion", test.occlusion), ("cameras", test.cameras)):
            if len(set(values)) != len(values):
                raise ValueError(f"{field} names a value twice")
        return test


def read(document: Document) -> SpecFile:
    """The file's content, typed.

    Raises:
        UserError: the first thing that is wrong, with its line.
    """
    if not isinstance(document.data, dict):
        raise UserError("a spec is a mapping: name, objectives, grid, …", **document.where(()))
    try:
        return SpecFile.model_validate(document.data)
    except ValidationError as error:
        raise explain(error, SpecFile, document) from None


def explain(error: ValidationError, model: type[BaseModel], document: Document, prefix: Path = ()) -> UserError:
    """The user's view of a pydantic error: the misspelt keys first, then the highest in the file.

    Args:
        error: what pydantic raised.
        model: what was validated.
        document: where lines are looked up.
        prefix: where in the document the validated value stands.
    """

    def urgency(item: Any) -> tuple[bool, int]:
        line = document.where((*prefix, *item["loc"]))["line"]
        return item["type"] != "extra_forbidden", line or 0

    first = min(error.errors(include_url=False), key=urgency)
    loc, kind = tuple(first["loc"]), first["type"]
    if kind == "extra_forbidden":
        parent = _model_at(model, loc[:-1])
        return unknown("key", str(loc[-1]), parent.model_fields, **document.where((*prefix, *loc)))
    if kind == "missing":
        where = document.where((*prefix, *loc))
        return UserError(f"'{loc[-1]}' is missing", **where)
    # Unions add their member's name to the path: keep what the document has.
    path = (*prefix, *loc)
    while len(path) > len(prefix) + 1 and path not in document.lines:
        path = path[:-1]
    return UserError(wrong_value(first, first.get("input")), **document.where(path))


def _model_at(model: type[BaseModel], loc: Path) -> type[BaseModel]:
    """The model class that validates the value at ``loc``."""
    annotation: Any = model
    for part in loc:
        annotation = _strip(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = get_args(annotation)[-1]
    annotation = _strip(annotation)
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation


def _strip(annotation: Any) -> Any:
    """``Annotated[X, …]`` and ``X | None`` → ``X``."""
    if get_origin(annotation) is Annotated:
        return _strip(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return _strip(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation
