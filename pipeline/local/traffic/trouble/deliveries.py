"""Odd ways in which good records travel: twice, in forms, in envelopes with a key, or none."""

import msgspec

from pipeline.local.traffic.message import (
    API_KEY,
    Message,
    Record,
    array,
    encode,
    gzipped,
    newline_delimited,
    request_body,
    single,
)
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble.case import Case


def _pretty(scene: Scene) -> Message:
    message = single(scene.line())
    return message._replace(data=msgspec.json.format(message.data, indent=2))


def _windows_lines(scene: Scene) -> Message:
    message = newline_delimited([scene.line(), scene.line()])
    return message._replace(data=message.data.replace(b"\n", b"\r\n\r\n"))


def _twice_in_one_message(scene: Scene) -> Message:
    record = scene.line()
    return newline_delimited([record, record])


def _form(scene: Scene, as_text: bool) -> Message:
    updates = [scene.identify_object({"plan": plan}) for plan in ("pro", "team")]
    message = array(updates)
    content = message.data.decode() if as_text else msgspec.Raw(message.data)
    return message._replace(data=encode({"api_key": API_KEY, "identification": content}))


def _bad_record_in_body(scene: Scene) -> Message:
    refused: Record = scene.small_event(api_key=API_KEY, time="never")
    return request_body([scene.small_event(), refused])


CASES: dict[str, Case] = {
    "duplicate_delivery": lambda scene: single(scene.line())._replace(copies=2),
    "duplicate_in_one_message": _twice_in_one_message,
    "api_key_in_body": lambda scene: request_body([scene.small_event(), scene.small_event()]),
    "api_key_in_body_with_a_dead_letter": _bad_record_in_body,
    "api_key_in_record": lambda scene: single(scene.small_event(api_key=API_KEY)),
    "api_key_in_form": lambda scene: _form(scene, as_text=True),
    "form_with_an_array": lambda scene: _form(scene, as_text=False),
    "empty_array": lambda _: Message(b"[]", records=0),
    "empty_body": lambda _: request_body([]),
    "pretty_printed": _pretty,
    "windows_lines": _windows_lines,
    "gzip_of_an_array": lambda scene: gzipped(array([scene.line(), scene.small_event()])),
    "lines_of_both_kinds": lambda scene: newline_delimited(
        [scene.line(), scene.identify_object({"plan": "pro"})]
    ),
}
