"""The sink: Delivery -> Customer.io, batched within a bundle and settled before it ends.

Nothing is between the source and here that shuffles or keeps state, and the bundle does not end
before every item is taken or refused: a runner acknowledges to Pub/Sub only after that.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.components.adaptive_throttler import ThrottlingSignaler
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms.reasons import COALESCED, DELIVERED, dead_lettered, weightiest
from transforms.records import DeadLetter, Delivery
from transforms.sink.batch import Pending
from transforms.sink.keyring import Credentials
from transforms.sink.lane import Receipt
from transforms.sink.lanes import DeliveryPolicy, Lanes, acquire, release
from transforms.stage import DEAD_LETTERS
from transforms.tally import NAMESPACE, Tally

_STAGE = "deliver"
_HELD_RECORDS = 20_000
_HELD_BYTES = 32 * 1024 * 1024
"""A bundle is held back to send each person's operations in the order of their time and to fill the
requests. One that is larger than this goes out in parts, so that memory stays flat."""


class _Held:
    """A record that waits for its operations."""

    __slots__ = ("delivery", "letters", "outcomes", "timestamp", "window")

    def __init__(self, delivery: Delivery, timestamp: Timestamp, window: BoundedWindow) -> None:
        self.delivery = delivery
        self.timestamp = timestamp
        self.window = window
        self.outcomes: list[str] = list(delivery.fallen)
        self.letters: list[DeadLetter] = list(delivery.letters)


def note(receipt: Receipt, held: list[_Held], tally: Tally) -> None:
    """Writes a receipt down at the record, or records, that it settles a part of."""
    pending = receipt.pending
    owner = held[pending.owner]
    if receipt.refused is not None:
        owner.outcomes.append(dead_lettered("rejected"))
        owner.letters.append(_rejected(receipt.refused, pending, owner.delivery))
        return
    owner.outcomes.append(DELIVERED)
    tally.latencies_ms.append(max(0, receipt.at_ms - pending.time_ms))
    for part in pending.parts[:-1]:
        held[part.owner].outcomes.append(COALESCED)


def _rejected(reason: str, pending: Pending, delivery: Delivery) -> DeadLetter:
    origin = delivery.origin
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
    def __init__(self, policy: DeliveryPolicy, credentials: Credentials) -> None:
        self._policy = policy
        self._credentials = credentials

    def setup(self) -> None:
        self._lanes: Lanes = acquire(self._policy, self._credentials)
        self._signaler = ThrottlingSignaler(NAMESPACE)
        self._unsignalled_ms = 0

    def teardown(self) -> None:
        release(self._policy, self._credentials)

    def start_bundle(self) -> None:
        self._tally = Tally()
        self._held: list[_Held] = []
        self._held_bytes = 0

    def process(
        self,
        element: Delivery,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[Any]:
        self._held.append(_Held(element, timestamp, window))
        self._held_bytes += sum(len(item.body) for item in element.items)
        if len(self._held) >= _HELD_RECORDS or self._held_bytes >= _HELD_BYTES:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._flush()

    def _flush(self) -> Iterator[Any]:
        held, self._held, self._held_bytes = self._held, [], 0
        pendings = [
            Pending(item, owner, waiting.delivery.time_ms)
            for owner, waiting in enumerate(held)
            for item in waiting.delivery.items
        ]
        receipts, counts = self._lanes.deliver(pendings)
        self._tally.counts.update(counts)
        self._signal_throttled(counts["throttled_ms"])
        for receipt in receipts:
            note(receipt, held, self._tally)
        for waiting in held:
            self._tally.add(weightiest(tuple(waiting.outcomes)))
            for letter in waiting.letters:
                yield TaggedOutput[str, Any](
                    DEAD_LETTERS, WindowedValue(letter, waiting.timestamp, (waiting.window,))
                )
        self._tally.report()

    def _signal_throttled(self, milliseconds: int) -> None:
        # Autoscaling reads whole seconds: a worker that waits for the budget needs no helper.
        seconds, self._unsignalled_ms = divmod(self._unsignalled_ms + milliseconds, 1000)
        if seconds:
            self._signaler.signal_throttled(seconds)


class DeliverToCustomerIo(beam.PTransform[PCollection[Delivery], PCollection[DeadLetter]]):
    """Delivers records; gives the dead letters of operations that Customer.io refused.

    `credentials` is called on the worker and must pickle. A bundle that could not be delivered
    within `policy.retry_for_s` raises DeliveryError, and the runner tries it again.
    """

    def __init__(self, policy: DeliveryPolicy, credentials: Credentials) -> None:
        super().__init__()
        self._policy = policy
        self._credentials = credentials

    def expand(self, input_or_inputs: PCollection[Delivery]) -> PCollection[DeadLetter]:
        outputs = input_or_inputs | "Send" >> beam.ParDo(
            _DeliverDoFn(self._policy, self._credentials)
        ).with_outputs(DEAD_LETTERS, main="nothing")
        letters: PCollection[DeadLetter] = outputs[DEAD_LETTERS]
        letters.element_type = DeadLetter
        return letters
