"""Several readers of a subscription: spread over an engine's workers, and without an end."""

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.utils.timestamp import MAX_TIMESTAMP

from pipeline.sources import subscription
from pipeline.sources.portable import READERS_A_WORKER, ReadOnWorkers
from pipeline.sources.sessions import close_session
from pipeline.sources.subscription import SubscriptionSource
from tests.pipeline.conftest import SUBSCRIPTION, PubSub

pytestmark = pytest.mark.usefixtures("fresh_process")


class CreatedValues(PipelineVisitor):
    """Collects the elements that a pipeline begins with."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        if isinstance(transform_node.transform, beam.Create):
            self.values += transform_node.transform.values


def test_every_reader_is_an_element_with_a_key_of_its_own() -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(["--streaming"]))
    _ = pipeline | "Read" >> ReadOnWorkers(SUBSCRIPTION, workers=3)
    created = CreatedValues()
    pipeline.visit(created)
    coder = coders.PickleCoder()
    keys = {coder.encode(source) for source in created.values}
    assert len(keys) == 3 * READERS_A_WORKER


@pytest.mark.parametrize(
    ("number", "ends"),
    [pytest.param(None, True, id="alone"), pytest.param(0, False, id="among several")],
)
def test_only_a_reader_that_is_alone_ends_with_its_generation(
    number: int | None, ends: bool, pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "BUNDLES_A_GENERATION", 1)
    pub_sub.put("a")
    reader = SubscriptionSource(SUBSCRIPTION, number=number).create_reader(None, None)
    reader.get_checkpoint_mark()
    reader.advance()
    assert (reader.get_watermark() == MAX_TIMESTAMP) is ends
    close_session(SUBSCRIPTION)
