"""This machine's clock, against the one of whoever answers for Customer.io."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from pipeline.doctor.facts import Exchange, Facts
from pipeline.doctor.findings import Finding, green, red, yellow

NOTICED_S = 30.0
TOO_MUCH_S = 300.0
_SET = "set the clock, and let NTP keep it (timedatectl set-ntp true, chronyd)"


def check(facts: Facts) -> list[Finding]:
    """How far off it is, by the Date header of the answer about the account."""
    if facts.region is None:
        return [yellow("not checked: nothing was asked", "correct what is red above")]
    skew_s = skew(facts.region)
    if skew_s is None:
        return [
            yellow(
                "not checked: no answer with a readable Date came",
                "compare this machine's clock with another one",
            )
        ]
    return [judge(skew_s)]


def judge(skew_s: float) -> Finding:
    """What a clock that goes wrong by so many seconds means; above 0 it is fast."""
    off = f"this machine's clock is {abs(skew_s):.0f} s {'fast' if skew_s > 0 else 'slow'}"
    if abs(skew_s) > TOO_MUCH_S:
        return red(f"{off}: certificates, Google's tokens and times of letters go wrong", _SET)
    if abs(skew_s) > NOTICED_S:
        return yellow(f"{off}: times of dead letters and latencies are off by as much", _SET)
    return green("this machine's clock is right")


def skew(exchange: Exchange) -> float | None:
    """Seconds by which our clock is fast at least, below 0 slow; None when nobody told the time.

    The answer was dated at some moment between question and answer, in whole seconds.
    """
    try:
        date = parsedate_to_datetime(exchange.answer.date or "")
    except ValueError:
        return None
    # "-0000" says that it is UTC, and leaves the zone out.
    told = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    if exchange.asked_at > told + 1:
        return exchange.asked_at - told - 1
    return min(0.0, exchange.answered_at - told)
