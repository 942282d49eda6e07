"""The sink: Delivery -> Customer.io, batched within a bundle and settled before it ends.

Nothing is between the source and here that shuffles or keeps state, and the bundle does not end
before every item is taken or refused: a runner acknowledges to Pub/Sub only after that.
"""

from typing import Any

import apache_beam as beam
from apache_beam.io.components.adaptive_throttler import ThrottlingSignaler
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.typehints import List
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from msgspec import Struct

from transforms.reasons import COALESCED, DELIVERED, dead_lettered, weightiest
from transforms.records import DeadLetter, Delivery, Origin
from transforms.sink.batch import Pending
from transforms.sink.keyring import Credentials
from transforms.sink.lane import Receipt
from transforms.sink.lanes import DeliveryPolicy, Lanes, acquire, release
from transforms.sink.shipment import Shipment
from transforms.stage import DEAD_LETTERS
from transforms.tally import LATE_MS, NAMESPACE, Tally

_STAGE = "deliver"
PART_ITEMS = 10_000
PART_BYTES = 16 * 1024 * 1024
"""A bundle is held back to send each person's operations in the order of their time and to fill the
requests. One that is larger than this goes out in parts, so that memory stays flat."""


class Waiting(Struct, gc=False):
    """A record that waits for its operations."""

    origin: Origin
    timestamp: Timestamp
    window: BoundedWindow
    left: int
    """Operations that nothing has become of yet."""
    outcomes: tuple[str, ...]
    letters: tuple[DeadLetter, ...]

    def settle(self, outcome: str) -> bool:
        """Notes what became of one of its operations; True when that was the last one."""
        self.outcomes += (outcome,)
        self.left -= 1
        return self.left == 0


def _rejected(reason: str, pending: Pending, origin: Origin) -> DeadLetter:
    return DeadLetter(
        reason="rejected",
        detail=reason,
        stage=_STAGE,
        kind="operation",
        message_id=origin.message_id,
        publish_time=origin.publish_time,
        attributes=origin.attributes,
        operation=pending.item.operation,
        history=origin.history,
    )


class _DeliverDoFn(beam.DoFn):
    batched = False

    def __init__(self, policy: DeliveryPolicy, credentials: Credentials) -> None:
        self._policy = policy
        self._credentials = credentials

    def setup(self) -> None:
        self._lanes: Lanes = acquire(self._policy, self._credentials)
        self._signaler = ThrottlingSignaler(NAMESPACE)
        self._unsignalled_ms = 0
        self._shipment: Shipment | None = None

    def teardown(self) -> None:
        release(self._policy, self._credentials)

    def start_bundle(self) -> None:
        if self._shipment is not None:
            # Of a bundle that failed in another stage.
            self._shipment.abandon()
        self._shipment = self._lanes.begin()
        self._tally = Tally()
        self._part: list[Pending] = []
        self._part_bytes = 0

    def process(
        self,
        element: Any,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> list[Any]:
        letters: list[Any] = []
        part, size = self._part, self._part_bytes
        for delivery in element if self.batched else (element,):
            items = delivery.items
            waiting = Waiting(
                delivery.origin, timestamp, window, len(items), delivery.fallen, delivery.letters
            )
            person_ms = delivery.person_time_ms
            for item in items:
                # Remembered values leave in the order in which they were worked out, which is that
                # of the person's times, not that of the records'.
                time_ms = person_ms if person_ms and item.identify else delivery.time_ms
                part.append(Pending(item, waiting, time_ms))
                size += len(item.body)
            if not items:
                letters += self._end(waiting)
            if size >= PART_BYTES or len(part) >= PART_ITEMS:
                letters += self._send(last=False)
                part, size = self._part, 0
        self._part_bytes = size
        return letters

    def finish_bundle(self) -> list[Any]:
        letters = self._send(last=True)
        counts = self._sent.counts()
        self._tally.counts.update(counts)
        self._signal_throttled(counts["throttled_ms"])
        self._tally.report()
        self._shipment = None
        return letters

    @property
    def _sent(self) -> Shipment:
        assert self._shipment is not None
        return self._shipment

    def _send(self, *, last: bool) -> list[Any]:
        """Sends a part; gives the dead letters of what was settled meanwhile."""
        part, self._part, self._part_bytes = self._part, [], 0
        self._sent.send(part, last=last)
        letters: list[Any] = []
        for receipt in self._sent.receipts():
            letters += self._note(receipt)
        self._tally.report_latencies()
        return letters

    def _note(self, receipt: Receipt) -> list[Any]:
        """Writes down what a receipt settles; gives the dead letters of the records that end."""
        letters: list[Any] = []
        at_ms = receipt.at_ms
        delivered = 0
        for pending in receipt.taken:
            waiting = pending.owner
            if waiting.left == 1 and not waiting.outcomes and not pending.parts:
                # Nearly all records are one operation, and that is taken.
                waiting.left = 0
                delivered += 1
                continue
            for part in pending.parts[:-1]:
                if part.owner.settle(COALESCED):
                    letters += self._end(part.owner)
            if waiting.settle(DELIVERED):
                letters += self._end(waiting)
        self._tally.add(DELIVERED, delivered)
        latencies_ms = [
            at_ms - each.time_ms if each.time_ms < at_ms else 0 for each in receipt.taken
        ]
        self._tally.latencies_ms += latencies_ms
        self._tally.add("late", sum(map(LATE_MS.__lt__, latencies_ms)))
        for pending, reason in receipt.refused:
            waiting = pending.owner
            waiting.letters += (_rejected(reason, pending, waiting.origin),)
            if waiting.settle(dead_lettered("rejected")):
                letters += self._end(waiting)
        return letters

    def _end(self, waiting: Waiting) -> list[Any]:
        """Counts a record that is settled; gives its dead letters."""
        self._tally.add(weightiest(waiting.outcomes))
        return [
            TaggedOutput[str, Any](
                DEAD_LETTERS, WindowedValue(letter, waiting.timestamp, (waiting.window,))
            )
            for letter in waiting.letters
        ]

    def _signal_throttled(self, milliseconds: int) -> None:
        # Autoscaling reads whole seconds: a worker that waits for the budget needs no helper.
        seconds, self._unsignalled_ms = divmod(self._unsignalled_ms + milliseconds, 1000)
        if seconds:
            self._signaler.signal_throttled(seconds)


class DeliverToCustomerIo(beam.PTransform[PCollection[Any], PCollection[DeadLetter]]):
    """Delivers records, one by one or in batches; gives the dead letters of operations that
    Customer.io refused.

    `credentials` is called on the worker and must pickle. A bundle that could not be delivered
    within `policy.retry_for_s` raises DeliveryError, and the runner tries it again.
    """

    def __init__(self, policy: DeliveryPolicy, credentials: Credentials) -> None:
        super().__init__()
        self._policy = policy
        self._credentials = credentials

    def expand(self, input_or_inputs: PCollection[Any]) -> PCollection[DeadLetter]:
        fn = _DeliverDoFn(self._policy, self._credentials)
        fn.batched = input_or_inputs.element_type == List[Delivery]
        outputs = input_or_inputs | "Send" >> beam.ParDo(fn).with_outputs(
            DEAD_LETTERS, main="nothing"
        )
        letters: PCollection[DeadLetter] = outputs[DEAD_LETTERS]
        letters.element_type = DeadLetter
        return letters
