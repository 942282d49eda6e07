"""The stand-in's answers, without sockets: what each request gets and what it leaves behind."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.customerio.answers import Answer
from pipeline.local.customerio.api import Call, TrackApi
from pipeline.local.customerio.faults import ItemErrors
from pipeline.local.customerio.wire import decode, encode
from pipeline.local.customerio.workspace import Workspace

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
BATCH = "/api/v2/batch"
ENTITY = "/api/v2/entity"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


class Client:
    """Calls an API with good credentials; ``workspace`` shows what that did."""

    def __init__(self, **options: Any) -> None:
        self.workspace = Workspace(clock=lambda: 1_700_000_000)
        self.api = TrackApi(self.workspace, "site", "key:with:colons", **options)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str = basic("site:key:with:colons"),
        forced: ItemErrors | None = None,
    ) -> Answer:
        raw = body if isinstance(body, bytes) else encode(body)
        return self.api.answer(Call(method, path, authorization, raw), forced)

    def names(self) -> list[str]:
        return [event.name for event in self.workspace.events()]


@pytest.fixture
def client() -> Client:
    return Client()


def event(name: str = "Played", who: str = "u1", **more: Any) -> dict[str, Any]:
    base = {"type": "person", "action": "event", "identifiers": {"id": who}, "name": name}
    return {**base, **more}


def batch(*operations: Any) -> dict[str, Any]:
    return {"batch": list(operations)}


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="none"),
        pytest.param(basic("site:wrong"), id="wrong-key"),
        pytest.param(basic("other:key:with:colons"), id="wrong-site"),
        pytest.param(basic("site"), id="no-colon"),
        pytest.param("Basic ???", id="not-base64"),
        pytest.param("Basic é", id="not-ascii"),
        pytest.param("Bearer " + basic("site:key:with:colons")[6:], id="bearer"),
    ],
)
@pytest.mark.parametrize("path", [BATCH, "/api/v1/accounts/region", "/nowhere"])
def test_wrong_credentials(client: Client, authorization: str, path: str) -> None:
    answer = client.send("POST", path, batch(event()), authorization=authorization)
    assert answer.status == 401
    assert client.names() == []


def test_the_scheme_of_credentials_has_no_case(client: Client) -> None:
    lower = "basic" + basic("site:key:with:colons")[5:]
    assert client.send("GET", "/api/v1/accounts/region", authorization=lower).status == 200


def test_a_good_batch(client: Client) -> None:
    answer = client.send("POST", BATCH, batch(event("a"), event("b")))
    assert answer == Answer(200, b"{}", 2)
    assert client.names() == ["a", "b"]


def test_invalid_items_are_named_and_the_others_applied(client: Client) -> None:
    answer = client.send("POST", BATCH, batch(event("a"), event("", id="x"), event("c"), 5))
    assert answer.status == 207
    assert answer.items == 4
    assert decode(answer.body) == {
        "errors": [
            {
                "batch_index": 1,
                "reason": "invalid",
                "field": "name",
                "message": "must not be blank",
            },
            {
                "batch_index": 1,
                "reason": "invalid",
                "field": "id",
                "message": "must be a valid ULID",
            },
            {
                "batch_index": 3,
                "reason": "invalid",
                "field": "",
                "message": "an operation must be an object",
            },
        ]
    }
    assert client.names() == ["a", "c"]
    counters = client.workspace.counters()
    assert (counters.items, counters.applied, counters.rejected) == (4, 2, 2)


def test_a_batch_without_a_valid_item() -> None:
    whole = Client()
    answer = whole.send("POST", BATCH, batch(event(""), event(name="n" * 101)))
    assert answer.status == 400
    assert [sorted(entry) for entry in decode(answer.body)["errors"]] == [
        ["field", "message", "reason"]
    ] * 2
    assert whole.workspace.counters().rejected == 2
    assert [refused.index for refused in whole.workspace.rejections()] == [0, 1]

    listed = Client(all_invalid=207)
    answer = listed.send("POST", BATCH, batch(event("")))
    assert answer.status == 207
    assert decode(answer.body)["errors"][0]["batch_index"] == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{}", id="no-batch"),
        pytest.param(b'{"batch":null}', id="null"),
        pytest.param(b'{"batch":{"0":{}}}', id="object"),
        pytest.param(b'{"batch":[]}', id="empty-array"),
        pytest.param(b'{"batch":[ ]}', id="empty-array-with-blank"),
        pytest.param(encode(batch(event()))[:-2], id="cut-after-an-item"),
        pytest.param(encode(batch(event(), 1)).replace(b"1]}", b"NaN]}"), id="nan"),
        pytest.param(encode(batch(event("a"))).replace(b'"a"', b'"\xff"'), id="not-utf8"),
        pytest.param(encode(batch(event(), 1)).replace(b"1]}", b"1e999]}"), id="infinite"),
        pytest.param(b"\x1f\x8b\x08", id="gzip"),
    ],
)
def test_a_body_that_is_no_batch(client: Client, body: bytes) -> None:
    answer = client.send("POST", BATCH, body)
    assert answer.status == 400
    (entry,) = decode(answer.body)["errors"]
    assert sorted(entry) == ["field", "message", "reason"]
    assert client.names() == []
    assert client.workspace.counters().items == 0


def test_the_largest_request(client: Client) -> None:
    body = encode(batch(*[event(f"e{n}") for n in range(100)]))
    blanks = 500_000 - len(body)
    assert client.send("POST", BATCH, body + b" " * blanks).status == 200
    answer = client.send("POST", BATCH, body + b" " * (blanks + 1))
    assert answer.status == 413
    assert decode(answer.body)["errors"][0]["reason"] == "too_large"
    assert len(client.names()) == 100


def test_the_largest_item_is_measured_as_it_was_sent(client: Client) -> None:
    def body(size: int) -> bytes:
        item = encode(event(attributes={"text": "é"})).replace("é".encode(), b"\\u00e9")
        return (
            b'{"batch":[' + item[:-1] + b" " * (size - len(item)) + b"}," + encode(event()) + b"]}"
        )

    assert client.send("POST", BATCH, body(32_000)).status == 200
    assert client.send("POST", BATCH, body(32_001)).status == 207


def test_an_entity(client: Client) -> None:
    assert client.send("POST", ENTITY, event("a")) == Answer(200, b"{}", 1)
    answer = client.send("POST", ENTITY, event(""))
    assert answer.status == 400
    assert [entry["field"] for entry in decode(answer.body)["errors"]] == ["name"]
    assert client.send("POST", ENTITY, b"{").status == 400
    too_large = event(attributes={"a": "x" * 32_000})
    assert client.send("POST", ENTITY, too_large).status == 400
    assert client.names() == ["a"]


def test_forced_errors_hide_in_a_200_and_the_rest_is_applied(client: Client) -> None:
    forced = ItemErrors(indexes=(1, 9, -1), field="attributes.x", message="no")
    answer = client.send("POST", BATCH, batch(event("a"), event("b"), event("")), forced=forced)
    assert answer.status == 200
    errors = decode(answer.body)["errors"]
    assert [entry["batch_index"] for entry in errors] == [1, 2, 9, -1]
    assert errors[0] == {
        "batch_index": 1,
        "reason": "invalid",
        "field": "attributes.x",
        "message": "no",
    }
    assert client.names() == ["a"]
    single = client.send("POST", ENTITY, event("c"), forced=ItemErrors(indexes=(0,), status=207))
    assert single.status == 207
    assert client.names() == ["a"]


@pytest.mark.parametrize(
    ("region", "url"),
    [
        pytest.param("us", "https://track.customer.io", id="us"),
        pytest.param("eu", "https://track-eu.customer.io", id="eu"),
    ],
)
def test_region(region: str, url: str) -> None:
    answer = Client(region=region).send("GET", "/api/v1/accounts/region")
    assert decode(answer.body) == {"url": url, "region": region, "environment_id": 1}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", BATCH, 405, id="get-batch"),
        pytest.param("PUT", ENTITY, 405, id="put-entity"),
        pytest.param("POST", "/api/v1/accounts/region", 405, id="post-region"),
        pytest.param("POST", "/api/v1/customers/u", 405, id="post-customer"),
        pytest.param("PUT", "/api/v1/customers/u/events", 405, id="put-events"),
        pytest.param("POST", "/api/v2/batch/", 404, id="slash-behind"),
        pytest.param("POST", "/api/v1/customers/a/b/events", 404, id="slash-not-encoded"),
        pytest.param("POST", "/api/v1/customers//events", 404, id="no-identifier"),
        pytest.param("POST", "/", 404, id="root"),
    ],
)
def test_other_paths_and_methods(client: Client, method: str, path: str, status: int) -> None:
    assert client.send(method, path, {}).status == status


@settings(deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=40).map(lambda text: f'{{"batch":[{text}'.encode())
)
def test_any_body_gets_an_answer(body: bytes) -> None:
    client = Client()
    for method, path in (
        ("POST", BATCH),
        ("POST", ENTITY),
        ("POST", "/api/v1/events"),
        ("PUT", "/api/v1/customers/u"),
    ):
        answer = client.send(method, path, body)
        assert answer.status in (200, 400)
        assert isinstance(decode(answer.body), dict)
