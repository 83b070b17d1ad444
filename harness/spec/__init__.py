"""A YAML spec becomes runs: typed, checked before anything starts, without torch or ray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.spec.loading import Spec, load

__all__ = ["Spec", "load"]


def __getattr__(name: str) -> Any:
    # Workers import `harness.spec.run` alone; the YAML side is loaded by those who read specs.
    if name in __all__:
        from harness.spec import loading as module

        return getattr(module, name)
    raise AttributeError(f"module 'harness.spec' has no attribute '{name}'")
