"""Pub/Sub's client, and what its answers to a pull mean."""

import os

import grpc
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from transforms.silence import silence

# At DEBUG it repeats whole answers to a pull: every record, with Amplitude's API key in it.
silence("google.pubsub_v1.services.subscriber.transports.grpc")

TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
"""Pub/Sub is away or busy: pull again later."""
NOTHING_YET = frozenset({grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})
"""No message came within the time."""


def subscriber_client() -> SubscriberClient:
    """A client for Pub/Sub, or for the emulator that PUBSUB_EMULATOR_HOST names.

    The client's own channel to an emulator takes answers of 4 MiB only; a message may have 10 MB.
    """
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not emulator:
        return SubscriberClient()
    channel = grpc.insecure_channel(
        emulator,
        # An emulator is on this machine or beside it: no proxy leads there.
        [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)],
    )
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def explain_refusal(status: grpc.StatusCode, subscription: str) -> str:
    """Why a pull failed for good, and what to do."""
    return (
        f"Pub/Sub refuses to give messages of {subscription}: {status.name}. "
        "Check that the subscription exists and that this account has roles/pubsub.subscriber."
    )
