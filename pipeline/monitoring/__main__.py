"""`python -m pipeline.monitoring`: writes the dashboard and the alert policies."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from pipeline.monitoring.alerts import alerts, policy
from pipeline.monitoring.dashboard import dashboard
from pipeline.monitoring.queries import Watched

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._~+%-]*")
"""What may stand in a query as it is; Dataflow's and Pub/Sub's names are like this."""


def files(watched: Watched) -> dict[str, str]:
    """Path below the output directory -> text."""
    documents: dict[str, Any] = {"dashboard.json": dashboard(watched)}
    documents |= {f"alerts/{alert.slug}.json": policy(alert) for alert in alerts(watched)}
    return {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in documents.items()
    }


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"found {text!r}; a name, not a path")
    return text


def main(argv: list[str] | None = None) -> int:
    """Writes the files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.monitoring", description=__doc__)
    default = Watched()
    parser.add_argument("--job_name", type=_name, default=default.job)
    parser.add_argument("--subscription", type=_name, default=default.subscription)
    parser.add_argument("--output", type=Path, default=Path("templates/monitoring"))
    given = parser.parse_args(argv)
    for path, text in files(Watched(given.job_name, given.subscription)).items():
        target = given.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
