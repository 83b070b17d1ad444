"""How the test set of MPI-INF-3DHP is scored."""

from __future__ import annotations

from harness.protocols.protocol import Protocol, Scoring

FOURTEEN = (
    *("Head", "Thorax", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist"),
    *("RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot"),
)
"""The evaluation's first 14 of 17 joints, by the names that clips have here: top of the head, neck, arms, legs.

Pelvis (the root), spine and head are left out. The clips' ``Thorax`` is its neck, ``Head`` its top of the head.
"""

MPI3DHP = Protocol(
    "frame",
    "Mehta et al., 3DV 2017, and the test set's own evaluation code: poses relative to the pelvis, MPJPE over 17 "
    "joints, PCK and AUC over the first 14, all frames of TS1–TS6 together",
    Scoring("3dhp", 1, joints_of={"pck150": FOURTEEN, "auc": FOURTEEN}),
)
MPI3DHP_14 = Protocol(
    "frame",
    "papers that give MPJPE on MPI-INF-3DHP for the 14 joints of PCK and AUC, too",
    Scoring("3dhp-14", 1, joints=FOURTEEN),
)
