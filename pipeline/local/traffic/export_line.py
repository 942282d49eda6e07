"""One event in the two shapes in which Amplitude hands it on."""

from datetime import UTC, datetime
from random import Random

from pipeline.local.traffic.clients import SERVER
from pipeline.local.traffic.happenings import (
    SESSION_END,
    SESSION_START,
    Happening,
    Properties,
    choose,
)
from pipeline.local.traffic.message import Record
from pipeline.local.traffic.people import INITIAL, Person, random_uuid

APP = 100_001


def clean_line(rng: Random, person: Person) -> Record:
    """Return something that the person did, as an export line."""
    happening = choose(rng, person)
    return export_line(rng, person, happening, moment(rng, person, happening.name))


def clean_http_event(rng: Random, person: Person) -> Record:
    """Return something that the person did, as an event of an HTTP V2 body."""
    happening = choose(rng, person)
    return http_event(rng, person, happening, moment(rng, person, happening.name))


def moment(rng: Random, person: Person, name: str) -> float:
    """Return when it happened in the person's session, in Unix seconds to the millisecond."""
    if name == SESSION_START:
        seconds = person.session_start
    elif name == SESSION_END:
        seconds = person.session_end
    else:
        seconds = rng.uniform(person.session_start, person.session_end)
    return int(seconds * 1000) / 1000


def export_text(seconds: float) -> str:
    """Return a time as the Export API writes it: UTC, six decimals, no zone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def export_line(rng: Random, person: Person, happening: Happening, seconds: float) -> Record:
    """Return the 55 columns of an export line; all are always there, null where unknown."""
    from_server = happening.place == "server"
    client = SERVER if from_server else person.client
    properties = happening.properties(rng, person)
    groups = {"company": [person.company]} if rng.random() < 0.3 else {}
    happened = export_text(seconds)
    data: Record = {"path": "/batch" if from_server else "/2/httpapi"}
    if happening.name in ("Plan Upgraded", "Signed Up"):
        data["user_properties_updated"] = True
    return {
        "$insert_id": random_uuid(rng),
        "$insert_key": None,
        "$schema": None,
        "adid": None,
        "amplitude_attribution_ids": None,
        "amplitude_event_type": None,
        "amplitude_id": 900_000_000_000 + person.number,
        "app": APP,
        "city": None if from_server else person.city,
        "client_event_time": happened,
        "client_upload_time": export_text(seconds + 0.4),
        "country": None if from_server else person.country,
        "data": data | {"group_first_event": {}, "group_ids": {}},
        "data_type": "event",
        "device_id": person.device_id,
        "dma": None,
        "event_id": rng.randint(1, 9_999),
        "event_properties": properties,
        "event_time": happened,
        "event_type": happening.name,
        "global_user_properties": None,
        "group_properties": _group_properties(person) if groups else {},
        "groups": groups,
        "idfa": None,
        "ip_address": None if from_server else f"198.51.100.{person.number % 250 + 1}",
        "is_attribution_event": None,
        "language": None if from_server else person.language,
        "location_lat": None,
        "location_lng": None,
        "partner_id": None,
        "paying": "true" if person.plan != "free" else None,
        "plan": {},
        "processed_time": export_text(seconds + 1.6),
        "region": None if from_server else person.region,
        "sample_rate": None,
        "server_received_time": export_text(seconds + 0.6),
        "server_upload_time": export_text(seconds + 0.7),
        "session_id": -1 if from_server else int(person.session_start * 1000),
        "source_id": None,
        "user_creation_time": None,
        "user_id": person.user_id,
        "user_properties": INITIAL | person.properties() if client.is_web else person.properties(),
        "uuid": random_uuid(rng),
    } | client.columns()


def _group_properties(person: Person) -> Properties:
    return {"company": {person.company: {"tier": "gold", "seats": person.seats}}}


def http_event(rng: Random, person: Person, happening: Happening, seconds: float) -> Record:
    """Return the event as the HTTP V2 API takes it; only the fields that are known."""
    client = SERVER if happening.place == "server" else person.client
    fields: Record = {
        "user_id": person.user_id,
        "device_id": person.device_id,
        "event_type": happening.name,
        "time": int(seconds * 1000),
        "insert_id": random_uuid(rng),
        "event_properties": happening.properties(rng, person),
        "user_properties": person.properties(),
        "library": client.library,
        "platform": client.platform,
        "os_name": client.os_name,
        "os_version": client.os_version,
        "app_version": client.version_name,
        "session_id": int(person.session_start * 1000),
    }
    return {name: value for name, value in fields.items() if value is not None}
