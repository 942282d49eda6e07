"""The rules of Pub/Sub for names and sizes, as pure checks.

Sources: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names and
https://cloud.google.com/pubsub/quotas#resource_limits.
"""

import re
from collections.abc import Sequence

from pipeline.local.pubsub.errors import InvalidArgumentError
from pipeline.local.pubsub.model import Draft, SubscriptionConfig

MAX_PUBLISH_MESSAGES = 1_000
MAX_PUBLISH_BYTES = 10_000_000
MAX_PULL_MESSAGES = 1_000
MAX_PULL_BYTES = 4_000_000
"""What one response holds, unless its first message alone is larger.

Not a rule of Pub/Sub: with PUBSUB_EMULATOR_HOST set, google-cloud-pubsub opens its channel without
options, and gRPC then refuses responses over 4 MiB.
"""
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_KEY_BYTES = 256
MAX_ATTRIBUTE_VALUE_BYTES = 1_024
MAX_ORDERING_KEY_BYTES = 1_024
MAX_ACK_REQUEST_BYTES = 524_288
MIN_ACK_DEADLINE_S = 10
MAX_ACK_DEADLINE_S = 600

_PROJECT = re.compile(r"projects/[^/\s]+", re.ASCII)
_RESOURCE = re.compile(
    r"projects/[^/\s]+/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9._~%+-]{2,254}", re.ASCII
)


def check_topic_name(name: str) -> None:
    """Refuse what is not ``projects/PROJECT/topics/TOPIC``.

    Raises:
        InvalidArgumentError: with the name.
    """
    _check_name(name, "topics")


def check_subscription_name(name: str) -> None:
    """Refuse what is not ``projects/PROJECT/subscriptions/SUBSCRIPTION``.

    Raises:
        InvalidArgumentError: with the name.
    """
    _check_name(name, "subscriptions")


def _check_name(name: str, kind: str) -> None:
    found = _RESOURCE.fullmatch(name)
    if found is None or found[1] != kind:
        raise _invalid_name(name)


def check_project_name(name: str) -> None:
    """Refuse what is not ``projects/PROJECT``.

    Raises:
        InvalidArgumentError: with the name.
    """
    if _PROJECT.fullmatch(name) is None:
        raise _invalid_name(name)


def _invalid_name(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Invalid resource name given (name={name}). Refer to "
        "https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    )


def check_subscription(config: SubscriptionConfig) -> None:
    """Refuse a malformed name or an ack deadline outside 10 to 600 s.

    Raises:
        InvalidArgumentError: naming the value and what is allowed.
    """
    check_subscription_name(config.name)
    check_topic_name(config.topic)
    _check_deadline(config.ack_deadline_s, MIN_ACK_DEADLINE_S)


def check_stream_deadline(seconds: int) -> None:
    """Refuse a ``stream_ack_deadline_seconds`` outside 10 to 600 s.

    Raises:
        InvalidArgumentError: naming the value and what is allowed.
    """
    _check_deadline(seconds, MIN_ACK_DEADLINE_S)


def check_new_deadline(seconds: int) -> None:
    """Refuse a modified ack deadline outside 0 to 600 s.

    Raises:
        InvalidArgumentError: naming the value and what is allowed.
    """
    _check_deadline(seconds, 0)


def _check_deadline(seconds: int, least: int) -> None:
    if not least <= seconds <= MAX_ACK_DEADLINE_S:
        raise InvalidArgumentError(
            f"Invalid ack deadline given (ack_deadline={seconds}). "
            f"The ack deadline must be between {least} and {MAX_ACK_DEADLINE_S} seconds."
        )


def check_publish(drafts: Sequence[Draft], request_bytes: int) -> None:
    """Refuse a publish request that breaks a limit; ``request_bytes`` is its encoded size.

    Raises:
        InvalidArgumentError: naming the limit, the value and the maximum.
    """
    if not drafts:
        raise InvalidArgumentError(
            "The value for message_count is too small. "
            "You passed 0 in the request, but the minimum value is 1."
        )
    _at_most("message_count", len(drafts), MAX_PUBLISH_MESSAGES)
    _at_most("request_size", request_bytes, MAX_PUBLISH_BYTES)
    if any(draft.ordering_key != drafts[0].ordering_key for draft in drafts):
        raise InvalidArgumentError(
            "In a publish request, all messages must have the same ordering key, or none."
        )
    for draft in drafts:
        if draft.attributes or draft.ordering_key:
            _check_labels(draft)
        if not draft.data and not draft.attributes:
            raise InvalidArgumentError(
                "One or more messages in the publish request is empty. "
                "Each message must contain either non-empty data, or at least one attribute."
            )


def _check_labels(draft: Draft) -> None:
    _at_most("num_attributes", len(draft.attributes), MAX_ATTRIBUTES)
    _at_most("ordering_key_size", len(draft.ordering_key.encode()), MAX_ORDERING_KEY_BYTES)
    for key, value in draft.attributes.items():
        if not key or key.startswith("goog"):
            raise InvalidArgumentError(
                f"Invalid attribute key {key!r}: it must not be empty or begin with 'goog'."
            )
        _at_most("attribute_key_size", len(key.encode()), MAX_ATTRIBUTE_KEY_BYTES)
        _at_most("attribute_value_size", len(value.encode()), MAX_ATTRIBUTE_VALUE_BYTES)


def _at_most(what: str, value: int, maximum: int) -> None:
    if value > maximum:
        raise InvalidArgumentError(
            f"The value for {what} is too large. "
            f"You passed {value} in the request, but the maximum value is {maximum}."
        )


def check_pull(max_messages: int) -> None:
    """Refuse a pull of no messages.

    Raises:
        InvalidArgumentError: with the name of the argument.
    """
    if max_messages <= 0:
        raise InvalidArgumentError(
            "You have passed an invalid argument to the service (argument=max_messages)."
        )


def check_ack_request(ack_ids: Sequence[str], request_bytes: int) -> None:
    """Refuse an acknowledge or modify request without ack ids, or over 512 KiB encoded.

    The ceiling is the one for which google-cloud-pubsub sends its ack ids in batches
    (``_ACK_IDS_BATCH_SIZE`` in ``subscriber/_protocol/dispatcher.py``).

    Raises:
        InvalidArgumentError: saying which of the two.
    """
    if not ack_ids:
        raise InvalidArgumentError("You have not specified an ack ID in the request.")
    if request_bytes > MAX_ACK_REQUEST_BYTES:
        raise InvalidArgumentError(
            f"Request payload size exceeds the limit: {MAX_ACK_REQUEST_BYTES} bytes."
        )
