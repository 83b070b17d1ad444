"""Faults on purpose, for tests: a worker, or the driver of a study, kills itself, once, at a named moment.

``REPOSE_FAULT=moment:file`` in the driver's environment, several with commas between; the moments are
`MOMENTS`. The first process to get there makes ``file`` and dies by SIGKILL; later ones find it and go on.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "REPOSE_FAULT"
OF_WORKERS = ("after-claim", "after-record", "mid-epoch", "after-artifacts", "after-seal")
OF_STUDIES = ("after-ask", "after-report", "before-tell", "after-tell")
MOMENTS = (*OF_WORKERS, *OF_STUDIES)


def planned() -> str | None:
    """The fault asked for, to be handed to workers. Raises ValueError for a moment there's no such."""
    fault = os.environ.get(VARIABLE)
    for one in fault.split(",") if fault else ():
        if one.partition(":")[0] not in MOMENTS or not one.partition(":")[2]:
            raise ValueError(f"{VARIABLE} is '{fault}'; expected one of {', '.join(MOMENTS)}, a colon and a file")
    return fault or None


def reach(moment: str, fault: str | None) -> None:
    """Die here if ``fault`` says so and hasn't happened yet."""
    files = [one.partition(":")[2] for one in (fault or "").split(",") if one.startswith(f"{moment}:")]
    if not files:
        return
    try:
        os.close(os.open(files[0], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
