"""The settings page, translated into what the transforms take."""

import math

import pytest

from pipeline import plan
from pipeline.settings import Settings, parse_settings
from transforms.conditions import Clause
from transforms.filter import FilterRules
from transforms.groups import GroupRules
from transforms.project import EventSelection
from transforms.sink.lanes import DeliveryPolicy

DEFAULTS = Settings()
GROUPS = "groups: {{enabled: true, object_types: {{company: '1'}}, group_properties: {}}}"


@pytest.mark.parametrize(
    ("users", "both"),
    [
        ("{}", False),
        ("{user_properties: [plan]}", False),
        ("{user_properties: [plan], trigger: identify}", False),
        ("{user_properties: [plan], trigger: always}", True),
    ],
)
def test_events_take_the_identify_branch_with_always(users: str, both: bool) -> None:
    assert plan.identify_events(parse_settings(f"users: {users}")) is both


def test_events_do_not_take_the_identify_branch_when_users_are_off() -> None:
    settings = parse_settings("users: {user_properties: [plan], trigger: always}")
    off = settings.model_copy(
        update={"users": settings.users.model_copy(update={"enabled": False})}
    )
    assert not plan.identify_events(off)


def test_the_defaults_let_everything_pass() -> None:
    assert plan.filter_rules(DEFAULTS) == FilterRules(
        events_enabled=True, users_enabled=True, include=None, exclude=(), where=()
    )


def test_every_rule_of_a_filter_arrives() -> None:
    settings = parse_settings(
        """
        events:
          include: [Song Played, session_start]
          where:
            - {property: event_properties.plan, op: is, values: [pro, 3, true]}
            - {property: country, op: is_set}
        users: {enabled: true}
        """
    )
    assert plan.filter_rules(settings) == FilterRules(
        events_enabled=True,
        users_enabled=True,
        include=("Song Played", "session_start"),
        exclude=(),
        where=(
            Clause("event_properties.plan", "is", ("pro", 3, True)),
            Clause("country", "is_set", ()),
        ),
    )


def test_switches_and_exclusions_arrive() -> None:
    rules = plan.filter_rules(parse_settings("users: {enabled: false}\nevents: {exclude: [Ping]}"))
    assert (rules.users_enabled, rules.include, rules.exclude) == (False, None, ("Ping",))
    rules = plan.filter_rules(
        parse_settings("events: {enabled: false}\nusers: {user_properties: [plan]}")
    )
    assert (rules.events_enabled, rules.users_enabled) == (False, True)


@pytest.mark.parametrize(
    ("page", "selection"),
    [
        ("{}", EventSelection("none", "none", "none")),
        ("preset: all_properties", EventSelection("all", "all", "all")),
        (
            "events: {event_properties: [a], user_properties: all, group_properties: [b, c]}",
            EventSelection(("a",), "all", ("b", "c")),
        ),
    ],
)
def test_each_selection_stays_with_its_properties(page: str, selection: EventSelection) -> None:
    assert plan.event_selection(parse_settings(page)) == selection


def test_delivery_as_the_page_says() -> None:
    settings = parse_settings(
        """
        customerio: {region: eu}
        delivery:
          max_batch_items: 7
          max_batch_bytes: 34000
          max_requests_per_second: 90
          lanes: 3
          request_timeout_s: 4
          retry_for_s: 50
        """
    )
    assert plan.delivery_policy(settings, 1, hold=False) == DeliveryPolicy(
        endpoint="https://track-eu.customer.io",
        max_batch_items=7,
        max_batch_bytes=34_000,
        requests_per_second=90.0,
        lanes=3,
        request_timeout_s=4.0,
        retry_for_s=50.0,
    )


@pytest.mark.parametrize(
    ("budget", "processes", "share"), [(100, 1, 100.0), (100, 8, 12.5), (1, 1_000, 0.001)]
)
def test_processes_share_the_budget(budget: int, processes: int, share: float) -> None:
    settings = parse_settings(f"delivery: {{max_requests_per_second: {budget}}}")
    policy = plan.delivery_policy(settings, processes, hold=False)
    assert policy.requests_per_second == pytest.approx(share)


def test_no_budget_stays_none_however_it_is_shared() -> None:
    settings = parse_settings("delivery: {max_requests_per_second: 0}")
    assert plan.delivery_policy(settings, 8, hold=False).requests_per_second == 0


def test_a_bundle_that_nobody_would_try_again_is_held() -> None:
    assert plan.delivery_policy(DEFAULTS, 1, hold=True).retry_for_s == math.inf


def test_what_is_read_of_a_record_is_what_the_settings_need() -> None:
    settings = parse_settings(
        """
        events:
          event_properties: [amount]
          user_properties: [plan]
          where:
            - {property: event_properties.kind, op: is_set}
            - {property: country, op: is_set}
        users: {user_properties: [email]}
        mappings: {user_identifier: user_properties.key}
        """
    )

    projection = plan.projection(settings)

    assert projection.event_properties == frozenset({"amount", "kind"})
    assert projection.user_properties == frozenset({"plan", "email", "key"})
    assert projection.needed - plan.projection(DEFAULTS).needed == {"country"}
    assert projection.needed < projection.fields
    assert "group_properties" not in projection.needed
    assert {"time", "uuid", "country"} <= projection.fields


@pytest.mark.parametrize(
    "page", ["users: {user_properties: all}", "events: {user_properties: all}"]
)
def test_all_properties_are_read_where_one_list_wants_all(page: str) -> None:
    assert plan.projection(parse_settings(page)).user_properties is None


def test_groups_are_read_where_they_are_selected() -> None:
    settings = parse_settings("events: {group_properties: [size]}")
    assert "group_properties" in plan.projection(settings).needed


@pytest.mark.parametrize(
    ("page", "read"),
    [
        pytest.param("{}", set(), id="neither"),
        pytest.param(GROUPS.format("none"), {"groups"}, id="groups"),
        pytest.param(GROUPS.format("all"), {"groups", "group_properties"}, id="and properties"),
        pytest.param("groups: {object_types: {company: '1'}}", set(), id="groups that are off"),
    ],
)
def test_groups_are_decoded_where_they_are_sent(page: str, read: set[str]) -> None:
    needed = plan.projection(parse_settings(page)).needed
    assert needed & {"groups", "group_properties"} == read


def test_a_device_is_decoded_where_it_is_sent() -> None:
    assert "device_id" in plan.projection(parse_settings("mappings: {anonymous: send}")).needed


def test_nothing_is_grouped_or_linked_by_default() -> None:
    assert plan.group_rules(DEFAULTS) is None
    assert plan.link_rules(DEFAULTS) is None


def test_groups_as_the_page_says() -> None:
    settings = parse_settings(GROUPS.format("[tier]") + "\nusers: {update_only: true}")
    assert plan.group_rules(settings) == GroupRules({"company": "1"}, ("tier",))
    rules = plan.link_rules(settings)
    assert rules is not None
    assert (rules.devices, rules.update_only) == (False, True)


def test_what_is_known_is_known_of_one_workspace() -> None:
    pages = [
        "mappings: {anonymous: send}",
        "mappings: {anonymous: send}\ncustomerio: {region: eu}",
        "mappings: {anonymous: send}\ncustomerio: {site_id: '${OTHER}'}",
    ]
    rules = [plan.link_rules(parse_settings(page)) for page in pages]
    assert all(each is not None and each.devices for each in rules)
    assert len({each.workspace for each in rules if each is not None}) == 3
