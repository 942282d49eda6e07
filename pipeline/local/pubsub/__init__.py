"""A Google Pub/Sub emulator in memory, over the real gRPC protocol, for one machine and for tests.

Layers, from the inside out:

- ``model``, ``errors``, ``limits``: plain data, the errors, the rules of names and sizes;
- ``backlog``: the messages of one subscription as a state machine, without locks or clocks;
- ``broker``: topics and subscriptions, thread-safe, with waiting pulls;
- ``faults``, ``faulty``: what goes wrong on the way between clients and broker, when asked to;
- ``wire``, ``service``, ``streaming``: protobuf in and out, the gRPC methods;
- ``emulator``: the server, and ``python -m pipeline.local.pubsub`` to run it alone.

What differs from Google's service: an acknowledged message is never delivered again, also when an
earlier message of its ordering key is; unknown ack ids are ignored, malformed ones too; messages
are kept until they are acknowledged, without a retention time; there is no push, no filter, no
dead-letter or retry policy and no exactly-once delivery: a subscription that asks for one of them
is refused (UNIMPLEMENTED).
"""

from pipeline.local.pubsub.broker import Broker
from pipeline.local.pubsub.emulator import PubSubEmulator
from pipeline.local.pubsub.faults import PubSubFaults
from pipeline.local.pubsub.model import (
    Delivery,
    Draft,
    Message,
    SubscriptionConfig,
    SubscriptionStats,
)

__all__ = [
    "Broker",
    "Delivery",
    "Draft",
    "Message",
    "PubSubEmulator",
    "PubSubFaults",
    "SubscriptionConfig",
    "SubscriptionStats",
]
