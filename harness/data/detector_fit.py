"""A detector's errors (`harness.data.detector_file`) fitted to what one reported where the truth is known.

- ``spread`` and ``tail``: maximum likelihood of a bivariate Student t around the true place, which weighs a keypoint
  the less the farther it is off. What is farther off than a detector's reach, or scored 0, isn't counted.
- ``memory`` and ``lasting``: errors are brought back to the normal pairs behind them (`harness.data.detector_errors`),
  whose correlation over time is b + (1 − b)·exp(−lag/τ); τ and b by least squares over lags of up to two seconds.
- Standard errors: a jackknife over groups of views, each view one clip in one camera, since errors of one view depend
  on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from harness.data.camera import image_coordinates, project, world_to_camera
from harness.data.dataset import Clip, RecordedCamera
from harness.data.detector_errors import person_size
from harness.data.detector_file import FORMAT, LONGEST_MEMORY
from harness.errors import UserError
from harness.skeleton import Skeleton

REACH = 2.0
"""Person's sizes; what is farther off is no error about this joint, but another person or nothing."""
MEASURES = ("spread", "tail", "memory", "lasting")
FEWEST_VIEWS, _GROUPS = 4, 20
_TAILS = np.geomspace(2.0, 64.0, 36)
_BINS = np.linspace(np.log(1e-10), np.log(REACH**2), 641)  # of log |e|²: 2 % of a length each
_TIMES = np.concatenate([[0.0], np.geomspace(0.004, LONGEST_MEMORY, 150)])  # seconds
_LAGS = np.geomspace(0.01, 2.0, 16)  # seconds
_FEWEST = 100


@dataclass(frozen=True, eq=False)
class View:
    """What a detector reported of one clip in one camera.

    Attributes:
        error: (F, J) complex128, person's sizes; NaN where nothing was reported or what was is out of reach.
        fps: frames a second.
        lost: keypoints that are NaN.
    """

    error: np.ndarray
    fps: float
    lost: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fitted errors of J joints.

    Attributes:
        values: (J, 4) of `MEASURES`; a tail of infinity is Gaussian.
        errors: (J, 4) standard errors; NaN where there are too few views, or the estimate stands at a bound.
        counts: (J,) keypoints.
        views, lost: views, and keypoints that weren't counted.
    """

    values: np.ndarray
    errors: np.ndarray
    counts: np.ndarray
    views: int
    lost: int

    def file(self, name: str, skeleton: Skeleton, provenance: dict[str, Any]) -> dict[str, Any]:
        """The content of a detector's file."""
        joints = {}
        for joint, values, errors, count in zip(skeleton.joints, self.values, self.errors, self.counts, strict=True):
            told = {what: _plain(value) for what, value in zip(MEASURES, values, strict=True)}
            spread = {what: _plain(error) for what, error in zip(MEASURES, errors, strict=True)}
            joints[joint] = {**told, "fit": {"keypoints": int(count), "standard_errors": spread}}
        about = {"kind": "fitted", **provenance, "views": self.views, "lost": self.lost}
        return {"format": FORMAT, "name": name, "reach": REACH, "right": 0.25, "joints": joints, "provenance": about}


