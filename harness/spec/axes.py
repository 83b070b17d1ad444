"""Axes: what ``grid``, ``include`` and ``exclude`` of a spec file say, value by value.

An axis varies one field, or several together (tied: ``"data.window, train.batch": [[27, 64], [81, 32]]``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import UserError, unknown
from harness.spec.fields import SHORTHANDS, Field, Setting, printed, resolve
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document, Path

Choice = tuple[Setting, ...]


@dataclass(frozen=True, eq=False)
class Axis:
    """Fields that vary together.

    Attributes:
        fields: one field, or the tied ones.
        choices: each choice sets every field.
    """

    fields: tuple[Field, ...]
    choices: tuple[Choice, ...]

    def without(self, dropped: set[str]) -> Axis | None:
        """The axis less some fields (by name); None when nothing is left."""
        keep = [index for index, field in enumerate(self.fields) if field.name not in dropped]
        if not keep:
            return None
        if len(keep) == len(self.fields):
            return self
        choices = {
            tuple(printed(choice[index].value) for index in keep): tuple(choice[index] for index in keep)
            for choice in self.choices
        }
        return Axis(tuple(self.fields[index] for index in keep), tuple(choices.values()))


@dataclass(frozen=True)
class Entry:
    """One entry of ``include``: its axes, and whether it names its backbone."""

    axes: list[Axis]
    names_backbone: bool


def grid(file: SpecFile, document: Document) -> list[Axis]:
    """The axes of ``grid``, seeds outermost: a sweep cut short then has whole comparisons.

    Raises:
        UserError: an unknown axis, an empty one, a value twice, a field on two axes.
    """
    if not file.grid:
        raise UserError("the grid is empty: it needs at least one axis, e.g. seed: 5", **document.where(("grid",)))
    axes: list[Axis] = []
    taken: dict[str, str] = {}
    for key, raw in file.grid.items():
        place: Path = ("grid", key)
        fields = tuple(resolve(name.strip(), file, document, place) for name in key.split(","))
        for field in fields:
            if field.name in taken:
                message = f"'{field.name}' is already varied by the axis '{taken[field.name]}'"
                raise UserError(message, **document.where(place))
            taken[field.name] = key
        axes.append(_axis(fields, raw, place, document))
    return sorted(axes, key=lambda axis: not any(field.name == "seed" for field in axis.fields))


def _axis(fields: tuple[Field, ...], raw: Any, place: Path, document: Document) -> Axis:
    where = document.where(place)
    if [field.name for field in fields] == ["seed"] and raw is not None and not isinstance(raw, list):
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or raw != raw // 1:
            raise UserError(f"seeds are a whole number of them, or a list; got {raw!r}", **where)
        if raw < 1:
            raise UserError(f"the axis is empty: {raw} seeds", **where)
        return Axis(fields, tuple((Setting(fields[0], seed, place),) for seed in range(int(raw))))
    if raw is None or raw == []:
        raise UserError("the axis is empty", **where)
    single = not isinstance(raw, list)
    if isinstance(raw, dict):
        raise UserError("an axis is a list of values", **where)
    choices: list[Choice] = []
    for index, value in enumerate([raw] if single else raw):
        here = place if single else (*place, index)
        if len(fields) == 1:
            choices.append((Setting(fields[0], value, here),))
            continue
        if not isinstance(value, list) or len(value) != len(fields):
            names = ", ".join(field.name for field in fields)
            raise UserError(f"each value of a tied axis is a list [{names}]; got {value!r}", **document.where(here))
        choices.append(tuple(Setting(field, item, here) for field, item in zip(fields, value, strict=True)))
    seen: dict[tuple[str, ...], Path] = {}
    for choice in choices:
        key = tuple(printed(setting.value) for setting in choice)
        if key in seen:
            what = "seed" if fields[0].name == "seed" else "value"
            raise UserError(f"duplicate {what} {', '.join(key)}", **document.where(choice[0].place))
        seen[key] = choice[0].place
    return Axis(fields, tuple(choices))


def included(file: SpecFile, document: Document, axes: list[Axis]) -> list[Entry]:
    """The entries of ``include``.

    An entry names values; what it doesn't name runs over the grid's axes. A list stands for several
    values in the shorthands; in any other field it is one value. An entry that names its backbone takes no
    backbone options from the grid.

    Raises:
        UserError: an unknown field, an empty entry.
    """
    result = []
    for index, entry in enumerate(file.include):
        place: Path = ("include", index)
        if not entry:
            raise UserError("an empty entry", **document.where(place))
        own = []
        for key, raw in entry.items():
            here: Path = (*place, key)
            field = resolve(key, file, document, here)
            values = raw if isinstance(raw, list) and field.name in SHORTHANDS else [raw]
            own.append(_axis((field,), values, here, document))
        named = {axis.fields[0].name for axis in own}
        dropped = set(named)
        if "backbone" in named:
            dropped |= {f.name for axis in axes for f in axis.fields if f.name.startswith(("backbone.", "backbones."))}
        rest = [kept for axis in axes if (kept := axis.without(dropped)) is not None]
        seeds = [axis for axis in rest if any(field.name == "seed" for field in axis.fields)]
        result.append(Entry([*seeds, *own, *(axis for axis in rest if axis not in seeds)], "backbone" in named))
    return result


def exclusions(file: SpecFile, document: Document, axes: list[Axis]) -> list[list[tuple[int, frozenset[int]]]]:
    """For each entry of ``exclude``: (position of an axis, its excluded choices); all must match.

    Raises:
        UserError: a name that is no axis of the grid, or a value that its axis doesn't have.
    """
    positions = {field.name: (at, inner) for at, axis in enumerate(axes) for inner, field in enumerate(axis.fields)}
    result = []
    for index, entry in enumerate(file.exclude):
        place: Path = ("exclude", index)
        if not entry:
            raise UserError("an empty entry would exclude everything", **document.where(place))
        matches = []
        for key, raw in entry.items():
            here: Path = (*place, key)
            name = "train_occlusion" if key == "train.occlusion" else key
            if name not in positions:
                raise unknown("axis", key, positions, **document.where(here))
            at, inner = positions[name]
            values = [printed(choice[inner].value) for choice in axes[at].choices]
            wanted = {printed(value) for value in (raw if isinstance(raw, list) and raw not in values else [raw])}
            for value in wanted - set(values):
                raise unknown(f"value of the axis {key}", value, values, **document.where(here))
            matches.append((at, frozenset(i for i, value in enumerate(values) if value in wanted)))
        result.append(matches)
    return result
