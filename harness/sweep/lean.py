"""Ray's head without the processes that a local sweep has no use for.

Beside its two servers, Ray starts a Python process each for a page (with `include_dashboard=False`, for statistics that
are switched off), for scaling a cluster, and for forwarding the workers' output (`log_to_driver=False` leaves nothing
to forward). Each imports Ray; `ray.init` waits for one of them, and `ray.shutdown` a second for another. Ray has
switches for them, but none in `ray.init`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

_NEEDLESS = {"no_monitor": True, "include_log_monitor": False}


@contextlib.contextmanager
def lean_head() -> Iterator[None]:
    """A head that `ray.init` starts within has no such processes. Where Ray has other switches, it has them all."""
    modules: Any = importlib.import_module("ray._private.parameter"), importlib.import_module("ray._private.services")
    parameter, services = modules
    made, server = getattr(parameter, "RayParams", None), getattr(services, "start_api_server", None)
    if made is None or server is None or not set(_NEEDLESS) <= set(inspect.signature(made.__init__).parameters):
        yield
        return
    try:
        parameter.RayParams = functools.partial(made, **_NEEDLESS)
        services.start_api_server = lambda *_, **__: ("", None)  # no address and no process, as where it couldn't start
        yield
    finally:
        parameter.RayParams, services.start_api_server = made, server
