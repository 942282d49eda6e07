"""The command line: our flags beside Beam's own, all checked before anything is read."""

import argparse
import difflib
import os
import re
from collections.abc import Iterable
from typing import Any

from apache_beam.options.pipeline_options import (
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from pipeline import usage
from pipeline.dryrun import flags as dry_run
from pipeline.flags import FlinkOptions
from pipeline.flags import StreamOptions as StreamOptions
from pipeline.places import problems_of_places
from pipeline.settings.flags import FLAGS

ONE_MACHINE = frozenset({"DirectRunner", "FnApiRunner", "SwitchingDirectRunner"})
"""Runners that we carry out on FnApiRunner: the one local runner that finalises bundles, so that
messages can be acknowledged after delivery and not before."""
DATAFLOW = "DataflowRunner"
ONE_MACHINE_FLAGS = ("stop_when_idle_s", "ledger_file", "environment_file", "state_file")
"""Flags that mean nothing to a job of many machines."""
WORKER_IMAGE = "WORKER_IMAGE"
"""The variable in which a Flex Template's image knows its own name. The workers start from the
image that launched the job, so the two never differ."""
FLINK = "FlinkRunner"
PRISM = "PrismRunner"

_SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+")
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_DEFAULT_VCPUS = 2
_PREDEFINED = re.compile(r"-(\d+)(?:-\w*lssd)?$")
_CUSTOM = re.compile(r"custom-(\d+)-\d+(?:-ext)?$")
"""n2-custom-VCPUS-MEMORY: https://cloud.google.com/compute/docs/machine-resource"""
_RUNNERS = {path.rpartition(".")[2].lower(): path for path in StandardOptions.ALL_KNOWN_RUNNERS}


class UsageError(Exception):
    """The command line is wrong; one line a problem."""


def parse(argv: list[str], around: Iterable[str] = ()) -> PipelineOptions:
    """Options from a command line. Raises UsageError with every problem found.

    `around`: flags of the program that has taken its own from the command line before; one of them
    may have been meant by a flag that is not known.
    """
    parser = usage.parser()
    for options_class in {str(each): each for each in PipelineOptions.__subclasses__()}.values():
        add_flags: Any = options_class._add_argparse_args  # noqa: SLF001
        add_flags(parser)
    parser._option_string_actions[dry_run.DRY_RUN].help = dry_run.HELP  # noqa: SLF001
    argv = dry_run.spelled_for_beam(argv)
    try:
        known, unknown = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from error
    flags = (*parser._option_string_actions, *around)  # noqa: SLF001
    problems = [_unknown(argument, flags) for argument in unknown]
    problems += _contradictions(known)
    if problems:
        raise UsageError("\n".join(problems))
    options = PipelineOptions(argv)
    options.view_as(SetupOptions).save_main_session = False
    workers = options.view_as(WorkerOptions)
    if runner_name(known) == DATAFLOW and not workers.sdk_container_image:
        workers.sdk_container_image = os.environ.get(WORKER_IMAGE)
    if known.input_subscription:
        options.view_as(StandardOptions).streaming = True
        # Else Flink holds back what comes of a bundle that a checkpoint ends until the next bundle
        # begins; the one with the readers is followed by none.
        options.view_as(FlinkOptions).finish_bundle_before_checkpointing = True
    return options


def _unknown(argument: str, flags: Iterable[str]) -> str:
    if not argument.startswith("-"):
        # Not repeated: it may be the value of a flag that does not exist, a key for one.
        return (
            "a word on the command line is no flag, and no flag takes it as its value (not shown); "
            "write flags as --name=value"
        )
    name = argument.split("=", 1)[0]
    near = difflib.get_close_matches(name, flags, n=1)
    return f"{name} is no flag of this program or of Beam" + (
        f"; did you mean {near[0]}?"
        if near
        else "; --help lists this program's, --help_beam Beam's"
    )


def _contradictions(given: argparse.Namespace) -> list[str]:
    problems = []
    if not given.settings and not setting_flags(given):
        problems.append(
            "--settings FILE is missing: the settings say what is sent, and where; each can be a "
            "flag too, such as --customerio_region"
        )
    if bool(given.input_subscription) == bool(given.input_files):
        problems.append("give one of --input_subscription and --input_files")
    if not given.dry_run and bool(given.dead_letter_topic) == bool(given.dead_letter_files):
        problems.append(
            "give one of --dead_letter_topic and --dead_letter_files: what cannot be delivered is "
            "kept, never dropped"
        )
    for flag, value, pattern, form in (
        ("--input_subscription", given.input_subscription, _SUBSCRIPTION, "subscriptions/S"),
        ("--dead_letter_topic", given.dead_letter_topic, _TOPIC, "topics/T"),
    ):
        if value and not pattern.fullmatch(value):
            problems.append(f"{flag}: found {value!r}; the form is projects/P/{form}")
    if given.stop_when_idle_s is not None and not given.stop_when_idle_s > 0:
        problems.append(f"--stop_when_idle_s: found {given.stop_when_idle_s}; seconds above 0")
    if given.stop_when_idle_s is not None and given.input_files:
        problems.append(
            "--stop_when_idle_s goes with --input_subscription: files end by themselves"
        )
    budget = given.request_budget_processes
    if budget is not None and budget < 1:
        problems.append(f"--request_budget_processes: found {budget}; 1 or more")
    runner = runner_name(given)
    problems += dry_run.contradictions(given, runner, one_machine=runner in ONE_MACHINE)
    if runner in ONE_MACHINE and not given.dry_run:
        problems += problems_of_places(given)
    if runner in ONE_MACHINE and given.direct_running_mode == "multi_processing":
        problems.append(
            "--direct_running_mode=multi_processing: the ledger and the signal to stop do not "
            "reach other processes; leave it out"
        )
    if runner == DATAFLOW and given.dead_letter_files and "://" not in given.dead_letter_files:
        problems.append(
            f"--dead_letter_files: found {given.dead_letter_files!r}, which is on a worker's own "
            "disk and goes away with it; on Dataflow give a gs:// prefix"
        )
    if runner not in ONE_MACHINE:
        for flag in ONE_MACHINE_FLAGS:
            if getattr(given, flag) is not None:
                problems.append(f"--{flag} works on one machine, not with --runner={runner}")
        if given.input_subscription:
            problems += _of_acknowledging(runner, given.checkpointing_interval)
    return problems


def setting_flags(given: Any) -> dict[str, str]:
    """The settings that flags give, by name; a flag with an empty text counts as not given."""
    return {name: text for name in FLAGS if (text := getattr(given, name))}


def _of_acknowledging(runner: str, checkpointing_interval: int | None) -> list[str]:
    """Why a runner would not acknowledge a subscription's messages after their delivery."""
    if runner in (DATAFLOW, PRISM):
        return []
    if runner != FLINK:
        return [
            f"--runner={runner} with --input_subscription: whether it acknowledges messages only "
            "after their delivery is not proven; use DirectRunner, DataflowRunner, FlinkRunner or "
            "PrismRunner"
        ]
    if checkpointing_interval is None or checkpointing_interval < 1:
        return [
            "--runner=FlinkRunner with --input_subscription needs --checkpointing_interval, in "
            "milliseconds: Flink acknowledges when a checkpoint completes, and without one never"
        ]
    return []


def runner_name(options: Any) -> str:
    """The name of the runner's class, DirectRunner when none is given.

    Like Beam it takes a known runner's name in any case, and without the word "runner" at its end.
    """
    given = str(options.runner or "DirectRunner")
    known = _RUNNERS.get(given.lower()) or _RUNNERS.get(given.lower() + "runner")
    return (known or given).rpartition(".")[2]


def budget_processes(options: PipelineOptions) -> int:
    """How many processes share the request budget. Raises UsageError where that is not known."""
    given = options.view_as(StreamOptions).request_budget_processes
    if given:
        return int(given)
    if runner_name(options.view_as(StandardOptions)) in ONE_MACHINE:
        return 1
    workers = options.view_as(WorkerOptions)
    if not workers.max_num_workers:
        raise UsageError(
            "give --max_num_workers (or --request_budget_processes): the request budget of the "
            "settings is shared by all workers"
        )
    return int(workers.max_num_workers) * _vcpus(workers.machine_type)


def _vcpus(machine_type: str | None) -> int:
    if not machine_type:
        return _DEFAULT_VCPUS
    found = (_CUSTOM if "custom-" in machine_type else _PREDEFINED).search(machine_type)
    if found is None:
        raise UsageError(
            f"--worker_machine_type={machine_type} does not tell its vCPUs; give "
            "--request_budget_processes"
        )
    return int(found[1])
