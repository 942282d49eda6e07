"""Link: who is told of which object and device, and how often."""

from collections import defaultdict
from itertools import pairwise, permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.customerio import Workspace
from tests.transforms.make import EVENT_S, event, event_operation, many, outcome_of
from transforms.known import Known, Learned
from transforms.limits import MAX_ITEM_BYTES, cut_to_bytes
from transforms.link import LinkRules, link
from transforms.records import (
    Built,
    EventOperation,
    Group,
    IdentifyOperation,
    ObjectIdentifiers,
    Operation,
    Relationship,
    RelationshipsOperation,
    time_of,
)
from transforms.tally import Tally
from transforms.validate import validate_item

BOTH = LinkRules("w", devices=True)
REMEMBERED = LinkRules("w", devices=True, remembered=True)
ADA, BOB = {"id": "ada"}, {"id": "bob"}
ACME, ZOO = Group("1", "Acme"), Group("1", "Zoo")


def built(
    identifiers: dict[str, str],
    *groups: Group,
    device: str | None = None,
    operations: tuple[Operation, ...] = (event_operation(),),
    filtered: str | None = None,
) -> Built:
    of = msgspec.structs.replace(event(device_id=device), groups=groups)
    return Built(of, EVENT_S * 1000 + 5, operations, filtered, identifiers)


def added(learned: Learned, of: Built, rules: LinkRules = BOTH) -> list[Any]:
    """What goes along with a record: the names of objects, the attributes of identifies."""
    result = link(of, rules, learned)
    assert isinstance(result, Built)
    assert result.operations[: len(of.operations)] == of.operations
    return [_shown(each) for each in result.operations[len(of.operations) :]]


def _shown(operation: Operation) -> Any:
    if isinstance(operation, RelationshipsOperation):
        return [each.identifiers.object_id for each in operation.cio_relationships]
    assert isinstance(operation, IdentifyOperation)
    return operation.attributes


def test_an_object_is_told_once_for_each_person() -> None:
    learned = Learned(Known())
    assert added(learned, built(ADA, ACME, ZOO)) == [["Acme", "Zoo"]]
    assert added(learned, built(ADA, ZOO)) == []
    assert added(learned, built(BOB, ZOO)) == [["Zoo"]]
    assert added(learned, built(ADA, Group("2", "Zoo"))) == [["Zoo"]]
    assert added(learned, built({"email": "A@x.org"}, ACME)) == [["Acme"]]
    assert added(learned, built({"email": "a@X.ORG"}, ACME)) == []


def test_the_operation_names_person_and_objects() -> None:
    result = link(built(ADA, ACME), LinkRules("w"), Learned(Known()))
    assert isinstance(result, Built)
    [_event, operation] = result.operations
    assert isinstance(operation, RelationshipsOperation)
    assert (operation.type, operation.identifiers) == ("person", ADA)
    [related] = operation.cio_relationships
    assert isinstance(related, Relationship)
    assert (related.identifiers.object_type_id, related.identifiers.object_id) == ("1", "Acme")


@pytest.mark.parametrize(
    ("filtered", "outcome"),
    [
        pytest.param("filtered.event_type", "filtered.event_type", id="filtered"),
        pytest.param(
            "skipped.operator_needs_state", "skipped.operator_needs_state", id="operators only"
        ),
        pytest.param(None, "skipped.no_selected_property", id="nothing said"),
    ],
)
def test_a_record_ends_when_its_groups_were_all_and_are_known(
    filtered: str | None, outcome: str
) -> None:
    learned = Learned(Known())
    alone = built(ADA, ACME, operations=(), filtered=filtered, device="d")
    assert added(learned, alone) == [{"anonymous_id": "d"}, ["Acme"]]
    assert outcome_of(link(alone, BOTH, learned)) == outcome
    # What is not sent tells of no device either.
    other = built(ADA, ACME, operations=(), filtered=filtered, device="e")
    assert outcome_of(link(other, BOTH, learned)) == outcome
    assert added(learned, built(ADA, device="e")) == [{"anonymous_id": "e"}]


