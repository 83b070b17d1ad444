"""One archive of many files, each with its checksum; read with suspicion, as it may come from anywhere.

A gzipped tar: ``manifest.json`` first, with the length and SHA-256 of every other file, then those files by name. The
same content makes the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError

MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 256_000_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=-]*(/[A-Za-z0-9_][A-Za-z0-9._+=-]*){0,3}")
"""Of a file: no empty part, and none that begins with a dot or a slash, so it can't lead out of a folder."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


def write(out: Path, about: Mapping[str, Any], files: Mapping[str, bytes | Path]) -> str:
    """Write an archive; it appears whole or not at all. Returns the SHA-256 of its manifest.

    Args:
        out: the file to make.
        about: what the manifest says beside the files.
        files: name in the archive → content, or a file that has it.

    Raises:
        UserError: it exists, or can't be written.
    """
    if out.exists():
        raise UserError("exists already", file=str(out))
    listed = {name: dict(zip(("bytes", "sha256"), _measured(files[name]), strict=True)) for name in sorted(files)}
    manifest = json.dumps({**about, "files": listed}, indent=1, sort_keys=True, ensure_ascii=False).encode()
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Neither names nor times of this machine: gzip would write both.
        with (
            open(part, "wb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            _put(archive, MANIFEST, manifest)
            for name in listed:
                _put(archive, name, files[name])
        part.replace(out)
    except OSError as error:
        raise UserError(f"can't be written ({error.strerror})", file=str(out)) from None
    finally:
        part.unlink(missing_ok=True)
    return hashlib.sha256(manifest).hexdigest()


def unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Check an archive and lay its files into an empty folder; returns its manifest.

    Nothing but plain files that the manifest lists with their true length and checksum is accepted, and nothing is
    ever written outside ``folder``.

    Raises:
        UserError: it isn't such an archive, is damaged, or was tampered with.
    """
    try:
        with gzip.open(file) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            manifest: dict[str, Any] | None = None
            seen: set[str] = set()
            for member in archive:
                if manifest is None:
                    manifest = _manifest(file, archive, member)
                    _room(file, manifest, folder)
                    continue
                _lay(file, archive, member, manifest["files"], seen, folder)
            # To the end of the gzip stream, where the checksum of it all stands.
            if len(packed.read(_CHUNK)) == _CHUNK:
                raise UserError("was tampered with: it goes on after its end", file=str(file))
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"isn't an archive of `repose export`, or is damaged: {error}", file=str(file)) from None
    except OSError as error:
        raise UserError(f"can't be read: {error.strerror or error}", file=str(file)) from None
    if manifest is None:
        raise UserError("isn't an archive of `repose export`: it is empty", file=str(file))
    missing = sorted(set(manifest["files"]) - seen)
    if missing:
        raise UserError(f"is damaged: {len(missing)} files are missing, the first {missing[0]}", file=str(file))
    return manifest


def _manifest(file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    wrong = UserError(f"isn't an archive of `repose export`: it doesn't begin with {MANIFEST}", file=str(file))
    if member.name != MANIFEST or not member.isreg() or member.size > _LARGEST_MANIFEST:
        raise wrong
    opened = archive.extractfile(member)
    assert opened is not None
    try:
        manifest = json.loads(opened.read())
        files = manifest["files"]
        whole = all(
            _NAME.fullmatch(name)
            and isinstance(of["bytes"], int)
            and of["bytes"] >= 0
            and _DIGEST.fullmatch(of["sha256"])
            for name, of in files.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise wrong from None
    if not whole:
        raise UserError("was tampered with: its manifest lists a file that no export makes", file=str(file))
    return manifest


def _room(file: Path, manifest: Mapping[str, Any], folder: Path) -> None:
    needed = sum(of["bytes"] for of in manifest["files"].values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(f"holds {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in {folder}", file=str(file))


def _lay(
    file: Path,
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    listed: Mapping[str, Mapping[str, Any]],
    seen: set[str],
    folder: Path,
) -> None:
    name = member.name
    if not member.isreg() or name not in listed or name in seen:
        what = "holds twice" if name in seen else "holds what its manifest doesn't list, or no plain file"
        raise UserError(f"was tampered with: it {what}: {name[:80]!a}", file=str(file))
    if member.size != listed[name]["bytes"]:
        raise UserError(f"is damaged: {name} hasn't the length that its manifest says", file=str(file))
    seen.add(name)
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    digest, opened = hashlib.sha256(), archive.extractfile(member)
    assert opened is not None
    with open(place, "xb") as laid:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
            laid.write(chunk)
    if digest.hexdigest() != listed[name]["sha256"]:
        raise UserError(f"is damaged: {name} hasn't the checksum that its manifest says", file=str(file))


def _measured(content: bytes | Path) -> tuple[int, str]:
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()
    with open(content, "rb") as opened:
        return content.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()


def _put(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    about = tarfile.TarInfo(name)
    if isinstance(content, bytes):
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
        return
    about.size = content.stat().st_size
    with open(content, "rb") as opened:
        archive.addfile(about, opened)
