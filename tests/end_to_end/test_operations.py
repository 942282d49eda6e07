"""Every delivered operation against the independent expectation, over real sockets."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from amplitude import Amplitude, BaseEvent, EventOptions, Identify, Revenue

from pipeline.local.traffic import generate
from tests.end_to_end.expectation import canonical, expect, ulid_time_ms
from tests.end_to_end.harness import PUBLISHED_AT, Program, PubSub, Recorder, pub_sub

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = 1_795_372_845.0
ONE_BY_ONE = {"max_batch_items": 1, "max_requests_per_second": 0}
"""One operation a request: nothing is coalesced, so that each can be told apart."""

SETTINGS: dict[str, dict[str, Any]] = {
    "everything": {
        "preset": "all_properties",
        "users": {"user_properties": "all"},
        "delivery": ONE_BY_ONE,
    },
    "lists": {
        "events": {
            "exclude": ["Internal Heartbeat", "[Amplitude] End Session"],
            "where": [
                {"property": "event_properties.environment", "op": "is_not", "values": ["staging"]}
            ],
            "event_properties": ["plan", "amount", "seats", "tags", "$revenue", "$price"],
            "user_properties": ["email", "plan"],
            "rename": {"[Amplitude] Start Session": "Session Started"},
        },
        "users": {"user_properties": ["email", "plan", "seats", "company"], "trigger": "always"},
        "mappings": {"anonymous": "dead_letter"},
        "delivery": ONE_BY_ONE,
    },
    "trim": {
        "preset": "all_properties",
        "users": {"user_properties": "all", "update_only": True},
        "limits": {"on_violation": "trim"},
        "delivery": ONE_BY_ONE,
    },
}


def sdk_messages() -> Iterator[bytes]:
    """Request bodies as Amplitude's official Python SDK posts them."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"code":200}')

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Amplitude("amplitude-key-that-nobody-may-see")
    client.configuration.server_url = f"http://127.0.0.1:{server.server_port}/2/httpapi"
    client.track(
        BaseEvent(
            "Plan Upgraded",
            user_id="user-000123",
            device_id="device-1",
            event_properties={"plan": "pro", "seats": 12, "nested": {"k": [1.5, None, True]}},
            user_properties={"email": "ada@example.com", "lifetime_value": 42.5},
            groups={"company": ["Example Ltd"]},
        )
    )
    client.track(BaseEvent("Page Viewed", device_id="anonymous-device"))
    identify = Identify()
    identify.set("plan", "pro").set_once("source", "ad").add("logins", 1).unset("trial_end")
    identify.append("badges", "gold").pre_insert("interests", "chess")
    client.identify(identify, EventOptions(user_id="user-000123", device_id="device-1"))
    only_state = Identify()
    only_state.clear_all()
    client.identify(only_state, EventOptions(user_id="user-000124"))
    group = Identify()
    group.set("tier", "enterprise")
    client.group_identify("company", "Example Ltd", group)
    client.set_group("company", ["Example Ltd", "Other"], EventOptions(user_id="user-000123"))
    revenue = Revenue(price=9.99, quantity=2, product_id="sku-1", properties={"coupon": "X"})
    client.revenue(revenue, EventOptions(user_id="user-000123", device_id="device-1"))
    for future in client.flush():
        if future is not None:
            future.result(timeout=30)
    client.shutdown()
    server.shutdown()
    server.server_close()
    assert bodies
    yield from bodies


def sample_messages() -> Iterator[bytes]:
    """The repository's samples, one record a message and as whole files."""
    for path in sorted(SAMPLES.glob("*.ndjson")):
        yield from path.read_bytes().splitlines()
        yield path.read_bytes().replace(b'"user-', b'"other-')
    yield (SAMPLES / "http_v2_body.json").read_bytes()


def traffic_messages() -> Iterator[bytes]:
    """Every kind of trouble between clean records."""
    for sample in generate(1_200, seed=11, now=NOW, trouble=0.5):
        yield sample.data


@pytest.fixture
def servers() -> Iterator[tuple[PubSub, Recorder]]:
    """Pub/Sub and a server that takes everything."""
    with pub_sub() as broker, Recorder() as recorder:
        yield broker, recorder


def comparable(via: str, operation: dict[str, Any]) -> tuple[str, str]:
    """An operation as one text, without its ULID, which is looked at apart."""
    return via, canonical({name: value for name, value in operation.items() if name != "id"})


@pytest.mark.parametrize("name", SETTINGS)
def test_every_operation_is_the_expected_one(
    name: str, servers: tuple[PubSub, Recorder], tmp_path: Path
) -> None:
    broker, recorder = servers
    messages = [*sdk_messages(), *sample_messages(), *traffic_messages()]
    expected = [
        record
        for data in messages
        for record in expect(data, settings=SETTINGS[name], publish_time=float(PUBLISHED_AT))
    ]
    broker.publish(messages)
    program = Program(tmp_path, SETTINGS[name], recorder.url, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()

    delivered = recorder.items()
    wanted = Counter(
        comparable(sent.via, sent.operation) for record in expected for sent in record.operations
    )
    assert Counter(comparable(via, operation) for via, operation in delivered) == wanted
    events = [operation for _via, operation in delivered if operation["action"] == "event"]
    for event in events:
        assert ulid_time_ms(event["id"]) // 1000 == event["timestamp"]

    ledger = program.ledger()
    assert ledger["balanced"]
    assert ledger["received"] == len(expected)
    assert ledger["outcomes"] == Counter(record.ledger for record in expected)
    letters = program.dead_letters()
    reasons = Counter(reason for record in expected for reason in record.dead_letters)
    assert Counter(letter["reason"] for letter in letters) == reasons
    assert "amplitude-key-that-" not in json.dumps(letters) + program.log()
