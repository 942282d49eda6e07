"""Moves the wall clock of a program that is started with this directory on PYTHONPATH.

Python imports a module of this name before anything else (https://docs.python.org/3/library/site.html).
A run after a crash trusts no message that was published before its start and some minutes more, so
those minutes have to pass.
"""

import os
import time

_real = time.time
_ahead_s = float(os.environ["STORM_CLOCK_AHEAD_S"])


def _moved() -> float:
    return _real() + _ahead_s


time.time = _moved
