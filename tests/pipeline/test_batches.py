"""Batches: how messages are put together on their way in."""

import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.sources.batches import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, batches
from pipeline.sources.dataflow import GatherMessages
from transforms.records import Message


def messages(number: int, size: int = 1) -> list[Message]:
    return [Message(b"x" * size, str(each), None, {}) for each in range(number)]


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        pytest.param([], [], id="none"),
        pytest.param(messages(1), [1], id="one"),
        pytest.param(messages(MAX_BATCH_MESSAGES), [MAX_BATCH_MESSAGES], id="a full one"),
        pytest.param(messages(MAX_BATCH_MESSAGES + 1), [MAX_BATCH_MESSAGES, 1], id="one more"),
        pytest.param(messages(5, MAX_BATCH_BYTES // 2), [2, 2, 1], id="large messages"),
        pytest.param(messages(2, MAX_BATCH_BYTES + 1), [1, 1], id="larger than a batch"),
    ],
)
def test_batches(given: list[Message], sizes: list[int]) -> None:
    made = list(batches(given))

    assert [len(batch) for batch in made] == sizes
    assert [message for batch in made for message in batch] == given


def test_what_is_gathered_leaves_before_the_bundle_ends() -> None:
    gather = GatherMessages()
    found: list[list[Message]] = []
    for _bundle in range(2):
        gather.start_bundle()
        for number in range(MAX_BATCH_MESSAGES + 2):
            message = PubsubMessage(str(number).encode(), {"n": str(number)}, f"m{number}")
            found += gather.process(message, Timestamp(number), GlobalWindow())
        for last in gather.finish_bundle():
            assert isinstance(last, WindowedValue)
            assert last.timestamp == Timestamp(MAX_BATCH_MESSAGES + 1)
            assert last.windows == (GlobalWindow(),)
            found.append(last.value)

    assert [len(batch) for batch in found] == [MAX_BATCH_MESSAGES, 2] * 2
    first = found[0][7]
    assert (first.data, first.message_id, first.attributes) == (b"7", "m7", {"n": "7"})


def test_a_bundle_without_messages_gives_nothing() -> None:
    gather = GatherMessages()
    gather.start_bundle()

    assert list(gather.finish_bundle()) == []
