"""Whatever clients do: a message is delivered until it is acked, and is in one state at a time."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pipeline.local.pubsub import Broker, Delivery, Draft, SubscriptionConfig

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
ACK_DEADLINE_S = 10


@dataclass
class Lease:
    """What the model knows of a delivery that is not over."""

    message_id: str
    ends: float


class PubSubMachine(RuleBasedStateMachine):
    """Drives a broker and a small model of it with the same steps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.broker = Broker(clock=lambda: self.now)
        self.ordered = False
        self.keys: dict[str, str] = {}
        self.acked: set[str] = set()
        self.leases: dict[str, Lease] = {}
        self.late: dict[str, str] = {}
        self.deliveries = 0
        self.seen: set[str] = set()

    @initialize(ordered=st.booleans())
    def make(self, ordered: bool) -> None:
        self.ordered = ordered
        self.broker.create_topic(TOPIC)
        self.broker.create_subscription(
            SubscriptionConfig(SUBSCRIPTION, TOPIC, ACK_DEADLINE_S, ordered)
        )

    @rule(keys=st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=6))
    def publish(self, keys: list[str]) -> None:
        message_ids = self.broker.publish(TOPIC, [Draft(b"x", {}, key) for key in keys])
        assert sorted(message_ids, key=int) == message_ids
        self.keys.update(zip(message_ids, keys, strict=True))

    @rule(limit=st.integers(1, 5))
    def pull(self, limit: int) -> None:
        self.expire()
        deliveries = self.broker.pull(SUBSCRIPTION, limit)
        assert len(deliveries) <= limit
        self.check_deliveries(deliveries)

    def check_deliveries(self, deliveries: list[Delivery]) -> None:
        together: set[str] = set()
        for delivery in deliveries:
            self.check_delivery(delivery, together)
            together.add(delivery.message.message_id)

    def check_delivery(self, delivery: Delivery, together: set[str]) -> None:
        message_id = delivery.message.message_id
        assert message_id in self.keys
        assert message_id not in self.acked
        assert message_id not in {lease.message_id for lease in self.leases.values()}
        assert delivery.ack_id not in self.leases
        assert delivery.ack_id not in self.late
        self.late = {a: m for a, m in self.late.items() if m != message_id}
        self.leases[delivery.ack_id] = Lease(message_id, self.now + ACK_DEADLINE_S)
        self.deliveries += 1
        self.seen.add(message_id)
        key = self.keys[message_id]
        if self.ordered and key:
            earlier = {m for m, k in self.keys.items() if k == key and int(m) < int(message_id)}
            assert earlier <= self.acked | together

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        for ack_id in self.choose(data, [*self.leases, *self.late, "unknown"]):
            self.broker.acknowledge(SUBSCRIPTION, [ack_id])
            lease = self.leases.pop(ack_id, None)
            message_id = lease.message_id if lease else self.late.pop(ack_id, None)
            if message_id is not None:
                self.acked.add(message_id)

    @rule(data=st.data(), seconds=st.sampled_from([0, 1, 30]))
    def modify(self, data: st.DataObject, seconds: int) -> None:
        self.expire()
        ack_ids = self.choose(data, [*self.leases, *self.late, "unknown"])
        self.broker.modify_ack_deadline(SUBSCRIPTION, ack_ids, seconds)
        for ack_id in ack_ids:
            if ack_id in self.leases and seconds:
                self.leases[ack_id].ends = self.now + seconds
            elif ack_id in self.leases:
                self.end_lease(ack_id)

    @rule(seconds=st.sampled_from([0.5, 5.0, 10.0, 31.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds
        self.expire()

    def expire(self) -> None:
        for ack_id, lease in list(self.leases.items()):
            if lease.ends <= self.now and ack_id in self.leases:
                self.end_lease(ack_id)

    def end_lease(self, ack_id: str) -> None:
        message_id = self.leases.pop(ack_id).message_id
        self.late[ack_id] = message_id
        key = self.keys[message_id]
        for later_id, lease in list(self.leases.items()):
            same_key = self.ordered and key and self.keys[lease.message_id] == key
            if same_key and int(lease.message_id) > int(message_id):
                self.late[later_id] = self.leases.pop(later_id).message_id

    def choose(self, data: st.DataObject, ack_ids: list[str]) -> list[str]:
        return data.draw(st.lists(st.sampled_from(ack_ids), unique=True, max_size=4))

    @invariant()
    def counts_agree(self) -> None:
        if not self.keys:
            return
        stats = self.broker.stats(SUBSCRIPTION)
        assert stats.published == len(self.keys)
        assert stats.acked == len(self.acked)
        assert stats.outstanding == len(self.leases)
        assert stats.undelivered == len(self.keys) - len(self.acked) - len(self.leases)
        assert stats.redelivered == self.deliveries - len(self.seen)

    def teardown(self) -> None:
        """What was never acked is delivered in the end, and only that."""
        if not self.keys:
            return
        self.now += 1_000
        self.expire()
        left = set(self.keys) - self.acked
        while deliveries := self.broker.pull(SUBSCRIPTION, 3):
            self.check_deliveries(deliveries)
            for delivery in deliveries:
                left.remove(delivery.message.message_id)
                self.broker.acknowledge(SUBSCRIPTION, [delivery.ack_id])
                self.acked.add(self.leases.pop(delivery.ack_id).message_id)
        assert not left
        self.counts_agree()


TestPubSubInvariants = PubSubMachine.TestCase
TestPubSubInvariants.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
