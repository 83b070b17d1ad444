"""Names of occlusion levels that are put together in the spec: processes, their options, a severity, a fill.

``stretches:length=60@0.5`` is the process ``stretches`` with an option at severity 0.5; ``joints+limbs@0.3:zero`` draws
two together and reports zero for what they hide. Without a fill it is that of the shipped levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError, unknown

FILLS = ("zero", "last_seen", "hallucinated", "mean")
"""Fills that a name may end with."""
LEAST = 0.001
"""The least severity that a name may say."""
_PART = r"(:[a-z_]+=[^:+@/,\s]+)*"
_REST = r"@[0-9.]+(:[a-z_]+)?$"
_PATTERN = re.compile(rf"^[a-z_]+{_PART}(\+[a-z_]+{_PART})*{_REST}")
_GRAMMAR = "PROCESS[:OPTION=VALUE…][+PROCESS…]@SEVERITY[:FILL], e.g. stretches:length=60@0.5"


@dataclass(frozen=True)
class Said:
    """What such a name says.

    Attributes:
        parts: processes with their options, as they stand there.
        severity: from `LEAST` to 1.
        fill: one of `FILLS`; None: that of the shipped levels.
    """

    parts: tuple[tuple[str, dict[str, str]], ...]
    severity: float
    fill: str | None

    def spelt(self, options: Sequence[Mapping[str, Any]]) -> str:
        """The one spelling of the level, given each process' options without those left at their defaults."""
        named = [
            ":".join([name, *(f"{option}={_plain(value)}" for option, value in given.items())])
            for (name, _), given in zip(self.parts, options, strict=True)
        ]
        return f"{'+'.join(sorted(named))}@{_plain(self.severity)}{f':{self.fill}' if self.fill else ''}"


def composed(name: str) -> bool:
    """Whether a name is of this kind: it holds an @."""
    return "@" in name


def pattern(processes: Iterable[str]) -> str:
    """A regular expression of composed names, for editors: names of processes, fills and the grammar, no options."""
    one = rf"({'|'.join(processes)}){_PART}"
    return rf"^{one}(\+{one})*@(0?\.[0-9]+|1)(:({'|'.join(FILLS)}))?$"


def parse(name: str) -> Said:
    """What a composed name says; options and processes aren't looked up.

    Raises:
        UserError: it doesn't follow the grammar, the severity isn't within its range, or the fill is unknown.
    """
    if not _PATTERN.match(name):
        raise UserError(f"'{name}' names no occlusion level: a name, or {_GRAMMAR}, is needed")
    left, right = name.split("@")
    number, _, fill = right.partition(":")
    try:
        severity = float(number)
    except ValueError:
        severity = -1.0
    if not LEAST <= severity <= 1:
        raise UserError(f"the severity of '{name}' must be from {LEAST} to 1; got {number} (nothing hidden: none)")
    if fill and fill not in FILLS:
        raise unknown("fill", fill, FILLS)
    parts = []
    for part in left.split("+"):
        process, *options = part.split(":")
        given = dict(option.split("=", 1) for option in options)
        if len(given) < len(options):
            raise UserError(f"an option is given twice in '{name}'")
        parts.append((process, given))
    if len({part for part, _ in parts}) < len(parts):
        raise UserError(f"a process is named twice in '{name}'")
    return Said(tuple(parts), severity, fill or None)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
