"""optuna-dashboard on the history of a spec's study."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from harness.errors import UserError
from harness.tune.storage import KEY, driver_url, open_storage, place


def dashboard_command(
    spec: str, uri: str, storage: str | None = None, *, host: str = "127.0.0.1", port: int = 8080
) -> list[str]:
    """The command that serves the pages of a study.

    Args:
        spec: its name.
        uri: the store of runs, beside which the history lies.
        storage: where the history is kept instead; see `harness.tune.storage.place`.
        host, port: where to listen.

    Raises:
        UserError: there is no such study, nobody answers at its storage, or it can't be read.
    """
    where = place(spec, uri, storage)
    kept = open_storage(where, read_only=True)
    names = [study.study_name for study in kept.get_all_studies()]
    if not any(name.startswith(f"{spec}: ") for name in names):
        known = sorted({name.partition(": ")[0] for name in names})
        other = f" (it holds {', '.join(known)})" if known else ""
        raise UserError(f"there is no study of '{spec}' at {where}{other}; `repose tune {spec}` makes one", key=KEY)
    command = [sys.executable, str(Path(sysconfig.get_path("scripts")) / "optuna-dashboard")]
    at = (
        [driver_url(where)]
        if "://" in where
        else [str(Path(where).absolute()), "--storage-class", "JournalFileStorage"]
    )
    return [*command, *at, "--host", host, "--port", str(port), "--quiet"]
