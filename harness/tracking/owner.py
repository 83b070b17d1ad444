"""Who does a run: a process that can be told alive or dead, on this host at once, elsewhere by heartbeat."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Hashable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from harness.tracking.tags import host
from harness.tracking.watch import WATCH

BEAT = 15.0
"""Seconds between heartbeats."""
SILENCE = 8 * BEAT
"""Seconds without a heartbeat, as who looks has counted them, after which an owner on another host counts as dead."""


@dataclass(frozen=True)
class Owner:
    """A process, named so that another process with the same pid isn't taken for it.

    Attributes:
        host: the machine's name.
        boot: id of the machine's current boot; a reboot ends every process.
        namespace: its pid namespace: containers of one host have pids of their own.
        pid: process id.
        started: the process's start time, in the kernel's own unit.
        driver: the process it works for, if that is another one.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    driver: Owner | None = None

    def dumps(self) -> str:
        """As JSON, for a tag or a claim."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | dict | None) -> Owner | None:
        """The reverse of `dumps`; None for what isn't an owner."""
        if not text:
            return None
        fields = json.loads(text) if isinstance(text, str) else dict(text)
        driver = fields.pop("driver", None)
        return cls(**fields, driver=cls.loads(driver))


def myself(driver: Owner | None = None) -> Owner:
    """This process as an owner."""
    me = Owner(host(), _boot(), _namespace(), os.getpid(), _started(os.getpid()) or "")
    return replace(me, driver=driver)


def process_alive(owner: Owner) -> bool | None:
    """Whether one process runs, its driver left aside; None where this process can't tell.

    Machines may have a name in common, so one that bears this one's and another boot id may be another, at work.
    """
    if (owner.host, owner.boot, owner.namespace) != (host(), _boot(), _namespace()):
        return None
    started = _started(owner.pid)
    if started is None and _hidden(owner.pid):
        return None
    return started == owner.started


def is_alive(owner: Owner, what: Hashable = None, sign: Hashable = None) -> bool:
    """Whether an owner still works on its run.

    A process of this host is looked up. An owner counts as dead as soon as it or its driver is known to be
    gone, as a worker without its driver stops by itself. What runs elsewhere is believed as long as its sign of
    life changes (see `watch`): it is dead when this process has seen the same one for `SILENCE` seconds, and
    never at the first look.

    Args:
        owner: the process.
        what: what it would give signs of life in, such as its record.
        sign: the last one.
    """
    known = [process_alive(process) for process in (owner, owner.driver) if process is not None]
    if False in known:
        return False
    if None not in known:
        return True
    return WATCH.silence(what if what is not None else owner, sign) < SILENCE


@cache
def _boot() -> str:
    file = Path("/proc/sys/kernel/random/boot_id")
    if file.exists():
        return file.read_text().strip()
    done = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True)
    return done.stdout.strip()


@cache
def _namespace() -> str:
    link = Path("/proc/self/ns/pid")
    return os.readlink(link) if link.is_symlink() else ""


def _started(pid: int) -> str | None:
    """Start time of a process, or None when it's gone; a zombie is gone."""
    if not Path("/proc/self/stat").exists():
        # Everybody must read the same time, whatever their language and time zone.
        plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, env=plain)
        state, _, since = done.stdout.strip().partition(" ")
        return None if not state or state.startswith("Z") else since.strip()
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # The command's name stands in brackets and may hold anything; the state is the first field after it,
    # the start time the 20th.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _hidden(pid: int) -> bool:
    """Whether a process is there that mustn't be looked at: machines may hide one user's processes from others."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        pass
    return False