def test_a_name_that_is_too_long_takes_no_other_with_it_and_is_told_each_time() -> None:
    learned = Learned(Known())
    long = Group("1", "é" * 76)
    assert added(learned, built(ADA, long, ACME)) == [["Acme"], ["é" * 76]]
    assert added(learned, built(ADA, long, ACME)) == [["é" * 76]]


@many
@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=9), st.integers(1, 400))
def test_a_list_over_the_size_of_an_item_is_split_and_no_further(
    texts: list[str], count: int
) -> None:
    names = [f"{n}{cut_to_bytes(texts[n % len(texts)] * 140, 140)}" for n in range(count)]
    result = link(built(ADA, *(Group("1", name) for name in names)), BOTH, Learned(Known()))
    assert isinstance(result, Built)
    _event, *parts = result.operations
    assert [each for part in parts for each in _shown(part)] == names
    items = [validate_item(part, "dead_letter", Tally()) for part in parts]
    for item, following in pairwise(items):
        # None has room for the first of the next.
        [first, *_others] = msgspec.json.decode(following.body)["cio_relationships"]
        assert len(item.body) + 1 + len(msgspec.json.encode(first)) > MAX_ITEM_BYTES


@pytest.mark.parametrize(("longer", "operations"), [(0, 1), (1, 2)], ids=["fits", "one byte more"])
def test_an_operation_is_filled_to_the_last_byte(longer: int, operations: int) -> None:
    groups = [Group("1", f"{n:050}") for n in range(306)]
    of_all = RelationshipsOperation(
        identifiers=ADA,
        cio_relationships=tuple(
            Relationship(ObjectIdentifiers(group.object_type_id, group.object_id))
            for group in groups
        ),
    )
    missing = MAX_ITEM_BYTES - len(msgspec.json.encode(of_all))
    assert 0 < missing < 90, "a longer name has to take up the rest"
    groups[0] = Group("1", "x" * (50 + missing + longer))
    assert len(added(Learned(Known()), built(ADA, *groups))) == operations


def test_each_object_of_a_group_update_is_an_identify_each_time() -> None:
    learned = Learned(Known())
    groups = (Group("1", "Acme", {"a": 1}), Group("2", "Zoo", {"a": None}))
    for _time in range(2):
        result = link(built({}, *groups, operations=(), device="d"), BOTH, learned)
        assert isinstance(result, Built)
        assert list(result.operations) == [
            IdentifyOperation(
                type="object",
                identifiers={"object_type_id": "1", "object_id": "Acme"},
                attributes={"a": 1},
            ),
            IdentifyOperation(
                type="object",
                identifiers={"object_type_id": "2", "object_id": "Zoo"},
                attributes={"a": None},
            ),
        ]


@pytest.mark.parametrize(
    ("device", "attributes"),
    [
        pytest.param("d", [{"anonymous_id": "d"}], id="text"),
        pytest.param(" d ", [{"anonymous_id": "d"}], id="blanks"),
        pytest.param("", [], id="empty"),
        pytest.param(None, [], id="none"),
        pytest.param("x" * 151, [], id="too long"),
    ],
)
def test_the_device_of_a_person(device: str | None, attributes: list[Any]) -> None:
    assert added(Learned(Known()), built(ADA, device=device)) == attributes


def test_the_identify_has_the_time_of_its_record_and_creates_nobody_with_update_only() -> None:
    rules = LinkRules("w", devices=True, update_only=True)
    result = link(built(ADA, device="d"), rules, Learned(Known()))
    assert isinstance(result, Built)
    assert result.operations[1] == IdentifyOperation(
        identifiers=ADA, attributes={"anonymous_id": "d", "_update": True}, timestamp=EVENT_S
    )


def test_devices_are_left_alone_unless_they_are_asked_for() -> None:
    assert added(Learned(Known()), built(ADA, device="d"), LinkRules("w")) == []


