"""Version 1 of the stand-in's Track API: identifiers in paths, events, identify, anonymous."""

from typing import Any

import pytest

from pipeline.local.customerio.answers import Answer
from pipeline.local.customerio.v1 import identifiers_of
from pipeline.local.customerio.wire import decode
from tests.local.test_customerio_api import ULID, Client


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        pytest.param("u1", {"id": "u1"}, id="id"),
        pytest.param("a%40b.c", {"email": "a@b.c"}, id="email"),
        pytest.param("a@b.c", {"email": "a@b.c"}, id="email-bare"),
        pytest.param("a%2Bb%40c.d.e", {"email": "a+b@c.d.e"}, id="plus"),
        pytest.param("a+b@c.de", {"email": "a+b@c.de"}, id="bare-plus-stays"),
        pytest.param("a@b", {"id": "a@b"}, id="no-dot"),
        pytest.param("a@b.", {"id": "a@b."}, id="dot-at-the-end"),
        pytest.param("a@@b.c", {"id": "a@@b.c"}, id="two-ats"),
        pytest.param("a%20@b.c", {"id": "a @b.c"}, id="blank"),
        pytest.param("cio_a1", {"cio_id": "a1"}, id="cio"),
        pytest.param("cio_", {"id": "cio_"}, id="cio-and-nothing"),
        pytest.param("CIO_a1", {"id": "CIO_a1"}, id="cio-upper"),
        pytest.param("a%2Fb%3Fc", {"id": "a/b?c"}, id="slash"),
        pytest.param("%C3%A9", {"id": "é"}, id="utf8"),
        pytest.param("100%25", {"id": "100%"}, id="percent"),
        pytest.param("%FF", None, id="not-utf8"),
    ],
)
def test_identifiers_by_shape(segment: str, expected: dict[str, str] | None) -> None:
    assert identifiers_of(segment) == expected


def test_a_v1_event(client: Client) -> None:
    body = {"name": "Played", "id": ULID, "timestamp": 5, "data": {"a": 1}, "type": "page"}
    assert client.send("POST", "/api/v1/customers/a%2Fb/events", body) == Answer(200, b"{}", 1)
    (event_kept,) = client.workspace.events()
    assert event_kept.identifiers == {"id": "a/b"}
    assert (event_kept.kind, event_kept.timestamp, event_kept.data) == ("page", 5, {"a": 1})

    again = {
        "type": "person",
        "action": "event",
        "identifiers": {"id": "u"},
        "name": "x",
        "id": ULID,
    }
    assert client.send("POST", "/api/v2/entity", again).status == 200
    assert client.workspace.counters().duplicate_events == 1
    other = client.send("POST", "/api/v1/customers/u/events", {"name": "x", "type": ["odd"]})
    assert other.status == 200
    assert client.workspace.events()[-1].kind == "event"


@pytest.mark.parametrize(
    ("segment", "body", "message"),
    [
        pytest.param("u", {}, "name must be present", id="no-name"),
        pytest.param("u", {"name": " "}, "name must not be blank", id="blank-name"),
        pytest.param("u", {"name": "n" * 101}, "name cannot be longer than 100 bytes", id="name"),
        pytest.param("u", {"name": "x", "id": "evt"}, "id must be a valid ULID", id="id"),
        pytest.param("u", {"name": "x", "data": []}, "data event data must be a hash", id="data"),
        pytest.param(
            "u",
            {"name": "x", "data": {"a": "x" * 99_993}},
            "data cannot be longer than 100000 bytes",
            id="data-100001-bytes",
        ),
        pytest.param(
            "u" * 151, {"name": "x"}, "identifier cannot be longer than 150 bytes", id="long"
        ),
        pytest.param(
            "%FF", {"name": "x"}, "identifier must be percent-encoded UTF-8", id="not-utf8"
        ),
    ],
)
def test_wrong_v1_events(client: Client, segment: str, body: Any, message: str) -> None:
    answer = client.send("POST", f"/api/v1/customers/{segment}/events", body)
    assert answer.status == 400
    assert decode(answer.body) == {"meta": {"errors": [message]}}
    assert client.workspace.counters().rejected == 1


def test_v1_takes_the_large_events_that_v2_refuses(client: Client) -> None:
    large = {"name": "x", "data": {"a": "x" * 99_992}}
    assert client.send("POST", "/api/v1/customers/u/events", large).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name":"a\xff"}'])
def test_a_v1_body_that_is_no_object(client: Client, body: bytes) -> None:
    for method, path in (("POST", "u/events"), ("PUT", "u")):
        answer = client.send(method, f"/api/v1/customers/{path}", body)
        assert answer.status == 400
        assert decode(answer.body)["meta"]["errors"]


def test_v1_identify(client: Client) -> None:
    path = "/api/v1/customers/a%40b.c"
    body = {"plan": "pro", "_timestamp": 100, "_update": False}
    assert client.send("PUT", path, body).status == 200
    assert client.send("PUT", path, {"plan": "old", "_timestamp": 99}).status == 200
    person = client.workspace.person(email="a@b.c")
    assert person is not None
    assert person.attributes == {"plan": "pro"}
    assert client.workspace.counters().ignored_stale_identifies == 1
    too_many = client.send("PUT", path, {f"a{n}": 1 for n in range(301)})
    assert too_many.status == 400
    assert client.send("PUT", path, {"cio_relationships": {}}).status == 400


def test_an_anonymous_event_belongs_to_nobody(client: Client) -> None:
    body = {"name": "Seen", "anonymous_id": "device-1", "id": ULID, "data": {"a": 1}}
    assert client.send("POST", "/api/v1/events", body) == Answer(200, b"{}", 1)
    (kept,) = client.workspace.events()
    assert (kept.identifiers, kept.cio_id) == ({"anonymous_id": "device-1"}, None)
    assert client.workspace.people() == []
    for wrong in ({"name": "Seen"}, {"name": "Seen", "anonymous_id": ""}, {"anonymous_id": "x"}):
        assert client.send("POST", "/api/v1/events", wrong).status == 400
