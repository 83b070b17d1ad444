"""Shipped specs are found wherever the harness runs from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.spec import load, shipped

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from harness.cli.main import main; sys.exit(main(sys.argv[1:]))"


def repose(python_path: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command from ``folder`` with only ``python_path`` to find the harness in."""
    environment = {**os.environ, "PYTHONPATH": str(python_path), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def copy_and_validate(python_path: Path, folder: Path) -> None:
    copied = repose(python_path, folder, "cp", "smoke", "mine.yaml")
    assert (copied.returncode, copied.stdout) == (0, "mine.yaml\n"), copied.stderr
    assert (folder / "mine.yaml").read_bytes() == (ROOT / "experiments" / "smoke.yaml").read_bytes()
    assert (folder / "spec.schema.json").exists(), "the first line of the copy names it"
    checked = repose(python_path, folder, "validate", "mine.yaml")
    assert (checked.returncode, checked.stdout) == (0, "mine.yaml: valid, 4 runs in 2 arms\n"), checked.stderr
    listed = repose(python_path, folder, "ls", "specs").stdout
    shipped_files = sorted((ROOT / "experiments").glob("*.yaml"))
    assert [line.split()[0] for line in listed.splitlines()] == [file.stem for file in shipped_files]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of what builds the distribution, so that building leaves nothing in the working tree."""
    target = tmp_path_factory.mktemp("source")
    for name in ("harness", "backbones", "experiments"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_from_a_clone(source, tmp_path):
    copy_and_validate(source, tmp_path)


def test_from_a_wheel(source, tmp_path):
    pip("wheel", str(source), "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path / "wheels"))
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    installed, folder = tmp_path / "installed", tmp_path / "folder"
    pip("install", str(wheel), "--no-deps", "--target", str(installed))
    folder.mkdir()
    assert not (installed / "experiments").exists()
    copy_and_validate(installed, folder)


def test_from_an_editable_install(source, tmp_path):
    installed, folder = tmp_path / "installed", tmp_path / "folder"
    pip("install", "--editable", str(source), "--no-deps", "--no-build-isolation", "--target", str(installed))
    folder.mkdir()
    # Without the environment's own site directory, which may hold another editable install of the harness,
    # but with the packages in it.
    program = f"import site; site.addsitedir({str(installed)!r}); import harness; print(harness.__file__)\n{PROGRAM}"
    paths = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-S", "-c", program, "cp", "smoke", "mine.yaml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == [str(source / "harness" / "__init__.py"), "mine.yaml"], done.stderr
    assert (folder / "mine.yaml").read_bytes() == (source / "experiments" / "smoke.yaml").read_bytes()


def test_names_and_paths_lead_to_the_same_spec(tmp_path, monkeypatch):
    by_name = load("smoke")
    by_path = load(ROOT / "experiments" / "smoke.yaml")
    assert [r.run_id for r in by_name.runs] == [r.run_id for r in by_path.runs]
    monkeypatch.chdir(tmp_path)
    assert load("experiments/smoke.yaml").runs == by_path.runs, "as the README writes it, from anywhere"


def test_copying_overwrites_nothing(tmp_path):
    target = shipped.copy("smoke.yaml", tmp_path)
    assert target == tmp_path / "smoke.yaml"
    with pytest.raises(UserError, match="exists already"):
        shipped.copy("smoke", target)
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        shipped.copy("smok", tmp_path / "x.yaml")
    with pytest.raises(UserError, match="can't be written"):
        shipped.copy("smoke", tmp_path / "no" / "such" / "folder.yaml")


@pytest.mark.parametrize("name", shipped.names())
def test_every_shipped_spec_opens_with_its_manual(name):
    lines = shipped.find(name).read_text(encoding="utf-8").splitlines()
    manual = lines[1 : next(at for at, line in enumerate(lines) if not line.startswith("#"))]
    assert len(manual) >= 2
    assert any(f"repose run {name}" in line for line in manual)


@pytest.mark.parametrize("name", shipped.names())
def test_a_manual_that_says_how_many_runs_there_are_is_right(name, imported_data, monkeypatch):
    monkeypatch.setenv("REPOSE_DATA", str(imported_data))
    manual = shipped.find(name).read_text(encoding="utf-8").partition("\nname:")[0]
    said = re.findall(r"(?<![-\d])(\d+) (?:short )?runs", manual)
    assert set(said) <= {str(len(load(name).runs))}
