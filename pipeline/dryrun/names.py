"""The sections about names: event types, properties, and who the records are about."""

from collections import Counter

from pipeline.dryrun import facts
from pipeline.dryrun.document import Bar, Block, Cell, Column, Mark, Paragraph, Section, Table, Tone
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import share, size, whole
from pipeline.dryrun.tables import COUNT, MOST_ROWS, cut_words, name_of, tone_of, top
from pipeline.dryrun.traffic import EVENT, EventTypeSeen
from pipeline.preview.words import shortened


def people(look: Look) -> Section:
    """Who the records are about."""
    identifiers, chain = look.identifiers, look.chain
    counted = chain.people
    several = "at least " if counted.missed else ""
    busiest = counted.counts.most_common(1)
    note = ""
    if busiest:
        note = (
            f"The person with most of them has "
            f"{share(busiest[0][1], counted.counts.total() + counted.missed)} of all operations."
        )
    shapes = tuple(
        (Mark(shape, Tone.PLAIN), whole(count), _bar(count, look.traffic.records))
        for shape, count in identifiers.shapes.most_common()
    )
    missing, cut = top(identifiers.missing.counts.items(), identifiers.missing.missed)
    mistakes = tuple((why, whole(count)) for why, count in identifiers.mistakes.most_common())
    blocks: list[Block] = [
        Paragraph(f"{several}{whole(len(counted.counts))} different people named. {note}".strip()),
        Table("Identifiers by shape", (Column("becomes"), *COUNT), shapes),
    ]
    if missing:
        columns = (Column("event type"), Column("records", number=True))
        rows = tuple((name_of(name), whole(count)) for name, count in missing)
        blocks.append(Table("Records without an identifier", columns, rows, cut))
    if mistakes:
        columns = (Column("the identifier is"), Column("records", number=True))
        blocks.append(Table("Identifiers that look like mistakes", columns, mistakes))
    return Section(
        "People",
        f"The settings look for the person in {shortened(identifiers.path)}; counted are the "
        "records that pass the filters. How many of these people would be "
        "new is not known without asking Customer.io.",
        tuple(blocks),
    )


def event_types(look: Look) -> Section:
    """Which events come, and which of them go on."""
    table = look.traffic.event_types
    ranked: list[tuple[str, EventTypeSeen]] = sorted(
        table.rows.items(), key=lambda row: (-row[1].records, row[0])
    )
    rows = []
    for name, seen in ranked[:MOST_ROWS]:
        going = facts.sent(seen.outcomes)
        others = Counter({k: n for k, n in seen.outcomes.items() if tone_of(k) is not Tone.GOOD})
        why = others.most_common(1)[0][0] if others else ""
        rows.append(
            (
                name_of(name),
                whole(seen.records),
                size(seen.bytes),
                Bar(
                    going / seen.records,
                    share(going, seen.records),
                    Tone.GOOD if going else Tone.QUIET,
                ),
                Mark(why, tone_of(why)) if why else "",
            )
        )
    columns = (
        Column("event type"),
        Column("records", number=True),
        Column("bytes", number=True),
        Column("sent"),
        Column("most of the others"),
    )
    return Section(
        "Event types",
        "The name is Amplitude's; events.include and events.exclude choose by it.",
        (Table("By records", columns, tuple(rows), cut_words(len(ranked), table.missed)),),
    )


def properties(look: Look) -> Section:
    """Which properties come, and which of them go along."""
    table, settings = look.traffic.properties, look.chain.settings
    ranked = sorted(table.rows.items(), key=lambda row: (-row[1].records, row[0]))
    going: list[tuple[Cell, ...]] = []
    staying: list[tuple[Cell, ...]] = []
    for (space, name), seen in ranked:
        where = facts.goes_along(space, name, settings)
        row: tuple[Cell, ...] = (
            name_of(name),
            f"{space} property",
            whole(seen.records),
            ", ".join(kind for kind, _count in seen.types.most_common()),
            size(seen.largest_bytes),
        )
        if where:
            going.append((*row, ("with " if "events" in where else "") + " and ".join(where)))
        else:
            staying.append(row)
    columns = (
        Column("property"),
        Column("of"),
        Column("records", number=True),
        Column("types"),
        Column("largest value", number=True),
    )
    unseen = tuple((Mark(key, Tone.WARN), name_of(name)) for key, name in facts.never_seen(look))
    blocks: list[Block] = [
        Table(
            f"Seen but not sent ({whole(len(staying))})",
            columns,
            tuple(staying[:MOST_ROWS]),
            cut_words(len(staying), table.missed),
        ),
        Table(
            f"Sent ({whole(len(going))})",
            (*columns, Column("goes")),
            tuple(going[:MOST_ROWS]),
            cut_words(len(going), 0),
        ),
    ]
    if unseen:
        blocks.append(
            Table(
                "Named in the settings, but in no record",
                (Column("setting"), Column("name")),
                unseen,
            )
        )
    return Section(
        "Properties",
        f"Names and sizes only. An {EVENT} property is the event's own, a user property the "
        "person's at that time, a group property that of an account.",
        tuple(blocks),
    )


def _bar(count: int, total: int) -> Bar:
    return Bar(count / total, share(count, total))
