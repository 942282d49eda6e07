"""Run the stand-in: ``python -m pipeline.local.customerio``; stops on SIGTERM and SIGINT."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from pipeline.local.customerio.server import CustomerIoStandIn

_KEEP_EVENTS = 200_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal. Prints CUSTOMERIO_ENDPOINT=URL once it listens; gives the exit code."""
    options = _parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stand_in = CustomerIoStandIn(
        options.site_id,
        options.api_key,
        port=options.port,
        region=options.region,
        latency_s=options.latency_ms / 1000,
        all_invalid=options.all_invalid,
        keep_events=options.keep_events,
    )
    try:
        stand_in.start()
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 1
    print(f"CUSTOMERIO_ENDPOINT={stand_in.url}", flush=True)
    stop.wait()
    stand_in.stop()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.local.customerio",
        description="A stand-in of Customer.io's Track API on 127.0.0.1, with an activity page.",
        epilog="Credentials: better in CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY than as flags, "
        "which everybody on the machine can read.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free port (default)")
    parser.add_argument("--site_id", default=os.environ.get("CUSTOMERIO_SITE_ID"))
    parser.add_argument("--api_key", default=os.environ.get("CUSTOMERIO_API_KEY"))
    parser.add_argument("--region", choices=("us", "eu"), default="us")
    parser.add_argument(
        "--latency_ms", type=_not_negative, default=0, help="wait before each answer"
    )
    parser.add_argument(
        "--all_invalid",
        type=int,
        choices=(207, 400),
        default=400,
        help="status for a batch without a valid item (default 400)",
    )
    parser.add_argument(
        "--keep_events",
        type=int,
        default=_KEEP_EVENTS,
        help=f"how many events to remember (default {_KEEP_EVENTS})",
    )
    options = parser.parse_args(arguments)
    for name in ("site_id", "api_key"):
        if not getattr(options, name):
            parser.error(f"no {name}: set CUSTOMERIO_{name.upper()} or give --{name}")
    return options


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 0 or more milliseconds, not {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
