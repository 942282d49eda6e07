"""Remember, by key: the people are state of the runner's, for an engine of many workers.

Such a runner stores what goes to a person before it works on it, and acknowledges it then. So only
records that need a memory take this way.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam import coders
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    ReadModifyWriteStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.typehints import KV, List
from apache_beam.utils.timestamp import Duration, Timestamp
from msgspec.structs import replace

from transforms.api_key import without_api_key
from transforms.event_time import InvalidTimeError
from transforms.memory.person import MemoryPolicy, decode_person, encode_person
from transforms.memory.record import memory_key, remember_record, update_of
from transforms.records import DeadLetter, Identified, Settled
from transforms.stage import DEAD_LETTERS, PASSED, StageOutput, internal_error
from transforms.tally import Tally

_STAGE = "remember"
_BY_PERSON = "by_person"
_DAY_S = 86_400
_Keyed = tuple[bytes, Identified]

_PERSON = beam.DoFn.StateParam(ReadModifyWriteStateSpec("person", coders.BytesCoder()))
# Not of processing time: such a timer holds the watermark until it fires, for days.
_EXPIRY = TimerSpec("expiry", TimeDomain.WATERMARK)
_TO_EXPIRY = beam.DoFn.TimerParam(_EXPIRY)


class Remembered(NamedTuple):
    """`passed_by`: what needs no memory, as it came; `remembered`: the rest, one by one."""

    passed_by: PCollection[Any]
    remembered: StageOutput


def split(batch: list[Identified]) -> Iterator[Any]:
    """Takes out of a batch what needs a memory."""
    passed = [each for each in batch if each.person is None]
    if passed:
        yield passed
    for each in batch:
        if each.person is not None:
            yield TaggedOutput[str, _Keyed](_BY_PERSON, (memory_key(each), _to_store(each)))


def _to_store(identified: Identified) -> Identified:
    """A record as the runner may store it: no `api_key` in its text."""
    record = identified.record
    if record.text is None or (clean := without_api_key(record.text)) == record.text:
        return identified
    return replace(identified, record=replace(record, text=clean))


class _RememberByKeyDoFn(beam.DoFn):
    """One person's updates, one after the other."""

    def __init__(self, policy: MemoryPolicy, days: int) -> None:
        self._policy = policy
        self._days = days

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(
        self,
        element: _Keyed,
        timestamp: Any = beam.DoFn.TimestampParam,
        state: Any = _PERSON,
        expiry: Any = _TO_EXPIRY,
    ) -> Iterator[Any]:
        _key, identified = element
        result = self._remembered(identified, state)
        self._set(expiry, timestamp)
        if not isinstance(result, Settled):
            yield result
            return
        self._tally.add(result.outcome)
        if result.letter is not None:
            yield TaggedOutput[str, DeadLetter](DEAD_LETTERS, result.letter)

    def _remembered(self, identified: Identified, state: Any) -> Identified | Settled:
        try:
            update = update_of(identified)
            stored = state.read()
            person, result = remember_record(
                identified,
                update,
                None if stored is None else decode_person(stored),
                self._policy,
                self._tally,
                again=False,
            )
            state.write(encode_person(person))
        except InvalidTimeError:
            # The next stage dead-letters it for its time.
            return identified
        except Exception as error:
            return internal_error(error, identified, stage=_STAGE)
        return result

    def _set(self, expiry: Any, timestamp: Timestamp) -> None:
        expiry.set(timestamp + Duration(seconds=self._days * _DAY_S))

    @on_timer(_EXPIRY)
    def forget(self, state: Any = _PERSON) -> None:
        """Nothing was heard of the person for so long."""
        state.clear()

    def finish_bundle(self) -> None:
        self._tally.report()


class RememberByKey(beam.PTransform[PCollection[Any], Any]):
    """Batches of Identified -> Remembered: operations on a person become the attributes to send.

    `days`: after which a person is forgotten of whom nothing is heard, by the watermark.
    """

    def __init__(self, policy: MemoryPolicy, days: int) -> None:
        super().__init__()
        self._policy = policy
        self._days = days

    def expand(self, input_or_inputs: PCollection[Any]) -> Any:
        parted = input_or_inputs | "Split" >> beam.FlatMap(split).with_outputs(
            _BY_PERSON, main=PASSED
        )
        passed: PCollection[Any] = parted[PASSED]
        passed.element_type = List[Identified]
        keyed: PCollection[Any] = parted[_BY_PERSON]
        # Said, not inferred: the key's coder has to be deterministic.
        keyed.element_type = KV[bytes, Identified]
        remember = beam.ParDo(_RememberByKeyDoFn(self._policy, self._days))
        outputs = keyed | "Person" >> remember.with_outputs(DEAD_LETTERS, main=PASSED)
        remembered: PCollection[Any] = outputs[PASSED]
        letters: PCollection[DeadLetter] = outputs[DEAD_LETTERS]
        remembered.element_type = Identified
        letters.element_type = DeadLetter
        return Remembered(passed, StageOutput(remembered, letters))
