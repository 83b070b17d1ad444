"""Which network and which preset a checkpoint belongs to, told by the names and shapes of its tensors."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import torch

import backbones
from backbones.shapes import Shapes

# What reading options off another network's tensors, or building with what came of it, may run into.
_ANOTHER = (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError)


def which_fits(shapes: Shapes, own: type) -> str | None:
    """What a state dict of these shapes could be loaded into.

    A network says what options its shapes tell in a static method ``options_of(shapes)``; without it only its
    presets are tried. Networks are built without memory for their weights.

    Args:
        shapes: names and shapes of the state dict.
        own: the class it was meant for, which is tried first.
    Returns:
        A preset, or a name and the options that differ from it: ``pstmo with channel: 64``; None if nothing fits.
    """
    for cls, presets in _networks(own):
        if not hasattr(cls, "options_of"):
            found = next((name for name, preset in presets.items() if _fits(cls, preset, shapes)), None)
            if found is not None:
                return found
            continue
        try:
            told = dict(cls.options_of(shapes))
        except _ANOTHER:
            continue
        if _fits(cls, told, shapes):
            others = {name: _differing(cls, preset, told) for name, preset in presets.items()}
            name = min(others, key=lambda name: len(others[name]))
            if _fits(cls, presets[name], shapes):  # what differs is a default by another word, e.g. None
                return name
            return f"{name} with {', '.join(f'{option}: {_word(value)}' for option, value in others[name].items())}"
    return None


def _networks(own: type) -> Iterator[tuple[Any, dict[str, dict[str, Any]]]]:
    """Each network class once, ``own`` first, with the names it goes by and their options."""
    presets: dict[str, dict[str, dict[str, Any]]] = {}
    for name, line in backbones.LINES.items():
        presets.setdefault(line.target, {})[name] = line.preset
    yield own, presets.pop(f"{own.__module__}:{own.__qualname__}", {own.__name__: {}})
    for target, named in presets.items():
        module, attribute = target.split(":")
        yield getattr(importlib.import_module(module), attribute), named


def _fits(cls: Any, options: dict[str, Any], shapes: Shapes) -> bool:
    """Whether the network built with ``options`` has these names and shapes; counters may be missing."""
    with torch.device("meta"):
        try:
            state = cls(**options).state_dict()
        except _ANOTHER:
            return False
    built = {name: tuple(value.shape) for name, value in state.items()}
    counters = {name for name in built if name.endswith(".num_batches_tracked")}
    return shapes.items() <= built.items() and built.keys() - shapes.keys() <= counters


def _differing(cls: Any, preset: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The told options that the preset doesn't set or leave at that value."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}
    of_preset = {**defaults, **preset}
    return {name: value for name, value in told.items() if _plain(value) != _plain(of_preset.get(name))}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _word(value: Any) -> str:
    """As a spec would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else "null" if value is None else str(_plain(value))
