"""The figures of a dry run, one by one."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.dryrun import facts
from pipeline.dryrun.bounded import BoundedCounter, BoundedTable, Timeline
from pipeline.dryrun.differences import ADDED, CHANGED, REMOVED, SAME
from pipeline.dryrun.document import Cards, Hint, Paragraph, Tone
from pipeline.dryrun.hints import hints
from pipeline.dryrun.identifiers import (
    DEVICE,
    NO_ADDRESS,
    NO_TEXT,
    SPACES,
    TOO_LONG,
    ZEROS,
)
from pipeline.dryrun.numbers import about, duration, share, size
from pipeline.dryrun.traffic import AHEAD, EVENT, GROUP, LATER, USER
from pipeline.settings import Settings
from tests.pipeline.dryrun_world import PUBLISHED_AT, event, look_at, messages, report_of
from transforms.records import Message
from transforms.reserved import RESERVED_EVENT_DATA

ALL: dict[str, Any] = {"preset": "all_properties", "users": {"user_properties": "all"}}
OBJECTS: dict[str, Any] = {
    "groups": {"enabled": True, "object_types": {"company": "1"}, "group_properties": ["a"]}
}


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**40), st.integers(1, 5)), min_size=1, max_size=50),
    st.integers(1, 20),
)
def test_a_timeline_is_small_and_forgets_nothing(counted: list[tuple[int, int]], most: int) -> None:
    timeline = Timeline(most)
    for time_s, amount in counted:
        timeline.add(time_s, amount)
    spans = timeline.spans()
    assert len(spans) <= most
    times = [time_s for time_s, _amount in counted]
    assert timeline.span_s == max(times) - min(times)
    expected: Counter[int] = Counter()
    for time_s, amount in counted:
        expected[time_s // timeline.width_s * timeline.width_s] += amount
    assert {begin: count for begin, count in spans if count} == expected
    assert [begin for begin, _count in spans] == list(
        range(spans[0][0], spans[-1][0] + 1, timeline.width_s)
    )


def test_a_timeline_is_no_wider_than_it_must_be() -> None:
    timeline = Timeline(4)
    for second in (8, 11):
        timeline.add(second)
    assert timeline.width_s == 1
    timeline.add(12)
    assert timeline.spans() == [(8, 1), (10, 1), (12, 1)]
    assert Timeline().spans() == []


def test_a_full_table_says_what_it_missed() -> None:
    table: BoundedTable[str, list[str]] = BoundedTable(list, most=2)
    counter: BoundedCounter[str] = BoundedCounter(2)
    for name in "abcac":
        row = table.row(name)
        if row is not None:
            row.append(name)
        counter.add(name)
    assert table.rows == {"a": ["a", "a"], "b": ["b"]}
    assert table.missed == 2
    assert counter.counts == {"a": 2, "b": 1}
    assert counter.missed == 2


@pytest.mark.parametrize(
    ("identifier", "mistake"),
    [
        pytest.param("user-1", None, id="fine"),
        pytest.param("a@example.com", None, id="an address"),
        pytest.param(" null ", 'the word "null"', id="null"),
        pytest.param("Undefined", 'the word "undefined"', id="undefined"),
        pytest.param("[object Object]", 'the word "[object object]"', id="an object's text"),
        pytest.param("00000000-0000-0000-0000-000000000000", ZEROS, id="zeros"),
        pytest.param("device-7", DEVICE, id="the device"),
        pytest.param("Jane Doe", SPACES, id="a space"),
        pytest.param("a\u0000b", SPACES, id="a control character"),
        pytest.param("jane@", NO_ADDRESS, id="half an address"),
        pytest.param("é" * 75, None, id="just short enough"),
        pytest.param("é" * 75 + "e", TOO_LONG, id="too long"),
        pytest.param("cio_" + "a" * 150, None, id="a prefix that is not counted"),
        pytest.param({"a": 1}, NO_TEXT, id="an object"),
        pytest.param(True, NO_TEXT, id="true"),
        pytest.param(0, 'the word "0"', id="the number 0"),
        pytest.param("", None, id="empty"),
    ],
)
def test_identifiers_that_look_like_mistakes(identifier: Any, mistake: str | None) -> None:
    look = look_at(messages(event(user_id=identifier, device_id="device-7")), {})
    assert list(look.identifiers.mistakes) == ([] if mistake is None else [mistake])


def test_shapes_and_missing_identifiers() -> None:
    records = [
        *(event(n, user_id=who) for n, who in enumerate(["u-1", "u-1", "a@b.co", "cio_07"])),
        event(5, user_id=None),
        event(6, user_id=" ", event_type="Opened"),
        event(7, user_id=None, event_type="Unwanted"),
    ]
    look = look_at(messages(*records), {"events": {"exclude": ["Unwanted"]}})
    assert look.identifiers.shapes == {"id": 2, "email": 1, "cio_id": 1}
    assert look.identifiers.missing.counts == {"Song Played": 1, "Opened": 1}
    assert sorted(look.chain.people.counts.values()) == [1, 1, 2]
    assert facts.largest(look)["identifier"] == len("a@b.co")


def test_properties_with_their_types_and_sizes() -> None:
    look = look_at(
        messages(
            event(1, event_properties={"a": "é", "b": None}, user_properties={"a": [1]}),
            event(2, event_properties={"a": 1.5}, group_properties={"t": {"n": {"a": True}}}),
            {
                "event_type": "$identify",
                "user_id": "u",
                "user_properties": {"$set": {"c": {"d": 1}}, "$unset": {"e": "-"}},
            },
        ),
        {},
    )
    seen = {
        key: (row.records, dict(row.types), row.largest_bytes)
        for key, row in look.traffic.properties.rows.items()
    }
    assert seen == {
        (EVENT, "a"): (2, {"text": 1, "number": 1}, 3),
        (EVENT, "b"): (1, {"null": 1}, 4),
        (USER, "a"): (1, {"list": 1}, 3),
        (GROUP, "a"): (1, {"true/false": 1}, 4),
        (USER, "c"): (1, {"object": 1}, 7),
        (USER, "e"): (1, {"text": 1}, 1),
    }


@pytest.mark.parametrize(
    ("space", "name", "settings", "where"),
    [
        pytest.param(EVENT, "a", ALL, ("events",), id="all events"),
        pytest.param(EVENT, RESERVED_EVENT_DATA[0], ALL, (), id="reserved in events"),
        pytest.param(USER, "a", ALL, ("events", "people"), id="both"),
        pytest.param(USER, "_a", ALL, ("events",), id="reserved in people"),
        pytest.param(USER, "email", ALL, ("events",), id="an identifier"),
        pytest.param(GROUP, "a", ALL, ("events",), id="a group's"),
        pytest.param(GROUP, "a", OBJECTS, ("objects",), id="an object's"),
        pytest.param(GROUP, "b", OBJECTS, (), id="not an object's"),
        pytest.param(USER, "a", {"users": {"user_properties": ["a"]}}, ("people",), id="a list"),
        pytest.param(USER, "b", {"users": {"user_properties": ["a"]}}, (), id="not in it"),
        pytest.param(EVENT, "a", {"users": {"user_properties": ["a"]}}, (), id="the other side"),
        pytest.param(
            USER, "a", ALL | {"events": {"enabled": False}}, ("people",), id="no events at all"
        ),
        pytest.param(
            USER,
            "a",
            ALL | {"users": {"enabled": False, "user_properties": "all"}},
            ("events",),
            id="no people at all",
        ),
    ],
)
def test_where_a_property_goes(
    space: str, name: str, settings: dict[str, Any], where: tuple[str, ...]
) -> None:
    assert facts.goes_along(space, name, Settings.model_validate(settings)) == where


def test_what_is_named_and_never_comes() -> None:
    settings: dict[str, Any] = {
        "events": {
            "include": ["Song Played", "[Amplitude] Start Session", "Typo"],
            "event_properties": ["a", "typo"],
            "user_properties": ["plan"],
            "where": [
                {"property": "event_properties.a", "op": "is_set"},
                {"property": "user_properties.typo", "op": "is_not_set"},
            ],
            "rename": {"Gone": "x"},
        },
        "users": {"user_properties": ["plan", "typo"]},
    }
    look = look_at(
        messages(
            event(1, event_properties={"a": 1}),
            event(2, event_type="session_start", user_properties={"plan": "x"}),
        ),
        settings,
    )
    assert list(facts.never_seen(look)) == [
        ("events.include", "Typo"),
        ("events.rename", "Gone"),
        ("events.event_properties", "typo"),
        ("users.user_properties", "typo"),
        ("events.where", "user_properties.typo"),
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(-2, AHEAD, id="ahead"),
        pytest.param(0.5, "within a second", id="at once"),
        pytest.param(60, "within a minute", id="a minute"),
        pytest.param(60.5, "within an hour", id="over a minute"),
        pytest.param(72 * 3600, "within 72 hours", id="72 hours"),
        pytest.param(72 * 3600 + 1, LATER, id="over 72 hours"),
    ],
)
def test_how_late_a_record_is(seconds: float, words: str) -> None:
    record = event(event_time=None, time=int((PUBLISHED_AT - seconds) * 1000))
    look = look_at(messages(record), {})
    assert look.traffic.late == {words: 1}


def test_how_fast_records_come() -> None:
    slow = messages(*(event(number) for number in range(11)))
    found = facts.rate(look_at(slow, {}))
    assert found is not None
    assert (found.mean, found.peak, found.peak_s) == (1.1, 1.1, 1)
    burst = slow + [
        Message(each.data, f"again {each.message_id}", PUBLISHED_AT + 5, {}) for each in slow
    ]
    found = facts.rate(look_at(burst, {}))
    assert found is not None
    assert (found.mean, found.peak) == (2.2, 12.0)
    assert facts.rate(look_at(messages(event(1), event(2)), {})) is None
    assert facts.rate(look_at(messages(event(1), published=None), {})) is None


def test_own_times_far_from_all_others_are_not_drawn() -> None:
    records = [
        event(number, event_time=f"2026-05-04 10:{number % 60:02}:07") for number in range(600)
    ]
    records += [event(1000, event_time="2002-01-01 00:00:00")]
    timeline, outside = facts.own_times(look_at(messages(*records, published=None), {}))
    assert outside == 1
    assert sum(count for _begin, count in timeline.spans()) == 600
    assert timeline.span_s == 59 * 60
    assert timeline.width_s == 60
    assert {count for _begin, count in timeline.spans()} == {10}


BEFORE: dict[str, Any] = {
    "events": {"exclude": ["New"], "event_properties": ["a", "b"]},
    "users": {"user_properties": ["plan"]},
}
AFTER: dict[str, Any] = {
    "events": {"exclude": ["Old"], "event_properties": ["a", "c"], "rename": {"Named": "Renamed"}},
    "users": {"user_properties": ["plan"]},
}


def test_what_would_be_sent_otherwise() -> None:
    given_properties = {"a": 1, "b": 2, "c": 3}
    records = [
        event(1, event_properties={"a": 1}),
        event(2, event_properties=given_properties),
        event(3, event_type="New"),
        event(4, event_type="Old"),
        event(5, event_type="Named"),
        {
            "event_type": "$identify",
            "user_id": "u",
            "time": 1_777_888_800,
            "user_properties": {"plan": 1},
        },
    ]
    look = look_at(messages(*records), BEFORE, AFTER)
    assert look.differences.operations == {
        ("event", SAME): 1,
        ("event", CHANGED): 2,
        ("event", ADDED): 1,
        ("event", REMOVED): 1,
        ("identify", SAME): 1,
    }
    assert look.differences.outcomes == {
        ("filtered.event_type", "delivered"): 1,
        ("delivered", "filtered.event_type"): 1,
    }
    assert look.differences.examples.counts == {
        ("Song Played", "event", "with c; without b"): 1,
        ("Named", "event", "another event name"): 1,
        ("New", "event", ADDED): 1,
        ("Old", "event", REMOVED): 1,
    }
    other = look.other
    assert other is not None
    assert other.events.counts == {"Song Played": 2, "New": 1, "Renamed": 1}
    assert other.properties.counts == {
        ("event", "a"): 2,
        ("event", "c"): 1,
        ("identify", "plan"): 1,
    }


def test_another_person_and_another_value_are_told_without_showing_them() -> None:
    record = event(1, event_properties={"n": True, "who": "u-2"}, user_properties={"n": 1})
    one = {"events": {"user_properties": ["n"]}}
    two = {
        "events": {"event_properties": ["n"]},
        "mappings": {"user_identifier": "event_properties.who"},
    }
    look = look_at(messages(record), one, two)
    assert list(look.differences.examples.counts) == [
        ("Song Played", "event", "another person; another value of n")
    ]


def test_each_chain_reads_what_its_own_settings_need() -> None:
    look = look_at(
        messages(event(1, event_properties={"a": 1, "b": 2})),
        {"events": {"event_properties": ["a"]}},
        {"events": {"event_properties": ["b"]}},
    )
    assert look.other is not None
    assert list(look.chain.properties.counts) == [("event", "a")]
    assert list(look.other.properties.counts) == [("event", "b")]


def test_a_number_that_is_not_read_is_no_fault_of_the_record() -> None:
    text = b'{"event_type":"P","$insert_id":"1","event_time":"2026-05-04 10:00:07","user_id":"u",'
    message = Message(text + b'"event_properties":{"a":1e999}}', "1", None, {})
    look = look_at([message], {}, ALL)
    assert look.chain.outcomes() == {"delivered": 1}
    assert look.other is not None
    assert look.other.outcomes() == {"dead_lettered.malformed_json": 1}


def texts_of(found: tuple[Hint, ...], tone: Tone) -> list[str]:
    return [hint.text for hint in found if hint.tone is tone]


@pytest.mark.parametrize(
    ("records", "settings", "tone", "begins"),
    [
        pytest.param([], {}, Tone.WARN, "No record came.", id="nothing"),
        pytest.param([event()], {}, Tone.GOOD, "Nothing here would be refused", id="all is well"),
        pytest.param(
            [event(event_time="never")], {}, Tone.BAD, "1 record (100 %) would become", id="dead"
        ),
        pytest.param(
            [event()], {"status": "disabled"}, Tone.BAD, "The settings say", id="disabled"
        ),
        pytest.param(
            [event(), event(2), event(3, user_id="u" * 150)],
            {},
            Tone.WARN,
            "Identifier of a person: the largest has 150 of 150",
            id="near a limit",
        ),
        pytest.param(
            [event(event_type="x" * 101)],
            {"limits": {"on_violation": "trim"}},
            Tone.WARN,
            "1 cut would be made to fit a limit.",
            id="trimmed",
        ),
        pytest.param(
            [event()],
            {"events": {"enabled": False}, "users": {"user_properties": ["plan"]}},
            Tone.WARN,
            "Most records (100 %) would not be sent: `filtered.events_disabled`.",
            id="filtered",
        ),
        pytest.param(
            [event(number) for number in range(30)],
            {"delivery": {"max_requests_per_second": 0.01}},
            Tone.BAD,
            "0.034 requests a second would be needed and the budget is 0.01",
            id="over the budget",
        ),
        pytest.param(
            [*(event(number) for number in range(30)), *(event(n, user_id="u") for n in range(9))],
            {},
            Tone.WARN,
            "One person has 23.1 % of all operations",
            id="one busy person",
        ),
        pytest.param(
            [event(event_properties={"secret": 1})],
            {},
            Tone.PLAIN,
            "In the records, but not sent: 1 property: secret.",
            id="not selected",
        ),
    ],
)
def test_what_the_reader_is_told_first(
    records: list[dict[str, Any]], settings: dict[str, Any], tone: Tone, begins: str
) -> None:
    found = hints(look_at(messages(*records), settings))
    assert any(text.startswith(begins) for text in texts_of(found, tone)), found


def test_the_gravest_comes_first() -> None:
    records = [event(1, event_time="never"), event(2, user_id="null", event_properties={"a": 1})]
    tones = [hint.tone for hint in hints(look_at(messages(*records), {}))]
    assert tones == [Tone.BAD, Tone.WARN, Tone.PLAIN]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (share(1, 3), "33.3 %"),
        (share(0, 3), "0 %"),
        (share(1, 10_000), "< 0.1 %"),
        (share(9_999, 10_000), "> 99.9 %"),
        (share(154, 150), "102.7 %"),
        (share(3, 3), "100 %"),
        (share(0, 0), "0 %"),
        (about(0.000123), "0.00012"),
        (about(0.1514), "0.151"),
        (about(12.345), "12.3"),
        (about(20.0), "20"),
        (about(1234.5), "1,234"),
        (size(999), "999 B"),
        (size(1_000), "1 kB"),
        (size(4_534_014), "4.53 MB"),
        (duration(0.04), "0 s"),
        (duration(59.96), "60 s"),
        (duration(3_600), "60 min"),
        (duration(200_000), "2.3 days"),
    ],
)
def test_numbers_as_texts(text: str, expected: str) -> None:
    assert text == expected


def test_records_a_second_are_told() -> None:
    look = look_at(messages(*(event(number) for number in range(11))), {})
    said = [
        block.text
        for section in report_of(look).sections
        for block in section.blocks
        if isinstance(block, Paragraph)
    ]
    assert "1.1 records a second on average, 1.1 in the busiest 1 s." in said


def test_the_cards_agree_with_the_outcomes() -> None:
    records = [
        event(1),
        event(2, event_time="never"),
        event(3, event_type="Unwanted"),
        event(4, user_id=None),
    ]
    settings = {"events": {"exclude": ["Unwanted"]}}
    summary = report_of(look_at(messages(*records), settings)).sections[0]
    [cards] = [block for block in summary.blocks if isinstance(block, Cards)]
    assert [(card.label, card.value, card.note) for card in cards.cards[1:5]] == [
        ("would be sent", "25.0 %", "1 record"),
        ("left out by the settings", "50.0 %", "2 records"),
        ("would be dead letters", "25.0 %", "1 record"),
        ("people named", "1", "who of them is new is not known"),
    ]


def test_remembered_values_are_packed_by_the_times_of_their_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second update came late and carries the time of the first: so they become one."""
    monkeypatch.setattr("pipeline.dryrun.packing.PART_ITEMS", 1)
    updates = [
        event(
            number,
            event_type="$identify",
            user_id="ada",
            event_time=f"2026-05-04 10:00:0{9 - number}.000000",
            user_properties={name: 1},
        )
        for number, name in ((1, "plan"), (2, "seats"))
    ]
    settings = {"users": {"user_properties": ["plan", "seats"], "state": "person"}}
    look = look_at(messages(*updates), settings)
    assert look.chain.outcomes() == {"coalesced.identify": 1, "delivered": 1}


def test_more_relationships_than_an_item_holds_are_several_and_told_once() -> None:
    update = {"event_type": "$identify", "user_id": "ada", "user_properties": {"plan": 1}}
    groups = {"company": [f"{number:0140}" for number in range(300)]}
    settings = {"groups": {"enabled": True, "object_types": {"company": "1"}}}
    look = look_at(messages(*(event(n, **update, groups=groups) for n in range(2))), settings)
    assert look.chain.outcomes() == {"delivered": 1, "skipped.no_selected_property": 1}
    assert look.chain.operations == {"add_relationships": 2}


def test_an_object_is_nobody() -> None:
    update = event(
        1,
        event_type="$groupidentify",
        user_id=None,
        groups={"company": "Acme"},
        group_properties={"company": {"Acme": {"a": 1}}},
    )
    look = look_at(messages(update), OBJECTS)
    assert look.chain.operations == {"identify": 1}
    assert not look.chain.people.counts
    assert not list(facts.never_seen(look))
