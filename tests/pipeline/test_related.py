"""Groups and anonymous people through the real graph, judged by the stand-in of Customer.io."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline import graph, plan
from pipeline.deadletters import FileStore
from pipeline.generations import run_once
from pipeline.ledger import Ledger, read_ledger
from pipeline.local.customerio import CustomerIoStandIn, Match, Person, Respond
from pipeline.people.process import people_of_process, remembering
from pipeline.settings import Settings
from pipeline.sources.files import ReadFromFiles
from tests.end_to_end.harness import API_KEY, SITE_ID
from transforms.sink.sink import DeliverToCustomerIo
from transforms.tally import PROCESS_LEDGER

T = 1_777_888_867
GROUPS = {"enabled": True, "object_types": {"company": "1"}, "group_properties": ["tier"]}
SEND = {"anonymous": "send"}


@pytest.fixture
def customerio(monkeypatch: pytest.MonkeyPatch) -> Iterator[CustomerIoStandIn]:
    """A stand-in of its own: what a process knows, it knows of one workspace."""
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        yield stand_in


Run = Callable[..., Ledger]


@pytest.fixture
def run(customerio: CustomerIoStandIn, tmp_path: Path) -> Iterator[Run]:
    """Runs the job over records, each a message of its own as Amplitude exports it."""

    def run_job(*records: dict[str, Any], **sections: Any) -> Ledger:
        settings = Settings.model_validate(
            {"customerio": {"endpoint": customerio.url}, "users": {"user_properties": ["plan"]}}
            | sections
        )
        lines = tmp_path / "records.ndjson"
        lines.write_bytes(b"\n".join(map(msgspec.json.encode, records)))

        def build(pipeline: beam.Pipeline) -> None:
            policy = plan.delivery_policy(settings, 1, hold=False, one_bundle_at_a_time=True)
            sink = DeliverToCustomerIo(policy, settings.customerio.credentials)
            store = FileStore(str(tmp_path / "dead"))
            graph.build(pipeline, ReadFromFiles([str(lines)]), settings, sink, store)

        PROCESS_LEDGER.reset()
        run_once(build, PipelineOptions([]))
        ledger = read_ledger()
        assert ledger.balanced
        return ledger

    yield run_job
    PROCESS_LEDGER.reset()


def event(number: int, user: str | None = "ada", **fields: Any) -> dict[str, Any]:
    """The event `number` seconds after the first, in the form of Amplitude's export."""
    return {
        "event_type": "Played",
        "user_id": user,
        "device_id": None,
        "$insert_id": f"i{number}",
        "event_time": f"2026-05-04 10:{number // 60:02}:{number % 60:02}.000000",
        "user_properties": {},
        **fields,
    }


def update(number: int, user: str | None = "ada", **fields: Any) -> dict[str, Any]:
    return event(number, user, event_type="$identify", **fields)


def group_update(number: int, groups: Any, properties: Any) -> dict[str, Any]:
    given = {"groups": groups, "group_properties": properties}
    return event(number, None, event_type="$groupidentify", **given)


def person(customerio: CustomerIoStandIn, identifier: str = "ada") -> Person:
    found = customerio.workspace.person(id=identifier)
    assert found is not None
    return found


def calls(customerio: CustomerIoStandIn) -> list[tuple[str, int]]:
    """The requests so far: path and items."""
    return [(line.path, line.items) for line in customerio.workspace.requests()]


def whose(customerio: CustomerIoStandIn) -> dict[int, str | None]:
    """Insert number of an event -> the id of its person."""
    ids = {each.cio_id: each.id for each in customerio.workspace.people()}
    return {each.data["n"]: ids.get(each.cio_id or "") for each in customerio.workspace.events()}


