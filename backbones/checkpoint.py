"""Load published checkpoints, whatever their layout, without running what a stranger's file says.

Only tensors and plain values are read. Some authors save numpy's random state beside the weights; the
few names that needs are allowed, but stand for an inert object: nothing of numpy is called.
"""

from __future__ import annotations

import difflib
import pickle
import struct
import warnings
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

import torch
from torch import Tensor, nn

from backbones.fitting import which_fits

# Where published files keep the weights, in order of search; "checkpoint" wraps another layout.
_LAYOUTS = ("model_pos", "state_dict", "model", "checkpoint")
# What wrappers (DataParallel, torch.compile) put before each name.
_WRAPPERS = ("module.", "_orig_mod.")

_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_INERT = (
    "numpy.ndarray",
    "numpy.dtype",
    *(f"{module}.{name}" for module in _MULTIARRAY for name in ("_reconstruct", "scalar")),
    "numpy.random.__RandomState_ctor",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._mt19937.MT19937",
)

# What torch.load raises on bytes that are truncated, corrupt or hold more than it will read.
_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    struct.error,
)


class CheckpointError(ValueError):
    """A checkpoint can't be read, or doesn't fit the network."""


class _Inert:
    """Stands for whatever a file wants to make of an allowed name; takes anything, does nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def load_checkpoint(
    module: nn.Module, path_or_dict: str | PathLike[str] | Mapping[str, Any], *, part: str | None = None
) -> nn.Module:
    """Load weights into ``module``; it is left as it was if anything is wrong.

    The layouts ``{'model_pos': …}``, ``{'state_dict': …}``, ``{'model': …}`` and a bare state dict are known;
    ``module.`` before names is taken off. Counters that old versions of torch didn't save
    (``num_batches_tracked``) may be missing.

    Args:
        module: the network, built as it was when the checkpoint was written.
        path_or_dict: a file, or what was in it.
        part: the entry that holds the weights where there are several, e.g. ``model_traj``.
    Returns:
        ``module``.
    Raises:
        FileNotFoundError: no such file.
        CheckpointError: the file is truncated, corrupt or holds more than tensors and plain values; or a
            weight is missing, left over or of another shape (the message names the first and the nearest name,
            and the preset or the options that would fit, if any do).
    """
    given = path_or_dict if isinstance(path_or_dict, Mapping) else read(path_or_dict)
    expected = module.state_dict()
    found = _stripped(_weights(given, part), set(expected))
    _compare(type(module), expected, found)
    complete = {name: found.get(name, own) for name, own in expected.items()}
    module.load_state_dict(complete)
    return module


def read(path: str | PathLike[str]) -> Any:
    """The content of a checkpoint file on the CPU; random states in it come back as inert objects.

    Raises:
        FileNotFoundError: no such file.
        CheckpointError: truncated, corrupt, or holding more than tensors and plain values.
    """
    allowed: list[Any] = [(_Inert, name) for name in _INERT] + [_Inert]
    with open(path, "rb") as file, torch.serialization.safe_globals(allowed), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pickle protocols: what can't be read is told below
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except _UNREADABLE as error:
            # torch's text advises to unpickle blindly; of that only the first name refused is of use.
            reason = _refused(str(error)) or "truncated, corrupt, or no checkpoint"
            raise CheckpointError(f"{fspath(path)}: can't be read: {reason}") from None


def _refused(message: str) -> str | None:
    """What a message of torch's restricted unpickler says was refused, if it says so."""
    for mark in ("Unsupported global: GLOBAL ", "unsupported GLOBAL "):
        if mark in message:
            name = message.split(mark, 1)[1].split()[0]
            return f"it holds '{name}', and only tensors and plain values are read"
    return None


def _weights(given: Any, part: str | None) -> Mapping[str, Tensor]:
    """The state dict inside a checkpoint of any known layout."""
    if not isinstance(given, Mapping):
        raise CheckpointError(f"a checkpoint is a dictionary; found {type(given).__name__}")
    if part is not None:
        if not isinstance(given.get(part), Mapping):
            there = f"{type(given[part]).__name__} is there" if part in given else f"it has: {_list(given)}"
            raise CheckpointError(f"the checkpoint holds no weights under '{part}' ({there})")
        given = given[part]
    else:
        while inner := next((given[key] for key in _LAYOUTS if isinstance(given.get(key), Mapping)), None):
            given = inner
    strangers = [name for name, value in given.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if strangers or not given:
        raise CheckpointError(
            f"no weights found: expected a state dict, bare or under one of {', '.join(_LAYOUTS[:3])}; "
            f"found {_list(given) or 'nothing'}"
        )
    return given


def _list(names: Mapping[Any, Any]) -> str:
    shown = [str(name) for name in names][:8]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")


def _stripped(weights: Mapping[str, Tensor], own: set[str]) -> dict[str, Tensor]:
    """The weights without what wrappers put before their names."""
    result: dict[str, Tensor] = {}
    for name, value in weights.items():
        short = name
        while short not in own and short.startswith(_WRAPPERS):
            short = short.split(".", 1)[1]
        if short in result:
            raise CheckpointError(f"the checkpoint holds '{short}' twice, with and without a wrapper's prefix")
        result[short] = value
    return result


def _compare(network: type, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise one error that names the first difference, counts the rest and says what would fit."""
    problems = []
    left_over = [name for name in found if name not in expected]
    for name, own in expected.items():
        if name in found:
            if found[name].shape != own.shape:
                problems.append(f"'{name}': expected shape {tuple(own.shape)}, found {tuple(found[name].shape)}")
        elif not name.endswith(".num_batches_tracked"):
            near = _nearest(name, left_over, found)
            problems.append(f"'{name}': expected shape {tuple(own.shape)}, found no such key{near}")
    for name in left_over:
        near = _nearest(name, expected, expected)
        problems.append(f"'{name}': expected no such key, found shape {tuple(found[name].shape)}{near}")
    if problems:
        rest = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        fitting = which_fits({name: tuple(value.shape) for name, value in found.items()}, network)
        instead = f"; it would fit {fitting}" if fitting else "; no known backbone would fit it"
        raise CheckpointError(f"the checkpoint doesn't fit {network.__name__}: {problems[0]}{rest}{instead}")


def _nearest(name: str, names: Any, weights: Mapping[str, Tensor]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; the nearest name is '{close[0]}' of shape {tuple(weights[close[0]].shape)}" if close else ""
