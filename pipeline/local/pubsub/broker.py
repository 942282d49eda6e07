"""Topics and subscriptions in memory: thread-safe, with pulls that wait for messages."""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pipeline.local.pubsub.backlog import Backlog
from pipeline.local.pubsub.errors import ResourceExistsError, ResourceNotFoundError
from pipeline.local.pubsub.limits import (
    check_new_deadline,
    check_project_name,
    check_subscription,
    check_subscription_name,
    check_topic_name,
)
from pipeline.local.pubsub.model import (
    DELETED_TOPIC,
    Consumer,
    Delivery,
    Draft,
    Message,
    SubscriptionConfig,
    SubscriptionStats,
)


class Traffic(Protocol):
    """The calls that move messages: a broker has them, or what stands before it.

    Each may raise any PubSubError.
    """

    def publish(self, topic: str, drafts: Iterable[Draft]) -> list[str]:
        """Hand messages to every subscription of the topic; returns their new ids."""

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        """Lease waiting messages; without any, wait up to ``wait_s`` seconds for the first."""

    def acknowledge(self, subscription: str, ack_ids: Iterable[str]) -> None:
        """Finish messages."""

    def modify_ack_deadline(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Let leases end ``seconds`` from now; 0 gives the messages back."""


class _Subscription:
    """A subscription, its backlog, and the condition (over the broker's lock) its pulls wait on."""

    def __init__(self, config: SubscriptionConfig, lock: threading.Lock) -> None:
        self.config = config
        self.changed = threading.Condition(lock)
        self.deleted = False
        self.backlog = Backlog(
            config.ack_deadline_s, config.enable_message_ordering, f"{uuid.uuid4().hex}-"
        )

    def expire(self, now: float) -> None:
        """End the leases that are over, and wake the pulls if that freed a message."""
        self.backlog.expire(now)
        self.wake()

    def wake(self) -> None:
        """Wake the pulls if there may be something for them."""
        if self.backlog.ready:
            self.changed.notify_all()


class Broker:
    """All topics and subscriptions of one emulator. Names are full resource names.

    Args:
        clock: seconds, never going back; the leases run by it. A test may inject its own: after
            moving it, any call on the subscription (``stats`` for one) ends the leases that are
            over and wakes the waiting pulls. How long a pull waits is real time in any case.
        wall_clock_ns: nanoseconds since the Unix epoch, for publish times and the first message id.

    Every method that takes a name raises ResourceNotFoundError when nothing has that name, and
    InvalidArgumentError when nothing can have it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock = clock
        self._wall_clock_ns = wall_clock_ns
        self._lock = threading.Lock()
        self._topics: dict[str, dict[str, _Subscription]] = {}
        self._subscriptions: dict[str, _Subscription] = {}
        # Microseconds of the start: 16 digits like the real ids, and no repeats after a restart.
        self._last_message_id = wall_clock_ns() // 1_000

    def create_topic(self, name: str) -> None:
        """Make a topic.

        Raises:
            InvalidArgumentError: the name is malformed.
            ResourceExistsError: the name is taken.
        """
        check_topic_name(name)
        with self._lock:
            if name in self._topics:
                raise ResourceExistsError(name)
            self._topics[name] = {}

    def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions keep what they have and get nothing new."""
        with self._lock:
            for subscription in self._topic(name).values():
                subscription.config = subscription.config._replace(topic=DELETED_TOPIC)
            del self._topics[name]

    def check_topic(self, name: str) -> None:
        """Raise unless the topic exists."""
        with self._lock:
            self._topic(name)

    def topics(self, project: str) -> list[str]:
        """The names of all topics of ``projects/PROJECT``, sorted."""
        check_project_name(project)
        with self._lock:
            return sorted(name for name in self._topics if name.startswith(f"{project}/"))

    def create_subscription(self, config: SubscriptionConfig) -> None:
        """Make a subscription; it gets what is published from now on.

        Raises:
            InvalidArgumentError: a malformed name, or an ack deadline outside 10 to 600 s.
            ResourceExistsError: the name is taken.
            ResourceNotFoundError: there is no such topic.
        """
        check_subscription(config)
        with self._lock:
            if config.name in self._subscriptions:
                raise ResourceExistsError(config.name)
            topic = self._topic(config.topic)
            subscription = _Subscription(config, self._lock)
            topic[config.name] = self._subscriptions[config.name] = subscription

    def delete_subscription(self, name: str) -> None:
        """Delete a subscription with its messages; waiting pulls raise ResourceNotFoundError."""
        with self._lock:
            subscription = self._subscription(name)
            del self._subscriptions[name]
            self._topics.get(subscription.config.topic, {}).pop(name, None)
            subscription.deleted = True
            subscription.changed.notify_all()

    def subscription(self, name: str) -> SubscriptionConfig:
        """The settings of a subscription."""
        with self._lock:
            return self._subscription(name).config

    def subscriptions(self, project: str) -> list[SubscriptionConfig]:
        """All subscriptions of ``projects/PROJECT``, sorted by name."""
        check_project_name(project)
        with self._lock:
            found = [
                s.config for n, s in self._subscriptions.items() if n.startswith(f"{project}/")
            ]
        return sorted(found)

    def topic_subscriptions(self, topic: str) -> list[str]:
        """The names of all subscriptions to a topic, sorted."""
        with self._lock:
            return sorted(self._topic(topic))

    def publish(self, topic: str, drafts: Iterable[Draft]) -> list[str]:
        """Hand messages to every subscription of the topic; returns their new ids, increasing."""
        with self._lock:
            subscriptions = self._topic(topic)
            now_ns = self._wall_clock_ns()
            messages = []
            for draft in drafts:
                self._last_message_id += 1
                messages.append(Message(str(self._last_message_id), *draft, now_ns))
            for subscription in subscriptions.values():
                subscription.backlog.add(messages)
                subscription.wake()
        return [message.message_id for message in messages]

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        """Lease waiting messages; without any, wait up to ``wait_s`` real seconds for the first.

        Returns an empty list when the wait is over, or as soon as the consumer is gone: nothing is
        ever handed to a consumer that was dismissed.
        """
        give_up = time.monotonic() + wait_s
        with self._lock:
            found = self._subscription(subscription)
            while consumer is None or not consumer.gone:
                now = self._clock()
                found.expire(now)
                deliveries = found.backlog.take(max_messages, now, consumer)
                left = give_up - time.monotonic()
                if deliveries or left <= 0:
                    return deliveries
                expiry = found.backlog.next_expiry()
                found.changed.wait(left if expiry is None else min(left, expiry - now))
                if found.deleted:
                    raise ResourceNotFoundError(subscription)
        return []

    def dismiss(self, subscription: str, consumer: Consumer) -> None:
        """Let a consumer's pull come back empty, now or when it begins. Never raises."""
        with self._lock:
            consumer.gone = True
            found = self._subscriptions.get(subscription)
            if found is not None:
                found.changed.notify_all()

    def acknowledge(self, subscription: str, ack_ids: Iterable[str]) -> None:
        """Finish messages. Unknown ack ids are ignored; a late one counts until redelivery."""
        with self._lock:
            found = self._subscription(subscription)
            found.backlog.acknowledge(ack_ids)
            found.wake()

    def modify_ack_deadline(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Let leases end ``seconds`` from now; 0 gives the messages back for redelivery at once.

        Unknown ack ids and ended leases are ignored.

        Raises:
            InvalidArgumentError: ``seconds`` is outside 0 to 600.
        """
        check_new_deadline(seconds)
        with self._lock:
            found = self._subscription(subscription)
            now = self._clock()
            found.backlog.expire(now)
            if seconds == 0:
                found.backlog.give_back(ack_ids)
            else:
                found.backlog.extend(ack_ids, now + seconds)
            found.wake()

    def stats(self, subscription: str) -> SubscriptionStats:
        """The counts of a subscription at this moment."""
        with self._lock:
            found = self._subscription(subscription)
            found.expire(self._clock())
            return found.backlog.stats()

    def _topic(self, name: str) -> dict[str, _Subscription]:
        found = self._topics.get(name)
        if found is None:
            check_topic_name(name)
            raise ResourceNotFoundError(name)
        return found

    def _subscription(self, name: str) -> _Subscription:
        found = self._subscriptions.get(name)
        if found is None:
            check_subscription_name(name)
            raise ResourceNotFoundError(name)
        return found
