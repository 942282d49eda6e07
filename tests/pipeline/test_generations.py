"""Generation after generation on one machine, through the whole graph."""

import logging
import threading
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline import generations, graph
from pipeline.deadletters import FileStore, Store
from pipeline.generations import cause, run_once, run_subscription
from pipeline.ledger import read_ledger
from pipeline.local.customerio import CustomerIoStandIn, unavailable
from pipeline.local.pubsub import Draft, SubscriptionConfig
from pipeline.local.traffic import generate
from pipeline.settings import parse_settings
from pipeline.sources import session, subscription
from pipeline.sources.session import SubscriptionError
from pipeline.sources.subscription import ReadFromSubscription
from pipeline.stop import STOP
from tests.pipeline.conftest import SUBSCRIPTION, TOPIC, HookedStore, PubSub
from transforms.records import DeadLetter
from transforms.sink.lane import DeliveryError
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.sink import DeliverToCustomerIo
from transforms.tally import ProcessLedger, Tally

pytestmark = pytest.mark.usefixtures("fresh_process")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
SETTINGS = parse_settings("preset: all_properties\nusers: {user_properties: all}\n")


def credentials() -> tuple[str, str]:
    return SITE_ID, API_KEY


class Job:
    """The whole job, with one lane and no patience: a request that fails fails its bundle."""

    def __init__(self, stand_in: CustomerIoStandIn, store: Store) -> None:
        policy = DeliveryPolicy(
            stand_in.url, max_batch_items=1_000, requests_per_second=0, lanes=1, retry_for_s=0.0
        )
        self.sink = DeliverToCustomerIo(policy, credentials)
        self.store = store
        self.generations = 0

    def run(self, name: str = SUBSCRIPTION, stop_when_idle_s: float | None = 0.4) -> None:
        def build(pipeline: beam.Pipeline) -> None:
            self.generations += 1
            source = ReadFromSubscription(name, stop_when_idle_s)
            graph.build(pipeline, source, SETTINGS, self.sink, self.store)

        run_subscription(build, PipelineOptions([]), name, stop_when_idle_s)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause after a failure is short."""
    monkeypatch.setattr(generations, "_LONGEST_PAUSE_S", 0.01)


def publish(pub_sub: PubSub, records: int) -> int:
    """Publishes mixed traffic; how many records it holds."""
    samples = list(generate(records, seed=7, now=1_700_000_000.0, trouble=0.2))
    pub_sub.publish(TOPIC, [Draft(sample.data, sample.attributes) for sample in samples])
    return sum(sample.records for sample in samples)


def event_ids(stand_in: CustomerIoStandIn) -> set[str | None]:
    """The ULIDs of the events that arrived."""
    return {event.id for event in stand_in.workspace.events()}


def test_a_sink_that_fails_twice_delivers_in_the_end(
    pub_sub: PubSub, fresh_process: ProcessLedger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pipeline.generations")
    other = f"{SUBSCRIPTION}-without-faults"
    pub_sub.create_subscription(SubscriptionConfig(other, TOPIC))
    records = publish(pub_sub, 300)
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        stand_in.faults.next(unavailable(), times=2)
        job = Job(stand_in, FileStore(str(tmp_path / "letters")))
        job.run()
        delivered = event_ids(stand_in)
    ledger = read_ledger()
    counts = pub_sub.counts()
    assert job.generations == 3
    assert (ledger.received, ledger.balanced) == (records, True)
    assert (counts.acked, counts.outstanding) == (counts.published, 0)
    assert len(set(pub_sub.acknowledged)) == len(pub_sub.acknowledged) == counts.published
    first, second = (r.getMessage() for r in caplog.records if r.name == "pipeline.generations")
    assert first == second
    assert first.startswith(
        "A bundle failed, nothing of it is acknowledged; trying again in 0.0 s: "
    )
    assert counts.redelivered == 0
    assert "not delivered within 0 s; last answer: 503" in first

    fresh_process.reset()
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        Job(stand_in, FileStore(str(tmp_path / "others"))).run(other)
        assert event_ids(stand_in) == delivered
    assert read_ledger().outcomes == ledger.outcomes


def test_every_generation_counts_into_one_ledger(
    pub_sub: PubSub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_MESSAGES_A_PULL", 50)
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 1)
    monkeypatch.setattr(subscription, "BUNDLES_A_GENERATION", 2)
    records = publish(pub_sub, 300)
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        job = Job(stand_in, FileStore(str(tmp_path / "letters")))
        job.run()
    assert job.generations >= 2
    ledger = read_ledger()
    assert (ledger.received, ledger.balanced) == (records, True)


def test_a_subscription_that_cannot_be_read_ends_the_loop(pub_sub: PubSub, tmp_path: Path) -> None:
    missing = "projects/tests/subscriptions/missing"
    before = set(threading.enumerate())
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        job = Job(stand_in, FileStore(str(tmp_path / "letters")))
        with pytest.raises(SubscriptionError, match=f"{missing}: NOT_FOUND. Check that"):
            job.run(missing, None)
    assert job.generations == 1
    assert pub_sub.counts().acked == 0
    mine = set(threading.enumerate()) - before
    assert not {"pull", "lease"} & {thread.name for thread in mine}


def test_a_subscription_that_goes_away_ends_the_loop(pub_sub: PubSub) -> None:
    HookedStore.on_write = lambda _letters: pub_sub.delete_subscription(SUBSCRIPTION)
    pub_sub.put("no record")
    with (
        CustomerIoStandIn(SITE_ID, API_KEY) as stand_in,
        pytest.raises(SubscriptionError, match="NOT_FOUND"),
    ):
        Job(stand_in, HookedStore()).run(stop_when_idle_s=None)
    assert read_ledger().received == 1


def test_a_stop_while_bundles_fail_ends_the_loop(
    pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_LONGEST_PAUSE_S", 3_600.0)

    def fail(_letters: list[DeadLetter]) -> None:
        STOP.set()
        raise OSError("no space left")

    HookedStore.on_write = fail
    pub_sub.put("no record")
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        job = Job(stand_in, HookedStore())
        job.run(stop_when_idle_s=None)
    assert job.generations == 1
    assert pub_sub.counts().acked == 0
    assert read_ledger().received == 0


def test_the_counts_of_one_run_are_final_when_it_ends(fresh_process: ProcessLedger) -> None:
    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | beam.Create([3, 4], reshuffle=False) | beam.ParDo(Count())

    run_once(build, PipelineOptions([]))
    assert fresh_process.snapshot()[0]["received"] == 7


class Count(beam.DoFn):
    """Counts its elements."""

    def __init__(self) -> None:
        self.tally = Tally()

    def process(self, element: int, *_args: Any, **_kwargs: Any) -> None:
        self.tally.add("received", element)

    def finish_bundle(self) -> None:
        self.tally.report()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(DeliveryError("not delivered"), "not delivered", id="one line"),
        pytest.param(
            OSError("Traceback:\n  File x\nOSError: the cause \n\n"),
            "OSError: the cause",
            id="a traceback",
        ),
        pytest.param(OSError(), "OSError", id="no text"),
        pytest.param(OSError(" \n "), "OSError", id="blank"),
    ],
)
def test_the_cause_is_at_the_end_of_a_traceback(error: Exception, line: str) -> None:
    assert cause(error) == line


def test_the_cause_tells_where_a_bug_is_and_no_data() -> None:
    try:
        dict[str, str]()["SECRET"]
    except KeyError as error:
        told = cause(error)

    assert told.startswith("a bug of ours: KeyError at test_generations.py:")
    assert "SECRET" not in told
