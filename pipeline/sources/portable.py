"""Pub/Sub on an engine of many workers: several readers of one subscription, spread over them.

An engine may send a restriction where the key of its element belongs (Flink does), and all
restrictions that a source splits into have the same element. So each reader is an element here.
"""

import apache_beam as beam
from apache_beam.io import unbounded_source
from apache_beam.pvalue import PBegin, PCollection

from pipeline.sources.subscription import SubscriptionSource, unpacked
from transforms.records import Message

READERS_A_WORKER = 4
"""A hash spreads them: with one each, some workers would have none."""
PULLS_A_BUNDLE = 4
"""Of each reader. A bundle of Flink's may hold those of all readers of a worker."""
_POLL_S = 1.0
_MAX_READ_TIME_S = 1.0


class ReadOnWorkers(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of a subscription in batches, acknowledged when the engine finalises their bundle.

    `workers`: as many are to have readers.
    """

    def __init__(self, subscription: str, workers: int) -> None:
        super().__init__()
        self._sources = [
            SubscriptionSource(subscription, number=number)
            for number in range(workers * READERS_A_WORKER)
        ]

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        # ReadFromUnboundedSource takes one source alone; this is what it does with it.
        read = unbounded_source._ReadFromUnboundedSourceDoFn(  # noqa: SLF001
            _POLL_S, PULLS_A_BUNDLE, _MAX_READ_TIME_S
        )
        pulls: PCollection[list[Message]] = (
            input_or_inputs
            | "Readers" >> beam.Create(self._sources, reshuffle=False)
            | "Pull" >> beam.ParDo(read)
        )
        return unpacked(pulls)
