"""The plain data that flows through the emulator, and who asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

DEFAULT_ACK_DEADLINE_S = 10
DELETED_TOPIC = "_deleted-topic_"
"""What a subscription names as its topic after the topic was deleted (as the real service does)."""


class Draft(NamedTuple):
    """A message as a publisher hands it in."""

    data: bytes = b""
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""


class Message(NamedTuple):
    """A published message; ``publish_time_ns`` counts nanoseconds since the Unix epoch."""

    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    publish_time_ns: int


class Delivery(NamedTuple):
    """One hand-over of a message; ``attempt`` is 1 the first time and grows by redelivery."""

    ack_id: str
    message: Message
    attempt: int


class SubscriptionConfig(NamedTuple):
    """What a subscription is: full resource names, ack deadline in seconds (10 to 600)."""

    name: str
    topic: str
    ack_deadline_s: int = DEFAULT_ACK_DEADLINE_S
    enable_message_ordering: bool = False


class SubscriptionStats(NamedTuple):
    """Counts of messages since the subscription was made.

    ``published == undelivered + outstanding + acked`` always holds: undelivered messages wait for
    a pull, outstanding ones are leased to a client. ``redelivered`` counts hand-overs after the
    first.
    """

    published: int
    undelivered: int
    outstanding: int
    acked: int
    redelivered: int


@dataclass(slots=True, eq=False)
class Consumer:
    """One call that pulls: what it may hold at a time, and whether its client is still there.

    ``ack_deadline_s`` replaces the deadline of the subscription when it is set (a streaming pull
    has its own). ``max_messages`` and ``max_bytes`` limit what is outstanding to this consumer;
    0 means no limit. ``held_messages`` and ``held_bytes`` are kept by the backlog.
    """

    ack_deadline_s: float | None = None
    max_messages: int = 0
    max_bytes: int = 0
    held_messages: int = 0
    held_bytes: int = 0
    gone: bool = False

    def message_room(self, wanted: int) -> int:
        """How many of ``wanted`` messages may be handed over now."""
        return min(wanted, self.max_messages - self.held_messages) if self.max_messages else wanted

    def byte_room(self, wanted: int) -> int:
        """How many of ``wanted`` bytes may be handed over now."""
        return min(wanted, self.max_bytes - self.held_bytes) if self.max_bytes else wanted
