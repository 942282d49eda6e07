"""Records and the memory of their people: what is sent, what is skipped, what counts once."""

from itertools import groupby
from operator import itemgetter
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import TimestampedValue
from apache_beam.typehints import List
from msgspec.structs import replace

from tests.transforms.make import EVENT_S, ORIGIN, outcome_of
from transforms import coders
from transforms.build import build_operations
from transforms.known import Known, Learned
from transforms.link import LinkRules, link
from transforms.memory.in_place import RememberInPlace
from transforms.memory.keyed import RememberByKey, Remembered, split
from transforms.memory.people import PeopleOfRun
from transforms.memory.person import MemoryPolicy
from transforms.memory.record import memory_key, remembered, update_of
from transforms.records import (
    Group,
    History,
    Identified,
    IdentifyOperation,
    Json,
    Origin,
    Record,
    Settled,
    time_of,
)
from transforms.stage import StageOutput
from transforms.tally import PROCESS_LEDGER, Tally
from transforms.validate import validate

TOUCHED = MemoryPolicy(settle_ms=600_000, only_changes=False)
CHANGED = MemoryPolicy(settle_ms=600_000, only_changes=True)
DAY_S = 86_400


def update(
    operations: Json | None,
    at_s: float = 0,
    *,
    user: str = "ada",
    event: Json | None = None,
    filtered: str | None = None,
    insert_id: str | None = None,
    origin: Origin = ORIGIN,
    **fields: Any,
) -> Identified:
    """A record with operations on its person, `at_s` after EVENT_S."""
    time = {"time": int((EVENT_S + at_s) * 1000)}
    own = {"$insert_id": f"{user} {at_s}" if insert_id is None else insert_id}
    record = Record({**time, **own, **fields}, origin)
    return Identified(record, {"id": user}, event, operations, filtered)


def add(number: float, at_s: float, **more: Any) -> Identified:
    """Adds to the seats of the person."""
    return update({"$add": {"seats": number}}, at_s, **more)


class Memory:
    """People, and what is counted about them."""

    def __init__(self, policy: MemoryPolicy = TOUCHED) -> None:
        self.people = PeopleOfRun()
        self.tally = Tally()
        self._policy = policy

    def __call__(self, identified: Identified) -> Identified | Settled:
        return remembered(identified, self.people, self._policy, self.tally)

    def sent(self, identified: Identified) -> Json | None:
        """The attributes that go out; None where there are none."""
        result = self(identified)
        assert isinstance(result, Identified), result
        return result.person


def test_operations_become_attributes() -> None:
    memory = Memory()
    assert memory.sent(add(2, 0)) == {"seats": 2}
    assert memory.sent(add(3, 1)) == {"seats": 5}
    assert memory.sent(add(10, 0, user="bob")) == {"seats": 10}


def test_a_correction_carries_the_newest_time_of_the_person() -> None:
    memory = Memory()
    memory(add(2, 100))
    late = memory(add(3, 50))
    assert isinstance(late, Identified)
    assert late.person == {"seats": 5}
    built = build_operations(late, {}, update_only=False)
    assert not isinstance(built, Settled)
    assert built.time_ms == (EVENT_S + 50) * 1000
    [operation] = built.operations
    assert time_of(operation) == EVENT_S + 100
    delivery = validate(built, "dead_letter", Tally())
    assert not isinstance(delivery, Settled)
    assert delivery.person_time_ms == (EVENT_S + 100) * 1000


def test_the_event_keeps_its_own_time() -> None:
    memory = Memory()
    memory(add(2, 100))
    both = memory(add(3, 50, event={"a": 1}, event_type="Paid"))
    assert isinstance(both, Identified)
    built = build_operations(both, {}, update_only=True)
    assert not isinstance(built, Settled)
    event, identify = built.operations
    assert time_of(event) == EVENT_S + 50
    assert time_of(identify) == EVENT_S + 100
    assert isinstance(identify, IdentifyOperation)
    assert identify.attributes == {"seats": 5, "_update": True}


def test_a_record_without_operations_passes() -> None:
    memory = Memory()
    event = update(None, event={"a": 1})
    assert memory(event) is event


