"""`repose ui`."""

from __future__ import annotations

import argparse
import os

from harness.cli import arguments as shared
from harness.errors import UserError

_RUNS, _STUDY = 5000, 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.store(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="where to listen (default: %(default)s)")
    parser.add_argument(
        "--port", type=shared.positive, metavar="PORT", help=f"default: {_RUNS}, or {_STUDY} for a study"
    )
    parser.add_argument("--study", metavar="SPEC", help="optuna-dashboard on the study of SPEC, in place of the runs")
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="where the history of the study is kept, as `repose tune` was told (default: beside the store)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Become MLflow's server, or that of optuna-dashboard."""
    port = arguments.port or (_STUDY if arguments.study else _RUNS)
    command = _study(arguments, port) if arguments.study else _runs(arguments, port)
    print(f"http://{arguments.host}:{port}", flush=True)
    # MLflow would start six more processes, for jobs that judge language models.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.execv(command[0], command)


def _runs(arguments: argparse.Namespace, port: int) -> list[str]:
    if arguments.storage:
        raise UserError("only a study has a storage of its own: name its spec with --study", key="--storage")
    from harness import tracking

    return tracking.ui_command(arguments.tracking_uri, arguments.host, port)


def _study(arguments: argparse.Namespace, port: int) -> list[str]:
    from harness.spec import load

    spec = load(arguments.study)
    if spec.study is None:
        raise UserError(
            f"the spec '{spec.name}' has no study: it needs a block `study:`", file=str(spec.path), key="study"
        )
    from harness import tracking
    from harness.tune.dashboard import dashboard_command

    uri = tracking.resolve(arguments.tracking_uri or spec.tracking.uri)
    return dashboard_command(spec.name, uri, arguments.storage, host=arguments.host, port=port)
