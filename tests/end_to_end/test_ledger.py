"""20 000 mixed records, one in ten broken in every way: everything is accounted for."""

from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.traffic import TROUBLE_LABELS, generate
from tests.end_to_end.expectation import canonical, expect, ulid_time_ms
from tests.end_to_end.harness import (
    API_KEY,
    PUBLISHED_AT,
    SITE_ID,
    Program,
    PubSub,
    Recorder,
)

RECORDS = 20_000
NOW = 1_795_372_845.0
SETTINGS: dict[str, Any] = {
    "events": {
        "exclude": ["Internal Heartbeat"],
        "where": [
            {"property": "event_properties.environment", "op": "is_not", "values": ["staging"]}
        ],
        "event_properties": "all",
        "user_properties": ["email", "plan"],
    },
    "users": {"user_properties": "all"},
    "mappings": {"anonymous": "dead_letter"},
    "delivery": {"max_requests_per_second": 0},
}


def test_every_record_is_accounted_for(broker: PubSub, tmp_path: Path) -> None:
    samples = list(generate(RECORDS, seed=1, now=NOW, trouble=0.1))
    assert {sample.label for sample in samples} >= set(TROUBLE_LABELS)
    expected = [
        record
        for sample in samples
        for record in expect(sample.data, settings=SETTINGS, publish_time=float(PUBLISHED_AT))
    ]
    assert len(expected) == RECORDS
    broker.publish(sample.data for sample in samples)
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        program = Program(tmp_path, SETTINGS, customerio.url, pub_sub=broker)
        assert program.finish(broker) == 0, program.log()
        events = customerio.workspace.events(RECORDS)
        counters = customerio.workspace.counters()

    ledger = program.ledger()
    outcomes = Counter(ledger["outcomes"])
    # Identifies that became one with a later one count apart; both were delivered.
    outcomes["delivered"] += outcomes.pop("coalesced.identify")
    assert outcomes == Counter(record.ledger for record in expected)
    assert ledger["balanced"]
    assert ledger["received"] == RECORDS

    letters = program.dead_letters()
    reasons = Counter(reason for record in expected for reason in record.dead_letters)
    assert Counter(letter["reason"] for letter in letters) == reasons
    assert all(letter["detail"] and ("record" in letter) for letter in letters)
    assert counters.rejected == 0

    # The very same record published twice is one event: its ULID is the same. And nobody here has
    # a cio_id of the sample traffic: Customer.io lets events of such people fall.
    labels = Counter(sample.label for sample in samples)
    twice = labels["duplicate_delivery"] // 2 + labels["duplicate_in_one_message"]
    wanted = Counter(
        canonical([sent.operation["name"].strip(), sent.operation["attributes"]])
        for record in expected
        for sent in record.operations
        if sent.operation["action"] == "event" and "cio_id" not in sent.operation["identifiers"]
    )
    assert counters.duplicate_events == twice
    assert len(events) == wanted.total() - twice
    assert len({event.id for event in events}) == len(events)
    assert not Counter(canonical([event.name, event.data]) for event in events) - wanted
    assert all(ulid_time_ms(event.id or "") // 1000 == event.timestamp for event in events)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "records.ndjson"
    source.write_bytes(
        b"\n".join(
            sample.data
            for sample in generate(5_000, seed=2, now=NOW, trouble=0.1)
            if b"\n" not in sample.data
        )
    )
    requests: list[list[tuple[str, bytes]]] = []
    letters: list[list[str]] = []
    for run in ("first", "second"):
        with Recorder() as recorder:
            program = Program(tmp_path / run, SETTINGS, recorder.url, f"--input_files={source}")
            assert program.wait() == 0, program.log()
            requests.append(sorted(recorder.requests))
            letters.append(
                sorted(
                    canonical(letter | {"failed_at": "", "first_failed_at": ""})
                    for letter in program.dead_letters()
                )
            )
    assert len(requests[0]) > 20
    assert requests[0] == requests[1]
    assert len(letters[0]) > 50
    assert letters[0] == letters[1]


def test_dead_letters_to_a_topic(broker: PubSub, tmp_path: Path) -> None:
    broker.publish([b"no json", b'{"user_id":"1","event_type":"X","time":"yesterday"}'])
    dead = "projects/end-to-end/topics/dead-letters"
    broker.broker.create_topic(dead)
    stored = broker.subscribe(dead)
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        flag = f"--dead_letter_topic={dead}"
        program = Program(tmp_path, SETTINGS, customerio.url, flag, pub_sub=broker)
        assert program.finish(broker) == 0, program.log()
    letters = [delivery.message for delivery in broker.broker.pull(stored, 10)]
    assert sorted(letter.attributes["reason"] for letter in letters) == [
        "invalid_time",
        "malformed_json",
    ]
