"""`repose`: finds the subcommand and turns errors that a user can mend into one line and exit code 2."""

from __future__ import annotations

import argparse
import errno
import importlib
import keyword
import sys
from collections.abc import Sequence
from typing import Any

from harness import __version__
from harness.cli.arguments import Parser
from harness.errors import UserError, nearest

COMMANDS = {
    "plan": "what would run: counts per axis, finished and to do, estimated time",
    "run": "run what isn't done, then report",
    "status": "where a spec stands: finished, at work and where, failed and why, time left",
    "logs": "what a run said while it was at work, and why it failed",
    "retry": "do again the runs that failed, and no others",
    "rm": "take runs back: records and files go, and the runs are to do again",
    "export": "everything behind a report as one archive",
    "import": "bring an archive of `export` into a store: the same report elsewhere",
    "tune": "search for the best values of fields, by validation subjects, with the same budget for each arm",
    "evaluate": "score a checkpoint, published or your own, without training, beside the arms of a spec",
    "rescore": "score saved weights again: metrics and test conditions that came later, without training",
    "report": "tables and figures from what the runs left",
    "rerun": "do runs of a report again from nothing, and compare",
    "power": "how many seeds a stated effect needs, from the runs of a pilot",
    "validate": "check a spec: exit 0, or the line that is wrong",
    "check": "check a backbone against the contract, a line a check: exit 0, or 1 if one fails",
    "data": "motion data: fetch, import, list, show and check them; fit a detector",
    "ls": "what can be named in a spec, one line each",
    "cp": "copy a shipped spec to start from",
    "schema": "the JSON Schema of spec files, for editors",
    "ui": "MLflow's own page on the store in use",
}
INTERRUPTED = 130
FAILED = 1
USER_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0, 1 if runs failed or a disk is full, 2 if what the user gave is wrong, 130 if interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _arguments(given)
        return _module(arguments.command).execute(arguments)
    except UserError as error:
        print(f"repose: error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("repose: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`repose ls | head`) has what it wanted; closing stderr keeps Python from complaining.
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(f"repose: error: no room left to write{_to(error)}: {error.strerror}", file=sys.stderr)
        return FAILED


def _to(error: OSError) -> str:
    return f" {error.filename}" if error.filename else ""


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    """What was given, parsed; a flag that isn't known ends with its command's own error."""
    parser, commands = _parser(given)
    arguments, rest = parser.parse_known_args(given)
    if rest:
        command = commands[arguments.command]
        flags = [flag for action in command._actions for flag in action.option_strings]
        guess = nearest(rest[0].partition("=")[0], flags) if rest[0].startswith("-") else None
        command.error(f"unknown argument '{rest[0]}'" + (f"; did you mean '{guess}'?" if guess else ""))
    return arguments


def _module(command: str) -> Any:
    """The module of a subcommand; one that is called like a word of Python has a `_` after it."""
    return importlib.import_module(f"harness.cli.{command}{'_' * keyword.iskeyword(command)}")


def _parser(given: Sequence[str]) -> tuple[Parser, dict[str, Parser]]:
    """The parser, and those of the subcommands, of which only the one that is asked for is imported."""
    parser = Parser(
        prog="repose",
        description="Ablation harness for 2D-to-3D human pose lifting: one YAML file in, paired tables out.",
    )
    parser.add_argument("--version", action="version", version=f"repose {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in given if not word.startswith("-")), None)
    found: dict[str, Parser] = {}
    for name, summary in COMMANDS.items():
        command = found[name] = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == asked:
            _module(name).add_arguments(command)
    return parser, found


if __name__ == "__main__":
    sys.exit(main())
