#!/usr/bin/env bash
# Fetches the engines once, then runs the job on them. Arguments go to `python -m engines`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/environment.sh
CACHE="$PWD/.cache/engines"
PRISM="github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0"
NAMES=" $* "
wanted() { [[ "$NAMES" == *" $1 "* || "$NAMES" != *" flink "* && "$NAMES" != *" prism "* ]]; }
need() {
  command -v "$1" >/dev/null 2>&1 || give_up "$1 was not found; $2 needs it." "Install $3." \
    "Or leave this engine out: engines/run.sh $4"
}

mkdir -p "$CACHE"
if wanted flink; then
  need java Flink "a JDK 17 (Debian, Ubuntu: sudo apt install openjdk-17-jdk-headless)" prism
  if [ ! -f "$CACHE/flink.complete" ] || [ engines/pom.xml -nt "$CACHE/flink.complete" ]; then
    need mvn Flink "Maven (Debian, Ubuntu: sudo apt install maven)" prism
    say "Fetching Flink and Beam's runner for it (150 MB) to $CACHE/flink"
    rm -rf "$CACHE/flink"
    mvn --batch-mode --quiet --file engines/pom.xml dependency:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$CACHE/flink" ||
      give_up "Maven could not fetch what engines/pom.xml names; it says above why."
    touch "$CACHE/flink.complete"
  fi
fi
if wanted prism && [ ! -x "$CACHE/prism" ]; then
  need go Prism "Go 1.26 or newer (https://go.dev/doc/install)" flink
  say "Building Prism to $CACHE/prism (the first time this takes some minutes)"
  GOBIN="$CACHE" go install "$PRISM" || give_up "Prism could not be built; go says above why."
fi
make_environment requirements-dev.txt

# Prism listens on every address of its machine. In a network of its own there is only 127.0.0.1;
# and what has process ids of its own ends with the first of them, however that one ends.
isolated=(unshare --map-root-user --net --pid --fork --kill-child --mount-proc
  sh -c 'ip link set lo up && exec "$@"' engines)
if ! "${isolated[@]}" true 2>/dev/null; then
  give_up "no network of our own could be made, and Prism listens on every address." \
    "Linux with unshare and ip is needed (Debian, Ubuntu: sudo apt install util-linux iproute2)," \
    "and user namespaces have to be allowed."
fi
"${isolated[@]}" "$ENVIRONMENT/bin/python" -m engines --cache "$CACHE" "$@" &
trap 'kill -KILL $!' INT TERM HUP
wait $!
