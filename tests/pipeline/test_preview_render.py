"""What a preview looks like: pinned at 80 columns, safe on any terminal, with a summary."""

import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pipeline.preview.closing import closing
from pipeline.preview.explain import explain
from pipeline.preview.explained import Explained
from pipeline.preview.json_lines import json_line
from pipeline.preview.render import block
from pipeline.preview.summary import Summary
from pipeline.settings import Settings
from transforms.records import Message

CHOSEN = Settings.model_validate(
    {
        "events": {
            "exclude": ["Heartbeat"],
            "event_properties": ["plan", "seats", "tags", "note", "出荷先"],
            "user_properties": ["plan"],
        },
        "users": {"user_properties": ["plan", "role"]},
    }
)
RECORDS: list[dict[str, Any]] = [
    {
        "event_type": "Plan Upgraded",
        "user_id": "ada@example.com",
        "event_time": "2026-05-04 10:01:07",
        "$insert_id": "i-1",
        "event_properties": {
            "plan": "pro",
            "seats": 12345678901234567890123,
            "tags": ["a", "b"],
            "note": "many words, " * 20,
            "出荷先": "東京" * 30,
            "coupon": "none",
        },
        "user_properties": {"plan": "free", "company": "Example"},
    },
    {"event_type": "Heartbeat", "user_id": "u-2", "event_time": 1777888867},
    {
        "user_id": "u-3",
        "event_time": 1777888867,
        "user_properties": {"$set": {"plan": "pro"}, "$unset": {"role": "-"}, "$add": {"n": 1}},
    },
    {"event_type": "Signed Up", "user_id": "u-4", "event_time": "yesterday"},
]
GOLDEN = """\
f.ndjson:1, record 1 of 5
event "Plan Upgraded"  would be sent
  person event  POST /api/v2/batch  678 bytes
    identifiers  {"email":"ada@example.com"}
    name         "Plan Upgraded"
    id           "01KQS6YCNRBTGE3V0GAWY8NHQS"
    timestamp    1777888867  2026-05-04 10:01:07 UTC
    attributes
      plan       "pro"
      seats      12345678901234567890123
      tags       ["a","b"]
      note       "many words, many words, many words, many words, m… (242 bytes)
      出荷先     "東京東京東京東京東京東京東京東京東京東京東京東京… (182 bytes)
  left behind (not selected)
    events.event_properties  coupon
    events.user_properties   company
  also counted
    clash.property 1: the event property wins over the user property: plan

f.ndjson:1, record 2 of 5
event "Heartbeat"  filtered.event_type  at filter
  "Heartbeat" is excluded: events.exclude names it

f.ndjson:1, record 3 of 5
user update  would be sent
  person identify  POST /api/v2/batch  127 bytes
    identifiers  {"id":"u-3"}
    attributes
      plan       "pro"
      role       null
    timestamp    1777888867  2026-05-04 10:01:07 UTC
  also counted
    unapplied.operator 1: left out, the stored value is needed: $add

f.ndjson:1, record 4 of 5
event "Signed Up"  dead_lettered.invalid_time  at build
  event_time is not a time: "yesterday"

f.ndjson:1, record 5 of 5
unreadable input  dead_lettered.not_an_object  at decode
  a JSON string
  "[red]\\u001b[2J"

Preview of 5 records; nothing was sent
outcome                       records   meaning
────────────────────────────────────────────────────────────────────────────────
would be sent                       2   Within all limits; Customer.io's answer
                                        decides the rest.
filtered.event_type                 1   The event type is not included, or is
                                        excluded.
dead_lettered.not_an_object         1   JSON, but a record has to be an object.
dead_lettered.invalid_time          1   The time is missing, not readable, or
                                        outside what Customer.io takes
                                        (2001-09-09 to 5138-11-16).
Operations: 1 event and 1 identify.
Also counted: clash.property 1, unapplied.operator 1.
"""


def explained(records: list[Any], settings: Settings) -> list[Explained]:
    data = msgspec.json.encode(records)
    return explain(Message(data, "f.ndjson:1", None, {}), settings)


def shown(
    found: list[Explained], settings: Settings, *, width: int = 80, limit: int | None = None
) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, no_color=True, markup=False, emoji=False, highlight=False
    )
    summary = Summary()
    for each in found:
        summary.add(each)
        console.print(block(each, console), soft_wrap=True)
    console.print(closing(summary, settings, limit))
    return "".join(line.rstrip() + "\n" for line in file.getvalue().splitlines())


