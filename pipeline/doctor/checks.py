"""The one list of checks, in the order in which they are made and documented."""

from collections.abc import Callable
from typing import Final, NamedTuple

from pipeline.doctor import (
    check_account,
    check_clock,
    check_credentials,
    check_letters,
    check_settings,
    check_subscription,
    check_versions,
)
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding


class Check(NamedTuple):
    """One thing that is looked at; the texts are Markdown."""

    name: str
    asks: str
    """How it is looked at."""
    red: str
    """What is red."""
    yellow: str
    """What is yellow."""
    run: Callable[[Facts], list[Finding]]
    needs: str | None = None
    """The check that looks up what this one looks at."""


CHECKS: Final = (
    Check(
        "settings",
        "reads the file",
        "it cannot be read; any problem in it, each with its line",
        "`status: disabled`",
        check_settings.check,
    ),
    Check(
        "credentials",
        "reads `${NAME}`, the environment file, `secret://` references",
        "one is missing, empty, unreadable, or of more than a line; site id and key are the same",
        "the environment file is open to other users",
        check_credentials.check,
        needs="settings",
    ),
    Check(
        "account",
        "`GET /api/v1/accounts/region`, like a job: proxies, TLS, time limit. Where the key pair "
        "is refused, the other region is asked once",
        "no connection; a wrong key pair; a right one of the other region; a redirect; an endpoint "
        "that is not the Track API",
        "429 or 5xx: not known; the settings' region and that of the account differ behind an "
        "endpoint of your own",
        check_account.check,
        needs="credentials",
    ),
    Check(
        "clock",
        "the `Date` of that answer",
        "over 300 s off",
        "over 30 s off; no `Date`",
        check_clock.check,
        needs="account",
    ),
    Check(
        "subscription",
        "`GetSubscription`, `testIamPermissions`; nothing is pulled",
        "it does not exist, cannot be reached, may not be consumed, is detached, is no pull "
        "subscription, or its topic was deleted",
        "a dead-letter policy of under 100 attempts; retention under 3 days; expiry under 31 days; "
        "ordering, a filter, exactly-once delivery; what could not be checked",
        check_subscription.check,
    ),
    Check(
        "dead letters",
        "a topic: `GetTopic`, `testIamPermissions`, its subscriptions. Local files: a probe file. "
        "`gs://`: the bucket's permissions and policy",
        "it does not exist, cannot be reached or written to; a topic without a subscription, or "
        "the one that the job reads; a file system without permissions; a bucket that is open to "
        "everybody",
        "a directory that is open to all users; letters that others can read; what could not be "
        "checked",
        check_letters.check,
    ),
    Check(
        "versions",
        "this Python and its packages",
        "Python under 3.11; apache-beam that is not 2.77",
        "Python over 3.13; packages that differ from `requirements.txt`",
        check_versions.check,
    ),
)
