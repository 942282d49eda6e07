"""The settings page itself: defaults, ranges, what each key takes, presets, pickling."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.settings import Settings, SettingsError, load_settings, parse_settings
from pipeline.settings.document import read_document
from pipeline.settings.model import CustomerIo, Delivery, Events, Users, WhereClause

TEMPLATES = Path(__file__).parents[2] / "templates" / "settings"

DEFAULTS: dict[str, Any] = {
    "preset": None,
    "status": "enabled",
    "customerio": {
        "region": "us",
        "site_id": "${CUSTOMERIO_SITE_ID}",
        "api_key": "${CUSTOMERIO_API_KEY}",
        "endpoint": None,
    },
    "mappings": {"user_identifier": "user_id", "anonymous": "skip"},
    "events": {
        "enabled": True,
        "include": "all",
        "exclude": (),
        "where": (),
        "event_properties": "none",
        "user_properties": "none",
        "group_properties": "none",
        "rename": {},
        "drop_empty": False,
        "unix_seconds": (),
        "hash": (),
        "hash_salt": None,
        "rename_properties": {},
    },
    "users": {
        "enabled": True,
        "user_properties": "none",
        "trigger": "identify",
        "update_only": False,
        "state": "none",
        "state_days": 90,
        "settle_s": 600,
        "drop_empty": False,
        "unix_seconds": (),
        "hash": (),
        "hash_salt": None,
        "rename_properties": {},
    },
    "groups": {"enabled": False, "object_types": {}, "group_properties": "none"},
    "limits": {"on_violation": "dead_letter"},
    "delivery": {
        "max_batch_items": 100,
        "max_batch_bytes": 475000,
        "max_requests_per_second": 100,
        "lanes": 16,
        "request_timeout_s": 10,
        "retry_for_s": 120,
    },
}


def test_defaults_are_those_of_the_contract() -> None:
    assert Settings().model_dump() == DEFAULTS


def test_a_file_with_nothing_but_an_empty_mapping_gives_the_defaults() -> None:
    assert parse_settings("{}") == Settings()


def test_example_holds_every_key_with_its_default() -> None:
    path = TEMPLATES / "settings.example.yaml"
    assert load_settings(str(path)) == Settings()
    written = read_document(path.read_text(encoding="utf-8")).data
    assert isinstance(written, dict)
    assert {key: list(value) for key, value in written.items() if isinstance(value, dict)} == {
        key: list(value) for key, value in DEFAULTS.items() if isinstance(value, dict)
    }
    assert list(written) == list(DEFAULTS)


def test_sample_loads() -> None:
    settings = load_settings(str(TEMPLATES / "settings.sample.yaml"))
    assert settings.events.include == "all"
    assert settings.events.exclude == ("Internal Heartbeat",)
    assert settings.events.where == (
        WhereClause(property="event_properties.environment", op="is_not", values=("staging",)),
    )
    assert settings.events.rename == {"session_start": "Session Started"}
    assert "[Amplitude] Page Path" in settings.events.event_properties
    assert "email" in settings.users.user_properties


EVERYTHING = """
status: disabled
customerio:
  region: eu
  site_id: secret://projects/my-project/secrets/site-id/versions/3
  api_key: secret://projects/example.com:old/secrets/api_key/versions/latest
  endpoint: http://127.0.0.1:8123/cio/
mappings: {user_identifier: user_properties.account.id, anonymous: dead_letter}
events:
  enabled: false
  include: [A, "[Amplitude] Start Session"]
  exclude: [B]
  where:
    - {property: event_properties.plan, op: is, values: [pro, 7, 1.5, true, NO, 007]}
    - {property: country, op: is_set}
    - {property: user_properties.age, op: less, values: [30]}
  event_properties: all
  user_properties: [plan, _private, "a.b"]
  group_properties: []
  rename: {A: Order Placed, 404: Not Found}
  drop_empty: true
  unix_seconds: [ends_at]
  hash: [phone, "a.b"]
  hash_salt: ${HASH_SALT}
  rename_properties: {phone: phone_hmac, 404: code}
users:
  enabled: true
  user_properties: [plan, phone, ends_at, initial_term]
  trigger: changed
  update_only: true
  state: person
  state_days: 3650
  settle_s: 0
  drop_empty: true
  unix_seconds: [ends_at]
  hash: [phone]
  hash_salt: none
  rename_properties: {phone: phone_sha256, plan: email}
