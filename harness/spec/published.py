"""The published numbers that come with the harness, and how a spec picks some of them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from harness.errors import unknown
from harness.spec.report_section import Published
from harness.spec.yaml_lines import parse


@cache
def shipped() -> dict[str, Published]:
    """Name → number, of all that ship."""
    text = resources.files("harness.spec").joinpath("published.yaml").read_text(encoding="utf-8")
    return {name: Published.model_validate(entry) for name, entry in parse(text, "published.yaml").data.items()}


def chosen(reference: Sequence[str | Published]) -> list[Published]:
    """The numbers that ``reference`` names or holds, each once.

    Args:
        reference: names of shipped numbers, patterns of them (``*`` stands for any letters), or numbers.
    Raises:
        UserError: nothing that ships is called so; with the nearest name.
    """
    found: list[Published] = []
    for entry in reference:
        if isinstance(entry, Published):
            named = [entry]
        else:
            named = [one for name, one in shipped().items() if fnmatchcase(name, entry)]
            if not named:
                raise unknown("published number", entry, shipped(), key="report.reference")
        found += [one for one in named if one not in found]
    return found
