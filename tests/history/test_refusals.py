"""What a backfill refuses: told in words, with exit code 2, and nothing sent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.backfill import manifest as manifests
from pipeline.backfill.command import main
from pipeline.backfill.find import find
from pipeline.backfill.fingerprint import fingerprint
from pipeline.backfill.manifest import Work
from pipeline.backfill.options import parse
from pipeline.backfill.run import manifest_path
from pipeline.options import StreamOptions
from pipeline.settings import Settings, load_settings

NOWHERE = "http://127.0.0.1:1"
SETTINGS: dict[str, Any] = {
    "customerio": {"endpoint": NOWHERE},
    "events": {"include": ["Step", "[Amplitude] Start Session"]},
}
Refuse = Callable[..., str]


@pytest.fixture
def refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Refuse:
    """Runs a backfill that is refused; what it said."""
    for name in ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"):
        monkeypatch.setenv(name, "of-the-tests")
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    (tmp_path / "a.json").write_bytes(record())
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))

    def run(*flags: str) -> str:
        letters = [f"--dead_letter_files={tmp_path / 'dead'}"]
        usual = [f"--from={tmp_path}", f"--settings={tmp_path / 'settings.json'}", *letters]
        assert main([*usual, *flags]) == 2
        said = capfd.readouterr()
        return said.out + said.err

    return run


def record(**fields: Any) -> bytes:
    usual = {"event_type": "Step", "user_id": "u", "event_time": 1_780_000_000}
    return json.dumps(usual | fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ("--runner=FlinkRunner", "--manifest=m"),
            "error: --manifest works on one machine; with --runner=FlinkRunner the runner keeps",
        ),
        (
            ("--sinc=2026-01-01",),
            "--sinc is no flag of this program or of Beam; did you mean --since?",
        ),
        (("--until=soon",), "error: --until: found 'soon'"),
        (("--events=Other,Step",), "error: --events: 'Other' is not in events.include; a backfill"),
        (("--dead_letter_topic=x",), "give one of --dead_letter_topic and --dead_letter_files"),
        (
            ("--events_exclude=Step", "--events_include=all", "--events=Other,Step"),
            "error: --events: 'Step' is in events.exclude, which leaves it out; a backfill may",
        ),
        (
            (
                '--events_exclude=["[Amplitude] Start Session"]',
                "--events_include=all",
                "--events=session_start",
            ),
            "error: --events: 'session_start' is in events.exclude, which leaves it out",
        ),
        (
            ("--events_enabled=false", "--users_user_properties=all", "--events=Step"),
            "error: --events: events.enabled is false, so no event is sent",
        ),
    ],
    ids=[
        "manifest",
        "flag",
        "time",
        "foreign event type",
        "two places for letters",
        "excluded",
        "excluded by another name",
        "no events",
    ],
)
def test_wrong_flags(refuse: Refuse, flags: tuple[str, ...], words: str) -> None:
    said = refuse("--yes", *flags)
    assert words in said
    assert "Looking at" not in said


def test_without_a_yes(refuse: Refuse, tmp_path: Path) -> None:
    said = refuse()
    assert "Looking at 1 file of" in said
    assert said.endswith("error: nothing was sent; to send it, give --yes\n")
    assert "no event is younger than 72 hours" in said
    assert not list(tmp_path.glob("*.manifest"))


class Terminal(StringIO):
    """Somebody who can answer."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["\n", "n\n", "yess\n", ""], ids=["enter", "n", "typo", "end"])
def test_a_terminal_that_does_not_say_yes(
    refuse: Refuse, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    said = refuse()
    assert "Send it? [y/N]" in said
    assert said.endswith("error: nothing was sent; to send it, give --yes\n")


def test_a_young_event_is_warned_of(refuse: Refuse, tmp_path: Path) -> None:
    now = int(datetime.now(UTC).timestamp())
    (tmp_path / "a.json").write_bytes(record() * 3 + record(event_time=now))
    said = refuse("--events=session_start")
    assert "CAMPAIGNS" in said
    assert "1 record in 1 file is younger than 72" in said
    assert "filtered.event_type about 4" in said


def kept_by(settings: Settings, tmp_path: Path, flags: tuple[str, ...]) -> Work:
    asked = parse([f"--from={tmp_path}", *flags])
    files = find(str(tmp_path), None, frozenset([str((tmp_path / "settings.json").resolve())]))
    return Work(files.files, fingerprint(settings), asked.within, asked.events)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--since=2020-01-01",), "--since was not given, is 2020-01-01 00:00:00 UTC"),
        (("--events=Step",), "--events was not given, is Step. "),
        (("--users_update_only=true",), "users.update_only was false, is true"),
        ((), "b.json is new"),
    ],
    ids=["range", "events", "settings", "files"],
)
def test_the_manifest_of_another_backfill(
    refuse: Refuse, tmp_path: Path, flags: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "kept.manifest"
    settings = load_settings(str(tmp_path / "settings.json"))
    manifests.write(path, manifests.begin(kept_by(settings, tmp_path, ())))
    if not flags:
        (tmp_path / "b.json").write_bytes(record())
    said = refuse("--yes", f"--manifest={path}", *flags)
    assert words in said
    assert "what was delivered counts once" in said
    assert "Looking at" not in said


def test_a_manifest_in_use(refuse: Refuse, tmp_path: Path) -> None:
    path = tmp_path / "kept.manifest"
    with manifests.held(path):
        assert f"error: {path} is in use: another backfill" in refuse(f"--manifest={path}", "--yes")


@pytest.mark.parametrize(
    ("letters", "folder"),
    [("--dead_letter_files=/var/d/x", "/var/d"), ("--dead_letter_files=gs://b/x", "."), ("", ".")],
    ids=["beside the letters", "letters elsewhere", "a topic"],
)
def test_where_the_place_is_kept(letters: str, folder: str) -> None:
    def path(source: str, settings: str, *own: str) -> Path:
        given = PipelineOptions([f"--settings={settings}", *filter(None, [letters])])
        return manifest_path(parse([f"--from={source}", *own]), given.view_as(StreamOptions))

    usual = path("x", "s")
    assert str(usual.parent) == folder
    assert usual == path("./x", "s", "--since=2026-01-01")
    assert len({usual, path("y", "s"), path("x", "t"), path("gs://x", "s")}) == 4
    assert path("x", "s", "--manifest=m") == Path("m")


def test_its_own_files_are_no_data(refuse: Refuse, tmp_path: Path) -> None:
    """Keys would become dead letters; a file of people that has come to be, another backfill."""
    own = {"environment_file": "keys.env", "state_file": "people.sqlite"}
    for name in (*own.values(), "people.sqlite-wal"):
        (tmp_path / name).write_text("CUSTOMERIO_API_KEY=secret")
    (tmp_path / "settings.json").write_text(
        json.dumps(SETTINGS | {"users": {"user_properties": ["plan"], "state": "person"}})
    )
    flags = [f"--{flag}={tmp_path / name}" for flag, name in own.items()]
    assert "Looking at 1 file of" in refuse(f"--from={tmp_path}/*", *flags)
