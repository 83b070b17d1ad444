"""What a study searches: a range or a list of choices for each tuned field, some of them only beside others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from harness.spec.printing import printed
from harness.spec.run import Count, Part, Positive

Number = float
"""`Parameter` has fields called float and int, which hide the types within the class."""
KINDS = ("float", "log", "int", "log_int", "categorical")
_PRIMITIVE = (str, bool, int, Number, type(None))


def _ends(given: Any) -> Any:
    numbers = isinstance(given, (list, tuple)) and len(given) == 2
    if not numbers or any(isinstance(end, bool) or not isinstance(end, (int, Number)) for end in given):
        raise ValueError("a range is two numbers, [lowest, highest]")
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("a range has finite ends")
    if low >= high:
        raise ValueError(f"the range is empty: {low:g} isn't below {high:g}")
    return given


def _whole_ends(given: Any) -> Any:
    given = _ends(given)
    if any(end != math.floor(end) for end in given):
        raise ValueError("a range of whole numbers has whole ends")
    return [int(end) for end in given]


def _positive_ends(given: Any) -> Any:
    if isinstance(given, (list, tuple)) and any(isinstance(end, (int, Number)) and end <= 0 for end in given):
        raise ValueError("a logarithmic range has positive ends")
    return given


_Range = Annotated[tuple[Number, Number], BeforeValidator(_ends)]
_LogRange = Annotated[tuple[Number, Number], BeforeValidator(_ends), BeforeValidator(_positive_ends)]
_WholeRange = Annotated[tuple[int, int], BeforeValidator(_whole_ends)]
_LogWholeRange = Annotated[tuple[int, int], BeforeValidator(_whole_ends), BeforeValidator(_positive_ends)]


class Parameter(Part):
    """What values a field may take: one of float, log, int, log_int and categorical.

    Attributes:
        float: lowest and highest of a range of numbers.
        log: the same on a logarithmic scale.
        int: lowest and highest of a range of whole numbers, both included.
        log_int: the same on a logarithmic scale.
        categorical: the choices: words, numbers, true, false or null.
        step: distance of the values of float and int, counted from the lowest.
        points: how many values of a range without steps the grid sampler takes, evenly on its scale.
        when: field → value, or values, at which this one means something; a field of the space, or an axis of arms.
    """

    float: _Range | None = None
    log: _LogRange | None = None
    int: _WholeRange | None = None
    log_int: _LogWholeRange | None = None
    categorical: Annotated[list[Any], Field(min_length=1)] | None = None
    step: Positive | None = None
    points: Annotated[Count, Field(ge=2)] = 5
    when: dict[str, Any] = Field(default_factory=dict)

    @field_validator("categorical")
    @classmethod
    def _choices(cls, given: list[Any] | None) -> list[Any] | None:
        for choice in given or ():
            if not isinstance(choice, _PRIMITIVE) or (isinstance(choice, Number) and not math.isfinite(choice)):
                raise ValueError(f"a choice is a word, a finite number, true, false or null, not {choice!r}")
        said = [printed(choice) for choice in given or ()]
        for choice in said:
            if said.count(choice) > 1:
                raise ValueError(f"the choice {choice} stands twice")
        return given

    @model_validator(mode="after")
    def _one_kind(self) -> Parameter:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            said = f"got {' and '.join(given)}" if given else "none is given"
            raise ValueError(f"one of {', '.join(KINDS)} is needed; {said}")
        if self.step is not None:
            if self.kind not in ("float", "int"):
                raise ValueError(f"'step' belongs to float and int, and this is {self.kind}")
            if self.kind == "int" and self.step != math.floor(self.step):
                raise ValueError("the step of whole numbers is a whole number")
            if self.step > self.high - self.low:
                raise ValueError("the step is wider than the range")
        if "points" in self.model_fields_set and (self.kind == "categorical" or self.step is not None):
            raise ValueError("'points' has no effect beside choices or steps")
        return self

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def low(self) -> Any:
        """The lowest value of a range."""
        return getattr(self, self.kind)[0]

    @property
    def high(self) -> Any:
        """The highest value of a range."""
        return getattr(self, self.kind)[1]

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.kind in ("int", "log_int")

    @property
    def logarithmic(self) -> bool:
        """Whether its range is on a logarithmic scale."""
        return self.kind in ("log", "log_int")

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is one it may take."""
        if self.categorical is not None:
            return printed(value) in [printed(choice) for choice in self.categorical]
        if isinstance(value, bool) or not isinstance(value, (int, Number)) or not self.low <= value <= self.high:
            return False
        if self.step is not None:
            steps = (value - self.low) / self.step
            return abs(steps - round(steps)) < 1e-9
        return not self.whole or value == math.floor(value)

    def values(self) -> list[Any]:
        """What a grid takes of it: every choice, every step, or ``points`` of its range; whole numbers each once."""
        if self.categorical is not None:
            return list(self.categorical)
        low, high = self.low, self.high
        if self.step is not None:
            count = math.floor((high - low) / self.step + 1e-9)
            found: list[Any] = [low + index * self.step for index in range(count + 1)]
        elif self.logarithmic:
            ratio = math.log(high / low) / (self.points - 1)
            found = [low, *(low * math.exp(ratio * index) for index in range(1, self.points - 1)), high]
        else:
            width = (high - low) / (self.points - 1)
            found = [low, *(low + width * index for index in range(1, self.points - 1)), high]
        return list(dict.fromkeys(round(value) for value in found)) if self.whole else found


Space = Mapping[str, Parameter]
"""Tuned field → what it may take, those that others depend on first (`ordered`)."""


def wanted(condition: Any) -> list[str]:
    """The values of one entry of ``when``, as printed."""
    return [printed(value) for value in (condition if isinstance(condition, list) else [condition])]


def active(name: str, space: Space, values: Mapping[str, Any]) -> bool:
    """Whether a field of ``space`` means something beside the ``values`` of those before it.

    Conditions on anything but fields of the space were decided when its arm was made.
    """
    return all(
        field in values and printed(values[field]) in wanted(condition)
        for field, condition in space[name].when.items()
        if field in space
    )


def ordered(space: Space) -> dict[str, Parameter]:
    """``space`` with each field behind those that it depends on, else as written.

    Raises:
        ValueError: fields that depend on each other, named.
    """
    found: dict[str, Parameter] = {}
    while len(found) < len(space):
        rest = [name for name in space if name not in found]
        free = [name for name in rest if all(field in found or field not in space for field in space[name].when)]
        if not free:
            raise ValueError(f"{' and '.join(rest)} depend on each other")
        found[free[0]] = space[free[0]]
    return found


def combinations(space: Space) -> Iterator[dict[str, Any]]:
    """Every point of a grid over ``space``, each once: fields that mean nothing at a point aren't in it."""
    return _combinations(list(space), space, {})


def _combinations(names: list[str], space: Space, chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not names:
        yield dict(chosen)
        return
    first, *rest = names
    if not active(first, space, chosen):
        yield from _combinations(rest, space, chosen)
        return
    for value in space[first].values():
        yield from _combinations(rest, space, {**chosen, first: value})


def size(space: Space, most: int = 100_000) -> int:
    """Number of `combinations`, counted up to ``most``."""
    return sum(1 for _ in itertools.islice(combinations(space), most))
