"""StreamingPull: messages go out on a stream while acks and deadlines come in on it."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import grpc

from pipeline.local.pubsub import limits, wire
from pipeline.local.pubsub.broker import Broker, Traffic
from pipeline.local.pubsub.errors import InvalidArgumentError, PubSubError
from pipeline.local.pubsub.model import Consumer
from pipeline.local.pubsub.rpc import CallContext

_WAIT_S = 60.0


def streaming_pull(
    broker: Broker,
    requests: Iterator[Any],
    context: CallContext,
    traffic: Traffic | None = None,
) -> Iterator[Any]:
    """Yield ``StreamingPullResponse``s until the client closes the stream or its half of it.

    The first request names the subscription, the ack deadline of the stream (10 to 600 s) and how
    many messages and bytes may be outstanding on it. ``traffic`` is what they go through on their
    way from and to the broker.

    Raises:
        PubSubError: an unknown subscription, or a request that breaks a rule.
    """
    first = next(requests, None)
    if first is None:
        return
    config = broker.subscription(first.subscription)
    limits.check_stream_deadline(first.stream_ack_deadline_seconds)
    consumer = Consumer(
        ack_deadline_s=first.stream_ack_deadline_seconds,
        max_messages=max(0, first.max_outstanding_messages),
        max_bytes=max(0, first.max_outstanding_bytes),
    )
    traffic = traffic or broker
    inbox = _Inbox(broker, traffic, config.name, consumer)
    inbox.apply(first)
    if not context.add_callback(partial(broker.dismiss, config.name, consumer)):
        return
    threading.Thread(
        target=inbox.follow, args=(requests,), name="pubsub-stream-reader", daemon=True
    ).start()
    while not consumer.gone:
        deliveries = traffic.pull(config.name, limits.MAX_PULL_MESSAGES, _WAIT_S, consumer)
        if deliveries and not context.is_active():
            broker.modify_ack_deadline(config.name, [d.ack_id for d in deliveries], 0)
            return
        if deliveries:
            yield wire.streaming_pull_response(deliveries, config.enable_message_ordering)
    if inbox.error is not None:
        raise inbox.error


class _Inbox:
    """What the client sends on the stream; ``error`` is what ended it, if a request was wrong."""

    def __init__(
        self, broker: Broker, traffic: Traffic, subscription: str, consumer: Consumer
    ) -> None:
        self._broker = broker
        self._traffic = traffic
        self._subscription = subscription
        self._consumer = consumer
        self.error: PubSubError | None = None

    def follow(self, requests: Iterator[Any]) -> None:
        """Apply every request; when they end, dismiss the consumer, which ends the stream."""
        try:
            with suppress(grpc.RpcError):  # The iterator raises it when the client is gone.
                for request in requests:
                    if request.max_outstanding_messages or request.max_outstanding_bytes:
                        raise InvalidArgumentError(
                            "max_outstanding_messages and max_outstanding_bytes "
                            "belong to the first request of a stream only."
                        )
                    self.apply(request)
        except PubSubError as error:
            self.error = error
        finally:
            self._broker.dismiss(self._subscription, self._consumer)

    def apply(self, request: Any) -> None:
        """Carry out the acks and the new deadlines of one request; it may well hold none.

        Raises:
            PubSubError: an unknown subscription, or a request that breaks a rule.
        """
        if request.stream_ack_deadline_seconds:
            limits.check_stream_deadline(request.stream_ack_deadline_seconds)
            self._consumer.ack_deadline_s = request.stream_ack_deadline_seconds
        if request.ack_ids:
            self._traffic.acknowledge(self._subscription, request.ack_ids)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise InvalidArgumentError(
                "modify_deadline_ack_ids and modify_deadline_seconds must be of the same length."
            )
        ack_ids_by_deadline: defaultdict[int, list[str]] = defaultdict(list)
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            ack_ids_by_deadline[seconds].append(ack_id)
        for seconds, ack_ids in ack_ids_by_deadline.items():
            self._traffic.modify_ack_deadline(self._subscription, ack_ids, seconds)