def test_a_record_without_a_time_never_touches_the_memory() -> None:
    memory = Memory()
    broken = replace(add(2, 0), record=Record({"time": "once"}, ORIGIN))
    assert memory(broken) is broken
    result = build_operations(broken, {}, update_only=False)
    assert outcome_of(result) == "dead_lettered.invalid_time"
    assert memory.sent(add(3, 0)) == {"seats": 3}


@pytest.mark.parametrize("policy", [TOUCHED, CHANGED], ids=["touched", "changed"])
def test_a_copy_of_an_update_is_skipped(policy: MemoryPolicy) -> None:
    memory = Memory(policy)
    memory(add(2, 0))
    assert outcome_of(memory(add(2, 0))) == "skipped.duplicate"
    assert memory.sent(add(1, 1)) == {"seats": 3}


def test_the_event_of_a_copy_goes_on() -> None:
    memory = Memory()
    memory(add(2, 0, event={}))
    copy = memory(add(2, 0, event={}))
    assert isinstance(copy, Identified)
    assert (copy.event, copy.person) == ({}, None)


def test_an_update_that_changes_nothing() -> None:
    memory = Memory(CHANGED)
    memory(update({"$set": {"plan": "pro"}}, 0))
    assert outcome_of(memory(update({"$set": {"plan": "pro"}}, 1))) == "skipped.unchanged"
    event = memory(update({"$set": {"plan": "pro"}}, 2, event={}))
    assert isinstance(event, Identified)
    assert event.person is None
    was_filtered = update({"$set": {"plan": "pro"}}, 3, filtered="filtered.where")
    assert outcome_of(memory(was_filtered)) == "filtered.where"


def test_a_device_is_told_of_under_the_newest_time_of_the_person() -> None:
    """Customer.io drops an older identify, and nobody would tell it of the device again."""
    memory = Memory(CHANGED)
    memory(update({"$set": {"plan": "pro"}}, 100))
    unchanged = update(
        {"$set": {"plan": "pro"}}, 50, event={}, event_type="Paid", device_id="phone"
    )
    event = memory(unchanged)
    assert isinstance(event, Identified)
    built = build_operations(event, {}, update_only=False)
    assert not isinstance(built, Settled)
    linked = link(built, LinkRules("workspace", devices=True), Learned(Known()))
    assert not isinstance(linked, Settled)
    assert [time_of(operation) for operation in linked.operations] == [EVENT_S + 50, EVENT_S + 100]


def test_what_is_counted() -> None:
    memory = Memory(replace(TOUCHED, settle_ms=0, journal_updates=1))
    memory(update({"$set": {"plan": "pro"}}, 100))
    memory(update({"$set": {"plan": "team"}}, 100, insert_id="other"))
    memory(update({"$add": {"plan": 1}}, 101))
    memory(update({"$set": {"role": "admin"}}, 50))
    assert memory.tally.counts == {
        "memory.full_journal": 1,
        "memory.late_update": 1,
        "unapplied.operator": 1,
    }


class After(PeopleOfRun):
    """People of a process that began after a crash."""

    def may_be_unsettled(self, published_s: float | None) -> bool:
        return published_s is not None and published_s < ORIGIN.publish_time  # type: ignore[operator]


def test_after_a_crash_what_may_have_been_sent_sends_the_whole_person() -> None:
    """Sent at 100 and lost: plan. Customer.io takes nothing older, and nobody remembers it."""
    people, policy, tally = After(), CHANGED, Tally()
    before = replace(ORIGIN, publish_time=(ORIGIN.publish_time or 0) - 1)
    new = remembered(update({"$set": {"role": "admin"}}, 50), people, policy, tally)
    assert isinstance(new, Identified)
    again = update({"$set": {"plan": "pro"}, "$unset": {"old": "-"}}, 100, origin=before)
    result = remembered(again, people, policy, tally)
    assert isinstance(result, Identified)
    assert result.person == {"role": "admin", "plan": "pro", "old": None}
    assert result.person_time_ms == (EVENT_S + 100) * 1000
    assert outcome_of(remembered(update({"$set": {"plan": "pro"}}, 101), people, policy, tally))


