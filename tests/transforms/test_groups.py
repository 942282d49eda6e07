"""Groups: which objects a record is about, in every form that Amplitude has for them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import event, few, json_objects, json_values, outcome_of, record, texts
from transforms.groups import GroupRules, is_by_name, read_groups
from transforms.properties import Selection
from transforms.records import Group, Record
from transforms.tally import Tally

TYPES = {"company": "1", "team": "2"}
NEEDS_STATE = "skipped.operator_needs_state"
NOTHING = "skipped.no_selected_property"
NO_TYPE = "skipped.group_type"


def groups_of(of: Record, selection: Selection = "all") -> tuple[Any, dict[str, int]]:
    """(type, name, attributes) of each group, or the outcome of a record that ends; the counts."""
    tally = Tally()
    result = read_groups(of, GroupRules(TYPES, selection), tally)
    if not isinstance(result, Record):
        return outcome_of(result), dict(tally.counts)
    assert result.fields == of.fields
    found = [(each.object_type_id, each.object_id, each.attributes) for each in result.groups]
    return found, dict(tally.counts)


def group_update(groups: Any, properties: Any = None) -> Record:
    return record(event_type="$groupidentify", groups=groups, group_properties=properties)


@pytest.mark.parametrize(
    ("groups", "expected", "unmapped"),
    [
        pytest.param({"company": ["A", "B"]}, [("1", "A"), ("1", "B")], 0, id="a list"),
        pytest.param({"company": "A", "team": ["T"]}, [("1", "A"), ("2", "T")], 0, id="a text"),
        pytest.param({"company": [7, 1.0, 2.5]}, [("1", "7"), ("1", "1"), ("1", "2.5")], 0, id="n"),
        pytest.param({"company": [" A ", "A", "A"]}, [("1", "A")], 0, id="each once"),
        pytest.param({"company": ["", None, True, {}, []]}, [], 0, id="no names"),
        pytest.param({"company": {"A": 1}}, [], 0, id="an object"),
        pytest.param({"city": ["X"], "land": "Y", "team": "T"}, [("2", "T")], 2, id="unmapped"),
        pytest.param({}, [], 0, id="empty"),
        pytest.param(None, [], 0, id="null"),
        pytest.param("company", [], 0, id="no object"),
    ],
)
def test_the_groups_of_a_person(groups: Any, expected: list[Any], unmapped: int) -> None:
    counts = {"dropped.group_type": unmapped} if unmapped else {}
    members = [(*each, None) for each in expected]
    assert groups_of(event(groups=groups)) == (members, counts)
    untyped = record(user_id="u", user_properties={}, groups=groups)
    assert groups_of(untyped, "none") == (members, counts)


@pytest.mark.parametrize(
    ("groups", "properties", "expected"),
    [
        pytest.param({"company": "A"}, {"tier": "x"}, [("1", "A", {"tier": "x"})], id="plain"),
        pytest.param(
            {"company": ["A", "B"]},
            {"tier": "x"},
            [("1", "A", {"tier": "x"}), ("1", "B", {"tier": "x"})],
            id="two groups",
        ),
        pytest.param(
            {"company": "A"},
            {"$set": {"tier": "x"}, "tier": "w", "$unset": {"size": "-"}},
            [("1", "A", {"tier": "x", "size": None})],
            id="operators",
        ),
        pytest.param(
            {"company": ["A"]},
            {"company": {"A": {"tier": "x"}, "B": {"tier": "y"}}},
            [("1", "A", {"tier": "x"}), ("1", "B", {"tier": "y"})],
            id="by name",
        ),
        pytest.param(
            {},
            {"company": {"A": {"$set": {"tier": "x"}}}, "city": {"X": {"tier": "y"}}},
            [("1", "A", {"tier": "x"})],
            id="by name, without groups",
        ),
        pytest.param(
            {"company": "A"},
            {"address": {"home": {"city": "X"}}},
            [("1", "A", {"address": {"home": {"city": "X"}}})],
            id="a nested property is no name",
        ),
        pytest.param({"company": "A"}, {"tier": None}, NOTHING, id="null"),
        pytest.param({"company": "A"}, {}, NOTHING, id="no properties"),
        pytest.param({"company": "A"}, "tier", NOTHING, id="no object"),
        pytest.param({"company": []}, {"tier": "x"}, NOTHING, id="no name"),
        pytest.param({"company": "A"}, {"$add": {"n": 1}}, NEEDS_STATE, id="operators only"),
        pytest.param(
            {}, {"company": {"A": {"$setOnce": {"n": 1}}}}, NEEDS_STATE, id="by name, operators"
        ),
        pytest.param({"company": "A"}, {"$add": {}, "n": None}, NOTHING, id="and a null"),
        pytest.param({"city": "X"}, {"tier": "x"}, NO_TYPE, id="unmapped"),
        pytest.param({}, {"tier": "x"}, NO_TYPE, id="no groups"),
        pytest.param(None, None, NO_TYPE, id="nothing"),
    ],
)
def test_what_a_group_update_changes(groups: Any, properties: Any, expected: Any) -> None:
    assert groups_of(group_update(groups, properties))[0] == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param("none", NOTHING, id="none"),
        pytest.param(("size", "tier"), [("1", "A", {"size": 1, "tier": None})], id="a list"),
        pytest.param(("other",), NOTHING, id="another list"),
        pytest.param(("object_id",), [("1", "A", {"object_id": "z"})], id="listed by name"),
        pytest.param("all", [("1", "A", {"size": 1, "tier": None})], id="all"),
    ],
)
def test_selected_properties(selection: Selection, expected: Any) -> None:
    properties = {
        "size": 1,
        "_own": 1,
        "object_id": "z",
        "created_at": 5,
        "gone": None,
        "$unset": {"tier": "-"},
    }
    found, counts = groups_of(group_update({"company": "A"}, properties), selection)
    assert found == expected
    assert counts == ({"dropped.reserved_property": 3} if selection == "all" else {})


def test_operators_are_no_types_of_groups() -> None:
    assert not is_by_name({}, {"$set": {"tier": {"level": 1}}})
    assert is_by_name({}, {"company": {"A": {"$set": {"tier": 1}}}})


def test_what_is_counted_beside() -> None:
    of = group_update({"company": ["A", "B"], "city": "X"}, {"$add": {"n": 1}, "$set": {"a": 1}})
    assert groups_of(of)[1] == {"dropped.group_type": 1, "unapplied.operator": 2}


_groups = st.dictionaries(st.sampled_from([*TYPES, "city"]), json_values(3), max_size=3)
_properties = json_objects(["$set", "$add", "$unset", "tier", "company", "_x"])
_by_name = st.dictionaries(
    st.sampled_from([*TYPES, "city"]), st.dictionaries(texts(), _properties, max_size=2)
)


@few
@given(
    st.booleans(),
    _groups | json_values(2),
    _properties | _by_name | json_values(2),
    st.sampled_from(["none", "all", ("tier", "a")]),
)
def test_whatever_it_holds_no_group_is_without_a_type_or_a_name(
    update: bool, groups: Any, properties: Any, selection: Selection
) -> None:
    kind = "$groupidentify" if update else "Played"
    of = record(event_type=kind, groups=groups, group_properties=properties)
    result = read_groups(of, GroupRules(TYPES, selection), Tally())
    if not isinstance(result, Record):
        assert update
        return
    for group in result.groups:
        assert group.object_type_id in TYPES.values()
        assert group.object_id == group.object_id.strip() != ""
        assert (group.attributes is not None) is update
        assert group.attributes != {}
        if update and selection == "all":
            assert not any(name.startswith("_") for name in group.attributes or {})
    assert len(set(map(_key, result.groups))) == len(result.groups) or update


def _key(group: Group) -> tuple[str, str]:
    return group.object_type_id, group.object_id
