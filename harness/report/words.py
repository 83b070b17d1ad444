"""The words that a spec has printed in place of its axes' values."""

from __future__ import annotations

from collections.abc import Mapping

Labels = Mapping[str, str | Mapping[str, str]]
"""Value → what is printed for it, or axis → value → that; axis → its head."""


def spoken(labels: Labels, axis: str, value: str) -> str:
    """What is printed for a value of an axis: the axis's own word, the common one, else the value."""
    own, common = labels.get(axis), labels.get(value)
    if isinstance(own, Mapping) and value in own:
        return own[value]
    return common if isinstance(common, str) else value
