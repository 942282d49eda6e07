#!/usr/bin/env bash
# Makes the environment, then rehearses a Dataflow submission. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/environment.sh
make_environment requirements-dev.txt
exec "$ENVIRONMENT/bin/python" -m pytest -n auto --dist loadfile tests/rehearsal "$@"
