"""Leases: Pub/Sub keeps a message for whoever pulled it, until its deadline; then it comes again.

A thread extends the deadlines of all messages that are held, for as long as they are held: also
through an outage of hours, so that nobody else works on them meanwhile and no delivery attempt of
theirs is used up.
"""

import logging
import threading
from collections.abc import Iterable

from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import SubscriberClient

_LOG = logging.getLogger(__name__)

LEASE_S = 20
"""After a crash, Pub/Sub delivers again what was in flight within this time."""
EXTEND_EVERY_S = 5.0
_IDS_A_REQUEST = 1_000
"""Pub/Sub takes requests of 512 KiB; an ack id has about 200 bytes."""
_DEADLINES_TIMEOUT_S = 5.0
_DEADLINES_RETRY = Retry(if_exception_type(ServiceUnavailable), timeout=_DEADLINES_TIMEOUT_S)
"""The client's own retry would hold up the end of the job for minutes while Pub/Sub is away."""


class Leases:
    """The messages of `subscription` that this process holds, by their ack ids.

    `extend_every_s`: how often their deadlines are extended, in seconds.
    """

    def __init__(
        self, subscription: str, client: SubscriberClient, extend_every_s: float = EXTEND_EVERY_S
    ) -> None:
        self._subscription = subscription
        self._client = client
        self._extend_every_s = extend_every_s
        self._changed = threading.Condition()
        self._held: set[str] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._extend, name="lease", daemon=True)
        self._thread.start()

    def hold(self, ack_ids: Iterable[str]) -> None:
        """Extends the deadlines of these messages from now on."""
        with self._changed:
            self._held.update(ack_ids)

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Tells Pub/Sub that these messages are settled. Raises GoogleAPIError.

        Whatever it did not take is let go: its deadline passes, and it comes again.
        """
        try:
            for some in _chunks(ack_ids):
                self._client.acknowledge(subscription=self._subscription, ack_ids=some)
        finally:
            self._let_go(ack_ids)

    def give_back(self, ack_ids: list[str]) -> None:
        """Lets go of messages, so that they come again at once, to whoever pulls."""
        self._let_go(ack_ids)
        self._set_deadline(ack_ids, 0)

    def close(self) -> None:
        """Gives everything back that is still held, and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        # First the thread, which may be extending what is given back.
        self._thread.join()
        self.give_back(list(self._held))

    def _let_go(self, ack_ids: list[str]) -> None:
        with self._changed:
            self._held.difference_update(ack_ids)

    def _extend(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed, self._extend_every_s)
                if self._closed:
                    return
                held = list(self._held)
            self._set_deadline(held, LEASE_S)

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        try:
            for some in _chunks(ack_ids):
                self._client.modify_ack_deadline(
                    subscription=self._subscription,
                    ack_ids=some,
                    ack_deadline_seconds=seconds,
                    retry=_DEADLINES_RETRY,
                    timeout=_DEADLINES_TIMEOUT_S,
                )
        except Exception as error:
            # No harm: the deadline passes, and what is delivered twice counts once.
            _LOG.info("Pub/Sub did not change deadlines: %s", type(error).__name__)


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_A_REQUEST] for start in range(0, len(ids), _IDS_A_REQUEST)]
