"""A standalone Flink cluster on 127.0.0.1: a JobManager, TaskManagers, and Beam's job server."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from engines.processes import Group, await_that, free_port, listens

SLOTS = 2
"""Of a TaskManager. Those that are left take the whole job when one dies."""
_START_S = 120.0
_TIMEOUT_S = 10.0
_HERE = "127.0.0.1"
_OPEN = (
    "lang",
    "lang.invoke",
    "math",
    "net",
    "io",
    "util",
    "util.concurrent",
    "nio",
    "text",
    "time",
)
"""Packages of java.base that Flink opens on Java 17: env.java.opts.all of its own configuration."""
_JVM = [
    "-Djava.net.preferIPv4Stack=true",
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPEN),
]
_CLUSTER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_MEMORY = {
    "jobmanager.memory.process.size": "1024m",
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.max": "192m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.task.heap.size": "384m",
    "taskmanager.memory.task.off-heap.size": "64m",
}


def configuration(directory: Path, rpc_port: int, rest_port: int) -> dict[str, str]:
    """Flink's configuration; a TaskManager is given up 6 s after its last heartbeat."""
    return {
        "jobmanager.rpc.address": _HERE,
        "jobmanager.bind-host": _HERE,
        "jobmanager.rpc.port": str(rpc_port),
        "rest.address": _HERE,
        "rest.bind-address": _HERE,
        "rest.port": str(rest_port),
        "taskmanager.host": _HERE,
        "taskmanager.bind-host": _HERE,
        "taskmanager.numberOfTaskSlots": str(SLOTS),
        "cluster.evenly-spread-out-slots": "true",
        "heartbeat.interval": "1000",
        "heartbeat.timeout": "6000",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "20",
        "restart-strategy.fixed-delay.delay": "1s",
        "web.tmpdir": str(directory),
        "state.checkpoints.dir": (directory / "checkpoints").as_uri(),
        "io.tmp.dirs": str(directory),
        **_MEMORY,
    }


class FlinkCluster:
    """`jars`: the directory of Beam's Flink runner with all it needs. `directory`: for files."""

    def __init__(self, jars: Path, directory: Path) -> None:
        self._jars = jars
        self._directory = directory
        self._rest = free_port()
        self.job_port = free_port()
        self._conf = directory / "conf"
        self._conf.mkdir()
        settings = configuration(directory, free_port(), self._rest)
        lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
        self._conf.joinpath("flink-conf.yaml").write_text(lines)
        self._groups: list[Group] = []

    def start(self) -> None:
        """Starts the JobManager and the job server. Raises EngineError."""
        manager = self._java("jobmanager", _CLUSTER, f"--configDir={self._conf}", f"--host={_HERE}")
        server = self._java(
            "job-server",
            _JOB_SERVER,
            f"--flink-master={_HERE}:{self._rest}",
            f"--flink-conf-dir={self._conf}",
            f"--job-host={_HERE}",
            f"--job-port={self.job_port}",
            "--artifact-port=0",
            "--expansion-port=0",
            f"--artifacts-dir={self._directory / 'artifacts'}",
        )
        await_that("the JobManager listens", lambda: listens(self._rest), _START_S, manager)
        await_that("the job server listens", lambda: listens(self.job_port), _START_S, server)

    def add_task_managers(self, workers: Mapping[str, Mapping[str, str]]) -> dict[str, Group]:
        """Starts TaskManagers, by their names, whose Python workers inherit the variables given."""
        groups = {
            name: self._java(name, _TASK_MANAGER, f"--configDir={self._conf}", variables=variables)
            for name, variables in workers.items()
        }
        await_that(
            "the TaskManagers register",
            lambda: self._registered() == len(workers),
            _START_S,
            *groups.values(),
        )
        return groups

    def _registered(self) -> int:
        try:
            return len(self._ask("/taskmanagers")["taskmanagers"])
        except urllib.error.HTTPError as error:
            # It listens before it has made itself the leader.
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                return 0
            raise

    def checkpoints(self) -> dict[str, int]:
        """Of the newest job: how many checkpoints it completed and began again from, and the bytes
        of the last one.
        """
        jobs = sorted(self._ask("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
        answer = self._ask(f"/jobs/{jobs[-1]['jid']}/checkpoints")
        counts, last = answer["counts"], answer["latest"]["completed"]
        return {
            "completed": counts["completed"],
            "restored": counts["restored"],
            "bytes": last["state_size"] if last else 0,
        }

    def _java(
        self, name: str, main: str, *words: str, variables: Mapping[str, str] | None = None
    ) -> Group:
        command = [
            "nice",
            "-n",
            "10",
            "java",
            "-Xmx640m",
            *_JVM,
            f"-Djava.io.tmpdir={self._directory}",
            "-cp",
            f"{self._jars}/*",
            main,
        ]
        # Flink's own parser takes "--configDir DIR" alone.
        words = tuple(
            part
            for word in words
            for part in (
                word.split("=", 1) if word.startswith(("--configDir", "--host=")) else [word]
            )
        )
        group = Group(name, [*command, *words], self._directory / f"{name}.log", variables or {})
        self._groups.append(group)
        return group

    def _ask(self, path: str) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{_HERE}:{self._rest}{path}", timeout=_TIMEOUT_S) as answer:
            return json.loads(answer.read())

    def stop(self) -> None:
        """Ends all of it, and the Python workers with it."""
        for group in reversed(self._groups):
            group.kill()


def worker_flags(directory: Path) -> list[str]:
    """Flags by which a Python worker is a process that its TaskManager starts."""
    script = directory / "boot.sh"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engines.boot "$@"\n')
    script.chmod(0o755)
    return [
        "--environment_type=PROCESS",
        f"--environment_config={json.dumps({'command': str(script)})}",
    ]
