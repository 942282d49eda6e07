"""The fuzz target, briefly and always with the same inputs; the long run is atheris_fuzz.py."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import mutator, seeds
from tests.fuzz.pages import PAGES
from tests.fuzz.target import run, target

fixed = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=list(HealthCheck),
)
_pages = st.integers(0, len(PAGES) - 1)
_SAMPLES = list(seeds.samples(600, largest=8_000))


@pytest.mark.parametrize("path", seeds.committed(), ids=lambda path: path.name)
def test_regression_corpus(path: Path) -> None:
    target(path.read_bytes())


@pytest.mark.parametrize("page", range(len(PAGES)))
def test_samples_of_traffic(page: int) -> None:
    for data in _SAMPLES:
        run(data, page)


@fixed
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    target(data)


@fixed
@given(_pages, st.integers(0, 2**32), st.booleans())
def test_plausible_records(page: int, seed: int, from_a_file: bool) -> None:
    run(mutator.plausible_message(Random(seed)), page, from_a_file=from_a_file)


@fixed
@given(_pages, st.sampled_from(_SAMPLES), st.integers(0, 2**32))
def test_mutated_samples(page: int, data: bytes, seed: int) -> None:
    rng = Random(seed)
    run(mutator.mutated(data, rng), page)


@fixed
@given(_pages, st.integers(0, 2**32), st.booleans())
def test_mutated_records(page: int, seed: int, compressed: bool) -> None:
    rng = Random(seed)
    data = mutator.mutated(mutator.plausible_message(rng), rng)
    run(gzip.compress(data, 1, mtime=0) if compressed else data, page)


_names = st.sampled_from(mutator.PROPERTIES) | st.text(max_size=8)
_values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(mutator.VALUES) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)
_bags = st.dictionaries(_names, _values, max_size=5)
_records = st.fixed_dictionaries(
    {"user_id": st.sampled_from(mutator.PEOPLE) | _values},
    optional={
        "event_type": st.sampled_from(mutator.TYPES) | _values,
        "time": st.sampled_from(mutator.TIMES) | _values,
        "event_properties": _bags,
        "user_properties": _bags | st.fixed_dictionaries({"$set": _bags, "$unset": _bags}),
        "group_properties": _bags,
        "device_id": _values,
        "$insert_id": _values,
    },
)


@fixed
@given(_pages, st.lists(_records, min_size=1, max_size=4), st.booleans())
def test_structured_records(page: int, records: list[Any], lines: bool) -> None:
    # Not everything that Python writes is JSON: NaN and lone surrogates are there on purpose.
    texts = [json.dumps(record, ensure_ascii=lines) for record in records]
    text = "\n".join(texts) if lines else f"[{','.join(texts)}]"
    run(text.encode(errors="surrogatepass"), page)
