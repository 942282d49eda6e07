"""Memory arenas of the C library: a few for the whole process, not some for every thread.

glibc gives each thread an arena of its own, up to eight a core, and what a burst left free in one
of them no other thread gets: with a thread a lane, resident memory creeps up for hours towards
sixteen bursts at once.
"""

import ctypes
import logging

_LOG = logging.getLogger(__name__)

_M_ARENA_MAX = -8
"""In glibc's malloc.h."""
_ARENAS = 2


def share_arenas() -> None:
    """Limits the arenas of this process; elsewhere than on glibc nothing is to be limited."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and not mallopt(_M_ARENA_MAX, _ARENAS):
        _LOG.debug("the C library did not take M_ARENA_MAX")
