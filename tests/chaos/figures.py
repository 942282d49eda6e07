"""The figures of a storm that are worth reporting."""

import json
import resource
from collections.abc import Sequence
from typing import Any

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.pubsub import SubscriptionStats
from tests.chaos.evidence import Evidence, Ledger, distinct
from tests.chaos.wanted import Wanted


def figures_of_servers(customerio: CustomerIoStandIn, stats: SubscriptionStats) -> dict[str, Any]:
    """What the servers were asked, and what they did instead of answering."""
    counters = customerio.workspace.counters()
    injected = customerio.faults.injected()
    return {
        "messages": stats.published,
        "redelivered_messages": stats.redelivered,
        "requests": counters.requests,
        "answers": customerio.workspace.answers(),
        "faults": sum(injected.values()),
        "faults_by_kind": injected,
        "items_refused_by_faults": len(customerio.workspace.refusals()),
        "duplicate_events_refused": counters.duplicate_events,
    }


def figures_of(wanted: Wanted, evidence: Evidence) -> dict[str, Any]:
    """What was sent, and what is there."""
    letters = evidence.letters
    rejected = [letter for letter in letters if letter["reason"] == "rejected"]
    return {
        "events": len(evidence.events),
        "identifies": sum(map(len, wanted.identifies.values())),
        "people": len(evidence.people),
        "dead_letters": distinct(letters),
        "dead_letters_rejected": distinct(rejected),
        "dead_letters_repeated": len(letters) - distinct(letters),
        "dead_letters_torn": evidence.torn_letters,
        "ledgers": _figures_of_ledgers(evidence.ledgers),
        "rss_mb": {
            "harness": _megabytes(resource.RUSAGE_SELF),
            "program": _megabytes(resource.RUSAGE_CHILDREN),
        },
    }


def _figures_of_ledgers(ledgers: Sequence[Ledger]) -> dict[str, int]:
    return {
        "ended_by_themselves": sum(ledger.ended for ledger in ledgers),
        "killed": sum(not ledger.ended for ledger in ledgers),
        "records_received_in_all": sum(map(_received, ledgers)),
    }


def _received(ledger: Ledger) -> int:
    return int(json.loads(ledger.text)["received"]) if ledger.text else 0


def _megabytes(who: int) -> int:
    """The most memory that was resident, in MB."""
    return resource.getrusage(who).ru_maxrss // 1024
