"""``-o field=value``: a spec file as if it had been written otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.spec.fields import ALIASES, Setting, resolve
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import COMMAND_LINE, Document, Path, parse


@dataclass(frozen=True)
class Later:
    """An override of a term's or a backbone's option: it applies once objectives are composed."""

    field: str
    value: Any
    place: Path


def apply(document: Document, overrides: Sequence[str]) -> list[Later]:
    """Edit ``document`` in place; an override of a field that the grid varies replaces that axis.

    Args:
        overrides: ``field=value`` each, the value in YAML.
    Returns:
        What can't be written into the document, for `settings`.
    Raises:
        UserError: no ``=``, a value that isn't YAML, a field inside a plain value or of a tied axis.
    """
    if not isinstance(document.data, dict):
        return []
    later = []
    for number, text in enumerate(overrides):
        field, equals, given = text.partition("=")
        field = field.strip()
        if not equals or not field:
            raise UserError(f"an override is field=value, e.g. -o train.steps=100; got '{text}'")
        shown = f"-o {text}"
        try:
            value = parse(given, shown).data
        except UserError as error:
            raise UserError(error.message, file=shown) from None
        path = _path(document, field, shown)
        if (path[0], len(path)) in (("objectives", 4), ("backbone", 2)) and path != ("backbone", "name"):
            place: Path = (COMMAND_LINE, number, field)
            document.lines[place] = shown
            later.append(Later(field, value, place))
        else:
            put(document, path, value, shown)
    return later


def settings(later: Sequence[Later], file: SpecFile, document: Document) -> list[Setting]:
    """The settings that every point of the grid starts from.

    Raises:
        UserError: an override of a field that isn't there.
    """
    return [Setting(resolve(item.field, file, document, item.place), item.value, item.place) for item in later]


def put(document: Document, path: Path, value: Any, shown: str) -> None:
    """Set the value at ``path``; errors about it will name ``shown`` instead of a line.

    Raises:
        UserError: a plain value stands where ``path`` goes on.
    """
    at = document.data
    for depth, step in enumerate(path[:-1], start=1):
        if at.get(step) is None:
            at[step] = {}
            document.lines[path[:depth]] = shown
        at = at[step]
        if not isinstance(at, dict):
            inner = ".".join(str(part) for part in path[:depth])
            raise UserError(f"'{inner}' is {at!r}, which has no field '{path[depth]}'", file=shown)
    at[path[-1]] = value
    for known in [place for place in document.lines if place[: len(path)] == path]:
        del document.lines[known]
    document.lines[path] = shown


def _path(document: Document, field: str, shown: str) -> Path:
    """Where in the document a field's value stands, or would."""
    head, _, rest = field.partition(".")
    if head == "grid" and rest:
        return ("grid", rest)
    grid = document.data.get("grid")
    name = ALIASES.get(field, field)
    for axis in grid if isinstance(grid, dict) else ():
        fields = [ALIASES.get(part.strip(), part.strip()) for part in str(axis).split(",")]
        if name in fields and len(fields) > 1:
            raise UserError(f"'{field}' is tied in the axis '{axis}': override grid.{axis} as a whole", file=shown)
        if name in fields:
            return ("grid", axis)
    if name == "train_occlusion":
        return ("train", "occlusion")
    if name in ("objective", "seed"):
        return ("grid", name)
    if field.startswith("report.baseline."):
        return ("report", "baseline", field.removeprefix("report.baseline."))
    return tuple(field.split("."))
