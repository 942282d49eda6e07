"""Customer.io: whether the endpoint is its Track API, takes the key pair, and is of its region."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

import msgspec
from msgspec import Struct

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, green, red, yellow
from pipeline.settings.model import CustomerIo
from transforms.sink.answers import Answer

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_NEW_KEY = (
    "copy the site id and the key of Track API (not of App API) from Customer.io's account "
    "settings, API credentials, to where customerio.site_id and customerio.api_key point"
)
_WRONG_ENDPOINT = (
    "correct customerio.region, or customerio.endpoint (--customerio_endpoint), if one is given"
)
_UNREACHABLE = (
    (
        "NameResolutionError",
        "check the name in the endpoint and this machine's DNS; behind a company's proxy set "
        "HTTPS_PROXY",
    ),
    ("NewConnectionError", "nothing listens there, or a firewall refuses: check host and port"),
    ("SSLError", "check the clock, the host name, and REQUESTS_CA_BUNDLE for a company's own CA"),
    ("ProxyError", "check HTTPS_PROXY, with its user and password, and NO_PROXY"),
    ("within", "check the network, the firewall and HTTPS_PROXY; then delivery.request_timeout_s"),
)
_OTHER_TROUBLE = "check the network, and what stands between: firewall, HTTPS_PROXY, NO_PROXY"


class Account(Struct, frozen=True):
    """What Customer.io says about a key pair."""

    region: Literal["us", "eu"]
    environment_id: int | None = None


def check(facts: Facts) -> list[Finding]:
    """Whether a job could send."""
    exchange, section = facts.region, facts.customerio
    if exchange is None or section is None:
        return [yellow("not checked: there are no credentials", "correct what is red above")]
    answer = exchange.answer
    if answer.status in _REFUSED and section.endpoint is None:
        other = "eu" if section.region == "us" else "us"
        elsewhere = facts.ask_region(facts.hosts[other])
        if elsewhere is not None and account_of(elsewhere.answer) is not None:
            return [_wrong_region(facts.base_url, other)]
    return [judge(answer, facts.base_url, section, facts.hosts)]


def account_of(answer: Answer) -> Account | None:
    """The account of a 200 of the Track API; None for any other answer."""
    if answer.status != HTTPStatus.OK:
        return None
    try:
        return msgspec.json.decode(answer.body, type=Account)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def judge(answer: Answer, base_url: str, section: CustomerIo, hosts: Mapping[str, str]) -> Finding:
    """What the answer of `base_url` means. Repeats nothing of it but the status."""
    status = answer.status
    if status == 0:
        # These words are the client's own, not a server's; the third part is advice.
        said = ": ".join(answer.body.decode().split(": ")[:2])
        advice = next((do for sign, do in _UNREACHABLE if sign in said), _OTHER_TROUBLE)
        return red(f"{base_url}: {said}", advice)
    account = account_of(answer)
    if account is not None:
        return _judge_region(account, base_url, section, hosts)
    if status in _REFUSED:
        return red(f"{base_url} refuses the key pair ({status})", _NEW_KEY)
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return yellow(
            f"{base_url} answers {status}: whether the key pair is right is not known",
            "try again later; a job would wait meanwhile",
        )
    kind = "redirects" if 300 <= status < 400 else "is not Customer.io's Track API"
    return red(f"{base_url} {kind} ({status})", _WRONG_ENDPOINT)


def _judge_region(
    account: Account, base_url: str, section: CustomerIo, hosts: Mapping[str, str]
) -> Finding:
    region = account.region
    if base_url in hosts.values() and base_url != hosts[region]:
        if section.endpoint is None:
            return _wrong_region(base_url, region)
        return red(
            f"the key pair is of region {region}, and {base_url} is of the other one",
            f"leave customerio.endpoint (--customerio_endpoint) out, and set customerio.region: "
            f"{region}",
        )
    if region != section.region:
        return yellow(
            f"the key pair is of region {region}, customerio.region says {section.region}, and the "
            f"endpoint {base_url} wins over both",
            f"set customerio.region: {region}, and make sure that the endpoint leads to "
            f"{hosts[region]}",
        )
    workspace = "" if account.environment_id is None else f", workspace {account.environment_id}"
    return green(f"{base_url} takes the key pair: region {region}{workspace}")


def _wrong_region(base_url: str, region: str) -> Finding:
    return red(
        f"the key pair is right, but of region {region}, and {base_url} is not",
        f"set customerio.region: {region}",
    )
