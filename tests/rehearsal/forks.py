"""The program, run many times over: each in a process of its own, which has Beam imported already.

Run by itself, where `python -m pipeline.main` would be: python forks.py FILE
FILE holds JSON: for each run its arguments. Prints JSON: for each its exit code, and all it said.
"""

import importlib
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path


def run(arguments: list[str]) -> tuple[int, str]:
    """Runs `python -m pipeline.main` in a fork of this process."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), sys.stdout.fileno())
            os.dup2(said.fileno(), sys.stderr.fileno())
            sys.argv[1:] = arguments
            # Ends this process, as everything does that is run as a program.
            runpy.run_module("pipeline.main", run_name="__main__", alter_sys=True)
            raise SystemExit("the program came back")
        _child, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    importlib.import_module("pipeline.launch")
    print(json.dumps([run(arguments) for arguments in json.loads(Path(sys.argv[1]).read_text())]))
