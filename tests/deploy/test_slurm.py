"""The Slurm script with Slurm, Ray and `repose` replaced by stand-ins that write down what they were asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SRUN = """#!/bin/bash
echo "srun $*" >> "$CALLS"
while [ "$1" != ray ]; do shift; done
exec "$@"
"""
RAY = """#!/usr/bin/env python3
import os, socket, sys, time
words = sys.argv
mode, token = os.environ["RAY_AUTH_MODE"], len(os.environ["RAY_AUTH_TOKEN"])
with open(os.environ["CALLS"], "a") as file:
    file.write(f"ray {' '.join(words[1:])} token={token} {mode}\\n")
if "--head" in words:
    ip, port = (words[words.index(option) + 1] for option in ("--node-ip-address", "--port"))
    listener = socket.create_server((ip, int(port)))
time.sleep(30)
"""
REPOSE = """#!/bin/bash
echo "repose $* cache=$REPOSE_CACHE" >> "$CALLS"
trap 'echo told >> "$CALLS"; sleep 0.3; exit 130' TERM
[ -z "$SLOW" ] || { sleep 30 & wait; }
exit "${STATUS:-0}"
"""
PYTHON = """#!/bin/bash
case "$1" in -c) printf '%064d' 7;; *) cat > /dev/null; grep -c '^ray start' "$CALLS";; esac
"""


@pytest.fixture
def slurm(tmp_path: Path, deploy: Path):
    """Starts the script on a made-up allocation of two nodes; ``calls`` is what was asked."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {
        "srun": SRUN,
        "ray": RAY,
        "repose": REPOSE,
        "python3": PYTHON,
        "hostname": "#!/bin/bash\n[ -z \"$1\" ] && echo first || echo '127.0.0.1 ::1'\n",
        "scontrol": '#!/bin/bash\necho "scontrol $*" >> "$CALLS"\n',
    }.items():
        (tools / name).write_text(text.replace("/usr/bin/env python3", sys.executable))
        (tools / name).chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    given = {"PATH": f"{tools}:/usr/bin:/bin", "CALLS": str(calls), "TMPDIR": "/scratch", "USER": "me"}
    given |= {"SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "8"}
    given |= {"SLURM_GPUS_ON_NODE": "4", "REPOSE_TRACKING_URI": "http://login:5000"}

    def start(*words: str, **more: str) -> subprocess.Popen:
        environment = {name: value for name, value in {**given, **more}.items() if value}
        return subprocess.Popen(
            ["bash", str(deploy / "slurm.sh"), *words], env=environment, stderr=subprocess.PIPE, text=True
        )

    start.calls = calls
    return start


def lines(start, beginning: str) -> list[str]:
    return [line for line in start.calls.read_text().splitlines() if line.startswith(beginning)]


def test_ray_runs_on_all_nodes_with_a_token_and_the_driver_joins_it(slurm):
    process = slurm("experiments/h36m.yaml", "--limit", "3")
    assert process.wait(60) == 0, process.stderr.read()
    head, rest = lines(slurm, "srun")
    assert "--nodes=1 " in head and "--nodelist=first" in head and "--exclude=first" in rest and "--nodes=1 " in rest
    starts = lines(slurm, "ray start")
    assert len(starts) == 2
    assert all("--num-cpus 8 --num-gpus 4" in line and "token=64 token" in line for line in starts)
    port = starts[0].split("--port ")[1].split()[0]
    assert f"--address 127.0.0.1:{port}" in starts[1]
    [driver] = lines(slurm, "repose")
    assert driver == (
        f"repose run experiments/h36m.yaml --limit 3 --address 127.0.0.1:{port} cache=/scratch/repose-cache-me"
    )


@pytest.mark.parametrize("requeue", ["", "1"])
def test_the_driver_alone_is_told_that_time_is_up_and_its_code_is_passed_on(slurm, requeue):
    process = slurm("SPEC", SLOW="1", REPOSE_REQUEUE=requeue)
    end = time.monotonic() + 60
    while not lines(slurm, "repose") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert len(lines(slurm, "told")) == 1
    assert len(lines(slurm, "scontrol requeue")) == bool(requeue)


def test_a_failure_is_the_jobs(slurm):
    assert slurm("SPEC", STATUS="1").wait(60) == 1
    assert not lines(slurm, "scontrol")


def test_what_is_missing_is_said_before_ray_starts(slurm):
    process = slurm("SPEC", REPOSE_TRACKING_URI="")
    assert process.wait(60) != 0 and "names the MLflow server" in process.stderr.read()
    process = slurm()
    assert process.wait(60) == 2 and "usage: sbatch" in process.stderr.read()
    assert not lines(slurm, "srun")
