"""The memory of a process that runs for months: how it is shared, and when it is looked through."""

import ctypes
import gc
import logging

_LOG = logging.getLogger(__name__)

_M_ARENA_MAX = -8
"""In glibc's malloc.h."""
_ARENAS = 2
_THRESHOLDS = 50_000, 20, 50
"""Of Python's collector: allocations that are left before it looks at the youngest objects, and how
often that happens before it looks at older ones. By its own measure it would look at some hundred
records at a time, a third of all work, and find nothing: records hold no cycles. What Beam leaves
behind is collected when a generation of the pipeline ends."""


def share_arenas() -> None:
    """Has all threads of this process share a few memory arenas.

    glibc gives each thread an arena of its own, up to eight a core, and what a burst left free in
    one of them no other thread gets: with a thread a lane, resident memory creeps up for hours
    towards sixteen bursts at once. Elsewhere than on glibc there is nothing to limit.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and not mallopt(_M_ARENA_MAX, _ARENAS):
        _LOG.debug("the C library did not take M_ARENA_MAX")


def collect_rarely() -> None:
    """Has Python look for cycles as often as records need it; what is loaded now stays for good."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
