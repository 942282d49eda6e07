"""What each answer means for the items of its request."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.sink.answers import Answer, Meaning, Verdict, read_answer

ITEMS = 3
ACCEPTED = Verdict(Meaning.ACCEPTED)
HTML = b"<html><body><h1>Error</h1></body></html>"


def errors(*entries: Any) -> bytes:
    return json.dumps({"errors": entries}).encode()


def refusal(index: Any, **fields: Any) -> dict[str, Any]:
    entry = {"reason": "invalid", "field": "name", "message": "must not be blank"}
    return {"batch_index": index, **entry, **fields}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="empty object"),
        pytest.param(b"{}\n", id="empty object and newline"),
        pytest.param(b"", id="nothing"),
        pytest.param(b" \r\n", id="blanks"),
        pytest.param(b'{"errors":[]}', id="no errors"),
        pytest.param(b'{"errors":null}', id="null errors"),
        pytest.param(b'{"something":{"else":1}}', id="unknown field"),
    ],
)
def test_everything_was_taken(status: int, body: bytes) -> None:
    assert read_answer(Answer(status, body), ITEMS) == ACCEPTED


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    ("entries", "refused"),
    [
        pytest.param([refusal(1)], {1: "invalid: name: must not be blank"}, id="one"),
        pytest.param(
            [refusal(2), refusal(0, field="id", message="bad")],
            {2: "invalid: name: must not be blank", 0: "invalid: id: bad"},
            id="two",
        ),
        pytest.param(
            [refusal(1), refusal(1, reason="required", field="", message=None)],
            {1: "invalid: name: must not be blank; required"},
            id="two of one item",
        ),
        pytest.param([{"batch_index": 0}], {0: ""}, id="without words"),
        pytest.param(
            [refusal(0, message=12, field=["a"], reason={"b": 1})], {0: "12"}, id="no texts"
        ),
        pytest.param([refusal(number) for number in range(3)], None, id="all"),
    ],
)
def test_items_named_in_errors_are_refused(
    status: int, entries: list[Any], refused: dict[int, str] | None
) -> None:
    verdict = read_answer(Answer(status, errors(*entries)), ITEMS)

    assert verdict.meaning is Meaning.ACCEPTED
    if refused is None:
        refused = dict.fromkeys(range(ITEMS), "invalid: name: must not be blank")
    assert verdict.refused == refused


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([refusal(3)], id="index beyond the last"),
        pytest.param([refusal(0), refusal(10**30)], id="index far beyond the last"),
        pytest.param([refusal(-1)], id="negative index"),
        pytest.param([refusal(True)], id="index true"),
        pytest.param([refusal(1.0)], id="index as a decimal"),
        pytest.param([refusal("1")], id="index as text"),
        pytest.param([refusal(None)], id="index null"),
        pytest.param([{"reason": "invalid"}], id="index missing"),
        pytest.param(["some words"], id="a text"),
        pytest.param([None], id="null"),
        pytest.param([[0]], id="a list"),
    ],
)
def test_an_error_of_no_known_item_splits_the_request(status: int, entries: list[Any]) -> None:
    verdict = read_answer(Answer(status, errors(*entries)), ITEMS)

    assert verdict.meaning is Meaning.SPLIT
    assert verdict.refused == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(207, b'{"errors":{"0":"invalid"}}', id="207 errors as an object"),
        pytest.param(200, b'{"errors":{"0":"invalid"}}', id="200 errors as an object"),
        pytest.param(200, b'{"errors":"invalid"}', id="200 errors as a text"),
        pytest.param(207, b'{"errors":1}', id="207 errors as a number"),
        pytest.param(207, b'{"errors":[]}', id="207 without an error"),
        pytest.param(207, b"{}", id="207 empty object"),
        pytest.param(207, b"", id="207 nothing"),
    ],
)
def test_a_partial_success_that_names_nothing_splits_the_request(status: int, body: bytes) -> None:
    assert read_answer(Answer(status, body), ITEMS).meaning is Meaning.SPLIT


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HTML, id="a page"),
        pytest.param(b'{"errors":[{"batch_index":1,"rea', id="truncated"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"errors":["\xff"]}', id="not UTF-8"),
        pytest.param(b'{"errors":' + b"[" * 5_000, id="too deep"),
        pytest.param(b'{"errors":[' + b"9" * 5_000 + b"]}", id="endless number"),
    ],
)
def test_a_success_that_the_track_api_did_not_say_is_sent_again(status: int, body: bytes) -> None:
    verdict = read_answer(Answer(status, body), ITEMS)

    assert verdict == Verdict(Meaning.RETRY, detail=f"{status} without a JSON object")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (0, Meaning.RETRY),
        (408, Meaning.RETRY),
        (425, Meaning.RETRY),
        (429, Meaning.RETRY),
        (500, Meaning.RETRY),
        (502, Meaning.RETRY),
        (503, Meaning.RETRY),
        (504, Meaning.RETRY),
        (522, Meaning.RETRY),
        (999, Meaning.RETRY),
        (400, Meaning.SPLIT),
        (413, Meaning.SPLIT),
        (422, Meaning.SPLIT),
        (401, Meaning.CREDENTIALS),
        (403, Meaning.CREDENTIALS),
        (301, Meaning.ENDPOINT),
        (302, Meaning.ENDPOINT),
        (304, Meaning.ENDPOINT),
        (307, Meaning.ENDPOINT),
        (308, Meaning.ENDPOINT),
        (404, Meaning.ENDPOINT),
        (405, Meaning.ENDPOINT),
        (101, Meaning.ENDPOINT),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(HTML, id="a page"),
        pytest.param(b'{"errors":[{"batch_index":0,"reason":"invalid"}]}', id="errors"),
    ],
)
def test_the_status_decides_what_to_do(status: int, meaning: Meaning, body: bytes) -> None:
    verdict = read_answer(Answer(status, body), ITEMS)

    assert verdict.meaning is meaning
    assert verdict.refused == {}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b'{"meta":{"error":"too long"}}', "400 too long", id="v1, one"),
        pytest.param(
            b'{"meta":{"errors":["name is blank","data is bad"]}}',
            "400 name is blank; data is bad",
            id="v1, a list",
        ),
        pytest.param(
            errors({"reason": "invalid", "field": "batch", "message": "must be an array"}),
            "400 invalid: batch: must be an array",
            id="v2",
        ),
        pytest.param(
            errors("one", {"reason": "two"}), "400 one; two", id="v2, a text and an object"
        ),
        pytest.param(b'{"meta":{"error":null}}', "400", id="v1, null"),
        pytest.param(b'{"meta":{"errors":[]}}', "400", id="v1, empty list"),
        pytest.param(b'{"meta":{}}', "400", id="v1, empty"),
        pytest.param(b'{"meta":[]}', "400", id="v1, no object"),
        pytest.param(HTML, "400", id="a page"),
        pytest.param(b"", "400", id="nothing"),
    ],
)
def test_a_refusal_is_told_in_customer_ios_words(body: bytes, detail: str) -> None:
    assert read_answer(Answer(400, body), 1).detail == detail


def test_no_detail_is_longer_than_500_characters() -> None:
    words = "é" * 5_000
    for body in (errors(words), json.dumps({"meta": {"error": words}}).encode()):
        assert len(read_answer(Answer(400, body), 1).detail) == 500
    [refused] = read_answer(Answer(207, errors(refusal(0, message=words))), 1).refused.values()
    assert len(refused) == 500


def test_no_answer_is_told_by_its_failure() -> None:
    verdict = read_answer(Answer(0, b"no answer: ConnectTimeout"), ITEMS)

    assert verdict == Verdict(Meaning.RETRY, detail="no answer: ConnectTimeout")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "meta", "error", "batch_index", "reason", "field", "message"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode())


@settings(deadline=None, derandomize=True)
@given(status=st.integers(-1, 1000), body=bodies, items=st.integers(1, 100))
@example(0, b"\xff", 1)
@example(400, b'{"errors":["' + b"\\ud800" + b'"]}', 1)
@example(400, b'{"errors":[{"reason":' + b'{"a":' * 700 + b"1" + b"}" * 700 + b"}]}", 1)
def test_every_answer_has_a_meaning(status: int, body: bytes, items: int) -> None:
    verdict = read_answer(Answer(status, body), items)

    assert all(0 <= index < items for index in verdict.refused)
    assert not verdict.refused or verdict.meaning is Meaning.ACCEPTED


@pytest.mark.parametrize("around", [b'{"errors":[{"reason":%s}]}', b'{"errors":[%s]}'])
def test_no_depth_of_a_body_raises(around: bytes) -> None:
    for depth in range(100, 1_100):
        body = around % (b'{"a":' * depth + b"1" + b"}" * depth)
        assert read_answer(Answer(400, body), 1).meaning is Meaning.SPLIT


def test_what_a_server_quotes_stays_one_line_without_control_characters() -> None:
    message = "v \u001b[31m\r\nERROR forged \u202e\u0000"
    body = json.dumps({"errors": [{"batch_index": 0, "message": message}]}).encode()

    verdict = read_answer(Answer(207, body), ITEMS)
    assert verdict.refused == {0: "v \\x1b[31m\\r\\nERROR forged \\u202e\\x00"}
    body = json.dumps({"meta": {"error": message}}).encode()
    assert read_answer(Answer(400, body), ITEMS).detail.isprintable()
