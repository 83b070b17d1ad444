"""Clips as one page that plays: complete in itself, fetches nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources
from typing import Any

from harness.look import player
from harness.look.sheet import GIVEN, WRONG
from harness.look.sight import Sight
from harness.look.skeletons import TRUTH

FPS, SECONDS = 25.0, 12.0
"""A clip is thinned to about this rate, and shown for so long."""


def page(title: str, told: str, sights: Sequence[Sight]) -> str:
    """The whole page.

    Args:
        title: what the data are. told: where they come from and which of them are shown, in a sentence or two.
    """
    data = {
        "colours": [TRUTH, GIVEN, WRONG],
        **player.skeleton(sights[0].skeleton),
        "clips": [_packed(one) for one in sights],
    }
    script = resources.files("harness.look").joinpath("show.js").read_text(encoding="utf-8")
    head = html.escape(title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{head}</title>
<style>
body {{ font-family: system-ui, sans-serif; color: #1d2126; margin: 1.5rem auto; max-width: 76rem; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; }}
.notes {{ color: #474e57; font-size: .9rem; }}
{player.style()}</style>
</head>
<body>
<h1>{head}</h1>
<p>{html.escape(told)}</p>
{player.element([_option(one) for one in sights], f"the person in space, {', '.join(sights[0].levels)}")}
<ul class="notes">
<li>Crossed circles: joints that are hidden, in space those of the last level. Blue dots: what the network is given
where the joint is seen; orange crosses: what it is given where it isn't. Thin: the left side.</li>
<li>Drag to turn. With the picture in focus the arrow keys turn it, space plays, Home turns it back.</li>
</ul>
<noscript><p>The clips play where scripts are allowed.</p></noscript>
{player.scripts(data, script)}</body>
</html>
"""


def _option(one: Sight) -> str:
    rates = ", ".join(f"{level} {100 * (~one.visible[level]).mean():.0f} % hidden" for level in one.levels)
    return f"{one.clip} ({one.action}), {one.camera}: {rates}"


def _packed(one: Sight) -> dict[str, Any]:
    step = max(1, round(one.fps / FPS))
    rows = slice(0, step * int(SECONDS * one.fps / step), step)
    scored = one.scored[rows]
    return {
        "start": 0,
        "step": step,
        "total": len(one),
        "fps": one.fps / step,
        "frames": len(scored),
        "poses": player.quantised(one.body[rows]),
        "image": player.quantised(one.image[rows]),
        "levels": [
            {
                "name": level,
                "seen": player.quantised(one.seen[level][rows]),
                "visible": player.bits(one.visible[level][rows]),
            }
            for level in one.levels
        ],
        **({} if scored.all() else {"unscored": player.bits(~scored)}),
    }
