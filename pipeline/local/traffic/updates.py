"""User updates in the two shapes in which they come: Identify API objects, `$identify` records."""

from random import Random

from pipeline.local.traffic.export_line import export_text, moment
from pipeline.local.traffic.happenings import Properties
from pipeline.local.traffic.message import Message, Record, encode, single
from pipeline.local.traffic.people import PLANS, ROLES, Person, random_uuid


def identify_object(rng: Random, person: Person) -> Record:
    """Return an object of the Identify API: no event type, no time, no insert id."""
    properties = _plain(rng, person) if rng.random() < 0.6 else _operators(rng, person)
    return {"user_id": person.user_id, "user_properties": properties}


def timed_identify_object(rng: Random, person: Person) -> Record:
    """Return an object of the Identify API that carries its time, as Amplitude's webhooks do."""
    seconds = moment(rng, person, "identify")
    return {"event_time": export_text(seconds)} | identify_object(rng, person)


def identify_message(rng: Random, person: Person) -> Message:
    """Return an Identify API object without a time as a message of its own.

    It takes its time from the message. A file has none to give, so there it carries its own.
    """
    timed = timed_identify_object(rng, person)
    untimed = {name: value for name, value in timed.items() if name != "event_time"}
    return single(untimed)._replace(lines=(encode(timed),))


def identify_record(rng: Random, person: Person) -> Record:
    """Return a `$identify` record as Amplitude's libraries send it."""
    return {
        "event_type": "$identify",
        "user_id": person.user_id,
        "device_id": person.device_id,
        "insert_id": random_uuid(rng),
        "time": int(moment(rng, person, "identify") * 1000),
        "library": person.client.library,
        "user_properties": _operators(rng, person),
    }


def _plain(rng: Random, person: Person) -> Properties:
    return {
        "first_name": person.first_name,
        "plan": rng.choice(PLANS),
        "seats": rng.randint(1, 60),
        "beta": rng.random() < 0.5,
        "last_report": None,
    }


def _operators(rng: Random, person: Person) -> Properties:
    """Always something to set; the others now and then."""
    to_set: Properties = {"plan": rng.choice(PLANS), "role": rng.choice(ROLES)}
    if rng.random() < 0.5:
        to_set["address"] = {"city": person.city, "country": person.country}
    operators: Properties = {"$set": to_set}
    others: Properties = {
        "$unset": {"trial_end": "-"},
        "$setOnce": {"first_seen": "2026-01-02"},
        "$add": {"logins": 1},
        "$append": {"badges": "gold"},
        "$prepend": {"recent": f"prj-{rng.randint(1, 9999):04}"},
        "$postInsert": {"interests": ["go", "chess"]},
        "$remove": {"tags": ["trial"]},
    }
    for name in rng.sample(list(others), k=rng.randint(0, 3)):
        operators[name] = others[name]
    return operators
