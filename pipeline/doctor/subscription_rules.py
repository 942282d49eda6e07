"""How a subscription is set up, and what that means for a job.

What each field does: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from google.pubsub_v1 import types

from pipeline.doctor.findings import Finding, Level, green, red, yellow
from pipeline.sources.leases import LEASE_S

WANTED_ATTEMPTS: Final = 100
"""The most that Pub/Sub takes."""
WANTED_RETENTION: Final = timedelta(days=3)
"""An outage that begins on a Friday evening is seen to on Monday."""
USUAL_EXPIRY: Final = timedelta(days=31)
_DELETED_TOPIC: Final = "_deleted-topic_"
_ELSEWHERE: Final = (
    ("push_config", "pushes to an endpoint"),
    ("bigquery_config", "writes to BigQuery"),
    ("cloud_storage_config", "writes to Cloud Storage"),
    ("bigtable_config", "writes to Bigtable"),
)
_ANEW: Final = "make a new subscription without it; this cannot be changed on an existing one"


def judge(subscription: Any) -> list[Finding]:
    """The findings about a protobuf Subscription; one green line where there is nothing to say."""
    findings = [finding for rule in _RULES for finding in rule(subscription)]
    if any(finding.level is not Level.GREEN for finding in findings):
        return findings
    return [green(f"{subscription.name}: nothing in its set-up is in the way"), *findings]


def _readable(subscription: Any) -> Iterator[Finding]:
    name = subscription.name
    if subscription.detached:
        yield red(
            f"{name} is detached: it holds no message and gets none", "make a new subscription"
        )
    for field, what in _ELSEWHERE:
        # An empty push_config is how the API spells a pull subscription.
        if subscription.HasField(field) and getattr(subscription, field).ByteSize():
            yield red(f"{name} {what}, so it cannot be pulled", "make a pull subscription")
    if subscription.topic == _DELETED_TOPIC:
        yield red(f"{name}: its topic was deleted, no message comes any more", "make a new one")
    if subscription.state == types.Subscription.State.RESOURCE_ERROR:
        yield red(f"{name} is in the state RESOURCE_ERROR", "see its page in the Cloud console")


def _deadline(subscription: Any) -> Iterator[Finding]:
    yield green(
        f"acknowledgement deadline {subscription.ack_deadline_seconds} s; on one machine the job "
        f"extends it to {LEASE_S} s, for as long as it holds a message"
    )


def _retention(subscription: Any) -> Iterator[Finding]:
    if not subscription.HasField("message_retention_duration"):
        return
    kept = subscription.message_retention_duration.ToTimedelta()
    if kept < WANTED_RETENTION:
        yield yellow(
            f"messages are kept for {_words(kept)}: an outage that takes longer loses records",
            f"gcloud pubsub subscriptions update {subscription.name} "
            "--message-retention-duration=7d",
        )
    else:
        yield green(f"messages are kept for {_words(kept)}")


def _dead_letter_policy(subscription: Any) -> Iterator[Finding]:
    if not subscription.HasField("dead_letter_policy"):
        return
    attempts = subscription.dead_letter_policy.max_delivery_attempts
    if attempts < WANTED_ATTEMPTS:
        yield yellow(
            f"its dead-letter policy takes a message away after {attempts or 5} delivery attempts: "
            "crashes, stops and lost connections count as such, and the record then never arrives",
            f"gcloud pubsub subscriptions update {subscription.name} "
            f"--max-delivery-attempts={WANTED_ATTEMPTS}, or --clear-dead-letter-policy: the job "
            "keeps dead letters itself",
        )
    else:
        yield green(
            f"dead-letter policy after {attempts} attempts; keep a subscription on its topic"
        )


def _expiry(subscription: Any) -> Iterator[Finding]:
    policy = subscription.expiration_policy
    if not policy.HasField("ttl"):
        return
    ttl = policy.ttl.ToTimedelta()
    if ttl < USUAL_EXPIRY:
        yield yellow(
            f"Pub/Sub deletes it after {_words(ttl)} in which no job pulls",
            f"gcloud pubsub subscriptions update {subscription.name} --expiration-period=never",
        )


def _ordering(subscription: Any) -> Iterator[Finding]:
    if subscription.enable_message_ordering:
        yield yellow(
            "message ordering is on: one message that comes again brings all later ones of its key "
            "again; the job needs no order, its updates carry their times",
            _ANEW,
        )


def _filter(subscription: Any) -> Iterator[Finding]:
    if subscription.filter:
        yield yellow(
            "it has a filter: what that keeps out is in no ledger and no dead letter",
            f"if that is not wanted, {_ANEW}",
        )


def _exactly_once(subscription: Any) -> Iterator[Finding]:
    if subscription.enable_exactly_once_delivery:
        yield yellow(
            "exactly-once delivery is on: it costs throughput and gives nothing here, where what "
            "is delivered twice counts once",
            f"gcloud pubsub subscriptions update {subscription.name} "
            "--no-enable-exactly-once-delivery",
        )


_RULES: Final[tuple[Callable[[Any], Iterator[Finding]], ...]] = (
    _readable,
    _deadline,
    _retention,
    _dead_letter_policy,
    _expiry,
    _ordering,
    _filter,
    _exactly_once,
)


def _words(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return f"{span / timedelta(days=1):g} days"
    return f"{span / timedelta(hours=1):.3g} hours"
