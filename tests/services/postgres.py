"""A throw-away PostgreSQL cluster on loopback, made with `initdb`; as root it runs as nobody."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType


class Postgres:
    """A running server; `url` names a fresh database of it.

    initdb refuses root, so the folder and the processes then belong to nobody.
    """

    def __init__(self) -> None:
        self._bin = _programs()
        self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        # Not under the tests' own folder, whose parents nobody may not enter; short, for the socket's path.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._made = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self) -> Postgres:
        if self._as:
            shutil.chown(self._folder, "nobody", "nogroup")
        self._run("initdb", "--auth=trust", "--username=repose", "--encoding=UTF8", "-D", f"{self._folder}/data")
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def said(self) -> str:
        """The end of its log."""
        return (self._folder / "log").read_text()[-4000:]

    def url(self) -> str:
        """The address of a new, empty database."""
        self._made += 1
        name = f"mlflow{self._made}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "repose", name)
        return f"postgresql://repose@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def locked(self, url: str) -> Iterator[None]:
        """Within, nobody else gets at any table of a database."""
        import psycopg

        with psycopg.connect(url) as held:
            found = held.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier(name) for (name,) in sorted(found))
            held.execute(psycopg.sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
            yield

    def restart(self, seconds: float = 0.0) -> None:
        """Stop the server, wait, and start it again."""
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-m", "fast", "-w", "stop")
        time.sleep(seconds)
        self._start()

    def _start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c fsync=off -k {self._folder}"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-l", f"{self._folder}/log", "-w", "-o", options, "start")

    def _run(self, program: str, *words: str) -> None:
        command = [*self._as, str(self._bin / program), *words]
        # pg_ctl's child keeps the pipes open: what it says goes to a file.
        with open(self._folder.parent / f"{self._folder.name}.out", "w+") as said:
            done = subprocess.run(command, cwd="/", stdout=said, stderr=said, timeout=120)
            said.seek(0)
            assert done.returncode == 0, f"{program}: {said.read()}"
        os.unlink(said.name)


def _programs() -> Path:
    """The folder of the newest installed server's programs: Debian keeps them off the path."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    assert path, "no PostgreSQL server is installed (tests/services/packages.sh installs it)"
    return Path(path).resolve().parent
