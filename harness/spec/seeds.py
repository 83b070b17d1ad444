"""The ``seeds`` section of a spec file, typed: a pilot, then as many seeds as its spread asks for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from harness.spec.run import Count, Part, Positive, Whole


class Seeds(Part):
    """Seeds spent where they matter: each arm first gets a pilot, then what its difference to the baseline asks for.

    Attributes:
        pilot: seeds of every arm before anything is fixed; more seeds tell a spread better.
        max: the most that an arm may get, the pilot's among them.
        halfwidth: wanted half-width of the 95 % interval of an arm's difference to its baseline, in the metric's unit.
        metric: of which; the first one of the report's first table when missing.
        where: test_occlusion (``curve`` is the area under the occlusion curve), cameras, weights or group → its value,
            or a list of values that are averaged over, as are those of what isn't named. Without a test level it is
            the area, where the test levels make a curve.
        first: the first seed; the others follow.
    """

    pilot: Annotated[int, Field(strict=True, ge=3)]
    max: Count
    halfwidth: Positive
    metric: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    first: Whole = 0

    @model_validator(mode="after")
    def _in_order(self) -> Seeds:
        if self.max < self.pilot:
            raise ValueError(f"max: {self.max} is less than the pilot of {self.pilot}")
        return self

    @property
    def all(self) -> range:
        """Every seed that an arm may get."""
        return range(self.first, self.first + self.max)
