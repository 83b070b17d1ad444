"""An imported clip file as bytes: its members mapped into memory, its description, its fingerprint. No numpy."""

from __future__ import annotations

import hashlib
import json
import mmap
import zipfile
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.data import clip_file, description
from harness.data.description import META
from harness.errors import UserError

if TYPE_CHECKING:
    import numpy as np

_DECIDES = ("skeleton", "fps", "world", "clips", "cameras")
"""What of the description decides what runs see; prose, splits and provenance don't."""


class Archive:
    """The members of one file. Changing what is mapped changes no file (pages are copied on write).

    Args:
        path: the .npz file.
    Raises:
        UserError: no such file, no .npz, or a truncated one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._entries = {e.filename.removesuffix(".npy"): e for e in zipfile.ZipFile(file).infolist()}
                self._map = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        except FileNotFoundError:
            raise UserError(
                "no such file; expected a clip file (.npz) as `repose data import` writes them", file=path
            ) from None
        except (zipfile.BadZipFile, EOFError, ValueError):
            message = "not a clip file, or a truncated one: expected a .npz archive"
            raise UserError(message, file=path) from None
        except OSError as error:
            raise UserError(f"can't be read ({error}); expected a clip file (.npz)", file=path) from None

    @property
    def names(self) -> frozenset[str]:
        """The members' names."""
        return frozenset(self._entries)

    @cached_property
    def members(self) -> dict[str, memoryview]:
        """Member name → its .npy bytes, in order of their names."""
        return {name: self._content(entry, name) for name, entry in sorted(self._entries.items())}

    @cached_property
    def meta(self) -> dict[str, Any]:
        """The description, checked.

        Raises:
            UserError: a file without one, such as a plain clip file; another format or units; keys that are missing
                or of another kind.
        """
        if META not in self._entries:
            message = f"has no '{META}': not an imported clip file. `repose data import` writes them;"
            raise UserError(f"{message} a plain clip file is for the dataset 'mocap'", file=self.path)
        content = self._content(self._entries[META], META)
        start, _ = clip_file.npy_header(content, self.path, META)
        try:
            meta = json.loads(bytes(content[start:]))
        except ValueError as error:
            raise UserError(f"is no JSON ({error})", file=self.path, key=META) from None
        description.check(meta, self.path)
        for name in meta["clips"]:
            if name not in self._entries:
                raise UserError("the clip is described, but its positions aren't there", file=self.path, key=name)
        if not meta["clips"]:
            raise UserError("holds no clip", file=self.path)
        return meta

    def digest(self) -> str:
        """16 hexadecimal digits of all that decides what runs see, read once from end to end.

        Raises:
            UserError: a member whose bytes aren't those that were written.
        """
        for name, entry in self._entries.items():
            if zlib.crc32(self.members[name]) != entry.CRC:
                raise UserError("damaged: its checksum is another", file=self.path, key=name)
        arrays = {name: content for name, content in self.members.items() if name != META}
        decides = {key: self.meta.get(key) for key in _DECIDES}
        text = json.dumps([decides, clip_file.digest(arrays, self.path)], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def array(self, name: str) -> np.ndarray:
        """A member as an array on the mapped bytes.

        Raises:
            UserError: it holds objects, or fewer bytes than its shape needs.
        """
        import numpy as np

        content = self.members[name]
        start, header = clip_file.npy_header(content, self.path, name)
        try:
            dtype = np.dtype(header["descr"])
            if dtype.hasobject:
                raise UserError("holds pickled objects, which are never loaded", file=self.path, key=name)
            values = np.frombuffer(content, dtype, offset=start)
            return values.reshape(header["shape"], order="F" if header["fortran_order"] else "C")
        except (ValueError, TypeError) as error:
            raise UserError(f"is a damaged numpy array ({error})", file=self.path, key=name) from None

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a member."""
        return clip_file.npy_header(self.members[name], self.path, name)[1]["shape"]

    def _content(self, entry: zipfile.ZipInfo, name: str) -> memoryview:
        if entry.compress_type != zipfile.ZIP_STORED:
            try:
                with zipfile.ZipFile(self.path) as archive:
                    return memoryview(bytearray(archive.read(entry)))
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise UserError(f"can't be unpacked ({error})", file=self.path, key=name) from None
        head = entry.header_offset
        local = bytes(self._map[head : head + 30])
        start = head + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        found = self._map[start : start + entry.file_size]
        if local[:4] != b"PK\x03\x04" or len(found) < entry.file_size:
            raise UserError("is damaged or truncated", file=self.path, key=name)
        return found
