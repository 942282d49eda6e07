"""A pull session: one subscription, pulled by a thread of its own.

Messages are pulled ahead of the pipeline, up to a bound, and held until they are acknowledged or
the session ends.
"""

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPIError
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import PullRequest, PullResponse

from pipeline.sources.choice import Choose, chosen, take_all
from pipeline.sources.client import NOTHING_YET, TRANSIENT, explain_refusal, subscriber_client
from pipeline.sources.leases import EXTEND_EVERY_S, Leases
from pipeline.sources.pulled import Pulled, pop_joined, pulled_of

_LOG = logging.getLogger(__name__)

MAX_MESSAGES_A_PULL = 1_000
MAX_WAITING = 4_000
"""Messages pulled ahead of the pipeline."""
MAX_WAITING_BYTES = 64 * 1024 * 1024
_PULL_TIMEOUT_S = 30.0
_LONGEST_BACKOFF_S = 30.0
_LAST_ANSWER_S = 0.25
_POLICY = (
    "%s has a dead-letter policy: a message that crashes, stops and lost connections hand out "
    "again too often goes to its topic, and this job does not see it again. Set "
    "max_delivery_attempts to 100 and keep a subscription on that topic, or remove the policy."
)


class SubscriptionError(RuntimeError):
    """The subscription cannot be read; the text says why."""


