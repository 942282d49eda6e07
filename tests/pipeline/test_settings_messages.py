# A line of a message stands on one line here too.
# ruff: noqa: E501
"""Wrong settings files, and the whole text that the user gets for each."""

from textwrap import dedent

import pytest

from pipeline.settings import SettingsError, parse_settings

EVENTS_KEYS = (
    "enabled, include, exclude, where, event_properties, user_properties, group_properties, rename,"
    " drop_empty, unix_seconds, hash, hash_salt, rename_properties"
)
TOP_KEYS = "preset, status, customerio, mappings, events, users, groups, limits, delivery"
REFERENCE = "${ENV_NAME} or secret://projects/P/secrets/S/versions/V"
PROPERTY = "a top-level field, user_properties.NAME or event_properties.NAME"
URL = "null, or https://HOST[:PORT][/PATH] (http only to this machine)"
ATTRIBUTES = (
    "none, all, or a list of property names (at most 150 bytes each, none beginning with _)"
)
NEW_NAME = "a text of 1 to 100 bytes that is not blank"

CASES = [
    pytest.param(
        """
        # a comment
        status: enabled
        customerio:
          region: uk
          site_id: ${SITE}



        events:
          enabled: true
          incldue: all
          exclude: []
        delivery:
          lanes: 65
        """,
        f"""
        settings.yaml: 3 problems
          line 4   customerio.region: found "uk"; allowed: us, eu
          line 11  events.incldue: unknown key; did you mean `include`? allowed here: {EVENTS_KEYS}
          line 14  delivery.lanes: found 65; allowed: an integer from 1 to 64
        """,
        id="example-of-the-format",
    ),
    pytest.param(
        """
        customerio:
          site_id: 0123456789abcdef
          api_key: 4711
          endpoint: https://user:0123456789abcdef@host
        """,
        f"""
        settings.yaml: 3 problems
          line 2  customerio.site_id: found a text that is no reference (not shown); a key in clear is not accepted in the file; allowed: {REFERENCE}
          line 3  customerio.api_key: found a number (not shown); allowed: {REFERENCE}
          line 4  customerio.endpoint: found a URL with credentials in it (not shown); allowed: {URL}
        """,
        id="credentials-in-clear",
    ),
    pytest.param(
        "customerio: 0123456789abcdef",
        """
        settings.yaml: 1 problem
          line 1  customerio: found a text; allowed: a mapping with the keys region, site_id, api_key, endpoint
        """,
        id="credential-in-place-of-a-section",
    ),
    pytest.param(
        """
        customerio:
          endpoint: http://track.example.com
        """,
        f"""
        settings.yaml: 1 problem
          line 2  customerio.endpoint: found "http://track.example.com"; http would send the credentials in clear; allowed: {URL}
        """,
        id="endpoint-over-plain-http",
    ),
    pytest.param(
        """
        users:
          trigger: changed
          settle_s: -1
        """,
        """
        settings.yaml: 2 problems
          line 2  users.trigger: found changed without state: person, which remembers what was last sent; add state: person under users
          line 3  users.settle_s: found -1; allowed: an integer from 0 to 86400
        """,
        id="changed-without-a-memory",
    ),
    pytest.param(
        """
        groups:
          enabled: true
          group_properties: [_tier]
        """,
        """
        settings.yaml: 2 problems
          line 2  groups.enabled: found true without groups.object_types: no group would be sent; give the object type of a group type
          line 3  groups.group_properties[0]: found "_tier"; Customer.io reserves names that begin with _
        """,
        id="groups-without-object-types",
    ),
    pytest.param(
        """
        groups:
          object_types: {company: 1, " ": "2", team: "", region: [3]}
        """,
        """
        settings.yaml: 4 problems
          line 2  groups.object_types.company: found 1; put quotes round it; allowed: a text of 1 to 150 bytes that is not blank
          line 2  groups.object_types[" "]: the group type is blank
          line 2  groups.object_types.team: found ""; allowed: a text of 1 to 150 bytes that is not blank
          line 2  groups.object_types.region: found a list; allowed: a text of 1 to 150 bytes that is not blank
        """,
        id="object-types-of-other-kinds",
    ),
    pytest.param(
        f"""
        groups:
          object_types: {{company: {"x" * 151}}}
        """,
        f"""
        settings.yaml: 1 problem
          line 2  groups.object_types.company: found "{"x" * 59}…", an object type id of 151 bytes; allowed: a text of 1 to 150 bytes that is not blank
        """,
        id="an-object-type-that-is-too-long",
    ),
    pytest.param(
        """
        mappings:
          user_identifier: device_id
          anonymous: send
        events:
          enabled: false
        users:
          user_properties: [plan]
        """,
        """
        settings.yaml: 2 problems
          line 3  mappings.anonymous: found "send", and events.enabled is false: nothing anonymous would be sent; use skip
          line 3  mappings.anonymous: found "send", and mappings.user_identifier is device_id, which it sends; use skip
        """,
        id="anonymous-with-nothing-to-send",
    ),
    pytest.param(
        """
        trigger: always
        user_properties: all
        mappings:
          region: eu
          user-identifier: user_id
          property: user_id
        limits:
          status: enabled
          lane: 3
        events.include: all
        nonsense: 1
        """,
        f"""
        settings.yaml: 9 problems
          line 1   trigger: unknown key; `trigger` belongs under `users`; allowed here: {TOP_KEYS}
          line 2   user_properties: unknown key; `user_properties` belongs under `events` or under `users`; allowed here: {TOP_KEYS}
          line 4   mappings.region: unknown key; `region` belongs under `customerio`; allowed here: user_identifier, anonymous
          line 5   mappings.user-identifier: unknown key; did you mean `user_identifier`? allowed here: user_identifier, anonymous
          line 6   mappings.property: unknown key; `property` belongs under `events.where[]`; allowed here: user_identifier, anonymous
          line 8   limits.status: unknown key; `status` belongs at the top of the file; allowed here: on_violation
          line 9   limits.lane: unknown key; did you mean `delivery.lanes`? allowed here: on_violation
          line 10  ["events.include"]: unknown key; write `include` under `events`; allowed here: {TOP_KEYS}
          line 11  nonsense: unknown key; allowed here: {TOP_KEYS}
        """,
        id="unknown-keys",
    ),
    pytest.param(
        """
        status: on
        events:
          enabled: yes
        users:
          enabled: "true"
          update_only: 1
        delivery:
          max_batch_items: 1.0
          max_batch_bytes: "475000"
          request_timeout_s: 0
          retry_for_s: null
        limits:
        preset: ""
        """,
        """
        settings.yaml: 10 problems
          line 1   status: found "on"; allowed: enabled, disabled
          line 3   events.enabled: found "yes"; allowed: true, false
          line 5   users.enabled: found "true"; write it without quotes; allowed: true, false
          line 6   users.update_only: found 1; allowed: true, false
          line 8   delivery.max_batch_items: found 1.0; allowed: an integer from 1 to 1000
          line 9   delivery.max_batch_bytes: found "475000"; write it without quotes; allowed: an integer from 33000 to 499999
          line 10  delivery.request_timeout_s: found 0; allowed: a number above 0, at most 300
          line 11  delivery.retry_for_s: found null; allowed: a number of at least 1
          line 12  limits: found null; leave the section out, or give it a key; allowed: a mapping with the keys on_violation
          line 13  preset: found ""; allowed: all_properties, null
        """,
        id="types-and-ranges",
    ),
    pytest.param(
        """
        events:
          include: Signed Up
          exclude:
            - A
            - 404
            - [Amplitude]
            - A
            - " "
          event_properties: plan
          user_properties: {plan: true}
          group_properties: [x, x]
        users:
          user_properties:
            - plan
            - _private
        """,
        """
        settings.yaml: 9 problems
          line 2   events.include: found "Signed Up"; did you mean [Signed Up]? allowed: all, or a list of event types
          line 5   events.exclude[1]: found 404; put quotes round it; allowed: a text that is not blank
          line 6   events.exclude[2]: found a list; a name that begins with [ needs quotes round it; allowed: a text that is not blank
          line 7   events.exclude[3]: found "A", which is item [0] already
          line 8   events.exclude[4]: found " "; allowed: a text that is not blank
          line 9   events.event_properties: found "plan"; did you mean [plan]? allowed: none, all, or a list of property names
          line 10  events.user_properties: found a mapping; allowed: none, all, or a list of property names
          line 11  events.group_properties[1]: found "x", which is item [0] already
          line 15  users.user_properties[1]: found "_private"; Customer.io reserves names that begin with _
        """,
        id="selections",
    ),
    pytest.param(
        """
        users:
          user_properties: email, plan
        events:
          include: []
        """,
        f"""
        settings.yaml: 2 problems
          line 2  users.user_properties: found "email, plan"; put it in a list; allowed: {ATTRIBUTES}
          line 4  events.include: found an empty list; to send no events, set events.enabled: false; allowed: all, or a list of event types
        """,
        id="selections-by-word",
    ),
    pytest.param(
        """
        events:
          where:
            - property: event_property.plan
              op: equals
              values: pro
            - op: less
              property: country
              values: [1, 2]
            - property: user_properties
              op: is_set
              values: [x]
            - op: is
              values: [null, [1]]
            - property: user_properties.plan
              op: glob
            - plan
        """,
        f"""
        settings.yaml: 11 problems
          line 3   events.where[0].property: found "event_property.plan"; did you mean event_properties.NAME? allowed: {PROPERTY}
          line 4   events.where[0].op: found "equals"; allowed: is, is_not, contains, does_not_contain, starts_with, does_not_start_with, less, less_or_equal, greater, greater_or_equal, is_set, is_not_set, glob, not_glob, set_contains, set_does_not_contain
          line 5   events.where[0].values: found "pro"; did you mean [pro]? allowed: a list of texts, numbers, true, false
          line 8   events.where[1].values: found 2 values for less; allowed: exactly one value
          line 9   events.where[2].property: found "user_properties"; name one property: user_properties.NAME; allowed: {PROPERTY}
          line 11  events.where[2].values: found 1 value for is_set; allowed: no values
          line 12  events.where[3].property: missing; allowed: {PROPERTY}
          line 13  events.where[3].values[0]: found null; allowed: a text, a number, true, false
          line 13  events.where[3].values[1]: found a list; allowed: a text, a number, true, false
          line 14  events.where[4].values: found 0 values for glob; allowed: at least one value
          line 16  events.where[5]: found "plan"; allowed: a mapping with the keys property, op, values
        """,
        id="where",
    ),
    pytest.param(
        """
        events:
          where:
            property: country
            op: is_set
        """,
        """
        settings.yaml: 1 problem
          line 2  events.where: found a mapping; begin the item with "- "; allowed: a list of mappings with the keys property, op, values
        """,
        id="where-without-a-dash",
    ),
    pytest.param(
        """
        preset: all_properties
        events:
          include: [A, B]
          exclude: [C, B]
          user_properties: [plan]
          event_properties: all
        """,
        """
        settings.yaml: 2 problems
          line 4  events.exclude[1]: found "B", which events.include lists too
          line 5  events.user_properties: found a list next to preset: all_properties; leave out one of the two; allowed: all
        """,
        id="contradictions",
    ),
    pytest.param(
        """
        events: {enabled: false}
        users: {enabled: false}
        """,
        """
        settings.yaml: 1 problem
          line 1  events.enabled: found false, and users.enabled is false as well: nothing would be sent; use status: disabled
        """,
        id="nothing-would-be-sent",
    ),
    pytest.param(
        """
        events: {enabled: false}
        users: {trigger: always, user_properties: []}
        """,
        """
        settings.yaml: 2 problems
          line 1  events.enabled: found false, and users.user_properties selects nothing: nothing would be sent; select user properties, or use status: disabled
          line 2  users.trigger: found always without user_properties: no event would update a person; select user properties, or leave the trigger out
        """,
        id="users-of-whom-nothing-is-selected",
    ),
    pytest.param(
        """
        users:
          enabled: false
          user_properties: all
          state: person
          settle_s: 60
        """,
        """
        settings.yaml: 1 problem
          line 4  users.state: found person, and enabled is false: nobody would be remembered; leave out one of the two
        """,
        id="a-memory-without-users",
    ),
    pytest.param(
        """
        users:
          trigger: changed
          state: person
        """,
        """
        settings.yaml: 1 problem
          line 3  users.state: found person without user_properties: nothing of anybody would be remembered; select the user properties to remember
        """,
        id="a-memory-of-nothing",
    ),
    pytest.param(
        """
        users:
          user_properties: all
          state_days: 30
          settle_s: 0
        limits: {on_violation: cut}
        """,
        """
        settings.yaml: 3 problems
          line 3  users.state_days: found 30 without state: person; nobody is remembered; add state: person under users, or leave it out
          line 4  users.settle_s: found 0 without state: person; nobody is remembered; add state: person under users, or leave it out
          line 5  limits.on_violation: found "cut"; allowed: dead_letter, trim
        """,
        id="how-to-remember-without-a-memory",
    ),
    pytest.param(
        """
        groups:
          object_types: {company: "1"}
          group_properties: [tier]
        """,
        """
        settings.yaml: 1 problem
          line 3  groups.group_properties: found a list, and groups.enabled is false: no group would be sent; set groups.enabled: true; what goes along with an event is events.group_properties
        """,
        id="group-properties-without-groups",
    ),
    pytest.param(
        """
        events:
          drop_empty: true
          event_properties: [initially, 7]
        users:
          user_properties: [plan]
          drop_empty: true
        """,
        """
        settings.yaml: 3 problems
          line 2  events.drop_empty: found true, which is about properties initial_…: events.event_properties and events.user_properties do not send any; list one there, or leave it out here
          line 3  events.event_properties[1]: found 7; put quotes round it; allowed: a text that is not blank
          line 6  users.drop_empty: found true, which is about properties initial_…: users.user_properties does not send any; list one there, or leave it out here
        """,
        id="empty-properties-of-which-none-is-sent",
    ),
    pytest.param(
        """
        preset: everything
        events:
          rename:
            A: ""
            B: 5
            "Sign Up": 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789x
            "": C
        """,
        f"""
        settings.yaml: 5 problems
          line 1  preset: found "everything"; allowed: all_properties, null
          line 4  events.rename.A: found ""; allowed: {NEW_NAME}
          line 5  events.rename.B: found 5; put quotes round it; allowed: {NEW_NAME}
          line 6  events.rename["Sign Up"]: found "01234567890123456789012345678901234567890123456789012345678…", a name of 101 bytes; allowed: {NEW_NAME}
          line 7  events.rename[""]: the event type is blank
        """,
        id="rename",
    ),
    pytest.param(
        """
        status: enabled
        events:
          include: all
          include: [A]
        status: enabled
        users: !secret x
        status: disabled
        mappings:
          [a]: b
          user_identifier: "\\ud800"
        """,
        """
        settings.yaml: 5 problems
          line 1   status: given 3 times, on lines 1 and 5 and 7; keep one
          line 3   events.include: given 2 times, on lines 3 and 4; keep one
          line 6   users: found a YAML tag (!name); allowed: plain texts, numbers, true, false, null, lists and mappings
          line 8   mappings: the key on line 9 is not a text; a key that begins with [ or { needs quotes round it
          line 10  mappings.user_identifier: found a text with half a character (a lone surrogate); allowed: plain texts, numbers, true, false, null, lists and mappings
        """,
        id="what-yaml-can-say-and-settings-cannot",
    ),
    pytest.param(
        '{"status": "enabled",\n\t"events": {"include": "all", "where": [\n\t\t{"op": "is_set"}]}}',
        f"""
        settings.yaml: 1 problem
          line 3  events.where[0].property: missing; allowed: {PROPERTY}
        """,
        id="json-with-tabs",
    ),
    pytest.param(
        "- status: enabled",
        """
        settings.yaml: 1 problem
          line 1  found a list; allowed: a mapping of settings (key: value)
        """,
        id="top-level-list",
    ),
    pytest.param(
        "just words",
        """
        settings.yaml: 1 problem
          line 1  found a text; allowed: a mapping of settings (key: value)
        """,
        id="top-level-text",
    ),
    pytest.param(
        "# nothing but a comment\n",
        """
        settings.yaml: 1 problem
          the file is empty; start from settings.example.yaml
        """,
        id="empty",
    ),
    pytest.param(
        "status: enabled\n---\nstatus: disabled\n",
        """
        settings.yaml: 1 problem
          line 2  a second document starts here; keep only one
        """,
        id="two-documents",
    ),
]


@pytest.mark.parametrize(("text", "message"), CASES)
def test_message(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(dedent(text).removeprefix("\n"), "settings.yaml")
    assert str(refused.value) == dedent(message).strip()
