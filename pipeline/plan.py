"""The settings page, translated into what the transforms take."""

import math

from pipeline.settings.credentials import CredentialReference, Secret
from pipeline.settings.model import Events, Settings, Users
from transforms import event_time, groups, project, resolve, route, ulid
from transforms.conditions import Clause
from transforms.filter import FilterRules, TimeRange
from transforms.groups import GroupRules
from transforms.link import LinkRules
from transforms.memory.person import MemoryPolicy
from transforms.project import EventSelection
from transforms.properties import PropertyPath, Selection
from transforms.pushdown import Projection
from transforms.shape import PropertyRules, ShapeRules
from transforms.sink.lanes import DeliveryPolicy


def projection(settings: Settings) -> Projection:
    """What the job reads of a record; it decodes nothing else."""
    events, users = settings.events, settings.users
    paths = [
        PropertyPath(path)
        for path in (settings.mappings.user_identifier, *(each.property for each in events.where))
    ]
    named = {path.field for path in paths}
    projected = set(project.FIELDS)
    if events.group_properties == "none":
        projected.remove("group_properties")
    if settings.groups.enabled:
        named.add(groups.GROUPS)
        if settings.groups.group_properties != "none":
            named.add(groups.GROUP_PROPERTIES)
    if settings.mappings.anonymous == "send":
        named.add(resolve.DEVICE_ID)
    always = {*route.FIELDS, *projected, *named}
    return Projection(
        fields=frozenset((*always, *event_time.FIELDS, *ulid.FIELDS)),
        needed=frozenset((*always, *event_time.USUAL_FIELDS, *ulid.USUAL_FIELDS)),
        event_properties=_names("event_properties", paths, events.event_properties),
        user_properties=_names(
            "user_properties", paths, events.user_properties, users.user_properties
        ),
    )


def _names(space: str, paths: list[PropertyPath], *selections: Selection) -> frozenset[str] | None:
    """The names that paths and selections read of an object of a record; None for all."""
    names = {path.name for path in paths if path.space == space}
    for selection in selections:
        if selection == "all":
            return None
        names.update(() if selection == "none" else selection)
    return frozenset(names)


def identify_events(settings: Settings) -> bool:
    """Whether events take the identify branch too."""
    return settings.users.enabled and settings.users.trigger in ("always", "changed")


def memory_policy(settings: Settings) -> MemoryPolicy | None:
    """How people are remembered; None where they are not."""
    users = settings.users
    if users.state == "none":
        return None
    return MemoryPolicy(settle_ms=users.settle_s * 1000, only_changes=users.trigger == "changed")


def filter_rules(settings: Settings, within: TimeRange | None = None) -> FilterRules:
    """Which events and user updates pass; `within`: only those of these times."""
    events = settings.events
    return FilterRules(
        events_enabled=events.enabled,
        users_enabled=settings.users.enabled,
        include=None if events.include == "all" else events.include,
        exclude=events.exclude,
        where=tuple(
            Clause(clause.property, clause.op, tuple(clause.values)) for clause in events.where
        ),
        within=within,
    )


def event_selection(settings: Settings) -> EventSelection:
    """Which properties go along with an event."""
    events = settings.events
    return EventSelection(events.event_properties, events.user_properties, events.group_properties)


def shape_rules(settings: Settings, environment_file: str | None = None) -> ShapeRules:
    """How properties are shaped on their way out; false when they go as they are.

    `environment_file`: where the salts' variables are looked up first.
    """
    return ShapeRules(
        event=_property_rules(settings.events, environment_file),
        person=_property_rules(settings.users, environment_file),
    )


def _property_rules(section: Events | Users, environment_file: str | None) -> PropertyRules:
    salt = section.hash_salt
    return PropertyRules(
        drop_empty=section.drop_empty,
        unix_seconds=section.unix_seconds,
        hash=section.hash,
        salt=Secret(salt, environment_file) if isinstance(salt, CredentialReference) else None,
        rename=section.rename_properties,
    )


def group_rules(settings: Settings) -> GroupRules | None:
    """Which groups become objects; None where groups are not sent."""
    groups = settings.groups
    return GroupRules(groups.object_types, groups.group_properties) if groups.enabled else None


def link_rules(settings: Settings) -> LinkRules | None:
    """Whom and what Customer.io is told to relate; None where it is told nothing of that."""
    devices = settings.mappings.anonymous == "send"
    if not devices and not settings.groups.enabled:
        return None
    customerio, users = settings.customerio, settings.users
    return LinkRules(
        workspace=f"{customerio.base_url} {customerio.site_id}",
        devices=devices,
        update_only=users.update_only,
        remembered=users.state == "person",
    )


def delivery_policy(
    settings: Settings, processes: int, *, hold: bool, one_bundle_at_a_time: bool = False
) -> DeliveryPolicy:
    """How one of `processes` processes delivers; together they keep to the request budget.

    `hold`: never give a bundle back, for a run that nobody would try again.
    `one_bundle_at_a_time`: the process has one sink, and its runner works on one bundle at a time.
    """
    delivery = settings.delivery
    return DeliveryPolicy(
        endpoint=settings.customerio.base_url,
        max_batch_items=delivery.max_batch_items,
        max_batch_bytes=delivery.max_batch_bytes,
        requests_per_second=delivery.max_requests_per_second / processes,
        lanes=delivery.lanes,
        request_timeout_s=delivery.request_timeout_s,
        retry_for_s=math.inf if hold else delivery.retry_for_s,
        one_bundle_at_a_time=one_bundle_at_a_time,
    )
