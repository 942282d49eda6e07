"""Fills a subscription with sample traffic, and works out on the side what has to become of it."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any

from pipeline.local.pubsub import Draft
from pipeline.local.traffic import Sample, generate
from tests.chaos.wanted import Sent, Wanted, want
from tests.chaos.world import StormyPubSub

NOW = 1_795_372_845
"""The end of the hour in which everything happens, Unix seconds: runs are to be repeatable."""
_HOUR_S = 3_600
_TROUBLE = 0.1
"""The share of records that come from the catalogue of trouble."""
_MESSAGES_A_RECORD = 0.55
_CHUNK = 100
_WORKERS = 2


def publish(pub_sub: StormyPubSub, records: int, seed: int) -> Iterator[list[Sent]]:
    """Publishes so many records, spread over an hour, and yields what it has published.

    The same arguments give the same messages with the same ids.
    """
    samples = generate(records, seed=seed, now=float(NOW), trouble=_TROUBLE)
    chunks = max(1, round(records * _MESSAGES_A_RECORD / _CHUNK))
    for number, chunk in enumerate(_chunks(samples)):
        pub_sub.publish_at = NOW - _HOUR_S + min(_HOUR_S, number * _HOUR_S // chunks)
        ids = pub_sub.put(Draft(sample.data, sample.attributes) for sample in chunk)
        yield [
            Sent(message_id, sample.data, float(pub_sub.publish_at))
            for message_id, sample in zip(ids, chunk, strict=True)
        ]


def want_in_parallel(chunks: Iterator[list[Sent]], settings: dict[str, Any]) -> Wanted:
    """What has to become of the messages; the contract is read slowly and plainly."""
    wanted = Wanted()
    with ProcessPoolExecutor(_WORKERS, multiprocessing.get_context("spawn")) as pool:
        running: list[Future[Wanted]] = [pool.submit(want, chunk, settings) for chunk in chunks]
        for future in running:
            wanted.add(future.result())
    return wanted


def _chunks(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while chunk := list(islice(samples, _CHUNK)):
        yield chunk
