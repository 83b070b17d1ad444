"""What can be named in a spec: name → "module:Class", version and option schema, without torch.

A line in `registry_lines` (or in `backbones.LINES`) is all it takes to add an entry. The options an entry
accepts are the keyword-only arguments of its class (or function), read from the source by `ast`: names,
annotations and defaults stand in one place, and a spec is checked without importing what it names.
"""

from __future__ import annotations

import ast
import importlib
import math
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

import backbones
from harness import class_source, level_names, option_types, own_backbones, own_metrics, registry_lines
from harness.errors import UserError, unknown, wrong_value

KINDS = ("backbones", "losses", "datasets", "occlusions", "processes", "metrics", "protocols")
_ONE = {"losses": "loss", "processes": "process of occlusion"}


@dataclass(frozen=True)
class Entry:
    """A registered name. ``base`` is the name that identity and records use (a preset's parent)."""

    kind: str
    name: str
    target: str
    version: int | str
    summary: str
    preset: dict[str, Any] = field(default_factory=dict, hash=False)
    base: str | None = None

    @property
    def canonical(self) -> str:
        return self.base or self.name

    @property
    def hashed(self) -> str:
        """The name that is part of identities: of a class in a file its own, wherever the file is."""
        return self.target.rpartition(":")[2] if own_backbones.in_file(self.name) else self.canonical


@cache
def entries(kind: str) -> dict[str, Entry]:
    """All entries of one kind (one of `KINDS`), by name."""
    if kind == "backbones":
        return {name: Entry(kind, name, *line) for name, line in backbones.LINES.items()}
    table = registry_lines.BY_KIND[kind]
    lines = {**own_metrics.lines(), **table} if kind == "metrics" else table
    return {name: Entry(kind, name, *line) for name, line in lines.items()}


def names(kind: str) -> set[str]:
    """All names of one kind, those of installed packages included."""
    return {*entries(kind), *(own_backbones.installed() if kind == "backbones" else ())}


def get(kind: str, name: str, **where: Any) -> Entry:
    """The entry called ``name``; of a backbone also ``path/to/file.py:Class``, or an installed package's name.

    The harness's own names come first. Raises `UserError` with the nearest name, or with what is wrong with the
    user's class; ``where`` locates it.
    """
    known = entries(kind)
    if name in known:
        return known[name]
    if kind == "backbones":
        try:
            if own_backbones.in_file(name):
                return _own(own_backbones.of_file(name))
            installed = own_backbones.installed()
            if name in installed:
                return _own(own_backbones.of_package(installed[name]))
        except UserError as error:
            raise UserError(error.message, **where) from None
    if kind == "occlusions" and level_names.composed(name):
        return _composed(name, **where)
    if kind == "occlusions" and name in registry_lines.PROCESSES:
        raise UserError(f"'{name}' is a process: give its severity too, e.g. {name}@0.5", **where)
    raise unknown(_ONE.get(kind, kind.removesuffix("s")), name, names(kind), **where)


def _composed(name: str, **where: Any) -> Entry:
    """The level that a spec puts together under a name (`harness.level_names`); each has one spelling alone."""
    try:
        said = level_names.parse(name)
    except UserError as error:
        raise UserError(error.message, **where) from None
    for process, _ in said.parts:
        if process in registry_lines.OCCLUSIONS:
            raise UserError(f"'{process}' is a level, with a severity of its own: no part of '{name}'", **where)
    found = {process: get("processes", process, **where) for process, _ in said.parts}
    options = [check_options(found[process], given, **where) for process, given in said.parts]
    if said.fill and all(constant(entry, "IGNORES_FILL", False) for entry in found.values()):
        message = f"':{said.fill}' has no effect: {' and '.join(found)} has answers of its own"
        raise UserError(message, **where)
    if said.spelt(options) != name:
        raise UserError(f"'{name}' is written '{said.spelt(options)}': a level has one name", **where)
    versions = [entry.version for entry in found.values()]
    version = versions[0] if len(versions) == 1 else "+".join(map(str, versions))
    summary = "; ".join(entry.summary for entry in found.values())
    return Entry("occlusions", name, "harness.occlusion.families:composed", version, summary)


def _own(found: own_backbones.Own) -> Entry:
    entry = Entry("backbones", found.name, found.target, found.version, found.summary)
    options(entry)  # what can't be read is told here, where it's known who named it
    for name in ("needs_confidence", "fits_window", "slides"):
        attribute(entry, name, None)
    return entry


def load(entry: Entry) -> Any:
    """Import and return the class or function of an entry (this is where torch comes in).

    Raises:
        UserError: a file of the user's that changed since, or that can't be imported.
    """
    if own_backbones.in_file(entry.name):
        return own_backbones.load_file(entry.name)
    module, attribute = entry.target.split(":")
    return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class Option:
    """One option of an entry: its type, whether it must be given, and its default."""

    annotation: Any
    required: bool
    default: Any = None


@cache
def options(entry: Entry) -> dict[str, Option]:
    """The options of an entry, read from the keyword-only arguments of its class or function.

    Raises:
        UserError: an annotation or a default that can't be read without running the source.
    """
    found = {}
    function = _definition(entry)
    for arg, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        try:
            annotation = option_types.read(arg.annotation)
            value = ast.literal_eval(default) if default is not None else None
        except (ValueError, TypeError, NameError, AttributeError, SyntaxError):
            names = ", ".join(option_types.NAMES)
            message = f"the option '{arg.arg}' of {entry.target} can't be read from its source: its type must be made"
            message += f" of {names}, under these names, and its default must be a literal"
            raise UserError(message) from None
        found[arg.arg] = Option(annotation, default is None, value)
    return found


