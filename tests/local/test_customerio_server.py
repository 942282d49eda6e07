"""The stand-in over real HTTP: every endpoint, every fault, and its life in a thread."""

import gzip
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import msgspec
import pytest
import requests

from pipeline.local.customerio import (
    CustomerIoStandIn,
    Hang,
    ItemErrors,
    Match,
    Reset,
    Respond,
    Workspace,
    html_page,
    rate_limited,
    redirect,
    unavailable,
)

TIMEOUT_S = 60.0


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn("site", "key") as running:
        yield running


class Sender:
    """A client with good credentials that keeps its connection."""

    def __init__(self, stand_in: CustomerIoStandIn) -> None:
        self.url = stand_in.url
        self.session = requests.Session()
        self.session.auth = ("site", "key")

    def batch(self, *names: str, timeout: float = TIMEOUT_S, **more: Any) -> requests.Response:
        return self.session.post(
            f"{self.url}/api/v2/batch",
            json={"batch": [event(name) for name in names]},
            timeout=timeout,
            allow_redirects=False,
            **more,
        )

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=TIMEOUT_S)


@pytest.fixture
def sender(stand_in: CustomerIoStandIn) -> Iterator[Sender]:
    made = Sender(stand_in)
    with made.session:
        yield made


@contextmanager
def left_behind(stand_in: CustomerIoStandIn, name: str) -> Iterator[socket.socket]:
    """The connection of a client that has sent an event, and leaves without its answer."""
    body = msgspec.json.encode({"batch": [event(name)]})
    head = (
        "POST /api/v2/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {b64encode(b'site:key').decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    port = int(stand_in.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as raw:
        raw.sendall(head.encode() + body)
        yield raw


def event(name: str) -> dict[str, Any]:
    return {"type": "person", "action": "event", "identifiers": {"id": "ada"}, "name": name}


def names(workspace: Workspace) -> list[str]:
    return [kept.name for kept in workspace.events()]


def test_all_endpoints_of_the_api(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    http, url = sender.session, stand_in.url
    large: dict[str, Any] = {"name": "v1", "data": {"a": "x" * 90_000}}
    answers = [
        sender.batch("batch"),
        http.post(f"{url}/api/v2/entity", json=event("entity"), timeout=TIMEOUT_S),
        http.post(f"{url}/api/v1/customers/a%2Fb%40c.d/events", json=large, timeout=TIMEOUT_S),
        http.put(f"{url}/api/v1/customers/ada", json={"plan": "pro"}, timeout=TIMEOUT_S),
        http.post(
            f"{url}/api/v1/events", json={"name": "anon", "anonymous_id": "d"}, timeout=TIMEOUT_S
        ),
    ]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "{}")] * 5
    assert answers[0].headers["Content-Type"].startswith("application/json")
    assert names(stand_in.workspace) == ["batch", "entity", "v1", "anon"]
    assert stand_in.workspace.person(email="a/b@c.d") is not None
    ada = stand_in.workspace.person(id="ada")
    assert ada is not None
    assert ada.attributes == {"plan": "pro"}
    assert sender.get("/api/v1/accounts/region").json()["region"] == "us"