def test_it_reads_like_this_in_80_columns() -> None:
    text = shown(explained([*RECORDS, "[red]\x1b[2J"], CHOSEN), CHOSEN)
    assert text == GOLDEN


def test_a_wider_terminal_shows_more_of_a_long_value() -> None:
    text = shown(explained(RECORDS, CHOSEN), CHOSEN, width=140)
    [note] = [line for line in text.splitlines() if line.startswith("      note ")]
    assert cell_len(note) == 140


def test_colour_marks_the_outcome_and_nothing_of_the_data() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    [sent, dead] = explained([RECORDS[2], "[bold]"], CHOSEN)
    for each in (sent, dead):
        console.print(block(each, console), soft_wrap=True)
    assert "\x1b[1;32mwould be sent\x1b[0m" in file.getvalue()
    assert "\x1b[1;31mdead_lettered.not_an_object\x1b[0m" in file.getvalue()
    assert '"[bold]"' in file.getvalue()


@pytest.mark.parametrize("count", [20, 21, 300])
def test_of_many_attributes_the_first_twenty_are_shown(count: int) -> None:
    settings = Settings.model_validate({"users": {"user_properties": "all"}})
    record = {
        "user_id": "u",
        "event_time": 1777888867,
        "user_properties": {f"p{n:03}": n for n in range(count)},
    }
    text = shown(explained([record], settings), settings)
    assert "      p019       19\n" in text
    assert "p020" not in text
    rest = f"and {count - 20} more (--json shows them all)"
    assert (rest in text) is (count > 20)


RELATED = Settings.model_validate(
    {
        "users": {"user_properties": "all"},
        "groups": {"enabled": True, "object_types": {"company": "1", "team": "12"}},
    }
)


def related(user_id: str, **groups: Any) -> dict[str, Any]:
    return {"event_type": "A", "user_id": user_id, "event_time": 1777888867, "groups": groups}


def test_each_relationship_stands_on_a_line_of_its_own() -> None:
    record = related("u", company=["Acme", "Example " * 4], team="東京")
    text = shown(explained([record], RELATED), RELATED)
    assert (
        "    cio_relationships\n"
        '      type 1           "Acme"\n'
        '      type 1           "Example Example Example Example"\n'
        '      type 12          "東京"\n'
    ) in text


def update(user_id: str) -> dict[str, Any]:
    plan = {"plan": "pro"}
    return related(user_id) | {"event_type": "$identify", "user_properties": plan}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([update("u"), update("u")], "2 identifies of 1 person: a job makes one of those that it"),
        (
            [update("A@example.com"), update("a@example.com"), update("u")],
            "3 identifies of 2 people: a job makes one of those that it",
        ),
        (
            [
                related("u", company=["A", "B"]),
                related("u", company="A"),
                related("v", company="A"),
            ],
            "alone. 4 relationships, 3 of them different: a job does not tell again what it has",
        ),
        ([update("u"), update("v"), related("u", company="A"), related("v", company="A")], ""),
    ],
    ids=["one person", "two people", "relationships", "all different"],
)
def test_what_a_job_would_send_less_of_is_said(records: list[Any], words: str) -> None:
    text = " ".join(shown(explained(records, RELATED), RELATED).split())
    assert words in text
    assert ("Each record is shown alone." in text) is bool(words)


def test_an_outcome_that_does_not_fit_beside_a_long_name_stands_below() -> None:
    record = {"event_type": "n" * 101, "user_id": "u", "event_time": 1777888867}
    lines = shown(explained([record], CHOSEN), CHOSEN).splitlines()
    assert lines[1] == f'event "{"n" * 58}…'
    assert lines[2] == "  dead_lettered.event_name_too_long  at validate"


HOSTILE = [
    *("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\n", "\b", "\x7f", "\u202e", "\u2028"),
    *("\u200b", "[red]x[/red]", "[/]", ":smile:", "[link=http://example.com]", "\U000e0041"),
]
hostile = st.lists(st.sampled_from([*HOSTILE, "a", "東", "é"]), max_size=6).map("".join)