def test_a_value_over_a_limit_holds_back_no_replay_but_its_own() -> None:
    memory = Memory(CHANGED)
    replayed = replace(ORIGIN, history=History(1, "2026-05-04T10:00:00.000+00:00", "rejected"))
    long, fine = {"$set": {"plan": "x" * 10_100}}, {"$set": {"seats": 5}}
    memory(update(long, 0))
    memory(update(fine, 1))
    assert memory.sent(update(fine, 1, origin=replayed)) == {"seats": 5}
    assert memory.sent(update(long, 0, origin=replayed)) == {"plan": "x" * 9_999, "seats": 5}


def test_a_replayed_update_is_sent_again_and_counts_once() -> None:
    memory = Memory(CHANGED)
    memory(update({"$add": {"seats": 2}, "$set": {"plan": "pro"}}, 0))
    memory(add(1, 1))
    replayed = replace(ORIGIN, history=History(1, "2026-05-04T10:01:07Z", "item_too_large"))
    letter = update({"$add": {"seats": 2}, "$set": {"plan": "pro"}}, 0, origin=replayed)
    assert memory.sent(letter) == {"seats": 3, "plan": "pro"}


class TestKey:
    """The key of an update: the same for every copy, another for every other update."""

    def test_copies_have_the_same_one(self) -> None:
        other = replace(ORIGIN, message_id="m2")
        assert update_of(add(1, 0)) == update_of(add(1, 0, origin=other))

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(add(1, 0, insert_id="other"), id="insert id"),
            pytest.param(add(2, 0), id="operations"),
            pytest.param(add(1, 0, app=1), id="app"),
            pytest.param(add(1, 0, device_id="d"), id="device"),
            pytest.param(add(1, 1, insert_id="ada 0"), id="time"),
            pytest.param(add(1.0, 0), id="kind of a number"),
        ],
    )
    def test_others_have_another(self, other: Identified) -> None:
        assert update_of(other).key != update_of(add(1, 0)).key
        assert len(update_of(other).key) == 16

    @pytest.mark.parametrize(
        ("fields", "same"),
        [
            pytest.param({}, False, id="none"),
            pytest.param({"uuid": "u"}, True, id="uuid"),
            pytest.param({"uuid": ""}, False, id="empty"),
        ],
    )
    def test_without_an_id_of_its_own_the_message_tells(self, fields: Json, same: bool) -> None:
        one = add(1, 0, insert_id="", **fields)
        two = add(1, 0, insert_id="", origin=replace(ORIGIN, message_id="m2"), **fields)
        assert (update_of(one).key == update_of(two).key) is same


def test_one_person_has_one_memory_however_an_address_is_spelled() -> None:
    one, two = (replace(add(1, 0), identifiers={"email": text}) for text in ("A@b.c", "a@B.c"))
    assert memory_key(one) == memory_key(two) != memory_key(add(1, 0))
    assert len(memory_key(one)) == 16


PEOPLE = PeopleOfRun()


def people_of_test() -> PeopleOfRun:
    """The people of this process: FnApiRunner runs in it."""
    return PEOPLE


def summary(identified: Identified) -> tuple[str, Json | None, int | None]:
    """Who, what, and when after EVENT_S."""
    [user] = identified.identifiers.values()
    time_ms = identified.person_time_ms
    return user, identified.person, None if time_ms is None else time_ms // 1000 - EVENT_S


def test_in_place_a_batch_is_worked_on_in_the_order_of_its_times() -> None:
    PEOPLE.__init__()  # type: ignore[misc]
    coders.register()
    PROCESS_LEDGER.reset()
    batch = [
        add(2, 100),
        update(None, event={}),
        add(3, 50),
        add(3, 50),
        update({"$set": 5}, 60, user="broken"),
    ]
    with TestPipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        batches = pipeline | beam.Create([batch]).with_output_types(List[Identified])
        output: StageOutput = batches | RememberInPlace(TOUCHED, people_of_test)
        found = output.passed | beam.FlatMap(lambda batch: batch) | beam.Map(summary)
        assert_that(
            found,
            equal_to([("ada", None, None), ("ada", {"seats": 3}, 50), ("ada", {"seats": 5}, 100)]),
        )
        letters = output.dead_letters | beam.Map(lambda letter: (letter.reason, letter.stage))
        assert_that(letters, equal_to([("internal_error", "remember")]), label="letters")
    counts, _latencies = PROCESS_LEDGER.snapshot(with_open=True)
    assert counts == {"skipped.duplicate": 1, "dead_lettered.internal_error": 1}
    PROCESS_LEDGER.reset()


