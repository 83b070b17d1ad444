"""Data that a command looks at: those of a spec, or one clip file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from harness.cli import arguments as shared
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TARGET, and -o for specs."""
    parser.add_argument("target", metavar="SPEC|FILE", help=f"{shared.SPEC_HELP}; or a clip file (.npz)")
    parser.add_argument(
        "-o",
        dest="overrides",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field of the spec, e.g. -o data.window=81; may be repeated",
    )


def is_file(arguments: argparse.Namespace) -> bool:
    """Whether TARGET is a clip file.

    Raises:
        UserError: one with overrides.
    """
    if not arguments.target.endswith(".npz"):
        return False
    if arguments.overrides:
        raise UserError("overrides are for specs; got a clip file", key="-o")
    return True


def spec(arguments: argparse.Namespace) -> Spec:
    """The spec that TARGET names, read and checked."""
    from harness.spec import load

    return load(arguments.target, arguments.overrides)


def different(spec: Spec) -> list[tuple[Any, list[Any]]]:
    """The data of a spec's runs that hold different clips: ``harness.spec.run.Data``, and all that share its clips."""
    from harness.spec.identity import dumps

    found: dict[str, list[Any]] = {}
    for run in spec.runs:
        key = dumps([run.data.dataset, run.data.path, run.data.options])
        found.setdefault(key, []).append(run.data)
    return [(group[0], group) for group in found.values()]
