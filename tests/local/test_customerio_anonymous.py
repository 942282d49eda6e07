"""Event merging in the stand-in: whose the events of an anonymous id become, and when."""

from typing import Any

import pytest

from pipeline.local.customerio import Workspace

DAY_S = 24 * 3600


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    return Workspace(clock, keep_events=3)


def seen(workspace: Workspace, anonymous_id: str = "d1") -> None:
    operation = {"type": "person", "action": "event", "name": "Seen"}
    workspace.apply(operation | {"identifiers": {"anonymous_id": anonymous_id}})


def identify(workspace: Workspace, person: str, anonymous_id: Any = "d1", **more: Any) -> str:
    attributes = {"anonymous_id": anonymous_id, **more}
    operation = {"type": "person", "action": "identify", "identifiers": {"id": person}}
    return workspace.apply(operation | {"attributes": attributes})


def whose(workspace: Workspace) -> list[str | None]:
    """The id of each event's person."""
    ids = {each.cio_id: each.id for each in workspace.people()}
    return [ids.get(each.cio_id or "") for each in workspace.events()]


def test_events_before_and_soon_after_the_identify_are_the_persons(
    workspace: Workspace, clock: Clock
) -> None:
    seen(workspace)
    assert whose(workspace) == [None]
    identify(workspace, "ada")
    clock.now += 300
    seen(workspace)
    clock.now += 1
    seen(workspace)
    assert whose(workspace) == ["ada", "ada", None]
    assert workspace.counters().merged_events == 2

    identify(workspace, "ada")
    assert whose(workspace) == ["ada", "ada", "ada"]


def test_events_of_over_30_days_stay_nobodys(workspace: Workspace, clock: Clock) -> None:
    seen(workspace)
    clock.now += 1
    seen(workspace)
    clock.now += 30 * DAY_S
    identify(workspace, "ada")
    assert whose(workspace) == [None, "ada"]


def test_an_id_is_one_persons(workspace: Workspace) -> None:
    identify(workspace, "ada")
    seen(workspace)
    identify(workspace, "bob")
    seen(workspace)
    assert whose(workspace) == ["ada", "ada"]
    bob = workspace.person(id="bob")
    assert bob is not None
    assert bob.attributes == {}
    assert workspace.counters().identifier_conflicts == 1


def test_another_id_is_another_device(workspace: Workspace) -> None:
    seen(workspace, "d2")
    identify(workspace, "ada")
    assert whose(workspace) == [None]


@pytest.mark.parametrize("given", [None, "", 7])
def test_what_is_no_id_merges_nothing(workspace: Workspace, given: Any) -> None:
    seen(workspace)
    identify(workspace, "ada", given)
    assert whose(workspace) == [None]


def test_an_identify_that_does_nothing_merges_nothing(workspace: Workspace) -> None:
    seen(workspace)
    assert identify(workspace, "ada", _update=True) == "ignored"
    assert whose(workspace) == [None]


def test_events_that_are_not_kept_are_forgotten(workspace: Workspace) -> None:
    for _ in range(5):
        seen(workspace)
    identify(workspace, "ada")
    assert whose(workspace) == ["ada"] * 3
    assert workspace.counters().merged_events == 3


def test_an_id_goes_with_the_person_who_is_merged(workspace: Workspace) -> None:
    identify(workspace, "ada")
    identify(workspace, "bob", "d2")
    people = {"primary": {"id": "bob"}, "secondary": {"id": "ada"}}
    workspace.apply({"type": "person", "action": "merge", **people})
    seen(workspace)
    assert [each.cio_id for each in workspace.events()] == [
        each.cio_id for each in workspace.people()
    ]
