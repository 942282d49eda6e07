"""The credentials: whether what the settings refer to is there. Never what it is."""

import os
import stat
from pathlib import Path

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, green, red, yellow
from pipeline.settings import CredentialError, CredentialReference, SettingsError


def check(facts: Facts) -> list[Finding]:
    """Whether all can be had, and whether others can read the environment file."""
    if isinstance(facts.settings, SettingsError):
        return [yellow("not checked: the settings say where they are", "correct the settings")]
    references = facts.settings.references
    findings = list(
        dict.fromkeys(_one(facts, key, reference) for key, reference in references.items())
    )
    if facts.pair is not None and facts.pair[0] == facts.pair[1]:
        findings.append(
            red(
                "customerio.site_id and customerio.api_key hold the same value",
                "copy the site id and the key of Track API each from Customer.io's account "
                "settings, API credentials",
            )
        )
    if facts.asked.environment_file:
        findings += _readers(facts.asked.environment_file)
    return findings


def _one(facts: Facts, key: str, reference: CredentialReference) -> Finding:
    value = facts.credentials[key]
    if isinstance(value, CredentialError):
        # Its text ends with what to do.
        found, _, advice = str(value).partition("; ")
        return red(found, advice or "check the path, and who may read it")
    return green(f"{key} is there: {reference}")


def _readers(path: str) -> list[Finding]:
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        # That it cannot be read is said above.
        return []
    if os.name != "posix" or not mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        return []
    return [yellow(f"{path} is open to other users of this machine", f"chmod 600 {path}")]
