"""The settings page: every key, its type, its range, its default and what it does.

Messages and the README's table are made from this model; nothing about a key is written twice.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.settings import contradictions
from pipeline.settings.credentials import CredentialReference, Credentials
from pipeline.settings.faults import refusal
from pipeline.settings.kinds import (
    Attributes,
    ClauseValues,
    Credential,
    Endpoint,
    EventList,
    EventTypes,
    NewNames,
    ObjectTypes,
    Operator,
    PropertyPath,
    Selection,
)
from pipeline.settings.shaping import (
    DropEmpty,
    Hashed,
    HashSalt,
    RenameAttributes,
    RenameProperties,
    UnixSeconds,
)

# Base URLs by account region: https://docs.customer.io/files/journeys-track.json
BASE_URLS = {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"}


class Section(BaseModel):
    """A mapping of the file with a fixed set of keys; frozen, and no type is converted."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


class CustomerIo(Section):
    """The account that everything is sent to."""

    region: Literal["us", "eu"] = Field(
        default="us",
        description="Region of the account: `us` sends to track.customer.io, `eu` to "
        "track-eu.customer.io.",
    )
    site_id: Credential = Field(
        default=CredentialReference("${CUSTOMERIO_SITE_ID}"),
        description="Where the Track API's site id is kept: an environment variable of the "
        "process that sends, or a Secret Manager version. Never the id itself.",
    )
    api_key: Credential = Field(
        default=CredentialReference("${CUSTOMERIO_API_KEY}"),
        description="Where the Track API's key is kept, written like `site_id`. Never the key "
        "itself.",
    )
    endpoint: Endpoint = Field(
        default=None,
        description="Base URL that replaces the one of the region. Only for tests and proxies.",
    )

    @property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end."""
        return self.endpoint or BASE_URLS[self.region]

    @property
    def credentials(self) -> Credentials:
        """Site id and API key, by reference."""
        return Credentials(self.site_id, self.api_key)


class Mappings(Section):
    """Who a record is about."""

    user_identifier: PropertyPath = Field(
        default="user_id",
        description="Property that identifies the person in Customer.io. A value that looks like "
        "an e-mail address becomes the `email`, one that starts with `cio_` the `cio_id`, any "
        "other the `id`.",
    )
    anonymous: Literal["skip", "dead_letter", "send"] = Field(
        default="skip",
        description="What becomes of a record without an identifier: `skip` counts it and goes "
        "on, `dead_letter` keeps it as a dead letter, `send` sends an event under its "
        "`device_id`, in a request of its own, and lets Customer.io give it to the person whom "
        "the device turns out to be.",
    )


class WhereClause(Section):
    """One condition on an event."""

    property: PropertyPath = Field(description="Property of the event to look at.")
    op: Operator = Field(
        description="How to compare. A property that is missing passes the operators with "
        "`not` in their name and fails the others."
    )
    values: ClauseValues = Field(
        default=(),
        description="What to compare with; one match is enough. `is_set` and `is_not_set` take "
        "none; `less`, `less_or_equal`, `greater` and `greater_or_equal` take exactly one.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = contradictions.in_clause(self.op, self.values)
        if faults:
            raise refusal(*faults)
        return self


class Events(Section):
    """Send Events."""

    enabled: bool = Field(default=True, description="Whether events are sent.")
    include: EventTypes = Field(
        default="all",
        description="Event types to send. A session event may be named as in Amplitude's pages "
        "(`[Amplitude] Start Session`) or as in its data (`session_start`).",
    )
    exclude: EventList = Field(
        default=(),
        description="Event types to leave out. Wins over `include` where both match an event.",
    )
    where: tuple[WhereClause, ...] = Field(
        default=(),
        strict=False,
        description="Conditions on an event; it is sent when every one of them holds.",
    )
    event_properties: Selection = Field(
        default="none",
        description="Event properties that go along. With `all`, the names that redirect mail "
        "(`recipient`, `from_address`, `reply_to`) stay behind.",
    )
    user_properties: Selection = Field(
        default="none",
        description="User properties that go along with each event. An event property of the "
        "same name wins.",
    )
    group_properties: Selection = Field(
        default="none",
        description="Group properties that go along with each event, under `groups`.",
    )
    rename: NewNames = Field(
        default={}, description="Event type in Amplitude: name of the event in Customer.io."
    )
    drop_empty: DropEmpty = False
    unix_seconds: UnixSeconds = ()
    hash: Hashed = ()
    hash_salt: HashSalt = None
    rename_properties: RenameProperties = {}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = contradictions.in_events(self.include, self.exclude)
        if faults:
            raise refusal(*faults)
        return self


class Users(Section):
    """Create & Update Users."""

    enabled: bool = Field(default=True, description="Whether people are created and updated.")
    user_properties: Attributes = Field(
        default="none",
        description="User properties that become attributes of the person. With `all`, names that "
        "begin with `_` and `id`, `email`, `cio_id` stay behind.",
    )
    trigger: Literal["identify", "changed", "always"] = Field(
        default="identify",
        description="Which records update a person: `identify` takes user updates only, `always` "
        "also every event that carries a selected user property. `changed` looks at both and "
        "sends only what differs from what was last sent; it needs `state: person`.",
    )
    update_only: bool = Field(
        default=False,
        description="`true` updates people whom Customer.io knows and never creates one.",
    )
    state: Literal["none", "person"] = Field(
        default="none",
        description="What is remembered of a person: `none`, so that operators on a stored value "
        "(`$add`, `$setOnce`, …) are left out; or with `person` the selected user properties, so "
        "that the resulting values are sent. A job on Dataflow that remembers people is drained, "
        "never cancelled.",
    )
    state_days: int = Field(
        default=contradictions.STATE_DAYS,
        ge=1,
        le=3650,
        description="With `state: person`: days after which a person is forgotten of whom nothing "
        "is heard.",
    )
    settle_s: int = Field(
        default=contradictions.SETTLE_S,
        ge=0,
        le=86_400,
        description="With `state: person`: seconds by which an update of a person may come after "
        "a newer one, by the times that they carry, and still be put in its place.",
    )
    drop_empty: DropEmpty = False
    unix_seconds: UnixSeconds = ()
    hash: Hashed = ()
    hash_salt: HashSalt = None
    rename_properties: RenameAttributes = {}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = contradictions.in_users(self.model_dump(exclude_unset=True))
        if faults:
            raise refusal(*faults)
        return self


class Groups(Section):
    """Amplitude groups as Customer.io objects."""

    enabled: bool = Field(
        default=False,
        description="Whether people are related to the objects that their groups are, and group "
        "updates change them.",
    )
    object_types: ObjectTypes = Field(
        default={},
        description="Group type in Amplitude: id of the object type in Customer.io, as text.",
    )
    group_properties: Attributes = Field(
        default="none",
        description="Group properties that become attributes of the object. With `all`, names "
        "that begin with `_` and those that Customer.io gives a meaning (`object_id`, "
        "`created_at` and others) stay behind.",
    )


class Limits(Section):
    """Records beyond what Customer.io takes."""

    on_violation: Literal["dead_letter", "trim"] = Field(
        default="dead_letter",
        description="What becomes of a record over a limit: `dead_letter` keeps it as a dead "
        "letter, `trim` shortens it and counts that. Identifiers are never trimmed.",
    )


class Delivery(Section):
    """How requests are made."""

    max_batch_items: int = Field(
        default=100, ge=1, le=1000, description="Most operations in one request."
    )
    # A request has to hold one item of 32 000 bytes with its frame, and Customer.io refuses
    # requests from 500 000 bytes on: https://docs.customer.io/files/journeys-track.json
    max_batch_bytes: int = Field(
        default=475_000,
        ge=33_000,
        le=499_999,
        description="Most bytes in the body of one request, as encoded JSON.",
    )
    max_requests_per_second: float = Field(
        default=100.0,
        ge=0,
        description="Requests of the whole job, all workers together; `0` is no limit.",
    )
    lanes: int = Field(
        default=16, ge=1, le=64, description="Most requests in flight in one process."
    )
    request_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="Seconds after which a request is given up, its whole answer included.",
    )
    retry_for_s: float = Field(
        default=120.0,
        ge=1,
        description="Seconds to try a request again within one attempt of a bundle; after that "
        "the runner retries the bundle.",
    )


class Settings(Section):
    """The whole page."""

    preset: Literal["all_properties"] | None = Field(
        default=None,
        description="`all_properties` sends all event, user and group properties along with each "
        "event; it sets the three selections under `events` to `all`.",
    )
    status: Literal["enabled", "disabled"] = Field(
        default="enabled", description="`disabled`: the job reads nothing and says so."
    )
    customerio: CustomerIo = CustomerIo()
    mappings: Mappings = Mappings()
    events: Events = Events()
    users: Users = Users()
    groups: Groups = Groups()
    limits: Limits = Limits()
    delivery: Delivery = Delivery()

    @property
    def references(self) -> dict[str, CredentialReference]:
        """Every credential that a job reads, by its key in the file."""
        found = {
            "customerio.site_id": self.customerio.site_id,
            "customerio.api_key": self.customerio.api_key,
        }
        for name, section in (("events", self.events), ("users", self.users)):
            if isinstance(section.hash_salt, CredentialReference):
                found[f"{name}.hash_salt"] = section.hash_salt
        return found

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, settings: Any) -> Any:
        if not isinstance(settings, dict) or settings.get("preset") != "all_properties":
            return settings
        events = settings.get("events", {})
        if isinstance(events, Events):
            events = events.model_dump(exclude_unset=True)
        if not isinstance(events, dict):
            return settings
        return settings | {"events": dict.fromkeys(contradictions.SELECTIONS, "all") | events}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = contradictions.in_settings(self.model_dump())
        if faults:
            raise refusal(*faults)
        return self
