"""How properties are shaped, in the settings: what is taken, and what contradicts what."""

import pytest

from pipeline import plan
from pipeline.launch import refuse_environment
from pipeline.options import UsageError
from pipeline.settings import Secret, Settings, SettingsError, parse_settings
from pipeline.settings.credentials import CredentialReference
from transforms.shape import PropertyRules, ShapeRules

CREDENTIAL = "${ENV_NAME} or secret://projects/P/secrets/S/versions/V; or none"
LISTED = "list it there by its name, or leave it out here"


def problems(text: str) -> list[str]:
    """What is said of a file."""
    with pytest.raises(SettingsError) as refused:
        parse_settings(text)
    return [str(problem) for problem in refused.value.problems]


def test_the_rules_of_each_section_arrive() -> None:
    settings = parse_settings(
        """
        events:
          event_properties: [plan, at]
          user_properties: [phone]
          unix_seconds: [at]
          hash: [phone]
          hash_salt: ${HASH_SALT}
          rename_properties: {plan: tier}
        users: {user_properties: all, drop_empty: true, hash: [phone], hash_salt: none}
        """
    )
    assert plan.shape_rules(settings, "a.env") == ShapeRules(
        event=PropertyRules(
            unix_seconds=("at",),
            hash=("phone",),
            salt=Secret(CredentialReference("${HASH_SALT}"), "a.env"),
            rename={"plan": "tier"},
        ),
        person=PropertyRules(drop_empty=True, hash=("phone",)),
    )
    assert list(settings.references) == [
        "customerio.site_id",
        "customerio.api_key",
        "events.hash_salt",
    ]


