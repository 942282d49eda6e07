#!/usr/bin/env bash
# Makes the environment, then lint, types and all tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/environment.sh
make_environment requirements-dev.txt
python="$ENVIRONMENT/bin/python"
say "ruff"
"$python" -m ruff check .
"$python" -m ruff format --check .
say "mypy --strict"
"$python" -m mypy
say "pytest"
# Most tests wait for sockets and clocks: a process a core, each file in one of them.
exec "$python" -m pytest -n auto --dist loadfile "$@"
