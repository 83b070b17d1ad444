from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli.main import COMMANDS, main

HEAVY = ("torch", "ray", "mlflow", "numpy", "pandas", "scipy", "matplotlib")


def test_help_names_every_command(repose):
    answer = repose("--help")
    assert answer.code == 0
    assert all(f"  {name} " in answer.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(repose, name):
    answer = repose(name, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"usage: repose {name}")


@pytest.mark.parametrize("arguments", [[], ["pln"], ["plan"], ["plan", "x.yaml", "--seeds", "0"], ["ls", "backbone"]])
def test_wrong_use_exits_with_2(repose, arguments):
    answer = repose(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("repose")
    assert answer.err.endswith(" --help`\n")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["pln", "x.yaml"], "repose: error: argument COMMAND: unknown: 'pln'; did you mean 'plan'?"),
        (["plan", "x.yaml", "--limt", "3"], "repose plan: error: unknown argument '--limt'; did you mean '--limit'?"),
        (["plan", "x.yaml", "y.yaml"], "repose plan: error: unknown argument 'y.yaml';"),
        (["run", "x.yaml", "--seeds", "many"], "--seeds: a whole number from 1 is needed; got 'many'"),
        (["run", "x.yaml", "--workers", "0"], "--workers: a whole number from 1 is needed; got '0'"),
        (["ls", "backbone"], "unknown: 'backbone'; did you mean 'backbones'?"),
    ],
)
def test_wrong_use_names_what_is_near(repose, arguments, part):
    assert part in repose(*arguments).err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["validate", "quickstart"],
        ["plan", "smoke", "--offline"],
        ["ls", "-v"],
        ["schema"],
        ["status", "smoke"],
    ],
)
def test_quick_answers_load_nothing_heavy(arguments):
    program = (
        "import sys; from harness.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_an_error_is_one_line_without_a_traceback(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nobjectives: {abs: {mpjpe: 1}}\ngrid: {backbone: ridge, sed: 2}\n")
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli.main", "validate", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        f"repose: error: {path}:3: grid.sed: unknown axis 'sed'; did you mean 'seed'? (known: "
    )
    assert done.stderr.count("\n") == 1


def test_ctrl_c_exits_with_130(monkeypatch, capsys):
    from harness.cli import validate

    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "execute", interrupted)
    assert main(["validate", "smoke"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_version(repose):
    from harness import __version__

    assert repose("--version").out == f"repose {__version__}\n"
