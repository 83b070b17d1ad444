"""What stands beside λ in a loss term: from when on it counts, and what it is measured in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness import registry
from harness.errors import UserError
from harness.objectives.schedule import KEYS, Schedule


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


def _two(value: Any) -> Any:
    if value is not None and not (isinstance(value, list | tuple) and len(value) == 2):
        raise ValueError("a ramp is two epochs, e.g. [1, 4]: where λ leaves 0, and where it is full")
    return value


Epochs = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]


class Weighting(BaseModel):
    """The keys beside λ; each at its default is as if it weren't there.

    Attributes:
        scale: raw, λ multiplies the term; gradient, λ is the length of the term's gradient beside that of the absolute
            terms, measured before the term begins and fixed then.
        warmup: epochs for which the term waits, λ being 0; None is none, or with scale gradient one.
        ramp: epoch at which λ leaves 0 and epoch at which it is full, in a straight line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: Literal["raw", "gradient"] = "raw"
    warmup: Epochs | None = None
    ramp: Annotated[tuple[Epochs, Epochs] | None, BeforeValidator(_two)] = None

    @property
    def schedule(self) -> Schedule:
        """The same in numbers."""
        by_gradient = self.scale == "gradient"
        if self.ramp is not None:
            return Schedule(*self.ramp, by_gradient=by_gradient)
        begin = self.warmup if self.warmup is not None else float(by_gradient)
        return Schedule(begin, begin, by_gradient=by_gradient)


def split_weighting(term: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A loss term without the keys beside λ, and these."""
    return {k: v for k, v in term.items() if k not in KEYS}, {k: term[k] for k in KEYS if k in term}


def settled(given: Mapping[str, Any], weight: float) -> dict[str, Any]:
    """The keys beside a λ of ``weight``, without those that change nothing: one run has one name.

    Raises:
        UserError: keys that don't go together; ``key`` is one of them.
        pydantic.ValidationError: a value of the wrong type or range.
    """
    read = Weighting.model_validate(dict(given))
    if not weight:
        return {}
    if read.ramp is not None:
        if read.warmup is not None:
            raise UserError("a ramp says already when the term begins: leave warmup out", key="warmup")
        if read.ramp[0] >= read.ramp[1]:
            raise UserError(f"a ramp goes from an earlier epoch to a later one; got {list(read.ramp)}", key="ramp")
        if read.scale == "gradient" and not read.ramp[0]:
            message = "scale: gradient is measured before the term begins: let its ramp begin after 0"
            raise UserError(message, key="ramp")
    if read.scale == "gradient" and read.warmup == 0:
        raise UserError("scale: gradient is measured in the warm-up: it can't be 0", key="warmup")
    found: dict[str, Any] = {"scale": read.scale} if read.scale != "raw" else {}
    if read.warmup is not None and read.warmup != Weighting(scale=read.scale).schedule.begin:
        found["warmup"] = read.warmup
    if read.ramp is not None:
        found["ramp"] = list(read.ramp)
    return found


def misfits(
    schedules: Mapping[str, Schedule], weights: Mapping[str, float], epochs: int, steps: int | None = None
) -> Iterator[tuple[str, str, str]]:
    """What of an objective's schedules can't be in a training of so many epochs: (term, key, message).

    Args:
        schedules: of each term.
        weights: λ of each term.
        steps: of the training; None where only the data tell.
    """
    last = math.inf if steps is None else (steps - 1) / (steps / epochs)
    used = {name: schedules[name] for name, weight in weights.items() if weight}
    for name, schedule in used.items():
        if schedule.by_gradient and _literal(name, "poseless"):
            yield name, "scale", f"scale: gradient can't be measured: no gradient of {name} reaches the predicted pose"
        if schedule.full > schedule.begin and schedule.full > epochs:
            yield (
                name,
                "ramp",
                f"the ramp of {name} ends at epoch {schedule.full:g}, and there are {epochs} (train.epochs)",
            )
        elif schedule.begin >= epochs:
            message = (
                f"{name} waits for {schedule.begin:g} epochs and there are {epochs} (train.epochs): none is left to it"
            )
            yield name, "warmup" if schedule.full == schedule.begin else "ramp", message
        elif not schedule.share(last):
            message = (
                f"{name} waits for {schedule.begin:g} epochs, and the last of {steps} steps is made after {last:g} of "
                f"{epochs} (train.epochs): none is left to it"
            )
            yield name, "warmup" if schedule.full == schedule.begin else "ramp", message
    first = [name for name, schedule in used.items() if not schedule.begin]
    if used and not first:
        name = next(iter(used))
        yield name, "warmup", "no term counts from the start: there is nothing to train with until one begins"
    plain = [n for n in first if not used[n].full and _literal(n, "absolute") and not _literal(n, "poseless")]
    for name in (name for name, schedule in used.items() if schedule.by_gradient and not plain):
        yield name, "scale", "scale: gradient measures a term by the absolute terms: one must count from the start"


def _literal(term: str, name: str) -> bool:
    return bool(registry.attribute(registry.get("losses", term), name, False))
