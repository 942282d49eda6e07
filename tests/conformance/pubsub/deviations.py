"""Where a server is known to do otherwise than Google documents; each is named by the test of it.

A test says what is documented, for both servers. Where one deviates, the test says so with
``as_documented``, which holds that server to its deviation: once it does as documented, the test
fails, and the deviation is to be removed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from google.api_core.exceptions import GoogleAPICallError
from grpc import RpcError

_REFERENCE = "https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1"
_QUOTAS = "https://cloud.google.com/pubsub/quotas#resource_limits"
_NAMES = "https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names"


class Deviation(NamedTuple):
    """What ``server`` does, what is documented, and where."""

    server: str
    does: str
    documented: str
    source: str


NO_LIMITS = Deviation(
    "pstest",
    "takes requests of any size, with any messages, attributes and ordering keys",
    "a publish of 10 MB and 1 000 messages, 100 attributes a message, their sizes, no empty "
    "message, one ordering key; an acknowledgement of 512 KiB",
    _QUOTAS,
)
NO_REQUIRED_LISTS = Deviation(
    "pstest",
    "takes a publish without messages, an acknowledgement without ids, a pull of 0 messages",
    "these must not be empty; max_messages must be positive",
    _REFERENCE,
)
NO_DEADLINE_RANGES = Deviation(
    "pstest",
    "takes deadlines below the least and beyond 600 s; refuses those of a subscription as UNKNOWN",
    "10 to 600 s for a subscription or a stream, 0 to 600 s for ModifyAckDeadline",
    _REFERENCE,
)
NO_NAME_RULES = Deviation(
    "pstest",
    "takes any text as the name of a resource",
    "projects/PROJECT/topics/NAME, the name of 3 to 255 characters, not beginning with goog",
    _NAMES,
)
NO_DEFAULT_DEADLINE = Deviation(
    "pstest",
    "a subscription that asks for no ack deadline says that it has 0 s (it uses 10 s)",
    "if it is 0, a default value of 10 seconds is used",
    _REFERENCE,
)
NO_FLOW_CONTROL = Deviation(
    "pstest",
    "sends any number of messages on a stream, one a response",
    "no more than max_outstanding_messages and max_outstanding_bytes, set by the first request",
    _REFERENCE,
)
STREAMS_OUTLIVE_SUBSCRIPTIONS = Deviation(
    "pstest",
    "keeps a stream open, without a word, when its subscription is deleted",
    "the resource is gone: NOT_FOUND",
    "https://cloud.google.com/pubsub/docs/reference/error-codes",
)
NO_TOPIC_CHECK_IN_LISTS = Deviation(
    "pstest",
    "lists no subscriptions for a topic that does not exist",
    "the resource is not there: NOT_FOUND",
    "https://cloud.google.com/pubsub/docs/reference/error-codes",
)
SHORT_RETENTION = Deviation(
    "pstest",
    "forgets a message that is not leased 10 minutes after it was published",
    "unacknowledged messages are kept for 7 days unless the subscription says otherwise",
    _REFERENCE,
)
NO_DEAD_LETTER_POLICY = Deviation(
    "emulator",
    "refuses a subscription with a dead-letter policy as UNIMPLEMENTED",
    "after max_delivery_attempts a message goes to the dead-letter topic",
    _REFERENCE,
)


@contextmanager
def as_documented(server: str, deviation: Deviation) -> Iterator[None]:
    """Surrounds what is documented; of the server that deviates, it must not hold."""
    if server != deviation.server:
        yield
        return
    try:
        yield
    except (AssertionError, GoogleAPICallError, RpcError, pytest.fail.Exception):
        return
    raise AssertionError(f"{server} does as documented; no more so: {deviation.does}")
