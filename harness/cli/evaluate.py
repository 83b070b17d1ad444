"""`repose evaluate CHECKPOINT`."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import arguments as shared
from harness.cli.main import INTERRUPTED
from harness.cli.report import publish
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.spec import Spec

_DATA_SPEC = """\
objectives: {none: {mpjpe: 1}}
backbone: constant_pose
grid: {seed: 1}
"""
"""What a spec must have beside its data; none of its runs is done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="the file: published weights, or your own")
    parser.add_argument("--backbone", required=True, metavar="NAME", help="the network (`repose ls backbones`)")
    parser.add_argument(
        "-o",
        dest="options",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="an option of the network, e.g. -o depth=4; may be repeated",
    )
    parser.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="SPEC",
        help="the spec whose test it takes and whose report it enters; or fields of `data`: dataset=mocap path=…",
    )
    parser.add_argument("--name", metavar="NAME", help="what reports call it (default: the file's name)")
    parser.add_argument("--part", metavar="KEY", help="the entry that holds the weights, where the file has several")
    parser.add_argument("--window", type=shared.positive, metavar="T", help="input frames, if other than the data's")
    parser.add_argument("--no-flip", action="store_true", help="don't average with the mirrored input's prediction")
    parser.add_argument("--test-occlusion", nargs="+", metavar="LEVEL", help="test levels (default: the spec's)")
    parser.add_argument("--out", metavar="DIR", help="the report's folder (default: results/NAME)")
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Score the checkpoint under all test conditions, then report it beside what the spec has finished."""
    path = Path(arguments.checkpoint)
    if not path.is_file():
        raise UserError("no such checkpoint", file=str(path))
    if arguments.name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", arguments.name):
        raise UserError(f"a name holds letters, digits, '_' and '-'; got '{arguments.name}'", key="--name")
    name = arguments.name or re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-") or "checkpoint"
    entry = _entry(arguments, path)
    spec = _spec(arguments, name, entry)
    own = [run for run in spec.runs if run.checkpoint is not None and run.labels["objective"] == name]
    from harness import tracking, training
    from harness.report.writing import check
    from harness.sweep import run_sweep

    for run in own:
        training.published(run)  # what doesn't fit is told before there is a record
    uri = arguments.tracking_uri or spec.tracking.uri
    check(Path(arguments.out) if arguments.out else Path("results") / spec.name)
    with shared.located(spec, arguments):
        outcome = run_sweep(replace(spec, runs=own, claims=()), uri=uri)
        if outcome.interrupted:
            return INTERRUPTED
        if outcome.failed:
            return 1
        trained = [run.run_id for run in spec.runs if run.checkpoint is None]
        if not tracking.finished(uri, trained):
            bare = spec.report.model_copy(update={"baseline": {}, "tables": [], "figures": "all"})
            spec = replace(spec, runs=own, claims=(), report=bare)
        publish(spec, uri, arguments.out)
    print(f"to keep it in the spec's reports:\ncheckpoints:\n  {name}: {_flow(entry)}")
    return 0


def _entry(arguments: argparse.Namespace, path: Path) -> dict[str, Any]:
    """The entry of a spec's ``checkpoints`` that says the same."""
    import yaml

    options: dict[str, Any] = {}
    for text in arguments.options:
        option, equals, value = text.partition("=")
        if not equals or not option:
            raise UserError(f"an option is name=value, e.g. -o depth=4; got '{text}'", key="-o")
        try:
            options[option] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"the value of '{option}' isn't YAML: {value}", key="-o") from None
    backbone = {"name": arguments.backbone, **options} if options else arguments.backbone
    entry: dict[str, Any] = {"path": str(path.resolve()), "backbone": backbone}
    entry |= {"part": arguments.part} if arguments.part else {}
    entry |= {"window": arguments.window} if arguments.window else {}
    return entry | ({"flip_test": False} if arguments.no_flip else {})


def _spec(arguments: argparse.Namespace, name: str, entry: dict[str, Any]) -> Spec:
    """The spec that is named, or one of the data alone, with the checkpoint in it."""
    given = f"checkpoints.{name}={_flow(entry)}"
    overrides = [given]
    if arguments.test_occlusion:
        overrides.append(f"test.occlusion=[{', '.join(arguments.test_occlusion)}]")
    if not any("=" in word for word in arguments.data):
        if len(arguments.data) > 1:
            raise UserError("one spec, or fields of the data: field=value …", key="--data")
        return _loaded(arguments.data[0], overrides, given)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.yaml"
        file.write_text(f"name: {name}\n{_DATA_SPEC}")
        fields = [f"data.{word}" for word in arguments.data]
        return _loaded(file, [*fields, *overrides], given)


def _loaded(path: str | Path, overrides: list[str], given: str) -> Spec:
    """The spec; what is wrong with an override that stands for flags is told at the flags."""
    from harness.spec import load

    try:
        return load(path, overrides, data="need")
    except UserError as error:
        if error.file == f"-o {given}":
            option = (error.key or "").rpartition(".backbone")[2].removeprefix(".")
            raise UserError(error.message, key=f"-o {option}" if option else "--backbone") from None
        if (error.file or "").startswith("-o data."):
            raise UserError(error.message, key=f"--data {(error.file or '').removeprefix('-o data.')}") from None
        raise


def _flow(value: Any) -> str:
    """As YAML on one line: JSON is that."""
    return json.dumps(value)
