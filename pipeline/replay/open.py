"""Open: stored dead letters -> records for the whole pipeline, and operations for the sink."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints import List

from pipeline.replay.letter import open_letter
from pipeline.sources.batches import batches
from transforms.reasons import RECEIVED
from transforms.records import Delivery, Message
from transforms.tally import Tally

_DELIVERIES = "deliveries"


class OpenedLetters(NamedTuple):
    """What the letters held."""

    messages: PCollection[list[Message]]
    deliveries: PCollection[list[Delivery]]


class _OpenDoFn(beam.DoFn):
    def __init__(self) -> None:
        self._tally = Tally()

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(self, element: list[Message]) -> Iterator[Any]:
        deliveries: list[Delivery] = []
        yield from batches(_messages(element, deliveries))
        # Records are counted where they are told apart; an operation does not come there.
        self._tally.add(RECEIVED, len(deliveries))
        if deliveries:
            yield TaggedOutput[str, list[Delivery]](_DELIVERIES, deliveries)

    def finish_bundle(self) -> None:
        self._tally.report()


def _messages(stored: Iterable[Message], deliveries: list[Delivery]) -> Iterator[Message]:
    """The records of letters, one after the other; adds the operations to `deliveries`."""
    for each in stored:
        content = open_letter(each).content
        if isinstance(content, Message):
            yield content
        else:
            deliveries.append(content)


class OpenLetters(beam.PTransform[PCollection[list[Message]], Any]):
    """Batches of messages -> OpenedLetters. A message that is no dead letter fails its bundle."""

    # Any, not OpenedLetters: Beam would read that as the elements' type.
    def expand(self, input_or_inputs: PCollection[list[Message]]) -> Any:
        apply = beam.ParDo(_OpenDoFn()).with_input_types(List[Message])
        outputs = input_or_inputs | "Apply" >> apply.with_outputs(_DELIVERIES, main="messages")
        messages: PCollection[list[Message]] = outputs["messages"]
        deliveries: PCollection[list[Delivery]] = outputs[_DELIVERIES]
        messages.element_type = List[Message]
        deliveries.element_type = List[Delivery]
        return OpenedLetters(messages, deliveries)
