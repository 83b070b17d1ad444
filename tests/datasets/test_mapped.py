"""Arrays and fingerprints in the node's cache."""

import errno
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import harness.data.views as module
from harness.data import cache, clips, mapped, open_dataset
from harness.data.views import views

SHAPES = {"poses": (5, 2, 3), "score": (5, 2)}


def blocks():
    for start, rows in ((0, 2), (2, 3)):
        numbers = np.arange(start, start + rows, dtype=np.float32)
        yield {"poses": np.broadcast_to(numbers[:, None, None], (rows, 2, 3)), "score": np.tile(-numbers[:, None], 2)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def never():
    raise AssertionError("made twice")


def test_arrays_are_written_once_and_then_mapped(folder):
    first, again = mapped.shared("a", SHAPES, blocks), mapped.shared("a", SHAPES, never)
    for found in (first, again, mapped.in_memory(SHAPES, blocks())):
        assert found["poses"][:, 1, 2].tolist() == [0, 1, 2, 3, 4]
        assert found["score"][:, 0].tolist() == [0, -1, -2, -3, -4]
    assert isinstance(again["poses"], np.memmap) and again["poses"].filename == folder / "views" / "a" / "poses.npy"
    again["poses"][:] = 7  # a process that changes its own
    assert first["poses"][0, 0, 0] == 0 and mapped.shared("a", SHAPES, never)["poses"][0, 0, 0] == 0


@pytest.mark.parametrize("damage", ["cut", "gone", "another"])
def test_a_damaged_entry_is_written_anew(folder, damage):
    mapped.shared("a", SHAPES, blocks)
    file = folder / "views" / "a" / "score.npy"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-4])
    elif damage == "gone":
        file.unlink()
    else:
        np.save(file, np.zeros((4, 2), np.float32))
    assert mapped.shared("a", SHAPES, blocks)["score"][4, 1] == -4
    assert mapped.shared("a", SHAPES, never)["score"][4, 1] == -4


def test_what_fails_half_way_leaves_nothing_and_the_next_one_writes_it(folder):
    def dies():
        yield from list(blocks())[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mapped.shared("a", SHAPES, dies)
    assert list((folder / "views").iterdir()) == []
    (folder / "views" / ".b.node.1").mkdir()  # killed in the middle
    assert mapped.shared("a", SHAPES, blocks)["score"][4, 1] == -4
    assert [entry.name for entry in (folder / "views").iterdir()] == ["a"]


def test_a_full_or_forbidden_disk_costs_memory_only(folder, monkeypatch, tmp_path):
    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched, pytest.warns(RuntimeWarning, match=r"own copy.*No space left on device"):
        patched.setattr(mapped.os, "fsync", full)
        assert mapped.shared("a", SHAPES, blocks)["score"][4, 1] == -4
    assert list((folder / "views").iterdir()) == []
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="own copy"):
        assert mapped.shared("a", SHAPES, blocks)["score"][4, 1] == -4


def test_entries_that_nobody_opens_are_removed_after_a_month(folder):
    mapped.shared("old", SHAPES, blocks)
    mapped.shared("used", SHAPES, blocks)
    for name in ("old", "used"):
        os.utime(folder / "views" / name, (0, 0))
    mapped.shared("used", SHAPES, never)
    mapped.shared("new", SHAPES, blocks)
    assert sorted(entry.name for entry in (folder / "views").iterdir()) == ["new", "used"]


