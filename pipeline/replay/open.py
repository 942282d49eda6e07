"""Open: stored dead letters -> records for the whole pipeline, and operations for the sink."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from pipeline.replay.letter import open_letter
from transforms.reasons import RECEIVED
from transforms.records import Delivery, Message
from transforms.tally import Tally

_DELIVERIES = "deliveries"


class OpenedLetters(NamedTuple):
    """What the letters held."""

    messages: PCollection[Message]
    deliveries: PCollection[Delivery]


class _OpenDoFn(beam.DoFn):
    def __init__(self) -> None:
        self._tally = Tally()

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(self, element: Message, *_args: Any, **_kwargs: Any) -> Iterator[Any]:
        content = open_letter(element).content
        if isinstance(content, Delivery):
            # Records are counted where they are told apart; an operation does not come there.
            self._tally.add(RECEIVED)
            yield TaggedOutput[str, Delivery](_DELIVERIES, content)
        else:
            yield content

    def finish_bundle(self) -> None:
        self._tally.report()


class OpenLetters(beam.PTransform[PCollection[Message], Any]):
    """Message -> OpenedLetters. A message that is no dead letter fails its bundle."""

    # Any, not OpenedLetters: Beam would read that as the elements' type.
    def expand(self, input_or_inputs: PCollection[Message]) -> Any:
        apply = beam.ParDo(_OpenDoFn()).with_input_types(Message)
        outputs = input_or_inputs | "Apply" >> apply.with_outputs(_DELIVERIES, main="messages")
        messages: PCollection[Message] = outputs["messages"]
        deliveries: PCollection[Delivery] = outputs[_DELIVERIES]
        messages.element_type = Message
        deliveries.element_type = Delivery
        return OpenedLetters(messages, deliveries)
