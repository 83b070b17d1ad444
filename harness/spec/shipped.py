"""The specs that come with the harness, wherever it runs from.

They live in experiments/ beside the packages: a clone and an editable install read them there; a wheel
carries them as package data of this package (see setup.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.errors import UserError, unknown


def folder() -> Path:
    """Where the shipped specs are."""
    here = Path(__file__).resolve().parent
    packed = here / "shipped"
    return packed if packed.is_dir() else here.parents[1] / "experiments"


def names() -> dict[str, Path]:
    """Name → file of every shipped spec, in alphabetical order."""
    return {path.stem: path for path in sorted(folder().glob("*.yaml"))}


def find(path_or_name: str | Path) -> Path:
    """The file of a spec given by path or by the name of a shipped one.

    Raises:
        UserError: neither; with the nearest shipped name.
    """
    path = Path(path_or_name)
    if path.is_file():
        return path
    text = str(path_or_name)
    shipped = names()
    if text in shipped:
        return shipped[text]
    if path.is_dir():
        raise UserError("a folder, not a spec file", file=text)
    if path.suffix in (".yaml", ".yml") or path.parent != Path("."):
        # `experiments/NAME.yaml` is how a clone names a shipped spec: let an installed wheel do the same.
        if path.parent.name == "experiments" and path.stem in shipped and not path.parent.exists():
            return shipped[path.stem]
        raise UserError("no such spec file", file=text)
    raise unknown("spec", text, shipped)


def copy(name: str, target: str | Path) -> Path:
    """Copy the shipped spec ``name`` to ``target`` (a file or a folder) and return the new file.

    The editor's schema is written beside it, since the spec's first line names it.

    Raises:
        UserError: no such spec; a target that exists or can't be written.
    """
    shipped = names()
    stem = name.removesuffix(".yaml")
    if stem not in shipped:
        raise unknown("spec", name, shipped)
    target = Path(target)
    if target.is_dir():
        target = target / shipped[stem].name
    if target.exists():
        raise UserError("exists already", file=str(target))
    schema = target.parent / "spec.schema.json"
    try:
        shutil.copyfile(shipped[stem], target)
        if not schema.exists():
            shutil.copyfile(folder() / "spec.schema.json", schema)
    except OSError as error:
        raise UserError(f"can't be written ({error.strerror})", file=str(target)) from None
    return target
