"""At each limit and one above it: what Customer.io takes is sent, what it would refuse is not."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.contract.chain import Outcome, run
from tests.contract.kinds import message, page, shapes
from tests.contract.schemas import request_faults

Json = dict[str, Any]
Make = Callable[[int], Json]

PAID: Json = {"event_type": "Paid", "user_id": "ada", "event_time": 1_700_000_000}


def event_named(size: int) -> Json:
    return PAID | {"event_type": "é" * (size // 2) + "e" * (size % 2)}


def event_with_data(size: int) -> Json:
    """An event with `size` bytes of encoded data."""
    return PAID | {"event_properties": {"words": "x" * (size - len(b'{"words":""}'))}}


def event_of(size: int) -> Json:
    """An event that is an item of `size` bytes."""
    return event_with_data(size - _bytes_of_item(event_with_data(12)) + 12)


def person_with_identifier(size: int) -> Json:
    return PAID | {"user_id": "é" * (size // 2) + "e" * (size % 2)}


def person_with_cio_id(size: int) -> Json:
    return PAID | {"user_id": "cio_" + "c" * size}


def update(properties: Json) -> Json:
    return {"user_id": "ada", "user_properties": properties}


def attributes(count: int) -> Json:
    return update({f"a{number}": number for number in range(count)})


def attribute_named(size: int) -> Json:
    return update({"é" * (size // 2) + "e" * (size % 2): 1})


def attribute_of_text(size: int) -> Json:
    return update({"words": "\n" * size})


def attribute_of_list(size: int) -> Json:
    return update({"list": ["x" * (size - len(b'[""]'))]})


def identify_of(size: int) -> Json:
    """A user update that is an item of `size` bytes."""
    many = {f"a{number:02}": "x" * 900 for number in range(34)}
    return update(many | {"more": "x" * (size - _bytes_of_item(update(many | {"more": ""})))})


def _bytes_of_item(record: Json) -> int:
    [request] = run([message(record)], page()).requests
    return len(request.pendings[0].item.body)


LIMITS = [
    pytest.param(event_named, 100, "event", "event_name_too_long", id="event name"),
    pytest.param(event_of, 32_000, "event", None, id="item"),
    pytest.param(event_with_data, 100_000, "large event", "event_data_too_large", id="event data"),
    pytest.param(person_with_identifier, 150, "event", "identifier_too_long", id="identifier"),
    pytest.param(person_with_cio_id, 150, "event", "identifier_too_long", id="cio_id"),
    pytest.param(attributes, 300, "identify", "too_many_attributes", id="attributes"),
    pytest.param(attribute_named, 150, "identify", "attribute_name_too_long", id="attribute name"),
    pytest.param(attribute_of_text, 1000, "identify", "attribute_value_too_long", id="text"),
    pytest.param(attribute_of_list, 1000, "identify", "attribute_value_too_long", id="list"),
    pytest.param(identify_of, 32_000, "identify", "item_too_large", id="identify"),
]


@pytest.mark.parametrize(("make", "limit", "kind", "reason"), LIMITS)
def test_at_a_limit(make: Make, limit: int, kind: str, reason: str | None) -> None:
    assert kept(make(limit), page()) == [[kind]]

    outcome = run([message(make(limit + 1))], page())

    if reason is None:
        assert checked(outcome) == [["large event"]]
    else:
        assert [end.outcome for end in outcome.settled] == [f"dead_lettered.{reason}"]
        assert outcome.requests == []


@pytest.mark.parametrize(("make", "limit", "kind", "reason"), LIMITS)
@pytest.mark.parametrize("update_only", [False, True])
def test_above_a_limit_with_trim(
    make: Make, limit: int, kind: str, reason: str | None, update_only: bool
) -> None:
    users = {"user_properties": "all", "update_only": update_only}
    settings = page(limits={"on_violation": "trim"}, users=users)
    kept(make(limit + 1), settings)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param(0, [["event", "event"]], id="full"),
        pytest.param(1, [["event"], ["event"]], id="one byte more"),
    ],
)
def test_a_request_filled_to_the_last_byte(more: int, expected: list[list[str]]) -> None:
    settings = page(delivery={"max_batch_bytes": 33_000})
    rest = 33_000 - len(b'{"batch":[,]}') - 16_000
    outcome = run([message(event_of(16_000), event_of(rest + more))], settings)

    assert checked(outcome, 33_000) == expected


@pytest.mark.parametrize("time", [10**9, 10**11 - 1, 10**12, 10**13 - 1, 10**11 - 0.001])
def test_the_earliest_and_the_latest_time(time: float) -> None:
    assert kept(PAID | {"event_time": time}, page()) == [["event"]]


@pytest.mark.parametrize("time", [10**9 - 1, 10**9 - 0.001, 10**11, 10**12 - 1, 10**13])
def test_a_time_out_of_range_is_not_sent(time: float) -> None:
    outcome = run([message(PAID | {"event_time": time})], page())

    assert [end.outcome for end in outcome.settled] == ["dead_lettered.invalid_time"]
    assert outcome.requests == []


def kept(record: Json, settings: Settings) -> list[list[str]]:
    """The kinds of what is sent for a record, every request of it checked."""
    return checked(run([message(record)], settings))


def checked(outcome: Outcome, max_bytes: int = 475_000) -> list[list[str]]:
    for request in outcome.requests:
        assert request_faults(request, max_bytes) == []
    return shapes(outcome.requests)
