"""Names of the tags and experiments that the harness writes to MLflow, and where the code came from."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from harness import training_code

RUN_ID = "repose.run_id"
SPEC = "repose.spec"
LABELS = "repose.labels"
SHAPE = "repose.shape"
CLAIM = "repose.claim"
OWNER = "repose.owner"
HEARTBEAT = "repose.heartbeat"
AT = "repose.at"
REASON = "repose.reason"
PRUNED = "repose.pruned"
HOST = "repose.host"
VERSIONS = "repose.versions"
COMMIT = "mlflow.source.git.commit"
DIRTY = "repose.git.dirty"
EVALUATED = "repose.evaluated"
ADDED = "repose.evaluated."
"""Of tags that name an evaluation file each: the name follows."""
ORIGIN = "repose.origin"
HARDWARE = "repose.hardware"
LICENCE = "repose.licence"
CHECKPOINT = "repose.checkpoint"
RESUMED = "repose.resumed"
LIMIT = "repose.limit"
CODE = "repose.code"

LEDGER = "repose-ledger"
"""Experiment that names the ledger: its tag `LEDGER_RUN` is written with it, in one transaction."""
LEDGER_RUN = "repose.ledger_run"
CLAIMS = "repose-claims"
"""Experiment that holds the ledger, a record whose parameters are the claims."""

_PACKAGES = ("torch", "mlflow", "ray", "repose-harness")


def provenance() -> dict[str, str]:
    """Tags that say which code ran: versions, a digest of what trains, and the git commit if it is a checkout.

    The driver calls this once; a worker adds its own host.
    """
    versions = json.dumps({"python": platform.python_version(), **_versions()})
    tags = {VERSIONS: versions, CODE: training_code.digest()}
    root = Path(__file__).resolve().parents[2]
    commit = _git(root, "rev-parse", "HEAD")
    if commit:
        tags[COMMIT] = commit
        tags[DIRTY] = str(bool(_git(root, "status", "--porcelain", "--untracked-files=no"))).lower()
    return tags


def host() -> str:
    """This machine's name."""
    return socket.gethostname()


@lru_cache(maxsize=1)
def hardware() -> str:
    """This machine's processor, how many it has, and the GPU of this process if it has loaded torch."""
    named = f"{_processor()}, {os.cpu_count()} CPUs"
    torch = sys.modules.get("torch")  # loading it here would cost seconds, for a name
    return f"{named}, {torch.cuda.get_device_name()}" if torch is not None and torch.cuda.is_available() else named


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _git(root: Path, *arguments: str) -> str:
    """Output of a git command in ``root``; empty where there's no git or no checkout."""
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
