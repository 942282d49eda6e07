"""A pull session: one subscription, pulled and kept leased by threads of its own.

Messages are pulled ahead of the pipeline, up to a bound, and their deadlines are extended until
they are acknowledged or given back. A process has one session a subscription, whatever becomes of
the readers that take from it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPIError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import PullRequest, PullResponse

from pipeline.sources.client import NOTHING_YET, TRANSIENT, explain_refusal, subscriber_client
from transforms.records import Message

_LOG = logging.getLogger(__name__)

MAX_MESSAGES_A_PULL = 1_000
MAX_WAITING = 4_000
"""Messages pulled ahead of the pipeline."""
MAX_WAITING_BYTES = 64 * 1024 * 1024
LEASE_S = 20
"""After a crash, Pub/Sub delivers again what was in flight within this time."""
EXTEND_EVERY_S = 5.0
_PULL_TIMEOUT_S = 30.0
_LONGEST_BACKOFF_S = 30.0
_IDS_A_REQUEST = 1_000
"""Pub/Sub takes requests of 512 KiB; an ack id has about 200 bytes."""

_DEADLINES_TIMEOUT_S = 5.0
_DEADLINES_RETRY = Retry(if_exception_type(ServiceUnavailable), timeout=_DEADLINES_TIMEOUT_S)
"""The client's own retry would hold up the end of the job for minutes while Pub/Sub is away."""
_LAST_ANSWER_S = 0.25


class Pulled:
    """The messages of one pull, and the ids to acknowledge them by."""

    __slots__ = ("ack_ids", "messages", "size")

    def __init__(self, messages: list[Message], ack_ids: list[str]) -> None:
        self.messages = messages
        self.ack_ids = ack_ids
        self.size = sum(len(message.data) for message in messages)
        """Bytes of their data."""


class SubscriptionError(RuntimeError):
    """The subscription cannot be read; the text says why."""


