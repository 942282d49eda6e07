"""The report: its sections in the order in which a reader needs them."""

from pipeline.dryrun import facts, names, sections
from pipeline.dryrun.comparison import comparison
from pipeline.dryrun.document import Card, Cards, Document, Hints, Paragraph, Section, Tone
from pipeline.dryrun.facts import Circumstances
from pipeline.dryrun.hints import hints
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import about, duration, records, share, size, whole
from pipeline.preview.words import amount
from pipeline.sources.subscription import FILL_S

TITLE = "Dry run: Amplitude → Customer.io"


def report(look: Look, circumstances: Circumstances) -> Document:
    """The whole report. Without any record it says so, and no more."""
    found = [_summary(look, circumstances)]
    if look.traffic.records:
        if look.other is not None:
            found.append(comparison(look, look.other, look.differences))
        found += [
            sections.outcomes(look),
            names.event_types(look),
            names.properties(look),
            names.people(look),
            sections.requests(look),
            sections.limits(look),
            sections.over_time(look),
        ]
    found.append(_method(look, circumstances))
    began = f"{circumstances.began:%Y-%m-%d %H:%M:%S} UTC"
    return Document(
        TITLE,
        f"{circumstances.source} under {look.chain.name}, {began}",
        tuple(found),
        "Nothing was sent, stored or acknowledged. Names of events and properties are the "
        "customer's; no value and no identifier is in this report.",
    )


def _summary(look: Look, circumstances: Circumstances) -> Section:
    chain, traffic, speed = look.chain, look.traffic, facts.rate(look)
    outcomes = chain.outcomes()
    total = outcomes.total()
    going, dead = facts.sent(outcomes), facts.dead(outcomes)
    budget = chain.policy.requests_per_second
    needed = None if speed is None else speed.mean * facts.requests_a_record(chain)
    pace = "" if speed is None else f"; {about(speed.mean)} a second"
    cards = (
        Card("records seen", whole(total), f"{size(traffic.bytes)}{pace}"),
        Card("would be sent", share(going, total), records(going), Tone.GOOD),
        Card(
            "left out by the settings",
            share(total - going - dead, total),
            records(total - going - dead),
            Tone.QUIET,
        ),
        Card(
            "would be dead letters",
            share(dead, total),
            records(dead),
            Tone.BAD if dead else Tone.GOOD,
        ),
        Card("people named", whole(len(chain.people.counts)), "who of them is new is not known"),
        Card(
            "requests" if needed is None else "requests a second, at least",
            whole(chain.packing.requests) if needed is None else about(needed),
            f"budget: {about(budget)} a second" if budget else "no budget is set",
            Tone.BAD if needed is not None and budget and needed > budget else Tone.PLAIN,
        ),
    )
    lead = (
        "What this pipeline would send to Customer.io under these settings, had it been running. "
        f"It looked for {duration(circumstances.took_s)}, until {circumstances.end.value}"
        f"{_when(look)}."
    )
    return Section("In short", lead, (Cards(cards), Hints(hints(look))))


def _when(look: Look) -> str:
    published = look.traffic.published
    if published.first_s is None or published.last_s is None:
        return ""
    first, last = facts.moment(published.first_s), facts.moment(published.last_s)
    return f"; the records were published from {first} to {last} UTC"


def _method(look: Look, circumstances: Circumstances) -> Section:
    bounds = [
        text
        for text in (
            f"{duration(circumstances.most_s)}" if circumstances.most_s else "",
            records(circumstances.most_records) if circumstances.most_records else "",
        )
        if text
    ]
    texts = [
        f"It looked at {amount(look.traffic.messages, 'message')} with "
        f"{records(look.traffic.records)}. The bounds were: {', '.join(bounds) or 'none'}.",
        "Every record went through the job's own code: decode, route, filter, project, identify, "
        "resolve, build, validate, and the packing into requests. Only the sending is missing: "
        "each request counts as taken at its first attempt, so retries and Customer.io's own "
        "refusals are not in these figures.",
    ]
    if circumstances.subscription:
        texts += [
            "It saw what Pub/Sub handed out, which is a sample where more was waiting or where a "
            "job reads the same subscription: then the records a second are too few.",
            "Requests are packed as the job packs what is waiting. Of a thin stream it sends what "
            f"came within {FILL_S:g} s, so it makes up to {1 / FILL_S:g} requests a second more, "
            "each with fewer operations, for as long as the budget allows that.",
        ]
    if circumstances.again:
        texts.append(
            f"{amount(circumstances.again, 'message')} came a second time while it was held; it is "
            "counted once."
        )
    return Section(
        "How this was measured",
        "What the figures mean, and what they cannot say.",
        tuple(Paragraph(text) for text in texts),
    )
