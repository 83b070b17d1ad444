"""Whether a machine is fit to work for a driver on another one: it reaches the store and has the same code."""

from __future__ import annotations

from harness import tracking, training_code
from harness.errors import UserError


def check(uri: str, driver: tracking.Owner, code: str) -> None:
    """See that this machine can do the runs of a sweep. The driver's own machine can, and isn't looked at.

    Args:
        uri: the store.
        driver: the process that runs the sweep.
        code: `training_code.digest` of the driver.
    Raises:
        UserError: the store is a file of the driver's machine, its server doesn't answer here, or the code is another.
    """
    me = tracking.myself()
    if me.boot == driver.boot:
        return
    if uri.startswith("sqlite:"):
        # Even on a shared disk: a log ahead of the file needs memory in common, so two machines would break it.
        raise UserError(
            f"the store {uri} is a file, which serves {driver.host} alone; several machines need a server (http://…)",
            key="tracking.uri",
        )
    tracking.probe(uri)
    here = training_code.digest()
    if code and here != code:
        raise UserError(
            f"{me.host} has other code of repose than {driver.host} ({here}, there {code}): records would name the"
            " wrong one; install the same on both"
        )
