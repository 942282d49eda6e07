"""The flags of the job, beside those of Beam."""

import argparse

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.dryrun import flags as dry_run
from pipeline.settings.flags import FLAGS, allowed_in_flag
from pipeline.settings.keys import Key


class StreamOptions(PipelineOptions):
    """Our flags. None is `required` for argparse: that would end every pipeline of the process."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        places = parser.add_argument_group("records and dead letters")
        places.add_argument(
            "--settings",
            metavar="FILE",
            help="Settings file, YAML or JSON, local or gs://. Flags of settings win over it.",
        )
        places.add_argument(
            "--input_subscription",
            metavar="S",
            help="Pub/Sub subscription: projects/P/subscriptions/S.",
        )
        places.add_argument(
            "--input_files",
            metavar="GLOB",
            help="Glob of .json, .ndjson, .gz or .zip files, local or gs://.",
        )
        places.add_argument(
            "--dead_letter_topic",
            metavar="T",
            help="Pub/Sub topic for dead letters: projects/P/topics/T. Either this or files.",
        )
        places.add_argument(
            "--dead_letter_files",
            metavar="PREFIX",
            help="Prefix of files for dead letters, local or gs://. Either this or a topic.",
        )
        here = parser.add_argument_group("on one machine")
        here.add_argument(
            "--environment_file",
            metavar="FILE",
            help="On one machine: NAME=VALUE lines for the settings' ${NAME}; wins over the "
            "environment, and is read again when Customer.io refuses the credentials.",
        )
        here.add_argument(
            "--ledger_file",
            metavar="FILE",
            help="On one machine: the ledger as JSON, rewritten every second.",
        )
        here.add_argument(
            "--state_file",
            metavar="FILE",
            help="On one machine, with users.state: person: the file in which people are "
            "remembered. It holds their properties; only its owner can read it.",
        )
        here.add_argument(
            "--stop_when_idle_s",
            metavar="SECONDS",
            type=float,
            help="On one machine: end when the subscription, once reached, has been empty for so "
            "many seconds. After a kill, what was in flight comes back within 60.",
        )
        dry_run.add_flags(parser.add_argument_group(f"dry run ({dry_run.DRY_RUN})", dry_run.HELP))
        parser.add_argument_group("on many machines").add_argument(
            "--request_budget_processes",
            metavar="N",
            type=int,
            help="Processes that share the request budget at the most. Default on Dataflow: "
            "max_num_workers times the machine's vCPUs; elsewhere 1.",
        )
        for title, flags in _settings().items():
            section = parser.add_argument_group(title)
            for flag, key in flags:
                words = f"{key.description} Allowed: {allowed_in_flag(key)}."
                section.add_argument(flag, metavar="VALUE", help=words)


def _settings() -> dict[str, list[tuple[str, Key]]]:
    """Flags of settings, by the heading that they stand under."""
    sections: dict[str, list[tuple[str, Key]]] = {}
    for name, key in FLAGS.items():
        section = f": {key.path[0]}" if key.path[1:] else ""
        title = f"settings{section} (each wins over the settings file)"
        sections.setdefault(title, []).append((f"--{name}", key))
    return sections


class FlinkOptions(PipelineOptions):
    """Flags of Flink's job server that the job depends on; Beam's Python SDK does not know them."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        flink = parser.add_argument_group("on Flink")
        flink.add_argument(
            "--checkpointing_interval",
            metavar="MS",
            type=int,
            help="Milliseconds between two checkpoints. Messages are acknowledged when "
            "one completes.",
        )
        flink.add_argument(
            "--finish_bundle_before_checkpointing",
            action="store_true",
            help="A bundle ends before a checkpoint begins. Always on with a subscription.",
        )
