"""Reading for a dry run: in the bundles of the job, and without ever acknowledging."""

import logging
import time
from collections.abc import Callable, Iterator
from enum import Enum

from msgspec import Struct

from pipeline.sources.files import FileReadError, read_messages
from pipeline.sources.session import PullSession, SubscriptionError
from pipeline.sources.sessions import close_session, session_of
from pipeline.sources.subscription import PULLS_A_BUNDLE, SubscriptionReader, is_idle
from pipeline.stop import STOP
from transforms.records import Message

_LOG = logging.getLogger(__name__)


class End(Enum):
    """Why the reading ended."""

    TIME = "the time was over"
    RECORDS = "enough records were seen"
    IDLE = "the subscription was empty"
    ALL = "all files were read"
    STOPPED = "it was told to stop"
    FAILED = "the reading failed; the log says why"


class Bounds(Struct, frozen=True):
    """How much is looked at, None: no bound."""

    seconds: float | None
    records: int | None
    idle_s: float | None = None
    """Of a subscription: end when it has been empty for so long."""


Take = Callable[[Message], int]
"""Looks at a message; returns the records seen so far, those of all messages."""


class Reading:
    """Gives messages to `take` until a bound is reached, and says where a bundle ends."""

    def __init__(self, bounds: Bounds, take: Take, end_bundle: Callable[[], None]) -> None:
        self._bounds = bounds
        self._take = take
        self._end_bundle = end_bundle
        self._began = time.monotonic()
        self._records = 0
        self.again = 0
        """Messages that came a second time while they were held."""

    def _over(self) -> End | None:
        seconds, records = self._bounds.seconds, self._bounds.records
        if STOP.is_set():
            return End.STOPPED
        if records is not None and self._records >= records:
            return End.RECORDS
        if seconds is not None and time.monotonic() - self._began >= seconds:
            return End.TIME
        return None

    def _give(self, messages: Iterator[Message]) -> End | None:
        """Gives messages until there are no more or a bound is reached."""
        for message in messages:
            self._records = self._take(message)
            end = self._over()
            if end is not None:
                return end
        return None

    def files(self, paths: list[str]) -> End:
        """Reads files; each is a bundle, as it is in the job."""
        failed = False
        for path in paths:
            end = self._over()
            try:
                end = end or self._give(read_messages(path, STOP.is_set))
            except FileReadError as error:
                _LOG.error("%s", error)
                failed = True
            self._end_bundle()
            if end is not None:
                return end
        return End.FAILED if failed else End.STOPPED if STOP.is_set() else End.ALL

    def subscription(self, name: str) -> End:
        """Pulls a subscription. All messages stay leased until the end, then they are given back.

        They are given back by `modify_ack_deadline` 0; what a process that was killed held comes
        again when its leases end.
        """
        session = session_of(name)
        try:
            return self._pull(session)
        except SubscriptionError as error:
            _LOG.error("%s", error)
            return End.FAILED
        finally:
            close_session(name)

    def _pull(self, session: PullSession) -> End:
        seen: set[int] = set()
        while True:
            # Asked for bundle by bundle, as Beam asks it. No checkpoint of its is ever finalised.
            reader = SubscriptionReader(session, self._bounds.idle_s)
            end: End | None = None
            for _ in range(PULLS_A_BUNDLE):
                if not reader.advance():
                    break
                messages = reader.get_current()
                end = self._give(self._new(messages, seen))
                # The session keeps what was taken, to lease it; its text is not needed any more.
                messages.clear()
                if end is not None:
                    break
            self._end_bundle()
            end = end or self._over()
            if end is not None:
                return end
            if self._bounds.idle_s is not None and is_idle(session, self._bounds.idle_s):
                return End.IDLE

    def _new(self, messages: list[Message], seen: set[int]) -> Iterator[Message]:
        """Those that were not seen yet: a lease that was lost makes a message come again."""
        for message in messages:
            key = hash(message.message_id)
            if key in seen:
                self.again += 1
            else:
                seen.add(key)
                yield message
