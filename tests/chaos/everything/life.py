"""What happens in a storm with everything on: the records of people, groups and devices."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.chaos.everything.page import EXCLUDED
from tests.chaos.everything.people import COMPANIES, TEAMS, Human, closing_ms
from tests.transforms.memory.model import draw_operations

Record = dict[str, Any]

_PLANS = ("free", "pro", "team", " Pro ", "Ann@Example.COM")
_COLOURS = ("red", "green", 7, True)
_MOMENTS = ("2026-05-04T10:01:07Z", "2026-05-04 10:01:07.25", "2026-05-04", 1_777_000_000, "soon")
_PHONES = ("+41 79 000 00 01", " +41790000002 ", 41790000003, ["+41790000004", "+41790000005"], "")


class Life:
    """Makes records; the same seed makes the same ones."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._kinds: dict[Callable[[Human, int], Record], int] = {
            self._update: 44,
            self._event: 26,
            self._anonymous: 9,
            self._excluded: 5,
            self._groups_only: 3,
            self._group_update: 8,
            self._refused: 5,
        }

    def records_of(self, human: Human) -> list[Record]:
        """All that happens to somebody before the closing."""
        times = human.times_ms
        kinds = self._rng.choices(list(self._kinds), list(self._kinds.values()), k=len(times))
        return [make(human, time_ms) for make, time_ms in zip(kinds, times, strict=True)]

    def closing_of(self, human: Human) -> list[Record]:
        """The last updates of somebody, one for each device: quiet ones."""
        return [
            self._record(human, closing_ms(number), "$identify")
            | {
                "device_id": device,
                "user_properties": {"$set": {"closing": number}, "$add": {"seats": 1}},
            }
            for number, device in enumerate(human.devices)
        ]

    def closing_of_groups(self) -> list[Record]:
        """The last update of each object: it has no time, so its last value has to come last."""
        return [
            {
                "event_type": "$groupidentify",
                "groups": {kind: name},
                "event_time": closing_ms(0),
                "group_properties": {"$set": {"tier": "closed"}, "$unset": {"note": "-"}},
            }
            for kind, name in [
                *(("company", f"Company {each}") for each in range(COMPANIES)),
                *(("team", each) for each in range(TEAMS)),
            ]
        ]

    def _record(self, human: Human, time_ms: int, kind: str) -> Record:
        record: Record = {
            "event_type": kind,
            "user_id": self._rng.choice(human.names),
            "device_id": self._rng.choice(human.devices),
            "$insert_id": f"{human.names[0]} {time_ms}",
            "event_time": time_ms,
        }
        if self._rng.random() < 0.3:
            moment = datetime.fromtimestamp(time_ms // 1000, UTC)
            record["event_time"] = f"{moment:%Y-%m-%d %H:%M:%S}.{time_ms % 1000:03}000"
        if self._rng.random() < 0.3:
            record["groups"] = self._groups(human)
        return record

    def _groups(self, human: Human) -> Record:
        pick = self._rng.choice
        groups: Record = {"company": pick((pick(human.companies), list(human.companies[:2])))}
        if self._rng.random() < 0.3:
            groups["team"] = self._rng.randrange(TEAMS)
        if self._rng.random() < 0.1:
            groups["squad"] = "nobody maps it"
        return groups

    def _update(self, human: Human, time_ms: int) -> Record:
        operations = self._operations(human)
        if self._rng.random() < 0.2:
            # Of one person it is always the same.
            source = "EMPTY" if len(human.devices) > 1 else "google"
            once = operations.get("$setOnce", {}) | {"initial_source": source}
            operations = operations | {"$setOnce": once}
        kind = self._rng.choice(("$identify", "$identify", "identify"))
        return self._record(human, time_ms, kind) | {"user_properties": operations}

    def _operations(self, human: Human) -> Record:
        pick = self._rng.choice
        add: Record = {"$add": {"seats": pick((1, 2, 5, -1))}}
        plan: Record = {"plan": pick(_PLANS)}
        if human.late:
            # Of these the order does not matter, or their times say all.
            return pick((add, {"$set": plan}, plan | {"other": 1}, {"$unset": plan}))
        if self._rng.random() < 0.75:
            return draw_operations(pick)
        reach: Record = {"phone": pick(_PHONES), "ends_at": pick(_MOMENTS[:-1])}
        return pick((add, {"$set": reach}, reach | plan, {"$unset": reach}))

    def _event(self, human: Human, time_ms: int) -> Record:
        pick = self._rng.choice
        properties: Record = {
            "plan": pick(_PLANS),
            "colour": pick(_COLOURS),
            "shade": pick(_COLOURS),
            "ends_at": pick(_MOMENTS),
            "phone": pick((*_PHONES, {"no": "hash"})),
            "initial_page": pick(("EMPTY", "/start")),
            "nested": {"phone": [1, {"plan": None}]},
            "nothing": None,
        }
        kept = self._rng.sample(sorted(properties), self._rng.randint(0, 4))
        record = self._record(human, time_ms, pick(("Played", "Order Placed")))
        record["event_properties"] = {name: properties[name] for name in kept} | {"at": time_ms}
        if self._rng.random() < 0.5:
            of_user: Record = {"plan": pick(_PLANS)}
            if not human.late and self._rng.random() < 0.5:
                of_user |= {"a": pick(_COLOURS), "other": "not selected"}
            record["user_properties"] = of_user
        return record

    def _anonymous(self, human: Human, time_ms: int) -> Record:
        record = self._event(human, time_ms) | {"user_id": None}
        if self._rng.random() < 0.1:
            record["device_id"] = "device of nobody"
        return record

    def _excluded(self, human: Human, time_ms: int) -> Record:
        return self._event(human, time_ms) | {"event_type": EXCLUDED}

    def _groups_only(self, human: Human, time_ms: int) -> Record:
        record = self._record(human, time_ms, "$identify") | {"groups": self._groups(human)}
        return record | {"user_properties": {"other": 1}}

    def _group_update(self, human: Human, time_ms: int) -> Record:
        pick = self._rng.choice
        company, team = pick(human.companies), self._rng.randrange(TEAMS)
        changing = {"tier": pick("abc"), "seats": None, "note": pick("xyz"), "_hidden": 1}
        record: Record = {"event_type": "$groupidentify", "event_time": time_ms}
        match self._rng.randrange(4):
            case 0:
                of_team = {"city": f"City of {team}", **changing}
                return record | {"groups": {"team": team}, "group_properties": {"$set": of_team}}
            case 1:
                of_company = {"city": f"City of {company}", **changing}
                properties = {"company": {company: of_company}, "squad": {"s": {"tier": "a"}}}
                groups = {"company": company, "squad": "s"}
                return record | {"groups": groups, "group_properties": properties}
            case 2:
                both = {"company": list(human.companies), "squad": "s"}
                operators = {"$set": changing, "$unset": {"note": "-"}, "$add": {"seats": 1}}
                return record | {"groups": both, "group_properties": operators}
            case _:
                return record | {"groups": {"squad": "s"}, "group_properties": changing}

    def _refused(self, human: Human, time_ms: int) -> Record:
        """Each gives a dead letter."""
        match self._rng.randrange(4):
            case 0:
                return self._event(human, time_ms) | {"user_id": None, "device_id": None}
            case 1:
                return self._update(human, time_ms) | {"event_time": "yesterday"}
            case 2:
                record = self._update(human, time_ms)
                return record | {"groups": {"company": [human.companies[0], "Long" * 40]}}
            case _:
                return self._event(human, time_ms) | {"user_id": None, "device_id": "d" * 151}


def packed(records: list[Record], rng: Random) -> bytes:
    """The records as one message, in one of the forms that may hold several."""
    if len(records) == 1:
        return json.dumps(records[0]).encode()
    if rng.random() < 0.5:
        return json.dumps(records).encode()
    return "\n".join(map(json.dumps, records)).encode()
