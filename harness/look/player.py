"""What pages that play skeletons share: controls, style, the script's engine, and numbers packed for it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np

from harness.look import skeletons
from harness.skeleton import Skeleton


def quantised(values: np.ndarray) -> dict[str, Any]:
    """Base64 of little-endian int16, and the value of one unit."""
    unit = float(np.abs(values).max()) / 32767 or 1.0
    return {"unit": unit, "values": base64.b64encode(np.rint(values / unit).astype("<i2").tobytes()).decode()}


def bits(flags: np.ndarray) -> str:
    """Base64 of bools, eight a byte."""
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def skeleton(found: Skeleton) -> dict[str, Any]:
    """What the engine must know of the skeleton, and the look."""
    return {
        "under": skeletons.UNDER,
        "mark": skeletons.MARK,
        "view": [skeletons.YAW, skeletons.PITCH],
        "bones": [list(bone) for bone in found.bones],
        "thin": sorted(found.halves.get("left", ())),
        "joints": len(found),
    }


def element(options: Iterable[str], told: str) -> str:
    """Controls and canvas: a choice among ``options``, and what the canvas shows, for those who can't see it."""
    choices = "".join(f"<option>{html.escape(option)}</option>" for option in options)
    return f"""<div id="player" hidden>
<div class="controls">
<label>Clip <select>{choices}</select></label>
<button type="button">Play</button>
<input type="range" min="0" value="0" step="1" aria-label="Frame">
<output aria-live="off"></output>
</div>
<canvas tabindex="0" role="application" aria-label="Skeletons: {html.escape(told)}.
 Arrow keys turn them, space plays, Home turns them back."></canvas>
</div>
"""


def style() -> str:
    """The player's style sheet."""
    return _file("player.css")


def scripts(data: object, own: str) -> str:
    """The page's numbers, the engine, and the page's ``own`` script, which calls it."""
    return f"""<script type="application/json" id="player-data">{_json(data)}</script>
<script>
{_file("player.js")}{own}</script>
"""


def _json(data: object) -> str:
    """Of one line; no name in it can end the element that holds it."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _file(name: str) -> str:
    return resources.files("harness.look").joinpath(name).read_text(encoding="utf-8")
