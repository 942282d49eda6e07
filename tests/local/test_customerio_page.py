"""The activity page: what it shows, and that data never becomes markup."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.customerio import CustomerIoStandIn, Workspace
from pipeline.local.customerio.activity import render
from pipeline.local.customerio.fields import Problem
from pipeline.local.customerio.page import Page

EVIL = "<script>alert('x')</script><img src=x onerror=\"alert(1)\">&{{activity}}"


class Outline(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def filled(text: str) -> Workspace:
    """A workspace that holds ``text`` wherever a sender can put one."""
    workspace = Workspace(clock=lambda: 1_700_000_000)
    base: dict[str, Any] = {"type": "person", "identifiers": {"id": text or "u"}}
    data = {text: text, "deep": {text: [text]}}
    workspace.apply(
        {**base, "action": "event", "name": text, "attributes": data, "timestamp": text}
    )
    workspace.apply({**base, "action": "page", "name": text, "timestamp": 10**18})
    workspace.apply({**base, "action": "identify", "attributes": {text: text, "email": text}})
    workspace.reject([Problem(text, text, text)], text.encode())
    return workspace


def test_markup_in_data_is_shown_as_text() -> None:
    markup = render(filled(EVIL))
    for raw in ("<script", "<img", "alert('", 'onerror="'):
        assert raw not in markup
    outline = Outline(markup)
    assert not outline.tags & {"script", "img"}
    assert "<script>alert('x')</script>" in outline.text


SAFE_TAGS = set(
    re.findall(
        r"\w+",
        "b code details div em h2 h3 header i li p pre rect section small span strong summary svg "
        "time ul",
    )
)
SAFE_ATTRIBUTES = set(
    re.findall(
        r"[\w-]+",
        "aria-label class data-key datetime height preserveaspectratio role rx title viewbox "
        "width x y",
    )
)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>&\"'/= ae!-{}\x00\u202e\U0001f600\n"), max_size=40))
def test_no_text_makes_new_markup(text: str) -> None:
    outline = Outline(render(filled(text)))
    assert outline.tags <= SAFE_TAGS
    assert outline.attributes <= SAFE_ATTRIBUTES
    assert outline.open == []


def test_what_the_page_says() -> None:
    workspace = filled("Song Played")
    text = Outline(render(workspace)).text
    for words in (
        "Items applied 3 of 4 received",
        "Rejected 1",
        "Duplicates ignored 0",
        "Song Played time = now",
        "22:13:20",
        "1000000000000000000",
        "id Song Played",
        "What was sent",
        "1 of 1, latest change first",
    ):
        assert words in text


def test_an_empty_workspace() -> None:
    text = Outline(render(Workspace())).text
    for words in ("Waiting for the first event.", "Nothing was refused.", "Nobody is known yet."):
        assert words in text


def test_long_values_and_many_values_are_cut() -> None:
    workspace = Workspace(clock=lambda: 1_700_000_000)
    data = {f"p{n}": "x" * 500 for n in range(20)}
    base = {"type": "person", "action": "event", "identifiers": {"id": "u"}, "name": "n"}
    workspace.apply({**base, "attributes": data, "timestamp": 1_600_000_000})
    text = Outline(render(workspace)).text
    assert "12 more" in text
    assert "x" * 59 + "…" in text
    assert "x" * 60 not in text
    assert "2020-09-13 12:26:40" in text


def test_the_page_needs_nothing_from_outside() -> None:
    page = Page("us").whole(Workspace())
    assert re.findall(r"(?:src|href|action)\s*=\s*\S+", page) == ['href="data:,">']
    assert not re.search(r"@import|url\(|https?:", page)
    assert "Region US" in page
    assert "{{" not in page


@pytest.fixture(scope="module")
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn("the-site-id", "the-api-key") as running:
        base: dict[str, Any] = {"type": "person", "identifiers": {"id": EVIL[:100]}}
        answer = requests.post(
            f"{running.url}/api/v2/batch",
            json={
                "batch": [
                    {**base, "action": "event", "name": EVIL[:90], "attributes": {EVIL: EVIL}},
                    {**base, "action": "identify", "attributes": {EVIL[:90]: EVIL}},
                    {**base, "action": "event", "name": EVIL * 3},
                ]
            },
            auth=("the-site-id", "the-api-key"),
            timeout=10,
        )
        assert answer.status_code == 207
        yield running


@pytest.mark.parametrize("path", ["/", "/_standin/activity"])
def test_the_page_over_http(stand_in: CustomerIoStandIn, path: str) -> None:
    answer = requests.get(f"{stand_in.url}{path}", timeout=10)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text
    assert "the-site-id" not in answer.text
    assert "the-api-key" not in answer.text
    assert answer.text.count("<script>") == (1 if path == "/" else 0)


def crowded() -> Workspace:
    """Events of 40 people, among them one of Ada long ago, one object each, and a refusal."""
    workspace = Workspace(clock=lambda: 1_700_000_000)
    for name in ("Ada@Example.com", *(f"user-{number}" for number in range(40))):
        person = {"type": "person", "identifiers": {"email" if "@" in name else "id": name}}
        event = "Song Played" if "@" in name else "Step"
        workspace.apply({**person, "action": "event", "name": event})
        identifiers = {"object_type_id": "1", "object_id": f"of {name}"}
        workspace.apply({"type": "object", "action": "identify", "identifiers": identifiers})
    workspace.reject([Problem("invalid", "name", "is empty")], b'{"id": "ada@example.com"}')
    return workspace


@pytest.mark.parametrize("wanted", ["ada@", "ADA@example", "Ada@Example.com"])
def test_a_person_is_found_in_every_list(wanted: str) -> None:
    whole, found = (Outline(render(crowded(), each)).text for each in ("", wanted))
    assert "Ada@Example.com" not in whole
    assert "user-39" in whole
    for words in (
        "Song Played",
        "email Ada@Example.com",
        "1 of 41, latest change first",
        "of Ada@Example.com",
        "is empty",
    ):
        assert words in found, words
    assert "user-" not in found


def test_an_event_is_found_by_its_name() -> None:
    found = Outline(render(crowded(), "song pl")).text
    assert "email Ada@Example.com" in found
    assert "user-" not in found
    # Numbers are those of the whole workspace.
    assert "Events 41" in found
    assert found.count("Nothing matches the filter.") == 3


def test_a_filter_over_http() -> None:
    with CustomerIoStandIn("the-site-id", "the-api-key") as running:
        for name in ("Song Played", "Step"):
            running.workspace.apply(
                {"type": "person", "identifiers": {"id": EVIL}, "action": "event", "name": name}
            )
        for path in ("/", "/_standin/activity"):
            answer = requests.get(
                f"{running.url}{path}", params={"filter": f" {EVIL[:60]} "}, timeout=10
            )
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "Song Played" in answer.text
            answer = requests.get(f"{running.url}{path}", params={"filter": "song"}, timeout=10)
            assert "Song Played" in answer.text
            assert "<h3>Step</h3>" not in answer.text
            assert ('type="search" id="filter" value="song"' in answer.text) is (path == "/")


def test_a_filter_is_never_taken_for_a_part_of_the_page() -> None:
    page = Page("us").whole(Workspace(), '"><b>{{activity}}')
    assert 'value="&quot;&gt;&lt;b&gt;{{activity}}"' in page
    assert page.count("Items applied") == 1


def test_the_field_has_a_label() -> None:
    page = Page("us").whole(Workspace())
    assert re.search(r"<label class=\"filter\">Filter\s+<input type=\"search\"", page)


def test_json_is_never_taken_for_a_page(stand_in: CustomerIoStandIn) -> None:
    for path in ("events", "people", "dump"):
        answer = requests.get(f"{stand_in.url}/_standin/{path}", timeout=10)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
