"""What a preview says about a record: its operations, what stays behind, what is counted."""

from typing import Any

import msgspec
import pytest

from pipeline.preview.explain import explain
from pipeline.preview.explained import WOULD_BE_SENT, Explained
from pipeline.preview.summary import kind_of
from pipeline.settings import Settings
from transforms.records import Message

TIME = 1777888867


def message(data: bytes) -> Message:
    return Message(data=data, message_id="f.ndjson:3", publish_time=None, attributes={})


def explain_one(record: dict[str, Any], settings: dict[str, Any] | None = None) -> Explained:
    checked = Settings.model_validate(settings or {})
    [explained] = explain(message(msgspec.json.encode(record)), checked)
    return explained


def event(**fields: Any) -> dict[str, Any]:
    return {"event_type": "Song Played", "user_id": "u-1", "event_time": TIME} | fields


def update(**fields: Any) -> dict[str, Any]:
    return {"event_type": "$identify", "user_id": "u-1", "event_time": TIME} | fields


@pytest.mark.parametrize(
    ("data", "outcome", "shown"),
    [
        pytest.param(b'{"a": NaN}', "dead_lettered.malformed_json", '{"a": NaN}', id="nan"),
        pytest.param(b" 42 ", "dead_lettered.not_an_object", "42", id="number"),
        pytest.param(b"\xff\x00ab", "dead_lettered.not_utf8", "\\xff\x00ab", id="binary"),
        pytest.param(
            b'{"api_key": "hidden", "events": oops}',
            "dead_lettered.malformed_json",
            '{"api_key": "", "events": oops}',
            id="api-key",
        ),
    ],
)
def test_input_that_is_no_record_shows_its_beginning(data: bytes, outcome: str, shown: str) -> None:
    [explained] = explain(message(data), Settings())
    assert (explained.kind, explained.stage) == ("unreadable input", "decode")
    assert (explained.outcome, explained.input) == (outcome, shown)
    assert explained.reason


def test_only_the_beginning_of_unreadable_input_is_kept() -> None:
    [text] = explain(message(b'"' + b"x" * 1_000_000 + b'"'), Settings())
    [data] = explain(message(b"\xff" * 1_000_000), Settings())
    assert text.input == '"' + "x" * 119
    assert data.input == "\\xff" * 30


def test_each_record_of_a_message_has_its_position() -> None:
    body = {"api_key": "k", "events": [event(), 5, update(user_properties={})]}
    found = explain(message(msgspec.json.encode(body)), Settings())
    assert [(e.message_id, e.position, e.of) for e in found] == [
        ("f.ndjson:3", 1, 3),
        ("f.ndjson:3", 2, 3),
        ("f.ndjson:3", 3, 3),
    ]
    assert [(e.kind, e.name) for e in found] == [
        ("event", "Song Played"),
        ("unreadable input", None),
        ("user update", None),
    ]


def test_an_event_goes_as_an_item_of_a_batch() -> None:
    explained = explain_one(
        event(event_properties={"genre": "rock", "big": 12345678901234567890123}),
        {"events": {"event_properties": ["genre", "big"], "rename": {"Song Played": "Played"}}},
    )
    assert (explained.outcome, explained.stage, explained.reason) == (WOULD_BE_SENT, "deliver", "")
    [sending] = explained.sendings
    assert sending.endpoint == "POST /api/v2/batch"
    assert b'"name":"Played"' in sending.body
    assert b'"attributes":{"genre":"rock","big":12345678901234567890123}' in sending.body


def test_rename_takes_either_spelling_of_a_session_event() -> None:
    rename = {"[Amplitude] Start Session": "Session Started"}
    explained = explain_one(event(event_type="session_start"), {"events": {"rename": rename}})
    [sending] = explained.sendings
    assert b'"name":"Session Started"' in sending.body


def test_an_event_too_large_for_a_batch_goes_alone() -> None:
    explained = explain_one(
        event(user_id="a/b@example.com", event_properties={"notes": "n" * 40_000}),
        {"preset": "all_properties"},
    )
    [sending] = explained.sendings
    assert sending.endpoint == "POST /api/v1/customers/a%2Fb%40example%2Ecom/events"
    assert list(msgspec.json.decode(sending.body)) == ["name", "id", "timestamp", "data"]