class PullSession:
    """Pulls `subscription` (projects/P/subscriptions/S) until it is closed.

    `extend_every_s`: how often the deadlines of its messages are extended, in seconds.
    `choose`: which messages are read; the others are kept leased until the session is closed.
    """

    def __init__(
        self,
        subscription: str,
        client: SubscriberClient | None = None,
        extend_every_s: float = EXTEND_EVERY_S,
        choose: Choose = take_all,
    ) -> None:
        self.subscription = subscription
        self._choose = choose
        self._client = client or subscriber_client()
        self._leases = Leases(subscription, self._client, extend_every_s)
        self._changed = threading.Condition()
        self._waiting: deque[Pulled] = deque()
        self._waiting_messages = 0
        self._taken: dict[str, Pulled] = {}
        self._policy_noted = False
        self._stopped = False
        self._error: SubscriptionError | None = None
        self._under_way: Any = None
        self._failures = 0
        self._reached = False
        self._busy_at = time.monotonic()
        self._acknowledgement: Future[None] | None = None
        self._acknowledging = ThreadPoolExecutor(max_workers=1, thread_name_prefix="acknowledge")
        self._thread = threading.Thread(target=self._guarded, name="pull", daemon=True)
        self._thread.start()

    @property
    def error(self) -> SubscriptionError | None:
        """Why the subscription cannot be read; None while it can."""
        return self._error

    def idle_s(self) -> float:
        """Seconds since a message last came or was given back.

        0 while messages wait to be taken, before Pub/Sub is reached, and while it is out of reach:
        nobody knows then whether the subscription is empty.
        """
        with self._changed:
            busy = self._waiting or self._failures or not self._reached
            return 0.0 if busy else time.monotonic() - self._busy_at

    def take(self, timeout_s: float) -> Pulled | None:
        """The messages of the next pull, or pulls, as many as one may hold; None when there are
        none within the time.

        Raises SubscriptionError when the subscription cannot be read.
        """
        with self._changed:
            self._changed.wait_for(self._has_something, timeout_s)
            if self._waiting and not self._stopped:
                pulled = pop_joined(self._waiting, MAX_MESSAGES_A_PULL)
                self._waiting_messages -= len(pulled.messages)
                self._taken[pulled.ack_ids[0]] = pulled
                self._changed.notify_all()
                return pulled
            if self._error is not None:
                raise self._error
            return None

    def has_again(self) -> bool:
        """Whether there is more of a bundle that failed."""
        with self._changed:
            return bool(self._waiting) and self._waiting[0].again

    def _has_something(self) -> bool:
        return bool(self._waiting) or self._stopped or self._error is not None

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Tells Pub/Sub that the messages of whole pulls are settled. Raises GoogleAPIError.

        Whatever it did not take is let go: its deadline passes, and it comes again.
        """
        self._settled(ack_ids)
        self._leases.acknowledge(ack_ids)

    def acknowledge_soon(self, ack_ids: list[str]) -> None:
        """Like `acknowledge`, by a thread of its own: the next bundle need not wait for Pub/Sub.

        Waits for the one before: where Pub/Sub is slow to take them, no more is read than it takes,
        and a stop has one of them to wait for. What it does not take is logged.
        """
        self._settled(ack_ids)
        if self._acknowledgement is not None:
            self._acknowledgement.result()
        self._acknowledgement = self._acknowledging.submit(self._acknowledge, ack_ids)

    def _settled(self, ack_ids: list[str]) -> None:
        with self._changed:
            for ack_id in ack_ids:
                self._taken.pop(ack_id, None)

    def _acknowledge(self, ack_ids: list[str]) -> None:
        try:
            self._leases.acknowledge(ack_ids)
        except GoogleAPIError as error:
            # They come again, and what is delivered twice counts once.
            _LOG.warning("Pub/Sub did not take an acknowledgement: %s", type(error).__name__)
        except Exception as error:
            _LOG.error("Acknowledging failed: %s", type(error).__name__)
            self._leases.let_go(ack_ids)

    def take_again(self) -> None:
        """Lets what was taken and not acknowledged be taken once more, before everything else.

        The messages stay here: given back, they would be worked on twice at the same time, and an
        outage would use up the delivery attempts that a subscription may set.
        """
        with self._changed:
            taken = list(self._taken.values())
            self._taken.clear()
            for pulled in taken:
                pulled.again = True
            self._waiting.extendleft(reversed(taken))
            self._waiting_messages += sum(len(pulled.messages) for pulled in taken)
            self._changed.notify_all()

    def stop(self) -> None:
        """Pulls nothing more; messages that were not taken yet go back to Pub/Sub."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            # With a call that is cancelled goes an answer that is on its way, and its messages are
            # held back until their lease ends.
            if not self._changed.wait_for(lambda: self._under_way is None, _LAST_ANSWER_S):
                self._under_way.cancel()
        # What is given back while a pull is open comes to that pull.
        self._thread.join()
        with self._changed:
            given_back = [ack_id for pulled in self._waiting for ack_id in pulled.ack_ids]
            self._waiting.clear()
            self._waiting_messages = 0
        self._leases.give_back(given_back)

    def close(self) -> None:
        """Stops, gives everything back that is not acknowledged, and ends the threads."""
        self.stop()
        self._acknowledging.shutdown()
        self._leases.close()
        self._client.close()

    def _guarded(self) -> None:
        """Pulls; a job whose reading has ended must not look like an idle one."""
        try:
            self._pull_loop()
        except Exception as error:
            _LOG.exception("Reading %s ended", self.subscription)
            self._fail(SubscriptionError(f"reading {self.subscription} ended: {error!r}"))

    def _pull_loop(self) -> None:
        while self._room():
            asked_at = time.monotonic()
            try:
                pulled = self._pull()
            except grpc.FutureCancelledError:
                continue
            except grpc.RpcError as error:
                status = error.code()
                # Our own time-out means that nothing came; a quick one is Pub/Sub failing, and so
                # is one of the first pull, which is answered at once.
                early = time.monotonic() - asked_at < _PULL_TIMEOUT_S / 2
                failing = early or not self._reached
                if status in TRANSIENT or (status in NOTHING_YET and failing):
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
        request = PullRequest(
            subscription=self.subscription,
            max_messages=MAX_MESSAGES_A_PULL,
            # Nobody can tell a pull that is held from one that is on its way. Deprecated for all
            # but this one, the first: its answer says that Pub/Sub is reached.
            return_immediately=not self._reached,
        )
        call = self._client.transport.pull.future(
            request,
            timeout=_PULL_TIMEOUT_S,
            metadata=(("x-goog-request-params", f"subscription={self.subscription}"),),
        )
        with self._changed:
            self._under_way = call
            if self._stopped:
                call.cancel()
        try:
            response = PullResponse.pb(call.result())
        finally:
            with self._changed:
                self._under_way = None
                self._changed.notify_all()
        received = response.received_messages
        if received and received[0].delivery_attempt and not self._policy_noted:
            self._policy_noted = True
            _LOG.warning(_POLICY, self.subscription)
        return pulled_of(received) if received else None

    def _back_off(self, status: grpc.StatusCode) -> None:
        with self._changed:
            self._failures += 1
            pause = min(_LONGEST_BACKOFF_S, 0.25 * 2.0 ** min(self._failures, 10))
            _LOG.warning("Pub/Sub answers %s; pulling again in %.1f s", status.name, pause)
            self._changed.wait_for(lambda: self._stopped, pause)

    def _offer(self, pulled: Pulled | None) -> None:
        messages, ack_ids, busy = (
            chosen(pulled.messages, pulled.ack_ids, self._choose) if pulled else ([], [], False)
        )
        with self._changed:
            if self._failures or busy or not self._reached:
                self._failures = 0
                self._reached = True
                self._busy_at = time.monotonic()
            if pulled is None:
                return
            stopped = self._stopped
            if not stopped:
                self._leases.hold(pulled.ack_ids)
            if messages and not stopped:
                self._waiting.append(Pulled(messages, ack_ids))
                self._waiting_messages += len(messages)
                self._changed.notify_all()
        if stopped:
            self._leases.give_back(pulled.ack_ids)

    def _fail(self, error: SubscriptionError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()
