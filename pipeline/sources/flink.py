"""Pub/Sub on Flink: several readers of one subscription, spread over the TaskManagers.

Flink sends a restriction where the key of its element belongs, and all restrictions that a source
splits into have the same element. So each reader is an element of its own here.
"""

import apache_beam as beam
from apache_beam.io import unbounded_source
from apache_beam.pvalue import PBegin, PCollection

from pipeline.sources.subscription import SubscriptionSource, unpacked
from transforms.records import Message

READERS_A_SUBTASK = 4
"""By a hash they may be spread unevenly: with one each, some subtasks would have none."""
PULLS_A_BUNDLE = 10
"""Of each reader. A bundle of Flink's may hold those of all readers of a subtask."""
_POLL_S = 0.2
_MAX_READ_TIME_S = 1.0


class ReadOnFlink(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of a subscription in batches, acknowledged when a checkpoint of Flink completes
    that comes after the end of their bundle.

    `subtasks`: the parallelism of the job.
    """

    def __init__(self, subscription: str, subtasks: int) -> None:
        super().__init__()
        self._sources = [
            SubscriptionSource(subscription, number=number)
            for number in range(subtasks * READERS_A_SUBTASK)
        ]

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        # ReadFromUnboundedSource takes one source; this is what it does with it.
        read = unbounded_source._ReadFromUnboundedSourceDoFn(  # noqa: SLF001
            _POLL_S, PULLS_A_BUNDLE, _MAX_READ_TIME_S
        )
        pulls: PCollection[list[Message]] = (
            input_or_inputs
            | "Readers" >> beam.Create(self._sources, reshuffle=False)
            | "Pull" >> beam.ParDo(read)
        )
        return unpacked(pulls)
