"""The occlusion levels that ship: one ladder of processes, climbed to four severities.

They share processes, fill and draws and differ in severity alone, so they nest. A published level never
changes: another mixture is another name, a correction another version.

Measured on h36m17 over 1.6 million frames (50 frames a second):

========  ==========  ======================  ==============================  =======================
level     joints      of them by joints /     frames with a limb or a half    mean run of a hidden
          hidden      limbs / halves alone    hidden / with nothing hidden    joint, frames
========  ==========  ======================  ==============================  =======================
none      0 %         0 / 0 / 0 %             0 / 100 %                       –
minor     8.0 %       5.2 / 2.9 / 0 %         22 / 31 %                       12
moderate  19.7 %      8.3 / 5.1 / 7.8 %       48 / 12 %                       17
severe    39.2 %      14.4 / 9.4 / 21.9 %     78 / 1.5 %                      21
========  ==========  ======================  ==============================  =======================
"""

from __future__ import annotations

from harness.occlusion.composition import Fill, Level
from harness.occlusion.halves import HALVES
from harness.occlusion.joints import JOINTS
from harness.occlusion.limbs import LIMBS

LADDER = (JOINTS, LIMBS, HALVES)
FILL = Fill(zero=0.4, last_seen=0.3, hallucinated=0.3)


def none() -> Level:
    """Every keypoint is detected."""
    return Level("none", 1, 0.0, LADDER, FILL)


def minor() -> Level:
    """Single joints and some limbs: 8 % of the keypoints are hidden."""
    return Level("minor", 1, 0.25, LADDER, FILL)


def moderate() -> Level:
    """Joints, limbs and now and then half the body: 20 % of the keypoints are hidden."""
    return Level("moderate", 1, 0.4, LADDER, FILL)


def severe() -> Level:
    """Most of the time a limb or half the body is gone: 39 % of the keypoints are hidden."""
    return Level("severe", 1, 0.7, LADDER, FILL)
