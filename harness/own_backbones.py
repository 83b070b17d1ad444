"""Backbones of a user's own: a class in a file, ``path/to/net.py:Net``, or of an installed package, by entry point.

Neither is run to be named in a spec: what a spec needs to know stands in the source and is read by `ast`. A file is
known by its content, which every process that uses it checks; a package's class by the ``version`` it declares.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import re
import sys
import types
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import class_source
from harness.errors import UserError, nearest, unknown

GROUP = "repose.backbones"
"""Entry points of this group name backbones: ``name = "package.module:Class"``."""

_PLACES: dict[str, str] = {}
"""Files that this machine doesn't have where the spec says: path → where their content was put."""

_FILE = re.compile(r"(.+\.py)(?::([^/:@]*)(?:@([0-9a-f]{16}))?)?$")
_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Own:
    """One backbone of the user's.

    Attributes:
        name: how it is found again: of a file ``/absolute/path.py:Class@digest``, else the entry point's name.
        target: ``/absolute/path.py:Class`` or ``package.module:Class``.
        version: what its identity carries: digest of the file's content, or the version that the class declares.
        summary: first line of the class's docstring.
    """

    name: str
    target: str
    version: int | str
    summary: str


def in_file(name: str) -> bool:
    """Whether a backbone's name is a path rather than a word."""
    return _FILE.match(name) is not None


def absolute(name: str, folder: Path) -> str:
    """``name`` with its path made absolute, if it is a file's; any other as it is.

    Args:
        folder: what the path is relative to; where nothing is there, the working folder is tried.
    """
    found = _FILE.match(name)
    if found is None:
        return name
    path = Path(found.group(1)).expanduser()
    place = path if not (folder / path).exists() and path.exists() else folder / path
    return f"{place.resolve()}{name[found.end(1) :]}"


def file_of(name: str) -> tuple[str, str] | None:
    """Path and digest of the file that a backbone of a checked spec is in; None for one that is in no file."""
    if _FILE.match(name) is None:
        return None
    path, _, digest = _parts(name)
    return path, digest


def place(path: str, where: str) -> None:
    """Have this process read at ``where`` what specs call ``path``; names and identities stay as they are."""
    _PLACES[path] = where


def digest_of(path: str) -> str:
    """What a name carries behind its ``@``, of the file's content here. Raises `UserError` if there is none."""
    return _digest(source_of(path))


def of_file(name: str) -> Own:
    """The class that ``path.py:Class`` names; with ``@`` and a digest behind, only if the content is that one.

    Raises:
        UserError: no such file or class, a file that isn't Python, a class without what a backbone needs, or another
            content.
    """
    return _read(name)[0]


def load_file(name: str) -> Any:
    """Run a file and return the class that ``name`` names (this is where torch comes in).

    What runs is the very text whose content was checked. The file stands for itself: the folder it is in isn't made
    importable, since what it took from there would be in no run's identity.

    Raises:
        UserError: as `of_file`; or what the file raised, in one line.
    """
    own, text = _read(name)
    path, _, cls = own.target.rpartition(":")
    module = f"repose_file_{hashlib.sha256(f'{path}@{own.version}'.encode()).hexdigest()[:16]}"
    if module not in sys.modules:
        made = types.ModuleType(module)
        made.__file__ = _PLACES.get(path, path)
        sys.modules[module] = made  # before it runs: dataclasses look their module up
        try:
            exec(compile(text, path, "exec"), made.__dict__)
        except Exception as error:
            del sys.modules[module]
            raise UserError(f"{path} can't be imported: {type(error).__name__}: {error}") from error
    return getattr(sys.modules[module], cls)


def _read(name: str) -> tuple[Own, str]:
    path, cls, wanted = _parts(name)
    text = source_of(path)
    digest = _digest(text)
    if wanted not in ("", digest):
        raise UserError(f"{path} has changed: its digest was {wanted} when the spec was read, and is {digest} now")
    tree = class_source.parsed(text, path)
    known = class_source.classes(tree)
    if not known:
        raise UserError(f"{path} defines no class")
    if not cls:
        raise UserError(f"which class of {path}? Write {Path(path).name}:{known[-1]} (it has: {', '.join(known)})")
    if cls not in known:
        raise unknown(f"class of {path}", cls, known)
    class_source.check(tree, cls, f"{path}:{cls}")
    own = Own(f"{path}:{cls}@{digest}", f"{path}:{cls}", f"sha256:{digest}", class_source.summary(tree, cls))
    return own, text


def installed() -> dict[str, metadata.EntryPoint]:
    """Name → entry point, of all installed packages that offer backbones; none of them is imported."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def of_package(point: metadata.EntryPoint) -> Own:
    """The class that an entry point names.

    Raises:
        UserError: no source file, no such class in it, a class without what a backbone needs or without ``version``.
    """
    home = f" of the package {point.dist.name}" if point.dist else ""
    about = f"the entry point '{point.name}'{home}"
    if not _ENTRY.fullmatch(point.value):
        raise UserError(f"{about} must name a class as package.module:Class; it is '{point.value}'")
    file = locate(point.module)
    if file is None:
        raise UserError(f"{about} names the module {point.module}, whose source can't be found")
    tree = class_source.parsed(source_of(str(file)), str(file))
    known = class_source.classes(tree)
    if point.attr not in known:
        guess = nearest(point.attr, known)
        hint = f"did you mean '{guess}'?" if guess else "name the module that holds the class itself"
        raise UserError(f"{about}: {point.module} defines no class '{point.attr}'; {hint}")
    class_source.check(tree, point.attr, point.value)
    version = class_source.literal(tree, point.attr, "version")
    if isinstance(version, bool) or not isinstance(version, int | str):
        message = f"{about}: {point.attr} needs a version, e.g. `version = 1` in the class. It is part of every run's"
        raise UserError(f"{message} identity; raise it when the same options start to give other numbers")
    return Own(point.name, point.value, version, class_source.summary(tree, point.attr))


def locate(module: str) -> Path | None:
    """The source file of a module, found without running the packages it is in; None if it has none."""
    names = module.split(".")
    try:
        spec = importlib.util.find_spec(names[0])
        for depth in range(2, len(names) + 1):
            if spec is None or spec.submodule_search_locations is None:
                return None
            inside = list(spec.submodule_search_locations)
            spec = importlib.machinery.PathFinder.find_spec(".".join(names[:depth]), inside)
    except (ValueError, KeyError):  # a module made by hand, or a namespace within one that isn't imported
        return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def source_of(path: str) -> str:
    """The text of a file. Raises `UserError` if there is none."""
    try:
        return Path(_PLACES.get(path, path)).read_text(encoding="utf-8")
    except FileNotFoundError:
        near = nearest(Path(path).name, [other.name for other in Path(path).parent.glob("*.py")])
        hint = f"; did you mean '{near}'?" if near else ""
        raise UserError(f"{path}: no such file{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as text ({error})") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parts(name: str) -> tuple[str, str, str]:
    """``path.py:Class@digest`` → path, class, digest; what isn't there is empty."""
    found = _FILE.match(name)
    assert found is not None, name
    return found.group(1), found.group(2) or "", found.group(3) or ""
