"""Where levels stand on the scale of severity, read from name or source: reports ask, and never load torch."""

from __future__ import annotations

import ast
import copy
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from harness import level_names, registry
from harness.errors import UserError

_STEPS = 4
"""Rungs of a level put together in a spec, which could stand at any severity."""
_ARGUMENTS = ("name", "version", "severity", "processes", "fill")


def positions(levels: Sequence[str]) -> dict[str, float] | None:
    """Severity of each level, rising; None where that doesn't put them in an order.

    Severities compare where levels share their processes and fill; at severity 0 nothing is hidden, whatever they are.
    None also where two levels have one severity, or a level's source doesn't hand `Level` a plain number.
    """
    found = {level: _declared(level) for level in levels}
    told = {level: pair for level, pair in found.items() if pair is not None}
    ladders = {ladder for severity, ladder in told.values() if severity > 0}
    if len(told) < len(found) or len(ladders) > 1:
        return None
    rising = dict(sorted(((level, severity) for level, (severity, _) in told.items()), key=lambda pair: pair[1]))
    return rising if len(set(rising.values())) == len(rising) else None


def curves(levels: Sequence[str]) -> dict[str, dict[str, float]]:
    """What of the levels is drawn as one curve each, if they are of several ladders: level → severity, rising.

    Levels of severity 0 begin every curve. A curve is called after its processes, or after its highest level where that
    is a registered one. Empty unless there are two curves or more, each with two severities or more, and nothing else.
    """
    found: dict[str, dict[str, float]] = {}
    for level in levels:
        place = _declared(level)
        if place is None:
            return {}
        if place[0] > 0:
            found.setdefault(place[1], {})[level] = place[0]
    nothing = [level for level in levels if (_declared(level) or (1.0,))[0] == 0]
    drawn = {}
    for hiding in found.values():
        along = {**dict.fromkeys(nothing, 0.0), **dict(sorted(hiding.items(), key=lambda pair: pair[1]))}
        if len(set(along.values())) < max(2, len(hiding)):
            return {}
        highest = [*along][-1]
        name = highest.replace(f"@{along[highest]:g}", "") if level_names.composed(highest) else highest
        drawn[name] = along
    return drawn if len(drawn) > 1 else {}


def areas(levels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Curves with an area under them, each level's place on it: one curve "" of all levels, or one for each process.

    Severities of several processes have nothing in common, so no curve goes through levels of two. Levels of one
    process, or of processes nobody knows, are evenly spaced where severities don't put them in an order. Empty with
    fewer than two levels, and where the levels of several processes make no curve each.
    """
    if len(levels) < 2:
        return {}
    along = positions(levels)
    if along is not None:
        return {"": along}
    return curves(levels) if processes(levels) > 1 else {"": {level: float(i) for i, level in enumerate(levels)}}


def processes(levels: Sequence[str]) -> int:
    """How many kinds of occlusion, whose severities can't be compared, the levels are known to be of."""
    return len({place[1] for level in levels if (place := _declared(level)) is not None and place[0] > 0})


def rungs(level: str) -> dict[str, float]:
    """The registered levels of ``level``'s ladder up to ``level`` itself, by rising severity; empty if it has no place.

    The levels of severity 0, which belong to every ladder, come first. A level put together in a spec has a ladder of
    its own, with rungs at quarters of its severity.
    """
    own = _declared(level)
    if own is not None and level_names.composed(level):
        return _quarters(level, own[0])
    found = {name: _declared(name) for name in registry.entries("occlusions")} if own is not None else {}
    below = {
        name: place[0]
        for name, place in found.items()
        if own is not None and place is not None and (place[1] == own[1] or not place[0]) and place[0] <= own[0]
    }
    return dict(sorted(below.items(), key=lambda pair: pair[1]))


def _quarters(level: str, severity: float) -> dict[str, float]:
    before, _, after = level.partition(f"@{severity:g}")
    found = {name: 0.0 for name in registry.entries("occlusions") if (_declared(name) or (1.0,))[0] == 0}
    for step in range(1, _STEPS):
        place = f"{severity * step / _STEPS:g}"
        if float(place) >= level_names.LEAST:
            found[f"{before}@{place}{after}"] = float(place)
    return {**found, level: severity}


@cache
def _declared(level: str) -> tuple[float, str] | None:
    """Severity of a level, and its processes and fill as text, those of a registered one with every name in full."""
    if level_names.composed(level):
        try:
            registry.get("occlusions", level)
        except UserError:
            return None
        said = level_names.parse(level)
        return said.severity, level.replace(f"@{said.severity:g}", "@", 1)
    entry = registry.entries("occlusions").get(level)
    if entry is None:
        return None
    module, name = entry.target.split(":")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    for call in (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Name) or call.func.id != "Level":
            continue
        given = dict(zip(_ARGUMENTS, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
        try:
            severity = float(ast.literal_eval(given["severity"]))
            ladder = " ".join(_in_full(given[part], tree, module) for part in ("processes", "fill"))
        except (KeyError, ValueError, TypeError):
            return None
        return severity, ladder
    return None


def _in_full(expression: ast.expr, tree: ast.Module, module: str) -> str:
    homes = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    shown = copy.deepcopy(expression)
    for node in ast.walk(shown):
        if isinstance(node, ast.Name):
            node.id = homes.get(node.id, f"{module}.{node.id}")
    return ast.unparse(shown)
