"""The thin Beam shell that every transform shares: adapt, count, tag.

A transform takes elements one by one, or in batches: a PCollection of T gives one of U, a
PCollection of list[T] gives one of list[U]. What one pull brought travels as one batch, so that
Beam's work for an element is done once for hundreds of records.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints import List

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
    """Runs a pure function over elements; settles a record whose function raised."""

    stage: str
    """The stage's name in dead letters."""
    tally: Tally
    """The counts of the bundle under way."""
    batched = False
    """Whether an element is a list of them."""

    def bind(self, tally: Tally) -> Callable[[In], Out | Settled]:
        """The stage's pure function, bound to its settings and to the counts of a bundle."""
        raise TypeError(f"{type(self).__name__} has no function")

    def steps(self, elements: list[In], letters: list[DeadLetter]) -> Iterable[list[Out]]:
        """What goes on of some elements, in one batch or several; adds the dead letters of the
        others to `letters`.
        """
        passed: list[Out] = []
        go_on = passed.append
        step = self._step
        for element in elements:
            try:
                result = step(element)
            except Exception as error:
                result = internal_error(error, element, stage=self.stage)
            if type(result) is Settled:
                self.settle(result, letters)
            else:
                go_on(result)  # type: ignore[arg-type]
        return (passed,)

    def settle(self, settled: Settled, letters: list[DeadLetter]) -> None:
        """Counts the end of a record's way."""
        self.tally.add(settled.outcome)
        if settled.letter is not None:
            letters.append(settled.letter)

    def start_bundle(self) -> None:
        self.tally = Tally()
        self._step = self.bind(self.tally)

    # More parameters than this one would have Beam bind arguments anew for every element.
    def process(self, element: Any) -> Iterator[Any]:
        letters: list[DeadLetter] = []
        for passed in self.steps(element if self.batched else [element], letters):
            if not self.batched:
                yield from passed
            elif passed:
                yield passed
        for letter in letters:
            yield TaggedOutput[str, DeadLetter](DEAD_LETTERS, letter)

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
        fn = copy.copy(self._fn)
        fn.batched = input_or_inputs.element_type == List[self._takes]
        takes, gives = self._takes, self._gives
        if fn.batched:
            takes, gives = List[takes], List[gives]
        apply = beam.ParDo(fn).with_input_types(takes)
        outputs = input_or_inputs | "Apply" >> apply.with_outputs(DEAD_LETTERS, main=PASSED)
        passed: PCollection[Any] = outputs[PASSED]
        letters: PCollection[DeadLetter] = outputs[DEAD_LETTERS]
        passed.element_type = gives
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
