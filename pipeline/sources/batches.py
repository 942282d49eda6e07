"""Batches: messages in lists, each of which is one element of the pipeline."""

from collections.abc import Iterable, Iterator

from transforms.records import Message

MAX_BATCH_MESSAGES = 100
"""Enough to make Beam's own work for an element small, and few enough that what a batch becomes on
its way stays in the processor's cache: with 1 000, the stages take half as long again."""
MAX_BATCH_BYTES = 1024 * 1024


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """The messages in their order, in lists that end with the message that fills them."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message.data)
        if len(batch) >= MAX_BATCH_MESSAGES or size >= MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
