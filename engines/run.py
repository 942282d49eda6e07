"""One run: records wait, the job reads them on an engine, a worker dies, and all is counted."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.settings import page
from engines.flink import FlinkCluster, worker_flags
from engines.processes import Group, await_that, free_port, listens
from engines.trouble import Trouble
from engines.verdict import Figures
from engines.world import World

_START_S = 60.0
_STILL_S = 180.0
"""So long nothing may change: a lease is 60 s, and an engine has to notice and to start again."""
_LOOK_EVERY_S = 0.1
_API_KEY = "key-of-the-engines"
_CHECKPOINT_MS = 1_000
_RETRY_FOR_S = 5


def job(directory: Path, here: World, *flags: str) -> list[str]:
    """How the program is started; its files go to `directory`."""
    settings = directory / "settings.json"
    delivery = page(
        retry_for_s=_RETRY_FOR_S, max_requests_per_second=here.waiting.requests_per_second
    )
    settings.write_bytes(msgspec.json.encode(delivery))
    return [
        sys.executable,
        "-m",
        "pipeline.main",
        f"--settings={settings}",
        f"--customerio_endpoint={here.url}",
        f"--dead_letter_files={directory / 'dead'}",
        "--request_budget_processes=2",
        here.waiting.flag,
        *flags,
    ]


def variables(here: World, worker: str) -> dict[str, str]:
    """The environment of a worker. Its site id is its name: so the stand-in knows who sent what."""
    return {
        "CUSTOMERIO_SITE_ID": worker,
        "CUSTOMERIO_API_KEY": _API_KEY,
        "PYTHONPATH": str(Path.cwd()),
        **here.waiting.variables,
    }


def on_flink(jars: Path, directory: Path, here: World, say: Callable[[str], None]) -> Figures:
    """Kills one of two TaskManagers, with its Python worker, in the middle. Raises EngineError."""
    cluster = FlinkCluster(jars, directory)
    try:
        cluster.start()
        names = ("worker-1", "worker-2")
        managers = cluster.add_task_managers({name: variables(here, name) for name in names})
        say(f"a JobManager, a job server and {len(managers)} TaskManagers run")
        flags = [
            "--runner=FlinkRunner",
            f"--job_endpoint=127.0.0.1:{cluster.job_port}",
            f"--parallelism={len(managers)}",
            *worker_flags(directory),
        ]
        acknowledges = here.waiting.acknowledged() is not None
        if acknowledges:
            flags.append(f"--checkpointing_interval={_CHECKPOINT_MS}")
        submitted = _submit(directory, here, flags)
        try:
            trouble = Trouble(
                here, managers[names[-1]], say, side_by_side=len(managers), outage=True
            )
            figures = _watched("Flink", here, lambda: submitted, trouble)
        finally:
            submitted.kill()
        if acknowledges:
            counts = ", ".join(f"{each:,} {name}" for name, each in cluster.checkpoints().items())
            say(f"checkpoints: {counts} in the last one")
        return figures
    finally:
        cluster.stop()


def on_prism(binary: Path, directory: Path, here: World, say: Callable[[str], None]) -> Figures:
    """Kills Prism with its worker in the middle, and starts both again. Raises EngineError."""
    groups: list[Group] = []

    def start(name: str) -> Group:
        port = free_port()
        server = Group(
            f"prism-{name}",
            [str(binary), f"--job_port={port}", "--serve_http=false"],
            directory / f"prism-{name}.log",
            {},
        )
        groups.append(server)
        await_that("Prism listens", lambda: listens(port), _START_S, server)
        flags = ("--runner=PrismRunner", f"--job_endpoint=127.0.0.1:{port}")
        groups.append(_submit(directory, here, flags, name))
        return groups[-1]

    def again() -> None:
        groups[0].kill()
        start("worker-2")

    try:
        first = start("worker-1")
        say("Prism runs the job; its worker is the process that submitted it")
        trouble = Trouble(here, first, say, side_by_side=1, outage=False, after=again)
        return _watched("Prism", here, lambda: groups[-1], trouble)
    finally:
        for group in reversed(groups):
            group.kill()


def _submit(directory: Path, here: World, flags: Sequence[str], worker: str = "nobody") -> Group:
    return Group(
        "the job",
        job(directory, here, *flags),
        directory / f"job-{worker}.log",
        variables(here, worker),
    )


def _watched(engine: str, here: World, running: Callable[[], Group], trouble: Trouble) -> Figures:
    """Looks on, and makes trouble, until the run is over or nothing moves any more.

    `running`: the process that submitted the job; another one, when it was started again.
    """
    last = here.look()
    moved_at = time.monotonic()
    while not (over := here.over(running())) and time.monotonic() - moved_at < _STILL_S:
        time.sleep(_LOOK_EVERY_S)
        now = here.look()
        if now != last:
            last, moved_at = now, time.monotonic()
        trouble.follow(now)
    ended_at = time.monotonic() if over else moved_at
    last = here.look()
    return Figures(
        engine=engine,
        published=here.records,
        arrived=last.arrived,
        again=here.again(),
        acknowledged=here.acknowledgements(),
        shares=here.shares(),
        shares_before_kill=trouble.shares_before_kill,
        again_before_kill=trouble.again_before_kill,
        killed=trouble.killed,
        arrived_at_kill=trouble.arrived_at_kill,
        over=over,
        seconds=ended_at - (here.first_at or ended_at),
    )
