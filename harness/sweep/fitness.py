"""Whether a machine is fit to work for a driver on another one: it reaches the store and has the same code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness import own_backbones, own_metrics, tracking, training_code
from harness.errors import UserError

Brought = tuple[str, str]
"""What an installed package brings: backbone or metric, and its name."""


def brought(runs: Iterable[Any]) -> dict[Brought, str]:
    """What installed packages here bring to these runs, and its version: every metric, and the backbones they name."""
    named = {getattr(getattr(run, "backbone", None), "name", None) for run in runs}
    return _brought(named)


def check(uri: str, driver: tracking.Owner, code: str, packages: Mapping[Brought, str] | None = None) -> None:
    """See that this machine can do the runs of a sweep. The driver's own machine can, and isn't looked at.

    Args:
        uri: the store.
        driver: the process that runs the sweep.
        code: `training_code.digest` of the driver.
        packages: what is `brought` to the runs there.
    Raises:
        UserError: the store is a file of the driver's machine, its server doesn't answer here, the code is another, or
            a package isn't installed.
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
    if packages:
        found = _brought({name for kind, name in packages if kind == "backbone"})
        for (kind, name), version in packages.items():
            if (have := found.get((kind, name))) != version:
                other = "lacks" if have is None else f"has version {have} of"
                raise UserError(
                    f"{me.host} {other} the {kind} '{name}' of an installed package, which is of version {version} on"
                    f" {driver.host}; install the same on both"
                )


def _brought(backbones: Iterable[str | None]) -> dict[Brought, str]:
    found = {("metric", name): str(version) for name, (_, version, _) in own_metrics.lines().items()}
    installed = own_backbones.installed()
    for name in backbones:
        if name is not None and name in installed:
            found["backbone", name] = str(own_backbones.of_package(installed[name]).version)
    return found
