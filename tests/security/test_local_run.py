"""A local run against a real workspace: only the process that sends gets the credentials."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.canaries import API_KEY, SITE_ID
from tests.security.quoting_server import HELD, QuotingServer
from tests.security.watched import children_of, leaks, places_in, places_of_process

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("how", ["by flags", "by variables"])
def test_who_gets_the_credentials(how: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "in.ndjson").write_text(
        json.dumps({"event_type": HELD, "user_id": "ada", "time": 1_700_000_000})
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(run), "PYTHONPATH": str(REPOSITORY)}
    arguments = [f"--input={tmp_path / 'in.ndjson'}", f"--settings={tmp_path / 'settings.json'}"]
    if how == "by flags":
        arguments += [f"--site-id={SITE_ID.value}", f"--api-key={API_KEY.value}"]
    else:
        environment |= {"CUSTOMERIO_SITE_ID": SITE_ID.value, "CUSTOMERIO_API_KEY": API_KEY.value}
    with QuotingServer({}) as server:
        settings = {"customerio": {"endpoint": server.url}}
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.local.run", *arguments],
            cwd=run,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert server.held.wait(240)
            found = {
                place.content.split(b"\n")[2].decode(): leaks([place, *places])
                for child in children_of(process.pid)
                for place, *places in [list(places_of_process(child, environment))]
            }
        finally:
            server.release.set()
            said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said.decode()
    emulator, pipeline = found["pipeline.local.pubsub"], found["pipeline.main"]
    assert emulator == []
    assert not any(leak.endswith("the command line") for leak in pipeline)
    if how == "by flags":
        # The search has seen where they have to be.
        assert {leak.split(" in ")[0] for leak in pipeline} == {SITE_ID.name, API_KEY.name}
    assert b"every record is accounted for" in said.lower()
    (run / "said.txt").write_bytes(said)
    assert leaks(places_in(run)) == []
