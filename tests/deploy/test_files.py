"""What can be known of the launchers without a cluster: they parse, agree with each other, and ask for what exists."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness.cli import run as run_command
from harness.data import cache

ROOT = Path(__file__).parents[2]
IMAGE = "repose-harness:0.1.0"


def words_of_run(line: str) -> list[str]:
    """The words after `repose run`, which the command's own parser has to take."""
    words = shlex.split(line)
    assert words[:2] == ["repose", "run"]
    parser = argparse.ArgumentParser(exit_on_error=False)
    run_command.add_arguments(parser)
    parser.parse_args(words[2:])
    return words[2:]


def ray_starts(text: str) -> list[list[str]]:
    """The options of every `ray start` in a file."""
    flat = re.sub(r"\\?\n\s+", " ", text)
    return [re.findall(r"--[a-z-]+", found) for found in re.findall(r"\bray start ([^\n&#`]*)", flat)]


def test_every_option_of_ray_start_exists(deploy):
    from ray.scripts.scripts import start

    known = {option for parameter in start.params for option in parameter.opts}
    found = [option for file in deploy.iterdir() for options in ray_starts(file.read_text()) for option in options]
    assert len(found) > 15 and set(found) <= known


def test_every_launcher_turns_token_authentication_on(deploy):
    job = yaml.safe_load((deploy / "kuberay.yaml").read_text())
    assert job["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    compose = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]
    assert all(compose[name]["environment"]["RAY_AUTH_MODE"] == "token" for name in ("head", "worker"))
    cluster = yaml.safe_load((deploy / "ray-cluster.yaml").read_text())
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert all("RAY_AUTH_MODE=token" in line for line in cluster[commands] if "ray start" in line)
    assert "RAY_AUTH_MODE=token" in (deploy / "slurm.sh").read_text()
    assert "RAY_AUTH_MODE=token" in (deploy / "Dockerfile").read_text()
    texts = [file.read_text() for file in deploy.iterdir()]
    assert not any(re.search(r"(TOKEN|PASSWORD)[:=] *[\"']?[0-9a-f]{8}", text) for text in texts), "a secret"


def test_every_launcher_puts_the_cache_on_a_nodes_own_disk(deploy):
    for name in ("slurm.sh", "Dockerfile", "kuberay.yaml", "ray-cluster.yaml", "compose.yaml"):
        assert cache.VARIABLE in (deploy / name).read_text(), name


def test_versions_are_those_of_the_lock(deploy, locked):
    job = yaml.safe_load((deploy / "kuberay.yaml").read_text())
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == locked["ray"]
    image = (deploy / "Dockerfile").read_text()
    assert "--constraint constraints.txt" in image
    [python] = re.findall(r"FROM python:(\d+\.\d+)", image)
    assert f'requires-python = ">={python}"' in (ROOT / "pyproject.toml").read_text()


def test_the_image_holds_what_the_package_needs(deploy, extras, locked):
    image = (deploy / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (.+)$", image, re.M) for word in line.split()[:-1]]
    assert {"harness", "backbones", "pyproject.toml", "constraints.txt"} <= set(copied)
    kept = (deploy / "Dockerfile.dockerignore").read_text().splitlines()
    assert all((ROOT / name).exists() and f"!{name}" in kept for name in copied)
    [wanted] = re.findall(r"'\.\[([a-z,]+)\]'", image)
    assert set(wanted.split(",")) <= set(extras)
    assert "USER repose" in image
    assert {"grpcio", "virtualenv", "psycopg"} <= set(locked), "of the extras: locked too"


def test_the_kuberay_job_runs_on_the_cluster_it_brings(deploy):
    spec = yaml.safe_load((deploy / "kuberay.yaml").read_text())["spec"]
    words = words_of_run(spec["entrypoint"])
    assert words[-2:] == ["--address", "auto"]
    groups = [spec["rayClusterSpec"]["headGroupSpec"], *spec["rayClusterSpec"]["workerGroupSpecs"]]
    for group in groups:
        pod = group["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        [container] = pod["containers"]
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert container["image"] == IMAGE
        assert "emptyDir" in volumes[mounts[environment["REPOSE_CACHE"]]]
        assert "persistentVolumeClaim" in volumes[mounts[environment["REPOSE_DATA"]]]
        assert environment["REPOSE_TRACKING_URI"].startswith("http"), "a file serves one machine"
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert Path(words[0]).is_relative_to("/data")


def test_runs_of_a_pod_that_ends_are_told_before_ray_is(deploy):
    """Ray kills its workers at once when it is told to end: there would be no time for a checkpoint."""
    from harness.sweep.pool import _actor_class
    from harness.tune.actor import TrialActor

    groups = yaml.safe_load((deploy / "kuberay.yaml").read_text())["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    for pod in (group["template"]["spec"] for group in groups):
        [shell, option, script] = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        [pattern] = re.findall(r"pkill -TERM -f '([^']+)'", script)
        [seconds] = re.findall(r"sleep (\d+)", script)
        assert (shell, option) == ("sh", "-c") and 20 <= int(seconds) < pod["terminationGracePeriodSeconds"]
        for actor in (_actor_class(), TrialActor):  # Ray names processes so
            assert re.search(pattern, f"ray::{actor.__name__}.do")
        assert not re.search(pattern, f"sh -c {script}") and not re.search(pattern, "ray::Prober.measure")
    assert "procps" in (deploy / "Dockerfile").read_text(), "has pkill"


def test_the_cluster_file_is_one_that_ray_takes(deploy):
    import ray.autoscaler

    config = yaml.safe_load((deploy / "ray-cluster.yaml").read_text())
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(config, schema)
    assert config["max_workers"] == len(config["provider"]["worker_ips"])
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"


def test_the_compose_file_holds_together(deploy):
    compose = yaml.safe_load((deploy / "compose.yaml").read_text())
    services, volumes = compose["services"], set(compose["volumes"])
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        named = [entry.split(":")[0] for entry in service.get("volumes", ())]
        assert {entry for entry in named if not entry.startswith(("$", "/", "."))} <= volumes, name
        assert "image" in service and "healthcheck" in services.get(next(iter(service.get("depends_on", {})), name), {})
    assert services["mlflow"]["image"] == IMAGE
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert services["mlflow"]["ports"] == ["${BIND:-127.0.0.1}:5000:5000"]
    assert "artifacts:/artifacts" in services["mlflow"]["volumes"]
    assert all(services[name]["profiles"] == ["ray"] for name in ("head", "worker"))
    names = {"POSTGRES_PASSWORD", "RAY_AUTH_TOKEN", "REPOSE_DATA", "BIND", "ALLOWED_HOSTS"}
    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (deploy / "compose.yaml").read_text())) == names


def test_the_servers_options_exist(deploy):
    home = Path(find_spec("mlflow").origin).parent  # importing it takes seconds
    source = "".join(file.read_text() for file in (*home.glob("cli/*.py"), home / "utils" / "cli_args.py"))
    command = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]["mlflow"]["command"][-1]
    options = re.findall(r"--[a-z-]+", command)
    assert len(options) == 6 and all(f'"{option}"' in source for option in options)


@pytest.mark.parametrize("name", ["kuberay.yaml", "ray-cluster.yaml", "compose.yaml", "slurm.sh"])
def test_a_launcher_says_first_how_it_is_used(deploy, name):
    text = (deploy / name).read_text().removeprefix("#!/usr/bin/env bash\n")
    assert re.search(r"sbatch|kubectl create|ray up|docker compose", text[:1200])
