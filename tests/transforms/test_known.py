"""What a process has told already: bounded, and valid only once its bundle has ended."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from transforms.known import Known, Learned, known_of


@many
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("gu"), st.sampled_from("abcdef"), st.integers(1, 9))),
)
def test_what_was_asked_for_least_recently_goes_first(
    size: int, steps: list[tuple[str, str, int]]
) -> None:
    known = Known(size)
    model: OrderedDict[str, int] = OrderedDict()
    for step, key, value in steps:
        if step == "g":
            assert known.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
        else:
            known.update({key: value})
            model[key] = value
            model.move_to_end(key)
            if len(model) > size:
                model.popitem(last=False)
        assert len(known) == len(model)


def test_to_ask_for_it_keeps_it() -> None:
    known = Known(2)
    known.update({"a": 1, "b": 2})
    known.get("a")
    known.update({"c": 3})
    assert [known.get(key) for key in "abc"] == [1, None, 3]


def test_a_bundle_knows_what_it_tells_and_others_after_its_end() -> None:
    known = Known()
    known.update({"old": 1})
    one, two = Learned(known), Learned(known)

    one.note("new", 2)
    one.note("old", 3)

    assert (one.get("new"), one.get("old")) == (2, 3)
    assert (two.get("new"), two.get("old")) == (None, 1)
    one.keep()
    assert (two.get("new"), two.get("old")) == (2, 3)
    assert Learned(known).get("new") == 2


def test_each_workspace_is_told_for_itself() -> None:
    assert known_of("test-known one") is known_of("test-known one")
    assert known_of("test-known one") is not known_of("test-known two")
