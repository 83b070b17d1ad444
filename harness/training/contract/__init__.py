"""The contract of a backbone, as checks that each say what they found and what to do; `repose check backbone`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness.skeleton import H36M17
from harness.training.contract import behaviour, form
from harness.training.contract.subject import Broken, Subject


@dataclass(frozen=True)
class Finding:
    """What one check found. ``holds`` is None where it doesn't apply, or couldn't be made."""

    check: str
    holds: bool | None
    said: str


def check(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    joints: int = len(H36M17),
    features: int | None = None,
    window: int | None = None,
) -> Iterator[Finding]:
    """Check one backbone; a finding at a time, as they come.

    Args:
        name: registered, of an installed package, or ``path/to/file.py:Class``.
        options: its own.
        joints, features, window: the data's shape. Features are 2 (3 where it needs confidence) unless given, and
            the window a few frames longer than what it reads.
    Raises:
        UserError: an unknown name or option, or a shape of data that this backbone can't have.
    """
    with torch.random.fork_rng(devices=[]):
        yield from _findings(Subject.of(name, options or {}, joints, features, window))


def _findings(subject: Subject) -> Iterator[Finding]:
    broken = False
    for title, examine in _CHECKS.items():
        if broken:
            yield Finding(title, None, "not made, as it can't be built")
            continue
        try:
            said = examine(subject)
        except Broken as error:
            yield Finding(title, False, str(error))
        except Exception as error:  # whatever a stranger's network raises is this check's finding
            yield Finding(title, False, f"it raised {type(error).__name__}: {' '.join(str(error).split())}")
        else:
            yield Finding(title, None if said.startswith("skipped") else True, said)
            continue
        broken = examine is form.builds


_CHECKS: dict[str, Callable[[Subject], str]] = {
    "builds": form.builds,
    "shapes": form.shapes,
    "refuses other shapes": form.refuses,
    "output_frames": form.output_frames,
    "receptive_field": behaviour.reach,
    "gradient": behaviour.gradient,
    "determinism": behaviour.deterministic,
    "batch independence": behaviour.samples,
    "no leak": behaviour.no_leak,
    "state": behaviour.state,
    "other data": form.other_data,
    "in a run": form.in_a_run,
}
