"""Pub/Sub on Dataflow: its own native read, acknowledged when the first fused stage commits."""

from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.pvalue import PBegin, PCollection

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


class ReadOnDataflow(beam.PTransform[PBegin, PCollection[Message]]):
    """Messages of `subscription` (projects/P/subscriptions/S), with id, attributes and time."""

    def __init__(self, subscription: str) -> None:
        super().__init__()
        self._subscription = subscription

    def expand(self, input_or_inputs: PBegin) -> PCollection[Message]:
        messages: PCollection[Message] = (
            input_or_inputs
            | "Read" >> ReadFromPubSub(subscription=self._subscription, with_attributes=True)
            | "To message" >> beam.Map(to_message).with_output_types(Message)
        )
        return messages
