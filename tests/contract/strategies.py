"""Random Amplitude-like records, the messages that carry them, and random settings.

Weighted towards what is sent, towards the limits, and towards a few people who meet again.
"""

import gzip
import json
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from pipeline.settings import Settings
from transforms.conditions import OPERATORS
from transforms.records import Message

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def mostly(often: Strategy, rarely: Strategy) -> Strategy:
    """One value in eight from `rarely`."""
    return st.integers(0, 7).flatmap(lambda number: rarely if number == 7 else often)


_EDGES = (98, 99, 100, 101, 149, 150, 151, 333, 334, 499, 501, 995, 999, 1000, 1001)
_LARGE = (15_000, 31_500, 31_900, 32_100, 50_000, 99_900, 99_990, 100_100)
_CHARACTERS = ("x", "é", "雪", "🎿", '"', "\x00", " ")

edge_texts = st.builds(str.__mul__, st.sampled_from(_CHARACTERS), st.sampled_from(_EDGES))
large_texts = st.builds(
    lambda length, more: "x" * (length + more), st.sampled_from(_LARGE), st.integers(0, 99)
)
scalars = (
    st.sampled_from([None, True, False, 0, 12, 12.0, -0.0, 1e300, 2**64, "", "pro", "a@x.org"])
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
json_values = st.recursive(
    scalars | edge_texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=3,
)

_RESERVED = ("recipient", "reply_to", "id", "email", "cio_id", "groups", "_private", "_update")
_NAMES = ("plan", "seats", "p.q", "é" * 75, "é" * 76, "n" * 151, *_RESERVED)
property_names = st.sampled_from(_NAMES) | st.text(max_size=8)
properties = st.dictionaries(property_names, json_values, min_size=1, max_size=3)


def _numbered(letter: str, count: int, value: Any) -> Json:
    return {f"{letter}{number}": value for number in range(count)}


many_properties = st.builds(
    _numbered,
    st.sampled_from("ab"),
    st.sampled_from([16, 150, 151, 299, 300, 301, 302]),
    st.sampled_from([None, 1, "é", [1.5]]),
)
heavy_properties = st.builds(
    _numbered,
    st.sampled_from("ab"),
    st.sampled_from([15, 16, 17, 30, 31, 32, 33, 101]),
    st.integers(960, 1001).map(lambda length: "y" * length),
)
user_properties = properties | properties | many_properties | heavy_properties
_OPERATORS = ("$set", "$unset", "$setOnce", "$add", "$append", "$remove", "$clearAll")
operators = st.dictionaries(
    st.sampled_from((*_OPERATORS, "$set", "$unset")),
    mostly(user_properties, scalars),
    min_size=1,
    max_size=3,
)
updates = (
    user_properties
    | operators
    | st.builds(lambda plain, given: plain | given, properties, operators)
)
event_properties = (
    properties
    | st.builds(lambda some, text: some | {"words": text}, properties, large_texts)
    | heavy_properties
)

_PEOPLE = ("ada", "Ada@x.org", "ada@X.ORG", "cio_a1", " ada ", 12, 12.0, 1.5)
_ODD_PEOPLE: tuple[Any, ...] = (
    None,
    "",
    "cio_",
    "cio_  ",
    True,
    [],
    1e300,
    "p" * 150,
    "é" * 76,
    "cio_" + "c" * 150,
)
people = mostly(st.sampled_from(_PEOPLE), st.sampled_from(_ODD_PEOPLE) | st.text(max_size=8))

_SESSION_NAMES = ("[Amplitude] Start Session", "session_start", "[Amplitude] Revenue")
_EVENT_NAMES = ("Paid", "Page Viewed", *_SESSION_NAMES)
_ODD_EVENT_NAMES = ("e" * 100, "é" * 51, " " * 101 + "e", "$exposure", "$groupidentify", " ")
event_names = mostly(
    st.sampled_from(_EVENT_NAMES), st.sampled_from(_ODD_EVENT_NAMES) | st.text(max_size=8)
)

_SECONDS = st.integers(1_000_000_000, 99_999_999_999)
times = (
    _SECONDS
    | st.integers(1_700_000_000, 1_700_000_003)
    | st.integers(10**12, 10**13 - 1).map(str)
    | st.floats(1e9, 99_999_999_999)
    | st.datetimes(datetime(2001, 9, 10)).map(lambda moment: moment.isoformat(" "))
    | st.sampled_from(["2026-05-04 10:01:07.999999", "2026-05-04T12:01:07.5+02:00"])
)
odd_times = st.sampled_from([999_999_999, 10**11, 99_999_999_999.9999, "", "soon", None, True, -1])

_common: dict[str, Strategy] = {
    "event_time": mostly(times, odd_times),
    "device_id": st.sampled_from(["d1", "d2", "d" * 151, " "]),
    "insert_id": st.integers(0, 99).map(str),
    "$insert_id": st.integers(0, 99).map(str),
    "api_key": st.just("of the project"),
    "groups": st.dictionaries(
        st.sampled_from(["company", "team"]),
        st.lists(st.sampled_from(["A", "B", 7]) | edge_texts, max_size=3) | scalars,
    )
    | scalars,
}
groups = st.dictionaries(
    st.sampled_from(["company", "team"]),
    st.dictionaries(st.text(max_size=6), properties | scalars, max_size=2) | scalars,
    max_size=2,
)
events = st.fixed_dictionaries(
    {"event_type": event_names, "user_id": people},
    optional=_common
    | {
        "event_properties": mostly(event_properties, scalars),
        "user_properties": mostly(updates, scalars),
        "group_properties": mostly(groups, scalars),
    },
)
user_updates = st.fixed_dictionaries(
    {"user_id": people, "user_properties": updates},
    optional=_common | {"event_type": st.sampled_from(["$identify", "_identify", "identify"])},
)
group_updates = st.fixed_dictionaries(
    {
        "event_type": st.just("$groupidentify"),
        "groups": st.fixed_dictionaries({"company": st.sampled_from(["A", ["B", 7], "x" * 151])}),
        "group_properties": groups | updates,
    },
    optional={name: of for name, of in _common.items() if name != "groups"} | {"user_id": people},
)
anonymous_events = st.builds(
    lambda of, device: of | {"user_id": None, "device_id": device},
    events,
    st.sampled_from(["d1", "d2"]),
)
records = mostly(events | user_updates, group_updates | anonymous_events)


def _one_message(items: list[Json], shape: str) -> bytes:
    texts = [json.dumps(item, ensure_ascii=shape == "array") for item in items]
    listed = f"[{','.join(texts)}]"
    body = {
        "lines": "\n".join(texts),
        "array": listed,
        "events": f'{{"api_key":"k","events":{listed}}}',
        "identification": f'{{"identification":{json.dumps(listed)}}}',
        "gzip": "\n".join(texts),
    }[shape].encode()
    return gzip.compress(body, 1) if shape == "gzip" else body


messages = st.builds(
    lambda items, shape, published: Message(
        data=_one_message(items, shape), message_id="1", publish_time=published, attributes={}
    ),
    st.lists(records, min_size=1, max_size=6),
    st.sampled_from(["lines", "array", "events", "identification", "gzip"]),
    mostly(st.sampled_from([1_700_000_000.5, 1_700_000_001.0]), st.none()),
)

listed_names = st.lists(
    st.sampled_from((*_NAMES, "a1", "b2", "words")), min_size=4, max_size=8, unique=True
)
selections = st.sampled_from(["none", "all", "all"]) | listed_names
attribute_selections = mostly(
    st.just("all")
    | listed_names.map(
        lambda names: [n for n in names if not n.startswith("_") and len(n.encode()) <= 150]
    ),
    st.just("none"),
)
new_names = st.dictionaries(
    st.sampled_from(_EVENT_NAMES),
    st.sampled_from(["Bought", " Bought ", "é" * 50, "r" * 100]),
    max_size=2,
)
clauses = st.fixed_dictionaries(
    {
        "property": st.sampled_from(["event_properties.plan", "user_properties.seats", "user_id"]),
        "op": st.sampled_from([op for op in OPERATORS if op not in ("is_set", "is_not_set")]),
        "values": st.lists(scalars.filter(lambda value: value is not None), min_size=1, max_size=1),
    }
)


@st.composite
def settings_pages(draw: st.DrawFn) -> Settings:
    """A settings page that the product accepts."""
    preset = draw(st.booleans())
    bags = ("event_properties", "user_properties", "group_properties")
    chosen = {} if preset else {bag: draw(selections) for bag in bags}
    events_on, users_on = draw(
        mostly(st.just((True, True)), st.sampled_from([(True, False), (False, True)]))
    )
    identifier = mostly(
        st.just("user_id"), st.sampled_from(["user_properties.email", "event_properties.seats"])
    )
    attributes = draw(attribute_selections)
    updates_people = attributes not in ("none", [])
    events_on = events_on or not updates_people
    triggers = ["identify", "always"] if updates_people or not users_on else ["identify"]
    groups_on = draw(st.booleans())
    page = {
        "preset": "all_properties" if preset else None,
        "mappings": {
            "user_identifier": draw(identifier),
            "anonymous": draw(st.sampled_from(["skip", "send" if events_on else "skip"])),
        },
        "events": chosen
        | {
            "enabled": events_on,
            "rename": draw(new_names),
            "exclude": draw(mostly(st.just([]), st.just(["Paid"]))),
            "where": draw(mostly(st.just([]), st.lists(clauses, max_size=1))),
        },
        "users": {
            "enabled": users_on,
            "user_properties": attributes,
            "trigger": draw(st.sampled_from(triggers)),
            "update_only": draw(st.booleans()),
        },
        "groups": {
            "enabled": groups_on,
            "object_types": {"company": "1"},
            "group_properties": draw(attribute_selections) if groups_on else "none",
        },
        "limits": {"on_violation": draw(st.sampled_from(["dead_letter", "trim"]))},
        "delivery": {
            "max_batch_items": draw(st.integers(1, 6) | st.just(100)),
            "max_batch_bytes": draw(st.integers(33_000, 34_000) | st.just(475_000)),
        },
    }
    return Settings.model_validate(page)
