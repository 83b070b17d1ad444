"""What networks cost: the table of `repose ls backbones --cost`, and the counts that reports print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.skeleton import H36M17

if TYPE_CHECKING:
    from harness.cli.aside import Aside
    from harness.training.cost import Cost

HEADS = ("window", "out", "parameters", "MACs/frame", "forward/s", "step/s", "forward MB", "step MB")
_WIDTHS = (6, 4, 11, 10, 9, 8, 10, 8)


def lines(
    names: Sequence[str], *, window: int, frames_out: int | None, batch: int, device: str | None
) -> Iterator[str]:
    """The table's lines, each as soon as it is measured.

    Raises:
        UserError: an unknown name or device; more output frames than a window has.
    """
    from harness import registry

    for name in names:
        registry.get("backbones", name)
    if frames_out is not None and frames_out > window:
        raise UserError(f"a window of {window} frames can't have {frames_out} come out of it", key="--frames-out")
    from harness.training import cost

    where = cost.usable(device)
    names = list(names) or list(registry.entries("backbones"))
    first = max(map(len, names))
    yield f"{cost.described(where)}; batches of {batch} windows, {len(H36M17)} joints; per second: windows"
    yield _line("", HEADS, first)
    for name in names:
        found = cost.measure(name, window=window, frames_out=frames_out, batch=batch, device=where)
        yield _line(name, _cells(found), first)


def _line(name: str, cells: Sequence[str], first: int) -> str:
    return f"{name:<{first}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


def _cells(found: Cost) -> list[str]:
    from harness.report.table import three_digits as three

    counted, forward, step = found.counted, found.forward, found.step
    return [
        str(counted.window),
        str(counted.frames_out),
        f"{counted.parameters:,}",
        f"{counted.macs / 1e6:,.2f} M",
        three(forward.windows),
        three(step.windows) if step else "-",
        three(forward.memory / 1e6),
        three(step.memory / 1e6) if step else "-",
    ]


Network = tuple[str, dict[str, Any], int, int, int]
"""Name, options, window, frames that come out, features of a joint: what a count depends on."""
Count = dict[str, float]
"""``macs`` of an output frame, and ``parameters``."""


def of_runs(spec: Any, other: Aside | None = None) -> Counts:
    """run_id → the count of its network, made once for each that differs, when it is first asked for.

    Neither data nor weights are read. A network that can't be built here, such as one whose code is gone, is left
    out.

    Args:
        spec: a loaded spec.
        other: a process that counts meanwhile.
    """
    return Counts(*networks(spec), other)


class Counts(Mapping[str, Count]):
    """run_id → the count of its network, see `of_runs`.

    Attributes:
        networks: those that differ.
        places: run_id → the place of its network among them.
    """

    def __init__(self, known: Sequence[Network], places: Mapping[str, int], other: Aside | None = None) -> None:
        self.networks, self.places = known, places
        self._asked = other.ask(f"{__name__}:counted", known) if other else None

    @cached_property
    def _found(self) -> dict[str, Count]:
        if self._asked is not None and self._asked.wait(len(self.networks) - 1):
            found = self._asked.come()
        else:
            found = list(counted(self.networks))
        return {run_id: one for run_id, place in self.places.items() if (one := found[place]) is not None}

    def __getitem__(self, run_id: str) -> Count:
        return self._found[run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def networks(spec: Any) -> tuple[list[Network], dict[str, int]]:
    """The networks of a spec that differ in cost, and the place of each run's among them."""
    from harness.spec.identity import backbone_fragment

    known: dict[tuple, int] = {}
    found: list[Network] = []
    places = {}
    fragments: dict[int, Any] = {}  # runs of a spec share their parts
    for run in spec.runs:
        data, backbone = run.data, run.backbone
        if id(backbone) not in fragments:
            try:
                fragments[id(backbone)] = backbone_fragment(backbone)
            except UserError:
                fragments[id(backbone)] = None
        if fragments[id(backbone)] is None:
            continue
        features = 2 if data.confidence == "none" else 3
        key = (fragments[id(backbone)], data.window, data.frames_predicted, features)
        if key not in known:
            known[key] = len(found)
            found.append((backbone.name, backbone.options, *key[1:]))
        places[run.run_id] = known[key]
    return found, places


def counted(known: Sequence[Network]) -> Iterator[Count | None]:
    """The count of each network; None of one that can't be built here."""
    return (_counted(json.dumps(network)) for network in known)


@cache
def _counted(network: str) -> Count | None:
    from harness.training import cost

    name, options, window, frames_out, features = json.loads(network)
    try:
        one = cost.count(name, options, window=window, frames_out=frames_out, features=features)
    except UserError:
        return None
    return {"macs": one.macs, "parameters": one.parameters}
