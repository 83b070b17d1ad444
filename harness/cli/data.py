"""`repose data COMMAND …`: one file a command, ``harness.cli.data_COMMAND``."""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType

COMMANDS = {
    "check": "what is odd in motion data, each finding with its clip and frames: exit 0, or 1 if there is any",
    "fetch": "fetch data that anybody may have from where they are kept",
    "fit-detector": "fit the errors of a 2D detector to what it reported where the truth is known",
    "import": "read data in one of the known layouts and write one clip file",
    "show": "clips as skeletons, in space and as a network is given them: a sheet and a page that plays",
    "ls": "the layouts that can be imported, or what imported files hold",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their arguments."""
    commands = parser.add_subparsers(dest="data_command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        _module(name).add_arguments(command)


def execute(arguments: argparse.Namespace) -> int:
    """Run the command that is asked for."""
    return _module(arguments.data_command).execute(arguments)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"harness.cli.data_{name.replace('-', '_')}")
