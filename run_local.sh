#!/usr/bin/env bash
# Runs the whole stream on this machine: no gcloud, no Docker, no account. ./run_local.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. .ci/environment.sh
make_environment requirements.txt
exec "$ENVIRONMENT/bin/python" -m pipeline.local.run "$@"
