"""The doctor as a program: it finds what a job then meets, changes nothing, tells no secret."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor import command
from pipeline.local.customerio import CustomerIoStandIn, Hang, Reset, Respond, redirect
from pipeline.local.customerio.actions import Action
from pipeline.local.pubsub import PubSubEmulator
from tests.end_to_end.harness import (
    API_KEY,
    SITE_ID,
    SUBSCRIPTION,
    TOPIC,
    Program,
    pub_sub,
)
from tests.security import canaries
from tests.security.watched import Place, leaks, places_in


def doctor(*flags: str, environment: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Runs it; its exit code and report."""
    clean = {name: value for name, value in os.environ.items() if "PUBSUB" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "doctor", "--json", *flags],
        env={**clean, **environment},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.stderr == b""
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def of_level(report: dict[str, Any], level: str) -> list[str]:
    return [line["check"] for line in report["findings"] if line["level"] == level]


def test_what_the_doctor_calls_right_runs_and_what_it_calls_wrong_does_not(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    right = {"CUSTOMERIO_SITE_ID": SITE_ID, "CUSTOMERIO_API_KEY": API_KEY}
    letters = tmp_path / "letters" / "bad"
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio, pub_sub() as server:
        server.publish([b'{"event_type":"Step","user_id":"u","time":1700000000000}'])
        before = server.broker.stats(SUBSCRIPTION)
        flags = [
            f"--settings={settings}",
            f"--customerio_endpoint={customerio.url}",
            f"--input_subscription={SUBSCRIPTION}",
            f"--dead_letter_files={letters}",
        ]
        here = {"PUBSUB_EMULATOR_HOST": server.emulator.address}
        code, report = doctor(*flags, environment=right | here)
        wrong_code, wrong = doctor(
            *flags, environment=right | here | {"CUSTOMERIO_API_KEY": "revoked-key"}
        )
        asked = {(line.method, line.path) for line in customerio.workspace.requests()}
        after = server.broker.stats(SUBSCRIPTION)
        stale = sorted(path.name for path in tmp_path.iterdir())

        program = Program(tmp_path / "run", {}, customerio.url, pub_sub=server)
        assert program.finish(server) == 0, program.log()

    assert (code, report["ready"], of_level(report, "red")) == (0, True, [])
    # Which rights there are, an emulator does not know.
    assert set(of_level(report, "yellow")) <= {"subscription", "versions"}
    assert (wrong_code, wrong["ready"], of_level(wrong, "red")) == (1, False, ["account"])
    assert asked == {("GET", "/api/v1/accounts/region")}
    assert after == before
    assert stale == ["settings.json"]
    assert program.ledger()["outcomes"] == {"delivered": 1}


def test_everything_is_wrong_at_once(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    (tmp_path / "letters").write_text("in the way")
    with PubSubEmulator() as emulator:
        code, report = doctor(
            f"--settings={settings}",
            "--customerio_endpoint=http://127.0.0.1:9",
            f"--input_subscription={SUBSCRIPTION}",
            f"--dead_letter_files={tmp_path / 'letters' / 'bad'}",
            environment={
                "CUSTOMERIO_SITE_ID": SITE_ID,
                "CUSTOMERIO_API_KEY": SITE_ID,
                "PUBSUB_EMULATOR_HOST": emulator.address,
            },
        )

    assert code == 1
    assert of_level(report, "red") == ["credentials", "account", "subscription", "dead letters"]
    assert all(line["do"] for line in report["findings"] if line["level"] != "green")


KEY = canaries.API_KEY.value
HEADERS = {"Location": f"https://elsewhere.example/{KEY}", "Set-Cookie": KEY, "Date": KEY}
ACTIONS: dict[str, Action | None] = {
    "as it should be": None,
    "quoted in a page": Respond(200, HEADERS, f"<p>{KEY}</p>", "text/html"),
    "quoted in JSON": Respond(200, HEADERS, json.dumps({"region": KEY, "url": KEY})),
    "quoted in a refusal": Respond(401, HEADERS, json.dumps({"meta": {"error": KEY}})),
    "quoted in an error": Respond(500, HEADERS, KEY),
    "quoted in a redirect": redirect(f"https://elsewhere.example/{KEY}"),
    "reset": Reset(),
    "hang": Hang(),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["lines", "JSON"])
def test_no_secret_is_told(
    action: Action | None,
    form: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("CUSTOMERIO_SITE_ID", raising=False)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", KEY)
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "environment").write_text(f"CUSTOMERIO_SITE_ID='{canaries.SITE_ID.value}'\n")
    patience_s = 0.5 if isinstance(action, Hang) else 60
    (outside / "settings.json").write_text(
        json.dumps({"delivery": {"request_timeout_s": patience_s}})
    )
    with CustomerIoStandIn(canaries.SITE_ID.value, KEY) as customerio, pub_sub() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.emulator.address)
        if action is not None:
            customerio.faults.next(action)
        code = command.main(
            [
                f"--settings={outside / 'settings.json'}",
                f"--environment_file={outside / 'environment'}",
                f"--customerio_endpoint={customerio.url}",
                f"--input_subscription={SUBSCRIPTION}",
                f"--dead_letter_topic={TOPIC}",
                *form,
            ]
        )

    printed = capsys.readouterr()
    assert customerio.url in printed.out
    # The topic is the one that the job reads, which is red whatever else is.
    assert code == command.EXIT_RED
    carried = repr([record.__dict__ for record in caplog.records])
    said = "\n".join([printed.out, printed.err, caplog.text, carried])
    assert leaks([Place("what it said", said.encode()), *places_in(inside)]) == []


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        pytest.param({"customerio": {"api_key": KEY}}, "", id="in the settings"),
        pytest.param({"customerio": {"endpoint": f"https://a:{KEY}@b"}}, "", id="in the endpoint"),
        pytest.param({}, f'CUSTOMERIO_API_KEY="{canaries.API_KEY.marks[0]}', id="an open quote"),
        pytest.param({}, f"CUSTOMERIO_SITE_ID={KEY}\nCUSTOMERIO_API_KEY={KEY}", id="twice"),
    ],
)
def test_no_secret_is_told_that_stands_in_the_wrong_place(
    settings: Mapping[str, Any],
    environment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "environment").write_text(environment)
    flags = [f"--settings={tmp_path}/settings.json", f"--environment_file={tmp_path}/environment"]

    assert command.main([*flags, "--customerio_endpoint=http://127.0.0.1:9"]) == command.EXIT_RED
    assert command.main([*flags, f"--api_key={KEY}", KEY]) == command.EXIT_USAGE
    printed = capsys.readouterr()
    assert leaks([Place("what it said", (printed.out + printed.err).encode())]) == []
