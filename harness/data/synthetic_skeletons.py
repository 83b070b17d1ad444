"""The built-in motion in other skeletons: joints that the generated 17 lack are put on its bodies.

What is added is rigid: a face turns with the head, toes with the shank, fingers with the forearm. Offsets are about
an adult's, in metres, and the same for all bodies.
"""

from __future__ import annotations

import numpy as np

from harness.skeleton import H36M17, HUMANEVA15, SMPL24, WHOLEBODY133

Array = np.ndarray
Named = dict[str, Array]
_SIDES = ("L", "R")


def dressed(positions: Array, skeleton: str) -> Array:
    """(F, J, 3) of the skeleton called ``skeleton``, from (F, 17, 3) of `H36M17`: float32 metres, world axes."""
    if skeleton == H36M17.name:
        return positions
    own = {name: positions[:, place].astype(np.float64) for place, name in enumerate(H36M17.joints)}
    declared, make = _MADE[skeleton]
    made = make(own)
    return np.stack([made[name] for name in declared.joints], axis=1).astype(np.float32)


def _humaneva(own: Named) -> Named:
    ankles = {f"{side}Ankle": own[f"{side}Foot"] for side in _SIDES}
    return {**own, **ankles, "Pelvis": own["Hip"]}


def _smpl(own: Named) -> Named:
    hip, spine, thorax = own["Hip"], own["Spine"], own["Thorax"]
    made = {**own, "Pelvis": hip, "Spine1": (hip + spine) / 2, "Spine2": spine, "Spine3": (spine + thorax) / 2}
    made |= {"Neck": thorax, "Head": own["Neck/Nose"]}
    for side in _SIDES:
        ahead, _, down = _foot(own, side)
        _, reach, _ = _arm(own, side)
        made[f"{side}Collar"] = 0.6 * thorax + 0.4 * own[f"{side}Shoulder"]
        made[f"{side}Ankle"] = own[f"{side}Foot"]
        made[f"{side}Foot"] = own[f"{side}Foot"] + 0.14 * ahead + 0.05 * down
        made[f"{side}Hand"] = own[f"{side}Wrist"] + 0.08 * reach
    return made


def _wholebody(own: Named) -> Named:
    made = dict(own)
    ahead, left, up = _head(own)
    middle = (own["Neck/Nose"] + own["Head"]) / 2
    for name, (x, y, z) in _FACE.items():
        made[name] = middle + x * ahead + y * left + z * up
    for side in _SIDES:
        forth, out, down = _foot(own, side)
        ankle = made[f"{side}Ankle"] = own[f"{side}Foot"]
        made[f"{side}BigToe"] = ankle + 0.17 * forth - 0.02 * out + 0.06 * down
        made[f"{side}SmallToe"] = ankle + 0.13 * forth + 0.05 * out + 0.06 * down
        made[f"{side}Heel"] = ankle - 0.05 * forth + 0.06 * down
        palm, reach, across = _arm(own, side)
        made[f"{side}Palm"] = palm + 0.02 * reach
        for number, (finger, (start, length)) in enumerate(_FINGERS.items()):
            apart = 0.02 * (2 - number)  # the thumb first
            for joint in range(1, 5):
                made[f"{side}{finger}{joint}"] = palm + (start + length * (joint - 1)) * reach + apart * across
    return made


def _head(own: Named) -> tuple[Array, Array, Array]:
    """Forward, left and up of the head, (F, 3) each."""
    up = _unit(own["Head"] - own["Neck/Nose"])
    left = _unit(_across(own["LShoulder"] - own["RShoulder"], up))
    return np.cross(left, up), left, up


def _foot(own: Named, side: str) -> tuple[Array, Array, Array]:
    """Forward, outwards and down of a foot that stands square on its shank, (F, 3) each."""
    down = _unit(own[f"{side}Foot"] - own[f"{side}Knee"])
    left = _unit(_across(own["LHip"] - own["RHip"], down))
    return np.cross(down, left), left if side == "L" else -left, down


def _arm(own: Named, side: str) -> tuple[Array, Array, Array]:
    """A wrist, the forearm's direction, and the elbow's axis, to which the thumb points, (F, 3) each."""
    upper = own[f"{side}Elbow"] - own[f"{side}Shoulder"]
    reach = _unit(own[f"{side}Wrist"] - own[f"{side}Elbow"])
    axis = _unit(np.cross(upper, reach))  # no elbow is ever straight; a mirror image turns it about
    return own[f"{side}Wrist"], reach, axis if side == "L" else -axis


def _across(vector: Array, axis: Array) -> Array:
    """``vector`` less its part along the unit vector ``axis``."""
    return vector - (vector * axis).sum(-1, keepdims=True) * axis


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


_FINGERS = {"Thumb": (0.04, 0.025), "Index": (0.1, 0.025), "Middle": (0.1, 0.028), "Ring": (0.1, 0.026)}
_FINGERS["Little"] = (0.095, 0.02)
"""Metres beyond the wrist where each begins, and of each part of it."""


def _points_of_a_face() -> dict[str, tuple[float, float, float]]:
    """Place of each point in the head's axes: forward, left, up of the middle between neck and crown, metres."""
    right: dict[str, tuple[float, float, float]] = {"Eye": (0.085, 0.032, 0.02), "Ear": (-0.01, 0.075, 0.0)}
    for i in range(1, 9):
        turn = (9 - i) / 8 * np.pi / 2  # from the chin to the ear
        right[f"Jaw{i}"] = (0.09 * np.cos(turn), 0.07 * np.sin(turn), -0.1 * np.cos(turn))
    for i in range(1, 6):
        right[f"Brow{i}"] = (0.08 + 0.003 * i, 0.066 - 0.011 * i, 0.036 + 0.003 * min(i, 3))
    for i in range(1, 7):
        turn = (1 - i) * np.pi / 3  # from the outer corner over the upper lid
        right[f"EyeRim{i}"] = (0.085, 0.032 + 0.014 * np.cos(turn), 0.02 - 0.006 * np.sin(turn))
    for part, places, size in (("Lip", (0, 1, 2, 5, 4), 0.025), ("Mouth", (0, 1.5, 4.5), 0.019)):
        for i, place in enumerate(places, 1):
            turn = place * np.pi / 6 if place < 3 else -(6 - place) * np.pi / 6
            right[f"{part}{i}"] = (0.092, size * np.cos(turn), -0.06 + 0.4 * size * np.sin(turn))
    right |= {"Nostril1": (0.098, 0.014, -0.025), "Nostril2": (0.102, 0.007, -0.027)}
    middle = {"Nose": (0.115, 0.0, -0.018), "Chin": (0.09, 0.0, -0.1), "NoseBase": (0.105, 0.0, -0.028)}
    middle |= {f"NoseBridge{i}": (0.085 + 0.007 * i, 0.0, 0.035 - 0.012 * i) for i in range(1, 5)}
    middle |= {"UpperLip": (0.095, 0.0, -0.05), "LowerLip": (0.095, 0.0, -0.07)}
    middle |= {"MouthTop": (0.094, 0.0, -0.0525), "MouthBottom": (0.094, 0.0, -0.0675)}
    sided = {f"{side}{name}": (x, sign * y, z) for name, (x, y, z) in right.items() for side, sign in _SIGN}
    return {**middle, **sided}


_SIGN = (("L", 1.0), ("R", -1.0))
_FACE = _points_of_a_face()
_MADE: dict[str, tuple] = {
    HUMANEVA15.name: (HUMANEVA15, _humaneva),
    SMPL24.name: (SMPL24, _smpl),
    WHOLEBODY133.name: (WHOLEBODY133, _wholebody),
}
