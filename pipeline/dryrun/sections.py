"""The report's sections, from what was noted."""

from typing import Final

from pipeline.dryrun import facts
from pipeline.dryrun.document import (
    Bar,
    Block,
    Cell,
    Column,
    Mark,
    Paragraph,
    Part,
    Plot,
    Section,
    Stack,
    Table,
    Tone,
)
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import about, duration, records, share, size, whole
from pipeline.dryrun.sizes import LIMITS
from pipeline.dryrun.tables import COUNT, KINDS, tone_of
from pipeline.dryrun.traffic import AHEAD, LATE, LATER
from pipeline.ledger import MEANINGS
from transforms.reasons import BESIDE_THE_LEDGER, COALESCED, DELIVERED, OUTCOMES

WORDS: Final = MEANINGS | {
    DELIVERED: "Would be sent.",
    COALESCED: "Would be sent as one with a later update of the same person.",
}


def outcomes(look: Look) -> Section:
    """What becomes of the records."""
    chain = look.chain
    found = chain.outcomes()
    total = found.total()
    dead = facts.dead(found)
    parts = (
        Part("would be sent", facts.sent(found), Tone.GOOD),
        Part("left out by the settings", total - facts.sent(found) - dead, Tone.QUIET),
        Part("dead letters", dead, Tone.BAD),
    )
    rows = tuple(
        (
            Mark(outcome, tone_of(outcome)),
            whole(found[outcome]),
            Bar(found[outcome] / total, share(found[outcome], total), tone_of(outcome)),
            WORDS[outcome],
        )
        for outcome in OUTCOMES
        if found[outcome]
    )
    beside = tuple(
        (Mark(name, Tone.QUIET), whole(chain.beside[name]), BESIDE_THE_LEDGER[name])
        for name in BESIDE_THE_LEDGER
        if chain.beside[name]
    )
    blocks: list[Block] = [
        Stack(f"{records(total)}, each counted once", parts),
        Table("By outcome", (Column("outcome"), *COUNT, Column("what it means")), rows),
    ]
    if beside:
        title = "Noticed on the way"
        columns = (Column("counter"), Column("times", number=True), Column("what it means"))
        blocks.append(Table(title, columns, beside))
    return Section(
        "What becomes of the records",
        "The outcomes are those of the job's ledger. What Customer.io itself would refuse is not "
        "known here: nobody asked it.",
        tuple(blocks),
    )


def over_time(look: Look) -> Section:
    """When the records came, and how late they are."""
    traffic = look.traffic
    blocks: list[Block] = []
    speed = facts.rate(look)
    if speed is not None:
        text = (
            f"{about(speed.mean)} records a second on average, {about(speed.peak)} in the busiest "
            f"{duration(speed.peak_s)}."
        )
        blocks.append(Paragraph(text))
    spans = traffic.published.spans()
    if len(spans) > 1:
        width_s = traffic.published.width_s
        note = f"One bar is {duration(width_s)} of publish time, UTC."
        blocks.append(Plot("Records by the time they were published", tuple(spans), width_s, note))
    own, outside = facts.own_times(look)
    if len(own.spans()) > 1:
        note = f"One bar is {duration(own.width_s)} of the records' own time, UTC."
        if outside:
            note += f" {records(outside)} far from all others are not drawn."
        blocks.append(
            Plot("Records by the time they happened", tuple(own.spans()), own.width_s, note)
        )
    total = traffic.late.total()
    words = [*(name for name, _most in LATE), LATER, AHEAD]
    rows = tuple(
        (
            name,
            whole(traffic.late[name]),
            Bar(
                traffic.late[name] / total,
                share(traffic.late[name], total),
                Tone.WARN if name in (LATER, AHEAD) else Tone.PLAIN,
            ),
        )
        for name in words
        if traffic.late[name]
    )
    if rows:
        columns = (Column("published after the event"), *COUNT)
        note = "Events older than 72 hours start no campaign in Customer.io."
        blocks.append(Table("How late records come", columns, rows, note))
    else:
        text = "Lines of a file have no publish time, so how late they came is not known."
        blocks.append(Paragraph(text))
    return Section(
        "When the records came",
        "Times are the messages' own, not the speed of this look.",
        tuple(blocks),
    )


