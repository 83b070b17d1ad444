import json
import threading
import time

import pyarrow.parquet
import pytest

from harness import tracking
from harness.tracking import logger as logger_module
from harness.tracking import patience, tags
from harness.tracking.store import client
from tests.tracking.runs import Run, begun


def test_a_finished_record_holds_tags_few_parameters_few_metrics_and_all_files(store):
    logger = begun(store)
    for step in range(1, 6):
        logger.log(step, {"loss": 1 / step, "val_mpjpe": 90 - step, **{f"term.{n}": n for n in range(20)}})
    logger.evaluation(b"rows", ["none@1/seen"])
    logger.licence("free for research")
    logger.finish({f"figure{n}": float(n) for n in range(30)})
    record = tracking.finished(store)["r0"]
    run = client(store).get_run(record.mlflow_id)
    assert tracking.finished(store, details=True)["r0"].licence == "free for research"
    assert run.info.status == "FINISHED" and record.seconds is not None
    assert {tags.RUN_ID, tags.SPEC, tags.OWNER, tags.HEARTBEAT, tags.CLAIM, tags.SHAPE} <= set(run.data.tags)
    assert len(run.data.params) <= 10 and run.data.params["train_occlusion"] == "moderate"
    assert json.loads(run.data.params["lambdas"]) == {"mpjpe": 1.0, "spatial_rdc": 0.1}
    assert len(run.data.metrics) <= 10 and run.data.metrics["val_mpjpe"] == 85
    assert len(client(store).get_metric_history(record.mlflow_id, "loss")) == 5
    assert json.loads(tracking.path(store, record, "config.json").read_text()) == Run().model_dump()
    assert len(tracking.read_summaries(store, ["r0"])["r0"]) == 30
    curves = pyarrow.parquet.read_table(tracking.read_curves(store, ["r0"])["r0"]).to_pylist()
    assert len(curves) == 5 * 22 and {"name": "term.3", "step": 2, "value": 3.0} in curves
    [(file, conditions)] = tracking.read_evaluations(store, ["r0", "r1"])["r0"].items()
    assert file.name == "evaluation.parquet" and file.read_bytes() == b"rows" and conditions == ("none@1/seen",)


def test_a_point_told_twice_is_kept_once(store):
    logger = begun(store)
    logger.log_points([("loss", 1, 0.5)])
    logger.log_points([("loss", 1, 0.5), ("loss", 2, 0.4)])
    logger.finish()
    assert pyarrow.parquet.read_table(tracking.read_curves(store, ["r0"])["r0"]).num_rows == 2


def test_curves_longer_than_one_batch_are_written_whole(store):
    logger = begun(store)
    logger.log_points([("loss", step, float(step)) for step in range(2500)])
    logger.finish()
    assert len(client(store).get_metric_history(logger.mlflow_id, "loss")) == 2500


def test_not_a_number_is_logged(store):
    logger = begun(store)
    logger.log(1, {"loss": float("nan")})
    logger.fail("it diverged")
    assert tracking.failed(store) == {"r0": "it diverged"}


def test_artifacts_are_found_after_the_store_was_moved(store, tmp_path, tmp_path_factory):
    logger = begun(store)
    logger.evaluation(b"rows", ["none@1/seen"])
    logger.finish()
    moved = tmp_path_factory.mktemp("moved") / "here"
    tmp_path.rename(moved)
    [file] = tracking.read_evaluations(f"sqlite:///{moved}/mlflow.db", ["r0"])["r0"]
    assert file.read_bytes() == b"rows"


class Outage:
    """Stands between a logger and its store, and can be told to break."""

    def __init__(self, uri: str) -> None:
        self.client, self.down, self.calls = client(uri), False, 0

    def __call__(self, uri: str) -> "Outage":
        return self

    def __getattr__(self, name: str):
        def call(*args, **kwargs):
            self.calls += 1
            if self.down:
                from mlflow.exceptions import MlflowException

                raise MlflowException("API request failed: connection refused")
            return getattr(self.client, name)(*args, **kwargs)

        return call


@pytest.fixture
def outage(store, monkeypatch) -> Outage:
    switch = Outage(store)
    for module in ("logger", "claims", "artifacts"):
        monkeypatch.setattr(f"harness.tracking.{module}.client", switch)
    monkeypatch.setattr(logger_module, "BEAT", 0.04)
    monkeypatch.setattr(patience, "_FIRST", 0.02)
    return switch


def test_a_server_that_dies_during_a_run_is_waited_for_without_holding_training_up(store, outage):
    logger = begun(store)
    outage.down = True
    begin = time.monotonic()
    for step in range(50):
        logger.log(step, {"loss": float(step)})
    assert time.monotonic() - begin < 1
    time.sleep(1.2)  # the thread finds the store gone
    threading.Timer(0.5, lambda: setattr(outage, "down", False)).start()
    logger.finish({"val_mpjpe_best": 1.0})
    outage.down = False
    assert len(client(store).get_metric_history(logger.mlflow_id, "loss")) == 50
    assert set(tracking.finished(store)) == {"r0"}


def test_the_thread_writes_while_the_run_trains_and_beats(store, outage):
    logger = begun(store)
    logger.log(1, {"loss": 1.0})
    end = time.monotonic() + 10
    while not client(store).get_metric_history(logger.mlflow_id, "loss") and time.monotonic() < end:
        time.sleep(0.05)
    assert client(store).get_run(logger.mlflow_id).data.params["seed"] == "0"
    logger.fail("enough")


def test_a_server_that_stays_away_fails_the_run_clearly(store, outage, monkeypatch):
    monkeypatch.setattr(logger_module, "WINDOW", 0.1)
    monkeypatch.setattr(patience, "WINDOW", 0.1)
    logger = begun(store)
    outage.down = True
    end = time.monotonic() + 10
    with pytest.raises(tracking.TrackingLost, match="gone"):
        while time.monotonic() < end:
            logger.log(1, {"loss": 1.0})
            time.sleep(0.05)
    with pytest.raises(tracking.TrackingLost, match="didn't answer"):
        logger.fail("lost")


def test_a_refusal_is_not_waited_for(store, outage):
    from mlflow.exceptions import MlflowException

    refused = MlflowException("no")
    refused.error_code = "INVALID_PARAMETER_VALUE"

    def really():
        raise refused

    begin = time.monotonic()
    with pytest.raises(MlflowException):
        patience.persist(really)
    assert time.monotonic() - begin < 1
