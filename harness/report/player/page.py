"""The player as a piece of the page: controls, the clips' numbers and the script that plays them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from harness.look import player, skeletons
from harness.report.figures.drawing import Drawn
from harness.report.player import still
from harness.report.player.choosing import Choice, Pick, Unplayable
from harness.report.player.excerpt import FEWEST, Excerpt, Played, cut, frames_each
from harness.skeleton import Skeleton


@dataclass(frozen=True)
class Clips:
    """What a report shows of the clips.

    Attributes:
        fragment: HTML that plays them; complete in itself, fetches nothing.
        still: a frame of each, for paper.
    """

    fragment: str
    still: Drawn


def show(choice: Choice, played: Sequence[Sequence[Played]]) -> Clips:
    """The chosen clips, playable and on paper.

    Args:
        played: for each pick the baseline's prediction and the other arm's.
    Raises:
        Unplayable: a prediction isn't the one whose error was recorded; or not even one clip fits into the page.
    """
    skeleton = played[0][0].skeleton
    count = len(choice.picks)
    while count and frames_each(count, len(skeleton)) < FEWEST:
        count -= 1
    if not count:
        raise Unplayable(f"{len(skeleton)} joints are too many for the page")
    frames = frames_each(count, len(skeleton))
    excerpts = [cut(pick, both, frames) for pick, both in zip(choice.picks[:count], played, strict=False)]
    return Clips(_fragment(choice, excerpts, skeleton), still.draw(choice, excerpts, skeleton))


def absent(reason: str) -> str:
    """What stands in the player's place."""
    return f"<p>No clip is shown: {html.escape(reason)}.</p>\n"


def _fragment(choice: Choice, excerpts: Sequence[Excerpt], skeleton: Skeleton) -> str:
    names = [html.escape(name) for name in choice.names]
    options = [_title(one.pick) for one in excerpts]
    told = f"input, truth, {choice.names[0]}, {choice.names[1]}"
    cut_off = len(choice.picks) - len(excerpts)
    shared = f" (both {html.escape(choice.shared)})" if choice.shared else ""
    left_out = f" {cut_off} more of the {len(choice.picks)} asked for don't fit into the page." if cut_off else ""
    data = {
        "names": list(choice.names),
        "colours": [skeletons.TRUTH, *choice.colours],
        **player.skeleton(skeleton),
        "clips": [one.packed() for one in excerpts],
    }
    return f"""<style>
{player.style()}</style>
<p>Where <b>{names[1]}</b>, the best arm at {html.escape(choice.level)} test occlusion, differs most from
<b>{names[0]}</b>{shared}, either way: one camera of each of {len(excerpts)} test clips, runs of seed {choice.seed}
({choice.runs[1]} and {choice.runs[0]}), predicted again from their saved weights.{left_out}</p>
{player.element(options, told)}<ul class="notes">
<li>Crossed circles: hidden keypoints, in the input where the detector reports them instead. Thin: the left side. Behind
a prediction, in pale grey: the truth. Millimetres are of the frame; those in the list are of the whole clip.</li>
<li>Drag to turn. With the picture in focus the arrow keys turn it, space plays, Home turns it back.</li>
</ul>
<noscript><p>The clips play where scripts are allowed; a frame of each stands among the figures.</p></noscript>
{player.scripts(data, _script())}"""


def _title(pick: Pick) -> str:
    before, after = pick.errors
    words = f"{pick.clip} ({pick.action}), {pick.cameras} camera {pick.camera}"
    return f"{words}: {before:.1f} → {after:.1f} mm"


def _script() -> str:
    return resources.files("harness.report.player").joinpath("player.js").read_text(encoding="utf-8")
