"""The settings page: one validated model, its loader, its messages and its table."""

from pipeline.settings.credentials import (
    CredentialError,
    CredentialReference,
    Credentials,
    Secret,
)
from pipeline.settings.load import load_settings, parse_settings
from pipeline.settings.model import Settings
from pipeline.settings.problems import Problem, SettingsError

__all__ = [
    "CredentialError",
    "CredentialReference",
    "Credentials",
    "Problem",
    "Secret",
    "Settings",
    "SettingsError",
    "load_settings",
    "parse_settings",
]
