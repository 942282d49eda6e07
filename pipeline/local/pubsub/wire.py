"""Between the protobuf messages of ``google.pubsub.v1`` and the plain data of the broker.

The raw protobuf classes (``.pb()``) are used: the proto-plus wrappers cost 20 us a message.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from google.pubsub_v1 import types

from pipeline.local.pubsub.errors import InvalidArgumentError, UnsupportedError
from pipeline.local.pubsub.model import (
    DEFAULT_ACK_DEADLINE_S,
    Delivery,
    Draft,
    SubscriptionConfig,
)

_PullResponse = types.PullResponse.pb()
_StreamingPullResponse = types.StreamingPullResponse.pb()
_Subscription = types.Subscription.pb()

_WITHOUT_EFFECT = frozenset({"labels", "message_retention_duration", "state", "tags"})
"""Accepted and forgotten: what they do in the real service does not change a delivery here."""
_TOPIC_FIELDS = _WITHOUT_EFFECT | {"name", "kms_key_name", "message_storage_policy"}
_SUBSCRIPTION_FIELDS = _WITHOUT_EFFECT | {
    "name",
    "topic",
    "ack_deadline_seconds",
    "enable_message_ordering",
    "expiration_policy",
    "retain_acked_messages",
}


def drafts(messages: Iterable[Any]) -> list[Draft]:
    """The messages of a publish request."""
    return [Draft(m.data, dict(m.attributes), m.ordering_key) for m in messages]


def pull_response(deliveries: Iterable[Delivery]) -> Any:
    """A ``PullResponse``."""
    response = _PullResponse()
    _add_received(response.received_messages, deliveries)
    return response


def streaming_pull_response(deliveries: Iterable[Delivery], ordered: bool) -> Any:
    """A ``StreamingPullResponse`` of a subscription with or without message ordering."""
    response = _StreamingPullResponse()
    response.subscription_properties.message_ordering_enabled = ordered
    _add_received(response.received_messages, deliveries)
    return response


def _add_received(received: Any, deliveries: Iterable[Delivery]) -> None:
    # delivery_attempt stays 0: the service counts only under a dead-letter policy.
    for ack_id, message, _attempt in deliveries:
        added = received.add(ack_id=ack_id)
        target = added.message
        target.data = message.data
        target.message_id = message.message_id
        target.publish_time.seconds, target.publish_time.nanos = divmod(
            message.publish_time_ns, 1_000_000_000
        )
        if message.ordering_key:
            target.ordering_key = message.ordering_key
        if message.attributes:
            target.attributes.update(message.attributes)


def topic_name(request: Any) -> str:
    """The name that a ``Topic`` to be made asks for.

    Raises:
        UnsupportedError: it asks for something the emulator does not have.
    """
    _refuse_unsupported(request, "topic", _TOPIC_FIELDS)
    return str(request.name)


def subscription_config(request: Any) -> SubscriptionConfig:
    """What a ``Subscription`` to be made asks for; an ack deadline of 0 means the default of 10 s.

    Raises:
        UnsupportedError: it asks for something the emulator does not have.
    """
    _refuse_unsupported(request, "subscription", _SUBSCRIPTION_FIELDS)
    return SubscriptionConfig(
        name=request.name,
        topic=request.topic,
        ack_deadline_s=request.ack_deadline_seconds or DEFAULT_ACK_DEADLINE_S,
        enable_message_ordering=request.enable_message_ordering,
    )


def _refuse_unsupported(request: Any, kind: str, accepted: frozenset[str]) -> None:
    for field, value in request.ListFields():
        # An empty push_config is how the API spells a pull subscription.
        if field.name in accepted or (field.name == "push_config" and not value.ByteSize()):
            continue
        raise UnsupportedError(
            f"The emulator does not support {field.name} of a {kind}: leave it out."
        )


def subscription(config: SubscriptionConfig) -> Any:
    """A ``Subscription``."""
    return _Subscription(
        name=config.name,
        topic=config.topic,
        ack_deadline_seconds=config.ack_deadline_s,
        enable_message_ordering=config.enable_message_ordering,
        state=types.Subscription.State.ACTIVE,
    )


def page(names: Sequence[str], size: int, token: str) -> tuple[Sequence[str], str]:
    """One page of sorted names after the name ``token``, and the token of the next page.

    ``size`` 0 means all of them.

    Raises:
        InvalidArgumentError: ``size`` is negative.
    """
    if size < 0:
        raise InvalidArgumentError(
            "You have passed an invalid argument to the service (argument=page_size)."
        )
    rest = [name for name in names if name > token]
    if not size or len(rest) <= size:
        return rest, ""
    return rest[:size], rest[size - 1]
