"""Pub/Sub through the doctor's eyes: Google's answers, the emulator's, and no answer at all."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import (
    Forbidden,
    NotFound,
    PermissionDenied,
    RetryError,
    Unauthorized,
)
from google.auth.exceptions import RefreshError
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import types

from pipeline.doctor import check_letters, check_subscription
from pipeline.doctor.findings import Finding, Level
from pipeline.doctor.google_calls import (
    DENIED,
    NO_CREDENTIALS,
    NOT_FOUND,
    UNAUTHENTICATED,
    Refusal,
    ask,
)
from pipeline.doctor.subscription_rules import judge
from tests.pipeline import conftest
from tests.pipeline.conftest import PubSub
from tests.pipeline.doctor_world import (
    SUBSCRIPTION,
    TOPIC,
    GooglePubSub,
    facts_of,
    of_level,
    reds,
    serving,
    yellows,
)

_Subscription = types.Subscription.pb()
CONSUME, PUBLISH = ("pubsub.subscriptions.consume",), ("pubsub.topics.publish",)
SAID_NO = grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GooglePubSub]:
    """Google, whose answers a test may change."""
    answers = GooglePubSub()
    with serving(answers) as address:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        yield answers


def subscription_findings(directory: Path, name: str = SUBSCRIPTION) -> list[Finding]:
    return check_subscription.check(facts_of(directory, input_subscription=name))


def letters_findings(directory: Path, name: str = TOPIC, **flags: Any) -> list[Finding]:
    return check_letters.check(facts_of(directory, dead_letter_topic=name, **flags))


def test_a_subscription_that_is_right(google: GooglePubSub, tmp_path: Path) -> None:
    google.granted = CONSUME
    findings = subscription_findings(tmp_path)

    assert {finding.level for finding in findings} == {Level.GREEN}
    assert f"{SUBSCRIPTION}: pubsub.subscriptions.consume is granted" in [
        finding.found for finding in findings
    ]
    assert google.calls == ["GetSubscription", "TestIamPermissions"]


def test_a_right_that_is_missing(google: GooglePubSub, tmp_path: Path) -> None:
    [finding] = [each for each in subscription_findings(tmp_path) if each.level is Level.RED]

    assert finding.found == f"{SUBSCRIPTION}: pubsub.subscriptions.consume is not granted"
    assert "roles/pubsub.subscriber" in finding.do
    assert google.calls[-1] == "TestIamPermissions"


def test_one_that_may_be_consumed_and_not_looked_at(google: GooglePubSub, tmp_path: Path) -> None:
    google.subscription, google.granted = SAID_NO, CONSUME
    findings = subscription_findings(tmp_path)

    assert reds(findings) == []
    [unknown] = yellows(findings)
    assert "pubsub.subscriptions.get" in unknown


def test_one_that_may_be_neither(google: GooglePubSub, tmp_path: Path) -> None:
    google.subscription = SAID_NO
    assert len(reds(subscription_findings(tmp_path))) == 1


@pytest.mark.parametrize(
    "status", [SAID_NO, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL]
)
def test_rights_that_cannot_be_checked(status: Any, google: GooglePubSub, tmp_path: Path) -> None:
    google.granted = status
    findings = subscription_findings(tmp_path)

    assert reds(findings) == []
    [unknown] = yellows(findings)
    assert "checked" in unknown
    assert ("emulator" in unknown) is (status is grpc.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize(
    ("status", "found", "do"),
    [
        pytest.param(
            grpc.StatusCode.NOT_FOUND, "no such subscription", "--project=doctor", id="none"
        ),
        pytest.param(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "firewall", id="away"),
        pytest.param(
            grpc.StatusCode.UNAUTHENTICATED, "no usable Google", "service account", id="nobody"
        ),
    ],
)
def test_a_subscription_that_cannot_be_had(
    status: Any, found: str, do: str, google: GooglePubSub, tmp_path: Path
) -> None:
    google.subscription = status
    [finding] = subscription_findings(tmp_path)

    assert finding.level is Level.RED
    assert found in finding.found
    assert do in finding.do
    assert google.calls == ["GetSubscription"]


def test_no_google_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    for [finding] in (subscription_findings(tmp_path), letters_findings(tmp_path)):
        assert finding.level is Level.RED
        assert "no usable Google credentials" in finding.found


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthorized("of HTTP"), UNAUTHENTICATED),
        (Forbidden("of HTTP"), DENIED),
        (PermissionDenied("of gRPC"), DENIED),
        (NotFound("of either"), NOT_FOUND),
        (RetryError("too often", None), "RetryError"),
        (RefreshError("expired"), NO_CREDENTIALS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_googles_clients_raise(error: Exception, status: str) -> None:
    def call() -> None:
        raise error

    assert ask(call) == Refusal(status)


def test_a_host_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Connections are made by the kernel, and nobody ever answers.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{listener.getsockname()[1]}")
        [finding] = subscription_findings(tmp_path)

    assert finding.level is Level.RED
    assert "firewall" in finding.do


def test_nothing_was_asked_for(tmp_path: Path) -> None:
    facts = facts_of(tmp_path)
    assert [f.level for f in check_subscription.check(facts)] == [Level.YELLOW]
    assert [f.level for f in check_letters.check(facts)] == [Level.YELLOW]


def test_the_emulator(pub_sub: PubSub, tmp_path: Path) -> None:
    pub_sub.put("one")
    before = pub_sub.counts()
    findings = subscription_findings(tmp_path, conftest.SUBSCRIPTION)
    letters = letters_findings(tmp_path, conftest.TOPIC)
    missing = subscription_findings(tmp_path, conftest.SUBSCRIPTION + "-none")

    for found in (findings, letters):
        assert reds(found) == []
        [unknown] = yellows(found)
        assert "an emulator knows no rights" in unknown
    assert reds(missing) == [f"{conftest.SUBSCRIPTION}-none: there is no such subscription"]
    assert (pub_sub.pulls, pub_sub.counts()) == (0, before)


def days(number: float) -> Duration:
    return Duration(seconds=int(number * 86_400))


@pytest.mark.parametrize(
    ("fields", "level", "found", "do"),
    [
        pytest.param({}, Level.GREEN, "nothing in its set-up", "", id="plain"),
        pytest.param({}, Level.GREEN, "acknowledgement deadline 10 s", "", id="deadline"),
        pytest.param({"push_config": {}}, Level.GREEN, "nothing in its set-up", "", id="no push"),
        pytest.param({"detached": True}, Level.RED, "is detached", "new", id="detached"),
        pytest.param(
            {"push_config": {"push_endpoint": "https://a"}}, Level.RED, "pushes", "pull", id="push"
        ),
        pytest.param(
            {"bigquery_config": {"table": "a"}}, Level.RED, "BigQuery", "pull", id="BigQuery"
        ),
        pytest.param(
            {"cloud_storage_config": {"bucket": "a"}}, Level.RED, "Storage", "pull", id="Storage"
        ),
        pytest.param(
            {"topic": "_deleted-topic_"}, Level.RED, "topic was deleted", "new", id="no topic"
        ),
        pytest.param({"state": 2}, Level.RED, "RESOURCE_ERROR", "console", id="state"),
        pytest.param(
            {"message_retention_duration": days(7)}, Level.GREEN, "kept for 7 days", "", id="7 days"
        ),
        pytest.param(
            {"message_retention_duration": days(0.25)},
            Level.YELLOW,
            "kept for 6 hours",
            "--message-retention-duration",
            id="6 hours",
        ),
        pytest.param(
            {"dead_letter_policy": {"max_delivery_attempts": 99}},
            Level.YELLOW,
            "after 99 delivery attempts",
            "--max-delivery-attempts=100",
            id="99 attempts",
        ),
        pytest.param(
            {"dead_letter_policy": {"dead_letter_topic": "t"}},
            Level.YELLOW,
            "after 5 delivery attempts",
            "--clear-dead-letter-policy",
            id="attempts as Pub/Sub sets them",
        ),
        pytest.param(
            {"dead_letter_policy": {"max_delivery_attempts": 100}},
            Level.GREEN,
            "after 100 attempts",
            "",
            id="100 attempts",
        ),
        pytest.param(
            {"expiration_policy": {"ttl": days(30)}},
            Level.YELLOW,
            "deletes it after 30 days",
            "--expiration-period=never",
            id="expiry",
        ),
        pytest.param(
            {"expiration_policy": {"ttl": days(31)}},
            Level.GREEN,
            "nothing in its set-up",
            "",
            id="usual expiry",
        ),
        pytest.param(
            {"expiration_policy": {}}, Level.GREEN, "nothing in its set-up", "", id="no expiry"
        ),
        pytest.param(
            {"enable_message_ordering": True}, Level.YELLOW, "ordering is on", "new", id="order"
        ),
        pytest.param({"filter": "x"}, Level.YELLOW, "it has a filter", "new", id="filter"),
        pytest.param(
            {"enable_exactly_once_delivery": True},
            Level.YELLOW,
            "exactly-once",
            "--no-enable-exactly-once-delivery",
            id="exactly once",
        ),
    ],
)
def test_how_a_subscription_is_set_up(
    fields: dict[str, Any], level: Level, found: str, do: str
) -> None:
    findings = judge(_Subscription(name=SUBSCRIPTION, ack_deadline_seconds=10, **fields))

    [matching] = [finding for finding in findings if found in finding.found]
    assert matching.level is level
    assert do in matching.do
    assert len(of_level(findings, Level.RED) + of_level(findings, Level.YELLOW)) == (
        level is not Level.GREEN
    )


def test_a_topic_that_is_right(google: GooglePubSub, tmp_path: Path) -> None:
    google.topic, google.granted = types.Topic(name=TOPIC), PUBLISH
    google.subscriptions = (SUBSCRIPTION,)

    assert [finding.level for finding in letters_findings(tmp_path)] == [Level.GREEN] * 2
    assert google.calls == ["GetTopic", "TestIamPermissions", "ListTopicSubscriptions"]


def test_a_topic_that_nobody_subscribes_to(google: GooglePubSub, tmp_path: Path) -> None:
    google.topic, google.granted = types.Topic(name=TOPIC), PUBLISH
    [finding] = [each for each in letters_findings(tmp_path) if each.level is Level.RED]

    assert "has no subscription" in finding.found
    assert TOPIC in finding.do


def test_a_topic_that_may_not_be_published_to(google: GooglePubSub, tmp_path: Path) -> None:
    google.topic, google.subscriptions = types.Topic(name=TOPIC), (SUBSCRIPTION,)

    assert reds(letters_findings(tmp_path)) == [f"{TOPIC}: pubsub.topics.publish is not granted"]


def test_a_topic_that_may_be_published_to_and_not_looked_at(
    google: GooglePubSub, tmp_path: Path
) -> None:
    google.topic, google.granted, google.subscriptions = SAID_NO, PUBLISH, SAID_NO
    findings = letters_findings(tmp_path)

    assert [finding.level for finding in findings] == [Level.GREEN, Level.YELLOW]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (grpc.StatusCode.NOT_FOUND, "there is no such topic"),
        (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
    ],
)
def test_a_topic_that_cannot_be_had(
    status: Any, found: str, google: GooglePubSub, tmp_path: Path
) -> None:
    google.topic = status
    [finding] = letters_findings(tmp_path)

    assert finding.level is Level.RED
    assert found in finding.found


def test_the_topic_that_the_job_reads(google: GooglePubSub, tmp_path: Path) -> None:
    google.topic, google.granted = types.Topic(name=TOPIC), PUBLISH
    google.subscriptions = (SUBSCRIPTION,)
    google.subscription = types.Subscription(name=SUBSCRIPTION, topic=TOPIC)
    [loop] = reds(letters_findings(tmp_path, input_subscription=SUBSCRIPTION))
    assert "come in again" in loop

    google.subscription = types.Subscription(name=SUBSCRIPTION, topic=f"{TOPIC}-other")
    assert reds(letters_findings(tmp_path, input_subscription=SUBSCRIPTION)) == []