@cache
def attribute(entry: Entry, name: str, default: Any) -> Any:
    """A literal class attribute of an entry, or of its bases in the same module, without importing it.

    Raises:
        UserError: it's there and no literal.
    """
    classes = {node.name: node for node in _tree(entry).body if isinstance(node, ast.ClassDef)}
    pending = [entry.target.rpartition(":")[2]]
    while pending:
        node = classes.get(pending.pop(0))
        for item in node.body if node else ():
            if not isinstance(item, ast.Assign | ast.AnnAssign) or item.value is None:
                continue
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                try:
                    return ast.literal_eval(item.value)
                except (ValueError, TypeError):
                    raise UserError(f"{name} of {entry.target} must be a literal: it is read without import") from None
        pending += [base.id for base in node.bases if isinstance(base, ast.Name)] if node else []
    return default


def constant(entry: Entry, name: str, default: Any) -> Any:
    """A literal that the module of an entry gives a name, without importing it."""
    for node in _tree(entry).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return ast.literal_eval(node.value)
    return default


def has_method(entry: Entry, name: str) -> bool:
    """Whether an entry's class, or a base of it in the same module, defines a method, without importing it."""
    return class_source.has_method(_tree(entry), entry.target.rpartition(":")[2], name)


def _tree(entry: Entry) -> ast.Module:
    return _parsed(entry.target.rpartition(":")[0], entry.version)


@lru_cache(maxsize=64)
def _parsed(module: str, version: int | str) -> ast.Module:
    """The source of a module, or of a file by its path; ``version`` keeps a changed file's old content apart."""
    file = module if module.endswith(".py") else own_backbones.locate(module)
    if file is None:
        raise ModuleNotFoundError(f"registry line names a module that isn't there: {module}")
    return ast.parse(own_backbones.source_of(str(file)))


def _definition(entry: Entry) -> ast.FunctionDef:
    attribute = entry.target.rpartition(":")[2]
    for node in _tree(entry).body:
        if isinstance(node, ast.FunctionDef) and node.name == attribute:
            return node
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return item
            return ast.parse("def __init__(self): pass").body[0]  # type: ignore[return-value]
    raise AttributeError(f"registry line names something that isn't there: {entry.target}")


@cache
def _adapter(entry: Entry, name: str) -> TypeAdapter:
    return TypeAdapter(options(entry)[name].annotation, config=ConfigDict(strict=False))


def check_options(entry: Entry, given: dict[str, Any], **where: Any) -> dict[str, Any]:
    """``given`` checked, converted, and reduced to what differs from the defaults.

    Options a preset sets are merged in, so that a preset and its spelt-out form become equal.

    Args:
        where: file, line and key for messages; ``beside``: what may stand beside the options, for the nearest name.
    Raises:
        UserError: an unknown option, a missing one, a value of the wrong type or range, or one that has no
            effect beside the others (see `_applies`); its key is ``where['key']`` + the option's name.
    """
    known, prefix, beside = options(entry), where.pop("key", None), where.pop("beside", ())
    merged = {**entry.preset, **given}
    for name in merged:
        if name not in known:
            if not known:
                also = f", and beside its weight go {', '.join(beside)}" if beside else ""
                message = f"unknown option of {entry.name} '{name}': it has none{also}"
                raise UserError(message, key=_join(prefix, name), **where)
            raise unknown(f"option of {entry.name}", name, {*known, *beside}, key=_join(prefix, name), **where)
    result = {}
    for name, option in known.items():
        if name not in merged:
            if option.required:
                raise UserError(f"{entry.name} needs the option '{name}'", key=_join(prefix, name), **where)
            continue
        try:
            value = _adapter(entry, name).validate_python(merged[name])
        except ValidationError as error:
            message = wrong_value(error.errors()[0], merged[name])
            raise UserError(message, key=_join(prefix, name), **where) from None
        if not _finite(value):
            raise UserError(f"a finite number is needed; got {merged[name]!r}", key=_join(prefix, name), **where)
        value = list(value) if isinstance(value, tuple) else value
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        if option.required or value != default:
            result[name] = value
    for name in result:
        why = _applies(entry, name, {**{other: option.default for other, option in known.items()}, **result})
        if why:
            raise UserError(why, key=_join(prefix, name), **where)
    return result


def _applies(entry: Entry, name: str, values: dict[str, Any]) -> str | None:
    """Why the option ``name`` would be ignored beside the others, or None.

    An entry says so in a literal class attribute: ``applies = {"margin": ("form", "margin")}`` reads that
    ``margin`` has an effect only where ``form`` is ``margin``. An ignored option would still be hashed, and
    two names for one run look like two arms.
    """
    option, *wanted = (attribute(entry, "applies", None) or {}).get(name, (None,))
    if option is None or values[option] in wanted:
        return None
    belongs = " or ".join(f"{option}: {value}" for value in wanted)
    return f"'{name}' has no effect here: it belongs to {belongs}, and this is {option}: {values[option]}"


def _finite(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _join(prefix: str | None, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
