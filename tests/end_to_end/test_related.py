"""Groups and anonymous people, by the real program over real sockets, replay included."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.local.customerio import CustomerIoStandIn, ItemErrors, Workspace
from tests.end_to_end.harness import API_KEY, PUBLISHED_AT, SITE_ID, Program, pub_sub
from tests.end_to_end.test_replay import Replay

SETTINGS: dict[str, Any] = {
    "events": {"event_properties": ["n"]},
    "mappings": {"anonymous": "send"},
    "groups": {
        "enabled": True,
        "object_types": {"company": "1"},
        "group_properties": ["tier"],
    },
    "delivery": {"max_requests_per_second": 0, "lanes": 4},
}


def played(number: int, user: str | None, device: str, **more: Any) -> bytes:
    record = {
        "event_type": "Played",
        "user_id": user,
        "device_id": device,
        "$insert_id": f"i{number}",
        "event_time": PUBLISHED_AT + number,
        "event_properties": {"n": number},
    }
    return json.dumps(record | more).encode()


def has_events(workspace: Workspace, number: int) -> bool:
    return len(workspace.events()) == number


def test_a_stream_of_groups_and_devices(tmp_path: Path) -> None:
    people = 20
    acme = {"company": ["Acme"]}
    before = [played(number, None, f"d{number}") for number in range(people)]
    known = [
        played(number + 1_000 * time, f"u{number}", f"d{number}", groups=acme)
        for time in range(1, 4)
        for number in range(people)
    ]
    update = {"event_type": "$groupidentify", "groups": acme, "event_time": PUBLISHED_AT}
    with pub_sub() as broker, CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        broker.publish(before)
        program = Program(tmp_path, SETTINGS, customerio.url, pub_sub=broker)
        workspace = customerio.workspace
        assert workspace.wait_until(partial(has_events, number=people), 120)
        # One bundle after the other: what one has told, the next one knows.
        for part in range(0, len(known), people):
            broker.publish(known[part : part + people])
            there = partial(has_events, number=part + 2 * people)
            assert workspace.wait_until(there, 120)
        broker.publish([json.dumps(update | {"group_properties": {"tier": "a"}}).encode()])
        assert program.finish(broker) == 0, program.log()
        ledger = program.ledger()
        found = workspace.people()
        events = workspace.events()
        things = workspace.objects()
        summary = workspace.summary()

    assert ledger["balanced"]
    assert ledger["outcomes"] == {"delivered": 4 * people + 1}
    assert len(found) == people
    ids = {person.cio_id: person.id for person in found}
    assert all(ids[event.cio_id or ""] == f"u{event.data['n'] % 1_000}" for event in events)
    assert all(set(person.relationships) == {"1/Acme"} for person in found)
    assert [(thing.key, thing.attributes) for thing in things] == [("1/Acme", {"tier": "a"})]
    # Events, an identify and a relationship for each person, and the object.
    assert summary["items"] == 4 * people + 2 * people + 1
    assert summary["merged_events"] == people


def test_what_was_refused_is_replayed(tmp_path: Path) -> None:
    source = tmp_path / "records.ndjson"
    lines = [
        played(1, "ada", "d1", groups={"company": "Acme"}),
        json.dumps(
            {
                "event_type": "$groupidentify",
                "groups": {"company": "Acme"},
                "event_time": PUBLISHED_AT,
                "group_properties": {"$set": {"tier": "a"}},
            }
        ).encode(),
        played(2, None, "d1"),
    ]
    source.write_bytes(b"\n".join(lines))
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        # The object, the event, its identify and its relationship; not the anonymous event.
        customerio.faults.next(ItemErrors((0, 1, 2, 3), status=207), times=2)
        job = Program(tmp_path / "job", SETTINGS, customerio.url, f"--input_files={source}")
        assert job.wait() == 0, job.log()
        outcomes = job.ledger()["outcomes"]
        assert outcomes == {"delivered": 1, "dead_lettered.rejected": 2}
        letters = job.dead_letters()
        assert {(each["operation"]["type"], each["operation"]["action"]) for each in letters} == {
            ("person", "event"),
            ("person", "identify"),
            ("person", "add_relationships"),
            ("object", "identify"),
        }
        assert customerio.workspace.people() == []
        customerio.faults.clear()

        [file] = (tmp_path / "job").glob("dead-*.jsonl")
        replay = Replay(tmp_path / "replay", SETTINGS, customerio.url, str(file))
        assert replay.wait() == 0, replay.log()
        assert replay.ledger()["outcomes"] == {"delivered": 4}
        [person] = customerio.workspace.people()
        [thing] = customerio.workspace.objects()
        owners = {event.cio_id for event in customerio.workspace.events()}

    assert set(person.relationships) == {"1/Acme"}
    assert person.attributes == {"anonymous_id": "d1"}
    assert thing.attributes == {"tier": "a"}
    assert owners == {person.cio_id}
