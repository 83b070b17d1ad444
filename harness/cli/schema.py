"""`repose schema [FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="where to write it (default: standard output)")


def execute(arguments: argparse.Namespace) -> int:
    """Write the JSON Schema."""
    from harness.errors import UserError
    from harness.spec import json_schema

    if arguments.file is None:
        sys.stdout.write(json_schema.text())
        return 0
    try:
        Path(arguments.file).write_text(json_schema.text(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"can't be written ({error.strerror})", file=arguments.file) from None
    print(arguments.file)
    return 0
