"""What PyYAML's syntax errors mean for the person who wrote the file.

PyYAML's own texts name parser states and quote the file; these do neither.
"""

from typing import Final

_WORDS: Final = (
    ("found character '\\t'", "a tab stands where only spaces may stand"),
    ("cannot start any token", "a text that begins with this character needs quotes round it"),
    (
        "mapping values are not allowed here",
        "a colon does not fit here; check the indentation, look for a missing colon in the line "
        'above, and put quotes round a text with ": " in it',
    ),
    ("could not find expected ':'", "a line without a colon after its key"),
    (
        "sequence entries are not allowed here",
        "a list item stands on the line of its key; begin it on a line of its own",
    ),
    ("mapping keys are not allowed here", "a key is not allowed here; check the indentation"),
    (
        "expected <block end>",
        "the line does not fit the lines above it; check the indentation, and put quotes round a "
        "text that begins with [ or a quote",
    ),
    ("expected ',' or ']'", "a list that begins with [ lacks a comma or its ]"),
    ("expected ',' or '}'", "a mapping that begins with { lacks a comma or its }"),
    (
        "expected alphabetic or numeric character",
        "a text that begins with * or & needs quotes round it",
    ),
    ("found unexpected end of stream", "a text that begins with a quote lacks its closing quote"),
    ("found unknown escape character", "a backslash in a text in double quotes; write it twice"),
    ("expected escape sequence", "a backslash in a text in double quotes; write it twice"),
    (
        "expected chomping or indentation indicators",
        "a text that begins with | or > needs quotes round it",
    ),
    ("expected the node content", "a value is missing, or needs quotes round it"),
    ("expected '<document start>'", "text stands after the end of the settings"),
    ("undefined tag handle", "a text that begins with ! needs quotes round it"),
)

OTHER_SYNTAX_ERROR: Final = "check quotes, colons and indentation"


def in_plain_words(problem: str) -> str:
    """Words for the `problem` of a PyYAML error; never a piece of the file."""
    return next((words for sign, words in _WORDS if sign in problem), OTHER_SYNTAX_ERROR)
