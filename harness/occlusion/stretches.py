"""Stretches: groups of joints hidden together over a few consecutive frames.

Time is cut into cells of the process' period. In each cell every group has one candidate event with
its own start, length and threshold u, all looked up from (key, process, group, cell); the event exists
when u < rate(severity). Stretches run across cell borders, never longer than one period, so a frame can
only be covered by the event of its own cell and of the cell before: two look-ups, whatever the length of
the clip. Nothing depends on where a window starts, on the batch or on who drew before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from harness import keyed
from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

Groups = Callable[[Skeleton], dict[str, tuple[int, ...]]]

_SLOPE_BITS = 10
_JITTER_BITS, _LENGTH_BITS = 12, 10


@dataclass(frozen=True)
class StretchProcess:
    """Hides one group of joints at a time, over a stretch of frames.

    Attributes:
        name, version: part of every draw's key; a change of any field below needs a new version.
        groups: skeleton → the groups (name → joint indices) that are hidden together.
        period: frames per cell.
        shortest, longest: length of a stretch, frames, uniform between the two (both included).
        rate: probability of an event in a cell of a group at severity 1.
        onset: severity from which events occur; the probability is linear from there.
    """

    name: str
    version: int
    groups: Groups
    period: int
    shortest: int
    longest: int
    rate: float
    onset: float = 0.0

    needs_scene: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= self.period:
            raise ValueError(
                f"{self.name}: need 1 ≤ shortest ≤ longest ≤ period, got {self.shortest}, {self.longest}, {self.period}"
            )
        if not 0.01 <= self.rate <= 1 or not 0 <= self.onset < 1:
            raise ValueError(f"{self.name}: need 0.01 ≤ rate ≤ 1 and 0 ≤ onset < 1, got {self.rate}, {self.onset}")

    def probability(self, severity: float) -> float:
        """Probability of an event in a cell at ``severity``; never falls as severity rises."""
        return self.rate * max(0.0, severity - self.onset) / (1.0 - self.onset)

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`; several such processes are drawn at once by `strike`."""
        return strike((self,), skeleton, keys, frames, fill)


@dataclass(frozen=True, eq=False)
class _Plan:
    """The G groups of some processes, (G, 1) each, and those of each joint: slots (M, J), the last one repeated."""

    key: Tensor
    period: Tensor
    shortest: Tensor
    choices: Tensor
    slope: Tensor
    onset: Tensor
    slots: Tensor
    shortest_period: int


def strike(
    processes: tuple[StretchProcess, ...],
    skeleton: Skeleton,
    keys: Tensor,
    frames: Tensor,
    fill: Fill,
) -> Tensor:
    """The first event (in order of severity) that covers each keypoint.

    Args:
        processes: processes to draw from together.
        skeleton: declares the joints and groups.
        keys: (B,) int64.
        frames: (B, T) int64 absolute frame numbers, |frame| < 2³¹; memory grows with each row's range.
        fill: what hidden keypoints read as, one answer an event.
    Returns:
        (B, T, J) int64 packed events (see `event`), `event.NEVER` where none.
    """
    groups = tuple(tuple(process.groups(skeleton).items()) for process in processes)
    plan = _plan(processes, groups, len(skeleton), keys.device)
    first = frames.amin(dim=1)[:, None, None]
    since = frames - first[:, 0]  # (B, T), from 0
    cell = torch.div(first, plan.period, rounding_mode="floor") - 1  # (B, G, 1), the cell before the first frame's
    count = (int(since.max()) + plan.shortest_period - 1) // plan.shortest_period + 2
    origin = cell * plan.period - first  # its first frame, counted as `since` is
    steps = torch.arange(count, device=keys.device)
    events = _events(plan, keys, cell + steps, origin + steps * plan.period, fill)

    from harness.occlusion import loops

    given = (since, origin[..., 0], plan.period[:, 0], *events, plan.slots)
    found = torch.empty((*frames.shape, len(skeleton)), dtype=torch.int64)
    loops.cover(*(part.cpu().contiguous().numpy() for part in given), found.numpy())
    return found.to(keys.device)


def _events(plan: _Plan, keys: Tensor, cells: Tensor, origin: Tensor, fill: Fill) -> tuple[Tensor, Tensor, Tensor]:
    """Start, end (exclusive) and packed event of every (B, G, K) cell; one hash serves all its numbers."""
    drawn = keyed.combine(keyed.combine(keys[:, None, None], plan.key), cells)
    threshold = drawn & ((1 << event.SEVERITY_BITS) - 1)
    jitter = (drawn >> event.SEVERITY_BITS) & ((1 << _JITTER_BITS) - 1)
    length = (drawn >> (event.SEVERITY_BITS + _JITTER_BITS)) & ((1 << _LENGTH_BITS) - 1)
    told = drawn >> (event.SEVERITY_BITS + _JITTER_BITS + _LENGTH_BITS)
    start = origin + ((jitter * plan.period) >> _JITTER_BITS)
    end = start + plan.shortest + ((length * plan.choices) >> _LENGTH_BITS)
    activation = plan.onset + ((threshold * plan.slope) >> _SLOPE_BITS)
    return start, end, event.pack(activation, keyed.mix(~drawn), event.cause_of(told, fill))


@lru_cache(maxsize=32)
def _plan(
    processes: tuple[StretchProcess, ...],
    groups: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...],
    joints: int,
    device: torch.device,
) -> _Plan:
    rows, members = [], []
    for process, named in zip(processes, groups, strict=True):
        slope = round((1.0 - process.onset) / process.rate * (1 << _SLOPE_BITS))
        onset = round(process.onset * (1 << event.SEVERITY_BITS))
        choices = process.longest - process.shortest + 1
        for name, joint_indices in named:
            key = keyed.key("occlusion", process.name, process.version, name)
            rows.append((key, process.period, process.shortest, choices, slope, onset))
            members.append(joint_indices)
    of_joint = [[g for g, member in enumerate(members) if joint in member] for joint in range(joints)]
    if not all(of_joint):  # joints in no group get one whose events never appear
        rows.append((0, processes[0].period, 1, 1, 1 << _SLOPE_BITS, 1 << 31))
    depth = max(map(len, of_joint))
    padded = [(found or [len(members)]) for found in of_joint]
    slots = [[found[min(m, len(found) - 1)] for found in padded] for m in range(max(1, depth))]
    columns = torch.tensor(rows, dtype=torch.int64, device=device).reshape(-1, 6).T[..., None]
    group_key, periods, least, lengths, slopes, onsets = columns.unbind()
    shortest_period = min(process.period for process in processes)
    of_joints = torch.tensor(slots, device=device)
    return _Plan(group_key, periods, least, lengths, slopes, onsets, of_joints, shortest_period)
