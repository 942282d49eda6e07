"""What every generated record draws on: the dice, the people, the time."""

from random import Random
from typing import Any

from pipeline.local.traffic.export_line import clean_line, export_text, http_event, moment
from pipeline.local.traffic.happenings import HAPPENINGS
from pipeline.local.traffic.message import Record
from pipeline.local.traffic.people import Person, make_people, random_uuid
from pipeline.local.traffic.updates import identify_record

_REPORT = next(each for each in HAPPENINGS if each.name == "Report Exported")


class Scene:
    """Makes whole records out of a seed; `now` is in Unix seconds."""

    def __init__(self, seed: int, now: float) -> None:
        self.rng = Random(seed)
        self.people = make_people(self.rng, now)
        self._plain_people = [each for each in self.people if _is_plain(each.user_id)]

    def person(self) -> Person:
        """Return anybody."""
        return self.rng.choice(self.people)

    def plain_person(self) -> Person:
        """Return somebody whose id is an ordinary one."""
        return self.rng.choice(self._plain_people)

    def moment(self) -> float:
        """Return Unix seconds to the millisecond, within the last hour."""
        return moment(self.rng, self.person(), "any")

    def line(self, **columns: Any) -> Record:
        """Return an export line with some of its columns replaced."""
        return clean_line(self.rng, self.plain_person()) | columns

    def event(self, properties: Record, **columns: Any) -> Record:
        """Return an export line with the given event properties beside its own."""
        record = self.line(event_type="Report Exported", **columns)
        return record | {"event_properties": {"format": "csv"} | properties}

    def event_of(self, user_properties: Record, **columns: Any) -> Record:
        """Return an export line with the given user properties beside its own."""
        record = self.line(event_type="Report Exported", **columns)
        return record | {"user_properties": record["user_properties"] | user_properties}

    def small_event(self, **fields: Any) -> Record:
        """Return an event in the short form of the HTTP V2 API with some fields replaced."""
        return http_event(self.rng, self.plain_person(), _REPORT, self.moment()) | fields

    def untimed(self, **fields: Any) -> Record:
        """Return a short event without any time but what `fields` give."""
        record = self.small_event()
        del record["time"]
        return record | fields

    def update(self, user_properties: Record, **fields: Any) -> Record:
        """Return a `$identify` record with these user properties."""
        record = identify_record(self.rng, self.plain_person())
        return record | {"user_properties": user_properties} | fields

    def identify_object(self, user_properties: Record) -> Record:
        """Return an Identify API object that has a time of its own, so that a file can hold it."""
        return {
            "user_id": self.plain_person().user_id,
            "event_time": export_text(self.moment()),
            "user_properties": user_properties,
        }

    def uuid(self) -> str:
        """Return a UUID as text."""
        return random_uuid(self.rng)


def _is_plain(user_id: str | int) -> bool:
    return isinstance(user_id, str) and user_id.startswith("user-")
