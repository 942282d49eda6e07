"""Dead letters in a subscription of their topic: which are taken, and which stay in Pub/Sub."""

from collections.abc import Iterator
from datetime import UTC, datetime

from google.api_core.exceptions import GoogleAPIError, NotFound, PermissionDenied
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient

from pipeline.replay.choice import Choice
from pipeline.replay.left import Left
from pipeline.replay.letter import Letter, NotALetterError, open_letter
from pipeline.sources.choice import Fate
from pipeline.sources.sessions import close_session, session_of
from pipeline.sources.subscription import is_idle
from pipeline.stop import STOP
from transforms.records import Message

_LOOK_UP_TIMEOUT_S = 30.0
_LISTED = 10
_WAIT_S = 0.5


class SourceError(Exception):
    """There is nothing that can be read; the text says what to do."""


class Sorter:
    """Tells what a replay does with each message of the subscription.

    A letter that failed after `began` (with a zone) is left to the next replay: it may be one that
    this replay made, for the topic that it reads.
    """

    def __init__(self, choice: Choice, began: datetime, left: Left) -> None:
        self._choice = choice
        # Letters tell milliseconds.
        self._began = began.replace(microsecond=began.microsecond // 1000 * 1000)
        self._left = left
        self._seen: set[str] = set()

    def __call__(self, message: Message) -> Fate:
        """What becomes of a message. One that comes again is counted once."""
        new = message.message_id not in self._seen
        try:
            letter = open_letter(message)
        except NotALetterError as error:
            self._seen.add(message.message_id)
            if new:
                self._left.note_damaged(f"message {message.message_id}", error)
            return Fate.LEAVE
        later = letter.failed_at >= self._began
        if not later and self._choice.takes(letter):
            return Fate.TAKE
        self._seen.add(message.message_id)
        self._left.later += new and later
        self._left.unmatched += new and not later
        return Fate.IGNORE if later else Fate.LEAVE


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def letters_of_subscription(subscription: str, idle_s: float) -> Iterator[Letter]:
    """The letters that a subscription's chooser takes, until it has been idle for `idle_s`.

    Nothing is acknowledged: all of them are given back in the end. Raises SubscriptionError.
    """
    session = session_of(subscription)
    try:
        while not STOP.is_set() and not is_idle(session, idle_s):
            pulled = session.take(_WAIT_S)
            if pulled is not None:
                yield from map(open_letter, pulled.messages)
    finally:
        close_session(subscription)


def subscription_of(topic: str) -> str:
    """The one subscription of a topic, projects/P/topics/T. Raises SourceError."""
    try:
        client = PublisherClient()
        try:
            found = sorted(
                client.list_topic_subscriptions(
                    request={"topic": topic}, retry=None, timeout=_LOOK_UP_TIMEOUT_S
                )
            )
        finally:
            client.stop()
            client.transport.close()
    except NotFound:
        raise SourceError(f"there is no topic {topic}; check its name") from None
    except PermissionDenied:
        raise SourceError(
            f"the subscriptions of {topic} may not be listed: grant roles/pubsub.viewer to this "
            "account, or name a subscription: --from projects/P/subscriptions/S"
        ) from None
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SourceError(
            f"the subscriptions of {topic} cannot be looked up ({type(error).__name__}); see that "
            "Pub/Sub can be reached, or name a subscription: --from projects/P/subscriptions/S"
        ) from None
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise SourceError(
            f"{topic} has no subscription, and a topic keeps nothing without one: what it was "
            "given so far is gone. Create a subscription for the letters to come, and replay from "
            "that"
        )
    names = ", ".join(found[:_LISTED]) + (" and more" if len(found) > _LISTED else "")
    raise SourceError(
        f"{topic} has {len(found)} subscriptions, each with all letters: name the one to read "
        f"(--from projects/P/subscriptions/S): {names}"
    )
