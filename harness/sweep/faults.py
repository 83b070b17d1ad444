"""Faults on purpose, for tests: a worker, or the driver of a study, kills itself, once, at a named moment.

``REPOSE_FAULT=moment:file`` in the driver's environment, several with commas between; the moments are
`MOMENTS`. The first process to get there makes ``file`` and dies by SIGKILL; later ones find it and go on.
With ``hold@moment:file`` it writes its host and pid into the file and stays where it is, to be killed from outside,
alone or with its node or driver.
"""

from __future__ import annotations

import os
import signal
import time

from harness import tracking

VARIABLE = "REPOSE_FAULT"
OF_WORKERS = ("after-claim", "after-record", "mid-epoch", "after-artifacts", "after-seal")
IN_TAKEOVER = "in-takeover"
"""A worker has claimed a run that another one had, and made no record of it yet."""
OF_STUDIES = ("after-ask", "after-report", "before-tell", "after-tell")
MOMENTS = (*OF_WORKERS, IN_TAKEOVER, *OF_STUDIES)
HOLD = "hold@"
_HELD = 600.0


def planned() -> str | None:
    """The fault asked for, to be handed to workers. Raises ValueError for a moment there's no such."""
    fault = os.environ.get(VARIABLE)
    for one in fault.split(",") if fault else ():
        if one.removeprefix(HOLD).partition(":")[0] not in MOMENTS or not one.partition(":")[2]:
            raise ValueError(f"{VARIABLE} is '{fault}'; expected one of {', '.join(MOMENTS)}, a colon and a file")
    return fault or None


def reach(moment: str, fault: str | None) -> None:
    """Die, or stay, here if ``fault`` says so and hasn't happened yet."""
    for one in (fault or "").split(","):
        named, _, file = one.partition(":")
        if named.removeprefix(HOLD) != moment:
            continue
        try:
            made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            continue
        if not named.startswith(HOLD):
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(made, f"{tracking.myself().host} {os.getpid()}\n".encode())
        os.close(made)
        time.sleep(_HELD)
