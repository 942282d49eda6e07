"""Hints: what the reader of a report should know first, from the figures alone."""

from collections.abc import Iterator
from typing import Final

from pipeline.dryrun import facts
from pipeline.dryrun.document import Hint, Tone
from pipeline.dryrun.look import Look
from pipeline.dryrun.numbers import about, records, share, whole
from pipeline.dryrun.sizes import LIMITS
from pipeline.dryrun.traffic import LATER
from pipeline.ledger import MEANINGS
from pipeline.preview.words import amount, listed

_NEAR: Final = 0.8
_BUSY: Final = 0.05
_FEW_PEOPLE: Final = 20
_GRAVE: Final = (Tone.BAD, Tone.WARN, Tone.PLAIN, Tone.GOOD)


def hints(look: Look) -> tuple[Hint, ...]:
    """All that apply, the gravest first."""
    if not look.traffic.records:
        return (Hint(Tone.WARN, "No record came. There is nothing to say about these settings."),)
    found = [*_outcomes(look), *_budget(look), *_sizes(look), *_people(look), *_names(look)]
    if look.traffic.late[LATER]:
        found.append(
            Hint(
                Tone.WARN,
                f"{records(look.traffic.late[LATER])} came over 72 hours after their event: "
                "Customer.io takes them, but they start no campaign.",
            )
        )
    if all(hint.tone not in (Tone.BAD, Tone.WARN) for hint in found):
        found.append(Hint(Tone.GOOD, "Nothing here would be refused, trimmed or held up."))
    return tuple(sorted(found, key=lambda hint: _GRAVE.index(hint.tone)))


def _outcomes(look: Look) -> Iterator[Hint]:
    settings, outcomes = look.chain.settings, look.chain.outcomes()
    total = outcomes.total()
    if settings.status == "disabled":
        yield Hint(Tone.BAD, "The settings say status: disabled. A job would read nothing.")
    dead = facts.dead(outcomes)
    if dead:
        name = max(
            (n for n in outcomes if n.startswith("dead_lettered.")), key=outcomes.__getitem__
        )
        text = f"{records(dead)} ({share(dead, total)}) would become dead letters"
        yield Hint(
            Tone.BAD,
            f"{text}, most often ({whole(outcomes[name])}) for `{name.partition('.')[2]}`: "
            f"{MEANINGS[name]}",
        )
    for name, count in outcomes.items():
        if name.startswith(("filtered.", "skipped.")) and count * 2 > total:
            text = f"Most records ({share(count, total)}) would not be sent: `{name}`."
            yield Hint(Tone.WARN, f"{text} {MEANINGS[name]}")
    trims = sum(n for name, n in look.chain.beside.items() if name.startswith("trimmed."))
    if trims:
        yield Hint(Tone.WARN, f"{amount(trims, 'cut')} would be made to fit a limit.")


def _budget(look: Look) -> Iterator[Hint]:
    budget = look.chain.policy.requests_per_second
    speed = facts.rate(look)
    if not budget or speed is None:
        return
    each = facts.requests_a_record(look.chain)
    needed, at_peak = speed.mean * each, speed.peak * each
    if needed > budget:
        yield Hint(
            Tone.BAD,
            f"{about(needed)} requests a second would be needed and the budget is "
            f"{about(budget)}: a job would fall behind.",
        )
    elif at_peak > budget:
        yield Hint(
            Tone.WARN,
            f"At the busiest time {about(at_peak)} requests a second would be needed, and the "
            f"budget is {about(budget)}: a job would be late then.",
        )


def _sizes(look: Look) -> Iterator[Hint]:
    found = facts.largest(look)
    for key, limit in LIMITS.items():
        size = found.get(key, 0)
        if limit.most * _NEAR <= size <= limit.most:
            yield Hint(
                Tone.WARN,
                f"{limit.what}: the largest has {whole(size)} of {whole(limit.most)} {limit.unit}.",
            )


def _people(look: Look) -> Iterator[Hint]:
    identifiers, people = look.identifiers, look.chain.people.counts
    mistakes = identifiers.mistakes.total()
    if mistakes:
        [(why, _count)] = identifiers.mistakes.most_common(1)
        yield Hint(
            Tone.WARN,
            f"{records(mistakes)} have an identifier that looks like a mistake, most often: {why}.",
        )
    if len(people) >= _FEW_PEOPLE:
        [(_person, most)] = people.most_common(1)
        if most > people.total() * _BUSY:
            yield Hint(
                Tone.WARN,
                f"One person has {share(most, people.total())} of all operations: is that "
                "identifier shared by many, or by a test?",
            )


def _names(look: Look) -> Iterator[Hint]:
    missing: dict[str, list[str]] = {}
    for key, name in facts.never_seen(look):
        missing.setdefault(key, []).append(name)
    for key, names in missing.items():
        yield Hint(Tone.WARN, f"`{key}` names what no record has: {listed(names)}.")
    settings = look.chain.settings
    unselected = [
        (seen.records, name)
        for (space, name), seen in look.traffic.properties.rows.items()
        if not facts.goes_along(space, name, settings)
    ]
    if unselected:
        unselected.sort(reverse=True)
        some = listed([name for _count, name in unselected], 5)
        yield Hint(
            Tone.PLAIN,
            f"In the records, but not sent: {amount(len(unselected), 'property')}: {some}.",
        )
