"""A run and its record, for tests of tracking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness import tracking
from harness.tracking import Owner, RunLogger


@dataclass(frozen=True)
class Run:
    run_id: str = "r0"
    seed: int = 0

    @property
    def labels(self) -> dict[str, str]:
        return {"objective": "both", "seed": str(self.seed)}

    def model_dump(self, mode: str = "json") -> dict[str, Any]:
        return {
            "seed": self.seed,
            "backbone": {"name": "videopose3d", "options": {"channels": 64}},
            "objective": {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1}},
            "train": {"steps": 10, "batch": 4, "epochs": 2, "threads": 1, "occlusion": "moderate"},
            "data": {"dataset": "synthetic", "window": 9, "frames_out": None},
        }


def begun(
    uri: str, run_id: str = "r0", generation: int = 0, owner: Owner | None = None, since: float = 0.0
) -> RunLogger:
    """The logger of a record that says RUNNING."""
    held = tracking.claim(uri, run_id, generation, owner or tracking.myself())
    assert held is not None
    return RunLogger(uri, Run(run_id), "spec", held, extra={"repose.host": "h"}, since=since).start()
