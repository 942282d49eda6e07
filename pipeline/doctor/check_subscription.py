"""The subscription: whether it is there, whether it may be pulled, and how it is set up.

Asked are GetSubscription and testIamPermissions: nothing is pulled, so no message is leased and no
delivery attempt is used up.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1 import types

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, red, yellow
from pipeline.doctor.google_calls import (
    DENIED,
    NOT_FOUND,
    ONCE,
    Refusal,
    ask,
    judge_right,
    unreachable,
)
from pipeline.doctor.subscription_rules import judge
from pipeline.sources.client import subscriber_client

CONSUME: Final = "pubsub.subscriptions.consume"


def check(facts: Facts) -> list[Finding]:
    """Whether a job can read, and what it should know about where from."""
    name = facts.asked.input_subscription
    if not name:
        return [yellow("not looked at", "give --input_subscription, if the job reads one")]
    client = ask(subscriber_client)
    if isinstance(client, Refusal):
        return [unreachable(name, client)]
    with closing(client):
        return _look(name, client)


def _look(name: str, client: SubscriberClient) -> list[Finding]:
    found: Any = ask(lambda: client.get_subscription(request={"subscription": name}, **ONCE))
    if isinstance(found, Refusal):
        if found.status == NOT_FOUND:
            return [red(f"{name}: there is no such subscription", _create(name))]
        if found.status != DENIED:
            return [unreachable(name, found)]
    granted = ask(lambda: granted_of(client, name, CONSUME))
    right = judge_right(name, granted, CONSUME, "roles/pubsub.subscriber on the subscription")
    if isinstance(found, Refusal):
        return [
            right,
            yellow(
                f"{name}: how it is set up could not be looked at (pubsub.subscriptions.get is not "
                "granted)",
                "grant roles/pubsub.viewer on it to whoever runs the doctor",
            ),
        ]
    return [right, *judge(types.Subscription.pb(found))]


def granted_of(client: Any, resource: str, permission: str) -> Sequence[str]:
    """The permission, if this account has it on a resource. Raises what the client raises."""
    request = {"resource": resource, "permissions": [permission]}
    return list(client.test_iam_permissions(request=request, **ONCE).permissions)


def _create(name: str) -> str:
    _, project, _, short = name.split("/")
    return (
        "correct --input_subscription, or: gcloud pubsub subscriptions create "
        f"{short} --project={project} --topic=TOPIC"
    )
