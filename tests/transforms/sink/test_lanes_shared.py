"""The DoFns of a process share its lanes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.transforms.sink.lane_under_test import PATIENT_S, credentials, event_names, taken
from tests.transforms.sink.lane_under_test import deliver as ship
from tests.transforms.sink.operations import event
from transforms.sink.lanes import DeliveryPolicy, Lanes, acquire, release

WAIT_S = 120.0


def policy(stand_in: CustomerIoStandIn, **changes: Any) -> DeliveryPolicy:
    """A policy without a limit of requests unless `changes` has one."""
    patient = {"requests_per_second": 0.0, "request_timeout_s": PATIENT_S}
    return DeliveryPolicy(stand_in.url, **{**patient, **changes})


def deliver(lanes: Lanes, person: str, number: int) -> list[int]:
    """Delivers one event; returns the positions of what was taken."""
    receipts, _ = ship(lanes, [event(number, {"id": person})])
    return taken(receipts)


def lane_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("lane-")}


def test_all_who_ask_for_a_policy_get_the_same_lanes(stand_in: CustomerIoStandIn) -> None:
    first = acquire(policy(stand_in), credentials)
    second = acquire(policy(stand_in), credentials)
    other = acquire(policy(stand_in, lanes=3), credentials)
    try:
        assert first is second
        assert other is not first
    finally:
        release(policy(stand_in), credentials)
        assert deliver(second, "ada", 0) == [0]
        release(policy(stand_in), credentials)
        release(policy(stand_in, lanes=3), credentials)


def test_the_last_to_give_the_lanes_back_closes_them(stand_in: CustomerIoStandIn) -> None:
    before = lane_threads()
    lanes = acquire(policy(stand_in), credentials)
    deliver(lanes, "ada", 0)
    assert lane_threads() - before

    release(policy(stand_in), credentials)

    assert not lane_threads() - before
    again = acquire(policy(stand_in), credentials)
    try:
        assert again is not lanes
        assert deliver(again, "ada", 1) == [0]
    finally:
        release(policy(stand_in), credentials)


def test_credentials_that_cannot_be_had_leave_nothing_behind(stand_in: CustomerIoStandIn) -> None:
    def none() -> tuple[str, str]:
        raise LookupError("no such secret")

    with pytest.raises(LookupError):
        acquire(policy(stand_in), none)

    lanes = acquire(policy(stand_in), credentials)
    try:
        assert deliver(lanes, "ada", 0) == [0]
    finally:
        release(policy(stand_in), credentials)


def test_many_threads_acquire_and_release(stand_in: CustomerIoStandIn) -> None:
    people = [f"p{number}" for number in range(24)]
    together = threading.Barrier(8)

    def worker(number: int) -> None:
        together.wait(WAIT_S)
        for round_ in range(3):
            lanes = acquire(policy(stand_in, lanes=2), credentials)
            try:
                deliver(lanes, people[number * 3 + round_], number * 3 + round_)
            finally:
                release(policy(stand_in, lanes=2), credentials)

    before = lane_threads()
    with ThreadPoolExecutor(8) as workers:
        for future in [workers.submit(worker, number) for number in range(8)]:
            future.result(WAIT_S)

    assert sorted(event_names(stand_in)) == sorted(f"E{number}" for number in range(24))
    assert not lane_threads() - before


def test_what_customer_io_asked_for_outlives_the_lanes(stand_in: CustomerIoStandIn) -> None:
    first = acquire(policy(stand_in), credentials)
    budget = first.budget
    release(policy(stand_in), credentials)
    again = acquire(policy(stand_in), credentials)
    try:
        assert again is not first
        assert again.budget is budget
    finally:
        release(policy(stand_in), credentials)
