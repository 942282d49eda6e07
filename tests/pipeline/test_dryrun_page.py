"""The page: well-formed, of itself alone, and without anything of the customer's but names."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline.dryrun.page import page
from pipeline.dryrun.terminal import render
from pipeline.local.traffic import generate
from tests.pipeline.dryrun_world import PUBLISHED_AT, event, look_at, messages, report_of
from transforms.records import Message

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)",
    "&lt;b&gt; &amp; &#x3c;",
    "\x00\x1b[31m\u202etxt.exe\u2066",
    "[red]rich[/red] \\[bold]",
    "`code` and ``",
    "https://evil.example/x.png",
    "x" * 5_000,
    "😀 événement שלום",
]
EVERYTHING: dict[str, Any] = {
    "preset": "all_properties",
    "users": {"user_properties": "all", "trigger": "always"},
}


def hostile_messages() -> list[Message]:
    records = [
        event(number, event_type=name, event_properties={name: 1}, user_properties={name: {"a": 2}})
        for number, name in enumerate(HOSTILE)
    ]
    return messages(*records, event(99, group_properties={"team": {"x": {HOSTILE[0]: 1}}}))


def parsed(html: str) -> Element:
    """The page's tree; html5lib raises for whatever HTML5 calls a parse error."""
    found: Element = html5lib.HTMLParser(strict=True).parse(html)
    return found


def elements(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    for each in parsed(html).iter():
        tag = each.tag if isinstance(each.tag, str) else ""
        yield tag.removeprefix(HTML).removeprefix(SVG), dict(each.attrib)


def traffic() -> list[Message]:
    """Everything that there is, with times of publishing."""
    return [
        Message(sample.data, str(number), PUBLISHED_AT + number / 10, {})
        for number, sample in enumerate(generate(1_000, seed=2, now=PUBLISHED_AT, trouble=0.3))
        if len(sample.data) < 1_000_000
    ]


PAGES = {
    "hostile": lambda: look_at(hostile_messages(), {}, EVERYTHING),
    "traffic": lambda: look_at(traffic(), EVERYTHING, {}),
    "one record": lambda: look_at(messages(event()), {}),
    "nothing": lambda: look_at([], {}),
    "no times": lambda: look_at(messages(event(), published=None), {}),
}


@pytest.mark.parametrize("name", PAGES)
def test_it_is_well_formed_and_loads_nothing(name: str) -> None:
    html = page(report_of(PAGES[name]()))
    found = list(elements(html))
    assert {tag for tag, _attributes in found}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use"}
    )
    for tag, attributes in found:
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            if key in ("href", "src", "action", "style", "srcset"):
                assert (tag, key) == ("a", "href")
                assert value.startswith("#")
    targets = {attributes["id"] for _tag, attributes in found if "id" in attributes}
    links = [attributes["href"][1:] for tag, attributes in found if tag == "a"]
    assert links
    assert set(links) <= targets
    [style] = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_a_name_stays_a_text() -> None:
    look = look_at(hostile_messages(), {}, EVERYTHING)
    tree = parsed(page(report_of(look)))
    codes = {"".join(each.itertext()) for each in tree.iter(f"{HTML}code")}
    for name in HOSTILE[:4]:
        assert name in codes
    assert r"\u0000\u001b[31m\u202etxt.exe\u2066" in codes
    assert HOSTILE[8] not in codes
    assert "x" * 79 + "…" in codes


def test_a_terminal_shows_names_as_they_are() -> None:
    file = io.StringIO()
    Console(file=file, width=400).print(render(report_of(look_at(hostile_messages(), {}))))
    printed = file.getvalue()
    assert "[red]rich[/red]" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


SECRETS = ("canary-value-1", "canary-id-2", "canary@example.com", "canary-group-3", "canary-key-4")


def test_no_value_and_no_identifier_is_in_it() -> None:
    records = [
        event(
            number,
            user_id=identifier,
            device_id="canary-id-2",
            event_properties={"color": f"canary-value-1 {number}", "size": 7_654_321 + number},
            user_properties={"email": "canary@example.com", "$set": {"plan": "canary-value-1"}},
            group_properties={"team": {"canary-group-3": {"tier": "canary-value-1"}}},
            api_key="canary-key-4",
        )
        for number, identifier in enumerate(["canary-id-2", "canary@example.com", 7_654_321, None])
    ]
    look = look_at(messages(*records), {}, EVERYTHING)
    document = report_of(look)
    file = io.StringIO()
    Console(file=file, width=400).print(render(document))
    for text in (page(document), file.getvalue()):
        assert "color" in text
        for secret in (*SECRETS, "7654321", "7,654,321"):
            assert secret not in text


def test_every_section_is_in_the_terminal_and_on_the_page() -> None:
    document = report_of(PAGES["traffic"]())
    file = io.StringIO()
    Console(file=file, width=200).print(render(document))
    headings = [each.text for each in parsed(page(document)).iter(f"{HTML}h2")]
    assert headings == [section.title for section in document.sections]
    assert len(headings) == 10
    for title in headings:
        assert title is not None
        assert f"\n{title}" in file.getvalue()


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    *("event_type", "user_id", "event_time", "time", "device_id", "event_properties"),
    *("user_properties", "group_properties", "groups", "cohort_id", "events", "api_key"),
)
any_message = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6).map(
        lambda fields: json.dumps(fields).encode()
    ),
    st.lists(json_values, max_size=3).map(lambda found: json.dumps(found).encode()),
    st.sampled_from([rb'{"event_type":"\ud800","user_id":"\udfff"}', b'{"event_type":"\xff"}']),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.lists(any_message, max_size=4))
def test_whatever_comes_there_is_a_report(texts: list[bytes]) -> None:
    found = [Message(text, str(n), PUBLISHED_AT + n, {}) for n, text in enumerate(texts)]
    look = look_at(found, EVERYTHING, {})
    other = look.other
    assert other is not None
    for each in (look.chain, other):
        assert each.outcomes().total() == look.traffic.records
        assert not each.outcomes()["dead_lettered.internal_error"]
    document = report_of(look)
    parsed(page(document))
    Console(file=io.StringIO()).print(render(document))
    page(document).encode()
