"""Counting: buckets of latency, and a ledger that forgets what did not happen."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.tally import (
    COUNTED_AT_ONCE,
    PROCESS_LEDGER,
    ProcessLedger,
    Tally,
    bucket_ceiling_ms,
    latency_bucket,
)

A_YEAR_MS = 366 * 86_400_000


@given(st.integers(1, A_YEAR_MS))
def test_a_bucket_is_at_most_9_percent_too_high(milliseconds: int) -> None:
    ceiling = bucket_ceiling_ms(latency_bucket(milliseconds))
    assert milliseconds <= ceiling <= milliseconds * 1.09


@given(st.integers(0, A_YEAR_MS), st.integers(0, A_YEAR_MS))
def test_buckets_are_in_order(left: int, right: int) -> None:
    low, high = sorted((left, right))
    assert latency_bucket(low) <= latency_bucket(high)


def test_buckets_are_in_order_one_by_one() -> None:
    buckets = [latency_bucket(milliseconds) for milliseconds in range(1, 70_000)]
    assert buckets == sorted(buckets)
    ceilings = [bucket_ceiling_ms(bucket) for bucket in range(400)]
    assert ceilings == sorted(set(ceilings))
    for milliseconds, bucket in enumerate(buckets, start=1):
        assert ceilings[bucket - 1] <= milliseconds <= ceilings[bucket]


@pytest.mark.parametrize("milliseconds", [0, -1, -(10**9)])
def test_no_latency_at_all(milliseconds: int) -> None:
    assert bucket_ceiling_ms(latency_bucket(milliseconds)) == 0


def test_a_tally_starts_again_when_it_has_reported() -> None:
    PROCESS_LEDGER.reset()
    tally = Tally()
    tally.add("received", 3)
    tally.add("received")
    tally.latencies_ms.append(100)
    tally.report()
    tally.report()
    counts, latencies = PROCESS_LEDGER.snapshot(with_open=True)
    assert counts == {"received": 4}
    assert latencies == {latency_bucket(100): 1}
    assert (tally.counts, tally.latencies_ms) == (Counter(), [])
    PROCESS_LEDGER.reset()


@pytest.mark.parametrize("name", COUNTED_AT_ONCE)
def test_what_the_ledger_knows_already_is_not_reported_to_it_again(name: str) -> None:
    PROCESS_LEDGER.reset()
    PROCESS_LEDGER.count_now(name)
    tally = Tally()
    tally.add(name)
    tally.add("delivered")
    tally.report()
    assert PROCESS_LEDGER.snapshot(with_open=True)[0] == {name: 1, "delivered": 1}
    PROCESS_LEDGER.reset()


def test_only_committed_counts_are_final() -> None:
    ledger = ProcessLedger()
    ledger.open({"delivered": 2}, [10, 20])
    assert ledger.snapshot() == (Counter(), Counter())
    assert ledger.snapshot(with_open=True)[0] == {"delivered": 2}
    ledger.commit()
    ledger.open({"delivered": 5}, [30])
    ledger.roll_back()
    ledger.commit()
    counts, latencies = ledger.snapshot(with_open=True)
    assert counts == {"delivered": 2}
    assert latencies == Counter([latency_bucket(10), latency_bucket(20)])


def test_what_has_happened_outlives_a_bundle_that_failed() -> None:
    ledger = ProcessLedger()
    ledger.open({"delivered": 1}, [])
    ledger.count_now("blocked.credentials")
    ledger.count_now("throttled_ms", 250)
    ledger.roll_back()
    assert ledger.snapshot()[0] == {"blocked.credentials": 1, "throttled_ms": 250}


def test_a_snapshot_is_a_copy() -> None:
    ledger = ProcessLedger()
    ledger.count_now("delivered")
    counts, latencies = ledger.snapshot()
    counts["delivered"] += 1
    latencies[1] += 1
    assert ledger.snapshot() == (Counter(delivered=1), Counter())


def test_reset_forgets_all() -> None:
    ledger = ProcessLedger()
    ledger.open({"delivered": 1}, [10])
    ledger.commit()
    ledger.open({"delivered": 1}, [10])
    ledger.reset()
    assert ledger.snapshot(with_open=True) == (Counter(), Counter())


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.dictionaries(st.sampled_from("ab"), st.integers(1, 9)),
            st.lists(st.integers(0, 10**6), max_size=3),
        ),
        max_size=6,
    )
)
def test_the_ledger_is_the_sum_of_the_bundles_that_went_well(
    bundles: list[tuple[bool, dict[str, int], list[int]]],
) -> None:
    ledger = ProcessLedger()
    counts: Counter[str] = Counter()
    latencies: Counter[int] = Counter()
    for went_well, of_bundle, latencies_ms in bundles:
        ledger.open(of_bundle, latencies_ms)
        if went_well:
            ledger.commit()
            counts.update(of_bundle)
            latencies.update(map(latency_bucket, latencies_ms))
        else:
            ledger.roll_back()
    assert ledger.snapshot(with_open=True) == (counts, latencies)
