"""The messages of a pull, and of several that are handed out as one."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from transforms.records import Message

_MAX_JOINED_BYTES = 10_000_000
"""Of several pulls that are taken as one: about what Pub/Sub gives in one answer."""


class Pulled:
    """The messages of one pull, and the ids to acknowledge them by."""

    __slots__ = ("ack_ids", "again", "messages", "size")

    def __init__(self, messages: list[Message], ack_ids: list[str], *, again: bool = False) -> None:
        self.messages = messages
        self.ack_ids = ack_ids
        self.size = sum(len(message.data) for message in messages)
        """Bytes of their data."""
        self.again = again
        """They were handed out before, in a bundle that failed."""


def pulled_of(received: Iterable[Any]) -> Pulled:
    """The messages of an answer to a pull, given as protobuf's own ReceivedMessages."""
    messages: list[Message] = []
    ack_ids: list[str] = []
    for each in received:
        message = each.message
        published = message.publish_time
        attributes = message.attributes
        messages.append(
            Message(
                message.data,
                message.message_id,
                published.seconds + published.nanos / 1e9,
                # protobuf's map is slow to copy, and most messages have none.
                dict(attributes.items()) if attributes else {},
            )
        )
        ack_ids.append(each.ack_id)
    return Pulled(messages, ack_ids)


def pop_joined(waiting: deque[Pulled], max_messages: int) -> Pulled:
    """Takes the first pull, together with those behind it as long as one could have held them all.

    While the pipeline stands still, a thin stream is pulled a message at a time. What is handed out
    again stays by itself.
    """
    first = waiting.popleft()
    if not waiting or len(first.messages) + len(waiting[0].messages) > max_messages:
        return first
    messages, ack_ids, size = list(first.messages), list(first.ack_ids), first.size
    while (
        waiting
        and waiting[0].again == first.again
        and len(messages) + len(waiting[0].messages) <= max_messages
    ):
        size += waiting[0].size
        if size > _MAX_JOINED_BYTES:
            break
        more = waiting.popleft()
        messages += more.messages
        ack_ids += more.ack_ids
    return Pulled(messages, ack_ids, again=first.again)
