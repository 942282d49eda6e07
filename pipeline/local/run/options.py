"""The flags of ./run_local.sh."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.settings.model import BASE_URLS

SAMPLE_SETTINGS = Path("templates/settings/settings.sample.yaml")


class RunOptions(NamedTuple):
    """What a local run is asked to do."""

    input: Path | None
    """None: sample records."""
    settings: Path
    site_id: str | None
    """None: the stand-in takes Customer.io's place."""
    api_key: str | None
    endpoint: str | None
    records: int
    serve: bool

    @property
    def real(self) -> bool:
        """Whether the real Customer.io is on the other end."""
        return self.site_id is not None


def parse(argv: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> RunOptions:
    """The options of a command line; exits with status 2 where they are wrong."""
    parser = _parser()
    given = parser.parse_args(argv)
    site_id = given.site_id or environment.get("CUSTOMERIO_SITE_ID")
    api_key = given.api_key or environment.get("CUSTOMERIO_API_KEY")
    if bool(site_id) != bool(api_key):
        parser.error(
            "a site id and an API key go together: give both, as flags or as CUSTOMERIO_SITE_ID "
            "and CUSTOMERIO_API_KEY; without either, a stand-in takes Customer.io's place"
        )
    if site_id and not given.input and not given.yes:
        parser.error(
            "with the credentials of a real workspace the sample records would make some 400 "
            "invented people there. Give your own records with --input FILE, or say --yes; or "
            "unset CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY to use the stand-in"
        )
    if given.region and not site_id:
        parser.error("--region goes with --site-id and --api-key: the stand-in has no region")
    for flag, path in (("--input", given.input), ("--settings", given.settings)):
        if path is not None and not path.is_file():
            parser.error(f"{flag}: there is no file {path}")
    return RunOptions(
        input=given.input,
        settings=given.settings,
        site_id=site_id or None,
        api_key=api_key or None,
        endpoint=BASE_URLS[given.region] if given.region else None,
        records=given.records,
        serve=given.serve,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run_local.sh",
        description="Streams Amplitude records through Pub/Sub to Customer.io, all on this "
        "machine: an embedded Pub/Sub emulator (unless PUBSUB_EMULATOR_HOST is set), the pipeline "
        "in a process of its own, and a stand-in of Customer.io with its real rules (unless you "
        "give credentials).",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--input", type=Path, metavar="FILE", help="your own records: .json, .ndjson or .gz"
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        default=SAMPLE_SETTINGS,
        help="your own settings (default: %(default)s)",
    )
    parser.add_argument("--site-id", metavar="ID", help="the real Customer.io's site id")
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help="its Track API key; CUSTOMERIO_API_KEY keeps it off the command line",
    )
    parser.add_argument(
        "--region", choices=sorted(BASE_URLS), help="its region (default: what the settings say)"
    )
    parser.add_argument(
        "--records",
        type=int,
        default=5_000,
        metavar="N",
        help="how many sample records (default: %(default)s)",
    )
    parser.add_argument("--yes", action="store_true", help="send samples to a real workspace")
    parser.add_argument(
        "--serve", action="store_true", help="keep everything up until Ctrl-C and go on streaming"
    )
    return parser
