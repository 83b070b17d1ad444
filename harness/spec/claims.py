"""Claims: sentences that a spec states before its runs, and that its report decides.

Typed here; what can be wrong with one is `harness.spec.claim_checks`, how one is decided `harness.report.claims`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from harness.occlusion import ladder
from harness.spec import identity
from harness.spec.partners import NOTHING, TUNED, Labels, alike, partners
from harness.spec.run import NonNegative, Part, Positive

CURVE = "curve"
"""Stands for the area under the occlusion curve where a claim names a test level."""


def areas(levels: Sequence[str]) -> list[str]:
    """What stands for areas among these test levels: `CURVE`, and ``curve/PROCESS`` where several are tested."""
    found = ladder.areas(levels)
    return [CURVE, *(f"{CURVE}/{name}" for name in found if name)] if found else []


class Claim(Part):
    """A sentence about two arms that the report finds supported, refuted, equivalent or inconclusive.

    Attributes:
        text: the sentence, as the report prints it.
        arm: the arm it speaks of: a value of the objective axis, or axis → value.
        versus: the arm that one is compared with, likewise; all else is equal.
        where: axis, test_occlusion (``curve`` is the area under the occlusion curve,
            ``curve/PROCESS`` that of one of several processes), cameras, weights or group → its
            value, or a list of values. Test levels and cameras that aren't named are averaged over.
        metric: registry name of what is compared.
        direction: which way the arm is said to differ from the other.
        at_least: by how much at least, in the metric's unit.
        margin: within ± this, in the metric's unit, the two count as equivalent; without it nothing does.
    """

    text: Annotated[str, Field(max_length=500)]
    arm: str | dict[str, Any]
    versus: str | dict[str, Any]
    where: dict[str, Any] = Field(default_factory=dict)
    metric: str = "mpjpe"
    direction: Literal["lower", "higher"]
    at_least: NonNegative = 0.0
    margin: Positive | None = None

    @field_validator("text")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if not text.split():
            raise ValueError("a sentence is needed")
        return " ".join(text.split())

    def digest(self, spec: str) -> str:
        """16 hexadecimal digits of all that is claimed, and of the name of the spec that claims it.

        Of a checked claim, so that two spellings of the same have the same.
        """
        said = self.model_dump(exclude_defaults=True)
        return hashlib.sha256(identity.dumps({"spec": spec, "claim": said}).encode()).hexdigest()[:16]


def compared(claim: Claim, arms: Sequence[Labels]) -> list[tuple[Labels, Labels]]:
    """The pairs of arms that a checked claim compares: the two named, else `partners`; one pair if it is precise.

    An arm that tuning left as it was is meant by its tuned and by its default values.

    Args:
        arms: labels of each arm, axis → printed value, without the seed.
    """
    left, right = _named(claim.arm), _named(claim.versus)
    found = []
    for arm in [arm for arm in arms if matches(arm, left)] or [arm for arm in arms if matches(arm, _unchanged(left))]:
        # An axis that one side alone names is free on the other: equal, if that can be.
        free = [axis for axis in left if axis not in right and axis in arm]
        others = partners(arm, right, arms, free) or partners(arm, _unchanged(right), arms, free)
        found += [(arm, other) for other in others if _there(claim.where, arm, other)]
    return found


def _unchanged(side: Mapping[str, Any]) -> dict[str, Any]:
    """A side that names tuned or default values, of an arm where these are the same."""
    return {**side, **({TUNED: NOTHING} if TUNED in side else {})}


def matches(arm: Labels, where: Mapping[str, Any]) -> bool:
    """Whether an arm has the labels that ``where`` names; what is no axis of arms doesn't matter."""
    return all(arm[axis] in _listed(wanted) for axis, wanted in where.items() if axis in arm)


def _there(where: Mapping[str, Any], one: Labels, other: Labels) -> bool:
    """Whether both arms have what ``where`` names; one is enough on an axis that means nothing to the other."""
    for axis in (axis for axis in where if axis in one):
        has = [arm[axis] in _listed(where[axis]) for arm in (one, other)]
        if not all(has) and not (any(has) and alike(axis, one[axis], other[axis])):
            return False
    return True


def _named(side: str | dict[str, Any]) -> dict[str, Any]:
    return side if isinstance(side, dict) else {"objective": side}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
