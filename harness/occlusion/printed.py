"""Occlusion protocols in print, as named levels.

Each says what of it is the paper's and which numbers had to be chosen here, where the paper varies or doesn't state
them. A severity curve is the same process at other severities, e.g. ``parts@0.4:zero``.
"""

from __future__ import annotations

from harness.occlusion import frames
from harness.occlusion.composition import Fill, Level
from harness.occlusion.jitter import Jitter
from harness.occlusion.noisy import Noisy
from harness.occlusion.one_joint import OneJoint
from harness.occlusion.parts import Parts
from harness.occlusion.random_joints import Masks, RandomJoints

ZERO = Fill(zero=1.0, last_seen=0.0, hallucinated=0.0)


def ghafoor_joints() -> Level:
    """Ghafoor and Mahmood 2022, random missing joints, reported as zero; chosen here: 4 in each frame.

    The paper tells the network which joints are there: ``data.confidence: oracle``. So do the two that follow.
    """
    return Level("ghafoor_joints", 1, 0.4, (RandomJoints(of=10),), ZERO)


def ghafoor_parts() -> Level:
    """Ghafoor and Mahmood 2022, body parts missing throughout; chosen here: 2 of the skeleton's 5 limbs, by clip."""
    return Level("ghafoor_parts", 1, 0.4, (Parts(),), ZERO)


def ghafoor_frames() -> Level:
    """Ghafoor and Mahmood 2022, complete frames missing; chosen here: 5 in a row, a fifth of the frames."""
    return Level("ghafoor_frames", 1, 0.45, (frames.process(length=5),), ZERO)


def lino() -> Level:
    """Lino et al. 2025, noise on occluded joints, for networks trained without; chosen here: limbs, 30 pixels."""
    return Level("lino", 1, 0.5, (Noisy(of="limbs", pixels=30.0),), ZERO)


def poseformerv2() -> Level:
    """Zhao et al. 2023, Gaussian noise in pixels before normalisation; chosen here: 10 pixels of their curve."""
    return Level("poseformerv2", 1, 1.0, (Jitter(pixels=10.0),), ZERO)


def banik() -> Level:
    """Banik et al. 2023, one joint hidden for 30 frames, reported as zero."""
    return Level("banik", 1, 1.0, (OneJoint(length=30),), ZERO)


def motionbert() -> Level:
    """Zhu et al. 2023, masks of pre-training: 10 % of the frames and 5 % of the keypoints, as zero."""
    return Level("motionbert", 1, 1.0, (Masks(frames=0.10, joints=0.05),), ZERO)
