"""Left and right exchanged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.checks.examined import Examined, Finding, finite, length, numbers
from harness.data.dataset import Clip
from harness.skeleton import Skeleton

_NEARER = 0.05
"""Metres a frame that the joints of a limb must gain by an exchange, on average, to count as exchanged."""
_BENT = 0.02
"""Metres a knee must lie off the line from hip to ankle before it says which way the body faces."""


def check(data: Examined) -> Iterator[Finding]:
    """Sides that change within a clip, and clips in which the knees bend backwards: mirrored, or wrongly named."""
    pairs = _limbs(data.skeleton)
    for clip in data.metric:
        swapped = {tuple(joints): _swapped(clip, joints, data.skeleton) for joints in pairs}
        bad = np.logical_or.reduce([*swapped.values(), np.zeros(len(clip), bool)])
        if bad.any():
            names = [data.skeleton.joints[j] for joints, found in swapped.items() if found.any() for j in joints]
            said = f"{', '.join(names)} and their counterparts change places"
            yield data.finding("sides", said, "each side to go on where it was", clip, bad)
        else:
            yield from _facing(data, clip)


def _limbs(skeleton: Skeleton) -> list[list[int]]:
    """The joints of each limb of one side, as those that hang together among all that have a counterpart."""
    left = [j for j in skeleton.halves.get("left", ()) if skeleton.mirror[j] != j]
    chosen = sorted(left) or [j for j in range(len(skeleton)) if j < skeleton.mirror[j]]
    limbs: list[list[int]] = []
    for joint in chosen:
        home = next((limb for limb in limbs if skeleton.parents[joint] in limb), None)
        if home is None:
            limbs.append([joint])
        else:
            home.append(joint)
    return limbs


def _swapped(clip: Clip, joints: list[int], skeleton: Skeleton) -> np.ndarray:
    """(F,) the frames between two exchanges of a limb and its counterpart, the lesser part of the clip."""
    others = [skeleton.mirror[j] for j in joints]
    positions = numbers(clip.positions)
    now, before = positions[1:], positions[:-1]

    def moved(a: list[int], b: list[int]) -> np.ndarray:
        return np.linalg.norm(now[:, a] - before[:, b], axis=-1).mean(axis=1)

    straight = moved(joints, joints) + moved(others, others)
    crossed = moved(joints, others) + moved(others, joints)
    exchanges = straight - crossed > 2 * _NEARER  # NaN never is
    inside = np.concatenate([[False], np.cumsum(exchanges) % 2 == 1])
    return inside if inside.mean() <= 0.5 else ~inside


def _facing(data: Examined, clip: Clip) -> Iterator[Finding]:
    """Knees lie before the line from hip to ankle; left is where the body's own axes say."""
    skeleton = data.skeleton
    legs = [(skeleton.parents[limb[0]], limb[0], limb[1]) for name, limb in skeleton.limbs.items()
            if name.endswith("leg") and len(limb) > 1]  # fmt: skip
    upper, lower = (list(skeleton.halves.get(half, ())) for half in ("upper", "lower"))
    left = [hip for hip, *_ in legs if hip in skeleton.halves.get("left", ())]
    positions = clip.positions[finite(clip.positions)].astype(np.float64)
    if len(legs) != 2 or len(left) != 1 or not (upper and lower) or not len(positions):
        return
    up = positions[:, upper].mean(axis=1) - positions[:, lower].mean(axis=1)
    forward = np.cross(positions[:, left[0]] - positions[:, skeleton.mirror[left[0]]], up)  # (F, 3)
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    ahead = []
    for hip, knee, ankle in legs:
        leg, thigh = positions[:, ankle] - positions[:, hip], positions[:, knee] - positions[:, hip]
        along = (thigh * leg).sum(-1, keepdims=True) / (leg * leg).sum(-1, keepdims=True)
        ahead.append(((thigh - along * leg) * forward).sum(-1))
    found = np.concatenate(ahead)
    bent = found[np.abs(found) > _BENT]
    if len(bent) and (bent < 0).mean() > 0.5 and np.nanmean(bent) < 0:
        said = f"the knees lie {length(-float(np.nanmean(bent)))} behind the line from hip to ankle, on average"
        expected = "them before it: left and right are exchanged, or the positions are a mirror image"
        yield data.finding("sides", said, expected, clip)
