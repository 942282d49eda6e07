"""A person's memory: what is put in its place, what is sent, what is late."""

from typing import Any

import msgspec
import pytest

from tests.transforms.memory.people import WHEN_CHANGED, WHEN_TOUCHED, at, key, meet, values
from transforms.memory.base import MAX_PROPERTIES
from transforms.memory.person import (
    Answer,
    MemoryFormatError,
    MemoryPolicy,
    Update,
    decode_person,
    encode_person,
    remember,
)

LATER = 10_000
"""Long after whatever happens before 1 000."""


def test_an_update_is_put_in_its_place() -> None:
    first, second, third = at(10, add={"n": 1}), at(20, set={"n": 10}), at(30, add={"n": 1})
    assert values(third, first, second) == values(first, second, third) == {"n": 11}


def test_what_an_earlier_update_corrects_is_sent_with_the_newest_time() -> None:
    _, answers = meet(
        at(30, append={"seen": "b"}, add={"n": 1}), at(20, append={"seen": "a"}, set={"m": 1})
    )
    assert answers == [
        Answer({"seen": ["b"], "n": 1}, 30, False, False),
        Answer({"seen": ["a", "b"], "m": 1}, 30, False, False),
    ]


def test_updates_of_one_time_have_the_order_of_their_keys() -> None:
    one, two = at(10, 1, set={"p": "one"}), at(10, 2, set={"p": "two"})
    assert values(one, two) == values(two, one) == {"p": "two"}


def test_what_an_update_touches_is_sent_as_it_is_after_newer_ones() -> None:
    once = at(30, setOnce={"a": 2})
    _, answers = meet(at(10, set={"a": 1}), once, at(20, unset={"a": "-"}), policy=WHEN_CHANGED)
    assert [answer.attributes for answer in answers] == [{"a": 1}, {}, {"a": 2}]


def test_a_clearing_in_between_corrects_all_properties() -> None:
    _, answers = meet(
        at(10, set={"a": 1, "b": 1}),
        at(30, setOnce={"a": 2}, append={"c": 1}),
        at(20, clearAll={}),
        policy=WHEN_CHANGED,
    )
    assert answers[2].attributes == {"a": 2, "b": None}


@pytest.mark.parametrize(
    ("value", "again", "sent"),
    [
        pytest.param(1, 1, {}, id="the same"),
        pytest.param(1, 1.0, {"p": 1.0}, id="1 and 1.0"),
        pytest.param(1, True, {"p": True}, id="1 and true"),
        pytest.param([0], [False], {"p": [False]}, id="inside of a list"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, {}, id="an object in another order"),
    ],
)
def test_only_changes(value: Any, again: Any, sent: Any) -> None:
    updates = (at(10, set={"p": value, "q": 0}), at(20, set={"p": again}))
    _, answers = meet(*updates, policy=WHEN_CHANGED)
    assert [answer.attributes for answer in answers] == [{"p": value, "q": 0}, sent]
    assert repr(answers[1].attributes) == repr(sent)
    _, answers = meet(*updates, policy=WHEN_TOUCHED)
    assert repr(answers[1].attributes) == repr({"p": again})


def test_a_removal_is_sent_though_nothing_is_known_of_the_property() -> None:
    updates = (at(10, unset={"p": "-"}), at(20, unset={"p": "-"}), at(30, clearAll={"q": "-"}))
    _, answers = meet(*updates, policy=WHEN_CHANGED)
    assert [answer.attributes for answer in answers] == [{"p": None}, {}, {"q": None}]
    _, answers = meet(*updates, policy=WHEN_TOUCHED)
    assert [answer.attributes for answer in answers] == [
        {"p": None},
        {"p": None},
        {"p": None, "q": None},
    ]


def test_what_leaves_a_property_unknown_sends_nothing_of_it() -> None:
    _, answers = meet(at(10, remove={"p": "x"}, preInsert={"q": []}))
    assert answers == [Answer({}, 10, False, False)]


