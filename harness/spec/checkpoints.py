"""Checkpoints in a spec: weights that others trained, tested beside the arms and never trained here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import own_backbones, registry
from harness.errors import UserError, unknown
from harness.spec import checks
from harness.spec.fields import SHORTHANDS, Field, Setting
from harness.spec.readback import NOTHING
from harness.spec.run import Checkpoint, Choice, Run, Train

if TYPE_CHECKING:
    from harness.spec.schema import CheckpointEntry
    from harness.spec.sections import Builder


def runs(builder: Builder, fixed: Sequence[Setting]) -> Iterator[Run]:
    """One run of each checkpoint that the spec lists; its objective is called by the checkpoint's name.

    Args:
        builder: of the spec.
        fixed: settings from the command line, of which those of the data hold here too.
    Raises:
        UserError: an unknown backbone or option, a file that isn't there or isn't the declared one, data that the
            network can't take; located in the file.
    """
    file, document = builder.file, builder.document
    for name, entry in file.checkpoints.items():
        place = ("checkpoints", name)
        if name in file.objectives:
            raise UserError(
                f"'{name}' is an objective already; give the checkpoint another name", **document.where(place)
            )
        backbone, called = _backbone(builder, name, entry)
        settings = [setting for setting in fixed if setting.field.section == "data"]
        for field in ("window", "frames_out"):
            value = getattr(entry, field)
            if value is not None:
                settings.append(Setting(Field(f"data.{field}", "data", ("data", field)), value, (*place, field)))
        data = builder.build("data", settings)
        checks.backbone_fits_data(backbone, called, data.part, document)
        labels = {axis: data.labels.get(axis, NOTHING) for axis in (*SHORTHANDS, *builder.swept)}
        yield Run.model_construct(
            data=data.part,
            backbone=backbone,
            objective={},
            train=Train(flip_test=entry.flip_test),
            seed=0,
            checkpoint=_file(entry, document.folder, document.where((*place, "path"))),
            labels={**labels, "backbone": called, "objective": name, "seed": "0"},
        )


def _backbone(builder: Builder, name: str, entry: CheckpointEntry) -> tuple[Choice, str]:
    """The network, and what the spec calls it."""
    file, document = builder.file, builder.document
    where = document.where(("checkpoints", name, "backbone"))
    given = dict(entry.backbone) if isinstance(entry.backbone, dict) else {"name": entry.backbone}
    called = given.pop("name", None)
    known = {*registry.names("backbones"), *file.backbones}
    if not isinstance(called, str) or (called not in known and not own_backbones.in_file(called)):
        raise unknown("backbone", str(called), known, **where)
    base, options = called, given
    if called in file.backbones:
        declared = dict(file.backbones[called])
        base = declared.pop("base")
        options = {**declared, **given}
    found = registry.get("backbones", own_backbones.absolute(base, document.folder), **where)
    try:
        return Choice(name=found.canonical, options=registry.check_options(found, options)), called
    except UserError as error:
        path = ("checkpoints", name, "backbone", *([error.key] if error.key in options else ()))
        raise UserError(error.message, **document.where(path)) from None


def _file(entry: CheckpointEntry, folder: Path, where: dict[str, Any]) -> Checkpoint:
    """Where the file is and what is in it; a file that isn't there is good enough if its digest is declared."""
    given = Path(entry.path).expanduser()
    path = given if not (folder / given).exists() and given.exists() else folder / given
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        if entry.digest is None:
            raise UserError(f"the checkpoint {path} can't be read: {error.strerror}", **where) from None
        found = entry.digest
    if entry.digest not in (None, found):
        raise UserError(f"the checkpoint {path} is another one: declared is {entry.digest}, found {found}", **where)
    return Checkpoint(path=str(path.resolve()), digest=found, part=entry.part)
