"""Pub/Sub on Dataflow: its own native read, acknowledged when the first fused stage commits."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.typehints import List
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.sources.batches import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES
from transforms.records import Message


def to_message(message: PubsubMessage) -> Message:
    """Beam's Pub/Sub message as ours."""
    published: Any = message.publish_time
    return Message(
        data=message.data or b"",
        message_id=message.message_id or "",
        publish_time=None if published is None else published.timestamp(),
        attributes=dict(message.attributes or {}),
    )


class GatherMessages(beam.DoFn):
    """Gathers messages into batches; what is gathered leaves before its bundle ends."""

    def __init__(self) -> None:
        self._last: tuple[Any, Any] = (None, None)

    def start_bundle(self) -> None:
        self._batch: list[Message] = []
        self._size = 0

    def process(
        self,
        element: PubsubMessage,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[list[Message]]:
        message = to_message(element)
        self._batch.append(message)
        self._size += len(message.data)
        self._last = timestamp, window
        if len(self._batch) >= MAX_BATCH_MESSAGES or self._size >= MAX_BATCH_BYTES:
            batch, self._batch, self._size = self._batch, [], 0
            yield batch

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._batch:
            timestamp, window = self._last
            yield WindowedValue(self._batch, timestamp, (window,))


class ReadOnDataflow(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of `subscription` (projects/P/subscriptions/S), with id, attributes and time.

    Raises ValueError where the project or the subscription has a name that Google does not give.
    """

    def __init__(self, subscription: str) -> None:
        super().__init__()
        self._read = ReadFromPubSub(subscription=subscription, with_attributes=True)

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        messages: PCollection[list[Message]] = (
            input_or_inputs
            | "Read" >> self._read
            | "To message" >> beam.ParDo(GatherMessages()).with_output_types(List[Message])
        )
        return messages
