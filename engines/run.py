"""One run: records in Pub/Sub, the job on an engine, a kill in the middle, and the count."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.pubsub import SUBSCRIPTION
from benchmarks.settings import page
from engines.flink import FlinkCluster, worker_flags
from engines.processes import EngineError, Group, await_that, free_port, listens
from engines.verdict import Figures
from engines.world import World, world

KILL_AT = 0.3
"""Share of the records that have arrived when a worker is killed; some of them acknowledged."""
_START_S = 60.0
_STILL_S = 180.0
"""So long nothing may change: a lease is 60 s, and an engine has to notice and to start again."""
_LOOK_EVERY_S = 0.1
_API_KEY = "key-of-the-engines"
_CHECKPOINT_MS = 1_000
_RETRY_FOR_S = 5
_OUTAGE_S = 15.0
"""Longer than a bundle is tried: some fail, and the engine has to begin again."""
_AFTER_OUTAGE = 0.1
"""Share of the records that have to arrive between the outage and the kill."""


def job(directory: Path, url: str, *flags: str) -> list[str]:
    """How the program is started on the subscription; its files go to `directory`."""
    settings = directory / "settings.json"
    settings.write_bytes(msgspec.json.encode(page(retry_for_s=_RETRY_FOR_S)))
    return [
        sys.executable,
        "-m",
        "pipeline.main",
        f"--settings={settings}",
        f"--customerio_endpoint={url}",
        f"--input_subscription={SUBSCRIPTION}",
        f"--dead_letter_files={directory / 'dead'}",
        "--request_budget_processes=2",
        *flags,
    ]


def variables(pubsub: str, worker: str) -> dict[str, str]:
    """The environment of a worker. Its site id is its name: so the stand-in knows who sent what."""
    return {
        "PUBSUB_EMULATOR_HOST": pubsub,
        "CUSTOMERIO_SITE_ID": worker,
        "CUSTOMERIO_API_KEY": _API_KEY,
        "PYTHONPATH": str(Path.cwd()),
    }


def on_flink(jars: Path, directory: Path, count: int, say: Callable[[str], None]) -> Figures:
    """Kills one of two TaskManagers, with its Python worker, in the middle. Raises EngineError."""
    cluster = FlinkCluster(jars, directory)
    with world(count) as here:
        try:
            cluster.start()
            names = ("worker-1", "worker-2")
            managers = cluster.add_task_managers(
                {name: variables(here.pubsub, name) for name in names}
            )
            say(f"a JobManager, a job server and {len(managers)} TaskManagers run")
            flags = (
                "--runner=FlinkRunner",
                f"--job_endpoint=127.0.0.1:{cluster.job_port}",
                f"--parallelism={len(managers)}",
                f"--checkpointing_interval={_CHECKPOINT_MS}",
                *worker_flags(directory),
            )
            submitted = _submit(directory, here, flags)
            try:
                victim = managers[names[-1]]
                figures = _watched(
                    here, "Flink", count, submitted, victim, lambda: None, say, outage=True
                )
            finally:
                submitted.kill()
            counts = ", ".join(f"{each:,} {name}" for name, each in cluster.checkpoints().items())
            say(f"checkpoints: {counts} in the last one")
            return figures
        finally:
            cluster.stop()


def on_prism(binary: Path, directory: Path, count: int, say: Callable[[str], None]) -> Figures:
    """Kills Prism with its worker in the middle, and starts both again. Raises EngineError."""
    with world(count) as here:
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
            return _watched(here, "Prism", count, None, first, again, say)
        finally:
            for group in reversed(groups):
                group.kill()


def _submit(directory: Path, here: World, flags: Sequence[str], worker: str = "nobody") -> Group:
    return Group(
        "the job",
        job(directory, here.url, *flags),
        directory / f"job-{worker}.log",
        variables(here.pubsub, worker),
    )


def _watched(
    here: World,
    engine: str,
    count: int,
    submitted: Group | None,
    victim: Group,
    after: Callable[[], None],
    say: Callable[[str], None],
    *,
    outage: bool = False,
) -> Figures:
    """Looks on until everything is acknowledged or nothing moves any more; kills on the way.

    `outage`: before the kill the stand-in refuses everything for a while.
    """
    at_kill = 0
    kill_from = count * KILL_AT
    killed = False
    last: tuple[int, int] = (0, 0)
    moved_at = time.monotonic()
    while last != (count, count):
        if submitted is not None and submitted.ended():
            raise EngineError(f"the job ended early:\n{submitted.last_words()}")
        now = here.look()
        if now != last:
            last, moved_at = now, time.monotonic()
        if outage and now[1] > 0:
            outage = False
            here.refuse(_OUTAGE_S)
            # So that a worker is killed that delivers again.
            kill_from = max(kill_from, now[0] + count * _AFTER_OUTAGE)
            say(f"the stand-in refuses everything for {_OUTAGE_S:g} s; {now[0]:,} delivered")
        if not killed and now[1] > 0 and count > now[0] >= kill_from:
            victim.kill()
            killed = True
            at_kill, acknowledged = here.look()
            say(
                f"killed {victim.name} at {at_kill:,} of {count:,} events delivered, "
                f"{acknowledged:,} messages acknowledged"
            )
            after()
        if time.monotonic() - moved_at > _STILL_S:
            break
        time.sleep(_LOOK_EVERY_S)
    return Figures(
        engine=engine,
        published=count,
        arrived=last[0],
        again=here.again(),
        acknowledged=last[1],
        ahead=here.ahead,
        looks=here.looks,
        shares=here.shares(),
        killed=victim.name if killed else None,
        arrived_at_kill=at_kill,
        seconds=moved_at - (here.first_at or moved_at),
    )