def _plain(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def seen(clips: Sequence[Clip], path: str = "") -> list[View]:
    """Every view of the clips that a detector reported on.

    Raises:
        UserError: there is none.
    """
    found = [_view(clip, camera) for clip in clips for camera in clip.cameras if camera.pixels is not None]
    if not found:
        raise UserError("holds no detections beside the truth: there is nothing to fit", file=path or None)
    return found


def _view(clip: Clip, camera: RecordedCamera) -> View:
    place = [torch.tensor(getattr(camera, fact), dtype=torch.float32) for fact in ("orientation", "translation")]
    pose = world_to_camera(torch.tensor(np.asarray(clip.positions)), *place)
    screen = project(pose, torch.tensor(camera.intrinsic, dtype=torch.float32))
    truth = image_coordinates(screen, torch.tensor(camera.resolution, dtype=torch.float32))
    size = person_size(truth)[:, None, None].clamp_min(1e-6)  # (F, 1, 1)
    off = ((torch.tensor(np.asarray(camera.pixels)) - truth) / size).double().numpy()
    error = off[..., 0] + 1j * off[..., 1]
    lost = ~(np.abs(error) <= REACH)
    if camera.score is not None:
        lost |= np.asarray(camera.score) == 0
    return View(np.where(lost, np.nan, error), float(clip.fps), int(lost.sum()))


def fit(views: Sequence[View], joints: Sequence[str] | None = None, path: str = "") -> Fitted:
    """The errors that a detector made in these views.

    Args:
        joints, path: what messages call the joints, and the file.
    Raises:
        UserError: a joint with too few keypoints.
    """
    groups = min(len(views), _GROUPS)
    member = np.arange(len(views)) * groups // len(views)  # views of one clip come together and stay so
    counted = np.stack([(~np.isnan(view.error)).sum(axis=0) for view in views]).sum(axis=0)  # (J,)
    if counted.min() < _FEWEST:
        least = int(counted.argmin())
        name = f"'{joints[least]}'" if joints else least
        message = f"joint {name} was reported {counted.min()} times; {_FEWEST} are needed to fit it"
        raise UserError(message, file=path or None)
    sums = _by_group([_histogram(view) for view in views], member, groups)
    spread, tail = _marginal(sums)  # (R, J), the first of all views, the others without one group
    products = [_products(view, spread[0], tail[0], _lags(views)) for view in views]
    lags = np.concatenate([lags for lags in _lags(views).values()])
    top = _by_group([product[0] for product in products], member, groups)
    count = _by_group([product[1] for product in products], member, groups)
    memory, lasting = _over_time(top, count, lags)
    found = np.stack([spread, tail, memory, lasting], axis=-1)  # (R, J, 4)
    errors = np.full(found.shape[1:], np.nan)
    if len(views) >= FEWEST_VIEWS:
        left = found[1:]
        with np.errstate(invalid="ignore"):  # of infinite tails
            errors = np.sqrt((groups - 1) / groups * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return Fitted(found[0], errors, counted, len(views), sum(view.lost for view in views))


def _by_group(parts: Sequence[np.ndarray], member: np.ndarray, groups: int) -> np.ndarray:
    """Sums over all views, then over all but each group: (1 + groups, …)."""
    each = np.stack([sum(part for part, of in zip(parts, member, strict=True) if of == g) for g in range(groups)])
    whole = each.sum(axis=0)
    return np.concatenate([whole[None], whole - each])


def _histogram(view: View) -> np.ndarray:
    """(J, bins) how many keypoints are how far off."""
    squared = np.log(np.clip(np.abs(view.error) ** 2, 1.01e-10, None))
    return np.stack([np.histogram(one[~np.isnan(one)], _BINS)[0] for one in squared.T]).astype(float)


def _marginal(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and degrees of freedom (…,) of bivariate t's that made counts (…, bins); infinite for Gaussian."""
    q = np.exp((_BINS[1:] + _BINS[:-1]) / 2)
    share = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    scale = (share @ q) / 2  # (…,) σ²
    likelihood = []
    for tail in _TAILS[::-1]:  # from nearly Gaussian on: each start is near its end
        scale = _scale(q, share, scale, np.full_like(scale, tail), 12)
        likelihood.append(_likelihood(q, share, scale, tail))
    place = len(_TAILS) - 1 - np.argmax(likelihood, axis=0)
    around = np.stack(likelihood[::-1], axis=-1)
    tail = np.exp(_peak(around, place, np.log(_TAILS)))
    tail = np.where(place == len(_TAILS) - 1, np.inf, tail)
    scale = _scale(q, share, scale, tail, 200)
    return np.sqrt(scale), tail


def _scale(q: np.ndarray, share: np.ndarray, scale: np.ndarray, tail: np.ndarray, rounds: int) -> np.ndarray:
    """σ² by expectation maximisation at given tails."""
    tail = np.minimum(tail, 1e12)[..., None]
    for _ in range(rounds):
        weight = (tail + 2) / (tail + q / scale[..., None])
        scale = (share * weight * q).sum(axis=-1) / 2
    return scale


def _likelihood(q: np.ndarray, share: np.ndarray, scale: np.ndarray, tail: float) -> np.ndarray:
    far = np.log1p(q / (tail * scale[..., None]))
    return -np.log(scale) - (tail + 2) / 2 * (share * far).sum(axis=-1)


def _peak(values: np.ndarray, place: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Where a parabola through the best of ``values`` (…, K) and its neighbours is highest, on the scale ``at``."""
    inner = np.clip(place, 1, len(at) - 2)
    low, middle, high = (np.take_along_axis(values, (inner + d)[..., None], -1)[..., 0] for d in (-1, 0, 1))
    bend = low - 2 * middle + high
    step = np.where(bend < 0, (low - high) / (2 * np.where(bend < 0, bend, -1)), 0)
    return np.where(place == inner, at[inner] + np.clip(step, -1, 1) * (at[1] - at[0]), at[place])


def _lags(views: Sequence[View]) -> dict[float, np.ndarray]:
    """Frames a second → lags in seconds, whole frames of that rate."""
    rates = sorted({view.fps for view in views})
    return {fps: np.unique(np.maximum(1, np.rint(_LAGS * fps))) / fps for fps in rates}


def _products(
    view: View, spread: np.ndarray, tail: np.ndarray, lags: dict[float, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of products of normal pairs that are a lag apart, and their number: both (J, lags + 1), lag 0 last."""
    error = view.error / spread
    squared = np.maximum(np.abs(error) ** 2, 1e-20)
    with np.errstate(invalid="ignore"):
        back = np.where(np.isinf(tail), squared, tail * np.log1p(squared / np.where(np.isinf(tail), 1, tail)))
    pairs = error * np.sqrt(back / squared)  # (F, J)
    known = ~np.isnan(pairs)
    pairs = np.where(known, pairs, 0)
    joints = pairs.shape[1]
    tops, counts = [], []
    for fps, times in lags.items():
        for lag in np.rint(times * fps).astype(int):
            if fps != view.fps or lag >= len(pairs):
                tops.append(np.zeros(joints))
                counts.append(np.zeros(joints))
                continue
            tops.append((pairs[lag:] * pairs[:-lag].conj()).real.sum(axis=0))
            counts.append((known[lag:] & known[:-lag]).sum(axis=0))
    tops.append((np.abs(pairs) ** 2).sum(axis=0))
    counts.append(known.sum(axis=0))
    return np.stack(tops, axis=-1), np.stack(counts, axis=-1).astype(float)


def _over_time(top: np.ndarray, count: np.ndarray, lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Memory in seconds and lasting share (R, J) from sums of products (R, J, lags + 1)."""
    mean = top / np.maximum(count, 1)
    found = mean[..., :-1] / np.maximum(mean[..., -1:], 1e-12)  # (R, J, L) correlations
    weight = (count[..., :-1] > 0).astype(float)[..., None, :]  # (R, J, 1, L)
    with np.errstate(divide="ignore"):
        decay = np.exp(-lags / np.maximum(_TIMES, 1e-9)[:, None])  # (times, L)
    rest = 1 - decay
    lasting = (weight * (found[..., None, :] - decay) * rest).sum(-1) / np.maximum((weight * rest**2).sum(-1), 1e-12)
    lasting = np.clip(lasting, 0, 1)  # (R, J, times)
    model = lasting[..., None] * rest + decay
    misfit = (weight * (found[..., None, :] - model) ** 2).sum(-1)
    place = misfit.argmin(axis=-1)
    times = np.log(np.maximum(_TIMES[1:], 1e-9))
    memory = np.where(place == 0, 0.0, np.exp(_peak(-misfit[..., 1:], np.maximum(place - 1, 0), times)))
    return memory, np.take_along_axis(lasting, place[..., None], -1)[..., 0]
