"""A study as reports read it: all of ``study.json``, and which trial of each arm counts as its tuned one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from harness.report.selection import Metric, metric
from harness.spec import study_file
from harness.spec.printing import printed
from harness.spec.study_checks import COSTS, VALIDATION
from harness.spec.study_file import ArmRecord, Searched, StudyFile, TrialRecord

ONE_ARM = "its one arm"


class Trial(TrialRecord):
    """A trial with its course: (validation, value so far) at each report, its runs, and how long it took."""

    intermediate: list[tuple[float, float]] = Field(default_factory=list)
    runs: list[str] = Field(default_factory=list)
    seconds: float = 0.0
    reused: bool = False
    enqueued: str | None = None


class Own(BaseModel):
    """The spec's own values, tried as a trial or beside the study; values in the order of the metrics."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    values: list[float] | None = None
    runs: list[str] = Field(default_factory=list)


class Arm(ArmRecord):
    """An arm: ``importance`` is field → share, ``default`` the spec's own values if they were tried."""

    trials: list[Trial]  # type: ignore[assignment]
    importance: dict[str, float] = Field(default_factory=dict)
    seconds: float = 0.0
    gpu_hours: float = 0.0
    default: Own | None = None


class About(Searched):
    """How the study was made: sampler, pruner and budget with their options."""

    sampler: dict[str, Any] = Field(default_factory=dict)
    pruner: dict[str, Any] = Field(default_factory=dict)
    budget: dict[str, float] = Field(default_factory=dict)
    digest: str = ""


class Content(StudyFile):
    """All that the file says."""

    study: About
    arms: Annotated[list[Arm], Field(min_length=1)]  # type: ignore[assignment]


@dataclass(frozen=True)
class Study:
    """The study that a report speaks of.

    Attributes:
        content: of its file.
        digest: SHA-256 of the file.
        pick: by which metric the tuned trial of an arm is chosen; None is the first.
        levels: occlusion levels that the spec's runs validate on.
        changed: whether the spec's study is no longer the one that was made.
    """

    content: Content
    digest: str
    pick: str | None = None
    levels: tuple[str, ...] = ()
    changed: bool = False

    @property
    def about(self) -> About:
        return self.content.study

    @property
    def arms(self) -> list[Arm]:
        return self.content.arms

    @property
    def axes(self) -> list[str]:
        """The axes that tell arms apart; all of them where none varies."""
        every = list(self.arms[0].arm)
        varying = [axis for axis in every if len({arm.arm.get(axis) for arm in self.arms}) > 1]
        return varying or every or ["arm"]

    def key(self, arm: Arm) -> tuple[str, ...]:
        """An arm's values on `axes`."""
        return tuple(arm.arm.get(axis, ONE_ARM) for axis in self.axes)

    def label(self, arm: Arm) -> str:
        """An arm in one line."""
        return " · ".join(value for value in self.key(arm) if value != "-")

    def tuned(self, arm: Arm) -> Trial | None:
        """The best trial, or of several best the one that is best by the picked metric; None if none ended."""
        found = study_file.best(arm, self.about.metrics, self.pick, {})
        return next((trial for trial in arm.trials if found is not None and trial.number == found.number), None)

    def front(self, arm: Arm) -> list[Trial]:
        """The best trial, or all that none beats."""
        return [trial for trial in arm.trials if trial.number in arm.best and trial.values is not None]


def path(spec: Any) -> Path | None:
    """Where the study that a spec's report speaks of lies: the one it takes values from, else its own.

    None without one, or where `repose tune` hasn't written it yet.
    """
    used = getattr(spec, "tuned", None)
    if used is not None and used.path is not None:
        return used.path
    if getattr(spec, "study", None) is None:
        return None
    own = study_file.locate(spec.name, Path(spec.path).parent)
    return own if own.exists() else None


def load(spec: Any) -> Study | None:
    """The study that a spec's report speaks of, see `path`.

    Raises:
        UserError: its file can't be read, or is none.
    """
    file = path(spec)
    if file is None:
        return None
    content = study_file.read(file, {}, Content)
    used, own = getattr(spec, "tuned", None), getattr(spec, "study", None)
    changed = own is not None and content.spec == spec.name and content.study.digest not in ("", own.digest)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    levels = next((tuple(run.train.validate_on) for run in spec.runs), ())
    return Study(content, digest, None if used is None else used.pick, levels, changed)


def shown_as(name: str) -> Metric:
    """How a study's metric is printed; a digit more than a table of results has, as tuning gains little at a time."""
    if name in COSTS:
        return Metric(name if name == "parameters" else "MACs", decimals=0, better="lower")
    known = metric(name.removeprefix(VALIDATION))
    return Metric(f"validation {known.label}", known.unit, known.decimals + 1, known.better)


def value_text(value: Any) -> str:
    """A tuned value as tables print it: numbers to four digits that count."""
    return f"{value:.4g}" if isinstance(value, float) else printed(value)


def short(field: str, among: Mapping[str, Any] | list[str]) -> str:
    """A field as figures name it: ``λ term`` for a weight, else its last words, as many as tell it from the others."""
    parts = field.split(".")
    if parts[0] == "objectives" and parts[-1] in ("weight", "lambda"):
        again = [other for other in among if other.split(".")[2:] == parts[2:]]
        return f"λ {parts[2]}" + (f" of {parts[1]}" if len(again) > 1 else "")
    for count in range(1, len(parts)):
        tail = parts[-count:]
        if sum(other.split(".")[-count:] == tail for other in among) == 1:
            return ".".join(tail if len(parts) < 4 or count > 1 else parts[-2:])
    return field
