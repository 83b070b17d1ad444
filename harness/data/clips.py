"""Imported data: clips with the cameras that filmed them and what a detector made of the films, where known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from annotated_types import Gt

from harness.data import cache
from harness.data.archive import Archive
from harness.data.dataset import Clip, Dataset, RecordedCamera, Split, itself
from harness.errors import UserError

performers = itself
"""Of a file that isn't there to be asked; see `performers_in`."""


def splits(**_: Any) -> dict[str, Split]:
    """None that holds for every file; see `splits_in`."""
    return {}


def splits_in(path: str | None, **_: Any) -> dict[str, Split]:
    """The named splits of a file; if none is called ``default``, it is the first whose test subjects choose nothing."""
    from harness.data.imported_file import splits

    found = splits(Archive(_given(path)).meta)
    if "default" in found or not found:
        return found
    apart = [split for split in found.values() if not set(split.validation) & set(split.test)]
    return {**found, "default": (apart or list(found.values()))[0]}


def performers_in(path: str | None) -> Callable[[str], tuple[str, ...]]:
    """Who the subjects of a file are: their ``performers`` entry, else their own name."""
    people = Archive(_given(path)).meta.get("performers", {})
    return lambda subject: (people.get(subject, subject),)


def recorded(path: str | None, *, detections: str | None = None, **_: Any) -> frozenset[str]:
    """What of ``cameras``, ``detections`` and ``scores`` a file holds and these options use; reads no array."""
    archive = Archive(_given(path))
    found = {"cameras"} if any(about.get("cameras") for about in archive.meta["clips"].values()) else set()
    if detections != "truth":
        ends = {name.rpartition("/")[2] for name in archive.names if "@" in name}
        found |= {what for what, end in (("detections", "pixels"), ("scores", "score")) if end in ends}
    return frozenset(found)


def fingerprint(path: str | None = None, *, detections: str | None = None, fps: float | None = None) -> str:
    """16 hexadecimal digits of the file's content; the options are hashed beside it."""
    given = _given(path)
    return cache.digest_of(given, lambda: Archive(given).digest())


def load(
    path: str | None = None,
    *,
    detections: Literal["truth", "file"] | None = None,
    fps: Annotated[float, Gt(0)] | None = None,
) -> Dataset:
    """Read an imported clip file.

    Args:
        path: the .npz file that `repose data import` wrote.
        detections: what the network is given: ``file``, the keypoints that a detector reported; ``truth``, the
            projected positions. Default: file where there are any.
        fps: keep every n-th frame, so that so many a second are left.
    Raises:
        UserError: a file that can't be used, detections that aren't there, a rate that no n gives.
    """
    from harness.data import imported_file

    given = _given(path)
    found = imported_file.read(given)
    use = detections != "truth" and any(c.pixels is not None for clip in found.clips for c in clip.cameras)
    if detections == "file" and not use:
        raise UserError("holds no detections; set data.options.detections to truth", file=given, key="detections")
    clips = tuple(chosen(clip, use, fps, given) for clip in found.clips)
    return Dataset(
        name=found.name,
        skeleton=found.skeleton,
        clips=clips,
        fingerprint=fingerprint(given),
        licence=found.licence,
        splits=splits_in(given),
        performers=performers_in(given),
    )


def chosen(clip: Clip, use: bool, fps: float | None, path: str) -> Clip:
    """A clip with (``use``) or without what a detector reported, thinned to ``fps`` frames a second.

    Raises:
        UserError: detections that aren't there, a rate that no thinning gives.
    """
    step = clip.fps / fps if fps else 1.0
    if step < 1 or abs(step - round(step)) > 1e-6:
        message = f"{clip.fps:g} frames a second can't be thinned to {fps:g}: no whole number of frames lies between"
        raise UserError(message, file=path, key=clip.name)
    every = slice(None, None, round(step))

    def of(camera: RecordedCamera) -> RecordedCamera:
        if use and camera.pixels is None:
            raise UserError("no detections of this camera", file=path, key=f"{clip.name}@{camera.name}")
        pixels = camera.pixels[every] if use and camera.pixels is not None else None
        score = camera.score[every] if use and camera.score is not None else None
        return replace(camera, pixels=pixels, score=score)

    cameras = tuple(of(camera) for camera in clip.cameras)
    scored = None if clip.scored is None else clip.scored[every]
    return replace(clip, positions=clip.positions[every], fps=fps or clip.fps, cameras=cameras, scored=scored)


def _given(path: str | None) -> str:
    if not path:
        raise UserError("the dataset 'clips' needs the path of an imported clip file (.npz)", key="data.path")
    return str(path)
