"""What a few steps of a run tell of all runs that cost the same: their time, and the memory that each needs.

Probes are measured by `harness.sweep.probing` and kept in the node's cache, so that a plan finds them without
measuring anything. A probe tells of every run that differs in seed, λ, length or learning rate alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.data import cache
from harness.spec.lengths import in_steps
from harness.spec.run import Run, Test
from harness.spec.weighting import split_weighting

_FORMAT = 1
_TRAIN = (
    "batch",
    "optimiser",
    "amsgrad",
    "flip",
    "flip_test",
    "body_shape",
    "occlusion",
    "occlusion_schedule",
    "validate_on",
    "threads",
    "precision",
    "compile",
)
_NOT_DATA = {"seed", "path", "fingerprint"}


@dataclass(frozen=True)
class Probe:
    """What was measured of one run, alone on its processors and its GPU.

    Attributes:
        setup: seconds from a run's beginning to its second step, pretraining and validation not included.
        step, pretrain_step: seconds of a step of the training, and of the stage in front of it if there is one.
        validation: seconds of one validation.
        evaluation: seconds of the test of a finished run.
        a_pass: steps of one pass over the training frames.
        validations: how often a run is validated; None: at each of its epochs.
        own: most bytes of RAM that a worker held for itself.
        shared: bytes of files that it had mapped, which all workers of a node share: they count once.
        gpu, gpu_total: most bytes of the GPU's memory that it took, context and all; and those the GPU has. 0: none.
        hardware: where it was measured.
        at: when, as ISO 8601 has it.
    """

    setup: float
    step: float
    validation: float
    evaluation: float
    a_pass: float
    own: int
    shared: int
    pretrain_step: float = 0.0
    validations: int | None = None
    gpu: int = 0
    gpu_total: int = 0
    hardware: str = ""
    at: str = ""

    def seconds(self, run: Run) -> float:
        """How long a run takes that costs the same: training, validations, test."""
        if run.checkpoint is not None:
            return self.setup + self.evaluation
        train = in_steps(run.train, self.a_pass)
        first = (train.pretrain.steps or 0) if train.pretrain is not None else 0
        points = min(train.epochs, train.steps) if self.validations is None else self.validations
        work = first * self.pretrain_step + train.steps * self.step
        return self.setup + work + points * self.validation + self.evaluation


def key_of(run: Run, test: Test | None, *, gpu: bool) -> str:
    """What decides a run's cost, in 24 hexadecimal digits.

    Args:
        run: of which seed, λ, lengths, learning rate and their schedules are of no account.
        test: what its weights are tested on.
        gpu: whether it trains on a GPU.
    """
    data = {name: value for name, value in run.data.model_dump(mode="json").items() if name not in _NOT_DATA}
    data["noise"] = data["noise"] if isinstance(data["noise"], dict) else bool(data["noise"])
    # A declared fingerprint and one that is computed are the same; where there's none the file's name has to do.
    data["content"] = run.data.fingerprint or run.data.path
    terms = {name: split_weighting(options)[0] for name, (weight, options) in run.terms.items() if weight}
    train = run.train.model_dump(mode="json")
    pretrain = train["pretrain"] and {name: train["pretrain"][name] for name in ("frames_hidden", "joints_hidden")}
    whole = {
        "format": _FORMAT,
        "backbone": run.backbone.model_dump(mode="json"),
        "objective": terms,
        "data": data,
        "train": {**{name: train[name] for name in _TRAIN}, "pretrain": pretrain},
        "checkpoint": run.checkpoint is not None,
        "test": None if test is None else test.model_dump(mode="json"),
        "gpu": gpu,
    }
    return blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=12).hexdigest()


class Probes:
    """The probes that this node keeps.

    Args:
        test: the spec's.
        gpu: whether its runs train on a GPU.
    """

    def __init__(self, test: Test | None, *, gpu: bool) -> None:
        self._test, self.gpu = test, gpu
        self._keys: dict[tuple[int, ...], str] = {}
        self._read: dict[str, Probe | None] = {}

    def key(self, run: Run) -> str:
        """See `key_of`; runs that share their parts are worked out once."""
        parts = (run.data, run.backbone, run.objective, run.train, run.checkpoint)
        place = tuple(map(id, parts))
        if place not in self._keys:
            self._keys[place] = key_of(run, self._test, gpu=self.gpu)
        return self._keys[place]

    def of(self, run: Run) -> Probe | None:
        """What is known of a run's cost, if anything."""
        key = self.key(run)
        if key not in self._read:
            self._read[key] = read(key)
        return self._read[key]

    def keep(self, run: Run, probe: Probe) -> None:
        """Remember a probe of a run; where the cache can't be written, for as long as this object lives."""
        self._read[self.key(run)] = probe
        with contextlib.suppress(OSError):
            write(self.key(run), probe)

    def lacking(self, runs: list[Run]) -> list[Run]:
        """One run of each cost that isn't known, in order."""
        found: dict[str, Run] = {}
        for run in runs:
            if self.of(run) is None:
                found.setdefault(self.key(run), run)
        return list(found.values())


def read(key: str) -> Probe | None:
    """The probe kept under a key; None where there's none, or none that can be read."""
    try:
        kept: dict[str, Any] = json.loads(_file(key).read_text(encoding="utf-8"))
        return Probe(**kept)
    except (OSError, ValueError, TypeError):
        return None


def write(key: str, probe: Probe) -> None:
    """Keep a probe, in place of an earlier one.

    Raises:
        OSError: the cache can't be written.
    """
    file = _file(key)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(json.dumps(asdict(probe), indent=1), encoding="utf-8")
    part.replace(file)


def _file(key: str) -> Path:
    return cache.folder() / "probes" / f"{key}.json"
