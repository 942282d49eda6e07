"""What accepted operations do to the stand-in's workspace."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.customerio import Person, RequestLine, Workspace
from pipeline.local.customerio.fields import invalid
from pipeline.local.customerio.pulse import SECONDS, Pulse

NOW = 1_700_000_000
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(clock=lambda: NOW + 0.5)


def identify(identifiers: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {"type": "person", "action": "identify", "identifiers": identifiers, **changes}


def event(identifiers: dict[str, str], **changes: Any) -> dict[str, Any]:
    base = {"type": "person", "action": "event", "identifiers": identifiers, "name": "Played"}
    return {**base, **changes}


def person(workspace: Workspace, **identifier: str) -> Person:
    found = workspace.person(**identifier)
    assert found is not None
    return found


def test_an_event_creates_the_person_and_keeps_what_was_sent(workspace: Workspace) -> None:
    data = {"n": 1, "deep": {"x": [None, 10**30]}}
    sent = event({"email": "Ada@Example.com"}, id=ULID, timestamp=NOW - 9, attributes=data)

    assert workspace.apply(sent) == "applied"

    (kept,) = workspace.events()
    ada = person(workspace, email="ada@example.COM")
    assert (kept.name, kept.data, kept.timestamp) == ("Played", data, NOW - 9)
    assert (kept.sequence, kept.kind, kept.id, kept.received) == (1, "event", ULID, NOW + 0.5)
    assert kept.cio_id == ada.cio_id
    assert (ada.email, ada.id, ada.attributes) == ("Ada@Example.com", None, {})


def test_names_lose_their_outer_blanks(workspace: Workspace) -> None:
    workspace.apply(event({"id": "a"}, name="  Song  Played "))
    assert workspace.events()[0].name == "Song  Played"


@pytest.mark.parametrize(
    ("sent", "timestamp", "replaced"),
    [
        pytest.param({"timestamp": 5}, 5, False, id="seconds"),
        pytest.param({}, NOW, False, id="absent"),
        pytest.param({"timestamp": None}, NOW, False, id="null"),
        pytest.param({"timestamp": "2024-01-01"}, NOW, True, id="text"),
        pytest.param({"timestamp": 1.5}, NOW, True, id="decimal"),
    ],
)
def test_an_unusable_timestamp_silently_becomes_now(
    workspace: Workspace, sent: dict[str, Any], timestamp: int, replaced: bool
) -> None:
    assert workspace.apply(event({"id": "a"}, **sent)) == "applied"
    (kept,) = workspace.events()
    assert (kept.timestamp, kept.timestamp_replaced) == (timestamp, replaced)
    assert workspace.counters().timestamps_replaced == replaced


def test_an_event_id_counts_once_in_the_whole_workspace(workspace: Workspace) -> None:
    assert workspace.apply(event({"id": "a"}, id=ULID)) == "applied"
    assert workspace.apply(event({"id": "a"}, id=ULID)) == "duplicate"
    assert workspace.apply(event({"id": "b"}, id=ULID.lower())) == "duplicate"
    assert workspace.apply(event({"id": "a"})) == "applied"
    assert workspace.apply(event({"id": "a"})) == "applied"

    assert [kept.id for kept in workspace.events()] == [ULID, None, None]
    assert workspace.counters().duplicate_events == 2
    assert workspace.person(id="b") is None


def test_identify_sets_and_null_removes(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"plan": "pro", "n": 1, "_update": False}))
    workspace.apply(identify({"id": "a"}, attributes={"plan": None, "empty": "", "none": None}))
    assert person(workspace, id="a").attributes == {"n": 1, "empty": ""}


def test_update_only_never_creates(workspace: Workspace) -> None:
    update = identify({"id": "a"}, attributes={"_update": True, "plan": "pro"})
    assert workspace.apply(update) == "ignored"
    assert workspace.people() == []
    workspace.apply(event({"id": "a"}))
    assert workspace.apply(update) == "applied"
    assert person(workspace, id="a").attributes == {"plan": "pro"}
    assert workspace.counters().ignored_operations == 1


def test_an_older_identify_is_taken_and_does_nothing(workspace: Workspace) -> None:
    def at(timestamp: int, plan: str) -> str:
        return workspace.apply(
            identify({"id": "a"}, attributes={"plan": plan}, timestamp=timestamp)
        )

    assert at(100, "first") == "applied"
    assert at(99, "older") == "stale"
    assert person(workspace, id="a").attributes == {"plan": "first"}
    assert at(100, "same second") == "applied"
    assert at(101, "newer") == "applied"
    assert at(100, "late") == "stale"
    assert person(workspace, id="a").attributes == {"plan": "newer"}
    assert workspace.counters().ignored_stale_identifies == 2


def test_events_do_not_age_a_person(workspace: Workspace) -> None:
    workspace.apply(event({"id": "a"}, timestamp=NOW))
    assert workspace.apply(identify({"id": "a"}, timestamp=5)) == "applied"


def test_objects_and_relationships(workspace: Workspace) -> None:
    acme = {"object_type_id": "1", "object_id": "acme"}
    link = {"identifiers": acme, "relationship_attributes": {"role": "owner", "since": ""}}
    workspace.apply(identify({"id": "a"}, cio_relationships=[link]))
    assert person(workspace, id="a").relationships == {"1/acme": {"role": "owner"}}

    about = {"type": "object", "action": "identify", "identifiers": acme}
    workspace.apply({**about, "attributes": {"size": 5, "city": "Oslo"}})
    workspace.apply({**about, "attributes": {"city": ""}})
    (thing,) = workspace.objects()
    assert thing.attributes == {"size": 5}

    people = [{"identifiers": {"email": "new@b.c"}}]
    by_cio_id = {"cio_object_id": thing.cio_object_id}
    add = {"type": "object", "action": "add_relationships", "identifiers": by_cio_id}
    workspace.apply({**add, "cio_relationships": people})
    assert person(workspace, email="new@b.c").relationships == {"1/acme": {}}
    workspace.apply({**add, "action": "delete_relationships", "cio_relationships": people})
    assert person(workspace, email="new@b.c").relationships == {}

    drop = {**event({"id": "a"}), "action": "delete_relationships", "cio_relationships": [link]}
    workspace.apply(drop)
    assert person(workspace, id="a").relationships == {}
    workspace.apply({**drop, "action": "add_relationships"})
    workspace.apply({"type": "object", "action": "delete", "identifiers": acme})
    assert (workspace.objects(), person(workspace, id="a").relationships) == ([], {})
    assert workspace.apply({**about, "identifiers": {"cio_object_id": "ob9"}}) == "ignored"


def test_devices(workspace: Workspace) -> None:
    device = {"token": "t", "platform": "ios"}
    workspace.apply({**event({"id": "a"}), "action": "add_device", "device": device})
    assert person(workspace, id="a").devices == {"t": device}
    workspace.apply({**event({"id": "a"}), "action": "delete_device", "device": {"token": "t"}})
    assert person(workspace, id="a").devices == {}


def test_what_is_handed_out_is_a_copy(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"plan": "pro"}))
    workspace.apply(event({"id": "a"}))
    person(workspace, id="a").attributes["plan"] = "spoiled"
    workspace.people()[0].attributes["plan"] = "spoiled"
    workspace.events()[0].name = "spoiled"
    workspace.counters().applied = 99
    assert person(workspace, id="a").attributes == {"plan": "pro"}
    assert workspace.events()[0].name == "Played"
    assert workspace.counters().applied == 2


def test_limits_give_the_newest_in_order() -> None:
    ticks = iter(range(100))
    workspace = Workspace(clock=lambda: next(ticks), keep_events=3)
    for name in ("a", "b", "c", "d"):
        workspace.apply(event({"id": name}, name=name))
    assert [kept.name for kept in workspace.events()] == ["b", "c", "d"]
    assert [kept.name for kept in workspace.events(2)] == ["c", "d"]
    assert workspace.events(0) == []
    assert [kept.id for kept in workspace.people(2)] == ["c", "d"]
    workspace.apply(identify({"id": "a"}))
    assert [kept.id for kept in workspace.people(2)] == ["d", "a"]
    assert workspace.summary()["events"] == 4


def test_rejections_say_what_and_where(workspace: Workspace) -> None:
    problems = [invalid("name", "must not be blank"), invalid("id", "must be a valid ULID")]
    workspace.reject(problems, b'{"name":"\xff"}' + b"x" * 9_000, index=7)
    first, second = workspace.rejections()
    assert (first.sequence, first.index, first.field) == (1, 7, "name")
    assert (second.sequence, second.message) == (2, "must be a valid ULID")
    assert first.operation.startswith('{"name":"\N{REPLACEMENT CHARACTER}"}')
    assert len(first.operation) == 2_000
    assert (workspace.counters().rejected, workspace.counters().items) == (1, 1)


def test_waiting_for_a_state(workspace: Workspace) -> None:
    def later() -> None:
        workspace.apply(event({"id": "a"}))
        workspace.log(RequestLine("POST", "/", 1, 1, 200, 0.0))

    thread = threading.Thread(target=later)
    thread.start()
    assert workspace.wait_until(lambda w: w.counters().applied == 1, 10)
    thread.join()
    assert not workspace.wait_until(lambda w: w.counters().applied == 2, 0)


IDENTIFIERS = st.sampled_from(
    [{"id": "a"}, {"id": "b"}, {"email": "a@b.c"}, {"email": "A@B.C"}, {"cio_id": "a0000001"}]
)
MAKERS: list[Callable[..., dict[str, Any]]] = [event, identify]


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            lambda make, who, when, more: make(who, timestamp=when, attributes=more),
            st.sampled_from(MAKERS),
            IDENTIFIERS,
            st.integers(0, 5) | st.none() | st.just("x"),
            st.fixed_dictionaries(
                {},
                optional={
                    "_update": st.booleans(),
                    "email": st.sampled_from(["a@b.c", "d@e.f", "", None]),
                    "id": st.sampled_from(["a", "c", 7]),
                    "plan": st.sampled_from(["pro", None]),
                },
            ),
        ),
        max_size=20,
    )
)
def test_counters_and_identifiers_always_add_up(operations: list[dict[str, Any]]) -> None:
    workspace = Workspace(clock=lambda: NOW)
    for operation in operations:
        workspace.apply(operation)
    counters = workspace.counters()
    assert (
        counters.items
        == len(operations)
        == (
            counters.applied
            + counters.duplicate_events
            + counters.ignored_stale_identifies
            + counters.ignored_operations
        )
    )
    for someone in workspace.people():
        keys = {"id": someone.id, "email": someone.email, "cio_id": someone.cio_id}
        for key, value in keys.items():
            assert value is None or workspace.person(**{key: value}) == someone
        assert "_update" not in someone.attributes
        assert None not in someone.attributes.values()


def test_the_pulse_covers_the_last_minute() -> None:
    pulse = Pulse()
    for second in (1_000, 1_000, 1_001, 1_059):
        pulse.beat(second + 0.9)
    series = pulse.series(1_059)
    assert (len(series), series[0], series[1], series[-1], sum(series)) == (SECONDS, 2, 1, 1, 4)
    assert sum(pulse.series(1_060)) == 2
    assert sum(pulse.series(5_000)) == 0
