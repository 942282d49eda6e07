"""A dry run of a subscription: nothing is acknowledged, and all of it is given back."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.launch import EXIT_FAILED, EXIT_OK, EXIT_USAGE, main
from pipeline.local.pubsub.model import Delivery
from pipeline.stop import STOP
from tests.pipeline.conftest import PATIENCE_S, PUBLISHED_AT, SUBSCRIPTION, PubSub
from tests.pipeline.dryrun_world import event

pytestmark = pytest.mark.usefixtures("fresh_process")

STREAM = f"--input_subscription={SUBSCRIPTION}"
COMMAND = (sys.executable, "-m", "pipeline.main", "--settings=settings.yaml", STREAM, "--dry_run")
IDLE = "--stop_when_idle_s=0.3"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with settings, and no credentials anywhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "settings.yaml").write_text("events: {event_properties: all}\n")
    return tmp_path


def dry_run(*flags: str) -> int:
    return main(["--settings=settings.yaml", STREAM, "--dry_run", *flags])


def put(pub_sub: PubSub, count: int) -> None:
    pub_sub.put(*(json.dumps(event(number)) for number in range(count)))


def all_is_back(pub_sub: PubSub, count: int) -> bool:
    """Whether every message waits again. The clock stands still: no lease has ended by itself."""
    stats = pub_sub.counts()
    return stats.undelivered == count and not stats.outstanding and not pub_sub.acknowledged


def test_everything_is_seen_and_given_back(
    pub_sub: PubSub, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(pub_sub, 2_500)
    flags = ("--ledger_file=ledger.json", "--dead_letter_files=dead/letters", "--report=r.html")
    assert dry_run(IDLE, *flags) == EXIT_OK
    assert all_is_back(pub_sub, 2_500)
    assert sorted(path.name for path in here.iterdir()) == ["r.html", "settings.yaml"]
    printed = capsys.readouterr().out
    assert "2,500  records seen" in printed
    assert "until the subscription was empty" in printed


def test_a_message_is_counted_once_though_it_comes_again(
    pub_sub: PubSub, capsys: pytest.CaptureFixture[str]
) -> None:
    put(pub_sub, 3)
    gone = False
    deliver = pub_sub.pull

    def lose_the_first(*arguments: object, **named: object) -> object:
        nonlocal gone
        found = deliver(*arguments, **named)  # type: ignore[arg-type]
        if found and not gone:
            gone = True
            pub_sub.modify_ack_deadline(SUBSCRIPTION, [found[0].ack_id], 0)
        return found

    pub_sub.pull = lose_the_first  # type: ignore[assignment, method-assign]
    assert dry_run(IDLE) == EXIT_OK
    printed = capsys.readouterr().out
    assert "3      records seen" in printed
    assert "1 message came a second time" in printed


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        pytest.param(("--dry_run_records=700",), "enough records were seen", id="records"),
        pytest.param(("--dry_run_for_s=0.001",), "the time was over", id="time"),
    ],
)
def test_it_ends_at_its_bounds(
    flags: tuple[str, ...], why: str, pub_sub: PubSub, capsys: pytest.CaptureFixture[str]
) -> None:
    put(pub_sub, 1_500)
    assert dry_run(*flags) == EXIT_OK
    # An answer that was on its way at the end is given back by its lease alone.
    assert not pub_sub.acknowledged
    printed = capsys.readouterr().out
    assert why in " ".join(printed.split())
    if flags == ("--dry_run_records=700",):
        assert "700    records seen" in printed


def test_whoever_looks_is_warned(pub_sub: PubSub, caplog: pytest.LogCaptureFixture) -> None:
    put(pub_sub, 1)
    assert dry_run(IDLE) == EXIT_OK
    [warning] = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    for words in (SUBSCRIPTION, "stays leased", "delivery attempt", "subscription of its own"):
        assert words in warning


def test_a_subscription_that_is_not_there(
    capsys: pytest.CaptureFixture[str], pub_sub: PubSub
) -> None:
    missing = "--input_subscription=projects/tests/subscriptions/missing"
    assert main(["--settings=settings.yaml", missing, "--dry_run"]) == EXIT_FAILED
    assert "No record came" in capsys.readouterr().out


def test_settings_to_compare_with_are_checked_first(
    here: Path, capsys: pytest.CaptureFixture[str], pub_sub: PubSub
) -> None:
    (here / "other.yaml").write_text("status: on\n")
    assert dry_run("--compare=other.yaml") == EXIT_USAGE
    assert "other.yaml" in capsys.readouterr().err
    assert pub_sub.pulls == 0


def test_a_page_that_cannot_be_written(
    here: Path, pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = pub_sub.pull

    def pull_when_it_is_too_late(*asked: Any) -> list[Delivery]:
        # What is wrong before anything is read is told before.
        (here / "r.html").mkdir(exist_ok=True)
        return pull(*asked)

    monkeypatch.setattr(pub_sub, "pull", pull_when_it_is_too_late)
    put(pub_sub, 1)
    assert dry_run(IDLE, "--report=r.html") == EXIT_FAILED
    assert all_is_back(pub_sub, 1)
    assert list((here / "r.html").iterdir()) == []
    assert not list(here.glob(".r.html*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_a_report(number: int, here: Path, pub_sub: PubSub) -> None:
    put(pub_sub, 50)
    # A process of its own: the signals of this one belong to pytest.
    process = subprocess.Popen(
        [*COMMAND, "--report=r.html"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=here,
        env=_environment(pub_sub),
        text=True,
    )
    try:
        # A second pull: so the answer to the first has arrived.
        pub_sub.until(lambda: pub_sub.pulls == 2)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == EXIT_OK, printed
    assert "until it was told to stop" in " ".join(printed.split())
    assert (here / "r.html").exists()
    assert all_is_back(pub_sub, 50)


def test_after_a_crash_everything_comes_again(here: Path, pub_sub: PubSub) -> None:
    put(pub_sub, 50)
    process = subprocess.Popen(
        COMMAND,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=here,
        env=_environment(pub_sub),
    )
    try:
        pub_sub.until(lambda: pub_sub.pulls == 2 and pub_sub.waiting == 1)
        assert pub_sub.counts().outstanding == 50
    finally:
        process.kill()
        process.wait()
    # Else its last pull would be given what nobody takes.
    pub_sub.until(lambda: pub_sub.waiting == 0)
    pub_sub.pass_time(120)
    assert pub_sub.counts().undelivered == 50
    assert pub_sub.acknowledged == []


def _environment(pub_sub: PubSub) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return os.environ | {"PUBSUB_EMULATOR_HOST": pub_sub.emulator.address, "PYTHONPATH": root}


def test_times_are_those_of_publishing(pub_sub: PubSub, capsys: pytest.CaptureFixture[str]) -> None:
    put(pub_sub, 1)
    assert dry_run(IDLE) == EXIT_OK
    assert int(PUBLISHED_AT) == 1_700_000_000
    assert "from 2023-11-14 22:13:20 to 2023-11-14 22:13:20" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_wish_to_stop_that_was_there_before(pub_sub: PubSub) -> None:
    put(pub_sub, 5)
    STOP.set()
    assert dry_run() == EXIT_OK
    assert not pub_sub.acknowledged
