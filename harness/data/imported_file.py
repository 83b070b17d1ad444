"""The imported clip file: clips with what is known about them, in one .npz that can be mapped into memory.

Member ``__meta__`` is UTF-8 JSON (as uint8), the rest are float32 arrays: ``subject/clip`` (frames, joints, 3)
metres; where a camera's detections are recorded ``subject/clip@CAMERA/pixels`` (frames, joints, 2) native pixels,
and ``subject/clip@CAMERA/score`` (frames, joints); where only some frames count in tests ``subject/clip@/scored``
(frames,), 1 or 0. Members aren't compressed and begin at multiples of 64 bytes.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from harness import __version__
from harness.data import clip_file
from harness.data.archive import Archive
from harness.data.dataset import Clip, RecordedCamera, Split
from harness.data.declared_skeleton import declared
from harness.data.description import FACTS, FORMAT, META
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import SKELETONS

_ALIGNED = 64


def write(
    path: str | Path,
    found: Imported,
    *,
    kind: str,
    files: Iterable[Mapping[str, str]],
    options: Mapping[str, Any] | None = None,
    source: str | None = None,
) -> str:
    """Write what an importer found; nothing is left half-written.

    Args:
        kind: the layout it came in. files: of each file that was read its name and SHA-256.
        options: what the layout was told. source: what a message calls the content, e.g. the file that was read.
    Returns:
        the fingerprint of the content.
    Raises:
        UserError: clips that can't be used, see `check`; a folder that can't be written.
    """
    check(found, source or str(path))
    origin: dict[str, Any] = {"kind": kind, "files": [dict(file) for file in files], "importer": __version__}
    origin |= {"options": dict(options)} if options else {}
    origin |= {"before": dict(found.provenance)} if found.provenance else {}
    meta = json.dumps(_meta(found, origin), ensure_ascii=False, indent=None, sort_keys=True).encode()
    part = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            _put(archive, META, np.frombuffer(meta, np.uint8))
            for clip in sorted(found.clips, key=lambda clip: clip.name):
                _put(archive, clip.name, clip.positions)
                if clip.scored is not None:
                    _put(archive, f"{clip.name}@/scored", clip.scored.astype(np.float32))
                for camera in clip.cameras:
                    for what, array in (("pixels", camera.pixels), ("score", camera.score)):
                        if array is not None:
                            _put(archive, f"{clip.name}@{camera.name}/{what}", array)
        part.replace(path)
    except OSError as error:
        raise UserError(f"can't be written: {error.strerror}", file=str(path)) from None
    finally:
        part.unlink(missing_ok=True)
    return Archive(str(path)).digest()


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """One array as a .npy member whose header begins at a multiple of 64 bytes, and so do its values."""
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    assert archive.fp is not None
    start = archive.fp.tell() + 30 + len(entry.filename.encode()) + 4  # a local header, and that of the padding
    padding = -start % _ALIGNED
    entry.extra = b"\xff\xff" + padding.to_bytes(2, "little") + bytes(padding)
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    archive.writestr(entry, content.getbuffer())


def _meta(found: Imported, origin: Mapping[str, Any]) -> dict[str, Any]:
    cameras: dict[str, dict[str, Any]] = {}
    for clip in found.clips:
        for camera in clip.cameras:
            facts = {name: [float(x) for x in getattr(camera, name)] for name in FACTS}
            known = cameras.setdefault(clip.subject, {}).setdefault(camera.name, facts)
            if known != facts:  # stood elsewhere in this clip
                cameras.setdefault(clip.name, {})[camera.name] = facts
    skeleton = found.skeleton.name if SKELETONS.get(found.skeleton.name) == found.skeleton else asdict(found.skeleton)
    return {
        "format": FORMAT,
        "name": found.name,
        "skeleton": skeleton,
        "fps": found.clips[0].fps,
        "units": "metres",
        "world": found.world,
        "licence": found.licence,
        "detector": found.detector,
        "provenance": origin,
        "splits": {name: {side: list(names) for side, names in asdict(split).items()} for name, split in
                   found.splits.items()},
        "performers": dict(found.performers),
        "clips": {
            clip.name: {
                "subject": clip.subject,
                "action": clip.action,
                "performer": clip.performer,
                "fps": clip.fps,
                "cameras": [camera.name for camera in clip.cameras],
            }
            for clip in found.clips
        },
        "cameras": cameras,
    }  # fmt: skip


def check(found: Imported, path: str) -> None:
    """Refuse clips that can't be used, before anything is written or trained.

    Raises:
        UserError: no clips or two of one name; positions that aren't finite metres; detections of another length than
            the clip, not finite, or not in pixels; camera axes without one camera; cameras of some clips only.
    """
    if not found.clips:
        raise UserError("holds no clip", file=path)
    names: set[str] = set()
    for clip in found.clips:
        if clip.name in names:
            raise UserError("two clips have this name", file=path, key=clip.name)
        names.add(clip.name)
        if clip.name.partition("/")[0] != clip.subject or not clip.name.partition("/")[2]:
            raise UserError("clips are called 'subject/clip'", file=path, key=clip.name)
        if bool(clip.cameras) != bool(found.clips[0].cameras):
            has, lacks = (clip, found.clips[0]) if clip.cameras else (found.clips[0], clip)
            raise UserError(f"no camera is recorded for this clip, but for {has.name}", file=path, key=lacks.name)
        if found.world == "camera" and len(clip.cameras) != 1:
            raise UserError("positions in camera axes need the one camera they belong to", file=path, key=clip.name)
        clip_file.checked(np.asarray(clip.positions), found.skeleton, path, clip.name)
        if clip.scored is not None and clip.scored.shape != (len(clip),):
            message = f"shape {clip.scored.shape}; expected ({len(clip)},), one for each frame"
            raise UserError(message, file=path, key=f"{clip.name}@/scored")
        for camera in clip.cameras:
            _check_camera(camera, clip, path)


def _check_camera(camera: RecordedCamera, clip: Clip, path: str) -> None:
    key = f"{clip.name}@{camera.name}"
    for fact, length in zip(FACTS, (4, 3, 9, 2), strict=True):
        values = np.asarray(getattr(camera, fact), dtype=np.float64)
        if values.shape != (length,) or not np.isfinite(values).all():
            raise UserError(f"{fact} of the camera must be {length} finite numbers", file=path, key=key)
    if abs(float(np.linalg.norm(camera.orientation)) - 1) > 1e-3:
        raise UserError("orientation of the camera must be a unit quaternion (w, x, y, z)", file=path, key=key)
    if np.abs(camera.translation).max() > 100:
        message = f"the camera stands {np.abs(camera.translation).max():.0f} m from the origin: in millimetres?"
        raise UserError(f"{message} Metres are expected", file=path, key=key)
    joints = clip.positions.shape[1]
    for what, array, shape in (
        ("pixels", camera.pixels, (len(clip), joints, 2)),
        ("score", camera.score, (len(clip), joints)),
    ):
        if array is None:
            continue
        about = f"{key}/{what}"
        if array.shape[1:] != shape[1:]:
            raise UserError(f"shape {array.shape}; expected {shape}", file=path, key=about)
        if len(array) != len(clip):
            message = f"{len(array)} frames of 2D keypoints beside {len(clip)} of 3D positions"
            raise UserError(message, file=path, key=about)
        if not np.isfinite(array).all():
            bad = int(np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))[0])
            raise UserError(f"NaN or infinity, first in frame {bad}", file=path, key=about)
    if camera.pixels is not None and float(np.abs(camera.pixels).max()) <= 2:
        message = "no keypoint is more than 2 pixels from the image's corner: in normalised units? Pixels are expected"
        raise UserError(message, file=path, key=f"{key}/pixels")
    if camera.score is not None and camera.pixels is None:
        raise UserError("scores without keypoints", file=path, key=f"{key}/score")


def read(path: str | Path) -> Imported:
    """The content of an imported clip file; its arrays are mapped into memory, not read.

    Raises:
        UserError: no such file, a truncated one, another layout, wrong keys, or clips that can't be used (`check`).
    """
    found = unchecked(path)
    check(found, str(path))
    return found


def unchecked(path: str | Path) -> Imported:
    """`read` for whoever looks for what is wrong with the values: any are let through, and any shapes.

    Raises:
        UserError: no such file, a truncated one, another layout, or wrong keys.
    """
    archive = Archive(str(path))
    meta = archive.meta
    skeleton = declared(meta["skeleton"], str(path))
    clips = []
    for name, about in sorted(meta["clips"].items()):
        positions = _float(archive.array(name), str(path), name)
        cameras = tuple(_camera(archive, name, about, camera) for camera in about.get("cameras", ()))
        key = f"{name}@/scored"
        clips.append(
            Clip(
                name=name,
                subject=about["subject"],
                performer=about.get("performer"),
                action=about["action"],
                fps=float(about.get("fps") or meta["fps"]),
                positions=positions,
                cameras=cameras,
                scored=_float(archive.array(key), str(path), key) > 0 if key in archive.names else None,
            )
        )
    return Imported(
        name=meta["name"],
        skeleton=skeleton,
        clips=tuple(clips),
        licence=meta["licence"],
        detector=meta.get("detector"),
        splits=splits(meta),
        performers=meta.get("performers", {}),
        provenance=meta.get("provenance", {}),
        world=meta.get("world", "up"),
    )


def splits(meta: Mapping[str, Any]) -> dict[str, Split]:
    """The named splits that a file offers."""
    return {
        name: Split(**{side: tuple(names) for side, names in sides.items()})
        for name, sides in meta.get("splits", {}).items()
    }


def _camera(archive: Archive, clip: str, about: Mapping[str, Any], name: str) -> RecordedCamera:
    cameras = archive.meta.get("cameras", {})
    facts = cameras.get(clip, {}).get(name) or cameras.get(about["subject"], {}).get(name)
    if facts is None:
        message = f"the camera '{name}' isn't described; expected {', '.join(FACTS)}"
        raise UserError(message, file=archive.path, key=f"{clip}@{name}")
    arrays = {}
    for what in ("pixels", "score"):
        key = f"{clip}@{name}/{what}"
        arrays[what] = _float(archive.array(key), archive.path, key) if key in archive.names else None
    return RecordedCamera(name, *(tuple(facts[fact]) for fact in FACTS), **arrays)  # type: ignore[arg-type]


def _float(array: np.ndarray, path: str, key: str) -> np.ndarray:
    if array.dtype.kind != "f":
        raise UserError(f"values of type {array.dtype}; expected floats", file=path, key=key)
    return np.asarray(array, dtype=np.float32)
