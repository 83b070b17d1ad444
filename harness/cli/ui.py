"""`repose ui`."""

from __future__ import annotations

import argparse
import os

from harness.cli import arguments as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.store(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=shared.positive, default=5000, metavar="PORT", help="default: %(default)s")


def execute(arguments: argparse.Namespace) -> int:
    """Become MLflow's server."""
    from harness import tracking

    command = tracking.ui_command(arguments.tracking_uri, arguments.host, arguments.port)
    print(f"http://{arguments.host}:{arguments.port}", flush=True)
    os.execv(command[0], command)
