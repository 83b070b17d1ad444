"""`repose data fetch cmu` from a server on the loopback that drops connections, lies, and is left half-way."""

import hashlib
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.datasets.web import serve

HERE = Path(__file__).parents[1] / "data" / "cmu" / "subjects" / "02"
SKELETON, FIRST, SECOND = (f"subjects/02/{name}" for name in ("02.asf", "02_01.amc", "02_02.amc"))


@pytest.fixture
def web(tmp_path):
    """Two motions of subject 2 (the second is the first with other bytes after it), which the folder lists."""
    there = tmp_path / "there"
    (there / "subjects" / "02").mkdir(parents=True)
    (there / SKELETON).write_bytes((HERE / "02.asf").read_bytes())
    (there / FIRST).write_bytes((HERE / "02_01.amc").read_bytes())
    (there / SECOND).write_bytes((HERE / "02_01.amc").read_bytes() + b"# " + bytes(range(48, 58)) * 30_000 + b"\n")
    with serve(there) as web:
        web.pages["subjects/02/"] = "<a href='02_01.amc'>1</a> <a href='02_02.amc'>2</a> <a href='02_01.c3d'>c3d</a>"
        yield web


@pytest.fixture
def fetch(repose, web):
    def fetch(*more):
        return repose(
            "data", "fetch", "cmu", "--subjects", "2", "--out", "cmu", "--base-url", web.url, "--pause", "0", *more
        )

    return fetch


def same(web, *names):
    return all(Path("cmu", name).read_bytes() == (web.folder / name).read_bytes() for name in names)


def test_fetch_then_import_and_nothing_is_fetched_twice(fetch, web, repose):
    done = fetch()
    assert done.code == 0 and "3 files, 3 fetched now" in done.out and same(web, SKELETON, FIRST, SECOND)
    sums = dict(reversed(line.split("  ")) for line in Path("cmu/SHA256SUMS").read_text().splitlines())
    assert sums[FIRST] == hashlib.sha256((HERE / "02_01.amc").read_bytes()).hexdigest() and len(sums) == 3
    assert not list(Path("cmu").rglob("*.part*"))
    assert all("repose-harness/" in headers["User-Agent"] for _, headers in web.asked)
    web.asked.clear()
    assert "0 fetched now" in fetch().out and web.files(".amc") == web.files(".asf") == []
    imported = repose("data", "import", "cmu", "cmu", "--out", "cmu.npz")
    assert imported.code == 0 and "2 clips of 1 subjects, 6 frames" in imported.out
    Path("cmu", FIRST).write_bytes(b"spoilt")
    assert "1 fetched now" in fetch().out and same(web, FIRST)


def test_a_connection_that_is_dropped_half_way_is_taken_up_again(fetch, web):
    web.drops[SECOND] = [100_000, 70_000]
    assert fetch().code == 0 and same(web, SECOND)
    begun = [headers.get("Range") for path, headers in web.asked if path == SECOND]
    assert begun == [None, "bytes=100000-", "bytes=170000-"]


def test_one_that_is_dropped_again_and_again_is_one_message_and_the_next_run_goes_on(fetch, web):
    web.drops[SECOND] = [50_000] * 4
    done = fetch()
    assert done.code == 2 and done.err.count("\n") == 1
    assert f"{web.url}/{SECOND}: not fetched in 4 tries (the connection was dropped after 200,000 of" in done.err
    assert "200,000 bytes are kept, and the same command goes on from there" in done.err
    assert not Path("cmu", SECOND).exists()
    web.asked.clear()
    assert fetch().code == 0 and same(web, FIRST, SECOND)
    assert web.files(".amc") == [SECOND] and web.asked[-1][1]["Range"] == "bytes=200000-"