groups: {enabled: true, object_types: {company: "1", 7: two}, group_properties: [tier]}
limits: {on_violation: trim}
delivery:
  max_batch_items: 1000
  max_batch_bytes: 33000
  max_requests_per_second: 0
  lanes: 64
  request_timeout_s: 0.5
  retry_for_s: 1
"""


def test_every_key_is_taken_over() -> None:
    assert parse_settings(EVERYTHING).model_dump() == {
        "preset": None,
        "status": "disabled",
        "customerio": {
            "region": "eu",
            "site_id": "secret://projects/my-project/secrets/site-id/versions/3",
            "api_key": "secret://projects/example.com:old/secrets/api_key/versions/latest",
            "endpoint": "http://127.0.0.1:8123/cio",
        },
        "mappings": {"user_identifier": "user_properties.account.id", "anonymous": "dead_letter"},
        "events": {
            "enabled": False,
            "include": ("A", "[Amplitude] Start Session"),
            "exclude": ("B",),
            "where": (
                {
                    "property": "event_properties.plan",
                    "op": "is",
                    "values": ("pro", 7, 1.5, True, "NO", "007"),
                },
                {"property": "country", "op": "is_set", "values": ()},
                {"property": "user_properties.age", "op": "less", "values": (30,)},
            ),
            "event_properties": "all",
            "user_properties": ("plan", "_private", "a.b"),
            "group_properties": (),
            "rename": {"A": "Order Placed", "404": "Not Found"},
            "drop_empty": True,
            "unix_seconds": ("ends_at",),
            "hash": ("phone", "a.b"),
            "hash_salt": "${HASH_SALT}",
            "rename_properties": {"phone": "phone_hmac", "404": "code"},
        },
        "users": {
            "enabled": True,
            "user_properties": ("plan", "phone", "ends_at", "initial_term"),
            "trigger": "changed",
            "update_only": True,
            "state": "person",
            "state_days": 3650,
            "settle_s": 0,
            "drop_empty": True,
            "unix_seconds": ("ends_at",),
            "hash": ("phone",),
            "hash_salt": "none",
            "rename_properties": {"phone": "phone_sha256", "plan": "email"},
        },
        "groups": {
            "enabled": True,
            "object_types": {"company": "1", "7": "two"},
            "group_properties": ("tier",),
        },
        "limits": {"on_violation": "trim"},
        "delivery": {
            "max_batch_items": 1000,
            "max_batch_bytes": 33000,
            "max_requests_per_second": 0,
            "lanes": 64,
            "request_timeout_s": 0.5,
            "retry_for_s": 1,
        },
    }


def test_settings_survive_a_dump_and_a_pickle() -> None:
    settings = parse_settings(EVERYTHING)
    assert Settings.model_validate(settings.model_dump()) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    "events",
    [
        pytest.param("", id="no-events"),
        pytest.param("events: {exclude: [A]}", id="other-keys"),
        pytest.param("events: {user_properties: all}", id="the-same-said-twice"),
    ],
)
def test_preset_selects_all_properties_of_events(events: str) -> None:
    settings = parse_settings(f"preset: all_properties\n{events}")
    selected = settings.events
    assert selected.event_properties == "all"
    assert selected.user_properties == "all"
    assert selected.group_properties == "all"
    assert settings.users.user_properties == "none"
    assert Settings.model_validate(settings.model_dump()) == settings


def test_preset_works_on_a_section_made_in_python() -> None:
    settings = Settings(preset="all_properties", events=Events(exclude=("A",)))
    assert settings.events.exclude == ("A",)
    assert settings.events.group_properties == "all"


@pytest.mark.parametrize(
    ("customerio", "base_url"),
    [
        pytest.param(CustomerIo(), "https://track.customer.io", id="us"),
        pytest.param(CustomerIo(region="eu"), "https://track-eu.customer.io", id="eu"),
        pytest.param(
            CustomerIo(region="eu", endpoint="https://proxy.example/cio/"),
            "https://proxy.example/cio",
            id="endpoint-wins",
        ),
    ],
)
def test_base_url(customerio: CustomerIo, base_url: str) -> None:
    assert customerio.base_url == base_url


@pytest.mark.parametrize(
    "url",
    [
        "https://track.customer.io",
        "https://host:8443/path",
        "http://localhost:1",
        "http://127.8.9.1:80",
        "http://[::1]:9000",
    ],
)
def test_endpoints_that_are_accepted(url: str) -> None:
    assert CustomerIo(endpoint=url).endpoint == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "track.customer.io",
        "ftp://host",
        "https://",
        "https://host:port",
        "https://host:70000",
        "https://host:0",
        "http://[::1",
        "http://host",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[::ffff:127.0.0.1]",
        "https://user:pass@host",
        "https://user@host",
        "https://host?key=1",
        "https://host/?",
        "https://host#x",
        "https://host/a b",
        "https://host\\@evil",
        " https://host",
        "https://host\n",
    ],
)
def test_endpoints_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        CustomerIo(endpoint=url)


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        pytest.param("max_batch_items", 1, 1000, id="max_batch_items"),
        pytest.param("max_batch_bytes", 33_000, 499_999, id="max_batch_bytes"),
        pytest.param("lanes", 1, 64, id="lanes"),
    ],
)
def test_ranges_of_integers(key: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(Delivery.model_validate({key: value}), key) == value
    for wrong in (least - 1, most + 1, float(least), str(least), True, None):
        with pytest.raises(ValidationError):
            Delivery.model_validate({key: wrong})


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        pytest.param("max_requests_per_second", (0, 0.5, 10**6), (-1, -0.1), id="rate"),
        pytest.param("request_timeout_s", (0.1, 300), (0, -1, 300.1), id="timeout"),
        pytest.param("retry_for_s", (1, 3600), (0.99, 0), id="retry"),
    ],
)
def test_ranges_of_numbers(key: str, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    for value in good:
        assert getattr(Delivery.model_validate({key: value}), key) == value
    for wrong in (*bad, float("nan"), float("inf"), 10**400, "10", True, None):
        with pytest.raises(ValidationError):
            Delivery.model_validate({key: wrong})


def test_pairs_are_checked_in_python_too() -> None:
    with pytest.raises(ValidationError, match="exactly one value"):
        WhereClause(property="a", op="less", values=())
    with pytest.raises(ValidationError, match="lists too"):
        Events(include=("A",), exclude=("A",))
    with pytest.raises(ValidationError, match="nothing would be sent"):
        Settings(events=Events(enabled=False), users=Users(enabled=False))
    with pytest.raises(ValidationError, match="preset"):
        Settings(preset="all_properties", events=Events(user_properties="none"))


def test_a_disabled_job_may_send_nothing() -> None:
    text = "status: disabled\nevents: {enabled: false}\nusers: {enabled: false}"
    assert parse_settings(text).status == "disabled"


def test_a_memory_that_is_switched_off_keeps_its_settings() -> None:
    text = "users: {user_properties: all, state: none, state_days: 30, settle_s: 5}"
    settings = parse_settings(text)
    assert (settings.users.state, settings.users.state_days) == ("none", 30)
    assert Settings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize(
    "path",
    [
        "user_id",
        "$insert_id",
        "user_properties.e-mail",
        "event_properties. x",
        "user_properties.a.b",
    ],
)
def test_property_paths_that_are_accepted(path: str) -> None:
    assert WhereClause(property=path, op="is_set").property == path


@pytest.mark.parametrize(
    "path",
    ["", " ", "a b", "user_properties", "user_properties.", "event_properties. ", "group.x", ".x"],
)
def test_property_paths_that_are_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        WhereClause(property=path, op="is_set")


def test_names_of_150_bytes_and_new_names_of_100_bytes_fit() -> None:
    assert Users(user_properties=("é" * 75,)).user_properties == ("é" * 75,)
    assert Events(rename={"A": "é" * 50}).rename == {"A": "é" * 50}
    with pytest.raises(ValidationError):
        Users(user_properties=("é" * 75 + "x",))
    with pytest.raises(ValidationError):
        Events(rename={"A": "é" * 50 + "x"})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().status = "disabled"  # type: ignore[misc]


def test_pydantic_shows_no_credential_either() -> None:
    with pytest.raises(ValidationError) as refused:
        CustomerIo.model_validate({"api_key": "0123456789abcdef"})
    assert "0123456789abcdef" not in str(refused.value)
    assert "0123456789abcdef" not in repr(refused.value.errors())


def test_error_can_be_pickled() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings("statsu: enabled", "s.yaml")
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)
