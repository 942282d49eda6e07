"""Places: order, search, and keys that lie across two of them."""

from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from transforms.memory.places import (
    KEY_BYTES,
    PLACE_BYTES,
    holds_key,
    insert,
    place_of,
    position,
    time_of,
)

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
orders = st.tuples(st.integers(0, 300), keys)


@many
@given(st.lists(orders, unique=True, max_size=12), orders)
def test_places_are_a_sorted_list(
    entries: list[tuple[int, bytes]], other: tuple[int, bytes]
) -> None:
    run = b""
    for time_ms, key in entries:
        place = place_of(time_ms, key)
        run = insert(run, place, position(run, place))
    expected = sorted(entries)
    found = [run[start : start + PLACE_BYTES] for start in range(0, len(run), PLACE_BYTES)]
    assert [(time_of(place), place[8:]) for place in found] == expected
    assert position(run, place_of(*other)) == sum(entry < other for entry in expected)
    assert holds_key(run, other[1]) == any(key == other[1] for _, key in entries)
    assert all(holds_key(run, key) for _, key in entries)
    assert [position(run, place) for place in found] == list(range(len(found)))


def test_a_key_that_lies_across_two_places_is_not_there() -> None:
    run = place_of(1, bytes(range(16))) + place_of(2, bytes(range(16, 32)))
    across = run[16:32]
    assert not holds_key(run, across)
    assert holds_key(run + place_of(3, across), across)
