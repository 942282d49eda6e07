"""Which lane takes which items."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sink.operations import event, pending
from transforms.sink.batch import Pending
from transforms.sink.spread import by_person, by_request

PEOPLE = [*({"id": f"p{number}"} for number in range(30)), {"email": "A@x.org"}, {"cio_id": "03"}]


def items(*people: int) -> list[Pending]:
    """An event for each of these people."""
    return [
        pending(event(number, PEOPLE[person % len(PEOPLE)]), number)
        for number, person in enumerate(people)
    ]


def owners(lane: list[Pending]) -> list[int]:
    return [each.owner for each in lane]


def persons(lane: list[Pending]) -> set[str]:
    return {each.item.person for each in lane}


def check(given_items: list[Pending], spread: list[list[Pending]], lanes: int) -> None:
    """Every item is in one lane, and so is every person, whose items keep their order."""
    assert len(spread) == lanes
    assert sorted(owner for lane in spread for owner in owners(lane)) == owners(given_items)
    for lane in spread:
        for person in persons(lane):
            of_person = [each for each in lane if persons([each]) == {person}]
            assert owners(of_person) == sorted(owners(of_person))
    assert max(Counter(each for lane in spread for each in persons(lane)).values(), default=1) == 1


people = st.lists(st.integers(0, len(PEOPLE) - 1), max_size=80)


@settings(deadline=None, derandomize=True)
@given(people, st.integers(1, 8))
def test_by_person(given_people: list[int], lanes: int) -> None:
    given_items = items(*given_people)
    check(given_items, by_person(given_items, lanes), lanes)


@settings(deadline=None, derandomize=True)
@given(people, st.integers(1, 8), st.integers(1, 10))
def test_by_request(given_people: list[int], lanes: int, max_items: int) -> None:
    given_items = items(*given_people)
    check(given_items, by_request(given_items, lanes, max_items), lanes)


def test_a_person_has_the_same_lane_in_every_bundle_and_spelling() -> None:
    one = by_person([pending(event(0, {"email": "ADA@x.org"}))], 64)
    other = by_person([*items(*range(20)), pending(event(0, {"email": "ada@X.org"}), 99)], 64)

    [lane] = [number for number, waiting in enumerate(one) if waiting]
    assert 99 in owners(other[lane])


def test_few_items_make_one_request() -> None:
    spread = by_request(items(*range(30)), 16, 100)

    assert [len(lane) for lane in spread] == [30, *[0] * 15]


def test_many_items_make_full_requests() -> None:
    made = [pending(event(number, {"id": f"p{number}"}), number) for number in range(1_250)]

    spread = by_request(made, 16, 100)

    assert [len(lane) for lane in spread if lane] == [400, 400, 400, 50]


def test_all_lanes_are_used_when_there_is_enough_for_all() -> None:
    made = [pending(event(number, {"id": f"p{number}"}), number) for number in range(400)]

    spread = by_request(made, 4, 10)

    assert [len(lane) for lane in spread] == [100] * 4


def test_a_person_whose_items_would_not_fit_begins_another_lane() -> None:
    spread = by_request(items(0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3), 4, 2)

    assert [len(lane) for lane in spread] == [2, 5, 5, 0]


def test_an_anonymous_event_weighs_as_much_as_a_full_request() -> None:
    made = [
        pending(event(number, {"anonymous_id": f"d{number}"}), number) for number in range(40)
    ] + [pending(event(number, {"id": f"p{number}"}), number) for number in range(40, 240)]

    spread = by_request(made, 16, 100)

    anonymous = [sum(each.item.alone for each in lane) for lane in spread]
    assert sum(anonymous) == 40
    assert max(anonymous) == 3
    # The other events have no requests of their own because of that.
    assert sum(len(lane) > each for lane, each in zip(spread, anonymous, strict=True)) == 1
