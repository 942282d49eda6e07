"""The store of dead letters is away: nothing is acknowledged, nothing dropped, until it is back."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline import generations, graph
from pipeline.deadletters import FileStore, Store, TopicStore
from pipeline.generations import run_subscription
from pipeline.ledger import read_ledger
from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.pubsub import SubscriptionConfig, SubscriptionStats
from pipeline.settings import parse_settings
from pipeline.sources.subscription import ReadFromSubscription
from tests.pipeline.conftest import SUBSCRIPTION, PubSub
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.sink import DeliverToCustomerIo

pytestmark = pytest.mark.usefixtures("fresh_process")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
SETTINGS = parse_settings("events: {event_properties: all}\n")
LETTERS_TOPIC = "projects/tests/topics/letters"
LETTERS = "projects/tests/subscriptions/letters"
GOOD = '{"event_type":"Played","user_id":"ada","time":1700000000}'
BAD = '{"event_type":"Played","user_id":"ada","time":"soon"}'


def as_letter(record: str) -> str:
    """A letter that holds a record."""
    fields: dict[str, Any] = {
        "reason": "invalid_time",
        "kind": "record",
        "message_id": "1",
        "publish_time": None,
        "failed_at": "2024-01-02T03:04:05.678+00:00",
        "attributes": {},
        "record": record,
    }
    return json.dumps(fields)


REFUSED = json.dumps(
    json.loads(as_letter(""))
    | {
        "kind": "operation",
        "record": None,
        # Too large by now: a dead letter again.
        "operation": {
            "action": "identify",
            "identifiers": {"id": "ada"},
            "attributes": {"long": "x" * 2_000},
            "timestamp": 1_700_000_000,
        },
    }
)

JOBS = [
    pytest.param(graph.build, [GOOD, BAD, "no record"], id="job"),
    pytest.param(graph.build_replay, [as_letter(GOOD), as_letter(BAD), REFUSED], id="replay"),
]
Build = Callable[..., None]


def credentials() -> tuple[str, str]:
    return SITE_ID, API_KEY


class MendAfter(logging.Handler):
    """Mends the store when so many bundles have failed, and looks at the subscription before."""

    def __init__(self, failures: int, pub_sub: PubSub, mend: Callable[[], object]) -> None:
        super().__init__(logging.WARNING)
        self._left = failures
        self._pub_sub = pub_sub
        self._mend = mend
        self.while_away: list[SubscriptionStats] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "A bundle failed" not in record.getMessage():
            return
        self.while_away.append(self._pub_sub.counts())
        self._left -= 1
        if self._left == 0:
            self._mend()


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


def run(
    build: Build,
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    store: Store,
    mend: Callable[[], object],
) -> None:
    """Runs the graph with a store that is away until three bundles have failed."""
    policy = DeliveryPolicy(stand_in.url, requests_per_second=0, lanes=1)

    def build_it(pipeline: beam.Pipeline) -> None:
        source = ReadFromSubscription(SUBSCRIPTION, 0.4)
        build(pipeline, source, SETTINGS, DeliverToCustomerIo(policy, credentials), store)

    mender = MendAfter(3, pub_sub, mend)
    log = logging.getLogger("pipeline.generations")
    log.addHandler(mender)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(generations, "_LONGEST_PAUSE_S", 0.01)
            run_subscription(build_it, PipelineOptions([]), SUBSCRIPTION, 0.4)
    finally:
        log.removeHandler(mender)
    assert [counts.acked for counts in mender.while_away] == [0, 0, 0]


def settled(pub_sub: PubSub, stand_in: CustomerIoStandIn) -> None:
    """Everything is settled, once."""
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (3, 0, 0)
    assert len(stand_in.workspace.events()) == 1
    ledger = read_ledger()
    assert ledger.balanced
    assert ledger.received == 3
    assert ledger.outcomes["delivered"] == 1


def reasons(letters: list[dict[str, Any]]) -> set[str]:
    # A bundle that is tried again may store a letter twice, which its id tells.
    assert len({letter["letter_id"] for letter in letters}) == 2
    return {letter["reason"] for letter in letters}


@pytest.mark.parametrize(("build", "messages"), JOBS)
def test_a_directory_that_is_gone(
    build: Build,
    messages: list[str],
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    tmp_path: Path,
) -> None:
    directory = tmp_path / "letters"
    directory.write_text("a file in its place")
    pub_sub.put(*messages)
    run(build, pub_sub, stand_in, FileStore(str(directory / "dead")), directory.unlink)
    settled(pub_sub, stand_in)
    found = [
        json.loads(line) for path in directory.iterdir() for line in path.read_bytes().splitlines()
    ]
    assert len(found) == len(reasons(found)) == 2


@pytest.mark.parametrize(("build", "messages"), JOBS)
def test_a_directory_that_goes_away_while_the_job_runs(
    build: Build,
    messages: list[str],
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    tmp_path: Path,
) -> None:
    """The store was opened already; what was written before stays whole."""
    directory = tmp_path / "letters"

    class GoesAway(FileStore):
        """Its directory is replaced by a file when it has been opened."""

        gone = False

        def open(self) -> None:
            super().open()
            if not GoesAway.gone:
                GoesAway.gone = True
                directory.rmdir()
                directory.write_text("a file in its place")

    pub_sub.put(*messages)
    run(build, pub_sub, stand_in, GoesAway(str(directory / "dead")), directory.unlink)
    settled(pub_sub, stand_in)


@pytest.mark.parametrize(("build", "messages"), JOBS)
def test_a_topic_that_is_missing(
    build: Build, messages: list[str], pub_sub: PubSub, stand_in: CustomerIoStandIn
) -> None:
    def create() -> None:
        pub_sub.create_topic(LETTERS_TOPIC)
        pub_sub.create_subscription(SubscriptionConfig(LETTERS, LETTERS_TOPIC))

    pub_sub.put(*messages)
    run(build, pub_sub, stand_in, TopicStore(LETTERS_TOPIC), create)
    settled(pub_sub, stand_in)
    found = [json.loads(delivery.message.data) for delivery in pub_sub.pull(LETTERS, 10)]
    assert len(found) == len(reasons(found)) == 2
