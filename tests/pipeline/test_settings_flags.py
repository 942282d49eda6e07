"""Settings on the command line: how they are read, what they win over, what is said of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.options import StreamOptions, parse, setting_flags
from pipeline.settings import Settings, SettingsError, load_settings
from pipeline.settings.flags import FLAGS, takes_names
from pipeline.settings.model import WhereClause

SECRET = "secret://projects/p/secrets/s/versions/1"
STREAM = ("--input_subscription=projects/p/subscriptions/s", "--dead_letter_files=gs://data/x")


def read(**flags: str) -> Settings:
    """The settings that flags alone give."""
    return load_settings(None, flags)


def problems(**flags: str) -> list[str]:
    """What is said of flags."""
    with pytest.raises(SettingsError) as refused:
        read(**flags)
    assert refused.value.source == "the command line"
    return [str(problem) for problem in refused.value.problems]


def test_every_leaf_of_the_model_is_a_flag_once() -> None:
    dumped = Settings().model_dump()
    leaves = {
        f"{name}_{inner}" if isinstance(value, dict) else name
        for name, value in dumped.items()
        for inner in (value if isinstance(value, dict) else ("",))
    }
    assert set(FLAGS) == leaves
    assert len(leaves) == len(FLAGS)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("preset", "null", None, id="null"),
        pytest.param("customerio_endpoint", " # none", None, id="a comment alone"),
        pytest.param("status", "disabled", "disabled", id="a word"),
        pytest.param("customerio_region", '"eu"', "eu", id="a word in quotes"),
        pytest.param("customerio_endpoint", "http://[::1]:1/x/", "http://[::1]:1/x", id="a URL"),
        pytest.param("users_enabled", "false", False, id="false"),
        pytest.param("delivery_lanes", "4", 4, id="an integer"),
        pytest.param("delivery_retry_for_s", "2.5", 2.5, id="a number"),
        pytest.param("mappings_user_identifier", "user_properties.a.b", "user_properties.a.b"),
        pytest.param("events_include", "all", "all", id="all"),
        pytest.param("events_include", "Song Played", ("Song Played",), id="one name"),
        pytest.param("events_include", "Song Played, 7,x y", ("Song Played", "7", "x y")),
        pytest.param("events_include", "Level #5,a: b", ("Level #5", "a: b"), id="no YAML in it"),
        pytest.param("events_include", "[Song Played, x]", ("Song Played", "x"), id="a YAML list"),
        pytest.param("events_include", '["a,b","[x] y"]', ("a,b", "[x] y"), id="a JSON list"),
        pytest.param("events_include", "- a\n- b,c", ("a", "b,c"), id="a list of lines"),
        pytest.param("events_exclude", "[]", (), id="nothing"),
        pytest.param("users_user_properties", "plan,email_opt_in", ("plan", "email_opt_in")),
        pytest.param("events_rename", "{a: b, c d: e}", {"a": "b", "c d": "e"}, id="a mapping"),
        pytest.param(
            "events_where",
            "[{property: country, op: is, values: [NO, 47]}]",
            (WhereClause(property="country", op="is", values=("NO", 47)),),
            id="clauses",
        ),
    ],
)
def test_values_are_read_as_in_the_file(name: str, text: str, value: object) -> None:
    settings: object = read(**{name: text})
    for part in FLAGS[name].path:
        settings = getattr(settings, part)
    assert settings == value
    assert type(settings) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param("status", "on", '--status: found "on"; allowed: enabled, disabled'),
        pytest.param("status", "!x enabled", "--status: found a YAML tag (!name); allowed: plain"),
        pytest.param(
            "events_enabled", "yes", '--events_enabled: found "yes"; allowed: true, false'
        ),
        pytest.param(
            "delivery_lanes", "65", "--delivery_lanes: found 65; allowed: an integer from 1 to 64"
        ),
        pytest.param(
            "events_include",
            "ALL",
            '--events_include: found "ALL"; allowed: all, or a list of event types',
            id="not a name, but a word spelled wrong",
        ),
        pytest.param(
            "events_include",
            "null",
            "--events_include: found null; allowed: all, or a list of event types",
            id="not a name, but a word of YAML",
        ),
        pytest.param(
            "events_include",
            "[Amplitude] Start Session",
            "--events_include: not valid YAML at column 13: text stands after the end of the "
            "settings; allowed: all, or a list of event types",
            id="brackets that are of the name",
        ),
        pytest.param(
            "events_include",
            "a,,b",
            '--events_include[1]: found ""; allowed: a text that is not blank',
            id="a name that is missing",
        ),
        pytest.param(
            "users_user_properties",
            "plan,_x",
            '--users_user_properties[1]: found "_x"; Customer.io reserves names that begin with _',
        ),
        pytest.param(
            "events_where",
            "[{property: country, op: same}]",
            '--events_where[0].op: found "same"; allowed: ',
            id="inside a clause",
        ),
        pytest.param(
            "events_rename",
            "{a b: 7}",
            '--events_rename["a b"]: found 7; put quotes round it; allowed: ',
            id="inside a mapping",
        ),
        pytest.param(
            "events_rename",
            "{a: b",
            "--events_rename: not valid YAML at column 6: a mapping that begins with { lacks ",
            id="half a mapping",
        ),
        pytest.param(
            "customerio_endpoint",
            "http://example.com",
            '--customerio_endpoint: found "http://example.com"; http would send the credentials',
        ),
    ],
)
def test_a_wrong_value_is_named_by_its_flag(name: str, text: str, problem: str) -> None:
    [told] = problems(**{name: text})
    assert told.startswith(problem)


@pytest.mark.parametrize("name", ["customerio_site_id", "customerio_api_key"])
@pytest.mark.parametrize("text", ["marked-key", "${MARKED}", "[marked]", "secret://marked", "null"])
def test_a_credential_is_a_secret_version_or_refused_unseen(name: str, text: str) -> None:
    assert problems(**{name: text}) == [
        f"--{name}: found a text that names no secret version (not shown); ${{NAME}} may stand in "
        "the settings file only; allowed: secret://projects/P/secrets/S/versions/V"
    ]
    assert str(getattr(read(**{name: SECRET}).customerio, name.removeprefix("customerio_")))


@pytest.mark.parametrize("name", ["events_hash_salt", "users_hash_salt"])
@pytest.mark.parametrize("text", ["marked-key", "${MARKED}", "[marked]", "secret://marked", "None"])
def test_a_salt_is_a_secret_version_or_none_or_refused_unseen(name: str, text: str) -> None:
    assert problems(**{name: text}) == [
        f"--{name}: found a text that names no secret version (not shown); ${{NAME}} may stand in "
        "the settings file only; allowed: secret://projects/P/secrets/S/versions/V, none, null"
    ]


def test_salts_that_are_accepted() -> None:
    flags = {"users_user_properties": "phone", "users_hash": "phone"}
    assert str(read(**flags, users_hash_salt=SECRET).users.hash_salt) == SECRET
    assert read(**flags, users_hash_salt="none").users.hash_salt == "none"
    assert read(users_hash_salt="null").users.hash_salt is None


def test_all_problems_of_flags_at_once() -> None:
    assert problems(status="on", delivery_lanes="0", users_enabled="1") == [
        '--status: found "on"; allowed: enabled, disabled',
        "--users_enabled: found 1; allowed: true, false",
        "--delivery_lanes: found 0; allowed: an integer from 1 to 64",
    ]


@pytest.mark.parametrize(
    ("file", "flags", "wanted"),
    [
        pytest.param("status: disabled", {"status": "enabled"}, Settings(), id="a value"),
        pytest.param("{}", {"delivery_lanes": "16"}, Settings(), id="a section that is not there"),
        pytest.param("status: on", {"status": "enabled"}, Settings(), id="a wrong value"),
        pytest.param("status: !x y", {"status": "enabled"}, Settings(), id="no value at all"),
        pytest.param(
            "events: {include: [1, 2, '']}", {"events_include": "all"}, Settings(), id="a list"
        ),
        pytest.param(
            "preset: all_properties", {"preset": "null"}, Settings(), id="the preset is off"
        ),
    ],
)
def test_a_flag_wins_over_the_file(
    file: str, flags: dict[str, str], wanted: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(file)
    assert load_settings(str(path), flags) == wanted


def test_problems_of_the_file_and_of_flags_in_one_list(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "preset: all_properties\nstatus: on\nusers: 5\nevents:\n  user_properties: [a]\n"
    )
    flags = {"delivery_lanes": "0", "events_event_properties": "x", "users_trigger": "always"}
    with pytest.raises(SettingsError) as refused:
        load_settings(str(path), flags)
    assert str(refused.value).splitlines() == [
        f"{path} and the command line: 5 problems",
        "  --delivery_lanes: found 0; allowed: an integer from 1 to 64",
        "  --events_event_properties: found a list next to preset: all_properties; leave out one "
        "of the two; allowed: all",
        '  line 2  status: found "on"; allowed: enabled, disabled',
        "  line 3  users: found 5; allowed: a mapping with the keys enabled, user_properties, "
        "trigger, update_only, state, state_days, settle_s, drop_empty, unix_seconds, hash, "
        "hash_salt, rename_properties",
        "  line 5  events.user_properties: found a list next to preset: all_properties; leave out "
        "one of the two; allowed: all",
    ]


NAMES = st.lists(st.from_regex(r"[A-Za-z$][A-Za-z0-9 _.:#$-]{0,20}[A-Za-z0-9]", fullmatch=True))


@given(NAMES.filter(bool).map(lambda names: list(dict.fromkeys(names))))
def test_plain_names_with_commas_are_these_names(names: list[str]) -> None:
    if len(names) == 1 and names[0].lower() in ("all", "none", "null", "true", "false"):
        return
    assert read(events_include=",".join(names)).events.include == tuple(names)


def test_settings_that_take_names() -> None:
    assert {name for name, key in FLAGS.items() if takes_names(key)} == {
        "events_include",
        "events_exclude",
        "groups_group_properties",
        "events_event_properties",
        "events_user_properties",
        "events_group_properties",
        "events_unix_seconds",
        "events_hash",
        "users_user_properties",
        "users_unix_seconds",
        "users_hash",
    }


def test_flags_stand_for_the_file_and_an_empty_one_counts_as_not_given() -> None:
    options = parse([*STREAM, "--events_include=a,b", "--status=", "--customerio_region", "eu"])
    flags = setting_flags(options.view_as(StreamOptions))
    assert flags == {"events_include": "a,b", "customerio_region": "eu"}
