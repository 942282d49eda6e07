"""Which memory of people a job has, by its settings, its flags and its runner."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.options import DATAFLOW, ONE_MACHINE, StreamOptions, UsageError
from pipeline.people.process import people_of_process, remembering
from pipeline.settings.model import Settings
from transforms.memory.people import OpenPeople

STATE_FILE_MISSING = (
    "users.state: person needs --state_file PATH: on one machine people are remembered in a file"
)


def refuse_memory(given: StreamOptions, settings: Settings, runner: str) -> None:
    """Raises UsageError where settings, flags and runner do not go together."""
    remembers = settings.users.state == "person"
    if runner in ONE_MACHINE:
        if remembers and not given.state_file:
            raise UsageError(STATE_FILE_MISSING)
        if given.state_file and not remembers:
            raise UsageError("--state_file goes with users.state: person in the settings")
    elif remembers and runner != DATAFLOW:
        raise UsageError(
            f"users.state: person does not run with --runner={runner}: that people are remembered "
            "there is not shown; use DirectRunner or DataflowRunner"
        )
    elif remembers and given.input_files:
        raise UsageError(
            "users.state: person with --input_files runs on one machine only: on Dataflow the "
            "memory would end with the files"
        )


def people_of(settings: Settings, runner: str) -> OpenPeople | None:
    """Where the graph finds its people; None where its runner keeps them, or nobody does."""
    on_one_machine = runner in ONE_MACHINE
    return people_of_process if on_one_machine and settings.users.state == "person" else None


@contextmanager
def opened(given: StreamOptions, settings: Settings) -> Iterator[None]:
    """On one machine: opens the file of people if the job has one. Raises StateFileError."""
    if not given.state_file:
        yield
        return
    with remembering(given.state_file, settings.users.state_days):
        yield
