"""Whether a spec's protocol can score its runs, and whether it says where their epochs were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from harness import protocols
from harness.data import resolve_split, skeleton_of
from harness.errors import UserError
from harness.protocols import Protocol
from harness.spec import seen
from harness.spec.run import Data, Run
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document, Path

_PLACE = ("test", "protocol")


def named(file: SpecFile, document: Document) -> Protocol:
    """The protocol of a spec.

    Raises:
        UserError: none is called so, with the nearest name; a claim or a study beside scores of epochs that test data
            chose.
    """
    protocol = protocols.of(file.test.protocol, **document.where(_PLACE))
    if not protocol.chosen_on_test:
        return protocol
    given: list[tuple[Path, str]] = []
    if file.claims:
        given.append((("claims", 0), "no claim may rest on them"))
    if file.study is not None:
        given.append((("study",), "a study would tune by the test subjects"))
    for place, why in given:
        message = f"the scores of '{protocol.name}' are of epochs chosen on test data: {why}"
        raise UserError(message, **document.where(place))
    return protocol


def fits(protocol: Protocol, runs: Iterable[Run], document: Document) -> None:
    """Refuse runs that the protocol can't score, or whose epochs are chosen by others than it says.

    Joints are looked for in skeletons that are known without reading a data file; recordings that are left out by
    `harness.training.check_protocol`, when a run begins.

    Raises:
        UserError: located at the protocol, or at the split.
    """
    checked: dict[int, tuple[Data, bool]] = {}
    for run in runs:
        if id(run.data) not in checked:
            _scores(protocol, run.data, document)
            split = resolve_split(run.data.dataset, run.data.split, run.data.options, run.data.path)
            checked[id(run.data)] = run.data, split.chosen_on_test
        on_test = checked[id(run.data)][1]
        if run.checkpoint is not None or on_test == protocol.chosen_on_test:
            continue
        if on_test:
            message = (
                f"the split leaks: its test subjects choose the epoch, and the protocol '{protocol.name}' doesn't say "
                "so; validate on others, or name one that does in test.protocol, e.g. best-on-test"
            )
            raise UserError(message, **document.where(_split(document)))
        message = (
            f"the scores of '{protocol.name}' are of epochs chosen on test data, and these runs choose theirs by other "
            "subjects: it goes with a split that validates on its test subjects, e.g. h36m-chosen-on-test"
        )
        raise UserError(message, **document.where(_PLACE))


def _scores(protocol: Protocol, data: Data, document: Document) -> None:
    """Refuse data whose joints or targets the protocol can't score."""
    skeleton = skeleton_of(data.dataset, data.options)
    if skeleton is None and data.path is not None:
        found = seen.recall(data)
        skeleton = found.skeleton if found is not None else None
    try:
        protocol.scoring.fits_root(data.root)
        if skeleton is not None:
            protocol.scoring.fits_skeleton(skeleton)
    except UserError as error:
        message = f"the protocol '{protocol.name}' can't score these data: {error.message}"
        raise UserError(message, **document.where(_PLACE)) from None


def _split(document: Document) -> Path:
    """Where the split is written: on the axis of the grid that varies it, else under ``data``."""
    for path in document.lines:
        if len(path) == 2 and path[0] == "grid" and "data.split" in [x.strip() for x in str(path[1]).split(",")]:
            return path
    return ("data", "split")
