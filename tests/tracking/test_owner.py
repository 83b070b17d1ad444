import subprocess
import sys
from dataclasses import replace

import pytest

from harness.tracking import Owner, is_alive, myself, process_alive
from harness.tracking.owner import SILENCE, _started


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def owner_of(process: subprocess.Popen, driver: Owner | None = None) -> Owner:
    return replace(myself(), pid=process.pid, started=_started(process.pid) or "", driver=driver)


def test_owner_survives_json():
    owner = myself(driver=myself())
    assert Owner.loads(owner.dumps()) == owner
    assert Owner.loads(None) is None


def test_a_process_is_alive_until_it_is_killed_even_before_its_parent_buries_it(sleeper):
    owner = owner_of(sleeper)
    assert is_alive(owner)
    sleeper.kill()
    # Not waited for: it stays as a zombie, with its pid and its start time.
    import os

    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(owner)
    sleeper.wait()
    assert not is_alive(owner)


def test_another_process_with_the_same_pid_is_not_the_owner():
    assert not is_alive(replace(myself(), started="1"))


def test_a_reboot_ends_every_owner_of_the_host_at_once():
    assert not is_alive(replace(myself(), boot="before"), heartbeat=1e12, now=1e12)


def test_a_worker_without_its_driver_is_dead(sleeper):
    worker = replace(myself(), driver=owner_of(sleeper))
    assert is_alive(worker)
    sleeper.kill()
    sleeper.wait()
    assert not is_alive(worker)


@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"namespace": "pid:[1]"}])
def test_elsewhere_the_heartbeat_decides(elsewhere):
    owner = replace(myself(), **elsewhere)
    assert process_alive(owner) is None
    assert is_alive(owner, heartbeat=1000.0, now=1000.0 + SILENCE - 1)
    assert not is_alive(owner, heartbeat=1000.0, now=1000.0 + SILENCE + 1)
    assert not is_alive(owner)
