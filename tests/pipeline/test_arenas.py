"""Arenas: threads share a few of them. Seen from outside, for they cannot be taken back."""

import ctypes
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, os, threading
from pipeline.arenas import share_arenas

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
