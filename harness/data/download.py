"""Files from a web server: one connection at a time, a pause between requests, and nothing fetched twice.

A file is fetched into ``NAME.part`` and takes its name when it is whole. What is left of an interrupted one is
continued by an HTTP range, if the server still has the same version of it (its ETag or date is kept beside the part).
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from harness import __version__
from harness.errors import UserError

AGENT = f"repose-harness/{__version__} (research; one connection, with pauses)"
SUMS = "SHA256SUMS"
_CHUNK = 1 << 16
_BUSY = (429, 500, 502, 503, 504)
_BROKEN = (OSError, http.client.HTTPException)  # URLError, timeouts and dropped connections are OSErrors
_LONGEST_WAIT = 120.0


class Downloader:
    """Fetches files of one server into one folder.

    Args:
        base: the address that names are relative to.
        folder: where they are kept, under the same names; ``SHA256SUMS`` there lists what is whole.
        pause: seconds between requests. tries: of each request before giving up; the pause doubles between them.
        expected: SHA-256 by name, of files that somebody else has fetched; another content is refused.
        say: told of each file that was fetched.
    """

    def __init__(
        self,
        base: str,
        folder: Path,
        *,
        pause: float = 1.0,
        tries: int = 4,
        timeout: float = 60.0,
        expected: Mapping[str, str] | None = None,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        if not re.match(r"https?://[^/]+", base):
            raise UserError(f"expected an address that begins with http:// or https://; got '{base}'", key="--base-url")
        self.base, self.folder = base.rstrip("/"), folder
        self.pause, self.tries, self.timeout = pause, tries, timeout
        self.expected, self.say = dict(expected or {}), say
        self.sums = read_sums(folder / SUMS) if (folder / SUMS).exists() else {}
        self.fetched = self.kept = 0
        self._last: float | None = None

    def fetch(self, name: str, *, optional: bool = False) -> Path | None:
        """The file of this name, fetched if it isn't here as ``SHA256SUMS`` says.

        Returns:
            its path; None for an optional one that the server hasn't.
        Raises:
            UserError: no server, no such file, a connection that is dropped again and again, another checksum.
        """
        path = self.folder / name
        if path.is_file() and self.sums.get(name) == digest(path):
            self._check(name, path, self.sums[name])
            self.kept += 1
            return path
        part, kept = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.version")
        for attempt in range(self.tries):
            try:
                whole = self._continue(name, part, kept)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in (404, 410) and optional:
                    return None
                if error.code not in _BUSY or attempt + 1 == self.tries:
                    self._refused(name, error)
                self._wait(attempt, error.headers.get("Retry-After"))
            except _BROKEN as error:
                if attempt + 1 == self.tries:
                    self._gave_up(name, part, error)
                self._wait(attempt)
            else:
                self._keep(name, whole, path, kept)
                return path
        raise AssertionError("unreachable")

    def page(self, name: str) -> str:
        """A page's text, or nothing where the server has none to give.

        Raises:
            UserError: no server, or a connection that is dropped again and again: half a page isn't believed.
        """
        for attempt in range(self.tries):
            try:
                with self._open(name, {}) as answer:
                    return answer.read().decode("utf-8", "replace")
            except urllib.error.HTTPError as error:
                error.close()
                if error.code not in _BUSY:
                    return ""
                self._wait(attempt, error.headers.get("Retry-After"))
            except _BROKEN as error:
                if attempt + 1 == self.tries:
                    self._gave_up(name, None, error)
                self._wait(attempt)
        return ""

    def _open(self, name: str, headers: Mapping[str, str]) -> Any:
        if self._last is not None:
            time.sleep(max(0.0, self._last + self.pause - time.monotonic()))
        request = urllib.request.Request(f"{self.base}/{name}", headers={"User-Agent": AGENT, **headers})
        try:
            return urllib.request.urlopen(request, timeout=self.timeout)
        finally:
            self._last = time.monotonic()

    def _continue(self, name: str, part: Path, kept: Path) -> Path:
        """Fetch what is missing of a file; returns the whole part."""
        have = part.stat().st_size if part.exists() else 0
        version = kept.read_text(encoding="utf-8") if kept.exists() else ""
        headers = {"Range": f"bytes={have}-", "If-Range": version} if have and version else {}
        # Ranges count bytes of what is sent: it must not be compressed on the way.
        try:
            answer = self._open(name, {"Accept-Encoding": "identity", **headers})
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            if error.headers.get("Content-Range") == f"bytes */{have}":
                error.close()
                return part  # stopped after its last byte
            part.unlink(missing_ok=True)
            raise http.client.HTTPException("the server has fewer bytes than are here") from None
        part.parent.mkdir(parents=True, exist_ok=True)  # not for what the server hasn't
        with answer:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range") or "")
            if answer.status == 206 and (span is None or int(span[1]) != have):
                part.unlink(missing_ok=True)
                raise http.client.HTTPException("the server sent another range than was asked for")
            length = answer.headers.get("Content-Length")
            size = int(span[2]) if answer.status == 206 and span else int(length) if length else None
            if size is None and answer.headers.get("Transfer-Encoding") != "chunked":
                raise http.client.HTTPException("the server doesn't say how long the file is")
            resumed = answer.status == 206
            if not resumed:
                part.unlink(missing_ok=True)
                tag = answer.headers.get("ETag") or ""
                # A weak tag can't vouch for bytes.
                own = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified") or ""
                kept.write_text(own, encoding="utf-8")
            with open(part, "ab" if resumed else "wb") as file:
                while block := answer.read(_CHUNK):
                    file.write(block)
        got = part.stat().st_size
        if size is not None and got != size:
            raise http.client.HTTPException(f"the connection was dropped after {got:,} of {size:,} bytes")
        return part

    def _keep(self, name: str, part: Path, path: Path, kept: Path) -> None:
        with open(part, "rb") as file:
            page = file.read(64).lstrip().lower().startswith((b"<!doctype", b"<html"))
        kept.unlink(missing_ok=True)
        if page:
            part.unlink()
            raise UserError("the server answered with a web page instead of the file", file=f"{self.base}/{name}")
        found = digest(part)
        self._check(name, part, found)
        part.replace(path)
        self.sums[name] = found
        write_sums(self.folder / SUMS, self.sums)
        self.fetched += 1
        self.say(f"{name}  {path.stat().st_size:,} bytes")

    def _check(self, name: str, path: Path, found: str) -> None:
        wanted = self.expected.get(name, found)
        if wanted != found:
            size = path.stat().st_size
            if path.suffix == ".part":
                path.unlink()
            message = f"SHA-256 {found[:16]}… ({size:,} bytes); expected {wanted[:16]}…"
            raise UserError(f"{message}: another version, or a damaged one", file=f"{self.base}/{name}")

    def _wait(self, attempt: int, asked: str | None = None) -> None:
        wait = float(asked) if asked and asked.isdigit() else self.pause * 2**attempt
        time.sleep(min(wait, _LONGEST_WAIT))

    def _refused(self, name: str, error: urllib.error.HTTPError) -> NoReturn:
        message = f"the server answers {error.code} ({error.reason})"
        raise UserError(message, file=f"{self.base}/{name}") from None

    def _gave_up(self, name: str, part: Path | None, error: Exception) -> NoReturn:
        have = part.stat().st_size if part is not None and part.exists() else 0
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        message = f"not fetched in {self.tries} tries ({reason})"
        more = f"; {have:,} bytes are kept, and the same command goes on from there" if have else ""
        raise UserError(f"{message}{more}", file=f"{self.base}/{name}") from None


def digest(path: Path) -> str:
    """A file's SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sums(path: Path) -> dict[str, str]:
    """Name → SHA-256, from a file that ``sha256sum`` writes and checks.

    Raises:
        UserError: no such file, or another line in it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"can't be read as checksums ({error})", file=str(path)) from None
    found = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if match is None:
            raise UserError("expected a SHA-256, two spaces and a name", file=str(path), line=number)
        found[match[2]] = match[1]
    return found


def write_sums(path: Path, sums: Mapping[str, str]) -> None:
    """Write what `read_sums` reads."""
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")
    part.replace(path)
