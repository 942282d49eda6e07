"""Whatever stands in a settings file: it loads, or the user gets a SettingsError in plain words."""

import json
import re
import string
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.settings import Settings, SettingsError, parse_settings
from pipeline.settings.explain import FALLBACK
from pipeline.settings.keys import ITEM, KEYS

# The words that pydantic puts into its messages.
PYDANTIC = re.compile(
    r"Input should|input_value|input_type|validation error|Field required|not permitted|"
    r"Value error|pydantic|Extra inputs"
)

NAMES = sorted({path[-1] for path in KEYS if path and path[-1] != ITEM})
TEXTS = (
    *("none", "all", "all_properties", "always", "changed", "send", "is", "less", "is_set"),
    *("user_id", "user_properties.x", "_x", "x" * 151, "${A}", "http://[::1", "\ud800"),
)
NUMBERS = (10**400, -(10**30), 0, 1, 33_000, 0.0, 1.0, 1e300)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(TEXTS)
    | st.sampled_from(NUMBERS)
)
keys = st.text(max_size=8) | st.sampled_from(NAMES)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
paths = st.sampled_from([path for path in KEYS if path])
places = st.lists(st.tuples(paths, values), min_size=1, max_size=4)


def _at(path: tuple[str, ...], value: Any) -> Any:
    for part in reversed(path):
        value = [value] if part == ITEM else {part: value}
    return value


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: _merged(one.get(key), value) for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    return other


def _outcome(text: str) -> Settings | str:
    try:
        return parse_settings(text, "s")
    except SettingsError as error:
        lines = [problem.line for problem in error.problems]
        text = str(error)
    assert lines
    assert all(line is None or line > 0 for line in lines)
    return text


@given(places)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_at_any_key_loads_or_is_explained(
    wrong: list[tuple[tuple[str, ...], object]],
) -> None:
    document: Any = {}
    for path, value in wrong:
        document = _merged(document, _at(path, value))
    outcome = _outcome(json.dumps(document))
    if isinstance(outcome, str):
        assert FALLBACK not in outcome
        assert "not valid YAML" not in outcome
        assert not PYDANTIC.search(outcome)
        assert outcome.replace("\n", "").isprintable()
    else:
        assert Settings.model_validate(outcome.model_dump()) == outcome


@given(st.text(alphabet=string.printable + "é\u2028\ud800\x85", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_loads_or_is_explained(text: str) -> None:
    _outcome(text)


@given(
    st.sampled_from(("site_id", "api_key")),
    st.text(string.ascii_letters + string.digits, min_size=16, max_size=32),
    st.sampled_from(
        ["{}", "{}\n", "${{{}}}x", "$({})", "secret://{}", "{} # x", "[{}]", "https://{}@host"]
    ),
    st.sampled_from(["text", "list", "mapping", "section", "endpoint", "top"]),
)
@settings(max_examples=200, deadline=None)
def test_a_credential_in_the_file_is_never_repeated(
    key: str, credential: str, form: str, place: str
) -> None:
    written = form.format(credential)
    documents: dict[str, object] = {
        "text": {"customerio": {key: written}},
        "list": {"customerio": {key: [written]}},
        "mapping": {"customerio": {key: {"value": written}}},
        "section": {"customerio": written},
        "endpoint": {"customerio": {"endpoint": f"https://{credential}@host", key: written}},
        "top": written,
    }
    message = _outcome(json.dumps(documents[place]))
    assert isinstance(message, str)
    assert credential not in message
    unquoted = _outcome(f"customerio:\n  {key}: {written}\n  nonsense: {written}\n")
    assert isinstance(unquoted, str)
    assert credential not in unquoted
