"""A store of thousands of finished runs, as a sweep would have left it, written in seconds.

The records are fat: what the harness writes by itself (tags, nine parameters, ten metrics of which two have a
curve), and artifacts: config, summary, curves, and an evaluation of as many rows as a real one has (three
subjects, 21 clips, two levels, one set of cameras, every metric, each joint). They are written by SQL into MLflow's
own schema, as its client would take minutes. Numbers are drawn by a key, so that two stores hold the same.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness import tracking
from harness.metrics.kept_scores import with_scores
from harness.spec import load
from harness.spec.identity import conditions
from harness.spec.loading import Spec
from harness.tracking import artifacts, tags

SPEC = """\
name: many
data: {dataset: synthetic, window: 27}
objectives:
  abs: {mpjpe: 1}
  spatial: {mpjpe: 1, spatial_rdc: 0.1}
  temporal: {mpjpe: 1, temporal_rdc: 0.1}
  both: [spatial, temporal]
grid:
  backbone: [videopose3d, videopose3d-s, simple_baseline, ridge]
  objective: [abs, spatial, temporal, both]
  train_occlusion: [none, minor, moderate, severe]
  train.lr: [1e-3, 3e-4, 1e-4, 3e-5, 1e-5]
  seed: SEEDS
test: {occlusion: [none, severe], cameras: [seen]}
report: {baseline: {objective: abs}}
"""
PER_SEED = 320
EXPERIMENT = 77
CURVES = ("loss", "val_mpjpe")
EPOCHS = 10
_EXPERIMENT = """INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage)
    VALUES (?, ?, ?, 'active')"""
_GAPS = ("all", "2-5 cm", "5-10 cm", "10-20 cm", ">20 cm")
METRICS = {
    **dict.fromkeys(["auc", "depth_spread", "mpjpe", "mpjve", "n_mpjpe", "p_mpjpe", "pck150"], ("all",)),
    "mpjpe_fixed": ("fixed",),
    "mpjpe_occluded": ("occluded",),
    **dict.fromkeys(["order_spatial", "order_temporal"], (*_GAPS, "occluded", *(f"occluded {g}" for g in _GAPS[1:]))),
}


def spec_of(folder: Path, runs: int) -> Spec:
    """A spec of about so many runs: 320 arms, or one with fewer than 320 runs, and as many seeds as it takes."""
    file = folder / "many.yaml"
    file.write_text(SPEC.replace("SEEDS", str(-(-runs // PER_SEED))))
    return load(file)


def fill(uri: str, spec: Spec, *, files: bool = True) -> None:
    """Put a finished record of every run of ``spec`` into a prepared store.

    Args:
        uri: a sqlite store, see `tracking.prepare`.
        files: write artifacts as well; a store of 10,000 takes about a gigabyte with them.
    """
    database = Path(uri.removeprefix("sqlite:///"))
    root = database.parent / "artifacts" / spec.name
    held, shapes = list(conditions(spec.test)), {}
    evaluation = Evaluation(spec) if files else None
    with sqlite3.connect(database) as store:
        store.execute(
            _EXPERIMENT,
            (EXPERIMENT, spec.name, str(root)),
        )
        ledger = _ledger(store, root.parent)
        for number, run in enumerate(spec.runs):
            key = (id(run.data), id(run.backbone), id(run.objective), id(run.train))
            shape = shapes.setdefault(key, None) or tracking.shape_of(run)
            shapes[key] = shape
            mlflow_id, arm = f"{number:032x}", _arm(number, len(spec.runs))
            folder = root / mlflow_id / "artifacts"
            _record(store, run, mlflow_id, folder, number, shape, held)
            _claims(store, ledger, run.run_id, mlflow_id)
            if evaluation is not None:
                folder.mkdir(parents=True)
                evaluation.write(folder, run, arm, number)
    store.close()


def _arm(number: int, runs: int) -> int:
    return number * PER_SEED // max(runs, 1)


def _record(
    store: sqlite3.Connection, run: Any, mlflow_id: str, folder: Path, number: int, shape: str, held: list[str]
) -> None:
    begin = 1_700_000_000_000 + 1000 * number
    store.execute(
        """INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
           end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
           VALUES (?, ?, 'UNKNOWN', '', '', 'user', 'FINISHED', ?, ?, '', 'active', ?, ?)""",
        (mlflow_id, " ".join(run.labels.values()), begin, begin + 4000, str(folder), EXPERIMENT),
    )
    named = {
        tags.RUN_ID: run.run_id,
        tags.SPEC: "many",
        tags.SHAPE: shape,
        tags.LABELS: json.dumps(dict(run.labels)),
        tags.CLAIM: f"0:{number:032x}",
        tags.HOST: "node-1",
        tags.HEARTBEAT: f"{begin / 1000:.0f}",
        tags.OWNER: json.dumps({"host": "node-1", "boot": "b", "namespace": "n", "pid": number, "started": "1"}),
        tags.COMMIT: "0" * 40,
        tags.DIRTY: "false",
        tags.VERSIONS: json.dumps({"python": "3.11.0", "torch": "2.13.0", "mlflow": "3.17.0"}),
        tags.HARDWARE: "a processor, 2 CPUs",
        tags.LICENCE: "CC0",
        tags.EVALUATED: json.dumps({artifacts.EVALUATION: held}),
        "mlflow.runName": " ".join(run.labels.values()),
    }
    store.executemany(
        "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", [(*t, mlflow_id) for t in named.items()]
    )
    params = tracking.params_of(run)
    store.executemany(
        "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", [(*p, mlflow_id) for p in params.items()]
    )
    finals = {name: 50.0 for name in (*CURVES, *(f"figure_{k}" for k in range(8)))}
    store.executemany(
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, 10, 0, ?)",
        [(name, value, begin, mlflow_id) for name, value in finals.items()],
    )
    store.executemany(
        "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?)",
        [(name, 100.0 / step, begin, step, mlflow_id) for name in CURVES for step in range(1, EPOCHS + 1)],
    )


def _ledger(store: sqlite3.Connection, root: Path) -> str:
    book = "f" * 32
    for number, name in ((78, tags.CLAIMS), (79, tags.LEDGER)):
        store.execute(
            _EXPERIMENT,
            (number, name, str(root / name)),
        )
    store.execute(
        """INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
           end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
           VALUES (?, 'ledger', 'UNKNOWN', '', '', 'user', 'FINISHED', 0, 0, '', 'active', ?, 78)""",
        (book, str(root / "ledger")),
    )
    store.execute("INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, 79)", (tags.LEDGER_RUN, book))
    return book


def _claims(store: sqlite3.Connection, ledger: str, run_id: str, mlflow_id: str) -> None:
    owner = {"host": "node-1", "boot": "b" * 36, "namespace": "pid:[4026531836]", "pid": 1, "started": "123456"}
    claim = {"token": mlflow_id, "at": 1_700_000_000.0, "owner": {**owner, "driver": owner}}
    sealed = {"token": mlflow_id, "at": 1_700_000_004.0, "sealed": mlflow_id}
    store.executemany(
        "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
        [
            (f"claim.{run_id}.{generation}", json.dumps(value, separators=(",", ":")), ledger)
            for generation, value in enumerate((claim, sealed))
        ],
    )


class Evaluation:
    """Artifacts of one run after another; what they have in common is made once."""

    def __init__(self, spec: Spec) -> None:
        import pyarrow as pa

        rows = list(_rows(spec))
        self._names = ("weights", "test_occlusion", "cameras", "subject", "action", "clip", "joint", "group", "metric")
        self._columns = {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(self._names)}
        self._columns["camera"] = pa.array([0] * len(rows), pa.int64())
        rng = np.random.default_rng(0)
        level = {name: 1 + 0.3 * at for at, name in enumerate(spec.test.occlusion)}
        self._base = np.array([50 * level[row[1]] for row in rows]) * rng.uniform(0.9, 1.1, len(rows))
        self._columns["n"] = pa.array(rng.integers(200, 300, len(rows)), pa.int64())
        self._curves = artifacts.curves_bytes(
            [(name, step, 100.0 / step) for step in range(1, EPOCHS + 1) for name in CURVES]
        )

    def write(self, folder: Path, run: Any, arm: int, number: int) -> None:
        """The files of one run."""
        import pyarrow as pa

        rng = np.random.default_rng([1, number])
        value = self._base * (1 + 0.001 * (arm % 97) + rng.normal(0, 0.01)) + rng.normal(0, 0.5, len(self._base))
        order = [
            "weights",
            "test_occlusion",
            "cameras",
            "subject",
            "action",
            "clip",
            "camera",
            "joint",
            "group",
            "metric",
        ]
        columns = {name: self._columns[name] for name in order} | {"value": pa.array(value), "n": self._columns["n"]}
        (folder / artifacts.EVALUATION).write_bytes(with_scores(tracking.parquet_bytes(pa.table(columns))))
        (folder / artifacts.CURVES).write_bytes(self._curves)
        (folder / artifacts.CONFIG).write_text(run.model_dump_json(indent=1))
        figures = {"test_mpjpe": float(value.mean()), "val_mpjpe_best": 50.0, "val_mpjpe_last": 51.0, "late_gain": 0.1}
        figures |= {"falling": 0.0, "parameters": 1e6, "train_seconds": 4.0}
        (folder / artifacts.SUMMARY).write_text(json.dumps(figures, indent=1))


def _rows(spec: Spec) -> Iterator[tuple[str, ...]]:
    """Names of each row of an evaluation."""
    clips = [(f"S{s}", f"action {c % 7}", f"S{s}/action {c % 7}_{c // 7}") for s in range(3) for c in range(7)]
    joints = [*(f"joint {k}" for k in range(17))]
    every: Iterable[Any] = itertools.product(("best", "last"), spec.test.occlusion, spec.test.cameras, clips)
    for weights, level, cameras, (subject, action, clip) in every:
        where = (weights, level, cameras, subject, action, clip)
        yield from ((*where, joint, "all", "mpjpe") for joint in joints)
        yield from ((*where, "all", group, metric) for metric, groups in METRICS.items() for group in groups)