class PullSession:
    """Pulls `subscription` (projects/P/subscriptions/S) until it is closed.

    `extend_every_s`: how often the deadlines of its messages are extended, in seconds.
    """

    def __init__(
        self,
        subscription: str,
        client: SubscriberClient | None = None,
        extend_every_s: float = EXTEND_EVERY_S,
    ) -> None:
        self.subscription = subscription
        self._extend_every_s = extend_every_s
        self._client = client or subscriber_client()
        self._changed = threading.Condition()
        self._waiting: deque[Pulled] = deque()
        self._waiting_messages = 0
        self._leased: set[str] = set()
        self._stopped = False
        self._error: SubscriptionError | None = None
        self._under_way: Any = None
        self._failures = 0
        self._busy_at = time.monotonic()
        self._threads = [
            threading.Thread(target=self._guard, args=(loop,), name=name, daemon=True)
            for name, loop in (("pull", self._pull_loop), ("lease", self._lease_loop))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def error(self) -> SubscriptionError | None:
        """Why the subscription cannot be read; None while it can."""
        return self._error

    def idle_s(self) -> float:
        """Seconds since a message last came or was given back.

        0 while messages wait to be taken, and while Pub/Sub is out of reach: nobody knows then
        whether the subscription is empty.
        """
        with self._changed:
            busy = self._waiting or self._failures
            return 0.0 if busy else time.monotonic() - self._busy_at

    def take(self, timeout_s: float) -> Pulled | None:
        """The messages of the next pull; None when there are none within the time.

        Raises SubscriptionError when the subscription cannot be read.
        """
        with self._changed:
            self._changed.wait_for(self._has_something, timeout_s)
            if self._waiting and not self._stopped:
                pulled = self._waiting.popleft()
                self._waiting_messages -= len(pulled.messages)
                self._changed.notify_all()
                return pulled
            if self._error is not None:
                raise self._error
            return None

    def _has_something(self) -> bool:
        return bool(self._waiting) or self._stopped or self._error is not None

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Tells Pub/Sub that these messages are settled. Raises GoogleAPIError.

        Whatever it did not take is let go: its deadline passes, and it comes again.
        """
        try:
            for some in _chunks(ack_ids):
                self._client.acknowledge(subscription=self.subscription, ack_ids=some)
        finally:
            with self._changed:
                self._leased.difference_update(ack_ids)
                self._changed.notify_all()

    def release_taken(self) -> None:
        """Gives back all messages that were taken and not acknowledged: they come again at once."""
        with self._changed:
            waiting = {ack_id for pulled in self._waiting for ack_id in pulled.ack_ids}
            taken = list(self._leased - waiting)
            self._leased &= waiting
            if taken:
                self._busy_at = time.monotonic()
            self._changed.notify_all()
        self._set_deadline(taken, 0)

    def stop(self) -> None:
        """Pulls nothing more; messages that were not taken yet go back to Pub/Sub."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            # With a call that is cancelled goes an answer that is on its way, and its messages are
            # held back until their lease ends.
            if not self._changed.wait_for(lambda: self._under_way is None, _LAST_ANSWER_S):
                self._under_way.cancel()
            given_back = [ack_id for pulled in self._waiting for ack_id in pulled.ack_ids]
            self._waiting.clear()
            self._waiting_messages = 0
            self._leased.difference_update(given_back)
        self._set_deadline(given_back, 0)

    def close(self) -> None:
        """Stops, gives everything back that is not acknowledged, and ends the threads."""
        self.stop()
        self.release_taken()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _guard(self, loop: Callable[[], None]) -> None:
        """Runs a thread's loop; a job whose reading has ended must not look like an idle one."""
        try:
            loop()
        except Exception as error:
            _LOG.exception("Reading %s ended", self.subscription)
            self._fail(SubscriptionError(f"reading {self.subscription} ended: {error!r}"))

    def _pull_loop(self) -> None:
        while self._room():
            try:
                pulled = self._pull()
            except grpc.FutureCancelledError:
                continue
            except grpc.RpcError as error:
                status = error.code()
                if status in TRANSIENT:
                    self._back_off(status)
                    continue
                if status not in NOTHING_YET:
                    self._fail(SubscriptionError(explain_refusal(status, self.subscription)))
                    return
                pulled = None
            self._offer(pulled)

    def _room(self) -> bool:
        """Waits for room; False when the session has stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._is_full())
            return not self._stopped

    def _is_full(self) -> bool:
        if self._waiting_messages >= MAX_WAITING:
            return True
        return sum(pulled.size for pulled in self._waiting) >= MAX_WAITING_BYTES

    def _pull(self) -> Pulled | None:
        request = PullRequest(subscription=self.subscription, max_messages=MAX_MESSAGES_A_PULL)
        with self._changed:
            if self._stopped:
                return None
            self._under_way = self._client.transport.pull.future(
                request,
                timeout=_PULL_TIMEOUT_S,
                metadata=(("x-goog-request-params", f"subscription={self.subscription}"),),
            )
        try:
            response = PullResponse.pb(self._under_way.result())
        finally:
            with self._changed:
                self._under_way = None
                self._changed.notify_all()
        messages: list[Message] = []
        ack_ids: list[str] = []
        for received in response.received_messages:
            message = received.message
            published = message.publish_time
            messages.append(
                Message(
                    data=message.data,
                    message_id=message.message_id,
                    publish_time=published.seconds + published.nanos / 1e9,
                    attributes=dict(message.attributes),
                )
            )
            ack_ids.append(received.ack_id)
        return Pulled(messages, ack_ids) if messages else None

    def _back_off(self, status: grpc.StatusCode) -> None:
        with self._changed:
            self._failures += 1
            pause = min(_LONGEST_BACKOFF_S, 0.25 * 2.0 ** min(self._failures, 10))
            _LOG.warning("Pub/Sub answers %s; pulling again in %.1f s", status.name, pause)
            self._changed.wait_for(lambda: self._stopped, pause)

    def _offer(self, pulled: Pulled | None) -> None:
        with self._changed:
            if self._failures or pulled is not None:
                self._failures = 0
                self._busy_at = time.monotonic()
            if pulled is None:
                return
            stopped = self._stopped
            if not stopped:
                self._leased.update(pulled.ack_ids)
                self._waiting.append(pulled)
                self._waiting_messages += len(pulled.messages)
                self._changed.notify_all()
        if stopped:
            self._set_deadline(pulled.ack_ids, 0)

    def _fail(self, error: SubscriptionError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _lease_loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._nothing_to_lease, self._extend_every_s)
                if self._nothing_to_lease():
                    return
                leased = list(self._leased)
            self._set_deadline(leased, LEASE_S)

    def _nothing_to_lease(self) -> bool:
        return self._stopped and not self._leased

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        try:
            for some in _chunks(ack_ids):
                self._client.modify_ack_deadline(
                    subscription=self.subscription,
                    ack_ids=some,
                    ack_deadline_seconds=seconds,
                    retry=_DEADLINES_RETRY,
                    timeout=_DEADLINES_TIMEOUT_S,
                )
        except GoogleAPIError as error:
            # No harm: the deadline passes, and what is delivered twice counts once.
            _LOG.info("Pub/Sub did not change deadlines: %s", type(error).__name__)


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_A_REQUEST] for start in range(0, len(ids), _IDS_A_REQUEST)]


_lock = threading.Lock()
_sessions: dict[str, PullSession] = {}


def session_of(subscription: str) -> PullSession:
    """This process's session of a subscription; opened when there is none."""
    with _lock:
        session = _sessions.get(subscription)
        if session is None:
            session = _sessions[subscription] = PullSession(subscription)
        return session


def close_session(subscription: str) -> None:
    """Closes this process's session of a subscription, if there is one."""
    with _lock:
        session = _sessions.pop(subscription, None)
    if session is not None:
        session.close()
