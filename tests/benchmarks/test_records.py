"""The input: how many, how large, of whom, and the same ones each time."""

import json
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.inputs import Inputs
from benchmarks.records import USER_UPDATE, Shape, export_records, records, time_ms
from benchmarks.settings import EVENT_PROPERTIES, PERSON_PROPERTIES, settings
from transforms.event_time import event_time_ms
from transforms.records import Origin, Record


def test_all_differ_and_have_the_keys_of_an_export() -> None:
    lines = list(export_records(500))
    assert len(lines) == len(set(lines)) == 500
    assert {len(json.loads(line)) for line in lines} == {55}
    assert len({json.loads(line)["$insert_id"] for line in lines}) == 500


def test_seed() -> None:
    assert list(export_records(50)) == list(export_records(50))
    assert not set(export_records(50)) & set(export_records(50, Shape(seed=2)))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_share_of_updates(share: float) -> None:
    made = list(islice(records(Shape(updates=share)), 2_000))
    updates = sum(json.loads(each.line)["event_type"] == USER_UPDATE for each in made)
    assert updates == sum(not each.event for each in made)
    assert updates == pytest.approx(share * 2_000, abs=60)


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [
        pytest.param(400, 350, 450, id="400 B"),
        pytest.param(1_600, 1_500, 1_900, id="1.6 kB"),
        pytest.param(16_000, 15_500, 16_500, id="16 kB"),
        pytest.param(90_000, 89_000, 91_000, id="90 kB"),
    ],
)
def test_sizes(size: int, least: int, most: int) -> None:
    lines = list(export_records(100, Shape(size=size)))
    assert len(set(lines)) == 100
    assert least <= sum(map(len, lines)) / 100 <= most
    for line in lines:
        json.loads(line)


def test_larger_events_send_more() -> None:
    [event, *_] = [each for each in islice(records(Shape(size=16_000)), 20) if each.event]
    properties = json.loads(event.line)["event_properties"]
    sent = {name: properties[name] for name in EVENT_PROPERTIES}
    assert len(json.dumps(sent)) > 14_000


def test_hot_person() -> None:
    made = list(islice(records(Shape(hot=0.1)), 2_000))
    assert sum(each.person == 0 for each in made) == pytest.approx(200, abs=60)
    assert all(each.person for each in islice(records(Shape()), 2_000))


def test_times_are_known() -> None:
    for serial, line in enumerate(export_records(20)):
        record = Record(json.loads(line), Origin("1", None, {}))
        assert event_time_ms(record) == time_ms(serial)


def test_settings_are_valid_and_select() -> None:
    page = settings("http://127.0.0.1:1", max_batch_items=20)
    assert page.users.user_properties == PERSON_PROPERTIES
    assert page.delivery.max_batch_items == 20
    assert page.delivery.max_requests_per_second == 0


def test_portions_share_a_file(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path)
    large = inputs.take(400)
    small = inputs.take(100)
    again = inputs.take(600)
    assert small.path == large.path == again.path
    for portion in (small, large, again):
        made = list(islice(records(Shape()), portion.records))
        assert [line.rstrip() for line in portion.lines()] == [each.line for each in made]
        assert portion.events == sum(each.event for each in made)
        assert portion.people == len({each.person for each in made if not each.event})
    assert inputs.warm(100).path != small.path


@pytest.mark.parametrize("count", [0, -5, 7])
def test_portion_of_no_such_size(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Inputs(tmp_path).take(count)
