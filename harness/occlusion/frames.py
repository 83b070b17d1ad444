"""Whole frames missing: the image is blurred, the film is cut, the detector found nobody."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from harness.occlusion.lengths import Lengths
from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

SOURCE = (
    "complete frames missing, as in Ghafoor and Mahmood, IEEE Transactions on Multimedia 2022; how many in a row is "
    "this harness's choice"
)


def person(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """All joints in one group: the whole frame is missing."""
    return {"person": tuple(range(len(skeleton)))}


def process(*, length: Annotated[int, Ge(1), Le(2000)] = 5) -> StretchProcess:
    """``length``: mean number of consecutive frames that are missing."""
    return Lengths(length).process("frames", person)
