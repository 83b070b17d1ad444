import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.tracking import Owner, Watch, is_alive, myself, process_alive
from harness.tracking.owner import SILENCE, _started
from harness.tracking.watch import GAP


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


def test_a_process_of_another_user_that_may_not_be_looked_at_is_not_taken_for_dead(sleeper, monkeypatch):
    """As under /proc mounted with hidepid: its folder isn't there, or can't be read, and a signal is refused."""
    owner, ours = owner_of(sleeper), Path.read_text

    def refused(*_):
        raise PermissionError

    for missing in (FileNotFoundError, PermissionError):

        def unseen(path, *words, missing=missing):
            if path.parts[:3] == ("/", "proc", str(sleeper.pid)):
                raise missing
            return ours(path, *words)

        monkeypatch.setattr(Path, "read_text", unseen)
        assert process_alive(owner) is False  # nothing refuses the signal: it would be seen if it were there
        with monkeypatch.context() as other:
            other.setattr("os.kill", refused)
            assert process_alive(owner) is None and is_alive(owner)


def test_a_worker_without_its_driver_is_dead(sleeper):
    worker = replace(myself(), driver=owner_of(sleeper))
    assert is_alive(worker)
    sleeper.kill()
    sleeper.wait()
    assert not is_alive(worker)


@pytest.fixture
def clock(monkeypatch):
    """Watching starts anew, on a clock set by hand: ``clock[0]``."""
    now = [1000.0]
    monkeypatch.setattr("harness.tracking.owner.WATCH", Watch(lambda: now[0]))
    return now


# A machine of the same name with another boot id may be another machine.
@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"namespace": "pid:[1]"}, {"boot": "another"}])
def test_elsewhere_an_owner_lives_as_long_as_its_sign_changes(elsewhere, clock):
    owner = replace(myself(), **elsewhere)
    assert process_alive(owner) is None
    for beat in range(40):
        assert is_alive(owner, "record", beat)
        clock[0] += 10
    quiet = 0.0
    while is_alive(owner, "record", "last"):
        clock[0] += 10
        quiet += 10
    assert SILENCE <= quiet < SILENCE + 20
    assert is_alive(owner, "record", "after all")


@pytest.mark.parametrize("beats", [-1e9, 0.0, 1e9])
def test_no_difference_between_clocks_makes_a_live_owner_dead_nor_a_dead_one_alive(beats, clock):
    """Its heartbeats are times of its own clock, which is behind or ahead by decades, or set back as it works."""
    owner = replace(myself(), host="another")
    for second in range(0, 1000, 3):
        set_back = 300 * (second > 500)
        assert is_alive(owner, "record", beats + second // 15 * 15 - set_back)
        clock[0] += 3
    for _ in range(60):
        alive = is_alive(owner, "record", beats)
        clock[0] += 3
    assert not alive


def test_time_in_which_nobody_could_look_is_no_silence(clock):
    """The store was gone, or the watcher asleep: whoever is watched couldn't be heard either."""
    owner = replace(myself(), host="another")
    assert is_alive(owner, "record", 1)
    clock[0] += 100 * SILENCE
    assert is_alive(owner, "record", 1)
    for _ in range(int(SILENCE / GAP)):
        clock[0] += GAP
        alive = is_alive(owner, "record", 1)
    assert not alive


def test_who_is_watched_in_two_places_is_heard_in_each(clock):
    owner = replace(myself(), host="another")
    for second in range(0, int(SILENCE) + 10, 10):
        clock[0] += 10
        alive = is_alive(owner, "one", "stays"), is_alive(owner, "other", second)
    assert alive == (False, True)
