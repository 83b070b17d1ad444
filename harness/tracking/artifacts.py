"""Files of a run: written straight into a local artifact folder, through MLflow's API elsewhere."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.tracking.patience import persist
from harness.tracking.record import Record, finished
from harness.tracking.store import artifact_root, client, resolve

CONFIG, BEST, LAST = "config.json", "best.pt", "last.pt"
EVALUATION, CURVES, SUMMARY, LOG = "evaluation.parquet", "curves.parquet", "summary.json", "log.txt"


def is_near(artifact_uri: str) -> bool:
    """Whether a record's files are written into a folder here, rather than sent to a server."""
    return _local(artifact_uri) is not None


def write(
    uri: str,
    mlflow_id: str,
    artifact_uri: str,
    name: str,
    content: bytes,
    *,
    patient: bool = True,
    durable: bool = False,
) -> None:
    """Keep one file of a record; it appears whole or not at all.

    Args:
        patient: wait for a store that is gone.
        durable: wait until a local disk has it, so that a power failure can't take it back.
    """
    folder = _local(artifact_uri)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_part(name)}{os.getpid()}"
        try:
            with open(part, "wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(folder / name)
        except OSError:
            part.unlink(missing_ok=True)  # of a full disk, what was written of it is the first to go
            raise
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / name
        copy.write_bytes(content)
        persist(lambda: client(uri).log_artifact(mlflow_id, str(copy)), window=None if patient else 0.0)


def read(uri: str, record: Record, name: str) -> bytes:
    """The content of one file of any record, as it is now. Raises whatever its store raises for one that is gone."""
    place = folder(uri, record)
    if place is not None:
        return (place / name).read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        return Path(persist(lambda: client(uri).download_artifacts(record.mlflow_id, name, scratch))).read_bytes()


def remove(uri: str, record: Record, name: str) -> None:
    """Remove one file of a record, if it's there and its store can remove files."""
    remove_at(uri, str(folder(uri, record) or record.artifact_uri), name)


def remove_parts(uri: str, record: Record, name: str) -> None:
    """Remove what writers of one file of a record left when they were killed half-way."""
    place = folder(uri, record)
    for part in [] if place is None else place.glob(f"{_part(name)}*"):
        part.unlink(missing_ok=True)


def remove_at(uri: str, artifact_uri: str, name: str) -> None:
    """`remove` for a record in progress."""
    folder = _local(artifact_uri)
    if folder is not None:
        (folder / name).unlink(missing_ok=True)
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with suppress(Exception):  # each kind of store has errors of its own; what is left is a file that nothing names
        get_artifact_repository(artifact_uri, tracking_uri=uri).delete_artifacts(name)


def path(uri: str | None, record: Record, name: str) -> Path:
    """A local path of one file of a finished record, fetched if it lies elsewhere.

    Raises:
        FileNotFoundError: the record has no such file.
    """
    uri = resolve(uri)
    place = folder(uri, record)
    if place is None:
        return _fetched(uri, record, name)
    file = place / name
    if not file.exists():
        raise FileNotFoundError(f"the record {record.mlflow_id} of run {record.run_id} has no {name}: {place}")
    return file


def lines(uri: str | None, record: Record) -> str | None:
    """What a run said, as its record has it now; None where no line was kept. See `run_log`."""
    uri = resolve(uri)
    place = folder(uri, record)
    if place is not None:
        kept = (place / LOG).exists()
    else:
        kept = LOG in {entry.path for entry in persist(lambda: client(uri).list_artifacts(record.mlflow_id))}
    return read(uri, record, LOG).decode(errors="replace") if kept else None


def add(uri: str, record: Record, name: str, content: bytes) -> None:
    """`write` for a record of an earlier time, whose store may have been moved since."""
    place = str(folder(uri, record) or record.artifact_uri)
    persist(lambda: write(uri, record.mlflow_id, place, name, content))


def folder(uri: str, record: Record) -> Path | None:
    """The local folder of a record's files; None where they are remote."""
    place, root = _local(record.artifact_uri), artifact_root(uri)
    if place is None or root is None:
        return place
    # MLflow wrote down absolute paths, experiment/record/artifacts at the end: after a move, look beside the store.
    here = root.joinpath(*place.parts[-3:])
    return here if here == place or here.exists() else place


def finder(uri: str | None) -> Callable[[Record, str], Path]:
    """`path` for thousands of records: what it takes to know of the store is found out once."""
    uri = resolve(uri)
    root = artifact_root(uri)
    here = "" if root is None else f"{root}/"

    def find(record: Record, name: str) -> Path:
        place = record.artifact_uri
        # Where the harness itself puts files, experiment/record/artifacts, no path need be taken apart.
        if here and place.startswith(here) and place.count("/", len(here)) == 2 and place[-1] != "/":
            file = f"{place}/{name}"
            if os.path.exists(file):
                return Path(file)
        return path(uri, record, name)

    return find


def read_curves(
    uri: str | None, run_ids: Collection[str], known: Mapping[str, Record] | None = None
) -> dict[str, Path]:
    """Local paths of ``curves.parquet`` (columns name, step, value) of those that are finished.

    ``known``: their records, if they have been read.
    """
    found, find = finished(uri, run_ids) if known is None else known, finder(uri)
    return {run_id: find(record, CURVES) for run_id, record in found.items()}


def read_summaries(
    uri: str | None, run_ids: Collection[str], known: Mapping[str, Record] | None = None
) -> dict[str, dict[str, float]]:
    """The final figures (``summary.json``) of those that are finished; ``known`` as in `read_curves`."""
    found, find = finished(uri, run_ids) if known is None else known, finder(uri)
    return {run_id: json.loads(find(record, SUMMARY).read_bytes()) for run_id, record in found.items()}


def curves_bytes(points: list[tuple[str, int, float]]) -> bytes:
    """Curve points as a parquet file."""
    import pyarrow as pa

    names, steps, values = zip(*points, strict=True) if points else ((), (), ())
    columns: dict[str, Any] = {
        "name": pa.array(names, pa.string()).dictionary_encode(),
        "step": pa.array(steps, pa.int64()),
        "value": pa.array(values, pa.float64()),
    }
    return parquet_bytes(pa.table(columns))


def parquet_bytes(table: Any) -> bytes:
    """A pyarrow table or a pandas data frame as a parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    if not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False)
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _part(name: str) -> str:
    """How the name of a file begins while it's being written; its writer's process number follows."""
    return f".{name}."


def _local(artifact_uri: str) -> Path | None:
    if artifact_uri.startswith("file:"):
        return Path(urllib.request.url2pathname(urllib.parse.urlsplit(artifact_uri).path))
    return None if "://" in artifact_uri or ":/" in artifact_uri else Path(artifact_uri)


def fetched(record: Record) -> Path:
    """The folder for copies of a record's files that lie elsewhere."""
    return Path.cwd() / "runs" / "fetched" / record.mlflow_id


def _fetched(uri: str, record: Record, name: str) -> Path:
    kept = fetched(record)
    if not (kept / name).exists():  # a finished record's files never change
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as scratch:
            found = persist(lambda: client(uri).download_artifacts(record.mlflow_id, name, scratch))
            Path(found).replace(kept / name)
    return kept / name
