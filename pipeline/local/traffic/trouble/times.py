"""Times in every form, and times that are none."""

from datetime import UTC, datetime, timedelta, timezone

from pipeline.local.traffic.export_line import export_text
from pipeline.local.traffic.message import Record
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble.case import Case, of_records


def _iso(scene: Scene, hours: int = 0) -> str:
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return datetime.fromtimestamp(scene.moment(), zone).isoformat(timespec="milliseconds")


def _null_event_time(scene: Scene) -> Record:
    return scene.untimed(event_time=None, client_event_time=export_text(scene.moment()))


def _only_upload_time(scene: Scene) -> Record:
    return scene.untimed(server_upload_time=export_text(scene.moment()))


CASES: dict[str, Case] = of_records(
    {
        "time_invalid_text": lambda scene: scene.line(event_time="yesterday"),
        "time_invalid_empty": lambda scene: scene.line(event_time=""),
        "time_invalid_day": lambda scene: scene.line(event_time="2026-02-30 12:00:00.000000"),
        "time_invalid_day_only": lambda scene: scene.line(event_time="2026-02-27"),
        "time_invalid_boolean": lambda scene: scene.line(event_time=True),
        "time_invalid_object": lambda scene: scene.line(event_time={"s": 1777888867}),
        "time_invalid_too_early": lambda scene: scene.line(event_time="1999-12-31 23:59:59.000000"),
        "time_invalid_microseconds": lambda scene: scene.untimed(time=int(scene.moment() * 1e6)),
        "time_invalid_zero": lambda scene: scene.untimed(time=0),
        "time_missing": lambda scene: scene.untimed(),
        "time_missing_in_update": lambda scene: {
            "user_id": scene.plain_person().user_id,
            "user_properties": {"plan": "pro"},
        },
        "time_null_event_time": _null_event_time,
        "time_only_upload_time": _only_upload_time,
        "time_epoch_s": lambda scene: scene.untimed(time=int(scene.moment())),
        "time_epoch_s_with_fraction": lambda scene: scene.untimed(time=scene.moment()),
        "time_epoch_ms": lambda scene: scene.untimed(time=int(scene.moment() * 1000)),
        "time_digits_s": lambda scene: scene.untimed(time=str(int(scene.moment()))),
        "time_digits_ms": lambda scene: scene.untimed(time=str(int(scene.moment() * 1000))),
        "time_z": lambda scene: scene.untimed(event_time=_iso(scene).removesuffix("+00:00") + "Z"),
        "time_offset": lambda scene: scene.untimed(event_time=_iso(scene, hours=2)),
        "time_negative_offset": lambda scene: scene.untimed(event_time=_iso(scene, hours=-9)),
        "time_t_without_zone": lambda scene: scene.untimed(
            event_time=_iso(scene).removesuffix("+00:00")
        ),
        "time_without_fraction": lambda scene: scene.untimed(
            event_time=export_text(scene.moment())[:19]
        ),
    }
)
