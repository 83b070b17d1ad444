"""The disk of the store fills: what is finished stays, what has no room is waited for, the same command goes on."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from harness import tracking
from harness.cli.main import main
from harness.sweep import run_sweep
from harness.tracking import patience
from tests.sweep.bodies import spec_of

BODY = "tests.sweep.full_disks:execute"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_a_quota_and_a_limit_that_are_used_up_are_waited_for(code, monkeypatch):
    monkeypatch.setattr(patience, "_FIRST", 0.001)
    errors = [OSError(code, "no room"), RuntimeError("(sqlite3.OperationalError) database or disk is full\n[SQL: x")]
    tries = iter(errors)

    def write():
        for error in tries:
            raise error
        return "written"

    assert tracking.persist(write) == "written"
    with tracking.hurried(0.0), pytest.raises(tracking.TrackingLost, match=r"no room .* for 0 s: .*is full$"):
        tracking.persist(lambda: (_ for _ in ()).throw(errors[1]))
    assert patience.WINDOW == 600.0
    with pytest.raises(PermissionError):
        tracking.persist(lambda: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no")))


@pytest.mark.usefixtures("ray_session")
def test_a_run_waits_for_room_and_goes_on(store, tmp_path):
    full = tmp_path / "full"
    full.touch()
    spec = spec_of(2, full=str(full), seed=0, window=60.0, frees=1.0)
    outcome = run_sweep(spec, uri=store, workers=1, body=BODY)
    assert len(outcome.finished) == 2 and not outcome.failed and not outcome.lost
    record = tracking.finished(store)[spec.runs[0].run_id]
    assert "no room to keep made.bin" in tracking.path(store, record, "log.txt").read_text()
    assert tracking.path(store, record, "made.bin").read_bytes() == b"0" * 5000
    assert [found.status for found in tracking.records(store)] == ["FINISHED"] * 2


@pytest.mark.usefixtures("ray_session")
def test_a_disk_that_stays_full_ends_the_sweep_in_order_and_the_same_command_goes_on(store, tmp_path, capfd):
    full = tmp_path / "full"
    full.touch()
    spec = spec_of(4, full=str(full), seed=1, window=1.0)
    first = run_sweep(spec, uri=store, workers=1, body=BODY, command="repose run fake")
    assert first.finished == [spec.runs[0].run_id] and not first.failed and len(first.left) == 3
    assert "no room to write the run's record for 1 s" in first.lost and "File too large" in first.lost
    out = capfd.readouterr().out
    assert f"stopped: {first.lost}" in out and "this goes on with it: repose run fake" in out and "Traceback" not in out
    assert list(tracking.finished(store)) == first.finished

    full.unlink()
    second = run_sweep(spec, uri=store, workers=1, body=BODY)
    assert len(second.finished) == 3 and second.skipped == first.finished and not second.lost
    assert not tracking.running(store) and len(tracking.finished(store)) == 4
    [closed] = [found for found in tracking.records(store) if found.status != "FINISHED"]
    assert (closed.run_id, closed.status) == (spec.runs[1].run_id, "KILLED")
    assert not [file for file in tmp_path.rglob(".made.bin.*")], "nothing half-written is left"


def test_a_command_that_finds_no_room_says_so_in_a_line(capsys, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as disk:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(disk, write_through=True))
        assert main(["ls", "occlusions"]) == 1
        sys.stdout.detach()
    said = capsys.readouterr().err
    assert said.startswith("repose: error: no room left to write") and "Traceback" not in said