def requests(look: Look) -> Section:
    """What sending would take."""
    chain, speed = look.chain, facts.rate(look)
    packing, policy = chain.packing, chain.policy
    total = chain.outcomes().total()
    each = facts.requests_a_record(chain)
    budget = policy.requests_per_second
    rows: list[tuple[Cell, ...]] = [
        ("Requests for these records", whole(packing.requests), ""),
        (
            "Operations in a request",
            about(packing.items / packing.requests) if packing.requests else "0",
            f"{whole(packing.items)} in all; at most {policy.max_batch_items} fit",
        ),
        (
            "Bytes of a request",
            size(packing.bytes / packing.requests) if packing.requests else "0",
            f"{size(packing.bytes)} in all; the largest has {size(packing.largest_bytes)}",
        ),
        (
            "Requests with one large event alone",
            whole(packing.single_requests),
            "events over 32 kB do not fit a batch",
        ),
    ]
    if speed is not None:
        busiest = f"At least so many a second, in the busiest {duration(speed.peak_s)}"
        rows += [
            _needed("At least so many a second, on average", speed.mean, each, budget),
            _needed(busiest, speed.peak, each, budget),
        ]
    if budget and each:
        rows.append(
            (
                "Records a second that the budget allows",
                about(budget / each),
                f"{about(budget)} requests a second; these records would take at least "
                f"{duration(packing.requests / budget)}",
            )
        )
    kinds = tuple(
        (KINDS.get(kind, kind), whole(count)) for kind, count in chain.operations.most_common()
    )
    lead = f"{records(total)} take {whole(packing.requests)} requests as the job packs them."
    if speed is None:
        lead += " How many a second cannot be said: the publish times do not tell."
    return Section(
        "Requests against the budget",
        lead,
        (
            Table(
                "Requests",
                (Column("what"), Column("number", number=True), Column("note")),
                tuple(rows),
            ),
            Table(
                "Operations, before updates of one person become one",
                (Column("operation"), Column("number", number=True)),
                kinds,
            ),
        ),
    )


def _needed(what: str, speed: float, each: float, budget: float) -> tuple[Cell, ...]:
    needed = speed * each
    if not budget:
        return what, about(needed), "no budget is set"
    tone = Tone.BAD if needed > budget else Tone.GOOD
    text = f"{share(needed, budget)} of the budget of {about(budget)}"
    return what, about(needed), Bar(min(1.0, needed / budget), text, tone)


def limits(look: Look) -> Section:
    """How near the largest operations come to the limits."""
    largest = facts.largest(look)
    rows = []
    for key, limit in LIMITS.items():
        if key not in largest:
            continue
        part = largest[key] / limit.most
        tone = Tone.BAD if part > 1 else Tone.WARN if part >= 0.8 else Tone.GOOD
        rows.append(
            (
                limit.what,
                f"{whole(largest[key])} {limit.unit}",
                f"{whole(limit.most)} {limit.unit}",
                Bar(min(1.0, part), share(largest[key], limit.most), tone),
            )
        )
    columns = (
        Column("limit"),
        Column("largest seen", number=True),
        Column("allowed", number=True),
        Column("used"),
    )
    consequence = {
        "trim": "What is over a limit is cut (limits.on_violation: trim).",
        "dead_letter": "What is over a limit becomes a dead letter.",
    }[look.chain.settings.limits.on_violation]
    return Section(
        "Customer.io's limits",
        f"The largest of each kind before anything is cut. {consequence}",
        (Table("Largest against allowed", columns, tuple(rows)),),
    )
