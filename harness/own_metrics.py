"""Metrics of an installed package's own, by entry point; named from their source, without running it."""

from __future__ import annotations

from importlib import metadata

from harness import class_source, own_backbones
from harness.errors import UserError

GROUP = "repose.metrics"
"""Entry points of this group name metrics: ``name = "package.module:Class"``."""


def lines() -> dict[str, tuple[str, int, str]]:
    """Name → target, version and summary, as the registry's own lines have it.

    Raises:
        UserError: an entry point whose source can't be found, or that names no class in it.
    """
    found = {}
    for point in metadata.entry_points(group=GROUP):
        file = own_backbones.locate(point.module)
        tree = None if file is None else class_source.parsed(own_backbones.source_of(str(file)), str(file))
        if tree is None or point.attr not in class_source.classes(tree):
            message = (
                f"the entry point '{point.name}' must name a metric as package.module:Class; it is '{point.value}'"
            )
            raise UserError(message)
        version = class_source.literal(tree, point.attr, "version")
        version = version if isinstance(version, int) and not isinstance(version, bool) else 1
        found[point.name] = (point.value, version, class_source.summary(tree, point.attr))
    return found
