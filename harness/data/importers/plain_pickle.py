"""Pickles of plain values and numpy arrays, read without running what is in them.

A pickle is a program that may call anything. Here it may only build what the data files of this field hold:
numbers, strings, bytes, lists, tuples, dicts, sets, and numpy arrays of these types. Every other name that it
asks for ends the reading with a message, before anything of it is called.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from harness.errors import UserError

_CORES = ("numpy.core", "numpy._core")  # before and since numpy 2


def load(path: str | Path, encoding: str = "latin1") -> Any:
    """The value in a pickle file. ``encoding`` is how Python 2 wrote its strings.

    Raises:
        UserError: no such file, no or a truncated pickle, or one that asks for anything else than plain values
            and numpy arrays.
    """
    try:
        with open(path, "rb") as file:
            return _read(file, str(path), None, encoding)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UserError(f"{reason}; expected a pickle", file=str(path)) from None


def loads(content: bytes, path: str | Path, key: str | None = None, encoding: str = "latin1") -> Any:
    """The value in pickled bytes, such as the object array of an .npz member; ``path`` and ``key`` say where they lie.

    Raises:
        UserError: as `load`.
    """
    return _read(io.BytesIO(content), str(path), key, encoding)


def _read(file: BinaryIO, path: str, key: str | None, encoding: str) -> Any:
    try:
        return _Plain(file, path, key, encoding).load()
    except UserError:
        raise
    except MemoryError:
        raise UserError("a damaged pickle: it asks for more memory than there is", file=path, key=key) from None
    except Exception as error:  # a damaged pickle can fail in any way that numpy's constructors can
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"not a pickle, or a damaged or truncated one ({reason})", file=path, key=key) from None


class _Plain(pickle.Unpickler):
    def __init__(self, file: BinaryIO, path: str, key: str | None, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self.path, self.key = path, key

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is None:
            message = f"the pickle asks for {module}.{name}, which is neither a plain value nor a numpy array: refused"
            raise UserError(f"{message}, nothing of it was run", file=self.path, key=self.key)
        return known

    def persistent_load(self, _: Any) -> Any:
        message = "the pickle refers to objects outside of it: refused, nothing of it was run"
        raise UserError(message, file=self.path, key=self.key)


class _Maker:
    """A function that a pickle may call and nothing else: what it says of a function's own attributes is refused."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make

    def __call__(self, *arguments: Any) -> Any:
        return self.make(*arguments)

    def __setstate__(self, _: Any) -> None:
        raise ValueError("attributes of a function")


_NDARRAY = object()
"""What stands for the class ``numpy.ndarray``, which nothing but `_empty` may take."""


class _Type:
    """A dtype as a pickle states it. Of its state the byte order alone is believed: numpy believes all, fields too."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not (isinstance(code, str) and _CODE.fullmatch(code)):
            raise ValueError(f"an array of the type {code!r}")
        self.real = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, *parts = state[:5]
        if any(part is not None for part in parts) or order not in ("<", ">", "=", "|"):
            raise ValueError("an array of a type with parts")
        self.real = self.real.newbyteorder(order)


_CODE = re.compile(r"[?bBhHiIlLqQefdFD]|b1|[iu][1248]|f[248]|c(8|16)|O8?|[SU]\d{0,9}")


class _Array(np.ndarray):
    """An array whose state is checked before numpy takes it over."""

    def __setstate__(self, state: Any) -> None:
        version, shape, kind, fortran, content = state
        if not isinstance(kind, _Type):
            raise ValueError("an array of no plain type")
        super().__setstate__((version, shape, kind.real, fortran, content))


def _empty(kind: Any, shape: Any, _: Any) -> np.ndarray:
    """What numpy's ``_reconstruct`` gives: an empty array that its state then fills."""
    if kind is not _NDARRAY or shape != (0,):
        raise ValueError("an array of another class")
    return np.ndarray.__new__(_Array, (0,), "b")


def _scalar(kind: Any, content: Any = None) -> Any:
    """A numpy number or string as the plain value it holds."""
    if not isinstance(kind, _Type) or kind.real.hasobject:
        raise ValueError("a number of no plain type")
    raw = content.encode("latin1") if isinstance(content, str) else bytes(content)
    return np.frombuffer(raw, kind.real, count=1)[0]


def _buffer(content: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    """What numpy's ``_frombuffer`` gives (protocol 5 keeps arrays so)."""
    if not isinstance(kind, _Type) or kind.real.hasobject:
        raise ValueError("an array of no plain type")
    return np.frombuffer(content, dtype=kind.real).reshape(shape, order=order)


def _encoded(text: str, encoding: str) -> bytes:
    """What ``_codecs.encode`` gives (Python 2's bytes, under protocols before 3)."""
    if encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise ValueError(f"an unexpected encoding {encoding}")
    return text.encode(encoding)


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _Maker(_encoded),
    **{(module, name): kind for module in ("builtins", "__builtin__") for name, kind in (
        ("set", set), ("frozenset", frozenset), ("complex", complex), ("bytearray", bytearray), ("list", list),
        ("dict", dict), ("tuple", tuple), ("int", int), ("float", float), ("str", str), ("bytes", bytes),
    )},
    ("collections", "OrderedDict"): dict,
    **{(f"{core}.multiarray", "_reconstruct"): _Maker(_empty) for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _Maker(_scalar) for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _Maker(_buffer) for core in _CORES},
}  # fmt: skip
