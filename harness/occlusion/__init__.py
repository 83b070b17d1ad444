"""Occlusion: which keypoints a 2D detector loses, over which frames, and what it then reports.

`level(name)` gives a `Level`; its `draw` says what is hidden, `apply` says what the detector reports.
Imported lazily: naming and checking a level (see `harness.registry`) needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.occlusion.composition import Level, Occlusion
    from harness.occlusion.corruption import apply
    from harness.occlusion.fill import Fill
    from harness.occlusion.scene import Scene
    from harness.occlusion.stretches import StretchProcess

__all__ = ["Fill", "Level", "Occlusion", "Scene", "StretchProcess", "apply", "level"]

_HOMES = {
    "Fill": "fill",
    "Level": "composition",
    "Occlusion": "composition",
    "Scene": "scene",
    "StretchProcess": "stretches",
    "apply": "corruption",
}


def level(name: str, **where: Any) -> Level:
    """The occlusion level called ``name``: a registered one, or one put together there, such as ``limbs@0.5``.

    Raises:
        UserError: no such level; the message holds the nearest name, and ``where`` it was named.
    """
    from harness import level_names, registry

    build = registry.load(registry.get("occlusions", name, **where))
    return build(name) if level_names.composed(name) else build()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
