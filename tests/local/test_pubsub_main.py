"""``python -m pipeline.local.pubsub`` as a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient, types

ROOT = Path(__file__).parents[2]
TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pipeline.local.pubsub", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_on_a_signal(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--topic", TOPIC, "--subscription", SUBSCRIPTION, "--ack_deadline_s", "60"]
    with running("--port", "0", *arguments) as process:
        assert process.stdout is not None
        name, _, address = process.stdout.readline().strip().partition("=")
        assert name == "PUBSUB_EMULATOR_HOST"
        monkeypatch.setenv(name, address)
        with PublisherClient() as publisher, SubscriberClient() as subscriber:
            assert subscriber.get_subscription(subscription=SUBSCRIPTION).ack_deadline_seconds == 60
            publisher.publish(topic=TOPIC, messages=[types.PubsubMessage(data=b"a")])
            response = subscriber.pull(subscription=SUBSCRIPTION, max_messages=1)
            assert len(response.received_messages) == 1
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--topic", "events"], "Invalid resource name given (name=events)", id="name"),
        pytest.param(["--subscription", SUBSCRIPTION], "--subscription needs --topic", id="alone"),
    ],
)
def test_wrong_arguments_end_it_with_status_2(arguments: list[str], complaint: str) -> None:
    with running(*arguments) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2
        assert complaint in errors
