#!/usr/bin/env bash
# Makes the environment, then measures. Arguments go to `python -m benchmarks`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/environment.sh
make_environment requirements.txt
python="$ENVIRONMENT/bin/python"
# The last of them: pip installs all or none.
if [ ! -x "$ENVIRONMENT/bin/py-spy" ]; then
  say "Installing the peers that are measured beside, matplotlib and py-spy"
  "$python" -m pip install --quiet --disable-pip-version-check \
    --requirement benchmarks/requirements.txt ||
    give_up "the packages of benchmarks/requirements.txt could not be installed; pip says above why."
fi
exec "$python" -m "${BENCHMARK:-benchmarks}" "$@"
