"""Three averages of one scoring: each joint of each frame once, relative to the frame's root."""

from __future__ import annotations

from harness.protocols.protocol import Protocol

MEAN_PER_SUBJECT = Protocol(
    "subject",
    "this harness: the subject is what a sample of people is made of, whoever was filmed for longer",
)
MEAN_PER_ACTION = Protocol(
    "action",
    "the average of most tables on Human3.6M since Martinez et al., ICCV 2017 (all frames of an action together, then "
    "the actions alike)",
)
MEAN_PER_FRAME = Protocol(
    "frame",
    "the other average in use on Human3.6M, of every frame; one model's MPJPE is printed as 39.8 and 39.2 mm by them",
)
BEST_ON_TEST = Protocol(
    "action",
    "trainers that score the test set after each epoch and keep the best, e.g. the published code of MotionBERT and "
    "MHFormer; some 0.7 mm optimistic",
    chosen_on_test=True,
)