FOUND: list[Any] = []


def keep(identified: Identified) -> None:
    """By its name, so that it finds this list and not a pickled one."""
    FOUND.append(summary(identified))


def keep_first(batch: list[Identified]) -> None:
    """Keeps the one of a batch."""
    keep(batch[0])


def streamed(*elements: tuple[float, Identified], policy: MemoryPolicy = TOUCHED) -> list[Any]:
    """What comes out for records that come days apart, each a batch: (days, record)."""
    coders.register()
    PROCESS_LEDGER.reset()
    stream = TestStream(coder=beam.coders.FastPrimitivesCoder())
    for days, together in groupby(elements, key=itemgetter(0)):
        stream.advance_watermark_to(days * DAY_S + 1)
        stream.add_elements(
            [TimestampedValue([identified], days * DAY_S + 1) for _days, identified in together]
        )
    stream.advance_watermark_to_infinity()
    FOUND.clear()
    # FnApiRunner has no TestStream.
    options = PipelineOptions(["--streaming"])
    with TestPipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
        batches = pipeline | stream
        batches.element_type = List[Identified]
        output: Remembered = batches | RememberByKey(policy, days=90)
        _ = output.passed_by | "Passed" >> beam.Map(keep_first)
        _ = output.remembered.passed | beam.Map(keep)
    return list(FOUND)


def test_by_key_each_person_has_a_memory() -> None:
    found = streamed(
        (0, add(2, 0)),
        (0, add(5, 0, user="bob")),
        (1, add(3, 1)),
        (1, add(3, 1)),
        (1, update(None, event={})),
    )
    assert sorted(found, key=str) == [
        ("ada", None, None),
        ("ada", {"seats": 2}, 0),
        ("ada", {"seats": 5}, 1),
        ("bob", {"seats": 5}, 0),
    ]
    counts, _latencies = PROCESS_LEDGER.snapshot(with_open=True)
    assert counts == {"skipped.duplicate": 1}
    PROCESS_LEDGER.reset()


def test_by_key_whoever_is_not_heard_of_is_forgotten() -> None:
    found = streamed(
        (0, add(1, 0)),
        (89, add(1, 1)),
        (178, add(1, 2)),
        (268.5, add(1, 3)),
    )
    assert [person for _user, person, _time in found] == [
        {"seats": 1},
        {"seats": 2},
        {"seats": 3},
        {"seats": 1},
    ]


def test_by_key_a_bug_is_a_dead_letter_and_no_time_is_refused_later() -> None:
    broken = replace(add(2, 0), record=Record({"time": "once"}, ORIGIN))
    assert streamed((0, update({"$set": 5}, 0)), (0, broken)) == [
        ("ada", {"$add": {"seats": 2}}, None)
    ]
    counts, _latencies = PROCESS_LEDGER.snapshot(with_open=True)
    assert counts == {"dead_lettered.internal_error": 1}
    PROCESS_LEDGER.reset()


@pytest.mark.parametrize(
    ("filtered", "outcome"),
    [
        pytest.param(None, "skipped.duplicate", id="a copy"),
        pytest.param("filtered.where", "filtered.where", id="a copy that was filtered"),
    ],
)
def test_a_record_without_anything_to_send_goes_on_for_its_groups(
    filtered: str | None, outcome: str
) -> None:
    memory = Memory()
    one = add(2, 100, filtered=filtered)
    related = replace(one, record=replace(one.record, groups=(Group("1", "Acme"),)))
    assert memory.sent(related) == {"seats": 2}
    time_ms = (EVENT_S + 100) * 1000
    expected = replace(related, person=None, filtered=outcome, person_time_ms=time_ms)
    assert memory(related) == expected


def test_no_api_key_is_stored_with_a_person() -> None:
    one = add(2, 100)
    text = b'{"api_key":"marked-key","user_id":"ada"}'
    keyed = replace(one, record=replace(one.record, text=text))
    [stored] = list(split([keyed]))
    _key, element = stored.value
    assert b"marked-key" not in coders.StructCoder(Identified).encode(element)
    assert element.record.text == text.replace(b"marked-key", b"")
