"""YAML and JSON below the settings: syntax errors, what a plain word means, files built to hurt."""

import json

import pytest

from pipeline.settings import SettingsError, parse_settings
from pipeline.settings.document import read_document
from pipeline.settings.yaml_tree import UnreadableError

SYNTAX = [
    pytest.param("a:\n\t- b", 2, 1, "a tab stands where only spaces may stand", id="tab"),
    pytest.param("a: @b", 1, 4, "a text that begins with this character needs quotes", id="at"),
    pytest.param("a: b: c", 1, 5, "a colon does not fit here", id="second-colon"),
    pytest.param("status: enabled\nmore", 2, 5, "a line without a colon after its key", id="word"),
    pytest.param("a: - b", 1, 4, "a list item stands on the line of its key", id="dash"),
    pytest.param("a: ? b", 1, 4, "a key is not allowed here", id="question-mark"),
    pytest.param("a:\n- [Amplitude] X", 2, 15, "put quotes round a text that begins", id="bracket"),
    pytest.param("a: [b\nc: d", 2, 2, "a list that begins with [ lacks", id="open-list"),
    pytest.param("a: {b: c\nd: e", 2, 2, "a mapping that begins with { lacks", id="open-mapping"),
    pytest.param("a: *", 1, 5, "a text that begins with * or &", id="star"),
    pytest.param("a: *b", 1, 4, "an alias (*name) without its anchor", id="alias"),
    pytest.param('a: "b', 1, 6, "lacks its closing quote", id="quote"),
    pytest.param('a: "C:\\x"', 1, 9, "a backslash in a text in double quotes", id="escape"),
    pytest.param('a: "C:\\Dir"', 1, 8, "a backslash in a text in double quotes", id="backslash"),
    pytest.param("a: |b", 1, 5, "a text that begins with | or > needs quotes", id="pipe"),
    pytest.param("a: [,]", 1, 5, "a value is missing, or needs quotes", id="comma"),
    pytest.param("{a: b} c", 1, 8, "text stands after the end of the settings", id="trailing"),
    pytest.param("a: !b!c d", 1, 4, "a text that begins with ! needs quotes", id="tag-handle"),
    pytest.param("%YAML 3.0\n---\na: b", 1, 1, "check quotes, colons and indentation", id="other"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), SYNTAX)
def test_syntax_error_has_line_column_and_plain_words(
    text: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text)
    [problem] = refused.value.problems
    assert problem.line == line
    assert problem.found.startswith(f"not valid YAML at column {column}: ")
    assert words in problem.found


def test_a_control_character_is_named_by_its_line() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings("status: enabled\n\nusers: \x01")
    [problem] = refused.value.problems
    assert (problem.line, problem.found) == (3, "a control character stands here")


PLAIN = [
    pytest.param("true", True, id="true"),
    pytest.param("False", False, id="False"),
    pytest.param("yes", "yes", id="yes"),
    pytest.param("NO", "NO", id="country"),
    pytest.param("off", "off", id="off"),
    pytest.param("null", None, id="null"),
    pytest.param("~", None, id="tilde"),
    pytest.param("", None, id="nothing"),
    pytest.param("12", 12, id="integer"),
    pytest.param("-7", -7, id="negative"),
    pytest.param("9" * 400, 10**400 - 1, id="long-integer"),
    pytest.param("1.0", 1.0, id="float"),
    pytest.param("1e3", 1000.0, id="exponent"),
    pytest.param("007", "007", id="leading-zero"),
    pytest.param("+49", "+49", id="plus"),
    pytest.param("1_000", "1_000", id="underscore"),
    pytest.param("0x1F", "0x1F", id="hexadecimal"),
    pytest.param("12:30:45", "12:30:45", id="clock"),
    pytest.param("2026-01-02", "2026-01-02", id="date"),
    pytest.param(".inf", ".inf", id="infinity"),
    pytest.param("'12'", "12", id="quoted-number"),
    pytest.param("!!str 12", "12", id="tagged-text"),
    pytest.param('!!int "12"', 12, id="tagged-number"),
    pytest.param("${NAME}", "${NAME}", id="reference"),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_plain_words_mean_what_they_mean_in_json(text: str, value: object) -> None:
    read = read_document(f"key: {text}")
    assert read.data == {"key": value}
    assert type(read.data["key"]) is type(value)
    assert read.faults == []


@pytest.mark.parametrize("text", ["1e999", "9" * 1001, "!!binary aGk=", "!mine x", "!!set {a}"])
def test_values_that_json_has_not_are_faults(text: str) -> None:
    read = read_document(f"key: {text}")
    assert read.data == {"key": None}
    assert [fault.path for fault in read.faults] == [("key",)]


def test_json_is_read_as_json() -> None:
    value = {
        "tab\there": "a\tb",
        "line ends": "\x7f\x85\u2028\u2029\ufffe",
        "emoji": "\U0001f680",
        "slash": "/",
        "numbers": [0, -1, 1.5, 2e-3, 10**30],
        "empty": [{}, [], "", None],
    }
    for text in (
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        json.dumps(value, indent="\t"),
        json.dumps(value, separators=(",", ":")).replace("/", "\\/"),
    ):
        read = read_document(text)
        assert read.data == value
        assert read.faults == []


def test_aliases_stand_for_the_value_of_their_anchor() -> None:
    settings = parse_settings(
        "events:\n  event_properties: &names [plan, seats]\n  user_properties: *names\n"
    )
    assert settings.events.user_properties == settings.events.event_properties == ("plan", "seats")


def test_a_fault_in_an_aliased_value_is_told_with_the_line_of_the_alias() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings("status: &word on\nlimits:\n  on_violation: *word\n")
    assert [problem.line for problem in refused.value.problems] == [1, 3]


def _bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


BOMBS = [
    pytest.param("a: &a 1\nb: [" + "*a, " * 51 + "]", "more than 50 aliases (*name)", id="many"),
    pytest.param(_bomb(25, 2), "too many values, or aliases nested too deep", id="doubling"),
    pytest.param(_bomb(11, 5), "too many values, or aliases nested too deep", id="five-wide"),
    pytest.param("a: &a [*a]", "not valid YAML at column 8", id="itself"),
    pytest.param("[" * 100_000, "nested more than 30 levels deep", id="lists"),
    pytest.param('{"a":' * 100_000, "nested more than 30 levels deep", id="mappings"),
]


@pytest.mark.parametrize(("text", "words"), BOMBS)
def test_files_built_to_exhaust_the_reader_are_refused(text: str, words: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read_document(text)
    assert refused.value.found.startswith(words)


def test_fifty_aliases_are_fine() -> None:
    read = read_document("a: &a 1\nb: [" + "*a, " * 50 + "]")
    assert read.data == {"a": 1, "b": [1] * 50}


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n---\na: b"])
def test_failures_inside_the_yaml_library_are_syntax_errors(text: str) -> None:
    with pytest.raises(UnreadableError, match="not valid YAML"):
        read_document(text)