def test_killed_half_way_and_resumed(fetch, web):
    web.holds[SECOND] = 200_000
    command = f"data fetch cmu --subjects 2 --out cmu --pause 0 --base-url {web.url}".split()
    started = f"from harness.cli.main import main; main({command!r})"
    running = subprocess.Popen([sys.executable, "-c", started], stdout=subprocess.DEVNULL)
    part = Path("cmu", f"{SECOND}.part")
    until = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 60_000) and time.monotonic() < until:
        time.sleep(0.01)
    running.kill()
    running.wait()
    have = part.stat().st_size
    assert have > 60_000 and not Path("cmu", SECOND).exists()
    web.holds.clear()
    web.asked.clear()
    assert fetch().code == 0 and same(web, SKELETON, FIRST, SECOND)
    assert web.files(".amc") == [SECOND] and web.asked[-1][1]["Range"] == f"bytes={have}-"


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(fetch, web):
    web.drops[SECOND] = [50_000] * 4
    assert fetch().code == 2
    (web.folder / SECOND).write_bytes((HERE / "02_01.amc").read_bytes() + b"# another\n" * 30_000)
    assert fetch().code == 0 and same(web, SECOND)


@pytest.mark.parametrize("lacks", ["tagged", "ranges"])
def test_servers_that_can_not_continue(fetch, web, lacks):
    setattr(web, lacks, False)
    web.drops[SECOND] = [50_000]
    assert fetch().code == 0 and same(web, SECOND)
    asked = [headers.get("Range") for path, headers in web.asked if path == SECOND]
    assert asked == [
        None,
        "bytes=50000-" if lacks == "ranges" else None,
    ]  # without a version nothing vouches for a part


def test_it_is_polite(fetch, web):
    assert fetch("--pause", "0.15").code == 0
    apart = [later - earlier for earlier, later in pairwise(web.times)]
    assert len(apart) == 3 and min(apart) > 0.14  # the listing, then three files
    assert web.most == 1, "connections at a time"


def test_stopped_after_the_last_byte(fetch, web):
    web.drops[SECOND] = [50_000] * 4
    assert fetch().code == 2
    Path("cmu", f"{SECOND}.part").write_bytes((web.folder / SECOND).read_bytes())
    assert fetch().code == 0 and same(web, SECOND)


def test_motions_are_counted_where_nothing_lists_them(fetch, web):
    web.pages.clear()
    assert "3 files, 3 fetched now" in fetch().out and same(web, FIRST, SECOND)
    web.pages["subjects/02/"] = "02_01.amc 02_02.amc"
    web.asked.clear()
    assert fetch("--clips", "1").code == 0 and web.asked == []


def test_half_a_listing_is_not_believed(fetch, web):
    web.drops["subjects/02/"] = [25]
    assert "3 files, 3 fetched now" in fetch().out
    web.drops["subjects/02/"] = [25] * 4
    assert f"{web.url}/subjects/02/: not fetched in 4 tries" in fetch().err


def test_a_busy_server_is_asked_again_and_a_refusal_is_told(fetch, web):
    web.fails[FIRST] = [503, 503]
    assert fetch().code == 0
    web.fails[SKELETON] = [403]
    Path("cmu", SKELETON).unlink()
    assert f"{web.url}/{SKELETON}: the server answers 403" in fetch().err


def test_checksums_of_another_fetch(fetch, web):
    assert fetch().code == 0
    text = Path("cmu/SHA256SUMS").read_text()
    Path("theirs").write_text(text)
    assert fetch("--checksums", "theirs").code == 0
    Path("theirs").write_text("".join(f"{'0' * 64}  {line[66:]}\n" for line in text.splitlines()))
    done = fetch("--checksums", "theirs")
    assert done.code == 2 and "expected 0000000000000000…: another version" in done.err
    Path("theirs").write_text("no sums\n")
    assert "theirs:1: expected a SHA-256" in fetch("--checksums", "theirs").err


def test_a_web_page_instead_of_the_file(fetch, web):
    web.pages[FIRST] = "<!DOCTYPE html><title>Log in</title>"
    done = fetch()
    assert done.code == 2 and "a web page instead of the file" in done.err and not Path("cmu", FIRST).exists()


def test_arguments(fetch, repose):
    base = ("data", "fetch", "cmu", "--out", "cmu", "--subjects")
    assert "numbers begin at 1" in repose(*base, "0").err
    assert "begins with http://" in repose(*base, "2", "--base-url", "ftp://there").err
    assert "0 or more" in repose(*base, "2", "--pause", "-1").err
    assert "not fetched in 4 tries" in repose(*base, "2", "--base-url", "http://127.0.0.1:9", "--pause", "0").err
    assert "server answers 404" in fetch("--subjects", "3").err and not list(Path("cmu").iterdir())
