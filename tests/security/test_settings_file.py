"""A settings file from somebody else: it is data, and it costs no more than its size.

More texts that are built to exhaust the reader are in tests/pipeline/test_settings_yaml.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.settings import SettingsError
from pipeline.settings.load import parse_settings

TAGGED = [
    "!!python/object/apply:os.mkdir [made]",
    "!!python/object/new:os.mkdir [made]",
    "!!python/object/apply:subprocess.check_call [[mkdir, made]]",
    "!!python/name:os.mkdir",
    "!!python/module:os",
    "!!python/tuple [1]",
    "!<tag:yaml.org,2002:python/object/apply:os.mkdir> [made]",
    "!anything {a: 1}",
    "!!binary aGk=",
    "!!timestamp 2024-01-02",
    "!!set {a}",
]


@pytest.mark.parametrize("tagged", TAGGED)
@pytest.mark.parametrize(
    "where",
    ["{}", "status: {}", "customerio: {{site_id: {}}}", "events: {{include: [{}]}}", "? {}\n: 1"],
)
def test_no_tag_makes_anything(
    where: str, tagged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError):
        parse_settings(where.format(tagged))
    assert not list(tmp_path.iterdir())


EXHAUSTING = """
import resource
from pipeline.settings import SettingsError
from pipeline.settings.load import parse_settings

def laughs(levels, width):
    lines = ["a0: &a0 [lol, lol]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\\n".join(lines)

TEXTS = [
    laughs(5, 10), laughs(12, 4), laughs(24, 2),
    "a: &a " + "x" * 900_000 + "\\nb: [" + "*a, " * 50 + "]",
    "a: &a {b: &b {c: *a}}\\nd: *b",
    "".join(f"x{number}: 1\\n" for number in range(3_000)),
    "events: {include: [" + "a, " * 5_000 + "]}",
    "[" * 200_000, "- " * 200_000, "? " * 200_000, '{"a":' * 100_000, "x" * 2_000_000,
    "status: " + "9" * 500_000, "status: 1e" + "9" * 900, '"' + "\\\\u0041" * 20_000 + '"',
]
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 256 * 1024 * 1024,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for text in TEXTS:
    try:
        parse_settings(text)
    except SettingsError as error:
        assert str(error)
    else:
        raise SystemExit("accepted: " + text[:40])
print("all refused")
"""


def test_time_and_memory_are_bounded() -> None:
    """Each limit is far above what the texts cost, and far below what they stand for."""
    repository = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTING], cwd=repository, capture_output=True, text=True
    )
    assert done.stdout == "all refused\n", done.stderr[-2000:]
