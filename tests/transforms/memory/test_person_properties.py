"""What holds for every person's memory, whatever comes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from tests.transforms.memory.model import (
    NAMES,
    TIMES,
    Pick,
    draw_operations,
    draw_policy,
    run_sequence,
)
from tests.transforms.memory.people import key, meet
from tests.transforms.memory.reference import text_of
from transforms.memory.operators import apply
from transforms.memory.person import (
    MemoryPolicy,
    Person,
    Update,
    decode_person,
    encode_person,
    remember,
)

ALL_OPEN = MemoryPolicy(settle_ms=10**9, only_changes=True)


@st.composite
def histories(draw: st.DrawFn) -> list[Update]:
    """Updates of one person, each with a key of its own, in the order of their places."""
    pick: Pick = lambda choices: draw(st.sampled_from(choices))  # noqa: E731
    count = draw(st.integers(1, 7))
    updates = [Update(key(number), pick(TIMES), draw_operations(pick)) for number in range(count)]
    return sorted(updates, key=lambda update: (update.time_ms, update.key))


@st.composite
def policies(draw: st.DrawFn) -> MemoryPolicy:
    """Bounds, small ones too."""
    return draw_policy(lambda choices: draw(st.sampled_from(choices)))


def exact(values: dict[str, Any]) -> dict[str, str]:
    return {name: text_of(value) for name, value in values.items()}


@many
@given(histories(), st.data())
def test_in_any_order_and_any_number_updates_come_to_the_same(
    history: list[Update], data: st.DataObject
) -> None:
    once: dict[str, Any] = {}
    for update in history:
        once = apply(once, update.operations)
    copies = data.draw(st.lists(st.sampled_from(history), max_size=6))
    person, answers = meet(*data.draw(st.permutations(history + copies)), policy=ALL_OPEN)
    assert exact(person.values) == exact(once)
    assert sum(answer.duplicate for answer in answers) == len(copies)
    sent: dict[str, Any] = {}
    for answer in answers:
        sent |= answer.attributes
    assert exact(sent) == exact(once)


@many
@given(histories(), policies(), st.data())
def test_a_copy_changes_nothing_whatever_the_bounds(
    history: list[Update], policy: MemoryPolicy, data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations(history))
    person: Person | None = None
    for number, update in enumerate(arriving):
        person, _ = remember(person, update, policy)
        again, answer = remember(person, data.draw(st.sampled_from(arriving[: number + 1])), policy)
        assert exact(again.values) == exact(person.values)
        assert answer.time_ms == person.newest_ms
        if policy.only_changes:
            assert not answer.attributes
        if data.draw(st.booleans()):
            person = again


@many
@given(histories(), policies())
def test_what_goes_in_is_not_changed_and_comes_back_from_bytes(
    history: list[Update], policy: MemoryPolicy
) -> None:
    person: Person | None = None
    for update in history:
        before = repr((person, update))
        after, _ = remember(person, update, policy)
        assert repr((person, update)) == before
        assert repr(decode_person(encode_person(after))) == repr(after)
        person = after


@many
@given(histories(), policies(), st.data())
def test_bounds_are_kept(history: list[Update], policy: MemoryPolicy, data: st.DataObject) -> None:
    person: Person | None = None
    for update in data.draw(st.permutations(history)):
        person, _ = remember(person, update, policy)
        assert len(person.journal.operations) <= policy.journal_updates
        assert len(person.journal.places) == 24 * len(person.journal.operations)
        assert len(person.applied.places) <= 24 * policy.remembered_keys
        assert person.base.marks.keys() == person.base.properties.keys()
        assert person.values.keys() <= set(NAMES)


def test_the_random_sequences_have_everything_in_them() -> None:
    seen = run_sequence(0)
    for seed in range(1, 300):
        seen += run_sequence(seed)
    wanted = ("on time", "late", "duplicate", "settled early", "refused", "restarts")
    assert all(seen[name] > 30 for name in wanted), seen
