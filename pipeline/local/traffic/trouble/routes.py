"""Records that are neither event nor user update, or that are filtered, and odd spellings."""

from pipeline.local.traffic.message import Record
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble.case import Case, of_records


def _without_type(scene: Scene) -> Record:
    record = scene.small_event()
    del record["event_type"], record["user_properties"]
    return record


def _cohort_message(scene: Scene) -> Record:
    return {
        "cohort_name": "Power users",
        "cohort_id": "c0h0rt01",
        "in_cohort": True,
        "computed_time": str(int(scene.moment())),
        "message_id": scene.uuid(),
        "users": [{"user_id": scene.plain_person().user_id} for _ in range(3)],
    }


def _group_update(scene: Scene) -> Record:
    return {
        "event_type": "$groupidentify",
        "groups": {"company": scene.plain_person().company},
        "group_properties": {"$set": {"plan": "enterprise"}, "$add": {"seats": 3}},
        "insert_id": scene.uuid(),
        "time": int(scene.moment() * 1000),
    }


def _other_spellings(scene: Scene) -> Record:
    record = scene.line()
    return {
        "user_id": record["user_id"],
        "event_name": "Report Exported",
        "created_at": record["event_time"],
        "insert_id": record["$insert_id"],
        "event_properties": {"format": "pdf"},
        "user_properties": record["user_properties"],
    }


CASES: dict[str, Case] = of_records(
    {
        "unknown_record_no_type": _without_type,
        "unknown_record_blank_type": lambda scene: scene.line(event_type="  "),
        "unknown_record_number_as_type": lambda scene: scene.line(event_type=17),
        "unknown_record_empty": lambda _: {},
        "cohort_message": _cohort_message,
        "group_identify": _group_update,
        "event_name_spelling": _other_spellings,
        "ui_name_of_session_start": lambda scene: scene.line(
            event_type="[Amplitude] Start Session", event_properties={}
        ),
        "filtered_event_type": lambda scene: scene.line(event_type="Internal Heartbeat"),
        "filtered_where": lambda scene: scene.event({"environment": "staging"}),
        "old_export_shape": lambda scene: scene.line(
            **{
                "$schema": 13,
                "$insert_key": "0123456789abcdef0123456789abcdef01#232",
                "data": {"first_event": True},
                "global_user_properties": {},
                "user_creation_time": "2023-01-01 19:02:52.749000",
            }
        ),
        "no_insert_id": lambda scene: scene.line(**{"$insert_id": None}),
    }
)
