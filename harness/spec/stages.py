"""Seeds in two stages: which differences to the baseline a spec's pilot is to fix the seeds of, and what it fixed.

Every run up to the most seeds is one of the spec's; which of them are to be done is known once the store knows how many
each contrast was fixed at (`harness.tracking.fixing`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness import registry
from harness.errors import UserError
from harness.spec import identity
from harness.spec.claim_checks import WEIGHTS, named_values
from harness.spec.claims import CURVE, areas
from harness.spec.partners import Labels, partners
from harness.spec.run import Run
from harness.spec.schema import SpecFile
from harness.spec.seeds import Seeds
from harness.spec.yaml_lines import Document

_STEPS = "train.steps"
_CONDITIONS = ("test_occlusion", "cameras", "weights", "group")


class Fixed(Protocol):
    """What the store knows of a contrast: its seeds, and by which rule they were fixed."""

    @property
    def n(self) -> int: ...

    @property
    def rule(self) -> str: ...

    @property
    def time(self) -> str: ...


@dataclass(frozen=True)
class Contrast:
    """An arm and its baseline.

    Attributes:
        name: of the arm, as people read it.
        arm, base: ids of their runs, by seed, up to the most there may be.
        digest: 16 hexadecimal digits: the spec's name, both pilots and what is measured of them.
    """

    name: str
    arm: tuple[str, ...]
    base: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Stages:
    """The checked ``seeds`` section of a spec.

    Attributes:
        rule: the section.
        metric, where: what the half-width is of; values as labels print them.
        contrasts: one for each arm that has a baseline.
        fixed: digest → seeds, of the contrasts that the store was found to know; None before it was asked.
    """

    rule: Seeds
    metric: str
    where: dict[str, Any]
    contrasts: tuple[Contrast, ...]
    fixed: Mapping[str, int] | None = field(default=None)

    @property
    def pilot(self) -> tuple[int, ...]:
        """The seeds of the pilot."""
        return tuple(self.rule.all[: self.rule.pilot])

    @property
    def digests(self) -> list[str]:
        return [contrast.digest for contrast in self.contrasts]

    @property
    def said(self) -> str:
        """The rule in one line, as the store keeps it."""
        rule = self.rule
        return f"pilot {rule.pilot}, max {rule.max}, halfwidth {rule.halfwidth:g}, first {rule.first}"

    def chosen(self, runs: Sequence[Run], fixed: Mapping[str, int]) -> list[Run]:
        """The runs that are to be done: each arm's pilot, and of a contrast that is fixed its seeds, on both sides."""
        most: dict[str, int] = {}
        for contrast in self.contrasts:
            for side in (contrast.arm, contrast.base):
                for run_id in side[: fixed.get(contrast.digest, 0)]:
                    most[run_id] = 1
        pilot = set(self.pilot)
        return [run for run in runs if run.checkpoint is not None or run.seed in pilot or run.run_id in most]

    def agreed(self, found: Mapping[str, Fixed]) -> dict[str, int]:
        """Digest → seeds, of what the store knows.

        Raises:
            UserError: seeds that were fixed by another rule, which a spec can't change once their pilot is known.
        """
        for contrast in self.contrasts:
            known = found.get(contrast.digest)
            if known is not None and known.rule != self.said:
                raise UserError(
                    f"the seeds of '{contrast.name}' were fixed at {known.n} on {known.time[:10]} by another rule "
                    f"({known.rule}; the spec says {self.said}): a rule that changes once its pilot is known holds "
                    f"nothing. Put it back, or take fresh seeds, e.g. first: {self.rule.all.stop}",
                    key="seeds",
                )
        return {digest: found[digest].n for digest in self.digests if digest in found}


