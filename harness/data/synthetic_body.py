"""A body for the motion generator: segment lengths, joint ranges, and positions from joint angles.

Axes of the body: x forward, y left, z up. Segments follow Drillis and Contini's shares of stature
(as tabled in Winter, Biomechanics and Motor Control of Human Movement), with Human3.6M's trunk joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.skeleton import H36M17

Array = np.ndarray
RIGHT, LEFT = 0, 1
_SIDE = np.array([-1.0, 1.0])  # sign of y on the right and on the left

_SHARES = {
    "hip": 0.076,
    "thigh": 0.245,
    "shank": 0.246,
    "lumbar": 0.138,
    "thoracic": 0.148,
    "neck": 0.069,
    "head": 0.068,
    "shoulder": 0.09,
    "upper_arm": 0.168,
    "forearm": 0.146,
}
ANKLE = 0.039
"""Height of the ankle joint above the floor as a share of stature."""
STATURE = (1.5, 1.95)
VARIATION = 0.08
"""Each segment's largest relative deviation from its share of stature."""

RANGES = {
    "pelvis pitch": (-25.0, 60.0),
    "pelvis roll": (-20.0, 20.0),
    "trunk flexion": (-20.0, 50.0),
    "trunk side": (-25.0, 25.0),
    "trunk twist": (-30.0, 30.0),
    "neck twist": (-60.0, 60.0),
    "clavicle elevation": (-5.0, 25.0),
    "shoulder flexion": (-50.0, 170.0),
    "shoulder abduction": (-20.0, 150.0),
    "shoulder rotation": (-70.0, 85.0),
    "elbow flexion": (2.0, 145.0),
    "knee flexion": (8.0, 142.0),
}
"""Degrees. Trunk angles hold for the lumbar, thoracic and neck joints each; hips follow from the feet."""

REACH = 0.994
"""Longest hip-to-ankle distance as a share of thigh + shank: knees stay a little bent."""


@dataclass(frozen=True)
class Body:
    """Segment lengths in metres, alike on both sides."""

    stature: float
    length: dict[str, float]

    @property
    def leg(self) -> float:
        return self.length["thigh"] + self.length["shank"]

    @property
    def ankle(self) -> float:
        return ANKLE * self.stature

    @property
    def hip_height(self) -> float:
        """Height of the root when standing upright."""
        return self.ankle + 0.985 * self.leg + 0.2 * self.length["hip"]


def draw_body(rng: np.random.Generator) -> Body:
    """A body of random stature and proportions."""
    stature = rng.uniform(*STATURE)
    factors = 1.0 + rng.uniform(-VARIATION, VARIATION, len(_SHARES))
    shares = zip(_SHARES.items(), factors, strict=True)
    return Body(stature, {name: share * stature * factor for (name, share), factor in shares})


@dataclass
class Motion:
    """What a body does over T frames: angles in degrees, places in metres.

    Attributes:
        place: (T, 2) the root's x and y. height: (T,) the root's wished height; feet out of reach lower it.
        turn: (T, 3) pelvis yaw, pitch (forward), roll.
        spine: (T, 3, 3) lumbar, thoracic and neck joint × flexion, side, twist.
        clavicle: (T, 2) elevation, right and left.
        arms: (T, 2, 4) right and left × shoulder flexion, abduction, rotation (inwards), elbow flexion.
        feet: (T, 2, 3) ankle positions, right and left.
        splay: (T, 2) how far each knee points outwards.
    """

    place: Array
    height: Array
    turn: Array
    spine: Array
    clavicle: Array
    arms: Array
    feet: Array
    splay: Array


def limit(angle: Array, name: str) -> Array:
    """``angle`` (degrees) held in its range: unchanged in the middle 80 %, saturating smoothly beyond."""
    low, high = RANGES[name]
    middle, half = (low + high) / 2, (high - low) / 2
    unit = (angle - middle) / half
    beyond = np.maximum(np.abs(unit) - 0.8, 0.0)
    return middle + half * np.sign(unit) * (np.minimum(np.abs(unit), 0.8) + 0.2 * np.tanh(beyond / 0.2))


