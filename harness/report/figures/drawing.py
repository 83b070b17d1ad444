"""What all figures share: colours, markers and dashes, panels, legends, SVG and PDF.

Readable in grey and by colour-blind readers: an arm has its colour (Okabe and Ito's palette), its
marker and its dashes. matplotlib is imported when the first figure is drawn.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness.look.canvas import STYLE
from harness.look.canvas import panels as panels
from harness.report.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours without yellow, which is lost on white; darkest first.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)))
GREY = "#9a9a9a"


class Drawn(NamedTuple):
    """A figure as a report needs it: its caption, SVG text for a page and a PDF for a paper."""

    caption: str
    svg: str
    pdf: bytes


class Sketch(NamedTuple):
    """A figure before it is written: matplotlib's object and its caption."""

    figure: Figure
    caption: str


class Unfilled(Exception):
    """The evidence lacks what a figure needs; the message says what."""


def style(i: int) -> dict[str, Any]:
    """Colour, marker and dashes of the ``i``-th arm."""
    return {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
    }


def title(panel: Any, text: str) -> None:
    """A panel's heading in as many lines as its width needs: a letter of 9 points takes about 0.075 inches."""
    if " · " in text:
        # Lines break between the parts of a name, never within one.
        text = text.replace(" ", "\N{NO-BREAK SPACE}").replace("·\N{NO-BREAK SPACE}", "· ")
    width = panel.get_position().width * panel.figure.get_figwidth()
    panel.set_title(textwrap.fill(text, max(10, int(width / 0.075) + 4), break_long_words=False), fontsize=9)


def line(
    panel: Any,
    x: Sequence[float] | np.ndarray,
    points: Sequence[Interval],
    look: dict[str, Any],
    label: str,
    *,
    among: int = 1,
) -> None:
    """Means joined by a line, with a band between the ends of their intervals; of one value the band has no width.

    ``among``: how many lines share the panel; many bands are paler, or they would cover each other.
    """
    mean = np.array([point.mean for point in points])
    low = np.array([point.low if point.n > 1 else point.mean for point in points])
    high = np.array([point.high if point.n > 1 else point.mean for point in points])
    panel.plot(x, mean, label=label, markersize=4.5, linewidth=1.3, **look)
    panel.fill_between(x, low, high, color=look["color"], alpha=0.13 if among <= 6 else 0.07, linewidth=0)


def legend(figure: Figure, *holders: Any) -> None:
    """One legend below all panels, with what those given hold; equal labels stand once, none makes no legend."""
    found: dict[str, Any] = {}
    for panel in holders:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    labels = list(found)
    if not labels:
        return
    figure.legend(
        list(found.values()),
        labels,
        loc="outside lower center",
        frameon=False,
        ncols=_legend_columns(figure, labels),
        handlelength=3.2,
        fontsize=8,
    )


def _legend_columns(figure: Figure, labels: Sequence[str]) -> int:
    """As many as fit side by side: a letter of 8 points takes about 0.065 inches, the line before it 0.6."""
    widest = max((len(label) for label in labels), default=1)
    return max(1, min(4, len(labels), int(figure.get_figwidth() / (0.065 * widest + 0.6))))


def written(sketch: Sketch, salt: str) -> Drawn:
    """SVG and PDF that depend on the figure alone: no date, ids from a fixed salt, text kept as text."""
    import matplotlib
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text, pages, figure = io.StringIO(), io.BytesIO(), sketch.figure
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        # Laid out once, at the points an inch that both files have, and drawn once for each: savefig draws twice.
        figure.dpi = 72
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
        figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
        FigureCanvasPdf(figure).print_pdf(pages, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return Drawn(sketch.caption, text.getvalue(), pages.getvalue())