def test_with_trigger_always_an_event_that_is_filtered_still_updates_its_person() -> None:
    settings = {
        "events": {"exclude": ["Song Played"]},
        "users": {"user_properties": ["plan"], "trigger": "always"},
    }
    sent = explain_one(event(user_properties={"plan": "pro"}), settings)
    assert (sent.outcome, sent.stage) == (WOULD_BE_SENT, "deliver")
    assert sent.reason == (
        "only the person is updated; the event is filtered.event_type: "
        '"Song Played" is excluded: events.exclude names it'
    )
    assert len(sent.sendings) == 1
    ended = explain_one(event(user_properties={"role": "admin"}), settings)
    assert (ended.outcome, ended.stage) == ("filtered.event_type", "identify")
    assert ended.reason == (
        '"Song Played" is excluded: events.exclude names it; and no user property is selected '
        "that would update the person"
    )


def test_a_record_of_which_one_operation_falls_counts_as_a_dead_letter() -> None:
    explained = explain_one(
        event(user_properties={"bio": "b" * 1001}),
        {"users": {"user_properties": ["bio"], "trigger": "always"}},
    )
    assert explained.outcome == "dead_lettered.attribute_value_too_long"
    assert explained.stage == "validate"
    assert explained.reason == (
        "one operation falls: attribute 'bio' has 1001 bytes; 1000 are allowed"
    )
    assert len(explained.sendings) == 1


RICH_EVENT = event(
    event_properties={"genre": "rock", "plan": "e", "recipient": "x", "empty": None},
    user_properties={"plan": "pro", "role": "admin"},
    group_properties={"company": {"A": {"tier": 1}, "B": {"tier": 2, "seats": 3}}},
)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param(
            {},
            {
                "events.event_properties": ("genre", "plan", "recipient", "empty"),
                "events.user_properties": ("plan", "role"),
                "events.group_properties": ("tier", "seats"),
            },
            id="none",
        ),
        pytest.param({"preset": "all_properties"}, {}, id="all"),
        pytest.param(
            {
                "events": {
                    "event_properties": ["genre", "empty", "recipient"],
                    "user_properties": ["plan", "role"],
                    "group_properties": ["seats"],
                },
                "users": {"trigger": "always", "user_properties": ["role"]},
            },
            {
                "events.event_properties": ("plan",),
                "events.group_properties": ("tier",),
                "users.user_properties": ("plan",),
            },
            id="lists",
        ),
    ],
)
def test_left_behind_names_what_no_selection_takes(
    settings: dict[str, Any], names: dict[str, tuple[str, ...]]
) -> None:
    assert explain_one(RICH_EVENT, settings).left_behind == names


def test_a_filtered_record_leaves_no_property_behind() -> None:
    settings = {"events": {"enabled": False}, "users": {"user_properties": ["plan"]}}
    assert explain_one(RICH_EVENT, settings).left_behind == {}


@pytest.mark.parametrize(
    ("record", "settings", "notes"),
    [
        pytest.param(
            RICH_EVENT,
            {"preset": "all_properties"},
            [
                ("dropped.reserved_property", 1, "sent only when listed: recipient"),
                ("clash.property", 1, "the event property wins over the user property: plan"),
            ],
            id="clash-and-reserved",
        ),
        pytest.param(
            event(event_properties={"groups": 1}, group_properties={"c": {"A": {"t": 1}}}),
            {"preset": "all_properties"},
            [
                (
                    "clash.property",
                    1,
                    "a property named groups takes the place of the group properties",
                )
            ],
            id="clash-of-groups",
        ),
        pytest.param(
            update(user_properties={"_a": 1, "id": 2, "$unset": {"email": "-"}, "$add": {"n": 1}}),
            {"users": {"user_properties": "all"}},
            [("dropped.reserved_property", 3, "sent only when listed: _a, id, email")],
            id="reserved-attributes",
        ),
        pytest.param(
            update(user_properties={"plan": "pro", "$add": {"n": 1}, "$remove": {"t": "x"}}),
            {"users": {"user_properties": "all"}},
            [("unapplied.operator", 2, "left out, the stored value is needed: $add, $remove")],
            id="operators",
        ),
    ],
)
def test_notes_name_the_properties_concerned(
    record: dict[str, Any], settings: dict[str, Any], notes: list[tuple[str, int, str]]
) -> None:
    found = explain_one(record, settings).notes
    assert [(note.name, note.count, note.detail) for note in found] == notes


