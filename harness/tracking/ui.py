"""MLflow's own page on the store in use."""

from __future__ import annotations

import sys

from harness.errors import UserError
from harness.tracking.store import artifact_root, resolve, sqlite_path


def ui_command(uri: str | None = None, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
    """The command that serves MLflow's page on a store.

    Raises:
        UserError: there is no store yet, or the store is a server, which has a page of its own.
    """
    uri = resolve(uri)
    if uri.startswith("http"):
        raise UserError(f"the store is a server; its page is {uri}", key="tracking.uri")
    file = sqlite_path(uri)
    if file is not None and not file.exists():
        raise UserError(f"there is no store at {file} yet; `repose run SPEC` makes one", key="tracking.uri")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    return [*command, "--default-artifact-root", str(artifact_root(uri)), "--host", host, "--port", str(port)]
