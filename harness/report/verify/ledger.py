"""What was compared, and what didn't agree."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

SLACK = 1e-6
"""Of half a unit of the last printed digit: floating point's last bits."""
NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Mismatch:
    """One number that isn't what it should be.

    Attributes:
        file: where it stands, relative to the report's folder.
        cell: which of its numbers.
        expected: what was computed, or what ``report.json`` says.
        found: what stands there.
    """

    file: str
    cell: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}: {self.cell}: expected {self.expected}, found {self.found}"


@dataclass
class Ledger:
    """Counts of what was compared, by what it was, and the mismatches in the order in which they were found."""

    counts: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def same(self, kind: str, file: str, cell: str, expected: object, found: object) -> bool:
        """Count one comparison of texts; note it where they differ."""
        self.counts[kind] += 1
        if expected != found:
            self.mismatches.append(Mismatch(file, cell, _shown(expected), _shown(found)))
        return expected == found

    def printed(self, kind: str, file: str, cell: str, expected: float, found: str) -> bool:
        """Count one comparison of a printed number with what it should be, at the decimals it is printed with."""
        self.counts[kind] += 1
        if agrees(expected, found):
            return True
        decimals = len(found.partition(".")[2]) if re.fullmatch(r"[+-]?[\d,.]+", found) else 6
        shown = f"{expected:.{decimals}f}"
        if shown == found.lstrip("+"):  # on the edge of rounding: two more decimals tell them apart
            shown = f"{expected:.{decimals + 2}f}"
        self.mismatches.append(Mismatch(file, cell, shown, found))
        return False


def agrees(value: float, text: str) -> bool:
    """Whether ``text`` is ``value`` rounded to the decimals that it shows; ``<0.001`` is anything below."""
    try:
        if text.startswith("<"):
            return value < float(text[1:]) * (1 + SLACK)
        shown = float(text.replace(",", ""))
    except ValueError:
        return False
    unit = 10.0 ** -len(text.partition(".")[2])
    return abs(shown - value) <= unit / 2 + SLACK * unit


def numbers(text: str) -> list[str]:
    """The numbers of a text, as they stand there."""
    return NUMBER.findall(text)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:197] + "…"
