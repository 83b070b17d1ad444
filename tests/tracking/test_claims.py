import json
import subprocess
import sys
from pathlib import Path

from harness import tracking
from harness.tracking import claims, tags
from harness.tracking.store import client

CONTEST = """
import json, sys, time
from pathlib import Path
from harness import tracking
uri, barrier, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
tracking.quiet(); import mlflow.store.tracking.sqlalchemy_store
(barrier / name).touch()
while len(list(barrier.iterdir())) < 3:
    time.sleep(0.01)
me = tracking.myself()
won = [key for key in range(20) if tracking.claim(uri, f"run{key}", 0, me)]
print(json.dumps({"won": won, "ledger": tracking.claims.ledger(uri)}))
"""


def test_of_several_processes_on_a_new_store_one_wins_each_run(store, tmp_path):
    barrier = tmp_path / "barrier"
    barrier.mkdir()
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CONTEST, store, str(barrier)]
    started = [subprocess.Popen([*command, str(n)], cwd=root, stdout=subprocess.PIPE) for n in range(3)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert sorted(key for answer in answers for key in answer["won"]) == list(range(20))
    assert len({answer["ledger"] for answer in answers}) == 1


def test_a_generation_has_one_winner_and_the_highest_counts(store):
    me = tracking.myself()
    first = tracking.claim(store, "r", 0, me)
    assert first is not None
    assert tracking.claim(store, "r", 0, me) is None
    assert tracking.latest(store)["r"] == first
    second = tracking.claim(store, "r", 1, me)
    assert tracking.latest(store, ["r", "other"]) == {"r": second}


def test_a_run_that_was_taken_over_cannot_be_sealed_by_its_first_owner(store):
    me = tracking.myself()
    first = tracking.claim(store, "r", 0, me)
    assert first and tracking.claim(store, "r", 1, me)
    assert not claims.seal(store, first, "record")


def test_a_sealed_run_cannot_be_taken_over(store):
    me = tracking.myself()
    held = tracking.claim(store, "r", 0, me)
    assert held and claims.seal(store, held, "record")
    assert tracking.claim(store, "r", 1, me) is None
    assert tracking.latest(store)["r"].sealed == "record"


def test_run_ids_that_begin_alike_are_kept_apart(store):
    me = tracking.myself()
    for run_id in ("ab", "abc"):
        assert tracking.claim(store, run_id, 0, me)
    assert set(tracking.latest(store, ["ab"])) == {"ab"}


def test_the_ledger_is_no_running_record_and_no_run(store):
    claims.warm_up(store)
    assert client(store).get_run(claims.ledger(store)).info.status == "FINISHED"
    assert client(store).get_experiment_by_name(tags.LEDGER) is not None
    assert tracking.records(store) == []
