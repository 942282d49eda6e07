"""What the checks look at. Each fact is looked up once, when the first check asks for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from pipeline.doctor.options import Asked
from pipeline.settings import CredentialError, Settings, SettingsError, load_settings
from pipeline.settings.credentials import read_environment_file
from pipeline.settings.model import BASE_URLS, CustomerIo
from transforms.sink.answers import Answer
from transforms.sink.client import TrackClient
from transforms.sink.keyring import Keyring

REGION_PATH = "/api/v1/accounts/region"
"""Says whose credentials these are: https://docs.customer.io/files/journeys-track.json"""
_LONGEST_WAIT_S = 8.0
"""Two of these, one a region, are less than what a check may take."""


class Exchange(NamedTuple):
    """An answer, and this machine's clock before and after: seconds since the Unix epoch."""

    answer: Answer
    asked_at: float
    answered_at: float


@dataclass(frozen=True)
class Facts:
    """`hosts`: base URL of the Track API by region."""

    asked: Asked
    hosts: Mapping[str, str] = field(default_factory=lambda: BASE_URLS)

    @cached_property
    def settings(self) -> Settings | SettingsError:
        """The settings file, or all that is wrong with it."""
        try:
            return load_settings(self.asked.settings)
        except SettingsError as error:
            return error

    @cached_property
    def customerio(self) -> CustomerIo | None:
        """The settings' section of that name; None when the file is wrong."""
        if isinstance(self.settings, SettingsError):
            return None
        section = self.settings.customerio
        endpoint = self.asked.customerio_endpoint
        return (
            section.model_copy(update={"endpoint": endpoint.rstrip("/")}) if endpoint else section
        )

    @cached_property
    def credentials(self) -> Mapping[str, str | CredentialError]:
        """The values by their keys in the file, or why they cannot be had; empty without settings:
        site id, API key, and the salts of hashes.
        """
        if isinstance(self.settings, SettingsError):
            return {}
        references = self.settings.references
        try:
            file = self.asked.environment_file
            environment = read_environment_file(file) if file else {}
        except CredentialError as error:
            return dict.fromkeys(references, error)
        values: dict[str, str | CredentialError] = {}
        for name, reference in references.items():
            try:
                values[name] = reference.resolve(environment)
            except CredentialError as error:
                values[name] = error
        return values

    @cached_property
    def pair(self) -> tuple[str, str] | None:
        """Site id and API key; None unless both are there."""
        site_id = self.credentials.get("customerio.site_id")
        api_key = self.credentials.get("customerio.api_key")
        if isinstance(site_id, str) and isinstance(api_key, str):
            return site_id, api_key
        return None

    @cached_property
    def base_url(self) -> str:
        """Where a job would send; "" without settings."""
        if self.customerio is None:
            return ""
        return self.customerio.endpoint or self.hosts[self.customerio.region]

    @cached_property
    def region(self) -> Exchange | None:
        """What the endpoint says about the credentials; None when it cannot be asked."""
        return self.ask_region(self.base_url)

    def ask_region(self, base_url: str) -> Exchange | None:
        """Asks an endpoint whose credentials these are; None without credentials."""
        if self.pair is None or isinstance(self.settings, SettingsError):
            return None
        pair = self.pair
        wait_s = min(self.settings.delivery.request_timeout_s, _LONGEST_WAIT_S)
        client = TrackClient(base_url, Keyring(lambda: pair), wait_s)
        asked_at = time.time()
        try:
            return Exchange(client.get(REGION_PATH), asked_at, time.time())
        finally:
            client.close()
