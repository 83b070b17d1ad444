"""Run identity: a hash of what decides a run's weights, and of nothing else.

Hashed: every field that differs from its default, the version of every registry entry used, the
dataset's fingerprint. Not hashed: paths, labels, the objective's name, test levels, protocol, workers,
tracking. Key order never matters and 1 equals 1.0. Stored runs are found by these ids, so what this
module computes never changes (tests/spec/golden_ids.json).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from harness import protocols, registry
from harness.data import canonical_split
from harness.occlusion import ladder
from harness.spec.detector_noise import DetectorNoise
from harness.spec.run import Checkpoint, Choice, Data, Run, Test, Train, split_term
from harness.spec.weighting import settled, split_weighting

File = TypeVar("File")


def canonical(value: Any) -> Any:
    """``value`` in the one form that is hashed: integral floats as integers, tuples as lists.

    Raises:
        ValueError: a number that isn't finite.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"only finite numbers have an identity; got {value}")
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    return value


def dumps(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def changed(part: BaseModel, leave: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields of ``part`` that differ from their defaults, parts within it likewise."""
    result: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name in leave or (not field.is_required() and value == field.default):
            continue
        result[name] = changed(value) if isinstance(value, BaseModel) else value
    return result


def data_fragment(data: Data) -> str:
    """What of ``data`` is hashed, as canonical JSON."""
    entry = registry.get("datasets", data.dataset, key="data.dataset")
    found = changed(data, leave=frozenset({"dataset", "path", "options", "split"}))
    options = registry.check_options(entry, data.options, key="data.options")
    if isinstance(data.noise, DetectorNoise):
        found["noise"] = data.noise.hashed
    if data.frames_predicted == data.window:
        found.pop("frames_out", None)
    if options:
        found["options"] = options
    found["split"] = canonical_split(data.dataset, data.split, data.options, data.path)
    return dumps({**found, "dataset": entry.canonical, "version": entry.version})


def backbone_fragment(backbone: Choice) -> str:
    """What of the backbone is hashed: a preset and its spelt-out form give the same."""
    entry = registry.get("backbones", backbone.name, key="backbone")
    options = registry.check_options(entry, backbone.options, key="backbone")
    base = registry.get("backbones", entry.canonical)
    return dumps({"name": base.hashed, "version": base.version, "options": options})


def objective_fragment(objective: dict[str, dict[str, Any]]) -> str:
    """What of the objective is hashed: its terms, never its name; terms of weight 0 too."""
    found = {}
    for name, term in objective.items():
        entry = registry.get("losses", name, key="objective")
        weight, given = split_term(term)
        options = registry.check_options(entry, given, key=f"objective.{name}")
        beside = settled(split_weighting(term)[1], weight)
        found[entry.canonical] = {"version": entry.version, "weight": weight, "options": options, **beside}
    return dumps(found)


def train_fragment(train: Train) -> str:
    """What of the training is hashed, with the versions of the occlusion levels it sees."""
    levels = {train.occlusion, *train.validate_on}
    if train.occlusion_schedule != "fixed":
        # A level that joins the ladder later changes what a mixture is, or where a rise begins.
        rungs = ladder.rungs(train.occlusion)
        hiding = [name for name, severity in rungs.items() if severity > 0]
        levels |= set(rungs if train.occlusion_schedule == "mixed" else hiding[:1])
    versions = {name: registry.get("occlusions", name, key="train.occlusion").version for name in levels}
    return dumps({**changed(train), "levels": versions})


def checkpoint_fragment(checkpoint: Checkpoint, train: Train) -> str:
    """What stands in the place of the training for weights that others trained: the file's content."""
    told: dict[str, Any] = {"checkpoint": checkpoint.digest}
    if checkpoint.part is not None:
        told["part"] = checkpoint.part
    return dumps(told if train.flip_test else {**told, "flip_test": False})


def assemble(data: str, backbone: str, objective: str, train: str, seed: int) -> str:
    """The run id from canonical JSON fragments."""
    text = f'{{"backbone":{backbone},"data":{data},"objective":{objective},"seed":{seed},"train":{train}}}'
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def run_id(run: Run) -> str:
    """16 hexadecimal digits that name ``run`` wherever it is executed or stored.

    Raises:
        UserError: a name or an option that the registry doesn't have.
    """
    given = run.checkpoint
    return assemble(
        data_fragment(run.data),
        backbone_fragment(run.backbone),
        objective_fragment(run.objective),
        train_fragment(run.train) if given is None else checkpoint_fragment(given, run.train),
        run.seed,
    )


def condition(test_occlusion: str, cameras: str) -> str:
    """The key of one test condition, such as ``severe@1/seen``, on which saved weights are scored.

    With a run's id, and what the protocol's scoring adds to it (see `conditions`), it names an evaluation. The way in
    which a protocol averages is no part of it.

    Raises:
        UserError: an occlusion level that the registry doesn't have.
    """
    level = registry.get("occlusions", test_occlusion, key="test.occlusion")
    return f"{level.name}@{level.version}/{cameras}"


def conditions(test: Test) -> dict[str, tuple[str, str]]:
    """Key → (occlusion level, cameras) of everything that ``test`` asks for.

    Such as ``severe@1/seen``, or ``severe@1/seen~root-kept@1`` where the protocol's scoring is its own: protocols that
    only average differently share their keys. See `condition` and `harness.protocols.Scoring.key`.

    Raises:
        UserError: an occlusion level or protocol that the registry doesn't have.
    """
    scoring = protocols.of(test.protocol, key="test.protocol").scoring.key
    pairs = [(level, cameras) for cameras in test.cameras for level in test.occlusion]
    return {condition(*pair) + scoring: pair for pair in pairs}


FIRST_METRICS = (
    "mpjpe",
    "mpjpe_occluded",
    "mpjpe_fixed",
    "p_mpjpe",
    "n_mpjpe",
    "pck150",
    "auc",
    "mpjve",
    "order_spatial",
    "order_temporal",
    "depth_spread",
)
"""The metrics, each at version 1, that a condition's bare key stands for. Never changes: stored keys mean them."""


def evaluations(test: Test, metrics: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Key → condition of everything that ``test`` asks for, with keys of their own for metrics that came later.

    Such as ``severe@1/seen`` → (level, cameras), which stands for `FIRST_METRICS`, and ``severe@1/seen/accel@1`` →
    (level, cameras, metric).

    Args:
        test: levels and cameras.
        metrics: of those that came later, only these; None: all that are registered.

    Raises:
        UserError: an occlusion level or metric that the registry doesn't have.
    """
    first = conditions(test)
    found: dict[str, tuple[str, ...]] = dict(first)
    for name in registry.entries("metrics") if metrics is None else metrics:
        entry = registry.get("metrics", name, key="metric")
        if name not in FIRST_METRICS or entry.version != 1:
            found |= {f"{key}/{name}@{entry.version}": (*pair, name) for key, pair in first.items()}
    return found


def counted(files: Mapping[File, Collection[str]], test: Test) -> dict[File, set[tuple[str, ...]]]:
    """What counts of each evaluation file of one run under ``test``.

    Args:
        files: file → keys of `evaluations` in it, as records hold them.

    Returns:
        file → conditions: (level, cameras) where all of its rows of it count, (level, cameras, metric) where only that
        metric's do. A version of a metric that isn't the present one never counts.
    """
    wanted = evaluations(test)
    raised = {name: entry.version for name, entry in registry.entries("metrics").items() if entry.version != 1}
    found: dict[File, set[tuple[str, ...]]] = {file: set() for file in files}
    for file, keys in files.items():
        for key in (key for key in keys if key in wanted):
            condition = wanted[key]
            if len(condition) > 2:
                # Beside its condition's bare key it stands in the same rows.
                found[file] |= {condition} if key.rpartition("/")[0] not in keys else set()
                continue
            stale = {name for name, version in raised.items() if f"{key}/{name}@{version}" not in keys}
            present = [(*condition, name) for name in registry.entries("metrics") if name not in stale]
            found[file] |= set(present) if stale else {condition}
    return found


def digest(value: Any) -> str:
    """16 hexadecimal digits of any plain data (non-finite numbers as words)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
