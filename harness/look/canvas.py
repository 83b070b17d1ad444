"""Panels on paper, and the style that all of them share. matplotlib is imported when the first is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = {
    "svg.fonttype": "none",
    # Publishers refuse type 3 fonts, matplotlib's default.
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
}


def panels(rows: int, columns: int, width: float, height: float, **shared: Any) -> tuple[Figure, Any]:
    """A figure of ``rows`` × ``columns`` panels of ``width`` × ``height`` inches, and its (rows, columns) axes."""
    import matplotlib
    from matplotlib.figure import Figure as New

    with matplotlib.rc_context(STYLE):
        figure = New(figsize=(max(width * columns, 4.0), height * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **shared)
    return figure, axes


def png(figure: Figure, dpi: int) -> bytes:
    """The figure as a picture that depends on it alone: no date, no version."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    found = io.BytesIO()
    figure.dpi = dpi
    with matplotlib.rc_context(STYLE):
        FigureCanvasAgg(figure).print_png(found, metadata={"Software": None})
    return found.getvalue()
