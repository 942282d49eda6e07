"""Dead letters in a topic: there, publishable, kept by a subscription, and not the job's input."""

from typing import Any, Final

from google.cloud.pubsub_v1 import PublisherClient

from pipeline.doctor.check_subscription import granted_of
from pipeline.doctor.findings import Finding, green, red, yellow
from pipeline.doctor.google_calls import (
    DENIED,
    NOT_FOUND,
    ONCE,
    Refusal,
    ask,
    judge_right,
    unreachable,
)
from pipeline.sources.client import subscriber_client

PUBLISH: Final = "pubsub.topics.publish"


def look(topic: str, input_subscription: str | None) -> list[Finding]:
    """The findings about a topic for the dead letters of a job that reads a subscription."""
    client = ask(PublisherClient)
    if isinstance(client, Refusal):
        return [unreachable(topic, client)]
    try:
        findings = _look(topic, client)
    finally:
        client.stop()
        client.transport.close()
    if input_subscription and _topic_of(input_subscription) == topic:
        findings.append(
            red(
                f"{topic} is the topic that the job reads: its dead letters would come in again",
                "give another --dead_letter_topic",
            )
        )
    return findings


def _look(topic: str, client: Any) -> list[Finding]:
    found: Any = ask(lambda: client.get_topic(request={"topic": topic}, **ONCE))
    if isinstance(found, Refusal):
        if found.status == NOT_FOUND:
            _, project, _, short = topic.split("/")
            return [
                red(
                    f"{topic}: there is no such topic",
                    "correct --dead_letter_topic, or: gcloud pubsub topics create "
                    f"{short} --project={project}, and a subscription on it",
                )
            ]
        if found.status != DENIED:
            return [unreachable(topic, found)]
    granted = ask(lambda: granted_of(client, topic, PUBLISH))
    right = judge_right(topic, granted, PUBLISH, "roles/pubsub.publisher on the topic")
    return [right, _kept(topic, client)]


def _kept(topic: str, client: Any) -> Finding:
    names = ask(lambda: list(client.list_topic_subscriptions(request={"topic": topic}, **ONCE)))
    if isinstance(names, Refusal):
        return yellow(
            f"{topic}: whether a subscription keeps its messages could not be looked at "
            f"({names.status})",
            "grant roles/pubsub.viewer on it to whoever runs the doctor",
        )
    if not names:
        return red(
            f"{topic} has no subscription: Pub/Sub keeps no message that nobody subscribes to, so "
            "dead letters would be lost",
            f"gcloud pubsub subscriptions create NAME --topic={topic}",
        )
    return green(f"{topic}: {names[0]} keeps its messages")


def _topic_of(subscription: str) -> str | None:
    """The topic of a subscription; None when that cannot be looked at."""
    client = ask(subscriber_client)
    if isinstance(client, Refusal):
        return None
    with client:
        found: Any = ask(
            lambda: client.get_subscription(request={"subscription": subscription}, **ONCE)
        )
    return None if isinstance(found, Refusal) else str(found.topic)
