"""The study of a spec: what `repose tune` searches, how, for how long, and by which measure of the validation clips."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from harness.spec import identity
from harness.spec.run import Count, Part, Positive, Whole
from harness.spec.space import Parameter

Direction = Literal["minimize", "maximize"]


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


def _listed(given: Any) -> Any:
    return [_named(item) for item in given] if isinstance(given, list) else [_named(given)]


class Sampler(Part):
    """Who proposes the next trial. Every option is pinned here: another release of Optuna proposes alike.

    Attributes:
        name: tpe, random or grid (every combination once, in an order drawn by the seed).
        seed: of its draws.
        startup: trials of tpe drawn at random before it models anything.
        candidates: draws of tpe among which it takes the most promising.
        multivariate: whether tpe models the fields together.
        constant_liar: whether tpe counts running trials as bad ones, so that workers don't propose the same.
    """

    name: Literal["tpe", "random", "grid"] = "tpe"
    seed: Whole = 0
    startup: Count = 10
    candidates: Count = 24
    multivariate: bool = True
    constant_liar: bool = True

    @model_validator(mode="after")
    def _own_options(self) -> Sampler:
        for option in ("startup", "candidates", "multivariate", "constant_liar"):
            if self.name != "tpe" and option in self.model_fields_set:
                raise ValueError(f"'{option}' belongs to tpe, and this is {self.name}")
        return self


class Pruner(Part):
    """Who stops a hopeless trial before its end.

    Attributes:
        name: asha (successive halving), median (worse than the median of the earlier ones) or none.
        grace: validations that every trial may see first.
        reduction: of the trials that reach a rung of asha, one in this many goes on; the next rung is as much further.
        startup: trials that median lets end before it stops any.
    """

    name: Literal["asha", "median", "none"] = "asha"
    grace: Count = 1
    reduction: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 3.0
    startup: Count = 5

    @model_validator(mode="after")
    def _own_options(self) -> Pruner:
        for option, owners in (("grace", ("asha", "median")), ("reduction", ("asha",)), ("startup", ("median",))):
            if self.name not in owners and option in self.model_fields_set:
                raise ValueError(f"'{option}' belongs to {' and '.join(owners)}, and this is {self.name}")
        return self


class Budget(Part):
    """How much each arm may be tuned; the first limit that is reached ends its search.

    Attributes:
        trials: number of trials, the spec's own values among them, stopped ones too.
        hours: time of its trials, added up, over the number that a driver runs at once; kept across restarts.
        gpu_hours: time of its trials times the GPU share of each; likewise.
    """

    trials: Count | None = None
    hours: Positive | None = None
    gpu_hours: Positive | None = None

    @model_validator(mode="after")
    def _some(self) -> Budget:
        if self.trials is None and self.hours is None and self.gpu_hours is None:
            raise ValueError("a budget is a number of trials, hours or gpu_hours")
        return self


class Metric(Part):
    """What a study minimises or maximises: a measure of the validation clips, or a cost of the network.

    Attributes:
        name: val_mpjpe, or val_ and any other metric that has a better side; parameters or macs.
        direction: minimize or maximize; None in a file is the metric's own better side.
        levels: occlusion levels of the validation clips that it averages over; None in a file is that of `Over`.
    """

    name: str
    direction: Direction | None = None
    levels: Annotated[list[str], Field(min_length=1)] | None = None


class Over(Part):
    """What each trial is averaged over.

    Attributes:
        seeds: a number of them (0, 1, …), or the seeds; each is a run of the trial.
        occlusion: occlusion levels of the validation clips; None is train.validate_on.
    """

    seeds: Count | Annotated[list[Whole], Field(min_length=1)] = 1
    occlusion: Annotated[list[str], Field(min_length=1)] | None = None

    @field_validator("seeds", "occlusion")
    @classmethod
    def _once(cls, given: Any) -> Any:
        if isinstance(given, list) and len(set(given)) != len(given):
            raise ValueError("a value is named twice")
        return given


class Study(Part):
    """A search for the values of some fields, made once for each arm.

    Attributes:
        space: dotted field → what values it may take; any field that the grid could vary and doesn't.
        budget: of each arm, controls included.
        metric: what decides, measured on validation subjects; several give the set of trials that none beats in all.
        sampler: who proposes trials.
        pruner: who stops trials; asha unless there are several metrics.
        over: seeds and occlusion levels that a trial is averaged over.
        per: axes of the grid whose values are tuned apart; None is every one that varies, but the seed.
    """

    space: Annotated[dict[str, Parameter], Field(min_length=1)]
    budget: Budget
    metric: Annotated[
        list[Metric],
        Field(min_length=1),
        BeforeValidator(_listed, json_schema_input_type=str | Metric | list[str | Metric]),
    ] = Field(default_factory=lambda: [Metric(name="val_mpjpe")])
    sampler: Annotated[Sampler, BeforeValidator(_named, json_schema_input_type=str | Sampler)] = Sampler()
    pruner: Annotated[Pruner, BeforeValidator(_named, json_schema_input_type=str | Pruner)] = Field(
        default_factory=Pruner
    )
    over: Over = Over()
    per: list[str] | None = None

    @property
    def seeds(self) -> list[int]:
        """The seeds of every trial."""
        return list(range(self.over.seeds)) if isinstance(self.over.seeds, int) else list(self.over.seeds)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of what makes trials comparable: space, metrics and what they are averaged over.

        Of a checked study. Trials of another digest don't belong to this study.
        """
        space = {name: parameter.model_dump(exclude_defaults=True) for name, parameter in self.space.items()}
        metrics = [metric.model_dump() for metric in self.metric]
        return identity.digest(identity.canonical({"space": space, "metrics": metrics, "seeds": self.seeds}))
