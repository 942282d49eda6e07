"""Terraform's files as Python data: what is declared, and what is referred to."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hcl2

_TRAVERSAL = re.compile(r"(?<![\w.\"-])((?:data\.)?[a-z][\w-]*(?:\.[A-Za-z_][\w-]*|\[[^\]]*\])+)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_INSIDE = re.compile(r"\$\{(.*?)\}")


class Block(NamedTuple):
    """A block of the first level, such as `resource "google_pubsub_topic" "records" {…}`."""

    kind: str
    labels: tuple[str, ...]
    body: dict[str, Any]


def blocks(folder: Path) -> Iterator[Block]:
    """The blocks of a folder's .tf files. Raises lark.UnexpectedInput for what is not HCL."""
    for path in sorted(folder.glob("*.tf")):
        document = hcl2.loads(path.read_text(encoding="utf-8"))
        for kind, found in document.items():
            if kind != "__comments__":
                for body in found:
                    yield _labelled(kind, body)


def _labelled(kind: str, body: dict[str, Any]) -> Block:
    labels = []
    while "__is_block__" not in body:
        [(label, body)] = [item for item in body.items() if item[0] != "__comments__"]
        labels.append(label.strip('"'))
    return Block(kind, tuple(labels), body)


def without_marks(body: dict[str, Any]) -> dict[str, Any]:
    """A body's arguments and blocks, without what the parser adds to it."""
    return {name: value for name, value in body.items() if not name.startswith("__")}


def expressions(value: Any) -> Iterator[str]:
    """Every expression below a value; texts as they stand in the file, with their quotes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, below in without_marks(value).items():
            if name.startswith("${"):
                yield name
            yield from expressions(below)
    elif isinstance(value, list):
        for below in value:
            yield from expressions(below)


def references(expression: str) -> Iterator[list[str]]:
    """What an expression refers to: `var.name` as ["var", "name"], indexes left out."""
    if expression.startswith("${") and expression.endswith("}"):
        expression = expression[2:-1]
    for text in _STRING.findall(expression):
        for inside in _INSIDE.findall(text):
            yield from references(inside)
    for traversal in _TRAVERSAL.findall(_STRING.sub('""', expression)):
        yield re.sub(r"\[[^\]]*\]", "", traversal).split(".")


def text(value: Any) -> str:
    """A text of the file, without its quotes; anything else as it stands."""
    written = str(value)
    return written[1:-1].replace('\\"', '"') if written.startswith('"') else written
