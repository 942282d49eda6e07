"""A piece of work in a fresh process of its own, on a core of its own."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.machine import first_core, keep_to

Pause = Callable[[], None]
"""Called by the work once it has warmed up; returns when everybody else is ready."""


class ChildError(RuntimeError):
    """The process ended without a result; what it said is on standard error."""


def in_child(work: Callable[..., Any], *arguments: Any, when_warm: Callable[[int], object]) -> Any:
    """Runs `work(pause, *arguments)` on the first core alone; what it returns.

    `work` and all that it takes and gives are pickled. `when_warm` is called here, with the id of
    the process, when `work` has called its `pause`. Raises ChildError.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_main, args=(theirs, first_core(), work, arguments), daemon=True
    )
    process.start()
    theirs.close()
    try:
        while True:
            kind, value = ours.recv()
            if kind == "done":
                return value
            when_warm(process.pid or 0)
            ours.send(None)
    except EOFError:
        process.join()
        name = getattr(work, "__name__", work)
        raise ChildError(f"{name} ended with exit code {process.exitcode}") from None
    finally:
        ours.close()
        process.join()


def _main(
    pipe: Connection, cores: list[int], work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    keep_to(cores)

    def pause() -> None:
        pipe.send(("warm", None))
        pipe.recv()

    pipe.send(("done", work(pause, *arguments)))
