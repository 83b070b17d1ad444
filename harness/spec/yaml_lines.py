"""YAML text → plain data that remembers on which line each value stands.

YAML 1.2's plain scalars (``1e-3`` is a number, ``on`` is a word), duplicate keys refused, and
``${VARIABLE}`` or ``${VARIABLE:-default}`` expanded inside values.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.errors import UserError

Path = tuple[str | int, ...]
COMMAND_LINE = "-o"
"""First step of the path of an override that stands nowhere in the file; its number is the second."""

try:
    from yaml import CSafeLoader as _Base  # ten times faster
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _Base  # type: ignore[assignment]


class _Loader(_Base):
    """Knows YAML 1.2's plain scalars only: the resolvers of YAML 1.1 are replaced, not added to."""


_Loader.yaml_implicit_resolvers = {}


_INT = re.compile(r"^[-+]?(?:0x[0-9a-fA-F]+|[0-9][0-9_]*)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, "-+0123456789")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, "-+0123456789.")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])

_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}")
# `${X}` can't stand in a flow mapping, so the parser sees it between two private-use characters.
_OPEN, _CLOSE = "\ue000", "\ue001"
_HIDDEN = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


@dataclass
class Document:
    """Plain data and where each value came from.

    Attributes:
        data: mappings, lists, strings, numbers, booleans, None.
        file: the file's name as it should be printed.
        lines: path → line from 1, or, for a value set on the command line, the words that set it.
    """

    data: Any
    file: str
    lines: dict[Path, int | str] = field(default_factory=dict)

    @property
    def folder(self) -> pathlib.Path:
        """Where the file is."""
        return pathlib.Path(self.file).parent

    def where(self, path: Path) -> dict[str, Any]:
        """Keyword arguments that locate ``path`` (or its nearest parent) in a `UserError`."""
        for stop in range(len(path), -1, -1):
            place = self.lines.get(path[:stop])
            if place is not None:
                break
        else:
            place = 1
        located = {"file": self.file, "line": place} if isinstance(place, int) else {"file": place, "line": None}
        return {**located, "key": dotted(path) or None}


def dotted(path: Path) -> str:
    """``("grid", "seed", 0)`` → ``grid.seed[0]``."""
    text = ""
    if path and path[0] == COMMAND_LINE:
        path = path[2:]
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse(text: str, file: str, environment: Mapping[str, str] | None = None) -> Document:
    """Parse one YAML document.

    Args:
        text: the YAML.
        file: how to call it in errors.
        environment: variables to expand; the process's own when None.
    Raises:
        UserError: not YAML, a duplicate key, an unset variable; with the line.
    """
    found: list[re.Match] = []

    def hide(match: re.Match) -> str:
        found.append(match)
        return f"{_OPEN}{len(found) - 1}{_CLOSE}"

    try:
        loader = _Loader(_VARIABLE.sub(hide, text))
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise _not_yaml(error, text, file) from None
    document = Document(None, file)
    builder = _Builder(document, found, os.environ if environment is None else environment)
    document.data = builder.build(node, ()) if node is not None else None
    return document


def _not_yaml(error: yaml.YAMLError, text: str, file: str) -> UserError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    line = mark.line + 1 if mark else None
    position = getattr(error, "position", None)
    if line is None and isinstance(position, int):
        line = text.count("\n", 0, position) + 1
    return UserError(f"not YAML: {problem}", file=file, line=line)


class _Builder:
    """Turns composed nodes into plain data, noting lines on the way."""

    def __init__(self, document: Document, variables: list[re.Match], environment: Mapping[str, str]) -> None:
        self.document, self.variables, self.environment = document, variables, environment
        self.open: list[int] = []

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            raise self.error("an alias that contains itself", node, path)
        if node.tag not in _COLLECTIONS:
            raise self.error(f"the tag '{node.tag}' isn't supported here", node, path)
        self.open.append(id(node))
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self.mapping(node, path)
        else:
            value = [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        self.open.pop()
        return value

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, item in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                sources = item.value if isinstance(item, yaml.SequenceNode) else [item]
                for source in sources:
                    built = self.build(source, path)
                    if not isinstance(built, dict):
                        raise self.error("'<<' needs a mapping", key_node, path)
                    merged = {**built, **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error("a key must be a word", key_node, path)
            key = self.expand(key_node, path)
            if key in value:
                first = self.document.lines[(*path, key)]
                raise self.error(f"duplicate key '{key}' (first on line {first})", key_node, (*path, key))
            self.document.lines[(*path, key)] = key_node.start_mark.line + 1
            value[key] = self.build(item, (*path, key))
        return {**merged, **value}

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text, tag = node.value, node.tag
        if _OPEN in text:
            text = self.expand(node, path)
            plain = not node.style
            tag = _resolve(text) if plain else tag
        kind = tag.rsplit(":", 1)[-1]
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text.replace("_", ""), 0) if "x" in text else int(text.replace("_", ""))
        if kind == "float":
            bare = text.replace("_", "").lower()
            return float(bare.replace(".inf", "inf").replace(".nan", "nan"))
        raise self.error(f"the tag '{tag}' isn't supported here", node, path)

    def expand(self, node: yaml.ScalarNode, path: Path) -> str:
        def show(match: re.Match) -> str:
            name, default = self.variables[int(match[1])].groups()
            value = self.environment.get(name) or default
            if value is None:
                raise self.error(f"the environment variable {name} isn't set", node, path)
            return value

        return _HIDDEN.sub(show, node.value)

    def error(self, message: str, node: yaml.Node, path: Path) -> UserError:
        return UserError(message, file=self.document.file, line=node.start_mark.line + 1, key=dotted(path) or None)


def _resolve(text: str) -> str:
    if _INT.match(text):
        return "tag:yaml.org,2002:int"
    if _FLOAT.match(text):
        return "tag:yaml.org,2002:float"
    return "tag:yaml.org,2002:str"
