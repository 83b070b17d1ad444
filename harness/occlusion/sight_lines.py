"""How near each sight line comes to each capsule, in a compiled loop: a row's pairs never leave a processor's cache.

One thread works. Products and sums are rounded one by one, in the order written, whichever processor: nothing is fused
or reordered, so a draw stays what it was.
"""

from __future__ import annotations

import numba
import numpy as np

from harness.compiled import compiled

_TOGETHER = 64  # rows side by side, as vectors
_ZERO, _ONE, _TWO, _LEAST = np.float32(0), np.float32(1), np.float32(2), np.float32(1e-12)
_FAR = np.float32(np.inf)


@numba.njit(inline="always")
def _dot(ax, ay, az, bx, by, bz):
    return ax * bx + ay * by + az * bz


@numba.njit(inline="always")
def _unit(x):
    """Held to 0 to 1."""
    return min(max(x, _ZERO), _ONE)


@compiled
def closest(points, far, starts, ends, scale, meets, share):
    """The square of the smallest share of its radius at which a capsule meets each sight line, into ``share`` (N, J).

    The closest points of two segments (Ericson, Real-Time Collision Detection, 2005, section 5.1.9), with the sight
    line's length as its parameter: best place on the capsule, held to its ends; then on the sight line; then again.
    All is told from the first point of the row, since squares of metres from the camera would cost digits.

    Args:
        points: (N, J, 3) metres, camera axes. far: (N, J) their distance from the camera.
        starts, ends: (N, C, 3) of the capsules. All float32, C-contiguous.
        scale: (C,) one over the squares of the radii.
        meets: (J, C) bool, which capsules can hide a point.
    """
    rows, joints, count = points.shape[0], points.shape[1], starts.shape[1]
    first = np.zeros((3, count, _TOGETHER), np.float32)
    bone = np.ones((3, count, _TOGETHER), np.float32)
    length = np.ones((count, _TOGETHER), np.float32)
    reach = np.ones((count, _TOGETHER), np.float32)  # squared, of the capsule's start
    away = np.zeros((3, _TOGETHER), np.float32)  # unit vectors along the sight lines
    here = np.zeros((3, _TOGETHER), np.float32)
    most = np.ones(_TOGETHER, np.float32)  # the sight line's length
    ahead = np.zeros(_TOGETHER, np.float32)
    off = np.zeros(_TOGETHER, np.float32)
    found = np.zeros(_TOGETHER, np.float32)
    for begin in range(0, rows, _TOGETHER):
        width = min(_TOGETHER, rows - begin)
        for n in range(width):
            row = begin + n
            for c in range(count):
                for k in range(3):
                    first[k, c, n] = starts[row, c, k] - points[row, 0, k]
                    bone[k, c, n] = (ends[row, c, k] - points[row, 0, k]) - first[k, c, n]
        for c in range(count):
            for n in range(_TOGETHER):
                bx, by, bz = bone[0, c, n], bone[1, c, n], bone[2, c, n]
                length[c, n] = max(_dot(bx, by, bz, bx, by, bz), _LEAST)
                fx, fy, fz = first[0, c, n], first[1, c, n], first[2, c, n]
                reach[c, n] = _dot(fx, fy, fz, fx, fy, fz)
        for j in range(joints):
            for n in range(width):
                row = begin + n
                most[n] = far[row, j]
                for k in range(3):
                    away[k, n] = points[row, j, k] / most[n]
                    here[k, n] = points[row, j, k] - points[row, 0, k]
            for n in range(_TOGETHER):
                ax, ay, az, hx, hy, hz = away[0, n], away[1, n], away[2, n], here[0, n], here[1, n], here[2, n]
                ahead[n] = _dot(ax, ay, az, hx, hy, hz)
                off[n] = _dot(hx, hy, hz, hx, hy, hz)
                found[n] = _FAR
            for c in range(count):
                if not meets[j, c]:
                    continue
                size = scale[c]
                for n in range(_TOGETHER):
                    ax, ay, az, hx, hy, hz = away[0, n], away[1, n], away[2, n], here[0, n], here[1, n], here[2, n]
                    fx, fy, fz = first[0, c, n], first[1, c, n], first[2, c, n]
                    bx, by, bz = bone[0, c, n], bone[1, c, n], bone[2, c, n]
                    long = length[c, n]
                    along = ahead[n] - _dot(ax, ay, az, fx, fy, fz)  # from the capsule's start, along the line
                    tilt = _dot(ax, ay, az, bx, by, bz)
                    lean = _dot(hx, hy, hz, bx, by, bz) - _dot(fx, fy, fz, bx, by, bz)
                    apart = -_TWO * _dot(hx, hy, hz, fx, fy, fz) + off[n] + reach[c, n]
                    place = _unit((lean - tilt * along) / max(long - tilt * tilt, _LEAST))  # on the capsule's segment
                    back = min(max(along - tilt * place, _ZERO), most[n])  # metres from the point towards the camera
                    place = _unit((lean - tilt * back) / long)
                    on_line = ((tilt * place - along) * _TWO + back) * back
                    on_bone = (long * place - _TWO * lean) * place
                    found[n] = min(found[n], (apart + on_line + on_bone) * size)
            for n in range(width):
                share[begin + n, j] = found[n]
