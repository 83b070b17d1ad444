"""What holds for the tree as a whole: the Makefile, pinned versions, sizes, links, directions of imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.cli import data, main

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ["install", "quickstart", "test", "test-services", "check", "format", "bench", "clean"]
# Written with classes so that the pattern does not find itself.
MACHINE_PATH = re.compile(
    rb"/[w]ork/|/[r]oot/|/[h]ome/(?!someone/)[a-z]+/|/[U]sers/[a-z]+/|/[t]mp/[a-z]+|\.\./[s]hared"
)


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def canonical(requirement: str) -> str:
    """The normalised distribution name of a requirement line (PEP 503)."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs), "every line of constraints.txt is name==version"
    return {canonical(name): version for name, version in pairs}


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_lists_its_targets(arguments):
    shown = subprocess.run(["make", "-s", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) +\S", shown, re.MULTILINE) == ["help", *TARGETS]


def test_ci_runs_the_two_commands_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    for text in (script.read_text(), (ROOT / "README.md").read_text()):
        assert "make quickstart" in text
        assert "make test" in text


def test_constraints_pin_torch_without_a_build_suffix(pins):
    assert pins["torch"] == "2.13.0"
    assert not [name for name, version in pins.items() if "+" in version]


def test_constraints_cover_every_dependency(pyproject, pins):
    project = pyproject["project"]
    needed = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        needed += extra
    assert len(needed) > 15
    assert {canonical(line) for line in needed} <= set(pins)


def test_dependencies_have_wide_ranges(pyproject):
    assert all("==" not in line and "<" not in line for line in pyproject["project"]["dependencies"])


def test_no_module_is_longer_than_400_lines():
    lengths = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in tracked("*.py")}
    assert lengths
    assert {name: count for name, count in lengths.items() if count > 400} == {}


def test_no_file_names_a_path_of_the_machine_it_was_made_on():
    found = {path.relative_to(ROOT).as_posix(): MACHINE_PATH.findall(path.read_bytes()) for path in tracked()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_links_in_the_documents_lead_somewhere():
    broken = []
    for page in tracked("*.md"):
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_spec_in_the_readme_is_valid(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "readme.yaml").write_text(block.group(1))
    command = [sys.executable, "-m", "harness.cli.main", "validate", str(tmp_path / "readme.yaml")]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_readme_lists_every_command_and_no_other():
    table = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("## Words")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    listed = {name for cell in cells for name in re.findall(r"`(?:repose )?((?:data )?[a-z-]+)", cell)}
    assert listed == {*main.COMMANDS, *(f"data {name}" for name in data.COMMANDS)} - {"data"}


def test_imports_point_one_way():
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("backbones", "torch"),
        ("harness.registry", "torch ray mlflow pandas"),
        ("harness.spec", "torch ray mlflow pandas"),
        ("harness.cli.main", "torch ray mlflow pandas scipy matplotlib"),
        ("harness.report", "torch ray mlflow"),
        ("harness.tracking", "torch ray"),
    ],
)
def test_light_modules_stay_light(module, unwanted):
    code = f"import sys, {module}; print(*sorted(set({unwanted.split()!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_the_command_leads_to_a_function(pyproject):
    assert pyproject["project"]["scripts"] == {"repose": "harness.cli.main:main"}
    code = "from harness.cli.main import main; assert callable(main)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
