"""The acceptor believes nobody, and a run that does not balance is an error."""

import math
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import pytest
import requests

from benchmarks.accept import Acceptor, accepting
from benchmarks.balance import UnbalancedError, balanced, wait_for
from benchmarks.child import ChildError, in_child
from benchmarks.inputs import Portion

Operation = dict[str, object]


@pytest.fixture(scope="module")
def running() -> Iterator[Acceptor]:
    with accepting(arrivals=True) as acceptor:
        yield acceptor


@pytest.fixture
def acceptor(running: Acceptor) -> Acceptor:
    running.reset()
    return running


def event(identity: str, person: str = "a") -> Operation:
    """An event operation."""
    return {"action": "event", "id": identity, "identifiers": {"id": person}}


def identify(person: str) -> Operation:
    """An identify operation."""
    return {"action": "identify", "identifiers": {"id": person}, "attributes": {"id": "x"}}


def post(acceptor: Acceptor, *operations: Operation) -> int:
    """Sends a batch; the status of the answer."""
    body = msgspec.json.encode({"batch": operations})
    return requests.post(f"{acceptor.url}/api/v2/batch", data=body, timeout=60).status_code


def portion(events: int, people: int) -> Portion:
    """What is expected."""
    return Portion(Path("none"), events + people, events, people)


def test_batches(acceptor: Acceptor) -> None:
    began = time.time()
    assert post(acceptor, event("1"), event("2"), identify("a"), identify("a")) == 200
    assert post(acceptor, event("3"), identify("b")) == 200
    seen = balanced(acceptor.seen(), portion(3, 2))
    assert (seen.items, seen.requests) == (6, 2)
    assert set(seen.arrivals) == {"1", "2", "3"}
    assert all(began <= moment <= time.time() for moment in seen.accepted_at)


def test_v1(acceptor: Acceptor) -> None:
    person = f"{acceptor.url}/api/v1/customers/user-1%40x"
    requests.put(person, json={"plan": "pro"}, timeout=60)
    requests.post(f"{person}/events", json={"name": "n", "id": "1", "data": {}}, timeout=60)
    balanced(acceptor.seen(), portion(1, 1))


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([event("1"), event("1")], id="twice"),
        pytest.param([event("1")], id="one is missing"),
        pytest.param([event("1"), event("2"), identify("a")], id="a stranger"),
    ],
)
def test_what_does_not_balance(acceptor: Acceptor, operations: list[Operation]) -> None:
    post(acceptor, *operations)
    with pytest.raises(UnbalancedError, match="accepted"):
        balanced(acceptor.seen(), portion(2, 0))


def test_refusal(acceptor: Acceptor) -> None:
    acceptor.refuse(60.0)
    assert post(acceptor, event("1")) == 429
    acceptor.refuse(0.0)
    assert post(acceptor, event("1")) == 200
    seen = acceptor.seen()
    assert (seen.events, seen.twice, len(seen.refused_at), seen.requests) == (1, 0, 1, 1)


def test_holding(acceptor: Acceptor) -> None:
    acceptor.hold(2)
    assert post(acceptor, event("1")) == 200
    held = HTTPConnection(acceptor.url.removeprefix("http://"))
    held.request("POST", "/api/v2/batch", msgspec.json.encode({"batch": [event("2")]}))
    while acceptor.progress().events < 2:
        pass
    # What it told of it, it told after the answer, had it given one.
    held.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        held.sock.recv(1)
    held.close()
    acceptor.hold(math.inf)
    assert post(acceptor, event("3")) == 200


def test_waiting_ends_when_all_is_there(acceptor: Acceptor) -> None:
    post(acceptor, event("1"), identify("a"))
    wait_for(acceptor, portion(1, 1), lambda: None)


def test_waiting_ends_when_nothing_comes(acceptor: Acceptor) -> None:
    with pytest.raises(UnbalancedError, match="0 of 1 events"):
        wait_for(acceptor, portion(1, 0), lambda: None, stalled_s=0.1)


def _double(pause: Callable[[], None], value: int) -> int:
    pause()
    return value * 2


def _die(_pause: Callable[[], None]) -> None:
    raise SystemExit(3)


def test_child_gives_its_result() -> None:
    warm: list[int] = []
    assert in_child(_double, 21, when_warm=warm.append) == 42
    assert len(warm) == 1


def test_child_that_dies_is_an_error() -> None:
    with pytest.raises(ChildError, match="_die ended with exit code 3"):
        in_child(_die, when_warm=lambda _: None)


def test_who_sent_is_told_by_the_site_id(acceptor: Acceptor) -> None:
    body = msgspec.json.encode({"batch": [event("1"), event("2")]})
    address = f"{acceptor.url}/api/v2/batch"
    requests.post(address, data=body, auth=("one", "key"), timeout=60)
    requests.post(address, data=body, auth=("other", "key"), timeout=60)
    assert post(acceptor, event("3")) == 200
    assert acceptor.seen().senders == {"one": 2, "other": 2, "": 1}
