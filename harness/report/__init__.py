"""Reports: tables, figures and one page from what the runs of a spec left. Loads neither torch nor ray.

`write` makes `results/<spec>/`; `render_terminal` gives the main table as text; `collect` gives the
tables themselves, for both of these; `load` gives frames for notebooks. `harness.report.verify` computes every
number of what was written again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.frames import Frames, load
    from harness.report.report import Report, collect, render_terminal, write

__all__ = ["Frames", "Report", "collect", "load", "render_terminal", "write"]


def __getattr__(name: str) -> Any:
    # The command line imports this package for its name; pandas and the rest load when something is asked.
    if name in ("Frames", "load"):
        from harness.report import frames

        return getattr(frames, name)
    if name in __all__:
        from harness.report import report as module

        return getattr(module, name)
    raise AttributeError(f"module 'harness.report' has no attribute '{name}'")
