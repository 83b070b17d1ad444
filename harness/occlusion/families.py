"""Levels that a spec puts together: processes of the registry at a severity that it names."""

from __future__ import annotations

from harness import level_names, registry
from harness.occlusion.composition import Level
from harness.occlusion.fill import Fill
from harness.occlusion.levels import FILL

_FILLS = {
    "zero": Fill(1, 0, 0),
    "last_seen": Fill(0, 1, 0),
    "hallucinated": Fill(0, 0, 1),
    "mean": Fill(0, 0, 0, mean=1),
    None: FILL,
}


def composed(name: str) -> Level:
    """The level that such a name says (`harness.level_names`).

    Raises:
        UserError: it says none; the message holds what was expected.
    """
    entry = registry.get("occlusions", name)
    said, processes = level_names.parse(name), []
    for process, given in said.parts:
        found = registry.get("processes", process)
        processes.append(registry.load(found)(**registry.check_options(found, given)))
    return Level(name, entry.version, said.severity, tuple(processes), _FILLS[said.fill])
