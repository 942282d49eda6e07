"""What the tests of the doctor share: facts made from settings and flags, and Google's answers."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from google.iam.v1.iam_policy_pb2 import TestIamPermissionsRequest, TestIamPermissionsResponse
from google.pubsub_v1 import types

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, Level
from pipeline.doctor.options import Asked
from pipeline.settings.model import BASE_URLS

SITE_ID, API_KEY = "site-of-the-doctor", "key-of-the-doctor"
SUBSCRIPTION = "projects/doctor/subscriptions/stream"
TOPIC = "projects/doctor/topics/letters"


def facts_of(
    directory: Path,
    settings: Mapping[str, Any] | str = "{}",
    hosts: Mapping[str, str] = BASE_URLS,
    **flags: Any,
) -> Facts:
    """Facts about a settings file (its text, or what is in it) and the job's flags."""
    path = directory / "settings.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return Facts(Asked(settings=str(path), **flags), hosts)


def of_level(findings: Iterable[Finding], level: Level) -> list[str]:
    """What was found, at one level."""
    return [finding.found for finding in findings if finding.level is level]


def reds(findings: Iterable[Finding]) -> list[str]:
    """What is red."""
    return of_level(findings, Level.RED)


def yellows(findings: Iterable[Finding]) -> list[str]:
    """What is yellow."""
    return of_level(findings, Level.YELLOW)


@dataclass
class GooglePubSub:
    """What Google answers: a message, or a status to refuse with. `calls`: which methods came."""

    subscription: Any = None
    topic: Any = grpc.StatusCode.NOT_FOUND
    subscriptions: Any = ()
    granted: Any = ()
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.subscription is None:
            self.subscription = types.Subscription(name=SUBSCRIPTION, ack_deadline_seconds=10)

    def answer(self, method: str, answer: Any, context: Any) -> Any:
        self.calls.append(method)
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "as the test wants it")
        return answer


@contextmanager
def serving(google: GooglePubSub) -> Iterator[str]:
    """Serves it; the address for PUBSUB_EMULATOR_HOST."""

    def permissions() -> Any:
        granted = google.granted
        if isinstance(granted, grpc.StatusCode):
            return granted
        return TestIamPermissionsResponse(permissions=granted)

    def kept() -> Any:
        names = google.subscriptions
        if isinstance(names, grpc.StatusCode):
            return names
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=names)

    def handler(method: str, request: Any, answer: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, context: google.answer(method, answer(), context),
            request_deserializer=request.FromString,
            response_serializer=lambda message: (
                type(message).serialize(message)
                if hasattr(type(message), "serialize")
                else message.SerializeToString()
            ),
        )

    services = {
        "google.pubsub.v1.Subscriber": {
            "GetSubscription": (types.GetSubscriptionRequest.pb(), lambda: google.subscription)
        },
        "google.pubsub.v1.Publisher": {
            "GetTopic": (types.GetTopicRequest.pb(), lambda: google.topic),
            "ListTopicSubscriptions": (types.ListTopicSubscriptionsRequest.pb(), kept),
        },
        "google.iam.v1.IAMPolicy": {"TestIamPermissions": (TestIamPermissionsRequest, permissions)},
    }
    handlers = [
        grpc.method_handlers_generic_handler(
            service, {name: handler(name, *parts) for name, parts in methods.items()}
        )
        for service, methods in services.items()
    ]
    server = grpc.server(ThreadPoolExecutor(2), handlers=handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@contextmanager
def cloud_storage(answers: Mapping[str, tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    """Cloud Storage's JSON API: the last part of a path -> status and answer; its URL.

    What is no GET is answered 500: nothing may be written.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path.partition("?")[0].rpartition("/")[2]
            # The client looks at the bucket itself too, for its own traces.
            status, content = answers.get(asked, (404, {}))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
