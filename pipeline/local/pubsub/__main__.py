"""``python -m pipeline.local.pubsub``: the emulator as a process of its own.

Prints one line, ``PUBSUB_EMULATOR_HOST=HOST:PORT``, when it is ready, and runs until SIGTERM or
SIGINT.
"""

import argparse
import signal
import threading
from collections.abc import Sequence

from pipeline.local.pubsub.emulator import DEFAULT_HOLD_S, DEFAULT_THREADS, PubSubEmulator
from pipeline.local.pubsub.errors import PubSubError
from pipeline.local.pubsub.model import DEFAULT_ACK_DEADLINE_S, SubscriptionConfig


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.local.pubsub",
        description="A Google Pub/Sub emulator in memory. Everything is forgotten when it stops.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes any free one")
    parser.add_argument("--topic", help="make this topic: projects/P/topics/T")
    parser.add_argument(
        "--subscription", help="make this subscription to --topic: projects/P/subscriptions/S"
    )
    parser.add_argument(
        "--ack_deadline_s",
        type=int,
        default=DEFAULT_ACK_DEADLINE_S,
        help="ack deadline of --subscription in seconds, 10 to 600 (default: %(default)s)",
    )
    parser.add_argument(
        "--hold_s",
        type=float,
        default=DEFAULT_HOLD_S,
        help="seconds for which a pull without messages is held (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=DEFAULT_THREADS,
        help="calls served at a time; a held or streaming pull takes one (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run until a signal; exits with status 2 when an argument is wrong or the port is taken."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.subscription and not args.topic:
        parser.error("--subscription needs --topic: a subscription belongs to a topic")
    emulator = PubSubEmulator(args.host, args.port, hold_s=args.hold_s, threads=args.threads)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        if args.topic:
            emulator.broker.create_topic(args.topic)
        if args.subscription:
            emulator.broker.create_subscription(
                SubscriptionConfig(args.subscription, args.topic, args.ack_deadline_s)
            )
        emulator.start()
    except (PubSubError, RuntimeError, ValueError) as error:
        parser.error(str(error))
    print(f"PUBSUB_EMULATOR_HOST={emulator.address}", flush=True)
    stopped.wait()
    emulator.stop()


if __name__ == "__main__":
    main()
