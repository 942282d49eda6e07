"""Every regular expression, and every operator of `where`, is linear in what it is given.

There is no clock here: something that takes the square of 200 kB does not end.
"""

import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import pipeline.settings
import transforms
from pipeline.settings.names import fits_brackets
from transforms.conditions import OPERATORS, Clause, compile_clause
from transforms.resolve import identifiers_of

SIZE = 200_000
SEARCHED = {
    "transforms.api_key._ESCAPED",
    "transforms.api_key._PLAIN",
    "transforms.api_key._WIDE",
    "transforms.decode._LINE",
    "transforms.split_json._STRING",
    "transforms.split_json._TOKEN",
}
"""These are looked for anywhere in a text; the others have to match from its beginning."""
PATTERNS = SEARCHED | {
    "pipeline.settings.credentials._ENVIRONMENT",
    "pipeline.settings.credentials._SECRET",
    "pipeline.settings.problems._PLAIN_KEY",
    "pipeline.settings.values._TOP_LEVEL_FIELD",
    "pipeline.settings.yaml_tree._NUMBER",
    "transforms.conditions._NUMERIC",
    "transforms.event_time._DIGITS",
    "transforms.event_time._TEXT",
    "transforms.gunzip._ZEROS",
    "transforms.resolve._EMAIL",
    "transforms.shape._DATE",
    "transforms.split_json._MEMBER",
}
REPEATED = (
    *("a", "1", " ", "\n", '"', "'", "\\", "\0", "a\0", ".", "@", "a@", "a.", ".a", "@.", "-", "_"),
    *("[", "]", "{", ",", ":", "1.", "1e", "e1", "%2", "%22", "%22a", "u0061", "\\u0061", "\\u00"),
    *('""', '\\"', '"\\', '"a":', "api_key", "api_key:", 'api_key:"', "api_key ", "api_key\\"),
    *("\\u0061pi_key", "a\0p\0i\0_\0k\0e\0y\0", " \0", "${", "secret://", "/", "+", "00", "1-"),
)
BEGINNINGS = {
    "_ESCAPED": ("api_key", "api_key: '", "\\u0061pi_key:", "%22"),
    "_PLAIN": ("api_key", "api_key:", "api_key: '"),
    "_WIDE": ("a\0p\0i\0_\0k\0e\0y\0", "a\0p\0i\0_\0k\0e\0y\0:\0"),
    "_ENVIRONMENT": ("${", "${A"),
    "_SECRET": ("secret://projects/", "secret://projects/p/secrets/"),
    "_NUMBER": ("1", "1.", "1e", "-"),
    "_NUMERIC": ("1", "1.", "1e", "-"),
    "_TEXT": ("2026-05-04 10:01:07.", "2026-05-04 10:01:07+"),
    "_DATE": ("2026-05-0", "2026-05-04"),
    "_EMAIL": ("a@", "a@b.c", "a@b"),
    "_MEMBER": ('"', '"a"', '"a":'),
    "_TOKEN": ('"',),
    "_STRING": ('"',),
}
"""What gets a pattern started, by its name; nothing in front as well."""


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.ispkg:
            yield import_module(found.name)


def _patterns() -> dict[str, re.Pattern[Any]]:
    return {
        f"{module.__name__}.{name}": value
        for package in (transforms, pipeline.settings)
        for module in _modules(package)
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }


def test_every_pattern_is_listed() -> None:
    assert set(_patterns()) == PATTERNS


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_ends_on_anything(name: str) -> None:
    pattern = _patterns()[name]
    for beginning in ("", *BEGINNINGS.get(name.rpartition(".")[2], ())):
        for repeated in REPEATED:
            text = beginning + repeated * (SIZE // len(repeated)) + "!"
            given: Any = text if isinstance(pattern.pattern, str) else text.encode()
            pattern.fullmatch(given)
            if name in SEARCHED:
                for _match in pattern.finditer(given):
                    pass


@pytest.mark.parametrize(
    "check", [pytest.param(identifiers_of, id="person"), pytest.param(fits_brackets, id="settings")]
)
def test_a_check_ends_on_ten_megabytes(check: Callable[[str], Any]) -> None:
    for repeated in ("a", "a.", ".", "@", "a@a.", " ", "$"):
        check("a@" + repeated * (10_000_000 // len(repeated)) + "@")


_LONG = ("a" * 1_000_000, "*a" * 500_000, "9" * 1_000_000, "ß" * 500_000, "[" * 1_000_000)
_VALUES = ("*a*a*a*a*a*a*a*b", "*?*?*?*?c", "[!a]*[!b]*", "1e999999999", "a" * 1_000, "ß", "9")


@pytest.mark.parametrize("op", sorted(OPERATORS))
def test_an_operator_ends_on_a_megabyte(op: str) -> None:
    test = compile_clause(Clause("event_properties.v", op, _VALUES))
    for value in (*_LONG, list(_LONG), {"a": _LONG[0]}, [1] * 200_000, ["a"] * 200_000):
        assert test({"event_properties": {"v": value}}) in (True, False)


_NUMBERS = (
    *("1e999999999", "-1e999999999", "1e-999999999", "9" * 1_000_000, "0." + "3" * 1_000_000),
    *("1" + "0" * 1_000_000, 10**4299, -(10**4298), 1e308, 5e-324, -0.0, 2**64, "1e9999999999"),
    *("1e1000000000", "١", "1_0", " 1", "+1", "0x10", "NaN", "Infinity", "--1", "1e", "."),
)


@pytest.mark.parametrize("op", ["less", "less_or_equal", "greater", "greater_or_equal", "is"])
def test_no_number_takes_memory_or_raises(op: str) -> None:
    for other in _NUMBERS:
        test = compile_clause(Clause("event_properties.v", op, (other,)))
        for value in _NUMBERS:
            assert test({"event_properties": {"v": value}}) in (True, False)


@pytest.mark.parametrize(
    ("op", "value", "other", "holds"),
    [
        pytest.param("less", 5, "1e999999999", True, id="far below"),
        pytest.param("less", "-1e999999999", 5, True, id="far below nought"),
        pytest.param("greater", 5e-324, "1e-999999999", True, id="next to nought"),
        pytest.param("greater", 2**64 + 1, 2**64, True, id="beyond 64 bits"),
        pytest.param("is", 2**64 + 1, 2**64, False, id="not equal beyond 64 bits"),
        pytest.param("is", 2**53 + 1, float(2**53), False, id="nor to a float next to it"),
        pytest.param("glob", "a" * 1_000_000 + "b", "*a*a*a*a*b", True, id="glob"),
        pytest.param("glob", "a" * 1_000_000, "*a*a*a*a*b", False, id="glob that fails"),
        pytest.param("glob", "a\nb", "a*b", True, id="glob over a line end"),
        pytest.param("glob", "a\n", "a", False, id="glob without a line end"),
    ],
)
def test_what_holds(op: str, value: Any, other: Any, holds: bool) -> None:
    fields = json.loads(json.dumps({"event_properties": {"v": value}}))
    assert compile_clause(Clause("event_properties.v", op, (other,)))(fields) is holds
