"""Row 7: other clients on the same input, at the same acceptor."""

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks import official_client, request_response
from benchmarks.accept import accepting
from benchmarks.balance import balanced
from benchmarks.bench import Bench, after_warming, core
from benchmarks.child import in_child
from benchmarks.figures import Figure, Target
from benchmarks.inputs import Portion
from benchmarks.machine import keep_to, other_core

_ROW = "peers"
_WARM = 200


class _Peer(NamedTuple):
    name: str
    work: Callable[..., float]
    target: Target | None
    records: int
    package: str


def measure(bench: Bench) -> Iterator[Figure]:
    """Records a second of each, and how many times as many our graph delivers, by rounds."""
    sizes = bench.sizes
    every = (
        _Peer(
            "official client, v1",
            official_client.one_by_one,
            Target(20),
            sizes.peers_v1,
            "customerio",
        ),
        _Peer(
            "official client, v2",
            official_client.in_batches,
            Target(3),
            sizes.peers_v2,
            "customerio",
        ),
        _Peer(
            "RequestResponseIO",
            request_response.batches,
            None,
            sizes.peers_beam,
            "apache_beam",
        ),
    )
    there = [peer for peer in every if importlib.util.find_spec(peer.package)]
    for peer in every:
        if peer not in there:
            bench.say(f"{peer.name}: left out; pip install -r benchmarks/requirements.txt")
    rates: defaultdict[str, list[float]] = defaultdict(list)
    ours: list[float] = []
    for number in range(sizes.peers_runs):
        bench.say(f"round {number + 1} of {sizes.peers_runs}")
        ours.append(core(bench, bench.inputs.take(sizes.peers_core)).records_per_s)
        for peer in there:
            rates[peer.name].append(_rate(bench, peer, bench.inputs.take(peer.records)))
    yield Figure(_ROW, "core", "events/s", tuple(ours))
    for peer in there:
        theirs = tuple(rates[peer.name])
        yield Figure(_ROW, peer.name, "events/s", theirs)
        ratios = tuple(mine / other for mine, other in zip(ours, theirs, strict=True))
        yield Figure(_ROW, f"core / {peer.name}", "ratio", ratios, peer.target)


def _rate(bench: Bench, peer: _Peer, portion: Portion) -> float:
    """Records a second; raises UnbalancedError."""
    warm = bench.inputs.warm(_WARM)
    with accepting() as acceptor:
        keep_to(other_core(), acceptor.pid)
        seconds: float = in_child(
            peer.work,
            warm,
            portion,
            acceptor.url,
            when_warm=lambda _: after_warming(acceptor, warm),
        )
        balanced(acceptor.seen(), portion)
    return portion.records / seconds
