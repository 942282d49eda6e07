"""Weather: the share of requests that it hits, and that it repeats."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from pipeline.local.customerio import STORM, Busy, Reset, Weather, unavailable
from pipeline.local.customerio.actions import Hang, ItemErrors, Trickle, Truncate, name_of
from pipeline.local.customerio.faults import Faults, Script

BATCH = ("POST", "/api/v2/batch", b'{"batch":["ada"]}')
MANY = 4_000


def draws(weather: Weather) -> list[Any]:
    faults = Faults()
    faults.weather(weather)
    return [faults.take(*BATCH) for _ in range(MANY)]


def test_the_same_seed_gives_the_same_weather() -> None:
    weather = Weather(1, 0.1, STORM)
    assert draws(weather) == draws(weather) == [weather.draw(n) for n in range(1, MANY + 1)]
    assert draws(weather) != draws(Weather(2, 0.1, STORM))


def test_the_share_is_kept_and_every_kind_comes() -> None:
    found = draws(Weather(1, 0.1, STORM))
    hits = [action for action in found if action is not None]
    assert len(hits) == pytest.approx(0.1 * MANY, rel=0.2)
    assert {name_of(action) for action in hits} == {name_of(action) for action in STORM}
    assert draws(Weather(1, 0.0, STORM)) == [None] * MANY
    assert None not in draws(Weather(1, 1.0, STORM))


def test_the_queue_comes_before_the_weather_and_does_not_shift_it() -> None:
    weather = Weather(1, 0.5, (Reset(),))
    faults = Faults()
    faults.weather(weather)
    faults.next(unavailable())
    assert faults.take(*BATCH) == unavailable()
    assert [faults.take(*BATCH) for _ in range(9)] == [weather.draw(n) for n in range(1, 10)]


def test_fair_weather_again() -> None:
    faults = Faults()
    faults.weather(Weather(1, 1.0, (Reset(),)))
    assert faults.take(*BATCH) == Reset()
    faults.weather(None)
    assert faults.take(*BATCH) is None
    faults.weather(Weather(1, 1.0, (Reset(),)))
    faults.clear()
    assert faults.take(*BATCH) is None


def test_what_was_done_is_counted() -> None:
    faults = Faults()
    faults.weather(Weather(3, 1.0, STORM))
    faults.next(Reset(apply=True), times=2)
    taken = Counter(name_of(action) for _ in range(200) if (action := faults.take(*BATCH)))
    assert faults.injected() == dict(taken)
    assert faults.injected()["reset applied"] >= 2


def test_every_kind_of_storm_has_a_name_of_its_own() -> None:
    assert len({name_of(action) for action in STORM}) == len(STORM)


@pytest.mark.parametrize(
    ("action", "name"),
    [
        pytest.param(Reset(apply=True), "reset applied", id="reset"),
        pytest.param(Hang(1.0, apply_first=True), "hang applied", id="hang"),
        pytest.param(
            Trickle(20, head=True), "trickle 200 B at 20 B/s with head applied", id="trickle"
        ),
        pytest.param(Truncate(apply=False), "truncate", id="truncate"),
        pytest.param(Truncate(head=True), "truncate head applied", id="truncate-head"),
        pytest.param(Busy(), "429 Retry-After date", id="busy"),
        pytest.param(ItemErrors((0, 2), 207), "item_errors 207 0,2 applied", id="items"),
        pytest.param(unavailable(), "503 html", id="page"),
    ],
)
def test_names_of_actions(action: Any, name: str) -> None:
    assert name_of(action) == name


def test_weather_in_a_script() -> None:
    text = (
        b'{"weather":{"seed":1,"share":1.0,"actions":[{"do":"trickle","bytes_per_second":9},'
        b'{"do":"truncate","apply":false},{"do":"busy","seconds":2}]}}'
    )
    script = msgspec.json.decode(text, type=Script)
    actions = (Trickle(9.0), Truncate(apply=False), Busy(2))
    assert script == Script(weather=Weather(1, 1.0, actions))
    faults = Faults()
    faults.run(script)
    assert {faults.take(*BATCH) for _ in range(50)} == set(actions)
    assert msgspec.json.decode(msgspec.json.encode(script), type=Script) == script


@pytest.mark.parametrize(
    "weather",
    [
        pytest.param('{"seed":1,"share":1.5,"actions":[{"do":"reset"}]}', id="share"),
        pytest.param('{"seed":1,"share":0.5,"actions":[]}', id="nothing can happen"),
        pytest.param('{"seed":1,"share":0.5}', id="no actions"),
        pytest.param('{"seed":1,"share":0.5,"actions":[{"do":"rain"}]}', id="unknown"),
    ],
)
def test_weather_that_cannot_be(weather: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"weather":{weather}}}', type=Script)
