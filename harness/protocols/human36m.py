"""How Human3.6M is scored in print and in published code."""

from __future__ import annotations

from harness.protocols.protocol import LeftOut, Protocol, Scoring

SHIFTED = LeftOut(
    "S9",
    (
        ("Greeting 2", "SittingDown 2", "Waiting 1"),
        ("Greeting", "SittingDown 1", "Waiting 1"),
    ),
)
"""Three of S9's recordings whose poses stand beside the person: action 5 subaction 2, 10 and 2, 13 and 1.

Iskakov et al., ICCV 2019 (learnable triangulation), call them Greeting-2, SittingDown-2 and Waiting-1: so they are by
the numbers of files named ``s_09_act_05_subact_02``. In the names of the original videos, which VideoPose3D's files
keep, they are Greeting, SittingDown 1 and Waiting 1.
"""

VIDEOPOSE3D = Protocol(
    "action",
    "Pavllo et al., CVPR 2019, and its published code: the true root at the origin, the prediction as it is, averaged "
    "with its mirror image's; each action's frames together",
    Scoring("root-kept", 1, root="kept", flip=True),
)
ROOT_ZEROED = Protocol(
    "action",
    "published code of MHFormer (Li et al., CVPR 2022) and relatives: the predicted root is set to the origin, the "
    "other joints stay where they were predicted",
    Scoring("root-zeroed", 1, root="zeroed", flip=True),
)
H36M_UNSHIFTED = Protocol(
    "action",
    "Iskakov et al., ICCV 2019, on the three recordings of S9 whose poses are shifted; without them, else as "
    "mean-per-action",
    Scoring("s9-shifted-left-out", 1, left_out=SHIFTED),
)
MOTIONBERT = Protocol(
    "action",
    "Zhu et al., ICCV 2023, and its published code: root subtracted, three recordings of S9 left out, mirror images "
    "averaged, the epoch with the lowest test error",
    Scoring("s9-shifted-left-out-flipped", 1, left_out=SHIFTED, flip=True),
    chosen_on_test=True,
)
REPOSE = Protocol(
    "action",
    "evaluation code of RePOSE (Sun et al., ECCV 2024): root subtracted, three recordings of S9 left out, predictions "
    "of overlapping windows averaged; how far windows overlap there is not stated, here by two thirds",
    Scoring("s9-shifted-left-out-overlapping", 1, left_out=SHIFTED, overlap="averaged", flip=True),
)
EVERY_64TH = Protocol(
    "frame",
    "Yasin et al., CVPR 2016, and others of that time: every 64th frame, of S11 (the split must say so), p_mpjpe",
    Scoring("every-64th-frame", 1, every=64),
)
