"""Who may do a run: claims that the store refuses twice.

One record of the store is the ledger. To do a run is to win the parameter ``claim.<run_id>.<generation>``
on it: MLflow refuses a parameter that exists with another value, so each generation has one winner. A dead
owner's run, or one that failed, is taken over by winning the next generation. A finished run is sealed in
the same way: its owner wins the next generation before it says FINISHED, so that a run that was taken over
can't be finished by its first owner as well, however late that one wakes up.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.tracking import sql, tags
from harness.tracking.direct import client
from harness.tracking.owner import Owner
from harness.tracking.patience import again, persist, refusal
from harness.tracking.store import artifact_root, resolve, sqlite_path

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Claim:
    """The right to do a run.

    Attributes:
        run_id: the run.
        generation: counted from 0; the highest one counts.
        token: what tells this claim from others of the generation.
        at: when it was claimed, seconds since 1970.
        owner: who claimed it.
        sealed: MLflow's id of the record that this claim declares finished.
    """

    run_id: str
    generation: int
    token: str
    at: float
    owner: Owner | None = None
    sealed: str | None = None

    @property
    def tag(self) -> str:
        """As a record's tag `tags.CLAIM`."""
        return f"{self.generation}:{self.token}"


def latest(uri: str | None = None, run_ids: Collection[str] | None = None) -> dict[str, Claim]:
    """The claim that counts of each run that was ever claimed."""
    found: dict[str, Claim] = {}
    for key, value in _of_runs(resolve(uri), run_ids).items():
        _, run_id, generation = key.split(".")
        if run_id not in found or int(generation) > found[run_id].generation:
            fields = json.loads(value)
            fields["owner"] = Owner.loads(fields.get("owner"))
            found[run_id] = Claim(run_id, int(generation), **fields)
    return found


def claim(uri: str, run_id: str, generation: int, owner: Owner) -> Claim | None:
    """Contest one generation of a run; None when somebody else has it."""
    wanted = Claim(run_id, generation, uuid.uuid4().hex, round(time.time(), 3), owner)
    return wanted if _contest(uri, wanted) else None


def seal(uri: str, held: Claim, mlflow_id: str) -> bool:
    """Declare a run finished by this record; False when the run was taken over meanwhile."""
    return _contest(uri, Claim(held.run_id, held.generation + 1, held.token, round(time.time(), 3), sealed=mlflow_id))


def release(uri: str, run_id: str, generation: int) -> bool:
    """Win one generation of a run for nobody, so that the next one is free; False when somebody else has it."""
    return _contest(uri, Claim(run_id, generation, uuid.uuid4().hex, round(time.time(), 3)))


def warm_up(uri: str | None = None) -> None:
    """Open the store for writing and find its ledger, so that the first run of a process doesn't wait for it."""
    ledger(resolve(uri))


def ledger(uri: str) -> str:
    """MLflow's id of the store's ledger, made if there's none. Made by several at once, one is kept."""
    return _ledger(resolve(uri))


@lru_cache(maxsize=8)
def _ledger(uri: str) -> str:
    return persist(lambda: _find_ledger(client(uri)) or _make_ledger(uri, client(uri)))


def _find_ledger(mlflow: MlflowClient) -> str | None:
    experiment = mlflow.get_experiment_by_name(tags.LEDGER)
    return experiment.tags[tags.LEDGER_RUN] if experiment else None


def _make_ledger(uri: str, mlflow: MlflowClient) -> str:
    candidate = mlflow.create_run(experiment(uri, tags.CLAIMS), run_name="ledger").info.run_id
    mlflow.set_terminated(candidate)  # a record of claims, not of work: never RUNNING
    try:
        # The experiment's name is unique and its tag is written with it, so there's one winner.
        mlflow.create_experiment(tags.LEDGER, artifact_location(uri, "ledger"), tags={tags.LEDGER_RUN: candidate})
    except Exception as error:
        if refusal(error) != "RESOURCE_ALREADY_EXISTS":
            raise
    winner = _find_ledger(mlflow)
    if winner == candidate:
        return candidate
    mlflow.delete_run(candidate)
    return winner or _make_ledger(uri, mlflow)


def experiment(uri: str, name: str) -> str:
    """MLflow's id of an experiment, made if it isn't there; a deleted one is restored."""
    mlflow = client(uri)
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        try:
            return mlflow.create_experiment(name, artifact_location(uri, name))
        except Exception as error:
            if refusal(error) != "RESOURCE_ALREADY_EXISTS":
                raise
        return experiment(uri, name)
    if found.lifecycle_stage == "deleted":
        mlflow.restore_experiment(found.experiment_id)
    return found.experiment_id


def artifact_location(uri: str, name: str) -> str | None:
    """Where an experiment's artifacts go; None leaves it to the server."""
    root = artifact_root(uri)
    return None if root is None else str(root / name)


def write_once(uri: str, key: str, value: str) -> bool:
    """Enter a parameter in the ledger; False when another value stands there already, which then stays."""
    book = ledger(uri)
    try:
        persist(lambda: client(uri).log_param(book, key, value, synchronous=True))
    except Exception as error:
        if refusal(error) != "INVALID_PARAMETER_VALUE" or "already" not in str(error):
            raise
        return False
    return True


def entries(uri: str, prefixes: Collection[str] | None) -> dict[str, str]:
    """Parameters of the ledger; those that begin with a prefix may be all that is read, if prefixes are given."""
    file = sqlite_path(uri)
    if file is not None:
        if not file.exists() or file.stat().st_size == 0:
            return {}
        with sql.reading(file) as connection:
            if connection is not None:
                book = sql.ledger(connection)
                return sql.params(connection, book, prefixes) if book else {}
    mlflow = client(uri)
    book = again(lambda: _find_ledger(mlflow))
    return dict(again(lambda: mlflow.get_run(book)).data.params) if book else {}


def _contest(uri: str, wanted: Claim) -> bool:
    fields: dict = {"token": wanted.token, "at": wanted.at}
    if wanted.owner is not None:
        fields["owner"] = json.loads(wanted.owner.dumps())
    if wanted.sealed is not None:
        fields["sealed"] = wanted.sealed
    return write_once(uri, f"claim.{wanted.run_id}.{wanted.generation}", json.dumps(fields, separators=(",", ":")))


def _of_runs(uri: str, run_ids: Collection[str] | None) -> dict[str, str]:
    found = entries(uri, None if run_ids is None else [f"claim.{run_id}." for run_id in run_ids])
    wanted = None if run_ids is None else set(run_ids)
    claims = {key: value for key, value in found.items() if key.startswith("claim.")}
    return {key: value for key, value in claims.items() if wanted is None or key.split(".")[1] in wanted}
