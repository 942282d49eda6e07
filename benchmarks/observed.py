"""Runs a program so that py-spy may look into it: `python -m benchmarks.observed MODULE …`.

Linux lets a process look into those that it has started, and into those that allow it.
"""

import ctypes
import runpy
import sys

_PR_SET_PTRACER = 0x59616D61
"""Of <linux/prctl.h>."""
_ANY = -1


def allow_observers() -> None:
    """Allows it to every process of this user. Does nothing where there is no such rule."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PTRACER, ctypes.c_long(_ANY), 0, 0, 0)


if __name__ == "__main__":
    allow_observers()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
