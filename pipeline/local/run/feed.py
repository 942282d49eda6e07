"""What a local run reads, and how it gets into Pub/Sub."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from google.api_core.exceptions import AlreadyExists
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import BatchSettings

from pipeline.local.traffic import generate
from pipeline.sources.files import read_messages
from transforms.decode import decode_message
from transforms.records import Message

SAMPLE_SEED = 20
_MAX_MESSAGE_BYTES = 10_000_000
"""Of Pub/Sub."""


class Feed(NamedTuple):
    """One message to publish, and how many records it holds."""

    data: bytes
    attributes: dict[str, str]
    records: int


def samples(count: int) -> Iterator[Feed]:
    """Made-up Amplitude records of the last hour, every kind of trouble among them."""
    for sample in generate(count, seed=SAMPLE_SEED, now=time.time(), trouble=0.1):
        yield Feed(sample.data, sample.attributes, sample.records)


def of_file(path: Path) -> Iterator[Feed]:
    """A user's own records. Raises FileReadError; ValueError for one that Pub/Sub would refuse."""
    for message in read_messages(str(path), lambda: False):
        if len(message.data) >= _MAX_MESSAGE_BYTES:
            raise ValueError(
                f"{message.message_id} has {len(message.data)} bytes; Pub/Sub takes 10 MB a "
                "message. Use python -m pipeline.main --input_files for this file."
            )
        yield Feed(message.data, {"file": path.name}, _count(message))


def _count(message: Message) -> int:
    return len(decode_message(message))


def make_subscription(project: str, topic: str, subscription: str) -> tuple[str, str]:
    """Makes topic and subscription if they are not there yet; their full names."""
    topic_path = f"projects/{project}/topics/{topic}"
    subscription_path = f"projects/{project}/subscriptions/{subscription}"
    publisher, subscriber = PublisherClient(), SubscriberClient()
    with subscriber:
        with suppress(AlreadyExists):
            publisher.create_topic(name=topic_path)
        with suppress(AlreadyExists):
            subscriber.create_subscription(
                name=subscription_path, topic=topic_path, ack_deadline_seconds=20
            )
    publisher.transport.close()
    return topic_path, subscription_path


def publish(feeds: Iterable[Feed], topic: str) -> tuple[int, int]:
    """Publishes everything; returns messages and records when Pub/Sub has them all."""
    publisher = PublisherClient(BatchSettings(max_messages=500, max_latency=0.02))
    futures: list[Future[str]] = []
    records = 0
    for feed in feeds:
        futures.append(publisher.publish(topic, feed.data, **feed.attributes))
        records += feed.records
    for future in futures:
        future.result()
    publisher.stop()
    publisher.transport.close()
    return len(futures), records
