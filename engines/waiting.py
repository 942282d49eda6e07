"""What a run reads: messages of Pub/Sub, or files. One record, one event."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate, islice
from pathlib import Path

from benchmarks.pubsub import SUBSCRIPTION, TOPIC, publisher, requests
from benchmarks.records import Shape, export_records
from engines.world import Waiting
from pipeline.local.pubsub import Broker, PubSubEmulator, SubscriptionConfig

_LEASE_S = 60
_EVENTS_ALONE = Shape(updates=0.0)
_SIZES = (1, 2, 4, 8, 16) * 8
"""Of the files, compared with each other."""
_ONE_IN_GZIP = 3
"""One file in so many is compressed."""
_REQUESTS_PER_SECOND = 60.0
"""To Customer.io, over files. Else the worker that is first after the outage is through with its
files before another one delivers: there would be no middle to kill in."""


@contextmanager
def in_pubsub(count: int) -> Iterator[Waiting]:
    """Publishes `count` records, a message each, to an emulator of Pub/Sub."""
    broker = Broker()
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, _LEASE_S))
    with PubSubEmulator(broker=broker) as emulator, publisher(emulator.address) as to:
        to.publish(requests(export_records(count, _EVENTS_ALONE)))
        yield Waiting(
            f"--input_subscription={SUBSCRIPTION}",
            {"PUBSUB_EMULATOR_HOST": emulator.address},
            lambda: broker.stats(SUBSCRIPTION).acked,
        )


def in_files(count: int, directory: Path) -> Waiting:
    """Writes `count` records to files in `directory`, which nobody deletes or moves."""
    write_files(count, directory)
    return Waiting(
        f"--input_files={directory / 'records-*'}", {}, lambda: None, _REQUESTS_PER_SECOND
    )


def write_files(count: int, directory: Path) -> list[Path]:
    """Forty files, .ndjson and .ndjson.gz, the largest sixteen times as long as the smallest."""
    directory.mkdir()
    lines = export_records(count, _EVENTS_ALONE)
    paths = []
    begin = 0
    for number, parts in enumerate(accumulate(_SIZES)):
        end = count * parts // sum(_SIZES)
        text = b"".join(line + b"\n" for line in islice(lines, end - begin))
        path = directory / f"records-{number:02d}.ndjson"
        if number % _ONE_IN_GZIP == 0:
            path = path.with_name(f"{path.name}.gz")
            text = gzip.compress(text, compresslevel=1)
        path.write_bytes(text)
        paths.append(path)
        begin = end
    return paths
