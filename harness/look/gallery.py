"""Every process of occlusion on one clip: three severities of it, and which joint is hidden when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.look.canvas import panels
from harness.look.sheet import GIVEN, WIDE, WRONG, given
from harness.look.sight import Sight

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HIGH = 1.3  # inches
_SHADES = ("#14324a", "#4f8fbf", "#bcd7ea")
"""Of joints hidden from the lowest severity, from the next, from the highest: readable in grey."""


def gallery(one: Sight, processes: Mapping[str, Sequence[tuple[float, str]]], frames: int = 250) -> Figure:
    """Two processes a row, each at its severities, in the frame that tells them apart, beside its course over time.

    Args:
        one: a clip seen at all levels named.
        processes: what a process is called → its severities, rising, and the levels of ``one`` that have them.
        frames: how much of the clip the course shows.
    """
    from matplotlib.colors import ListedColormap

    count = max(len(levels) for levels in processes.values())
    widths = [*[WIDE] * count, 2.2, 0.1] * 2
    rows = len(processes) // 2 + 1  # one place more than processes: for the legend
    figure, axes = panels(
        rows, len(widths), _HIGH * sum(widths) / len(widths), _HIGH, gridspec_kw={"width_ratios": widths}
    )
    for panel in axes.flat:
        panel.axis("off")
    colours = ListedColormap(["#ffffff", *_SHADES[:count]])
    for place, (name, levels) in enumerate(processes.items()):
        across = axes[place % rows, (place // rows) * (count + 2) :]
        hidden = np.stack([~one.visible[level][:frames] for _, level in levels])  # (severities, F, J)
        at = telling(hidden)
        for panel, (severity, level) in zip(across, levels, strict=False):
            given(panel, one, level, at)
            panel.set_title(f"\n{severity:g}", fontsize=7)  # the first line is the name's
        title = across[0].text(0, 1.2, name, fontsize=8, fontweight="bold", transform=across[0].transAxes)
        title.set_in_layout(False)  # it may be wider than its panel
        course = across[count]
        course.axis("on")
        course.grid(False)
        # 0 where nothing hides the joint, 1 where the lowest severity does already.
        first = np.where(hidden.any(0), 1 + hidden.argmax(0), 0)
        course.imshow(first.T, aspect="auto", cmap=colours, vmin=0, vmax=count, interpolation="nearest")
        course.axvline(at, color=WRONG, linewidth=0.7)
        course.set_yticks([])
        course.set_xticks([])
        rates = " / ".join(f"{100 * part.mean():.0f}" for part in hidden)
        course.set_title(f"{rates} % hidden", fontsize=7, loc="left")
        for side in course.spines.values():
            side.set_visible(True)
            side.set_color("#9a9a9a")
    _legend(axes[rows - 1, (count + 2) :], [severity for severity, _ in next(iter(processes.values()))])
    return figure


def _legend(across: Any, severities: Sequence[float]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shades = zip(_SHADES, severities, strict=False)
    marks = [
        Line2D(
            [],
            [],
            marker="$\\otimes$",
            color="#1d2126",
            markersize=7,
            markeredgewidth=0.3,
            linestyle="none",
            label="hidden joint",
        ),
        Line2D([], [], marker=".", color=GIVEN, linestyle="none", label="what the network is given, joint seen"),
        Line2D([], [], marker="x", color=WRONG, linestyle="none", label="what it is given, joint hidden"),
    ]
    look: dict[str, Any] = {"fontsize": 7, "frameon": False, "loc": "center left"}
    across[0].legend(handles=marks, **look).set_in_layout(False)
    shown = across[-2].legend(
        handles=[Patch(color=shade, label=f"hidden from severity {severity:g}") for shade, severity in shades]
        + [Line2D([], [], color=WRONG, label="the frame beside")],
        title="joints (down) over frames (across)",
        title_fontsize=7,
        **look,
    )
    shown.set_in_layout(False)


def telling(hidden: np.ndarray) -> int:
    """The frame in which severities (severities, F, J) differ most: a few joints hidden early, more later on."""
    counts = hidden.sum(axis=2)  # (severities, F)
    steps = np.minimum(np.diff(counts, axis=0, prepend=0), 3).clip(0)
    return int(steps.sum(axis=0).argmax())
