"""Two identifies of one person in one request become one."""

from typing import Any

import pytest

from tests.packing import pack
from tests.transforms.sink.operations import LARGE, event, items_of, pending, requests_of, shown
from transforms.limits import MAX_ITEM_BYTES
from transforms.records import IdentifyOperation


def identify_at(second: int, attributes: dict[str, Any], **identifier: str) -> IdentifyOperation:
    return IdentifyOperation(
        identifiers=identifier or {"id": "ada"}, attributes=attributes, timestamp=second
    )


def test_the_later_identify_wins_per_attribute() -> None:
    [request] = requests_of(
        [
            identify_at(1, {"plan": "free", "city": "Oslo", "age": 3}),
            event(2),
            identify_at(3, {"plan": "pro", "age": None, "pets": 1}),
        ]
    )

    [merged, untouched] = items_of(request)
    assert merged["attributes"] == {"plan": "pro", "city": "Oslo", "age": None, "pets": 1}
    assert merged["timestamp"] == 3
    assert untouched["name"] == "E2"


def test_three_identifies_become_one_that_knows_its_parts() -> None:
    three = [identify_at(n, {"n": n, f"of {n}": n}) for n in (1, 2, 3)]

    [request] = requests_of(three)

    [merged] = request.pendings
    assert [part.item.operation for part in merged.parts] == three
    assert [part.owner for part in merged.parts] == [0, 1, 2]
    assert [part.parts for part in merged.parts] == [(), (), ()]
    assert (merged.owner, merged.time_ms) == (2, 3000)


def test_an_e_mail_address_is_one_in_every_spelling() -> None:
    [request] = requests_of(
        [identify_at(1, {"a": 1}, email="Ada@X.org"), identify_at(2, {"b": 2}, email="ada@x.ORG")]
    )

    assert [item["attributes"] for item in items_of(request)] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param({"id": "ada"}, {"id": "Ada"}, id="ids in two spellings"),
        pytest.param({"id": "ada"}, {"cio_id": "ada"}, id="an id and a cio_id"),
        pytest.param({"id": "a@x.org"}, {"email": "a@x.org"}, id="an id and an e-mail address"),
    ],
)
def test_other_people_are_left_alone(one: dict[str, str], two: dict[str, str]) -> None:
    [request] = requests_of([identify_at(1, {"a": 1}, **one), identify_at(2, {"b": 2}, **two)])

    assert [(item["identifiers"], item["attributes"]) for item in items_of(request)] == [
        (one, {"a": 1}),
        (two, {"b": 2}),
    ]


def test_identifies_in_two_requests_stay_two() -> None:
    requests = requests_of([identify_at(1, {"a": 1}), event(2), identify_at(3, {"b": 2})], 1)

    assert [len(request.pendings) for request in requests] == [1, 1, 1]


def test_a_large_event_between_two_identifies_keeps_them_apart() -> None:
    requests = requests_of(
        [identify_at(1, {"a": 1}), event(2, words=LARGE), identify_at(3, {"b": 2})]
    )

    assert [len(request.pendings) for request in requests] == [1, 1, 1]


@pytest.mark.parametrize(("more", "items"), [(150, 1), (151, 2)])
@pytest.mark.parametrize("update", [{}, {"_update": True}], ids=["identify", "update only"])
def test_no_identify_is_made_of_more_than_300_attributes(
    more: int, items: int, update: dict[str, Any]
) -> None:
    one = {f"a{n}": n for n in range(150)} | update
    two = {f"b{n}": n for n in range(more)} | update

    [request] = requests_of([identify_at(1, one), identify_at(2, two)])

    assert [item["attributes"] for item in items_of(request)] == (
        [one | two] if items == 1 else [one, two]
    )


def test_no_identify_is_made_that_is_too_large_for_a_batch() -> None:
    long = "x" * 1_000
    one = {f"a{n}": long for n in range(16)}
    two = {f"b{n}": long for n in range(16)}

    [request] = requests_of([identify_at(1, one), identify_at(2, two)])

    assert len(request.pendings) == 2
    assert all(len(pending.item.body) <= MAX_ITEM_BYTES for pending in request.pendings)


def test_after_two_that_cannot_be_one_the_third_joins_the_second() -> None:
    update = {"_update": True}
    three = [identify_at(1, {"a": 1}), identify_at(2, {"a": 2, **update}), identify_at(3, update)]

    [request] = requests_of([*three, identify_at(4, {"a": 4})])

    assert [(item["attributes"], item["timestamp"]) for item in items_of(request)] == [
        ({"a": 1}, 1),
        ({"a": 2, "_update": True}, 3),
        ({"a": 4}, 4),
    ]


def test_an_identify_that_no_longer_fits_starts_the_next_request() -> None:
    one, two = identify_at(1, {"a": "x" * 200}), identify_at(2, {"b": "y" * 200})
    both = len(requests_of([one, two])[0].body())

    requests = requests_of([one, two], max_bytes=both - 1)

    assert [item for request in requests for item in items_of(request)] == [shown(one), shown(two)]


def test_merging_leaves_what_was_given_as_it_was() -> None:
    one, two = pending(identify_at(1, {"a": 1})), pending(identify_at(2, {"a": 2}))

    pack([one, two], max_items=10, max_bytes=10_000)

    kept = [shown(each.item.operation)["attributes"] for each in (one, two)]
    assert kept == [{"a": 1}, {"a": 2}]
    assert (one.parts, two.parts) == ((), ())
