"""Bones that grow and shrink: a body of one person doesn't."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from harness.data.checks.examined import Examined, Finding, finite, length

_WITHIN = (0.10, 0.020)
"""A frame's bone may differ from the clip's median by the larger of this share and so many metres."""
_DRIFT = (0.03, 0.010)
"""Likewise the medians of a clip's first and last third."""
_BETWEEN = (0.05, 0.015)
"""Likewise a clip's median and the subject's."""
_FEWEST = 30
"""Frames of a clip whose thirds can be compared."""


def check(data: Examined) -> Iterator[Finding]:
    """Per clip the bone that changes most, if one changes too much; and clips of another body than the subject's."""
    if not data.skeleton.bones:
        return
    middles: dict[str, list[np.ndarray]] = defaultdict(list)
    for clip in data.metric:
        whole = finite(clip.positions)
        bones = _bones(data, clip.positions)  # (F, bones), NaN where the frame isn't whole
        middle = np.median(bones[whole], axis=0)
        middles[clip.subject].append(middle)
        off = np.where(whole[:, None], np.abs(bones - middle), 0.0)
        bad = off > _allowed(middle, _WITHIN)
        if bad.any():
            frame, bone = divmod(int((off / middle).argmax()), off.shape[1])
            said = (
                f"{_name(data, bone)} is {length(bones[frame, bone])} in frame {frame}, {length(middle[bone])} in the"
            )
            said += f" clip's median{_others(bad)}"
            yield data.finding("bones", said, _words(_WITHIN), clip, np.asarray(bad.any(axis=1)))
            continue
        third = len(clip) // 3
        if len(clip) >= _FEWEST and whole[:third].any() and whole[-third:].any():
            first, last = (np.nanmedian(part, axis=0) for part in (bones[:third], bones[-third:]))
            apart = np.abs(last - first)
            bad = apart > _allowed(middle, _DRIFT)
            if bad.any():
                bone = int(np.where(bad, apart / middle, 0).argmax())
                said = f"{_name(data, bone)} drifts from {length(first[bone])} in the clip's first third to "
                said += f"{length(last[bone])} in its last{_others(bad[None])}"
                yield data.finding("bones", said, _words(_DRIFT), clip)
    yield from _other_bodies(data, middles)


def _other_bodies(data: Examined, middles: dict[str, list[np.ndarray]]) -> Iterator[Finding]:
    usual = {subject: np.median(found, axis=0) for subject, found in middles.items() if len(found) > 2}
    places = {subject: iter(found) for subject, found in middles.items()}
    for clip in data.metric:
        middle = next(places[clip.subject])
        if clip.subject not in usual:
            continue
        own = usual[clip.subject]
        apart = np.abs(middle - own)
        bad = apart > _allowed(own, _BETWEEN)
        if bad.any():
            bone = int(np.where(bad, apart / own, 0).argmax())
            said = (
                f"{_name(data, bone)} is {length(middle[bone])}, {length(own[bone])} in other clips of {clip.subject}"
            )
            yield data.finding("bones", f"{said}{_others(bad[None])}", f"one body, {_words(_BETWEEN)}", clip)


def _bones(data: Examined, positions: np.ndarray) -> np.ndarray:
    parents, children = (list(side) for side in zip(*data.skeleton.bones, strict=True))
    return np.linalg.norm((positions[:, children] - positions[:, parents]).astype(np.float64), axis=-1)


def _allowed(middle: np.ndarray, limit: tuple[float, float]) -> np.ndarray:
    return np.maximum(limit[0] * middle, limit[1])


def _words(limit: tuple[float, float]) -> str:
    return f"within {100 * limit[0]:.0f} % or {1000 * limit[1]:.0f} mm, whichever is more"


def _name(data: Examined, bone: int) -> str:
    return "–".join(data.skeleton.joints[joint] for joint in data.skeleton.bones[bone])


def _others(bad: np.ndarray) -> str:
    """How many more bones are too far off, of bad (frames, bones)."""
    more = int(bad.any(axis=0).sum()) - 1
    return f" ({more} more bone{'s' if more > 1 else ''})" if more else ""
