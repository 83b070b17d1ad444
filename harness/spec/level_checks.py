"""Whether occlusion levels go with the skeleton of the data, found before a worker starts."""

from __future__ import annotations

from collections.abc import Iterable

from harness import level_names, registry
from harness.errors import UserError
from harness.spec.run import Run, Test
from harness.spec.term_checks import known_skeleton
from harness.spec.yaml_lines import Document


def levels_fit_skeletons(runs: Iterable[Run], test: Test, document: Document) -> None:
    """Refuse levels that count more joints than the data's skeleton has.

    The module of such a process says in a literal ``COUNTS_JOINTS = ("of",)`` which options of it are counts of joints.
    Where the data file was not there to be read, nothing is said.

    Raises:
        UserError: such a level, located where the spec asks for it.
    """
    asked: dict[tuple[str, tuple[str | int, ...], int], Run] = {}
    for run in runs:
        places: list[tuple[str, tuple[str | int, ...]]] = [(run.train.occlusion, ("train", "occlusion"))]
        places += [(level, ("train", "validate_on", i)) for i, level in enumerate(run.train.validate_on)]
        places += [(level, ("test", "occlusion", i)) for i, level in enumerate(test.occlusion)]
        for level, place in places:
            asked.setdefault((level, place, id(run.data)), run)
    for (level, place, _), run in asked.items():
        counted = _counted(level)
        skeleton = known_skeleton(run.data) if counted else None
        for process, option, count in counted if skeleton else ():
            if skeleton is not None and count > len(skeleton):
                message = f"{process}:{option}={count} is more than the {len(skeleton)} joints of '{skeleton.name}'"
                raise UserError(f"{message}, the data's skeleton", **document.where(place))


def _counted(level: str) -> list[tuple[str, str, int]]:
    """The counts of joints that a level's name says: process, option, count."""
    if not level_names.composed(level):
        return []
    return [
        (process, option, int(given[option]))
        for process, given in level_names.parse(level).parts
        for option in registry.constant(registry.get("processes", process), "COUNTS_JOINTS", ())
        if option in given
    ]
