"""Leases: Pub/Sub keeps a message for whoever pulled it, until its deadline; then it comes again.

A thread extends the deadlines of all messages that are held, for as long as they are held: also
through an outage of hours, so that nobody else works on them meanwhile and no delivery attempt of
theirs is used up.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from google.api_core.exceptions import (
    Aborted,
    DeadlineExceeded,
    GoogleAPIError,
    InternalServerError,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
    Unknown,
)
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import AcknowledgeRequest, ModifyAckDeadlineRequest

_LOG = logging.getLogger(__name__)

LEASE_S = 60
"""After a crash, Pub/Sub delivers again what was in flight within this time. So long it may be out
of reach, too, without a delivery attempt being used up."""
EXTEND_EVERY_S = 5.0
_IDS_A_REQUEST = 1_000
"""Pub/Sub takes requests of 512 KiB; an ack id has about 200 bytes."""
_TIMEOUT_S = 5.0
_RETRY = Retry(if_exception_type(ServiceUnavailable), timeout=_TIMEOUT_S)
"""The client's own retry would hold up bundles, and the end of the job, while Pub/Sub is away."""
_AWAY = (ServiceUnavailable, RetryError)
_TRANSIENT = (*_AWAY, Aborted, DeadlineExceeded, InternalServerError, TooManyRequests, Unknown)
"""After these, nobody knows whether the call was carried out: it is made again."""
MAX_SETTLED = 100_000
"""Acknowledgements that wait for Pub/Sub; of more, the oldest are given up and come again."""


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
        self._settled: dict[str, None] = {}
        """Of those that are held: acknowledged, but Pub/Sub has not taken that yet."""
        self._closed = False
        self._thread = threading.Thread(target=self._extend, name="lease", daemon=True)
        self._thread.start()

    def hold(self, ack_ids: Iterable[str]) -> None:
        """Extends the deadlines of these messages from now on."""
        with self._changed:
            self._held.update(ack_ids)

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Tells Pub/Sub that these messages are settled.

        While Pub/Sub is away or fails, they stay leased, and it is told again every few seconds:
        let go, all of them would be delivered a second time.

        Raises:
            GoogleAPIError: it refuses for good; these messages are let go, and come again.
        """
        untaken, refusal = self._tell(ack_ids)
        with self._changed:
            self._held.difference_update(set(ack_ids).difference(untaken))
            self._settled.update(dict.fromkeys(untaken))
            while len(self._settled) > MAX_SETTLED:
                oldest = next(iter(self._settled))
                del self._settled[oldest]
                self._held.discard(oldest)
        if untaken:
            _LOG.warning("Pub/Sub did not take %d acknowledgements yet", len(untaken))
        if refusal is not None:
            raise refusal

    def _tell(self, ack_ids: list[str]) -> tuple[list[str], GoogleAPIError | None]:
        """Acknowledges; returns what to tell again, and why the others that failed never will."""
        untaken: list[str] = []
        refusal: GoogleAPIError | None = None
        chunks = _chunks(ack_ids)
        for number, some in enumerate(chunks):
            try:
                self._client.acknowledge(
                    request=_request(
                        AcknowledgeRequest, subscription=self._subscription, ack_ids=some
                    ),
                    retry=_RETRY,
                    timeout=_TIMEOUT_S,
                )
            except _AWAY:
                return untaken + [each for rest in chunks[number:] for each in rest], refusal
            except _TRANSIENT:
                untaken += some
            except GoogleAPIError as error:
                refusal = error
        return untaken, refusal

    def _tell_again(self) -> None:
        with self._changed:
            settled = list(self._settled)
        untaken, refusal = self._tell(settled)
        with self._changed:
            for ack_id in set(settled).difference(untaken):
                self._settled.pop(ack_id, None)
                self._held.discard(ack_id)
        if refusal is not None:
            _LOG.warning("Pub/Sub refuses acknowledgements: %s", type(refusal).__name__)

    def give_back(self, ack_ids: list[str]) -> None:
        """Lets go of messages, so that they come again at once, to whoever pulls."""
        self.let_go(ack_ids)
        self._set_deadline(ack_ids, 0)

    def close(self) -> None:
        """Gives everything back that is still held, and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        # First the thread, which may be extending what is given back.
        self._thread.join()
        self._tell_again()
        # What is settled and still not told is not given back: it would come again at once.
        self.give_back(list(self._held.difference(self._settled)))

    def let_go(self, ack_ids: list[str]) -> None:
        """Extends these messages no more: they come again when their deadline passes."""
        with self._changed:
            self._held.difference_update(ack_ids)

    def _extend(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed, self._extend_every_s)
                if self._closed:
                    return
            self._tell_again()
            with self._changed:
                held = list(self._held)
            self._set_deadline(held, LEASE_S)

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        for some in _chunks(ack_ids):
            try:
                self._client.modify_ack_deadline(
                    request=_request(
                        ModifyAckDeadlineRequest,
                        subscription=self._subscription,
                        ack_ids=some,
                        ack_deadline_seconds=seconds,
                    ),
                    retry=_RETRY,
                    timeout=_TIMEOUT_S,
                )
            except Exception as error:
                # No harm: the deadline passes, and what is delivered twice counts once. One id that
                # an exactly-once subscription refuses must not cost the leases of the others.
                _LOG.info("Pub/Sub did not change deadlines: %s", type(error).__name__)
                if isinstance(error, _AWAY):
                    return


def _request(kind: Any, **fields: Any) -> Any:
    """A request, made by protobuf itself: by proto-plus, each id takes 60 times as long."""
    return kind.wrap(kind.pb()(**fields))


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_A_REQUEST] for start in range(0, len(ids), _IDS_A_REQUEST)]
