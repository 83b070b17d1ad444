"""Reading a clip file (.npz): its members as bytes, its fingerprint, and its arrays, checked.

A clip file is what ``numpy.savez_compressed`` writes: one float array (frames, 17, 3) per clip, metres,
world coordinates, z up, named ``subject/clip``.
"""

from __future__ import annotations

import ast
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from harness.errors import UserError
from harness.skeleton import Skeleton

if TYPE_CHECKING:
    import numpy as np

_LONGEST_BONE = (0.15, 1.0)  # metres: between a small child's and a tall adult's
LONGEST_BONE = f"{_LONGEST_BONE[0]} to {_LONGEST_BONE[1]}"
"""What the longest bone may measure, in metres, for messages."""


def members(path: str) -> dict[str, bytes]:
    """Clip name → the bytes of its .npy member, sorted by name.

    Raises:
        UserError: the file is missing, is no .npz, is truncated or damaged, holds no clip, or a
            member isn't called ``subject/clip``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
            found = {name.removesuffix(".npy"): archive.read(name) for name in names}
    except FileNotFoundError:
        raise UserError("no such file; expected a clip file (.npz)", file=path) from None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise UserError("not a clip file, or a truncated one: expected a .npz archive", file=path) from None
    except (OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"can't be read ({error}); expected a clip file (.npz)", file=path) from None
    if not found:
        raise UserError("holds no clip", file=path)
    for name in found:
        subject, _, clip = name.partition("/")
        if not subject or not clip:
            raise UserError("array names are 'subject/clip', e.g. 'S01/01_01'", file=path, key=name)
    return found


def digest(found: Mapping[str, bytes | memoryview], path: str) -> str:
    """16 hexadecimal digits of clip names, shapes, types and values.

    The order, dates and compression of the archive change nothing.
    """
    total = hashlib.blake2b(digest_size=8)
    for name, content in found.items():
        start, header = npy_header(content, path, name)
        total.update(repr((name, header["descr"], header["fortran_order"], header["shape"])).encode())
        total.update(memoryview(content)[start:])
    return total.hexdigest()


def npy_header(content: bytes | memoryview, path: str, name: str) -> tuple[int, dict]:
    """Where the values of a .npy member start, and its header; see numpy.lib.format."""
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        raise UserError("is no numpy array", file=path, key=name)
    width = 2 if content[6] == 1 else 4
    start = 8 + width + int.from_bytes(content[8 : 8 + width], "little")
    try:
        header = ast.literal_eval(bytes(content[8 + width : start]).decode("latin1"))
    except (SyntaxError, ValueError):
        header = None
    if not isinstance(header, dict) or not {"descr", "fortran_order", "shape"} <= header.keys():
        raise UserError("is a damaged numpy array", file=path, key=name)
    return start, header


def positions(content: bytes, skeleton: Skeleton, path: str, name: str) -> np.ndarray:
    """One clip as float32 (frames, joints, 3), metres.

    Raises:
        UserError: pickled objects, another type or shape, no frames, NaN or infinity, or lengths that
            are no body's in metres.
    """
    return checked(array(content, skeleton, path, name), skeleton, path, name)


def array(content: bytes, skeleton: Skeleton, path: str, name: str) -> np.ndarray:
    """A .npy member's values, whatever they are.

    Raises:
        UserError: pickled objects, or no array.
    """
    import numpy as np

    try:
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        expected = f"expected a float array (frames, {len(skeleton)}, 3)"
        pickled = f"holds pickled objects, which are never loaded; {expected}"
        raise UserError(pickled if "pickle" in str(error) else str(error), file=path, key=name) from None


def checked(found: np.ndarray, skeleton: Skeleton, path: str, name: str) -> np.ndarray:
    """The positions of one clip as float32 (frames, joints, 3), metres; the array itself where it is that already.

    Raises:
        UserError: as `positions`.
    """
    import numpy as np

    def fail(message: str) -> NoReturn:
        raise UserError(message, file=path, key=name)

    expected = f"expected a float array (frames, {len(skeleton)}, 3)"
    if found.dtype.kind != "f":
        fail(f"values of type {found.dtype}; {expected}")
    if found.ndim != 3 or found.shape[1:] != (len(skeleton), 3) or len(found) == 0:
        fail(f"shape {found.shape}; {expected}")
    finite = np.isfinite(found).all(axis=(1, 2))
    if not finite.all():
        bad = int(np.flatnonzero(~finite)[0])
        fail(f"NaN or infinity in {int((~finite).sum())} of {len(found)} frames, first in frame {bad}")
    odd = no_body(found, skeleton)
    if odd:
        fail(f"{odd}; expected {LONGEST_BONE}")
    return np.ascontiguousarray(found, dtype=np.float32)


def no_body(found: np.ndarray, skeleton: Skeleton) -> str | None:
    """What speaks against finite positions (frames, joints, 3) being a body's in metres; None: nothing."""
    import numpy as np

    if not skeleton.bones or not len(found):
        return None
    parents, children = (list(side) for side in zip(*skeleton.bones, strict=True))
    sample = found[:: max(1, len(found) // 64)].astype(np.float64)
    bones = np.linalg.norm(sample[:, children] - sample[:, parents], axis=-1)
    bone = float(np.median(bones, axis=0).max())
    low, high = _LONGEST_BONE
    if low <= bone <= high:
        return None
    guess = next((f" (in {unit}?)" for unit, one in _UNITS if low <= bone * one <= high), "")
    return f"the longest bone measures {bone:.4g}, which is no body in metres{guess}"


_UNITS = (("millimetres", 0.001), ("centimetres", 0.01), ("inches", 0.0254))
