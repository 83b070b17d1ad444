"""The clips of a report: chosen from its records, predicted again from saved weights, handed to the report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import protocols
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.report import Report
    from harness.report.player import Choice

CLIPS = 4


def with_clips(report: Report, clips: int = CLIPS) -> Report:
    """The report with the ``clips`` that tell its arms apart; without data or weights, with the reason for none.

    The reason is also printed.
    """
    from harness.report import player

    try:
        if not protocols.of(report.spec.test.protocol).scoring.as_shown:
            raise player.Unplayable(f"the protocol '{report.spec.test.protocol}' scores other than what a clip shows")
        choice = player.choose(report.evidence, clips)
        shown = player.show(choice, _played(report, choice))
    except (player.Unplayable, UserError) as error:
        print(f"no clip is shown: {error}\n")
        # The page may go elsewhere: where files lie here is of no use there.
        return replace(report, player=player.absent(error.message if isinstance(error, UserError) else str(error)))
    return replace(report, player=shown.fragment, still=shown.still)


def _played(report: Report, choice: Choice) -> list[list[Any]]:
    """For each chosen clip the baseline's replay and the other arm's."""
    from harness import data

    runs, protocol = {run.run_id: run for run in report.spec.runs}, report.spec.test.protocol
    weights = {run_id: _weights(report, run_id) for run_id in choice.runs}
    for run_id in choice.runs:
        given = runs[run_id].data
        # Before torch is loaded for nothing.
        found = data.fingerprint(given.dataset, given.path, **given.options)
        data.check_fingerprint(given.fingerprint, found, given.path, key="data.fingerprint")
    from harness.training.replay import replay

    together: dict[str, list[int]] = defaultdict(list)
    for place, pick in enumerate(choice.picks):
        together[pick.cameras].append(place)
    played: list[list[Any]] = [[] for _ in choice.picks]
    for run_id in choice.runs:
        for cameras, places in together.items():
            wanted = [(choice.picks[place].clip, choice.picks[place].camera) for place in places]
            found_clips = replay(
                runs[run_id], weights[run_id], wanted, level=choice.level, cameras=cameras, protocol=protocol
            )
            for place, one in zip(places, found_clips, strict=True):
                played[place].append(one)
    return played


def _weights(report: Report, run_id: str) -> Path:
    from harness import tracking

    try:
        return tracking.path(report.uri, report.evidence.records[run_id], "best.pt")
    except FileNotFoundError:
        raise UserError(f"the record of run {run_id} has no weights") from None