def positions(motion: Motion, body: Body) -> Array:
    """Joint positions (T, 17, 3) of Human3.6M's skeleton, metres, world axes, float64."""
    size = body.length
    yaw, pitch, roll = motion.turn.T
    pelvis = _turn(yaw, limit(pitch, "pelvis pitch"), limit(roll, "pelvis roll"))
    sides = np.stack((np.array([0.0, -0.98, -0.2]), np.array([0.0, 0.98, -0.2])))
    hips = np.einsum("tij,sj->tsi", pelvis, sides * size["hip"])
    root = np.column_stack((motion.place, _root_height(motion, hips, body)))
    hips += root[:, None]
    knees, feet = _legs(motion, hips, pelvis, body)

    frames, joint = [pelvis], root
    trunk = []
    bones = ((0.0, 0.0, size["lumbar"]), (0.0, 0.0, size["thoracic"]), (0.3 * size["neck"], 0.0, 0.954 * size["neck"]))
    for index, bone in enumerate(bones):
        flexion, side, twist = motion.spine[:, index].T
        twist = limit(twist, "neck twist" if index == 2 else "trunk twist")
        frames.append(frames[-1] @ _turn(twist, limit(flexion, "trunk flexion"), limit(side, "trunk side")))
        joint = joint + frames[-1] @ np.array(bone)
        trunk.append(joint)
    head = trunk[2] + frames[3] @ (np.array([-0.2, 0.0, 0.98]) * size["head"])
    shoulders, elbows, wrists = _arms(motion, trunk[1], frames[2], body)

    made = dict(zip(("Hip", "Spine", "Thorax", "Neck/Nose", "Head"), (root, *trunk, head), strict=True))
    limbs = {"Hip": hips, "Knee": knees, "Foot": feet, "Shoulder": shoulders, "Elbow": elbows, "Wrist": wrists}
    for side, letter in ((RIGHT, "R"), (LEFT, "L")):
        made |= {letter + name: joints[:, side] for name, joints in limbs.items()}
    return np.stack([made[name] for name in H36M17.joints], axis=1)


def _arms(motion: Motion, thorax: Array, frame: Array, body: Body) -> tuple[Array, Array, Array]:
    size = body.length
    lift = np.deg2rad(limit(motion.clavicle, "clavicle elevation")) - 0.15
    zero = np.zeros_like(lift)
    collar = np.stack((zero, _SIDE * np.cos(lift), np.sin(lift)), axis=-1) * size["shoulder"]
    shoulders = thorax[:, None] + np.einsum("tij,tsj->tsi", frame, collar)
    flexion = np.deg2rad(limit(motion.arms[..., 0], "shoulder flexion"))
    abduction = np.deg2rad(limit(motion.arms[..., 1], "shoulder abduction")) * _SIDE
    rotation = np.deg2rad(limit(motion.arms[..., 2], "shoulder rotation")) * -_SIDE
    elbow = np.deg2rad(limit(motion.arms[..., 3], "elbow flexion"))
    upper = frame[:, None] @ _about(1, -flexion) @ _about(0, abduction) @ _about(2, rotation)
    elbows = shoulders - size["upper_arm"] * upper[..., 2]
    bent = np.sin(elbow)[..., None] * upper[..., 0] - np.cos(elbow)[..., None] * upper[..., 2]
    return shoulders, elbows, elbows + size["forearm"] * bent


def _root_height(motion: Motion, hips: Array, body: Body) -> Array:
    """The wished height, lowered smoothly where a foot would be out of reach. ``hips``: relative to the root."""
    level = np.linalg.norm(motion.place[:, None] + hips[..., :2] - motion.feet[..., :2], axis=-1)
    reach = REACH * body.leg
    highest = motion.feet[..., 2] - hips[..., 2] + np.sqrt(np.maximum(reach**2 - level**2, (0.3 * body.leg) ** 2))
    return _below(np.minimum(motion.height, highest.min(axis=1)))


def _below(curve: Array, half: int = 7) -> Array:
    """A smooth curve nowhere above ``curve``: a running minimum, then a Hann average of the same width."""
    padded = np.pad(curve, 2 * half, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=-1)
    kernel = np.hanning(2 * half + 3)[1:-1]
    return np.convolve(lowest, kernel / kernel.sum(), mode="valid")


def _legs(motion: Motion, hips: Array, pelvis: Array, body: Body) -> tuple[Array, Array]:
    """Knees and ankles (T, 2, 3) by the law of cosines; an ankle out of reach is pulled in."""
    thigh, shank = body.length["thigh"], body.length["shank"]
    nearest, farthest = (
        np.sqrt(thigh**2 + shank**2 + 2 * thigh * shank * np.cos(np.deg2rad(angle)))
        for angle in reversed(RANGES["knee flexion"])
    )
    line = motion.feet - hips
    distance = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / distance
    distance = np.clip(distance, nearest, farthest)
    splay = np.deg2rad(motion.splay) * _SIDE
    across = np.stack((-np.sin(splay), np.cos(splay), np.zeros_like(splay)), axis=-1)
    across = np.einsum("tij,tsj->tsi", pelvis, across)
    front = np.cross(line, across)
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    cosine = (thigh**2 + distance**2 - shank**2) / (2 * thigh * distance)
    knees = hips + thigh * (cosine * line + np.sqrt(1 - cosine**2) * front)
    return knees, hips + distance * line


def _about(axis: int, angle: Array) -> Array:
    """Rotation matrices (…, 3, 3) about one axis, angles in radians."""
    matrix = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., i, i] = matrix[..., j, j] = np.cos(angle)
    matrix[..., j, i] = np.sin(angle)
    matrix[..., i, j] = -matrix[..., j, i]
    return matrix


def _turn(yaw: Array, pitch: Array, roll: Array) -> Array:
    """Rotation matrices of a segment, angles in degrees: roll, then pitch (forward), then yaw."""
    return _about(2, np.deg2rad(yaw)) @ _about(1, np.deg2rad(pitch)) @ _about(0, np.deg2rad(roll))
