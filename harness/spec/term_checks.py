"""Whether an objective's terms go together, and go with the skeleton of the data, found before a worker starts.

A detector whose errors are drawn must go with the skeleton, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness import registry
from harness.data import skeleton_of
from harness.errors import UserError
from harness.skeleton import Skeleton
from harness.spec import seen
from harness.spec.detector_noise import DetectorNoise
from harness.spec.run import Data, Run, split_term
from harness.spec.schedule_checks import term_written
from harness.spec.yaml_lines import Document

_BONES = {
    "some": ("bones", lambda skeleton: skeleton.bones),
    "mirrored": ("bones on the left and on the right", lambda skeleton: skeleton.mirrored_bones),
    "joined": (
        "two bones that share a joint",
        lambda skeleton: len({j for b in skeleton.bones for j in b}) < 2 * len(skeleton.bones),
    ),
}
"""What a term's literal ``needs_bones`` asks of a skeleton: in words, and where it is found."""


def terms_go_together(objective: Mapping[str, Any], name: str, document: Document) -> None:
    """Refuse an objective that trains no lifter, or whose terms want one companion in two ways.

    Terms of one companion say in a literal ``shared = ("decay",)`` which options of theirs are the companion's.

    Args:
        name: what the spec calls the objective.
    Raises:
        UserError: located at the objective, or at the option.
    """
    trained = [term for term, given in objective.items() if split_term(given)[0]]
    if all(registry.attribute(registry.get("losses", term), "poseless", False) for term in trained):
        message = f"no gradient of {' or '.join(trained)} reaches the predicted pose: there is nothing to train with"
        raise UserError(message, **document.where(("objectives", name)))
    agreed: dict[tuple[Any, str], tuple[str, Any]] = {}
    for term in trained:
        entry = registry.get("losses", term)
        for option in registry.attribute(entry, "shared", ()):
            value = split_term(objective[term])[1].get(option, registry.options(entry)[option].default)
            companion = registry.attribute(entry, "companion", None)
            other, theirs = agreed.setdefault((companion, option), (term, value))
            if theirs != value:
                message = f"{other} and {term} share what their '{option}' is of, and give it as {theirs} and {value}"
                written = next((t for t in (term, other) if option in split_term(objective[t])[1]), term)
                raise UserError(message, **document.where(term_written(document, name, written, option)))


def terms_fit_skeletons(runs: Iterable[Run], document: Document) -> None:
    """Refuse loss terms that the data's skeleton can't have: over bones it lacks, or with weights of other joints.

    Where the data file was not there to be read, nothing is said.

    Raises:
        UserError: such a term, located where the spec asks for it.
    """
    checked: set[tuple[int, int]] = set()
    known: dict[int, Skeleton | None] = {}
    for run in runs:
        pair = id(run.data), id(run.objective)
        if pair in checked or run.checkpoint is not None:
            continue
        checked.add(pair)
        if pair[0] not in known:
            known[pair[0]] = known_skeleton(run.data)
            _detector_fits(run.data, known[pair[0]], document)
        skeleton = known[pair[0]]
        if skeleton is not None:
            for term, (_, options) in run.terms.items():
                _fits(term, options, skeleton, run.labels["objective"], document)


def _fits(term: str, options: Mapping[str, Any], skeleton: Skeleton, name: str, document: Document) -> None:
    entry = registry.get("losses", term)
    wanted, key = registry.attribute(entry, "needs_bones", None), ""
    if options.get("pairs", "all") != "all":
        wanted, key = "some", "pairs"
    if wanted is not None and not _BONES[wanted][1](skeleton):
        asking = f"{term} with pairs: {options[key]}" if key else term
        message = f"{asking} needs a skeleton with {_BONES[wanted][0]}; '{skeleton.name}', the data's, has none"
        raise UserError(
            message, **document.where(term_written(document, name, term, key) if key else ("objectives", name, term))
        )
    given = options.get("per_joint")
    if given is not None and len(given) != len(skeleton):
        message = (
            f"per_joint has {len(given)} weights, and the data's skeleton '{skeleton.name}' {len(skeleton)} joints"
        )
        raise UserError(message, **document.where(term_written(document, name, term, "per_joint")))


def _detector_fits(data: Data, skeleton: Skeleton | None, document: Document) -> None:
    if skeleton is None or not isinstance(data.noise, DetectorNoise):
        return
    try:
        data.noise.read().of(skeleton)
    except UserError as error:
        where = document.where(("data", "noise") if ("data", "noise") in document.lines else ("data",))
        raise UserError(error.message, **where) from None


def known_skeleton(data: Data) -> Skeleton | None:
    """The skeleton of generated data, or of a file that was read before; None if neither."""
    found = skeleton_of(data.dataset, data.options)
    kept = seen.recall(data) if found is None and data.path is not None else None
    return found if kept is None else kept.skeleton
