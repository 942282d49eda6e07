"""The command line of the doctor."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from pydantic import ValidationError

from pipeline import command_line
from pipeline.replay.source import Kind, resource_kind
from pipeline.settings.explain import explain
from pipeline.settings.model import CustomerIo

PROG: Final = "python -m pipeline doctor"


class Asked(Struct, frozen=True, kw_only=True):
    """What to look at: the flags that the job would be started with."""

    settings: str
    input_subscription: str | None = None
    dead_letter_topic: str | None = None
    dead_letter_files: str | None = None
    environment_file: str | None = None
    customerio_endpoint: str | None = None
    json: bool = False


def parse(argv: Sequence[str]) -> Asked:
    """What is asked for. Raises CommandLineError with every problem found."""
    return Asked(**vars(command_line.parse(_parser(), argv, _problems)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage=f"{PROG} --settings FILE [--input_subscription S] [--dead_letter_topic T | "
        "--dead_letter_files PREFIX] [--environment_file FILE] [--customerio_endpoint URL] "
        "[--json]",
        description="Checks what a job needs, with the job's own flags. Nothing is sent, pulled or "
        "published. Exit code: 0 nothing is red, 1 something is, 2 the command line is wrong.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    # None is required for argparse, so that everything that is wrong is told at once.
    parser.add_argument("--settings", metavar="FILE", help="settings file, YAML or JSON")
    parser.add_argument(
        "--input_subscription", metavar="S", help="the job's: projects/P/subscriptions/S"
    )
    parser.add_argument("--dead_letter_topic", metavar="T", help="the job's: projects/P/topics/T")
    parser.add_argument("--dead_letter_files", metavar="PREFIX", help="the job's, local or gs://")
    parser.add_argument(
        "--environment_file", metavar="FILE", help="NAME=VALUE lines for the settings' ${NAME}"
    )
    parser.add_argument(
        "--customerio_endpoint", metavar="URL", help="wins over the settings; for tests, proxies"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    return parser


def _problems(given: argparse.Namespace) -> Iterator[str]:
    if not given.settings:
        yield "--settings FILE is missing: the settings say what is needed"
    subscription, topic = given.input_subscription, given.dead_letter_topic
    if subscription and resource_kind(subscription) is not Kind.SUBSCRIPTION:
        yield (
            f"--input_subscription: found {subscription!r}; the form is projects/P/subscriptions/S"
        )
    if topic and resource_kind(topic) is not Kind.TOPIC:
        yield f"--dead_letter_topic: found {topic!r}; the form is projects/P/topics/T"
    if topic and given.dead_letter_files:
        yield (
            "give one of --dead_letter_topic and --dead_letter_files: a job has one place for them"
        )
    if given.customerio_endpoint:
        try:
            CustomerIo.model_validate({"endpoint": given.customerio_endpoint})
        except ValidationError as error:
            for fault in explain(error):
                yield f"--customerio_endpoint: {fault.found}; allowed: {fault.allowed}"
