"""The section that compares: what would change under other settings."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

from pipeline.dryrun import facts
from pipeline.dryrun.chain import Chain
from pipeline.dryrun.differences import ADDED, CHANGED, REMOVED, SAME, Differences
from pipeline.dryrun.document import Block, Column, Mark, Section, Table
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import about, whole
from pipeline.dryrun.tables import KINDS, MOST_ROWS, cut_words, name_of, tone_of, top
from pipeline.preview.words import shortened

K = TypeVar("K", bound=Any)


def comparison(look: Look, other: Chain, differences: Differences) -> Section:
    """What would change under the other settings."""
    chain = look.chain
    blocks: list[Block] = [
        _side_by_side(look, other),
        _other_ends(differences),
        _operations(differences),
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
        f"The same records, read once, under {chain.name} (today) and under {other.name} (then). "
        "Nothing but names and numbers is compared here; values are not shown.",
        tuple(blocks),
    )


def _side_by_side(look: Look, other: Chain) -> Table:
    chain = look.chain
    one, two = chain.outcomes(), other.outcomes()
    lines: list[tuple[str, int, int]] = [
        ("records that would be sent", facts.sent(one), facts.sent(two)),
        ("records that would be dead letters", facts.dead(one), facts.dead(two)),
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


def _other_ends(differences: Differences) -> Table:
    ranked, cut = top(differences.outcomes.items(), 0)
    rows = tuple(
        (Mark(one, tone_of(one)), Mark(two, tone_of(two)), whole(count))
        for (one, two), count in ranked
    )
    columns = (Column("today"), Column("then"), Column("records", number=True))
    return Table("Records that would end otherwise", columns, rows, cut)


def _operations(differences: Differences) -> Table:
    verdicts = (SAME, CHANGED, REMOVED, ADDED)
    kinds = dict.fromkeys(kind for kind, _verdict in sorted(differences.operations))
    rows = tuple(
        (KINDS.get(kind, kind), *(whole(differences.operations[kind, each]) for each in verdicts))
        for kind in kinds
    )
    columns = (Column("operation"), *(Column(each, number=True) for each in verdicts))
    return Table("Operations, compared record by record", columns, rows)


def _coming_and_going(chain: Chain, other: Chain) -> Iterator[Table]:
    found = [
        ("event", name, one, two)
        for name, one, two in _differ(chain.events.counts, other.events.counts)
    ]
    for (kind, name), one, two in _differ(chain.properties.counts, other.properties.counts):
        found.append((f"property of {KINDS.get(kind, kind)}", name, one, two))
    if not found:
        return
    found.sort(key=lambda row: (row[0], -row[2] - row[3]))
    rows = tuple(
        (what, name_of(name), whole(one), whole(two)) for what, name, one, two in found[:MOST_ROWS]
    )
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
        rows,
        cut_words(len(found), missed),
    )


def _differ(one: Counter[K], two: Counter[K]) -> Iterator[tuple[K, int, int]]:
    """What is only in one of them, with both counts."""
    for name in dict.fromkeys((*one, *two)):
        if not one[name] or not two[name]:
            yield name, one[name], two[name]


def _change(change: float) -> str:
    """`+5`, `−0.1`; nothing where nothing changes."""
    return ("+" if change > 0 else "−") + about(abs(change)) if change else ""
