"""The floor: decode, pick, encode, join to request bodies, and nothing else.

No Beam, no checks, no ULID, no reading of times, no HTTP: a bare loop over the lines of a file with
the JSON library of the product, as one writes it who wants just this. Nothing in Python that does
the same work with the same library is much faster.
"""

import time

import msgspec

from benchmarks.child import Pause
from benchmarks.inputs import Portion
from benchmarks.machine import peak_mib
from benchmarks.records import USER_UPDATE
from benchmarks.run import Run
from benchmarks.settings import EVENT_PROPERTIES, PERSON_PROPERTIES, PLAIN_PROPERTIES

ITEMS = 100
"""Operations a request."""


def bodies(portion: Portion) -> int:
    """Makes the body of every request and lets go of it; the bytes of all of them."""
    size = 0
    items = []
    for line in portion.lines():
        fields = msgspec.json.decode(line)
        person = fields["user_properties"]
        if fields["event_type"] == USER_UPDATE:
            item = {
                "type": "person",
                "identifiers": {"id": fields["user_id"]},
                "action": "identify",
                "timestamp": fields["event_time"],
                "attributes": {name: person[name] for name in PERSON_PROPERTIES if name in person},
            }
        else:
            properties = fields["event_properties"]
            attributes = {name: person[name] for name in PLAIN_PROPERTIES if name in person}
            for name in EVENT_PROPERTIES:
                if name in properties:
                    attributes[name] = properties[name]
            item = {
                "type": "person",
                "identifiers": {"id": fields["user_id"]},
                "action": "event",
                "name": fields["event_type"],
                "id": fields["$insert_id"],
                "timestamp": fields["event_time"],
                "attributes": attributes,
            }
        items.append(msgspec.json.encode(item))
        if len(items) == ITEMS:
            size += len(b'{"batch":[' + b",".join(items) + b"]}")
            items = []
    if items:
        size += len(b'{"batch":[' + b",".join(items) + b"]}")
    return size


def measured(pause: Pause, warm: Portion, portion: Portion) -> Run:
    """Warms up and goes through records; the work of a child process."""
    bodies(warm)
    pause()
    began, began_cpu = time.perf_counter(), time.process_time()
    bodies(portion)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    return Run(seconds, cpu_s, peak_mib())
