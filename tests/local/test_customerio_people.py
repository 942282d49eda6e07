"""How identifiers find, link, merge and suppress the people of the stand-in."""

import pytest

from pipeline.local.customerio import Workspace
from tests.local.test_customerio_workspace import NOW, ULID, event, identify, person


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(clock=lambda: NOW)


def test_staleness_is_the_persons_not_the_identifiers(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"email": "a@b.c"}, timestamp=100))
    assert workspace.apply(identify({"email": "A@b.c"}, timestamp=99)) == "stale"


def test_an_email_in_the_attributes_finds_the_person(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"email": "A@b.c"}))
    workspace.apply(event({"email": "a@B.C"}))
    assert len(workspace.people()) == 1
    ada = person(workspace, email="a@b.c")
    assert (ada.id, ada.attributes) == ("a", {"email": "A@b.c"})


def test_a_new_id_with_a_known_email_goes_to_that_person(workspace: Workspace) -> None:
    workspace.apply(identify({"email": "a@b.c"}, attributes={"plan": "pro"}))
    workspace.apply(identify({"id": "a"}, attributes={"email": "a@b.c"}))
    assert len(workspace.people()) == 1
    assert person(workspace, id="a").attributes == {"plan": "pro", "email": "a@b.c"}


def test_an_identifier_of_somebody_else_is_a_failed_update(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"email": "a@b.c"}))
    workspace.apply(identify({"id": "b"}))
    outcome = workspace.apply(identify({"id": "b"}, attributes={"email": "a@b.c", "plan": "pro"}))
    assert outcome == "applied"
    assert person(workspace, email="a@b.c").id == "a"
    assert person(workspace, id="b").attributes == {"plan": "pro"}
    assert workspace.counters().identifier_conflicts == 1


def test_an_email_changes_through_the_id_and_an_id_through_the_cio_id(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"email": "old@b.c"}))
    workspace.apply(identify({"id": "a"}, attributes={"email": "new@b.c"}))
    assert workspace.person(email="old@b.c") is None
    assert person(workspace, email="new@b.c").id == "a"

    workspace.apply(identify({"email": "new@b.c"}, attributes={"id": "b"}))
    assert workspace.counters().identifier_conflicts == 1
    cio_id = person(workspace, id="a").cio_id
    workspace.apply(identify({"cio_id": cio_id}, attributes={"id": "b"}))
    assert workspace.person(id="a") is None
    assert person(workspace, id="b").cio_id == cio_id


def test_an_unknown_cio_id_is_dropped(workspace: Workspace) -> None:
    assert workspace.apply(event({"cio_id": "a99"}, id=ULID)) == "ignored"
    assert workspace.apply(identify({"cio_id": "a99"})) == "ignored"
    assert (workspace.people(), workspace.events()) == ([], [])
    assert workspace.apply(event({"id": "a"}, id=ULID)) == "applied"


def test_deleted_and_suppressed(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"email": "a@b.c"}))
    assert workspace.apply({**event({"id": "a"}), "action": "delete"}) == "applied"
    assert workspace.person(email="a@b.c") is None
    workspace.apply(identify({"id": "a"}, attributes={"email": "a@b.c"}))
    assert workspace.apply({**event({"id": "a"}), "action": "suppress"}) == "applied"
    assert workspace.apply(event({"email": "A@b.c"})) == "ignored"
    assert workspace.apply(identify({"id": "a"})) == "ignored"
    assert workspace.people() == []
    workspace.apply({**event({"id": "a"}), "action": "unsuppress"})
    assert workspace.apply(event({"id": "a"})) == "applied"


def test_merge_fills_gaps_and_moves_events(workspace: Workspace) -> None:
    workspace.apply(identify({"id": "a"}, attributes={"plan": "pro"}))
    workspace.apply(identify({"email": "a@b.c"}, attributes={"plan": "free", "city": "Oslo"}))
    workspace.apply(event({"email": "a@b.c"}))
    merge = {
        "type": "person",
        "action": "merge",
        "primary": {"id": "a"},
        "secondary": {"email": "a@b.c"},
    }
    assert workspace.apply(merge) == "applied"
    ada = person(workspace, email="a@b.c")
    assert (ada.id, ada.attributes) == ("a", {"plan": "pro", "city": "Oslo"})
    assert workspace.events()[0].cio_id == ada.cio_id
    assert workspace.apply(merge) == "ignored"


def test_a_person_that_is_known_already(workspace: Workspace) -> None:
    workspace.apply(identify({"cio_id": "a3"}, attributes={"plan": "lost"}))
    workspace.admit("a3")
    workspace.admit("a3")
    workspace.apply(identify({"cio_id": "a3"}, attributes={"plan": "pro"}))
    [known] = workspace.people()
    assert (known.cio_id, known.id, known.attributes) == ("a3", None, {"plan": "pro"})
    outcomes = [(each.attributes["plan"], each.outcome) for each in workspace.identifies()]
    assert outcomes == [("lost", "ignored"), ("pro", "applied")]