def test_of_several_at_once_one_writes():
    made, found = [], []

    def counted():
        made.append(1)
        yield from blocks()

    threads = [threading.Thread(target=lambda: found.append(mapped.shared("a", SHAPES, counted))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and all(isinstance(one["poses"], np.memmap) for one in found)


_READS = """
import sys
from pathlib import Path
from harness.data import mapped
found = mapped.shared("big", {"poses": (200_000, 2, 3)}, lambda: [])["poses"]
assert float(found.sum()) == 0
print("read", flush=True); sys.stdin.readline()
part = Path("/proc/self/smaps").read_text().split(str(found.filename))[1].splitlines()
print(*(next(line.split()[1] for line in part if line.startswith(f"{what}:")) for what in ("Rss", "Pss")), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by Linux's kernel")
def test_processes_have_the_pages_in_common():
    shape = (200_000, 2, 3)
    mapped.shared("big", {"poses": shape}, lambda: [{"poses": np.zeros(shape, np.float32)}])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", _READS], **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in started] == ["read\n", "read\n"]
    said = []
    for process in started:  # one after the other: the second is there while the first tells
        print(file=process.stdin, flush=True)
        said.append([int(number) for number in process.stdout.readline().split()])
    assert [process.communicate(timeout=30) for process in started] == [("", None)] * 2
    (held, share), _ = said
    assert held > 4000 and share < 0.6 * held  # kB


def test_large_views_are_mapped_and_the_same(monkeypatch, folder):
    data = open_dataset("synthetic", subjects=3, clips=2, seconds=0.6)
    alone = views(data.clips, purpose="train", count=2, seed=0, identity="these")
    monkeypatch.setattr(module, "SHARED_FROM", 1)
    monkeypatch.setattr(module, "_TOGETHER", 7)
    seen = views(data.clips, purpose="train", count=2, seed=0, identity="these")
    again = views(data.clips, purpose="train", count=2, seed=0, identity="these")
    assert seen.shared and not alone.shared and len(list((folder / "views").iterdir())) == 1
    for name in ("poses", "pixels", "offset", "length", "key", "clip", "camera", "fps", "intrinsic", "resolution"):
        assert torch.equal(getattr(seen, name), getattr(alone, name)), name
        assert torch.equal(getattr(again, name), getattr(alone, name)), name
    assert not views(data.clips, purpose="train", count=2, seed=0).shared  # of clips that nothing identifies
    for other in ({"seed": 1}, {"purpose": "seen"}, {"count": 1}, {"identity": "those"}):
        views(data.clips, **{"purpose": "train", "count": 2, "seed": 0, "identity": "these", **other})
    assert len(list((folder / "views").iterdir())) == 5

    some, own = seen.of_clips([4, 1]), alone.of_clips([4, 1])
    assert some.poses.data_ptr() == seen.poses.data_ptr() and some.clips == own.clips
    for view in range(len(own)):
        of_some, of_own = (slice(int(v.offset[view]), int(v.offset[view] + v.length[view])) for v in (some, own))
        assert torch.equal(some.pixels[of_some], own.pixels[of_own]) and some.key[view] == own.key[view]


def test_a_fingerprint_is_remembered_while_the_file_stays_as_it_is(tmp_path, monkeypatch):
    file, asked = tmp_path / "file", []

    def digest():
        asked.append(1)
        return file.read_text()

    def told():
        monkeypatch.setattr(cache, "_KNOWN", {})  # another process
        return cache.digest_of(file, digest)

    file.write_text("one")
    assert (told(), told(), len(asked)) == ("one", "one", 2)  # so new that it may still change within a tick
    assert cache.digest_of(file, digest) == "one" and len(asked) == 2
    monkeypatch.setattr(cache, "_SETTLED", -1.0)
    assert (told(), told(), len(asked)) == ("one", "one", 3)
    os.utime(file, (0, 0))
    file.write_text("two")
    assert (told(), told(), len(asked)) == ("two", "two", 4)
    for note in (cache.folder() / "digests").iterdir():
        note.write_text("{")
    assert (told(), len(asked)) == ("two", 5)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        told()


def test_clips_remember_theirs(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(cache, "_SETTLED", -1.0)
    monkeypatch.setattr(clips.Archive, "__init__", lambda self, path: None)
    monkeypatch.setattr(clips.Archive, "digest", lambda self: asked.append(1) or "abc")
    (tmp_path / "clips.npz").touch()
    for _ in range(2):
        monkeypatch.setattr(cache, "_KNOWN", {})
        assert clips.fingerprint(str(tmp_path / "clips.npz")) == "abc"
    assert asked == [1]