def with_seed_axis(file: SpecFile, document: Document) -> SpecFile:
    """The file with every seed that an arm may get in its grid; as it is without a ``seeds`` section.

    Raises:
        UserError: the grid, or a point of ``include`` or ``exclude``, names seeds, too.
    """
    if file.seeds is None:
        return file
    for axis in file.grid:
        if "seed" in [name.strip() for name in axis.split(",")]:
            message = "the seeds are given twice, here and in 'seeds': leave one out (--seeds N takes N, and no pilot)"
            raise UserError(message, **document.where(("grid", axis)))
    for part in ("include", "exclude"):
        for index, entry in enumerate(getattr(file, part)):
            if "seed" in entry:
                message = "every arm has the seeds of 'seeds': a point can't name others"
                raise UserError(message, **document.where((part, index, "seed")))
    return file.model_copy(update={"grid": {**file.grid, "seed": list(file.seeds.all)}})


def staged(file: SpecFile, runs: Sequence[Run], baseline: Mapping[str, str], document: Document) -> Stages | None:
    """The contrasts of a spec whose seeds are fixed by a pilot; None where they aren't.

    Args:
        file: the spec.
        runs: all of them, up to the most seeds.
        baseline: as the checked report has it.
    Raises:
        UserError: no baseline or nothing beside it; an unknown metric, level or set of cameras.
    """
    rule = file.seeds
    if rule is None:
        return None
    here = document.where(("seeds",))
    if not baseline:
        message = "seeds are fixed for the differences of arms to a baseline: name it in report.baseline"
        raise UserError(message, **here)
    metric = rule.metric or _listed(file.report.tables[0].metric if file.report.tables else "mpjpe")[0]
    registry.get("metrics", metric, **document.where(("seeds", "metric")))
    where = _where(rule, file, document)
    endpoint = {"metric": metric, "where": where, "test": identity.conditions(file.test)}
    arms = _arms(runs)
    labels = [dict(arm) for arm in arms]
    found = []
    for arm in labels:
        others = [] if _has(arm, baseline) else partners(arm, baseline, labels)
        if len(others) == 1:
            mine, base = (tuple(arms[tuple(side.items())]) for side in (arm, others[0]))
            pilots = {"arm": mine[: rule.pilot], "base": base[: rule.pilot]}
            said = identity.dumps({"spec": file.name, **pilots, **endpoint})
            digest = hashlib.sha256(said.encode()).hexdigest()[:16]
            found.append(Contrast(_named(arm, labels), mine, base, digest))
    if not found:
        raise UserError("no arm has a baseline to be compared with: there is nothing to fix seeds for", **here)
    return Stages(rule, metric, where, tuple(found))


def _where(rule: Seeds, file: SpecFile, document: Document) -> dict[str, Any]:
    levels = list(file.test.occlusion)
    known: dict[str, list[str] | None] = {
        "test_occlusion": [*levels, *areas(levels)],
        "cameras": [str(cameras) for cameras in file.test.cameras],
        "weights": WEIGHTS,
        "group": None,
    }
    where = {}
    for axis, wanted in rule.where.items():
        here = document.where(("seeds", "where", axis))
        if axis not in _CONDITIONS:
            raise UserError(f"one rule holds for all arms: it names {', '.join(_CONDITIONS)}; got '{axis}'", **here)
        where[axis] = named_values(wanted, axis, known[axis], here)
    if areas(levels):
        where.setdefault("test_occlusion", CURVE)
    return dict(sorted(where.items()))


def _arms(runs: Sequence[Run]) -> dict[tuple[tuple[str, str], ...], list[str]]:
    """Labels of each trained arm → the ids of its runs; arms of unequal length are told apart, as reports do."""
    trained = [run for run in runs if run.checkpoint is None]
    longer = len({run.train.steps for run in trained if run.train.passes is None}) > 1
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in trained:
        labels = {axis: value for axis, value in run.labels.items() if axis != "seed"}
        if longer:
            labels[_STEPS] = run.train.length
        found.setdefault(tuple(labels.items()), []).append(run.run_id)
    return found


def _named(arm: Labels, arms: Sequence[Labels]) -> str:
    varying = [axis for axis in arm if len({other[axis] for other in arms}) > 1]
    return " · ".join(arm[axis] for axis in varying if arm[axis] != "-")


def _has(arm: Labels, baseline: Mapping[str, str]) -> bool:
    return all(arm.get(axis) == value for axis, value in baseline.items())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
