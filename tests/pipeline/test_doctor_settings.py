"""The settings, the credentials and the versions through the doctor's eyes."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.doctor import check_credentials, check_settings, check_versions
from pipeline.doctor.check_versions import differences, judge_beam, judge_packages, judge_python
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, Level
from pipeline.doctor.options import Asked
from tests.pipeline.doctor_world import API_KEY, SITE_ID, facts_of, reds, yellows


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)


def test_settings_that_are_right(tmp_path: Path) -> None:
    [finding] = check_settings.check(facts_of(tmp_path))
    assert finding.level is Level.GREEN


def test_settings_that_are_switched_off(tmp_path: Path) -> None:
    [finding] = check_settings.check(facts_of(tmp_path, {"status": "disabled"}))
    assert (finding.level, finding.do) == (Level.YELLOW, "set status: enabled")


def test_every_problem_is_a_line(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, "stauts: enabled\ndelivery:\n  lanes: 65\n")
    first, second = check_settings.check(facts)

    assert (first.level, second.level) == (Level.RED, Level.RED)
    assert first.found.endswith("line 1, stauts: unknown key")
    assert first.do.startswith("did you mean `status`? allowed: preset, ")
    assert "line 3, delivery.lanes" in second.found
    assert "from 1 to 64" in second.do
    assert [f.level for f in check_credentials.check(facts)] == [Level.YELLOW]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    [finding] = check_settings.check(Facts(Asked(settings=str(tmp_path / "none.yaml"))))

    assert finding.level is Level.RED
    assert "there is no such file" in finding.found
    assert finding.do == "check the path"


def test_credentials_that_are_there(tmp_path: Path) -> None:
    assert check_credentials.check(facts_of(tmp_path)) == [
        Finding(Level.GREEN, "customerio.site_id is there: ${CUSTOMERIO_SITE_ID}"),
        Finding(Level.GREEN, "customerio.api_key is there: ${CUSTOMERIO_API_KEY}"),
    ]


def test_salts_are_looked_for_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"user_properties": "all", "hash": ["phone"], "hash_salt": "${DOCTOR_SALT}"}
    facts = facts_of(tmp_path, {"users": rule})
    [problem] = reds(check_credentials.check(facts))
    assert problem == "environment variable DOCTOR_SALT is not set"
    assert facts.pair == (SITE_ID, API_KEY)

    monkeypatch.setenv("DOCTOR_SALT", "marked-salt")
    findings = check_credentials.check(facts_of(tmp_path, {"users": rule}))
    assert Finding(Level.GREEN, "users.hash_salt is there: ${DOCTOR_SALT}") in findings
    assert "marked-salt" not in repr(findings)


def test_both_that_are_missing_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOMERIO_SITE_ID")
    monkeypatch.setenv("CUSTOMERIO_API_KEY", " ")
    missing, empty = check_credentials.check(facts_of(tmp_path))

    assert (missing.level, empty.level) == (Level.RED, Level.RED)
    assert missing.found == "environment variable CUSTOMERIO_SITE_ID is not set"
    assert missing.do.startswith("set it")
    assert empty.found == "${CUSTOMERIO_API_KEY} is empty"


def test_one_value_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMERIO_API_KEY", SITE_ID)

    assert reds(check_credentials.check(facts_of(tmp_path))) == [
        "customerio.site_id and customerio.api_key hold the same value"
    ]


def test_an_environment_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOMERIO_SITE_ID")
    file = tmp_path / "environment"
    file.write_text("CUSTOMERIO_SITE_ID=of-the-file\n")
    file.chmod(0o600)
    facts = facts_of(tmp_path, environment_file=str(file))

    assert {finding.level for finding in check_credentials.check(facts)} == {Level.GREEN}
    assert facts.pair == ("of-the-file", API_KEY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_an_environment_file_that_others_can_use(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("")
    file.chmod(mode)
    findings = check_credentials.check(facts_of(tmp_path, environment_file=str(file)))

    assert yellows(findings) == [f"{file} is open to other users of this machine"]


def test_an_environment_file_that_is_missing_is_told_once(tmp_path: Path) -> None:
    file = str(tmp_path / "none")
    [finding] = check_credentials.check(facts_of(tmp_path, environment_file=file))

    assert finding.level is Level.RED
    assert file in finding.found


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ((3, 10), Level.RED),
        ((3, 11), Level.GREEN),
        ((3, 13), Level.GREEN),
        ((3, 14), Level.YELLOW),
    ],
)
def test_pythons(found: tuple[int, int], level: Level) -> None:
    assert judge_python(found).level is level


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (None, Level.RED),
        ("2.76.0", Level.RED),
        ("2.770", Level.RED),
        ("2.78.0", Level.RED),
        ("2.77.0", Level.GREEN),
        ("2.77.1", Level.GREEN),
    ],
)
def test_beams(found: str | None, level: Level) -> None:
    assert judge_beam(found).level is level


def test_the_lock_file_is_compared_with_what_is_installed() -> None:
    own = version("msgspec")
    lock = (
        f"msgspec=={own} \\\n    --hash=sha256:00\n"
        "requests==0.1 \\\n    --hash=sha256:00\n    # via them\n"
        "no-such-package-at-all==1.0 \\\n    --hash=sha256:00\n"
        "only-elsewhere==1.0 ; python_version < '3' \\\n    --hash=sha256:00\n"
    )

    assert list(differences(lock)) == [
        f"requests {version('requests')} (==0.1 locked)",
        "no-such-package-at-all is missing",
    ]


def test_what_differs_is_yellow() -> None:
    assert judge_packages([], locked=True).level is Level.GREEN
    assert judge_packages([], locked=False).level is Level.YELLOW
    many = judge_packages([f"package-{number}" for number in range(7)], locked=True)
    assert many.level is Level.YELLOW
    assert many.found.endswith("package-4 and 2 more")


def test_this_environment(tmp_path: Path) -> None:
    python, beam, _packages = check_versions.check(facts_of(tmp_path))

    assert python.found == f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    assert beam.found == f"apache-beam {version('apache-beam')}"
    lock = check_versions.LOCK.read_text()
    packages = [line.partition("=")[0] for line in lock.splitlines() if line[:1].isalpha()]
    assert [requirement.name for requirement in check_versions.pinned(lock)] == packages
    assert "apache-beam" in packages
