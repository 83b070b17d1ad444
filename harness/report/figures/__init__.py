"""Figures of a report, one file each: what the evidence can fill, as SVG and PDF.

A figure is a function ``draw(evidence, *, options) -> Sketch`` and a line in `LINES`; its keyword-only
arguments are its options. It raises `Unfilled` where the evidence lacks what it needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from harness.errors import UserError, unknown
from harness.report.evidence import Evidence
from harness.report.figures import (
    cost,
    depth_order,
    forest,
    heatmap,
    joints,
    learning,
    occlusion,
    sweep,
    terms,
    tuning_contour,
    tuning_fresh,
    tuning_front,
    tuning_history,
    tuning_importance,
    tuning_slices,
)
from harness.report.figures.drawing import Drawn, Sketch, Unfilled, written

__all__ = ["FROM_CURVES", "LINES", "Drawn", "Figures", "Meanwhile", "each", "figures", "planned"]

LINES: dict[str, Callable[..., Sketch]] = {
    "occlusion": occlusion.draw,
    "difference": forest.draw,
    "joints": joints.draw,
    "lambda": sweep.draw,
    "lambdas": heatmap.draw,
    "cost": cost.draw,
    "learning": learning.draw,
    "terms": terms.draw,
    "depth_order": depth_order.draw,
    "tuning_fresh": tuning_fresh.draw,
    "tuning_history": tuning_history.draw,
    "tuning_importance": tuning_importance.draw,
    "tuning_slices": tuning_slices.draw,
    "tuning_contour": tuning_contour.draw,
    "tuning_front": tuning_front.draw,
}


FROM_CURVES = ("learning", "terms")
"""Figures that are drawn from training curves alone: no row of an evaluation is needed."""


class Figures(dict[str, Drawn]):
    """File stem → figure, and in ``lacking`` the figures asked for by name that can't be drawn, and why."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking: dict[str, str] = {}


_FEW = 2
"""Figures that another process draws in the time that this one would take to load what it draws with."""

Planned = tuple[str, str, Mapping[str, Any]]
"""File stem, name and options of a figure."""


class Meanwhile(Protocol):
    """What `each` yields, as it comes from another process."""

    def come(self) -> list[Any]:
        """All that has come so far."""

    def wait(self, beyond: int) -> bool:
        """Wait until more than so many have come; False if no more will."""


def figures(
    evidence: Evidence, chosen: Iterable[Any] | str | None = None, meanwhile: Meanwhile | None = None
) -> Figures:
    """The figures of a report.

    Args:
        evidence: what the runs left.
        chosen: names, or mappings of one name to its options; None or "all": every figure that the evidence
            can fill, with its default options.
        meanwhile: another process that draws the same ones by `each`, from the last to the first.
    Returns:
        File stem → `Drawn`, in order; a figure chosen twice gets a number after its name.
    Raises:
        UserError: there is no such figure or option.
    """
    named = not (chosen is None or chosen == "all")
    plan = planned(chosen)
    found: dict[str, Drawn | str] = {}
    drawing = False
    for stem, name, options in plan:
        theirs = None if meanwhile is None else _awaited(meanwhile, stem, None if drawing else len(plan) - _FEW)
        drawing |= theirs is None
        found[stem] = _drawn(evidence, stem, name, options) if theirs is None else theirs
    made = Figures()
    for stem, one in found.items():
        if isinstance(one, Drawn):
            made[stem] = one
        elif named:
            made.lacking[stem] = one
    return made


def planned(chosen: Iterable[Any] | str | None) -> list[Planned]:
    """The figures to be drawn, in order.

    Raises:
        UserError: there is no such figure or option.
    """
    plan: dict[str, Planned] = {}
    for name, options in _wanted(LINES if chosen is None or chosen == "all" else chosen):
        stem, again = name, 1
        while stem in plan:
            again += 1
            stem = f"{name}{again}"
        plan[stem] = stem, name, options
    return list(plan.values())


def each(evidence: Evidence, plan: Sequence[Planned]) -> Iterator[tuple[str, Drawn | str | None]]:
    """The planned figures from the last to the first: each stem as it is begun, and again with what became of it.

    Yields:
        stem, and nothing yet, the figure, or why it can't be drawn.
    """
    for stem, name, options in reversed(plan):
        yield stem, None
        yield stem, _drawn(evidence, stem, name, options)


def _drawn(evidence: Evidence, stem: str, name: str, options: Mapping[str, Any]) -> Drawn | str:
    try:
        return written(LINES[name](evidence, **options), stem)
    except Unfilled as lack:
        return str(lack)


def _awaited(meanwhile: Meanwhile, stem: str, near: int | None) -> Drawn | str | None:
    """A figure that the other process has drawn, or is at; None where it has come to neither.

    ``near``: once it has begun so many, it is waited for whatever it is at.
    """
    while True:
        come = meanwhile.come()
        told = [one for of, one in come if of == stem]
        if told and told[-1] is not None:
            return told[-1]
        soon = near is not None and len({of for of, _ in come}) >= near
        if not (told or soon) or not meanwhile.wait(len(come)):
            return None


def _wanted(chosen: Iterable[Any] | str) -> list[tuple[str, Mapping[str, Any]]]:
    wanted: list[tuple[str, Mapping[str, Any]]] = []
    for one in [chosen] if isinstance(chosen, str) else chosen:
        pairs = one.items() if isinstance(one, Mapping) else [(one, None)]
        for name, options in pairs:
            if name not in LINES:
                raise unknown("figure", str(name), LINES, key="report.figures")
            if options is not None and not isinstance(options, Mapping):
                raise UserError(f"the options of the figure '{name}' must be a mapping", key="report.figures")
            known = [n for n in inspect.signature(LINES[name]).parameters if n != "evidence"]
            for option in options or {}:
                if option not in known:
                    raise unknown(f"option of the figure '{name}'", str(option), known, key="report.figures")
            wanted.append((str(name), options or {}))
    return wanted
