"""`python -m tests.security.watched_main`: the program, with all that it says written down.

Every logger is at DEBUG, whatever it is set to. Into the directory $WATCH go `logs.jsonl`
(every log record with all that it carries), the graphs as they are handed to the runner, their
options, pickled, and the metrics of their results.
"""

import itertools
import json
import logging
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec

from pipeline.launch import main
from transforms.records import EventOperation

CRASH = "crash here"
"""The name of an event on which the encoder fails, quoting it."""


def _record_logs(path: Path) -> None:
    log = path.open("a", encoding="utf-8", buffering=1)
    handle = logging.Logger.handle

    def record(self: logging.Logger, entry: logging.LogRecord) -> None:
        # Filters of a logger are asked first: what they hold back nobody gets.
        if self.filter(entry):
            text = logging.Formatter().format(entry)
            carried = repr(entry.__dict__)
            log.write(json.dumps([entry.name, entry.levelno, text, carried]) + "\n")
        handle(self, entry)

    setattr(logging.Logger, "handle", record)  # noqa: B010 - mypy: a method cannot be assigned
    setattr(logging.Logger, "isEnabledFor", lambda self, _level: not self.disabled)  # noqa: B010


def _record_graphs(directory: Path) -> None:
    run = beam.Pipeline.run
    number = itertools.count(1)

    def recorded(self: beam.Pipeline, *arguments: Any, **named: Any) -> Any:
        name = f"graph-{next(number)}"
        graph: Any = self.to_runner_api()
        (directory / f"{name}.pb").write_bytes(graph.SerializeToString())
        (directory / f"{name}.options.pickle").write_bytes(pickle.dumps(self._options))
        (directory / f"{name}.options.txt").write_text(repr(self._options.get_all_options()))
        result = run(self, *arguments, **named)
        (directory / f"{name}.metrics.txt").write_text(repr(result.metrics().query()))
        return result

    setattr(beam.Pipeline, "run", recorded)  # noqa: B010


def _crash_on_a_mark() -> None:
    """An encoder that fails on one event and quotes it: our own code has no such fault to offer."""
    encode = msgspec.json.encode

    def encode_or_crash(value: Any, **options: Any) -> bytes:
        if isinstance(value, EventOperation) and value.name == CRASH:
            raise ValueError(f"cannot encode {value!r}")
        return encode(value, **options)

    msgspec.json.encode = encode_or_crash


if __name__ == "__main__":
    watch = Path(os.environ["WATCH"])
    _record_logs(watch / "logs.jsonl")
    _record_graphs(watch)
    _crash_on_a_mark()
    sys.exit(main())