def test_the_defaults_shape_nothing() -> None:
    assert not plan.shape_rules(Settings())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("users: {user_properties: all, unix_seconds: [at]}", id="all"),
        pytest.param("users: {user_properties: [at], unix_seconds: [at]}", id="a list"),
        pytest.param("users: {user_properties: [id], rename_properties: {id: crm}}", id="id"),
        pytest.param("users: {user_properties: [a], rename_properties: {a: email}}", id="to email"),
        pytest.param("preset: all_properties\nevents: {unix_seconds: [at]}", id="the preset"),
        pytest.param(
            "events: {event_properties: all, user_properties: [reply_to], hash: [reply_to], "
            "hash_salt: none}",
            id="one of two lists",
        ),
        pytest.param(
            "events: {event_properties: [a, b], rename_properties: {a: b, b: a}, "
            "unix_seconds: [b]}",
            id="swapped",
        ),
        pytest.param(
            "events: {event_properties: [groups], group_properties: [], unix_seconds: [groups]}",
            id="no group properties",
        ),
        pytest.param(
            "users: {user_properties: [email], hash: [email], hash_salt: none, "
            "rename_properties: {email: email_sha256}}",
            id="an identifier's hash, renamed",
        ),
    ],
)
def test_what_agrees(text: str) -> None:
    assert plan.shape_rules(parse_settings(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "users: {user_properties: [a], unix_seconds: [a, b]}",
            [
                'users.unix_seconds[1]: found "b", which users.user_properties does not send; '
                f"{LISTED}"
            ],
            id="not in the list",
        ),
        pytest.param(
            "users: {rename_properties: {a: b}}",
            [
                'users.rename_properties.a: found "a", which users.user_properties does not send; '
                f"{LISTED}"
            ],
            id="nothing is selected",
        ),
        pytest.param(
            "users: {user_properties: all, unix_seconds: [_x, cio_id]}",
            [
                f'users.unix_seconds[{index}]: found "{name}", which users.user_properties does '
                f"not send; {LISTED}"
                for index, name in enumerate(("_x", "cio_id"))
            ],
            id="reserved, with all",
        ),
        pytest.param(
            "events: {event_properties: all, unix_seconds: [reply_to]}",
            [
                'events.unix_seconds[0]: found "reply_to", which events.event_properties and '
                f"events.user_properties do not send; {LISTED}"
            ],
            id="redirects mail, with all",
        ),
        pytest.param(
            "users: {user_properties: all, rename_properties: {a: b}, unix_seconds: [b]}",
            [
                'users.unix_seconds[0]: found "b", the new name of "a"; name a property as '
                "Amplitude has it"
            ],
            id="a rule for the new name",
        ),
        pytest.param(
            "users: {user_properties: all, rename_properties: {a: c, b: c}}",
            ['users.rename_properties.b: found "c", the new name of "a" already'],
            id="one name for two",
        ),
        pytest.param(
            "users: {user_properties: all, rename_properties: {a: _b, c: '', d: 5, ' ': e}}",
            [
                'users.rename_properties.a: found "_b"; Customer.io reserves names that begin '
                "with _",
                'users.rename_properties.c: found ""; allowed: a text that is not blank',
                "users.rename_properties.d: found 5; put quotes round it; allowed: a text that is "
                "not blank",
                'users.rename_properties[" "]: the property\'s name is blank',
            ],
            id="new names that are none",
        ),
        pytest.param(
            f"users: {{user_properties: all, rename_properties: {{a: {'é' * 76}}}}}",
            [
                f'users.rename_properties.a: found "{"é" * 59}…", a name of 152 bytes; allowed: '
                "at most 150 bytes"
            ],
            id="too long for an attribute",
        ),
        pytest.param(
            "users: {rename_properties: [a]}",
            [
                "users.rename_properties: found a list; allowed: a mapping of property to new "
                "name, such as {plan: tier} (at most 150 bytes each, none beginning with _, none "
                "twice)"
            ],
            id="no mapping",
        ),
        pytest.param(
            "users: {user_properties: [a], hash: [a]}",
            [
                "users.hash_salt: missing, and hash is a list; hashes without a salt can be "
                f"guessed back; none says that they are meant so; allowed: {CREDENTIAL}"
            ],
            id="no salt",
        ),
        pytest.param(
            "users: {hash_salt: '${A}'}",
            ["users.hash_salt: found a value, but hash lists nothing; allowed: null"],
            id="a salt for nothing",
        ),
        pytest.param(
            "users: {user_properties: all, hash: [a], hash_salt: my-salt}",
            [
                "users.hash_salt: found a text that is no reference (not shown); a key in clear "
                f"is not accepted in the file; allowed: {CREDENTIAL}"
            ],
            id="a salt in clear",
        ),
        pytest.param(
            "users: {user_properties: all, hash: [a], hash_salt: 12345}",
            [f"users.hash_salt: found a number (not shown); allowed: {CREDENTIAL}"],
            id="a salt of digits in clear",
        ),
        pytest.param(
            "users: {user_properties: [email, a], hash: [email, a], hash_salt: none, "
            "rename_properties: {a: id}}",
            [
                'users.hash[0]: found "email": its hash would replace the person\'s email; give '
                "it another name: rename_properties: {email: email_sha256}",
                'users.hash[1]: found "a", renamed to "id": its hash would replace the person\'s '
                "id; give it another name: rename_properties: {a: a_sha256}",
            ],
            id="hashes for identifiers",
        ),
        pytest.param(
            "preset: all_properties\n"
            "events: {unix_seconds: [groups], rename_properties: {groups: teams}}",
            [
                f'events.{key}: found "groups", under which the group properties go along'
                for key in ("unix_seconds[0]", "rename_properties.groups")
            ],
            id="what is called like the place of group properties",
        ),
        pytest.param(
            "preset: all_properties\nevents: {rename_properties: {a: groups}}",
            [
                'events.rename_properties.a: found "groups", under which the group properties go '
                "along"
            ],
            id="the place of group properties",
        ),
        pytest.param(
            "users: {user_properties: 5, hash: x, unix_seconds: [a], hash_salt: none}",
            [
                "users.user_properties: found 5; allowed: none, all, or a list of property names "
                "(at most 150 bytes each, none beginning with _)",
                'users.hash: found "x"; did you mean [x]? allowed: a list of property names',
            ],
            id="values of a wrong type hide nothing and add nothing",
        ),
    ],
)
def test_what_contradicts_itself(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_fault_of_one_section_is_told_next_to_one_of_a_value() -> None:
    told = problems("users: {unix_seconds: [a]}\nevents: {unix_seconds: [b]}\nstatus: on")
    assert [problem.partition(":")[0] for problem in told] == [
        "users.unix_seconds[0]",
        "events.unix_seconds[0]",
        "status",
    ]


def test_a_salt_of_this_machine_is_refused_where_no_worker_has_it() -> None:
    secret = "secret://projects/p/secrets/s/versions/1"
    rule = "users: {user_properties: all, hash: [a], hash_salt: "
    account = f"customerio: {{site_id: '{secret}', api_key: '{secret}'}}\n"
    refuse_environment(parse_settings(account + rule + "none}"))
    refuse_environment(parse_settings(account + rule + f"'{secret}'}}"))
    with pytest.raises(UsageError, match=r"^users\.hash_salt: \$\{A\} is not set "):
        refuse_environment(parse_settings(account + rule + "'${A}'}"))