def test_statuses(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stranger = requests.post(
        f"{stand_in.url}/api/v2/batch", json={}, auth=("site", "x"), timeout=TIMEOUT_S
    )
    assert stranger.status_code == 401
    assert sender.batch("ok", "").status_code == 207
    assert sender.batch("").status_code == 400
    assert sender.batch(*["n" * 100] * 3_000).status_code == 413
    assert sender.get("/api/v2/batch").status_code == 405
    assert sender.get("/api/v3/batch").status_code == 404
    zipped = sender.session.post(
        f"{stand_in.url}/api/v2/batch",
        data=gzip.compress(b'{"batch":[{}]}'),
        headers={"Content-Encoding": "gzip"},
        timeout=TIMEOUT_S,
    )
    assert zipped.status_code == 400
    counters = stand_in.workspace.counters()
    assert (counters.requests, counters.unauthorized, counters.items) == (7, 1, 3)
    assert stand_in.workspace.answers() == {401: 1, 207: 1, 400: 2, 413: 1, 405: 1, 404: 1}


def test_the_request_log(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    sender.batch("a", "b")
    stand_in.faults.next(Reset())
    with pytest.raises(requests.ConnectionError):
        sender.batch("c")
    assert stand_in.workspace.wait_until(lambda w: w.counters().requests == 2)
    first, second = stand_in.workspace.requests()
    assert (first.method, first.path, first.items, first.status) == (
        "POST",
        "/api/v2/batch",
        2,
        200,
    )
    assert (second.items, second.status) == (0, 0)
    assert first.bytes > second.bytes > 50
    assert first.received <= second.received


def test_one_connection_serves_many_requests(stand_in: CustomerIoStandIn) -> None:
    with closing(HTTPConnection(stand_in.url.removeprefix("http://"), timeout=TIMEOUT_S)) as client:
        client.connect()
        first = client.sock
        for _ in range(3):
            client.request("GET", "/_standin/summary")
            with client.getresponse() as answer:
                assert (answer.status, answer.read()[:1]) == (200, b"{")
            # http.client lets a connection go that the server closes.
            assert client.sock is first


def test_a_sender_that_breaks_off_is_no_trouble(
    stand_in: CustomerIoStandIn, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(stand_in.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as raw:
        raw.sendall(b"POST /api/v2/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
    assert stand_in.workspace.wait_until(lambda w: w.answers() == {0: 1})
    assert sender.batch("next").status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize(
    ("action", "status", "header"),
    [
        pytest.param(rate_limited(3), 429, ("Retry-After", "3"), id="429"),
        pytest.param(unavailable(), 503, ("Content-Type", "text/html"), id="503"),
        pytest.param(Respond(401), 401, ("Content-Type", "application/json"), id="401"),
        pytest.param(Respond(413), 413, ("Content-Length", "0"), id="413"),
        pytest.param(redirect("http://x/"), 302, ("Location", "http://x/"), id="302"),
        pytest.param(html_page(200), 200, ("Content-Type", "text/html"), id="html-200"),
    ],
)
def test_scripted_answers(
    stand_in: CustomerIoStandIn,
    sender: Sender,
    action: Respond,
    status: int,
    header: tuple[str, str],
) -> None:
    stand_in.faults.next(action, times=2)
    for _ in range(2):
        answer = sender.batch("lost")
        assert (answer.status_code, answer.text) == (status, action.body)
        assert answer.headers[header[0]] == header[1]
    assert sender.batch("kept").status_code == 200
    assert names(stand_in.workspace) == ["kept"]


def test_an_error_after_the_request_was_carried_out(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    stand_in.faults.next(Respond(500, apply=True))
    assert sender.batch("kept").status_code == 500
    assert names(stand_in.workspace) == ["kept"]


@pytest.mark.parametrize("applied", [False, True])
def test_a_reset_connection(stand_in: CustomerIoStandIn, sender: Sender, applied: bool) -> None:
    stand_in.faults.next(Reset(apply=applied))
    with pytest.raises(requests.ConnectionError, match="reset"):
        sender.batch("first")
    assert names(stand_in.workspace) == (["first"] if applied else [])
    assert sender.batch("second").status_code == 200


@pytest.mark.parametrize("applied_first", [False, True])
def test_a_hanging_request_until_it_is_released(
    stand_in: CustomerIoStandIn, sender: Sender, applied_first: bool
) -> None:
    stand_in.faults.next(Hang(apply_first=applied_first))
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(sender.batch("slow")))
    thread.start()
    assert stand_in.faults.wait_until_hanging()
    assert names(stand_in.workspace) == (["slow"] if applied_first else [])
    assert Sender(stand_in).batch("overtakes").status_code == 200
    stand_in.faults.release()
    thread.join()
    assert answers[0].status_code == 200
    assert sorted(names(stand_in.workspace)) == ["overtakes", "slow"]


def test_a_request_whose_sender_gave_up_is_carried_out_later(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(Hang())
    with left_behind(stand_in, "late"):
        assert stand_in.faults.wait_until_hanging()
    assert names(stand_in.workspace) == []
    stand_in.faults.release()
    assert stand_in.workspace.wait_until(lambda w: names(w) == ["late"])


def test_a_hang_of_no_time_is_nothing_that_hangs(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    sent = [f"event {number}" for number in range(50)]
    stand_in.faults.next(Hang(seconds=0), times=len(sent))
    stand_in.faults.next(Hang())
    before: list[list[str]] = []

    def wait() -> None:
        assert stand_in.faults.wait_until_hanging(1)
        before.append(names(stand_in.workspace))
        stand_in.faults.release()

    thread = threading.Thread(target=wait)
    thread.start()
    assert [sender.batch(name).status_code for name in sent] == [200] * len(sent)
    assert sender.batch("hangs").status_code == 200
    thread.join()
    assert before == [sent]


def test_a_hang_of_some_seconds(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Hang(seconds=0.02))
    assert sender.batch("slow").status_code == 200
    assert names(stand_in.workspace) == ["slow"]


def test_errors_in_a_200(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(ItemErrors(indexes=(0,)))
    answer = sender.batch("refused", "kept")
    assert answer.status_code == 200
    assert [entry["batch_index"] for entry in answer.json()["errors"]] == [0]
    assert names(stand_in.workspace) == ["kept"]


def test_only_the_request_that_is_meant(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(unavailable(), times=None, match=Match(contains='"poison"'))
    statuses = [sender.batch(name).status_code for name in ("a", "poison", "b", "poison")]
    assert statuses == [200, 503, 200, 503]


def test_throttling(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.throttle(0, retry_after_s=5)
    answer = sender.batch("lost")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert sender.get("/_standin/summary").json()["throttled"] == 1
    stand_in.faults.throttle(1_000)
    assert sender.batch("kept").status_code == 200


def test_down_and_up_again_at_the_same_address(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    sender.batch("before")
    url = stand_in.url
    stand_in.stop()
    stand_in.stop()
    with pytest.raises(requests.ConnectionError):
        sender.batch("during")
    assert stand_in.start().url == url
    assert sender.batch("after").status_code == 200
    assert names(stand_in.workspace) == ["before", "after"]
    with pytest.raises(RuntimeError, match="runs already"):
        stand_in.start()


def test_stopping_lets_hanging_requests_go(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Hang())
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(sender.batch("slow")))
    thread.start()
    assert stand_in.faults.wait_until_hanging()
    stand_in.stop()
    thread.join()
    assert answers[0].status_code == 200


def test_a_taken_port_is_an_error(stand_in: CustomerIoStandIn) -> None:
    port = int(stand_in.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        CustomerIoStandIn("site", "key", port=port).start()


def test_latency_and_the_other_settings() -> None:
    with CustomerIoStandIn(
        "site", "key", region="eu", latency_s=0.01, all_invalid=207, keep_events=1
    ) as slow:
        sender = Sender(slow)
        assert sender.batch("").status_code == 207
        assert sender.batch("a", "b").status_code == 200
        assert names(slow.workspace) == ["b"]
        assert sender.get("/api/v1/accounts/region").json()["region"] == "eu"
