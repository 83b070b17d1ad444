"""What `repose tune` left in ``results/NAME/study.json``, as far as specs read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError, unknown, wrong_value
from harness.spec.run import Part, Whole
from harness.spec.space import Parameter
from harness.spec.study import Metric

SCHEMA = 1
FILE = "study.json"


class FromStudy(Part):
    """Where tuned values come from.

    Attributes:
        study: the name of the spec that was tuned, whose ``results/NAME/study.json`` is read, or a path to one.
        pick: by which metric one of several best trials is taken; the study's first, if not named.
    """

    study: Annotated[str, Field(min_length=1)]
    pick: str | None = None


class _Loose(BaseModel):
    """The file holds more than specs read, and will hold more than it does."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TrialRecord(_Loose):
    """One trial: its number, what it tried, and the metrics' values in the study's order if it ended."""

    number: Whole
    state: str
    params: dict[str, Any]
    values: list[float] | None = None


class ArmRecord(_Loose):
    """One arm: axis → printed value, its trials, and the numbers of the best: one, or those that none beats.

    ``space`` are the tuned fields that it has.
    """

    arm: dict[str, str]
    space: list[str] | None = None
    trials: list[TrialRecord]
    best: list[int]


class Searched(_Loose):
    """What was searched: the space, the metrics, and the seeds that its runs were trained with."""

    space: dict[str, Parameter]
    metrics: Annotated[list[Metric], Field(min_length=1)]
    seeds: list[int] = []


class StudyFile(_Loose):
    """A study's file."""

    version: Literal[1] = Field(alias="schema")
    spec: str
    study: Searched
    arms: list[ArmRecord]


Read = TypeVar("Read", bound=StudyFile)


def locate(given: str, folder: Path) -> Path:
    """The file that ``from_study`` means, which needn't be there.

    Args:
        given: a path, relative to the spec's folder or the working folder, or the name of a spec that was tuned.
        folder: the spec's.
    """
    if not given.endswith(".json") and "/" not in given:
        given = f"results/{given}/{FILE}"
        folder = folder.parent  # of experiments/, beside which results/ lies
    here = Path(given).expanduser()
    return here if here.exists() or not (folder / here).exists() else folder / here


def read(path: Path, where: Mapping[str, Any], kind: type[Read]) -> Read:
    """A study's file, as specs read it or, with another ``kind``, more of it.

    Raises:
        UserError: it isn't there, or isn't one.
    """
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        message = f"the study {path} can't be read ({error.strerror}): `repose tune` writes it"
        raise UserError(message, **where) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(step) for step in first["loc"])
        raise UserError(f"{path} is no study: {at}: {wrong_value(first, first['input'])}", **where) from None
    except ValueError as error:
        raise UserError(f"{path} is no study: {error}", **where) from None


def best(arm: ArmRecord, metrics: list[Metric], pick: str | None, where: Mapping[str, Any]) -> TrialRecord | None:
    """The trial of an arm whose values are taken; None if none of its trials ended.

    Args:
        arm: of a study.
        metrics: the study's.
        pick: a metric's name; None is the first.
    Raises:
        UserError: a metric that the study hasn't.
    """
    names = [metric.name for metric in metrics]
    if pick is not None and pick not in names:
        raise unknown("metric of the study", pick, names, **where)
    at = names.index(pick) if pick else 0
    sign = -1 if metrics[at].direction == "maximize" else 1
    ended = [trial for trial in arm.trials if trial.number in arm.best and trial.values is not None]
    return min(ended, key=lambda trial: (sign * (trial.values or [0.0])[at], trial.number), default=None)