def test_attributes_come_in_the_order_of_the_operations() -> None:
    _, answers = meet(at(10, set={"c": 1, "a": 1}, unset={"b": "-"}))
    assert list(answers[0].attributes) == ["c", "a", "b"]


def test_a_copy_changes_nothing() -> None:
    update = at(10, add={"n": 1})
    before, _ = meet(update, at(20, set={"m": 1}))
    after, answers = meet(update, person=before)
    assert after == before
    assert answers == [Answer({}, 20, True, False)]


def test_a_copy_is_known_by_its_key_alone() -> None:
    person, answers = meet(at(10, 7, add={"n": 1}), at(40, 7, add={"n": 1}))
    assert person.values == {"n": 1}
    assert answers[1].duplicate


def test_a_copy_of_a_settled_update_is_known() -> None:
    update = at(10, add={"n": 1})
    person, answers = meet(update, at(LATER, set={"m": 1}), update)
    assert person.values == {"n": 1, "m": 1}
    assert answers[2] == Answer({}, LATER, True, False)


def test_an_old_copy_of_a_plain_update_is_late_and_changes_nothing() -> None:
    update = at(10, set={"p": 1}, setOnce={"o": 1}, unset={"u": "-"}, clearAll={})
    person, answers = meet(update, at(20, set={"p": 2}), at(LATER, set={"m": 1}), update)
    assert person.values == {"p": 2, "o": 1, "u": None, "m": 1}
    assert (answers[3].duplicate, answers[3].late) == (False, True)
    assert not person.applied.places


def test_when_keys_are_forgotten_only_what_cannot_count_twice_is_applied() -> None:
    policy = MemoryPolicy(settle_ms=0, only_changes=True, remembered_keys=1)
    first = at(10, add={"n": 1}, set={"p": 1})
    person, _ = meet(first, at(20, add={"n": 1}), at(LATER, set={"m": 1}), policy=policy)
    person, [again] = meet(first, policy=policy, person=person)
    assert person.values == {"n": 2, "p": 1, "m": 1}
    assert again == Answer({}, LATER, False, True, refused=1)
    person, [new] = meet(at(9, add={"n": 1}, set={"q": 1}), policy=policy, person=person)
    assert person.values == {"n": 2, "p": 1, "m": 1, "q": 1}
    assert new == Answer({"q": 1}, LATER, False, True, refused=1)
    person, [known] = meet(at(21, add={"n": 1}), policy=policy, person=person)
    assert known == Answer({"n": 3}, LATER, False, False)
    person, [between] = meet(at(19, add={"n": 1}), policy=policy, person=person)
    assert between.refused == 1


@pytest.mark.parametrize(
    ("settled", "late", "expected"),
    [
        pytest.param({"set": {"p": 2}}, {"set": {"p": 1}}, 2, id="set, set since"),
        pytest.param({"add": {"p": 2}}, {"set": {"p": 1}}, 2, id="set, added to since"),
        pytest.param({"add": {"q": 2}}, {"set": {"p": 1}}, 1, id="set, another changed since"),
        pytest.param({"unset": {"p": "-"}}, {"set": {"p": 1}}, None, id="set, unset since"),
        pytest.param({"clearAll": {}}, {"set": {"p": 1}}, "absent", id="set, cleared since"),
        pytest.param({"clearAll": {}}, {"add": {"p": 1}}, "absent", id="add, cleared since"),
        pytest.param({"set": {"p": 2}}, {"unset": {"p": "-"}}, 2, id="unset, set since"),
        pytest.param({"set": {"q": 2}}, {"unset": {"p": "-"}}, None, id="unset"),
        pytest.param({"set": {"p": 2}}, {"clearAll": {}}, 2, id="clear, set since"),
        pytest.param({"set": {"q": 2}}, {"clearAll": {"p": "-"}}, None, id="clear a listed one"),
        pytest.param({"setOnce": {"p": 2}}, {"setOnce": {"p": 1}}, 2, id="once, there since"),
        pytest.param({"unset": {"p": "-"}}, {"setOnce": {"p": 1}}, None, id="once, unset since"),
        pytest.param({"set": {"q": 2}}, {"setOnce": {"p": 1}}, 1, id="once, no value"),
        pytest.param({"set": {"p": 2}}, {"add": {"p": 1}}, 2, id="add, set since"),
        pytest.param({"setOnce": {"p": 2}}, {"add": {"p": 1}}, 2, id="add, set once since"),
        pytest.param({"unset": {"p": "-"}}, {"add": {"p": 1}}, None, id="add, unset since"),
        pytest.param({"add": {"p": 2}}, {"add": {"p": 1}}, 3, id="add, added to since"),
        pytest.param({"append": {"p": 2}}, {"append": {"p": 1}}, [2, 1], id="append"),
        pytest.param({"append": {"p": 2}}, {"prepend": {"p": 1}}, [1, 2], id="prepend"),
        pytest.param({"append": {"p": 2}}, {"remove": {"p": 2}}, [], id="remove"),
    ],
)
def test_a_late_update(settled: dict[str, Any], late: dict[str, Any], expected: Any) -> None:
    person, answers = meet(at(50, **settled), at(LATER, set={"m": 1}), at(10, **late))
    assert answers[2].late
    assert person.values.get("p", "absent") == expected
    assert answers[2].time_ms == LATER


