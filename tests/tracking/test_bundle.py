"""The archive: the same content makes the same bytes, and what no export made is refused."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from harness.errors import UserError
from harness.tracking import bundle

FILES = {"records.json": b"[]", "runs/0a/best.pt": b"weights" * 1000, "spec/a.yaml": b"name: a\n"}


@pytest.fixture
def packed(tmp_path):
    bundle.write(tmp_path / "a.tar.gz", {"schema": 1}, FILES)
    return tmp_path / "a.tar.gz"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "laid").mkdir()
    return tmp_path / "laid"


def forged(file, members, manifest=None, listed=None):
    """An archive with these members (name, content or type), under a manifest that lists the plain ones as they are."""
    plain = {name: content for name, content in members if isinstance(content, bytes)}
    listing = {n: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for n, c in plain.items()}
    text = json.dumps(manifest or {"schema": 1, "files": {**listing, **(listed or {})}}).encode()
    with tarfile.open(file, "w:gz") as archive:
        for name, content in [(bundle.MANIFEST, text), *members]:
            about = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
            else:
                about.type, about.linkname = content
                archive.addfile(about)
    return file


def test_what_was_written_is_laid_out_again_and_repeats_byte_for_byte(packed, folder, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(FILES["runs/0a/best.pt"])
    bundle.write(tmp_path / "b.tar.gz", {"schema": 1}, {**FILES, "runs/0a/best.pt": source})
    assert packed.read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    manifest = bundle.unpack(packed, folder)
    assert manifest["schema"] == 1 and set(manifest["files"]) == set(FILES)
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == FILES


def test_nothing_is_overwritten_and_nothing_half_written_stays(packed, tmp_path):
    with pytest.raises(UserError, match="exists already"):
        bundle.write(packed, {}, FILES)
    with pytest.raises(FileNotFoundError):
        bundle.write(tmp_path / "c.tar.gz", {}, {"a": tmp_path / "none"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz"]


ZERO = {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}


@pytest.mark.parametrize(
    ("members", "listed"),
    [
        ([("../outside", b"x")], None),
        ([("/etc/outside", b"x")], None),
        ([("runs/../../outside", b"x")], None),
        ([("runs/.hidden", b"x")], None),
        ([("runs\\outside", b"x")], None),
        ([("runs/0a", (tarfile.SYMTYPE, "/etc"))], {"runs/0a": ZERO}),
        ([("runs/0a", (tarfile.LNKTYPE, "manifest.json"))], {"runs/0a": ZERO}),
        ([("runs/0a", (tarfile.FIFOTYPE, ""))], {"runs/0a": ZERO}),
        ([("runs/0a", (tarfile.DIRTYPE, ""))], {"runs/0a": ZERO}),
        ([("a", b"x"), ("a", b"x")], None),
        ([("a", b"x"), ("b", (tarfile.SYMTYPE, ".."))], None),
    ],
)
def test_paths_outside_links_and_twins_are_refused(tmp_path, folder, members, listed):
    file = forged(tmp_path / "bad.tar.gz", members, listed=listed)
    with pytest.raises(UserError, match="tampered with"):
        bundle.unpack(file, folder)
    assert {path.name for path in tmp_path.rglob("*")} <= {"bad.tar.gz", "laid", "a"}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"a": {"bytes": 1, "sha256": "0" * 64}}, "checksum"),
        ({"a": {"bytes": 9, "sha256": "0" * 64}}, "length"),
        ({"b": {"bytes": 1, "sha256": "0" * 64}}, "1 files are missing, the first b"),
        ({"b": {"bytes": 10**18, "sha256": "0" * 64}}, "GB are free"),
        ({"b": {"bytes": -1, "sha256": "0" * 64}}, "tampered with"),
        ({"b": {"bytes": 1}}, "doesn't begin with manifest.json"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(tmp_path, folder, listed, said):
    with pytest.raises(UserError, match=said):
        bundle.unpack(forged(tmp_path / "bad.tar.gz", [("a", b"x")], listed=listed), folder)


def test_every_cut_and_every_flipped_byte_is_noticed(packed, tmp_path):
    whole = packed.read_bytes()
    for number, place in enumerate(range(0, len(whole), 37)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x55
        for kind, content in (("cut", whole[:place]), ("flip", bytes(flipped))):
            if kind == "flip" and place < 10:  # gzip's own header names a time and a system that nobody reads
                continue
            file, folder = tmp_path / "bad.tar.gz", tmp_path / f"{kind}{number}"
            file.write_bytes(content)
            folder.mkdir()
            with pytest.raises(UserError) as caught:
                bundle.unpack(file, folder)
            assert "\n" not in str(caught.value)


def test_files_that_are_no_archive_are_said_in_a_line(tmp_path, folder):
    for content in (b"", b"plain text", gzip.compress(b""), gzip.compress(b"text" * 1000)):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(UserError, match=r"bad: "):
            bundle.unpack(tmp_path / "bad", folder)
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"))
    with pytest.raises(UserError, match=r"doesn't begin with manifest\.json"):
        bundle.unpack(tmp_path / "other.tar.gz", folder)