def names_at_random(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(hostile, inner, max_size=3)


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "event_type": hostile,
            "user_id": hostile,
            "event_time": st.one_of(st.just(1777888867), hostile),
            "event_properties": names_at_random(hostile),
            "user_properties": st.one_of(names_at_random(hostile), hostile),
            "groups": names_at_random(hostile),
        }
    ),
    st.sampled_from([40, 80, 140]),
    st.booleans(),
)
def test_nothing_of_the_data_reaches_the_terminal_raw(
    record: dict[str, Any], width: int, all_selected: bool
) -> None:
    settings = Settings.model_validate(
        {
            "preset": "all_properties" if all_selected else None,
            "events": {"where": [{"property": "user_id", "op": "is_not", "values": ["a"]}]},
            "users": {"user_properties": "all", "trigger": "always"},
        }
    )
    found = explained([record], settings)
    text = shown(found, settings, width=width)
    assert all(line.isprintable() for line in text.splitlines())
    assert text.count("\n") == len(text.splitlines())
    [each] = found
    assert json_line(each).isprintable()
    if each.kind == "event" and len(record["event_type"]) < 10:
        plain = text.replace("\n", "")
        assert msgspec.json.decode(json_line(each))["name"] == record["event_type"]
        for mark in ("[red]x[/red]", ":smile:"):
            assert (mark in record["event_type"]) <= (mark in plain)


def test_a_path_that_is_no_utf8_is_shown_escaped() -> None:
    [each] = explain(Message(b"{}", "f\udcff.ndjson:1", None, {}), CHOSEN)
    assert shown([each], CHOSEN).startswith("f\\udcff.ndjson:1\n")
    assert msgspec.json.decode(json_line(each))["message_id"] == "f\\udcff.ndjson:1"


UPDATE = {"user_id": "u", "event_time": 1777888867, "user_properties": {"plan": "pro", "seats": 3}}
EVENT = {"event_type": "Signed Up", "user_id": "u", "event_time": 1777888867}


@pytest.mark.parametrize(
    ("records", "settings", "hints"),
    [
        pytest.param(
            [UPDATE, UPDATE | {"user_properties": {"plan": "free"}}],
            {},
            [
                "Most user updates are skipped because nothing is selected: look at "
                "users.user_properties (none); the records have plan, seats."
            ],
            id="no-user-property",
        ),
        pytest.param(
            [UPDATE, UPDATE | {"user_properties": {"role": "admin"}}],
            {"users": {"user_properties": ["role"]}},
            [],
            id="half-is-not-most",
        ),
        pytest.param(
            [EVENT | {"event_properties": {"method": "sso"}}],
            {"events": {"event_properties": ["Method"]}},
            [
                "Most events go without any property because none is selected: look at "
                "events.event_properties ([Method]); the records have method."
            ],
            id="no-event-property",
        ),
        pytest.param([EVENT], {}, [], id="no-property-to-select"),
        pytest.param(
            [EVENT | {"user_id": None}],
            {},
            ["Most records are skipped.anonymous: look at mappings.user_identifier."],
            id="anonymous",
        ),
        pytest.param(
            [EVENT],
            {"events": {"include": ["Other"]}},
            ["Most records are filtered.event_type: look at events.include and events.exclude."],
            id="event-type",
        ),
        pytest.param(
            [EVENT | {"event_time": None}],
            {},
            [
                "Most records are dead_lettered.invalid_time: a record of a file needs a time of "
                "its own, such as event_time."
            ],
            id="no-time",
        ),
        pytest.param([], {}, [], id="nothing"),
    ],
)
def test_the_summary_says_which_setting_to_look_at(
    records: list[dict[str, Any]], settings: dict[str, Any], hints: list[str]
) -> None:
    checked = Settings.model_validate(settings)
    summary = Summary()
    for each in explained(records, checked):
        summary.add(each)
    assert list(summary.hints(checked)) == hints
    text = shown(explained(records, checked), checked, width=200)
    assert [line for line in text.splitlines() if line.startswith("Hint: ")] == [
        f"Hint: {hint}" for hint in hints
    ]


def test_the_summary_says_what_bounds_it() -> None:
    settings = Settings.model_validate({"status": "disabled"})
    text = shown(explained([EVENT], settings), settings, limit=1)
    assert "--limit 1 ends the preview here.\n" in text
    assert "The settings say status: disabled. The job would read nothing.\n" in text
    assert "--limit" not in shown(explained([EVENT], settings), settings, limit=2)