def test_a_late_update_comes_before_the_journal() -> None:
    person, answers = meet(
        at(50, append={"p": 1}), at(LATER, append={"p": 2}), at(10, append={"p": 3})
    )
    assert person.values == {"p": [1, 3, 2]}
    assert answers[2].attributes == {"p": [1, 3, 2]}


def test_an_update_of_the_same_millisecond_counts_as_newer() -> None:
    assert values(at(50, 5, set={"p": 1}), at(LATER, set={"m": 1}), at(50, 4, set={"p": 2})) == {
        "p": 1,
        "m": 1,
    }


def test_what_is_older_than_settle_ms_is_not_late_while_its_place_is_free() -> None:
    person, answers = meet(at(50, add={"p": 1}), at(LATER, add={"p": 1}), at(60, set={"p": 5}))
    assert not answers[2].late
    assert person.values == {"p": 6}


def test_updates_settle_when_they_are_older_than_settle_ms() -> None:
    person, _ = meet(at(100, set={"a": 1}), at(200, set={"b": 1}))
    assert len(person.journal.operations) == 2
    person, _ = meet(at(201, set={"c": 1}), person=person)
    assert len(person.journal.operations) == 2
    assert person.base.properties == {"a": 1}


def test_a_full_journal_settles_the_oldest_early() -> None:
    policy = MemoryPolicy(settle_ms=1_000, only_changes=True, journal_updates=2)
    person, answers = meet(*(at(time, add={"n": 1}) for time in (10, 20, 30)), policy=policy)
    assert [answer.settled_early for answer in answers] == [0, 0, 1]
    assert len(person.journal.operations) == 2
    _, [late] = meet(at(5, add={"n": 1}), policy=policy, person=person)
    assert (late.late, late.attributes) == (True, {"n": 4})


def test_a_journal_of_too_many_bytes_settles_the_oldest_early() -> None:
    one = len(msgspec.json.encode({"$set": {"a": "x" * 50}}))
    policy = MemoryPolicy(settle_ms=1_000, only_changes=True, journal_bytes=2 * one)
    updates = [at(time, set={"a": "x" * 50}) for time in (10, 20, 30)]
    person, answers = meet(*updates, policy=policy)
    assert [answer.settled_early for answer in answers] == [0, 0, 1]
    person, [answer] = meet(at(40, set={"a": "x" * 1_000}), policy=policy, person=person)
    assert answer.settled_early == 3
    assert not person.journal.operations
    assert person.newest_ms == 40


