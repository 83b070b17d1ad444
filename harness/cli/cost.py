"""What networks cost: the table of `repose ls backbones --cost`, and the counts that reports print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.skeleton import H36M17

if TYPE_CHECKING:
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


def of_runs(spec: Any) -> dict[str, dict[str, float]]:
    """run_id → ``macs`` of an output frame and ``parameters`` of its network, counted once for each that differs.

    Neither data nor weights are read. A network that can't be built here, such as one whose code is gone, is left
    out.
    """
    from harness.spec.identity import backbone_fragment
    from harness.training import cost

    counted: dict[tuple, dict[str, float]] = {}
    found = {}
    for run in spec.runs:
        data, backbone = run.data, run.backbone
        features = 2 if data.confidence == "none" else 3
        try:
            key = (backbone_fragment(backbone), data.window, data.frames_predicted, features)
            if key not in counted:
                one = cost.count(backbone.name, backbone.options, window=key[1], frames_out=key[2], features=features)
                counted[key] = {"macs": one.macs, "parameters": one.parameters}
        except UserError:
            continue
        found[run.run_id] = counted[key]
    return found
