"""Memory: seen from outside, for what is set for a process cannot be taken back."""

import ctypes
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, os, threading
from pipeline.memory import share_arenas

if {share}:
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
together = threading.Barrier({threads})

def allocate():
    together.wait()
    assert libc.malloc(5_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range({threads})]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def _arenas(*, share: bool) -> int:
    program = _PROGRAM.format(share=share, threads=8)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return run.stdout.count(b"<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_two_arenas_where_they_would_have_one_each() -> None:
    assert _arenas(share=False) > 2
    assert _arenas(share=True) <= 2


_COLLECTIONS = """
import gc
from pipeline.memory import collect_rarely

if {rarely}:
    collect_rarely()
before = sum(each["collections"] for each in gc.get_stats())
kept = [[] for _ in range(40_000)]
print(sum(each["collections"] for each in gc.get_stats()) - before)
"""


def _collections(*, rarely: bool) -> int:
    program = _COLLECTIONS.format(rarely=rarely)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return int(run.stdout)


def test_records_are_not_looked_through_for_cycles_again_and_again() -> None:
    assert _collections(rarely=False) > 10
    assert _collections(rarely=True) == 0