def test_of_too_many_properties_the_removed_and_then_the_oldest_are_forgotten() -> None:
    policy = MemoryPolicy(settle_ms=0, only_changes=True)
    full = [f"p{number}" for number in range(MAX_PROPERTIES - 2)]
    person, _ = meet(
        at(10, set={"z oldest": 1}),
        at(20, set=dict.fromkeys(full, 1)),
        at(900, unset={"removed": "-"}),
        at(901, set={"one more": 1}),
        policy=policy,
    )
    assert person.base.properties.keys() == {"z oldest", "removed", *full}
    person, [answer] = meet(at(902, set={"last": 1}), policy=policy, person=person)
    assert answer.attributes == {"last": 1}
    assert person.base.properties.keys() == {"z oldest", "one more", *full}
    assert person.values.keys() == {"z oldest", "one more", "last", *full}
    person, [answer] = meet(at(903, set={"end": 1}), policy=policy, person=person)
    assert answer.attributes == {"end": 1}
    assert person.values.keys() == {"one more", "last", "end", *full}
    assert person.base.marks.keys() == person.base.properties.keys()
    # What is forgotten is not brought back by what is older than its last change.
    person, [late] = meet(at(899, set={"removed": 1}), policy=policy, person=person)
    assert late == Answer({}, 903, False, True)
    assert "removed" not in person.values


@pytest.mark.parametrize("update", [Update(b"short", 1, {}), Update(key(1), -1, {})])
def test_an_update_that_has_no_place(update: Update) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        remember(None, update, WHEN_TOUCHED)


def test_a_person_comes_back_from_its_bytes() -> None:
    person, _ = meet(
        at(10, set={"big": 2**70, "float": 1.0, "text": "é"}, unset={"u": "-"}),
        at(15, add={"n": 2**64}),
        at(LATER, append={"l": [1, 1.0, True, {"k": None}]}),
        policy=MemoryPolicy(settle_ms=100, only_changes=True, remembered_keys=0),
    )
    back = decode_person(encode_person(person))
    assert repr(back) == repr(person)
    assert person.base.properties["big"] == 2**70
    assert person.applied.forgotten


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="text"),
        pytest.param(msgspec.msgpack.encode([1, b"{}"]), id="too short"),
        pytest.param(
            msgspec.msgpack.encode([2, b"{}", {}, 0, b"", b"", [], b"{}", b"", b""]), id="newer"
        ),
        pytest.param(
            msgspec.msgpack.encode([1, b"\xff", {}, 0, b"", b"", [], b"{}", b"", b""]), id="damaged"
        ),
    ],
)
def test_bytes_that_are_no_person(data: bytes) -> None:
    with pytest.raises(MemoryFormatError, match="not a person's memory"):
        decode_person(data)


def test_bytes_of_the_first_release_are_read() -> None:
    """These bytes never change: a memory that was stored once has to be readable for ever."""
    person, _ = meet(at(10, set={"p": 1}), at(20, add={"n": 1}), at(LATER, append={"l": "x"}))
    stored = [
        1,
        b'{"p":1,"n":1}',
        {"p": [10, 10], "n": [0, 20]},
        0,
        bytes(7) + b"\x14" + key(20),
        (LATER).to_bytes(8, "big") + key(LATER),
        [b'{"$append":{"l":"x"}}'],
        b'{"p":1,"n":1,"l":["x"]}',
        bytes(7) + b"\x14" + key(20),
        b"",
    ]
    assert encode_person(person) == msgspec.msgpack.encode(stored)
    assert decode_person(msgspec.msgpack.encode(stored)) == person


def test_what_the_journal_names_is_not_forgotten() -> None:
    policy = MemoryPolicy(settle_ms=100, only_changes=True)
    many = {f"p{number}": 1 for number in range(MAX_PROPERTIES)}
    person, _ = meet(
        at(10, set={"old": 5}),
        at(20, set=many),
        at(1_000, add={"old": 1}),
        policy=policy,
    )
    assert person.values["old"] == 6
    assert len(person.values) == len(person.base.properties) == MAX_PROPERTIES
    assert (
        values(at(10, set=many), at(20, set={"x": 1, "y": 1}), policy=policy).keys() >= many.keys()
    )
