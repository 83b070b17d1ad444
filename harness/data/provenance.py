"""Where imported data come from: the files that were read, and the one that is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError


def target(out: str, sources: Iterable[str]) -> Path:
    """The file to write, checked before anything is read.

    Raises:
        UserError: not an .npz, in no folder, or one of the sources.
    """
    path = Path(out)
    if path.suffix != ".npz":
        raise UserError("a clip file's name ends in .npz", key="--out", file=out)
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent}", key="--out", file=out)
    if any(path.resolve() == Path(source).resolve() for source in sources):
        raise UserError("this would overwrite what is read", key="--out", file=out)
    return path


def files(paths: Iterable[str]) -> list[dict[str, str]]:
    """Name and SHA-256 of each file, of folders of all in them. Folders' names aren't kept."""
    return [{"name": name, "sha256": _digest(file)} for path in paths for name, file in _within(Path(path))]


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they are kept: of one that names a file its name and SHA-256, not the folder."""
    return {name: _kept(value) for name, value in given.items()}


def _kept(value: Any) -> Any:
    path = Path(value) if isinstance(value, str) and value else None
    return {"name": path.name, "sha256": _digest(path)} if path and path.is_file() else value


def _within(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        yield file.relative_to(path).as_posix(), file


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
