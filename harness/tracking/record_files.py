"""All files of a record at once: listed, weighed, removed."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from harness.tracking import artifacts
from harness.tracking.patience import persist
from harness.tracking.record import Record
from harness.tracking.store import client


def names(uri: str, record: Record) -> list[str]:
    """Names of the files of a record, sorted; those that a writer left half-written aren't among them."""
    folder = artifacts.folder(uri, record)
    if folder is not None:
        found = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    else:
        listed = persist(lambda: client(uri).list_artifacts(record.mlflow_id))
        found = [entry.path for entry in listed if not entry.is_dir]
    return sorted(name for name in found if not name.startswith("."))


def size(uri: str, records: Collection[Record]) -> int | None:
    """Bytes that the files of these records take; None where they don't lie in a folder here."""
    folders = [artifacts.folder(uri, record) for record in records]
    if any(folder is None for folder in folders):
        return None
    files = (file for folder in folders if folder is not None and folder.is_dir() for file in folder.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file())


def remove_all(uri: str, record: Record) -> str | None:
    """Remove the files of a record and copies that were fetched of them; why not, where that fails."""
    shutil.rmtree(artifacts.fetched(record), ignore_errors=True)  # copies, made again when they are asked for
    folder = artifacts.folder(uri, record)
    if folder is None:
        return _remove_remote(uri, record)
    if not folder.exists():
        return None
    # MLflow's places end in record/artifacts. Anything else was written into the store by hand.
    if folder.name != "artifacts" or folder.parent.name != record.mlflow_id:
        return f"{folder} isn't a folder that MLflow makes for a record"
    try:
        shutil.rmtree(folder.parent)
    except OSError as error:
        return f"{Path(error.filename or folder)}: {error.strerror}"
    return None


def _remove_remote(uri: str, record: Record) -> str | None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        get_artifact_repository(record.artifact_uri, tracking_uri=uri).delete_artifacts()
    except Exception as error:  # each kind of store has errors of its own, and none is worth stopping for
        return " ".join(str(error).split()) or type(error).__name__
    return None