def test_a_person_is_related_to_their_groups_once(run: Run, customerio: CustomerIoStandIn) -> None:
    ledger = run(
        event(1, groups={"company": ["Acme", "Zoo"], "team": ["x"]}),
        event(2, groups={"company": "Acme"}),
        update(3, groups={"company": ["Acme"]}, user_properties={"plan": "pro"}),
        update(4, groups={"company": [7]}),
        update(5, groups={"company": [7]}),
        groups=GROUPS,
    )

    assert set(person(customerio).relationships) == {"1/Acme", "1/Zoo", "1/7"}
    assert {thing.key for thing in customerio.workspace.objects()} == {"1/Acme", "1/Zoo", "1/7"}
    assert ledger.outcomes == {"delivered": 4, "skipped.no_selected_property": 1}
    assert ledger.beside["dropped.group_type"] == 1
    assert ledger.beside["batch_items"] == 5, "two events, an identify, two relationships"

    again = run(event(6, groups={"company": ["Acme"]}), groups=GROUPS)
    assert again.beside["batch_items"] == 1, "what a process knows outlives its runs"


def test_a_person_is_related_to_more_groups_than_an_item_holds(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    names = [f"{number:0100}" for number in range(500)]

    ledger = run(event(1, groups={"company": names}), groups=GROUPS)

    assert set(person(customerio).relationships) == {f"1/{name}" for name in names}
    assert ledger.outcomes == {"delivered": 1}
    assert ledger.beside["batch_items"] == 4, "an event, and three times relationships"


@pytest.mark.parametrize(
    ("record", "sections"),
    [
        pytest.param(
            event(1, groups={"company": "Acme"}), {"events": {"exclude": ["Played"]}}, id="event"
        ),
        pytest.param(
            event(1, groups={"company": "Acme"}),
            {"events": {"enabled": False}, "users": {"enabled": False}},
            id="event, all off",
        ),
        pytest.param(
            update(1, groups={"company": "Acme"}, user_properties={"plan": "pro"}),
            {"users": {"enabled": False}},
            id="update, users off",
        ),
        pytest.param(
            update(1, groups={"company": "Acme"}, user_properties={"$add": {"n": 1}}),
            {},
            id="update, operators only",
        ),
    ],
)
def test_groups_have_a_switch_of_their_own(
    run: Run, customerio: CustomerIoStandIn, record: dict[str, Any], sections: dict[str, Any]
) -> None:
    ledger = run(record, groups=GROUPS, **sections)

    assert ledger.outcomes == {"delivered": 1}
    assert set(person(customerio).relationships) == {"1/Acme"}
    assert (customerio.workspace.events(), customerio.workspace.identifies()) == ([], [])


def test_group_updates_change_objects_in_their_order(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    ledger = run(
        group_update(3, {"company": ["Acme", "Zoo"]}, {"$set": {"tier": "c"}, "size": 1}),
        group_update(1, {"company": "Acme"}, {"tier": "a"}),
        group_update(2, {}, {"company": {"Acme": {"tier": "b"}}}),
        group_update(4, {"company": "Zoo"}, {"$unset": {"tier": "-"}}),
        group_update(5, {"company": "Acme"}, {"$add": {"tier": 1}}),
        group_update(6, {"team": "x"}, {"tier": "d"}),
        groups=GROUPS,
    )

    things = {each.key: each.attributes for each in customerio.workspace.objects()}
    assert things == {"1/Acme": {"tier": "c"}, "1/Zoo": {}}
    assert ledger.outcomes == {
        "delivered": 4,
        "skipped.operator_needs_state": 1,
        "skipped.group_type": 1,
    }
    assert customerio.workspace.people() == []


def test_a_bundle_that_failed_tells_all_of_it_again(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    record = update(1, device_id="d", groups={"company": "Acme"})
    customerio.faults.next(Respond(503), times=None)
    with pytest.raises(Exception, match="not delivered within"):
        run(record, groups=GROUPS, mappings=SEND, delivery={"retry_for_s": 1})
    customerio.faults.clear()
    assert customerio.workspace.people() == []

    run(record, groups=GROUPS, mappings=SEND)

    assert set(person(customerio).relationships) == {"1/Acme"}
    assert person(customerio).attributes == {"anonymous_id": "d"}


def test_anonymous_events_become_the_persons(run: Run, customerio: CustomerIoStandIn) -> None:
    all_of = {"events": {"event_properties": "all"}, "mappings": SEND}

    def played(number: int, user: str | None, device: str | None) -> dict[str, Any]:
        return event(number, user, device_id=device, event_properties={"n": number})

    ledger = run(
        played(1, None, "d1"),
        played(2, None, "d2"),
        played(3, "ada", "d1"),
        played(4, "ada", "d1"),
        played(5, "bob", "d1"),
        played(6, None, None),
        update(7, None, device_id="d1", user_properties={"plan": "pro"}),
        **all_of,
    )

    assert whose(customerio) == {1: "ada", 2: None, 3: "ada", 4: "ada", 5: "bob"}
    assert person(customerio).attributes == {"anonymous_id": "d1"}
    assert person(customerio, "bob").attributes == {}
    assert customerio.workspace.counters().identifier_conflicts == 0
    assert ledger.outcomes == {
        "delivered": 5,
        "dead_lettered.no_identifier": 1,
        "skipped.anonymous": 1,
    }
    paths = [path for path, _items in calls(customerio)]
    assert paths.count("/api/v1/events") == 2, "one request each"
    assert len(customerio.workspace.identifies()) == 1, "once while it is known"

    run(played(10, None, "d1"), played(11, "ada", "d1"), **all_of)

    assert len(customerio.workspace.identifies()) == 2, "once more after an anonymous event"
    assert whose(customerio)[10] == "ada"


def test_a_device_falls_in_with_the_identify_of_its_record(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    ledger = run(
        update(1, device_id="d1", user_properties={"plan": "pro"}),
        update(2, device_id="d2", user_properties={"plan": "free"}),
        mappings=SEND,
        users={"user_properties": ["plan"], "update_only": True},
    )

    sent = [each.attributes for each in customerio.workspace.identifies()]
    # Customer.io takes one device at a time.
    assert sent == [
        {"plan": "free", "anonymous_id": "d1", "_update": True},
        {"anonymous_id": "d2", "_update": True},
    ]
    assert customerio.workspace.people() == []
    assert ledger.outcomes == {"delivered": 1, "coalesced.identify": 1}


def test_an_anonymous_event_that_is_refused_is_a_dead_letter_of_its_own(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    refusal = Respond(400, body='{"meta":{"errors":["name is reserved"]}}')
    customerio.faults.next(refusal, match=Match(path="/api/v1/events"))

    ledger = run(
        event(1, None, device_id="d1"), event(2, None, device_id="d2"), event(3), mappings=SEND
    )

    assert ledger.outcomes == {"delivered": 2, "dead_lettered.rejected": 1}


def test_neither_is_in_the_graph_unless_it_is_asked_for(
    run: Run, customerio: CustomerIoStandIn
) -> None:
    ledger = run(
        event(1, device_id="d", groups={"company": "Acme"}),
        event(2, None, device_id="d"),
        group_update(3, {"company": "Acme"}, {"tier": "a"}),
    )

    assert ledger.outcomes == {
        "delivered": 1,
        "skipped.anonymous": 1,
        "skipped.group_type": 1,
    }
    assert person(customerio).attributes == {}
    assert (person(customerio).relationships, customerio.workspace.objects()) == ({}, [])


def test_a_device_never_makes_customerio_drop_what_the_memory_sends(
    customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    """The event is newer than the update that comes behind it, and no memory knows of it."""
    settings = Settings.model_validate(
        {
            "customerio": {"endpoint": customerio.url},
            "mappings": SEND,
            "users": {"user_properties": ["seats"], "state": "person"},
        }
    )
    added: dict[str, Any] = {"user_properties": {"$add": {"seats": 5}}}
    with remembering(str(tmp_path / "people"), 90):
        for record in (event(30, device_id="D"), update(10, device_id="D", **added)):
            lines = tmp_path / "records.ndjson"
            lines.write_bytes(msgspec.json.encode(record))

            def build(pipeline: beam.Pipeline, path: str = str(lines)) -> None:
                policy = plan.delivery_policy(settings, 1, hold=False, one_bundle_at_a_time=True)
                sink = DeliverToCustomerIo(policy, settings.customerio.credentials)
                store = FileStore(str(tmp_path / "dead"))
                extras = graph.Extras(people=people_of_process)
                graph.build(pipeline, ReadFromFiles([path]), settings, sink, store, extras)

            run_once(build, PipelineOptions([]))
    assert person(customerio).attributes == {"seats": 5, "anonymous_id": "D"}
    assert customerio.workspace.summary()["ignored_stale_identifies"] == 0
