"""The section that compares: what would change under other settings."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

from pipeline.dryrun import facts
from pipeline.dryrun.chain import Chain
from pipeline.dryrun.differences import Differences
from pipeline.dryrun.document import Block, Cell, Column, Section, Table
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import about, whole
from pipeline.dryrun.tables import KINDS, MOST_ROWS, cut_words, name_of, top
from pipeline.preview.words import shortened
from transforms.reasons import OUTCOMES

K = TypeVar("K", bound=Any)


def comparison(look: Look, other: Chain, differences: Differences) -> Section:
    """What would change under the other settings."""
    chain = look.chain
    blocks: list[Block] = [
        _side_by_side(look, other),
        Table(
            "Operations, record by record",
            (Column("operation"), Column("compared"), Column("number", number=True)),
            tuple(
                (KINDS.get(kind, kind), verdict, whole(count))
                for (kind, verdict), count in sorted(differences.operations.items())
            ),
        ),
        *_coming_and_going(chain, other),
    ]
    examples = differences.examples
    if examples.counts:
        shown, cut = top(examples.counts.items(), examples.missed)
        rows = tuple(
            (name_of(record), KINDS.get(kind, kind), shortened(words, 300), whole(count))
            for (record, kind, words), count in shown
        )
        columns = (
            Column("records of"),
            Column("operation"),
            Column("what differs"),
            Column("number", number=True),
        )
        blocks.append(Table("What differs, by the names alone", columns, rows, cut))
    return Section(
        "What would change",
        f"The same records, read once, under {chain.name} (as they are) and {other.name} (the "
        "others).",
        tuple(blocks),
    )


def _side_by_side(look: Look, other: Chain) -> Table:
    chain = look.chain
    one, two = chain.outcomes(), other.outcomes()
    lines: list[tuple[str, int, int]] = [
        *((name, one[name], two[name]) for name in OUTCOMES if one[name] or two[name]),
        ("requests", chain.packing.requests, other.packing.requests),
        ("bytes of requests", chain.packing.bytes, other.packing.bytes),
        ("people named", len(chain.people.counts), len(other.people.counts)),
    ]
    for kind in dict.fromkeys((*chain.operations, *other.operations)):
        lines.append((KINDS.get(kind, kind), chain.operations[kind], other.operations[kind]))
    rows = [(what, whole(now), whole(then), _change(then - now)) for what, now, then in lines]
    speed = facts.rate(look)
    if speed is not None:
        now, then = (speed.mean * facts.requests_a_record(each) for each in (chain, other))
        rows.append(("requests a second", about(now), about(then), _change(then - now)))
    columns = (
        Column("what"),
        Column(chain.name, number=True),
        Column(other.name, number=True),
        Column("change", number=True),
    )
    return Table("Side by side", columns, tuple(rows))


def _coming_and_going(chain: Chain, other: Chain) -> Iterator[Table]:
    rows: list[tuple[Cell, ...]] = [
        ("event", name_of(name), one, two)
        for name, one, two in _differ(chain.events.counts, other.events.counts)
    ]
    for (kind, name), one, two in _differ(chain.properties.counts, other.properties.counts):
        rows.append((f"property of {KINDS.get(kind, kind)}", name_of(name), one, two))
    if not rows:
        return
    columns = (
        Column("what"),
        Column("name in Customer.io"),
        Column(chain.name, number=True),
        Column(other.name, number=True),
    )
    missed = sum(
        each.missed for each in (chain.properties, other.properties, chain.events, other.events)
    )
    yield Table(
        "Events and properties that come or go",
        columns,
        tuple(rows[:MOST_ROWS]),
        cut_words(len(rows), missed),
    )


def _differ(one: Counter[K], two: Counter[K]) -> Iterator[tuple[K, str, str]]:
    """What is only in one of them, with both counts."""
    for name in dict.fromkeys((*one, *two)):
        if not one[name] or not two[name]:
            yield name, whole(one[name]), whole(two[name])


def _change(change: float) -> str:
    """`+5`, `−0.1`; nothing where nothing changes."""
    return ("+" if change > 0 else "−") + about(abs(change)) if change else ""
