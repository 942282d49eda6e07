"""Remember, in place: the people are those of the process, so that nothing shuffles.

For a runner of one process that says when a bundle is final.
"""

from collections.abc import Iterable

from transforms.event_time import InvalidTimeError
from transforms.memory.people import OpenPeople
from transforms.memory.person import MemoryPolicy, Person, Update
from transforms.memory.record import memory_key, remember_record, update_of
from transforms.records import DeadLetter, Identified, Settled
from transforms.stage import Stage, StageDoFn, internal_error
from transforms.tally import Tally

_STAGE = "remember"
_Waiting = tuple[Update, bytes, Identified]


class _RememberInPlaceDoFn(StageDoFn[Identified, Identified]):
    stage = _STAGE

    def __init__(self, policy: MemoryPolicy, people: OpenPeople) -> None:
        self._policy = policy
        self._open = people

    def setup(self) -> None:
        self._people = self._open()

    def start_bundle(self) -> None:
        self.tally = Tally()

    # A whole batch at once: who is in it is read together, and a file that fails must fail the
    # bundle, not a record.
    def steps(
        self, elements: list[Identified], letters: list[DeadLetter]
    ) -> Iterable[list[Identified]]:
        """What needs no memory as it came; behind it the others in the order of their times."""
        passed: list[Identified] = []
        waiting: list[_Waiting] = []
        for element in elements:
            if element.person is None:
                passed.append(element)
                continue
            try:
                waiting.append((update_of(element), memory_key(element), element))
            except InvalidTimeError:
                # The next stage dead-letters it for its time.
                passed.append(element)
            except Exception as error:
                self.settle(internal_error(error, element, stage=_STAGE), letters)
        if waiting:
            waiting.sort(key=_time)
            self._remember(waiting, passed, letters)
        return (passed,)

    def _remember(
        self, waiting: list[_Waiting], passed: list[Identified], letters: list[DeadLetter]
    ) -> None:
        people = self._people
        known = people.get({key for _update, key, _element in waiting})
        changed: dict[bytes, Person] = {}
        for update, key, element in waiting:
            again = people.may_be_unsettled(element.record.origin.publish_time)
            result: Identified | Settled
            try:
                person, result = remember_record(
                    element, update, known.get(key), self._policy, self.tally, again=again
                )
                known[key] = changed[key] = person
            except Exception as error:
                result = internal_error(error, element, stage=_STAGE)
            if isinstance(result, Settled):
                self.settle(result, letters)
            else:
                passed.append(result)
        people.put(changed)


def _time(waiting: _Waiting) -> int:
    return waiting[0].time_ms


class RememberInPlace(Stage):
    """Identified -> Identified: operations on a person become the attributes to send."""

    def __init__(self, policy: MemoryPolicy, people: OpenPeople) -> None:
        super().__init__(_RememberInPlaceDoFn(policy, people), Identified, Identified)
