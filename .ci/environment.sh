# Makes the project's own Python environment. Sourced by run_local.sh and tests/run.sh.
# Usage: make_environment LOCK_FILE; afterwards "$ENVIRONMENT/bin/python" is there.

ENVIRONMENT="${ENVIRONMENT:-$PWD/.venv}"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

give_up() {
  printf '\nerror: %s\n' "$1" >&2
  shift
  printf '  %s\n' "$@" >&2
  exit 2
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
    then
      printf '%s' "$candidate"
      return
    fi
  done
  give_up "no Python 3.11, 3.12 or 3.13 was found." \
    "Debian, Ubuntu: sudo apt install python3 python3-venv" \
    "macOS:          brew install python@3.12" \
    "Or name one:    PYTHON=/path/to/python3.12 $0"
}

make_environment() {
  local lock="$1" python stamp wanted
  if command -v sha256sum >/dev/null 2>&1; then
    wanted="$(sha256sum "$lock" | cut -d' ' -f1)"
  else
    wanted="$(shasum -a 256 "$lock" | cut -d' ' -f1)"
  fi
  stamp="$ENVIRONMENT/.installed-$lock"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  python="$(find_python)" || exit 2
  if [ ! -x "$ENVIRONMENT/bin/python" ]; then
    say "Making an environment in $ENVIRONMENT ($("$python" --version))"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
      give_up "$python comes without venv or pip, which make the environment." \
        "Debian, Ubuntu: sudo apt install python3-venv" \
        "Or name another Python: PYTHON=/path/to/python3.12 $0"
    "$python" -m venv "$ENVIRONMENT" ||
      give_up "the environment could not be made in $ENVIRONMENT." \
        "Is there room on the disk, and may this user write there?"
  fi
  say "Installing $(grep -c '==' "$lock") locked packages from $lock (the first time this takes two minutes or so)"
  "$ENVIRONMENT/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --requirement "$lock" ||
    give_up "the packages could not be installed; pip says above why." \
      "The package index has to be reachable: pip's own settings (index-url, proxy) are used." \
      "Then run the same command again; to start afresh: rm -rf $ENVIRONMENT"
  printf '%s' "$wanted" >"$stamp"
}
