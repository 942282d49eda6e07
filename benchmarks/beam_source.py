"""The same graph behind Beam's own Pub/Sub source on DirectRunner: `python -m
benchmarks.beam_source --endpoint URL --directory DIR`.

It runs until it is killed, as a streaming pipeline does there. The source acknowledges what it has
pulled at once, before anything of it is delivered.
"""

import argparse
from collections.abc import Iterable

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

from benchmarks.graph_run import Element, build, handed_over
from benchmarks.pubsub import SUBSCRIPTION
from transforms.records import Message


def _to_elements(message: PubsubMessage) -> Iterable[Element]:
    return handed_over([Message(message.data, message.message_id, 0.0, {})])


class BeamsOwn(beam.PTransform[PBegin, PCollection[Element]]):
    """Beam's ReadFromPubSub as a source of the graph."""

    def expand(self, input_or_inputs: PBegin) -> PCollection[Element]:
        """Reads with attributes and ids, as the product does."""
        read: PCollection[Element] = (
            input_or_inputs
            | ReadFromPubSub(subscription=SUBSCRIPTION, with_attributes=True)
            | beam.FlatMap(_to_elements).with_output_types(Element)
        )
        return read


def main() -> None:
    """Streams."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beam_source")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--directory", required=True)
    given = parser.parse_args()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=options)
    build(pipeline, BeamsOwn(), given.endpoint, given.directory)
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main()
