"""The stand-in as a program of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from pipeline.local.customerio.__main__ import main

ROOT = Path(__file__).parents[2]
CREDENTIALS = {"CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_API_KEY": "key"}


def start(*arguments: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if key not in CREDENTIALS}
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.local.customerio", *arguments],
        cwd=ROOT,
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "number"),
    [
        pytest.param([], CREDENTIALS, signal.SIGTERM, id="environment-sigterm"),
        pytest.param(
            ["--site_id=site", "--api_key=key"],
            {"CUSTOMERIO_API_KEY": "other"},
            signal.SIGINT,
            id="flags-sigint",
        ),
    ],
)
def test_it_serves_until_a_signal(
    arguments: list[str], environment: dict[str, str], number: signal.Signals
) -> None:
    with start("--port=0", "--latency_ms=1", *arguments, environment=environment) as program:
        assert program.stdout is not None
        name, _, url = program.stdout.readline().strip().partition("=")
        assert name == "CUSTOMERIO_ENDPOINT"
        region = f"{url}/api/v1/accounts/region"
        assert requests.get(region, auth=("site", "key"), timeout=10).status_code == 200
        program.send_signal(number)
        out, errors = program.communicate(timeout=60)
    assert (program.returncode, out, errors) == (0, "", "")


@pytest.mark.parametrize("missing", ["SITE_ID", "API_KEY"])
def test_it_wants_credentials(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(f"CUSTOMERIO_{missing}")
    with pytest.raises(SystemExit):
        main([])
    assert f"CUSTOMERIO_{missing}" in capsys.readouterr().err


def test_a_negative_latency_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--site_id=s", "--api_key=k", "--latency_ms=-1"])
    assert "0 or more milliseconds" in capsys.readouterr().err
