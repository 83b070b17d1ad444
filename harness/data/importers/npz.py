"""Members of foreign .npz files, whose object arrays are read by the restricted reader."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.clip_file import npy_header
from harness.data.importers import plain_pickle
from harness.errors import UserError, unknown


def names(path: Path) -> list[str]:
    """The members of an .npz; none of a file that isn't one, which `member` tells of."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [entry.removesuffix(".npy") for entry in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []


def member(path: Path, name: str) -> Any:
    """One member of an .npz: an array, or what an array of one object holds.

    Raises:
        UserError: no such file, no or a truncated .npz, no such member (with the nearest), or a pickle that is refused.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            known = [entry.removesuffix(".npy") for entry in archive.namelist()]
            if name not in known:
                raise unknown("member", name, known, file=str(path), key=name)
            content = archive.read(f"{name}.npy")
    except IsADirectoryError:
        raise UserError("a folder; expected an .npz file", file=str(path)) from None
    except FileNotFoundError:
        raise UserError("no such file; expected an .npz", file=str(path)) from None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise UserError("no .npz archive, or a damaged or truncated one", file=str(path)) from None
    except (OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"can't be read ({error}); expected an .npz", file=str(path)) from None
    start, header = npy_header(content, str(path), name)
    try:
        plain = not np.dtype(header["descr"]).hasobject
        if plain:
            return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (ValueError, TypeError) as error:
        raise UserError(f"is a damaged numpy array ({error})", file=str(path), key=name) from None
    found = plain_pickle.loads(content[start:], path, name)
    return found.item() if isinstance(found, np.ndarray) and found.ndim == 0 else found


def mapping(value: Any, path: Path, key: str, holds: str) -> dict[str, Any]:
    """``value`` as a mapping by name.

    Raises:
        UserError: it is another thing.
    """
    if not isinstance(value, dict) or not value:
        found = "an empty one" if isinstance(value, dict) else type(value).__name__
        raise UserError(f"expected a mapping {holds}; found {found}", file=str(path), key=key)
    return {str(name): item for name, item in value.items()}


def floats(value: Any, path: Path, key: str, shape: str) -> np.ndarray:
    """``value`` as a float32 array.

    Raises:
        UserError: it isn't numbers.
    """
    try:
        return np.ascontiguousarray(value, dtype=np.float32)
    except (ValueError, TypeError):
        raise UserError(f"expected numbers {shape}", file=str(path), key=key) from None
