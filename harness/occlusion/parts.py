"""Body parts that are missing for a whole clip: a table hides the legs, the image ends at the elbow.

No frame of the window tells where the part was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness import keyed
from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

SOURCE = "fixed body parts missing, as in Ghafoor and Mahmood, IEEE Transactions on Multimedia 2022"


@dataclass(frozen=True)
class Parts:
    """Each clip loses ``round(severity · limbs)`` of the skeleton's limbs, in an order of its own."""

    name: str = "parts"
    version: int = 1

    needs_scene: ClassVar[bool] = False

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`."""
        packed = torch.full((len(keys), len(skeleton)), event.NEVER, device=keys.device)
        names = [keyed.key("occlusion", self.name, self.version, limb) for limb in skeleton.limbs]
        drawn = keyed.combine(keys[:, None], torch.tensor(names, device=keys.device))  # (B, limbs)
        rank = drawn.argsort(dim=1).argsort(dim=1)
        activation = ((2 * rank + 1) << event.SEVERITY_BITS) // max(1, 2 * len(names))
        found = event.pack(activation, keyed.mix(~drawn), event.cause_of(drawn, fill))
        for number, limb in enumerate(skeleton.limbs.values()):
            for joint in limb:
                packed[:, joint] = torch.minimum(packed[:, joint], found[:, number])
        return packed[:, None].expand(-1, frames.shape[1], -1)


def process() -> Parts:
    """No options."""
    return Parts()
