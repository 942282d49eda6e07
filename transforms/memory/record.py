"""A record and the memory of its person: the update that it makes, and what is sent of it then."""

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from transforms.event_time import InvalidTimeError, event_time_ms
from transforms.limits import (
    MAX_ATTRIBUTE_NAME_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    value_bytes,
)
from transforms.memory.people import People
from transforms.memory.person import MemoryPolicy, Person, Update, remember
from transforms.records import Identified, Json, Record, Settled
from transforms.resolve import person_key
from transforms.tally import Tally
from transforms.ulid import event_ulid

_BYTES = 16
_ENCODE: Callable[[object], bytes] = msgspec.json.Encoder(order="deterministic").encode


def memory_key(identified: Identified) -> bytes:
    """The 16 bytes under which a person is remembered: a digest, for a runner may log keys."""
    return blake2b(person_key(identified.identifiers).encode(), digest_size=_BYTES).digest()


def update_of(identified: Identified) -> Update:
    """The update that a record makes; `identified.person` holds its operations.

    Its key is the same for every copy of the record. One without an insert id of its own is told
    apart by its message, too. Raises InvalidTimeError, TypeError without operations.
    """
    operations = identified.person
    if operations is None:
        raise TypeError("a record without operations has nothing to remember")
    record = identified.record
    time_ms = event_time_ms(record)
    parts = (event_ulid(record.fields, time_ms), _message_id(record), operations)
    return Update(blake2b(_ENCODE(parts), digest_size=_BYTES).digest(), time_ms, operations)


def _message_id(record: Record) -> str | None:
    fields = record.fields
    if any(fields.get(name) not in (None, "") for name in ("$insert_id", "insert_id", "uuid")):
        return None
    return record.origin.message_id


def remembered(
    identified: Identified, people: People, policy: MemoryPolicy, tally: Tally
) -> Identified | Settled:
    """A record with the attributes to send, its person remembered; or as it is, if it needs no
    memory, or has no time and will be refused for that.
    """
    if identified.person is None:
        return identified
    try:
        update = update_of(identified)
    except InvalidTimeError:
        return identified
    key = memory_key(identified)
    known = people.get((key,)).get(key)
    again = people.may_be_unsettled(identified.record.origin.publish_time)
    person, result = remember_record(identified, update, known, policy, tally, again=again)
    people.put({key: person})
    return result


def remember_record(
    identified: Identified,
    update: Update,
    person: Person | None,
    policy: MemoryPolicy,
    tally: Tally,
    *,
    again: bool,
) -> tuple[Person, Identified | Settled]:
    """The person with one more update, and the record with the attributes to send.

    A record that leaves nothing to send is settled, unless it has an event or goes on for its
    groups.

    `again`: the update may have been sent before, and what became of that is not known. So all that
    the person has is sent, whatever was sent last.
    """
    person, answer = remember(person, update, policy)
    if answer.late:
        tally.add("memory.late_update")
    if answer.settled_early:
        tally.add("memory.full_journal", answer.settled_early)
    if answer.refused:
        tally.add("unapplied.operator", answer.refused)
    attributes = answer.attributes
    if again or (answer.duplicate and identified.record.origin.history is not None):
        # Also what is removed. Of a property that is not there nothing is known.
        attributes = _whole(person, update)
    # The time goes along, also without attributes: a device may be told of under no older one.
    on = msgspec.structs.replace(
        identified,
        person=attributes or None,
        person_time_ms=answer.time_ms,
        person_unsettled=again,
    )
    if attributes or identified.event is not None:
        return person, on
    nothing = "skipped.duplicate" if answer.duplicate else "skipped.unchanged"
    outcome = identified.filtered or nothing
    if identified.record.groups:
        return person, msgspec.structs.replace(on, filtered=outcome)
    return person, Settled(outcome)


def _whole(person: Person, update: Update) -> Json:
    """All that is known of the person, but for what is over a limit and not the update's own.

    Such a value was refused with its own update, and would have every other one refused with it.
    """
    own = {name for arguments in update.operations.values() for name in arguments}
    return {
        name: value
        for name, value in person.values.items()
        if name in own
        or (
            value_bytes(name) <= MAX_ATTRIBUTE_NAME_BYTES
            and value_bytes(value) <= MAX_ATTRIBUTE_VALUE_BYTES
        )
    }
