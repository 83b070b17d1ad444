"""What an importer found: clips as the harness has them, and what else is to be kept with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.data.dataset import Clip, Split
from harness.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Imported:
    """The content of an imported clip file; `harness.data.imported_file` writes and reads it.

    Attributes:
        name: what the data are called.
        skeleton: the joints of every clip.
        clips: named ``subject/clip``, metres; world axes with z up, or camera axes (see ``world``). Either all have
            recorded cameras or none.
        licence: on which terms the data may be used, as their owners say.
        detector: what the recorded 2D keypoints come from, e.g. ``cpn``; None where there are none.
        splits: named ways to divide the subjects.
        performers: subject → person, for subjects that aren't called by their person.
        provenance: where they come from, of clips that an imported file held before; of others nothing.
        world: ``up``, or ``camera`` where only camera axes are known: every clip then has one camera, at the origin.
    """

    name: str
    skeleton: Skeleton
    clips: tuple[Clip, ...]
    licence: str
    detector: str | None = None
    splits: Mapping[str, Split] = field(default_factory=dict)
    performers: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    world: str = "up"
