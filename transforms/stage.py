"""The thin Beam shell that every transform shares: adapt, count, tag."""

from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from transforms.deadletter import dead_letter, dead_letter_of_input
from transforms.records import DeadLetter, Message, Record, Settled
from transforms.stack import stack
from transforms.tally import Tally

DEAD_LETTERS = "dead_letters"
PASSED = "passed"

In = TypeVar("In")
Out = TypeVar("Out")


class StageOutput(NamedTuple):
    """What a transform returns: the elements that go on, and the dead letters."""

    passed: PCollection[Any]
    dead_letters: PCollection[DeadLetter]


class StageDoFn(beam.DoFn, Generic[In, Out]):
    """Runs a pure function over each element; settles a record whose function raised."""

    stage: str
    """The stage's name in dead letters."""
    tally: Tally
    """The counts of the bundle under way."""

    def step(self, element: In) -> list[Out | Settled]:
        """What becomes of an element: the stage's pure function, bound to its settings."""
        raise TypeError(f"{type(self).__name__} has no step for {type(element).__name__}")

    def start_bundle(self) -> None:
        self.tally = Tally()

    def process(self, element: In, *_args: Any, **_kwargs: Any) -> Iterator[Any]:
        try:
            results = self.step(element)
        except Exception as error:
            results = [internal_error(error, element, stage=self.stage)]
        for result in results:
            if type(result) is Settled:
                self.tally.add(result.outcome)
                if result.letter is not None:
                    yield TaggedOutput[str, DeadLetter](DEAD_LETTERS, result.letter)
            else:
                yield result

    def finish_bundle(self) -> None:
        self.tally.report()


class Stage(beam.PTransform[PCollection[Any], Any]):
    """A transform around one StageDoFn: takes one type, gives a StageOutput of another."""

    def __init__(self, fn: StageDoFn[Any, Any], takes: type, gives: type) -> None:
        super().__init__()
        self._fn = fn
        self._takes = takes
        self._gives = gives

    # Any, not StageOutput: Beam would read that as the elements' type.
    def expand(self, input_or_inputs: PCollection[Any]) -> Any:
        apply = beam.ParDo(self._fn).with_input_types(self._takes)
        outputs = input_or_inputs | "Apply" >> apply.with_outputs(DEAD_LETTERS, main=PASSED)
        passed: PCollection[Any] = outputs[PASSED]
        letters: PCollection[DeadLetter] = outputs[DEAD_LETTERS]
        passed.element_type = self._gives
        letters.element_type = DeadLetter
        return StageOutput(passed, letters)


def internal_error(error: Exception, element: Any, *, stage: str) -> Settled:
    """The dead letter of an element on which our own code raised.

    The detail names the places in the code, never the exception's text: that may hold the
    customer's data or more.
    """
    detail = stack(error)
    if isinstance(element, Message):
        return dead_letter_of_input(
            "internal_error", detail, stage=stage, message=element, data=element.data
        )
    record: Record = element if isinstance(element, Record) else element.record
    return dead_letter("internal_error", detail, stage=stage, record=record)
