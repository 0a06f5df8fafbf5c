#!/usr/bin/env bash
# A run on a batch system with Slurm: one scheduler, workers beside it, and the command itself, in one job.
# sbatch deploy/slurm.sh --exports /shared/exports --policy my-policy.toml --period last-month --out /shared/reports
#SBATCH --job-name=pledgebook
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=2G
#SBATCH --time=02:00:00
set -euo pipefail
umask 077

: "${PLEDGEBOOK_VENV:?the folder of the virtualenv, on a disk that all nodes see}"
: "${PLEDGEBOOK_STORE:?where stores lie: a folder that all nodes see, or s3://bucket/stores}"
: "${PLEDGEBOOK_KEY_FILE:?the file of the key, readable for you alone, on a disk that all nodes see}"
: "${PLEDGEBOOK_CERTIFICATES:?a folder with ca.pem, node.pem and node.key, made as deploy/cluster.md says}"
export POLARS_MAX_THREADS="${SLURM_CPUS_PER_TASK:-1}"
export DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=False
export PATH="$PLEDGEBOOK_VENV/bin:$PATH"

room="$(mktemp -d "${PLEDGEBOOK_ROOM:-$HOME}/.pledgebook-${SLURM_JOB_ID:-here}-XXXXXX")"
ca="$PLEDGEBOOK_CERTIFICATES/ca.pem" cert="$PLEDGEBOOK_CERTIFICATES/node.pem" key="$PLEDGEBOOK_CERTIFICATES/node.key"
joining=(--scheduler-file "$room/scheduler.json" --tls-ca-file "$ca" --tls-cert "$cert" --tls-key "$key" --no-dashboard)
log="$PWD/pledgebook-cluster-${SLURM_JOB_ID:-here}.log"

end() {  # the workers first: one whose scheduler goes while it closes may stay
  kill "${workers:-}" 2>/dev/null && wait "$workers" || true
  kill "${scheduler:-}" 2>/dev/null && wait "$scheduler" || true
  rm -rf "$room"
}
trap end EXIT

# The scheduler needs no key; what it does not have it cannot lose.
env -u PLEDGEBOOK_KEY -u PLEDGEBOOK_KEY_FILE \
  dask scheduler --protocol tls --port 0 --dashboard-address 127.0.0.1:0 "${joining[@]}" >> "$log" 2>&1 &
scheduler=$!
# --local-directory is each node's own disk, where Slurm gives one.
srun --ntasks="${SLURM_NTASKS:-1}" --cpu-bind=cores \
  dask worker --protocol tls --nthreads 1 --no-nanny --death-timeout 120 --memory-limit 0 \
  --local-directory "${TMPDIR:-/tmp}" "${joining[@]}" >> "$log" 2>&1 &
workers=$!

until [ -s "$room/scheduler.json" ]; do
  kill -0 "$scheduler" 2>/dev/null || { echo "the scheduler ended; $log says why" >&2; exit 1; }
  sleep 1
done
pledgebook run --cluster "$room/scheduler.json" --cluster-ca "$ca" --cluster-cert "$cert" --cluster-key "$key" "$@"
