"""Credentials shared by lanes: read again when they are refused, and no more often than needed."""

from collections.abc import Callable

import pytest

from tests.transforms.sink.lane_under_test import FakeTime
from transforms.sink.keyring import Keyring

OLD, NEW = ("site", "old"), ("site", "new")


class Source:
    """Gives what it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.value: Callable[[], tuple[str, str]] = lambda: OLD
        self.asked = 0

    def __call__(self) -> tuple[str, str]:
        self.asked += 1
        return self.value()


def fail() -> tuple[str, str]:
    raise RuntimeError("the vault is closed")


def test_read_when_made_and_not_before_they_are_refused() -> None:
    source = Source()
    keyring = Keyring(source)

    assert [keyring.pair, keyring.pair] == [OLD, OLD]
    assert source.asked == 1


def test_a_changed_key_is_picked_up() -> None:
    source = Source()
    keyring = Keyring(source)
    source.value = lambda: NEW

    assert keyring.renew(OLD) is None
    assert keyring.pair == NEW


def test_lanes_that_are_refused_together_ask_once() -> None:
    source, time = Source(), FakeTime()
    keyring = Keyring(source, time.clock)

    for _lane in range(16):
        keyring.renew(OLD)
    assert source.asked == 2
    time.now += 1.0
    keyring.renew(OLD)
    assert source.asked == 3


def test_who_was_refused_with_an_older_key_takes_the_one_at_hand() -> None:
    source, time = Source(), FakeTime()
    keyring = Keyring(source, time.clock)
    source.value = lambda: NEW
    keyring.renew(OLD)
    time.now += 60.0

    assert keyring.renew(OLD) is None
    assert (keyring.pair, source.asked) == (NEW, 2)


def test_credentials_that_cannot_be_read_again_leave_those_at_hand() -> None:
    source, time = Source(), FakeTime()
    keyring = Keyring(source, time.clock)
    source.value = fail

    assert keyring.renew(OLD) == "the vault is closed"
    assert keyring.pair == OLD
    source.value = lambda: NEW
    time.now += 1.0
    assert keyring.renew(OLD) is None
    assert keyring.pair == NEW


def test_credentials_that_cannot_be_read_at_all() -> None:
    with pytest.raises(RuntimeError, match="the vault is closed"):
        Keyring(fail)
