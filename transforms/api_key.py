"""Blanking API keys in input that cannot be parsed.

Found in JSON, in JSON within a JSON text (escaped with backslashes or as \\u0022), in forms (plain
or percent-encoded), in what some programs take for JSON, and in any of these as UTF-16 or UTF-32.
Every pattern is linear in the size of the input.
"""

import re
from bisect import bisect_left

NAME = b"api_key"
MARGIN = 256
"""Bytes within which a name and its escapes are found in a text that is looked through in parts."""

# The name is at the beginning of each pattern: so it is searched at the speed of `in`.
_VALUE = rb"""
    (?P<head>
        (?: \\*+ ["'] | \\++ u00(?:22|27) | %2[27] )?
        \s*+ (?: [:=] | %3[AaDd] ) \s*+
    )
    (?:
        # A string with a colon behind it was no value: in broken JSON that comes after it.
        (?P<double> " ) (?: [^"\\] | \\. )*+ (?: " \s*+ : \s*+ " (?: [^"\\] | \\. )*+ )*+
      | (?P<single> ' ) (?: [^'\\] | \\. )*+
      | (?P<escaped> \\++ (?: ["'] | u00(?:22|27) ) ) [^"'\\]*+
      | (?P<percent> %2[27] ) [^%&\s]*+
      | (?! null \b ) [^\s,;&"'\\\[\]{}]++
    )
"""
_FLAGS = re.DOTALL | re.VERBOSE
_PLAIN = re.compile(rb"(?P<name> api_key ) (?<! [0-9A-Za-z_] api_key )" + _VALUE, _FLAGS)
# A name that stands behind an escaped quote, or that has escaped letters itself. A run of
# backslashes is looked at from its beginning only, or it would take the square of its length.
_LETTER_ESCAPES = [(bytes([letter]), b"%04x" % letter) for letter in NAME]
_ESCAPED_NAME = b"".join(
    rb"(?: %s | \\++ u (?i:%s) )" % (letter, code) for letter, code in _LETTER_ESCAPES[1:]
)
_ESCAPED = re.compile(
    rb"(?P<name> (?: (?:u00|%)2[27] a | (?<! [0-9A-Za-z_\\] ) (?: a | \\++ u0061 ) )"
    + _ESCAPED_NAME
    + rb")"
    + _VALUE,
    _FLAGS,
)
# Characters of two or four bytes, of which all but one are zero, whichever comes first.
_WIDE = re.compile(
    rb"(?P<head>"
    + b"".join(rb"%s \0{1,3}+" % bytes([letter]) for letter in NAME)
    + rb"""(?: ["'] \0{1,3}+ )? (?: \s \0{1,3}+ )*+ [:=] \0{1,3}+ (?: \s \0{1,3}+ )*+
           (?: ["'] \0{1,3}+ )? )
           (?: [^"',;&\s\[\]{}\0] \0{1,3}+ )*+""",
    _FLAGS,
)
# One of them is in every text that hides a name behind escapes, and they are searched fast.
_ESCAPES = (
    re.compile(rb"\\u00(?:2[27]|61|70|69|5[fF]|6[bB]|65|79)"),
    re.compile(rb"%2[27]"),
)

Spans = list[tuple[int, int]]


def key_spans(data: bytes) -> Spans:
    """Where the values of every `api_key` stand, without their quotes; in order."""
    spans: Spans = []
    if NAME in data:
        spans += map(_value_span, _PLAIN.finditer(data))
    if any(escape.search(data) for escape in _ESCAPES):
        spans += map(_value_span, _ESCAPED.finditer(data))
    if b"a\0" in data:
        spans += ((match.end("head"), match.end()) for match in _WIDE.finditer(data))
    return sorted(spans)


def without_spans(data: bytes, spans: Spans, start: int, end: int) -> bytes:
    """`data[start:end]` without the spans that begin in it."""
    parts: list[bytes] = []
    for position in range(bisect_left(spans, (start, 0)), len(spans)):
        first, last = spans[position]
        if first >= end:
            break
        parts.append(data[start:first])
        start = max(start, min(last, end))
    parts.append(data[start:end])
    return b"".join(parts)


def without_api_key(data: bytes) -> bytes:
    """Raw input with the value of every `api_key` blanked."""
    spans = key_spans(data)
    return without_spans(data, spans, 0, len(data)) if spans else data


def may_hold_api_key(data: bytes) -> bool:
    """Whether there is an `api_key` in `data`, with a value or cut off before it."""
    return NAME in data or without_api_key(data) != data


def _value_span(match: re.Match[bytes]) -> tuple[int, int]:
    quote = match.end(match.lastgroup or "head")
    return quote, match.end()