people = st.sampled_from(["ada", "bob", None])
devices = st.sampled_from(["d1", "d2"])


@many
@given(st.lists(st.lists(st.tuples(people, devices), max_size=8), max_size=4), st.data())
def test_a_device_is_told_when_it_is_called_for(
    bundles: list[list[tuple[str | None, str]]], data: st.DataObject
) -> None:
    """Against a model: owner by device, and the devices with events since their identify."""
    known = Known()
    owners: dict[str, str] = {}
    open_devices: defaultdict[str, bool] = defaultdict(lambda: True)
    for records in bundles:
        learned = Learned(known)
        owners_now, open_now = dict(owners), open_devices.copy()
        for person, device in records:
            if person is None:
                anonymous = built({"anonymous_id": device})
                assert link(anonymous, BOTH, learned) == anonymous
                open_now[device] = True
                continue
            called_for = owners_now.setdefault(device, person) == person and open_now[device]
            expected = [{"anonymous_id": device}] if called_for else []
            assert added(learned, built({"id": person}, device=device)) == expected
            if called_for:
                open_now[device] = False
        if data.draw(st.booleans(), "the bundle ends well"):
            learned.keep()
            owners, open_devices = owners_now, open_now


def test_an_anonymous_event_goes_on_as_it_is() -> None:
    operation = EventOperation(
        identifiers={"anonymous_id": "d"}, name="A", id="0" * 26, timestamp=1, attributes={}
    )
    of = built({"anonymous_id": "d"}, device="d", operations=(operation,))
    assert link(of, BOTH, Learned(Known())) == of


def test_a_device_is_told_under_the_newest_time_of_the_person() -> None:
    of = msgspec.structs.replace(built(ADA, device="d"), person_time_ms=(EVENT_S + 60) * 1000)
    result = link(of, BOTH, Learned(Known()))
    assert isinstance(result, Built)
    assert time_of(result.operations[-1]) == EVENT_S + 60


_COME_AGAIN = [("d1", 50, True), ("d2", 100, True), ("of a new record", 60, False)]


@pytest.mark.parametrize("records", permutations(_COME_AGAIN))
def test_after_a_crash_no_device_is_told_of_in_vain(
    records: tuple[tuple[str, int, bool], ...],
) -> None:
    """Customer.io holds the newest time of a bundle that is about to come again."""
    customerio, newest, learned = Workspace(), 0, Learned(Known())
    customerio.apply(_identify(EVENT_S + 100))
    for device, after_s, unsettled in records:
        customerio.apply(_anonymous_event(device))
        newest = max(newest, EVENT_S + after_s)
        of = msgspec.structs.replace(
            built(ADA, device=device),
            person_time_ms=newest * 1000,
            person_unsettled=unsettled,
        )
        result = link(of, REMEMBERED, learned)
        assert isinstance(result, Built)
        for operation in result.operations[1:]:
            customerio.apply(msgspec.to_builtins(operation))
    [ada] = customerio.people()
    assert [event.cio_id for event in customerio.events()] == [ada.cio_id] * 3


def test_once_the_times_are_known_again_a_device_is_told_once() -> None:
    learned = Learned(Known())
    of = built(ADA, device="d")
    told = [
        added(
            learned,
            msgspec.structs.replace(of, person_time_ms=time_s * 1000, person_unsettled=unsettled),
            REMEMBERED,
        )
        for time_s, unsettled in [(50, True), (50, True), (60, True), (70, False), (70, True)]
    ]
    assert [len(each) for each in told] == [1, 0, 1, 0, 1]


def _identify(timestamp: int) -> dict[str, Any]:
    return {
        "type": "person",
        "action": "identify",
        "identifiers": ADA,
        "timestamp": timestamp,
        "attributes": {"plan": "pro"},
    }


def _anonymous_event(device: str) -> dict[str, Any]:
    return {
        "type": "person",
        "action": "event",
        "identifiers": {"anonymous_id": device},
        "name": "Played",
        "timestamp": EVENT_S,
    }
