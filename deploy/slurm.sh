#!/usr/bin/env bash
# A spec on a Slurm allocation: Ray on its nodes, the driver on the first one.
#
#   sbatch --nodes=4 --gpus-per-node=4 --cpus-per-task=32 deploy/slurm.sh experiments/h36m_repose.yaml [WORDS OF repose run …]
#
# Before: this package in the same place on all nodes (REPOSE_BIN names its bin folder, else `repose` and `ray` are those of
# PATH), data on a disk that all nodes see, and REPOSE_TRACKING_URI naming an MLflow server. When the time is nearly up the driver
# is told: it keeps checkpoints, and the same command goes on. REPOSE_REQUEUE=1 has Slurm do that.
#
#SBATCH --job-name=repose
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --output=repose-%j.log
#SBATCH --open-mode=append
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --signal=B:TERM@90
set -euo pipefail

[ "$#" -gt 0 ] || { echo "usage: sbatch [OPTIONS] $0 SPEC [WORDS OF repose run]" >&2; exit 2; }
: "${REPOSE_TRACKING_URI:?names the MLflow server, e.g. http://login:5000 (deploy/compose.yaml)}"
export PATH="${REPOSE_BIN:+$REPOSE_BIN:}$PATH"

# The allocation's own token: who has none can't run code on its nodes. It travels in the environment, which Slurm protects.
umask 077
export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN="${RAY_AUTH_TOKEN:-$(python3 -c 'import secrets; print(secrets.token_hex(32))')}"
export RAY_AUTH_TOKEN
export RAY_USAGE_STATS_ENABLED=0 MLFLOW_DISABLE_TELEMETRY=true
# A node's own disk: views of large data are made there once a node, and its runs share them.
scratch="${SLURM_TMPDIR:-${TMPDIR:-/tmp}}"
export REPOSE_CACHE="${REPOSE_CACHE:-$scratch/repose-cache-$USER}"

nodes="${SLURM_JOB_NUM_NODES:-1}"
cpus="${SLURM_CPUS_PER_TASK:-$(nproc)}"
gpus="${SLURM_GPUS_ON_NODE:-0}"
port="${REPOSE_RAY_PORT:-$((20000 + ${SLURM_JOB_ID:-0} % 20000))}"
host="${SLURMD_NODENAME:-$(hostname)}"
ip="$(hostname -I | awk '{print $1}')"
address="$ip:$port"

ended=""
driver=""
ray_pids=()
tidy() {
  for pid in "${ray_pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
}
trap tidy EXIT
# To the driver alone: Ray has to live while checkpoints are kept.
told() { ended=1; [ -z "$driver" ] || kill -TERM "$driver" 2> /dev/null || true; }
trap told TERM INT

start=(ray start --block --num-cpus "$cpus" --num-gpus "$gpus" --disable-usage-stats)
share=(srun --overlap --ntasks-per-node=1 --cpus-per-task "$cpus" --kill-on-bad-exit=0)
"${share[@]}" --nodes=1 --ntasks=1 --nodelist="$host" \
  "${start[@]}" --head --node-ip-address "$ip" --port "$port" --include-dashboard=false &
ray_pids+=("$!")

alive() { python3 - "$address" <<'PY'
import logging, sys, ray
try:
    ray.init(sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)
except Exception:
    print(0)
else:
    print(sum(node["Alive"] for node in ray.nodes()))
PY
}
listening() { (: > "/dev/tcp/$ip/$port") 2> /dev/null; }
wait_for() { # seconds, what, command…
  local end=$((SECONDS + $1)) what="$2"
  shift 2
  until "$@"; do
    [ -z "$ended" ] || exit 130
    kill -0 "${ray_pids[0]}" 2> /dev/null || { echo "Ray's head ended: see above" >&2; exit 1; }
    [ "$SECONDS" -lt "$end" ] || { echo "$what" >&2; return 1; }
    sleep 1
  done
}
wait_for 120 "Ray's head doesn't answer at $address" listening

if [ "$nodes" -gt 1 ]; then
  "${share[@]}" --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --exclude="$host" \
    "${start[@]}" --address "$address" &
  ray_pids+=("$!")
fi
all() { [ "$(alive)" -ge "$nodes" ]; }
# Those that come later are used too.
wait_for 180 "not all $nodes nodes have joined; going on with those that have" all || true
[ -z "$ended" ] || exit 130

repose run "$@" --address "$address" &
driver=$!
status=0
wait "$driver" || status=$?
while kill -0 "$driver" 2> /dev/null; do status=0; wait "$driver" || status=$?; done # a signal ends `wait` before its time

if [ "$status" -eq 130 ] && [ -n "$ended" ] && [ "${REPOSE_REQUEUE:-0}" = 1 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
