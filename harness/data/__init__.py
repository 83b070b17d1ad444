"""Datasets by name, their fingerprints and their splits. Nothing here imports torch.

A dataset is one module named by one registry line. Beside the function that line names,
``load(path=None, *, options…) -> Dataset``, the module has ``fingerprint(path=None, **options) -> str``,
``splits(**options) -> dict[str, Split]`` and ``performers(subject) -> tuple[str, ...]``, which plans
and validation call without loading the data; a generator also has ``longest_clip(**options) -> int`` and
``clips_of_each(**options) -> int``, a subject's, and may have ``skeleton(**options) -> Skeleton``. A module whose
files know their splits themselves has ``splits_in(path)`` and ``performers_in(path)``; one whose files may hold
cameras ``recorded(path, **options)``.
`licence` says what a module may hold for reports.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from harness import registry
from harness.data.dataset import SIDES, Clip, Dataset, Split, longest
from harness.data.splits import SplitLike, canonical, check_split, resolve
from harness.errors import UserError
from harness.skeleton import Skeleton

__all__ = [
    "SIDES",
    "Clip",
    "Dataset",
    "Split",
    "canonical_split",
    "check_fingerprint",
    "check_split",
    "fingerprint",
    "licence",
    "longest",
    "longest_clip",
    "open_dataset",
    "partition",
    "recorded",
    "resolve_split",
    "skeleton_of",
    "splits_in_file",
    "training_clips",
]


def open_dataset(name: str, path: str | None = None, **options: Any) -> Dataset:
    """Load the dataset registered as ``name``.

    Raises:
        UserError: an unknown name or option, or a file that can't be used.
    """
    entry = registry.get("datasets", name)
    return registry.load(entry)(path, **registry.check_options(entry, options))


def fingerprint(name: str, path: str | None = None, **options: Any) -> str:
    """16 hexadecimal digits that decide what `open_dataset` would give; at most tenths of a second.

    Raises:
        UserError: as `open_dataset`, for what can be seen without decoding the data.
    """
    module, options = _module(name, options)
    return module.fingerprint(path, **options)


def check_fingerprint(declared: str | None, found: str, file: str | None = None, **where: Any) -> None:
    """Refuse data other than those a spec declares.

    Raises:
        UserError: ``declared`` is given and differs from ``found``.
    """
    if declared is not None and declared != found:
        raise UserError(
            f"the data's fingerprint is {found}, but the spec declares {declared}: other data, or a changed file",
            **{"file": file, **where},
        )


def licence(name: str, fingerprint: str | None) -> str | None:
    """The licence of data that the harness knows by name or fingerprint, without opening them; None of others.

    A dataset's module says it in ``LICENCE``, or for files by their fingerprint in ``LICENCES``.

    Raises:
        UserError: an unknown name.
    """
    module, _ = _module(name, {})
    return getattr(module, "LICENCES", {}).get(fingerprint) or getattr(module, "LICENCE", None)


def recorded(name: str, path: str | None, options: dict[str, Any] | None = None) -> frozenset[str]:
    """What of ``cameras``, ``detections`` and ``scores`` are the data's own, and so aren't drawn.

    Raises:
        UserError: an unknown name or option, or a file that can't be used.
    """
    module, options = _module(name, options or {})
    tell = getattr(module, "recorded", None)
    return tell(path, **options) if tell else frozenset()


def resolve_split(
    name: str, split: SplitLike, options: dict[str, Any] | None = None, path: str | None = None, **where: Any
) -> Split:
    """The checked split of dataset ``name`` that ``split`` names or spells out; reads no positions.

    Where only the file knows its splits and performers, it is read for a split that is named; one that is spelt out is
    checked for performers by `partition`.

    Args:
        options: the dataset's options, which may decide what its named splits hold.
        path: the data file.
        where: file, line and key for messages.
    Raises:
        UserError: see `harness.data.splits.resolve`.
    """
    module, options = _module(name, options or {})
    if isinstance(split, str) and hasattr(module, "splits_in"):
        return resolve(split, module.splits_in(path), module.performers_in(path), **where)
    return resolve(split, module.splits(**options), module.performers, **where)


def splits_in_file(name: str) -> bool:
    """Whether the named splits of a dataset are known to its files alone."""
    return hasattr(_module(name, {})[0], "splits_in")


def canonical_split(
    name: str, split: SplitLike, options: dict[str, Any] | None = None, path: str | None = None
) -> dict[str, list[str]]:
    """`resolve_split` as sorted lists: what a run's identity hashes."""
    return canonical(resolve_split(name, split, options, path))


def longest_clip(name: str, options: dict[str, Any] | None = None) -> int | None:
    """Frames that no clip of a generated dataset exceeds; None where only the data file can tell.

    Raises:
        UserError: an unknown name or option.
    """
    module, options = _module(name, options or {})
    tell = getattr(module, "longest_clip", None)
    return tell(**options) if tell else None


def skeleton_of(name: str, options: dict[str, Any] | None = None) -> Skeleton | None:
    """The skeleton of a generated dataset; None where only the data file can tell.

    Raises:
        UserError: an unknown name or option.
    """
    module, options = _module(name, options or {})
    tell = getattr(module, "skeleton", None)
    return tell(**options) if tell else None


def training_clips(name: str, split: SplitLike, options: dict[str, Any] | None = None) -> int | None:
    """Clips on the training side of a generated dataset; None where only the data file can tell.

    Raises:
        UserError: an unknown name or option, or a split that isn't one.
    """
    module, checked = _module(name, options or {})
    tell = getattr(module, "clips_of_each", None)
    return tell(**checked) * len(resolve_split(name, split, options).train) if tell else None


def partition(dataset: Dataset, split: SplitLike, **where: Any) -> dict[str, tuple[Clip, ...]]:
    """The clips of each of `SIDES`, in the dataset's order.

    Clips of subjects on no side, and clips that repeat another's recording, are left out.

    Raises:
        UserError: a leak, a subject the data lack, or a side without clips.
    """
    chosen = resolve(split, dataset.splits, dataset.performers, **where)
    present = set(dataset.subjects)
    parts: dict[str, tuple[Clip, ...]] = {}
    for side in SIDES:
        missing = sorted(set(chosen.side(side)) - present)
        if missing:
            held = ", ".join(dataset.subjects)
            raise UserError(
                f"the split's subject '{missing[0]}' ({side}) is not in the data, which hold {held}", **where
            )
        parts[side] = tuple(c for c in dataset.clips if c.subject in chosen.side(side) and not c.repeats)
        if not parts[side]:
            raise UserError(f"the split leaves no clips for '{side}'", **where)
    return parts


def _module(name: str, options: dict[str, Any]) -> tuple[ModuleType, dict[str, Any]]:
    entry = registry.get("datasets", name)
    return importlib.import_module(entry.target.split(":")[0]), registry.check_options(entry, options)
