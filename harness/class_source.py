"""What a class's source says of it, read without running it: what it has, its literals, its docstring."""

from __future__ import annotations

import ast
from typing import Any

from harness.errors import UserError

GUIDE = "see docs/adding-a-backbone.md"
_METHODS = ("forward", "for_data", "output_frames")
_ATTRIBUTES = ("receptive_field", "causal", "frames_out")
_PLAIN_BASES = ("nn.Module", "torch.nn.Module", "Module", "object", "ABC", "Generic")


def parsed(text: str, path: str) -> ast.Module:
    """The tree of a source. Raises `UserError` with the line if it isn't Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UserError(f"{path}{f':{line}' if line else ''} is not Python ({getattr(error, 'msg', error)})") from None


def classes(tree: ast.Module) -> list[str]:
    """Names of the classes at the top of a source."""
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def check(tree: ast.Module, cls: str, shown: str) -> None:
    """Refuse a class whose source lacks what every backbone has, as far as the source tells.

    Args:
        tree: the source.
        cls: the class.
        shown: what errors call it.
    Raises:
        UserError: methods or attributes are missing (unless bases written elsewhere may have them), ``frames_out``
            isn't a literal, or options aren't keyword-only.
    """
    family, opaque = _family(tree, cls)
    has = set().union(*(_names(node) for node in family))
    lacks = [f"{name}()" for name in _METHODS if name not in has]
    lacks += [name for name in _ATTRIBUTES if name not in has]
    if lacks and not opaque:
        raise UserError(f"{shown} is no backbone yet: it lacks {', '.join(lacks)}; {GUIDE}")
    answers = literal(tree, cls, "frames_out")
    if answers not in ("one", "all"):
        message = f'{shown}: frames_out must stand in the class as "one" or "all": is it for one frame of those it'
        raise UserError(f"{message} reads, or for all, that the network answers? {GUIDE}")
    inits = [item for item in family[0].body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    for given in (init.args for init in inits):
        if len(given.posonlyargs + given.args) > 1 or given.vararg or given.kwarg:
            message = f"{shown}: options must be keyword-only: def __init__(self, *, …), without *args and **kwargs"
            raise UserError(f"{message}; {GUIDE}")


def has_method(tree: ast.Module, cls: str, name: str) -> bool:
    """Whether a class, or a base of it in the same source, defines a method."""
    defined = [item for node in _family(tree, cls)[0] for item in node.body if isinstance(item, ast.FunctionDef)]
    return any(item.name == name for item in defined)


def _family(tree: ast.Module, cls: str) -> tuple[list[ast.ClassDef], bool]:
    """The class and its bases in the same file, and whether it has others than torch's Module."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: list[ast.ClassDef] = []
    pending, opaque = [cls], False
    while pending:
        name = pending.pop(0)
        if name not in classes:
            opaque |= name not in ("nn.Module", "torch.nn.Module", "Module", "object", "ABC", "Generic")
        elif classes[name] not in found:
            found.append(classes[name])
            pending += [ast.unparse(base) for base in classes[name].bases]
    return found, opaque


def _names(node: ast.ClassDef) -> set[str]:
    """What a class defines: methods, class attributes, and attributes that its methods set on ``self``."""
    found: set[str] = set()
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            found.add(item.name)
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    for inner in ast.walk(node):
        stored = isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store)
        if stored and isinstance(inner.value, ast.Name) and inner.value.id == "self":  # type: ignore[attr-defined]
            found.add(inner.attr)  # type: ignore[attr-defined]
    return found


def literal(tree: ast.Module, cls: str, name: str) -> Any:
    """A literal class attribute, or None."""
    for node in _family(tree, cls)[0]:
        for item in node.body:
            targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                try:
                    return ast.literal_eval(item.value)  # type: ignore[attr-defined]
                except (ValueError, TypeError):
                    return None
    return None


def summary(tree: ast.Module, cls: str) -> str:
    text = ast.get_docstring(_family(tree, cls)[0][0]) or ""
    return text.partition("\n")[0].rstrip(".")