@pytest.mark.parametrize(
    ("record", "name", "count", "detail"),
    [
        pytest.param(
            event(event_type="é" * 51),
            "trimmed.event_name_too_long",
            1,
            f'cut to "{"é" * 50}"',
            id="event_name",
        ),
        pytest.param(
            event(event_properties={"b": "b" * 60_000, "a": 1, "c": "c" * 60_000}),
            "trimmed.event_data_too_large",
            1,
            "left out: c",
            id="event_data",
        ),
        pytest.param(
            update(user_properties={f"p{n}": n for n in range(305)}),
            "trimmed.too_many_attributes",
            1,
            "the first 300 of 305 attributes are kept",
            id="attributes",
        ),
        pytest.param(
            update(user_properties={"a": 1, "n" * 151: 2}),
            "trimmed.attribute_name_too_long",
            1,
            f"left out: {'n' * 59}…",
            id="attribute_name",
        ),
        pytest.param(
            update(user_properties={"a": 1, "v": "v" * 1001, "w": "w" * 1001}),
            "trimmed.attribute_value_too_long",
            2,
            "left out: v, w",
            id="attribute_value",
        ),
    ],
)
def test_with_trim_a_note_says_what_was_cut(
    record: dict[str, Any], name: str, count: int, detail: str
) -> None:
    settings = {
        "preset": "all_properties",
        "users": {"user_properties": "all", "update_only": True},
        "limits": {"on_violation": "trim"},
    }
    explained = explain_one(record, settings)
    assert explained.outcome == WOULD_BE_SENT
    [note] = explained.notes
    assert (note.name, note.count, note.detail) == (name, count, detail)


BATCH = "POST /api/v2/batch"
RELATED: dict[str, Any] = {
    "mappings": {"anonymous": "send"},
    "groups": {"enabled": True, "object_types": {"company": "1"}, "group_properties": ["tier"]},
}


def sent(explained: Explained) -> list[tuple[str, str]]:
    """What each operation is, and where it goes."""
    return [(kind_of(each.operation), each.endpoint) for each in explained.sendings]


def test_the_operations_of_groups_and_anonymous_people() -> None:

    of_person = explain_one(event(device_id="d", groups={"company": "A", "city": "X"}), RELATED)
    assert sent(of_person) == [("event", BATCH), ("identify", BATCH), ("relationship", BATCH)]
    assert [(note.name, note.detail) for note in of_person.notes] == [
        ("dropped.group_type", "groups.object_types does not name city")
    ]
    nobody = explain_one(event(user_id=None, device_id="d"), RELATED)
    assert sent(nobody) == [("anonymous event", "POST /api/v1/events")]
    properties = {"$set": {"tier": "a", "size": 1}, "$add": {"n": 1}, "_x": 1}
    of_group = explain_one(
        {
            "event_type": "$groupidentify",
            "event_time": TIME,
            "groups": {"company": ["A", "B"]},
            "group_properties": properties,
        },
        RELATED,
    )
    assert sent(of_group) == [("object", BATCH), ("object", BATCH)]
    assert of_group.kind == "group update"
    assert of_group.left_behind == {"groups.group_properties": ("_x", "size")}
    assert [note.detail for note in of_group.notes] == [
        "left out, the stored value is needed: $add"
    ]


def test_groups_that_go_on_alone_say_so() -> None:
    off = RELATED | {"events": {"exclude": ["Song Played"]}, "mappings": {}}
    alone = explain_one(event(groups={"company": "A"}), off)
    assert alone.outcome == WOULD_BE_SENT
    assert alone.reason == (
        "only the person is related to objects; the event is filtered.event_type: "
        '"Song Played" is excluded: events.exclude names it'
    )
    update_of = explain_one(update(groups={"company": "A"}, user_properties={"a": 1}), RELATED)
    assert update_of.reason == (
        "only the person is related to objects; the user update is skipped.no_selected_property: "
        "users.user_properties is none; the record has a"
    )


def test_a_group_that_falls_names_itself() -> None:
    [long, short] = ["x" * 151, "A"]
    fallen = explain_one(event(groups={"company": [short, long]}), RELATED)
    assert sent(fallen) == [("event", BATCH), ("relationship", BATCH)]
    assert fallen.outcome == "dead_lettered.identifier_too_long"
    assert fallen.reason == (
        f"one operation falls: the name of a group has 151 bytes; 150 are allowed: {'x' * 59}…"
    )
