"""Starting the job in this process: what ends it before it reads, and how it ends when it has."""

import gzip
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apache_beam.io.localfilesystem import LocalFileSystem
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from pipeline.launch import EXIT_FAILED, EXIT_OK, EXIT_USAGE, main
from pipeline.local.customerio import CustomerIoStandIn, Hang
from tests.pipeline.conftest import PATIENCE_S, SUBSCRIPTION, PubSub

pytestmark = pytest.mark.usefixtures("fresh_process")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
CREDENTIALS = {"CUSTOMERIO_SITE_ID": SITE_ID, "CUSTOMERIO_API_KEY": API_KEY}
SECRETS = "{site_id: 'secret://projects/p/secrets/s/versions/1', api_key: '${CUSTOMERIO_API_KEY}'}"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that work, a Pub/Sub that does not answer."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the job is started in, with settings and a file of three lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.yaml").write_text("events: {event_properties: all}\n")
    (tmp_path / "disabled.yaml").write_text("status: disabled\n")
    (tmp_path / "wrong.yaml").write_text("status: on\n")
    (tmp_path / "secrets.yaml").write_text(f"customerio: {SECRETS}\n")
    lines = [record(1), record(2), b"no record"]
    (tmp_path / "in.ndjson").write_bytes(b"\n".join(lines))
    return tmp_path


def record(number: int) -> bytes:
    """An event of a person of its own."""
    fields = {
        "event_type": "Song Played",
        "user_id": f"user-{number}",
        "event_time": "2024-01-02 03:04:05",
        "$insert_id": str(number),
    }
    return json.dumps(fields).encode()


SETTINGS = "--settings=settings.yaml"
FILES = "--input_files=in.ndjson"
STREAM = f"--input_subscription={SUBSCRIPTION}"
LETTERS = "--dead_letter_files=letters/bad"
BUCKET = "--dead_letter_files=gs://bucket/letters"
DATAFLOW = ("--runner=DataflowRunner", "--max_num_workers=2", BUCKET, STREAM)


def not_on_dataflow(key: str) -> str:
    return (
        f"customerio.{key}: ${{CUSTOMERIO_{key.upper()}}} is not set on Dataflow's workers; store "
        "the value in Secret Manager and write secret://projects/P/secrets/S/versions/V in the "
        f"settings, or as --customerio_{key}"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(
            ("--setings=x", FILES, LETTERS),
            "--setings is no flag of this program or of Beam; did you mean --settings?\n"
            "--settings FILE is missing: the settings say what is sent, and where; each can be a "
            "flag too, such as --customerio_region",
            id="flags",
        ),
        pytest.param(
            ("--settings=none.yaml", FILES, LETTERS),
            "none.yaml: 1 problem\n  there is no such file; check the path",
            id="no settings",
        ),
        pytest.param(
            ("--settings=wrong.yaml", FILES, LETTERS),
            'wrong.yaml: 1 problem\n  line 1  status: found "on"; allowed: enabled, disabled',
            id="wrong settings",
        ),
        pytest.param(
            (SETTINGS, "--input_files=none*.json", LETTERS),
            "no such file: none*.json; expected is the path or the glob of a .json, .ndjson, .gz "
            "or .zip file, local or gs://",
            id="no files",
        ),
        pytest.param(
            (SETTINGS, "--input_files=sftp://host/x", LETTERS),
            "sftp://host/x cannot be looked up: Unable to get filesystem from specified path, "
            "please use the correct path or ensure the required dependency is installed, e.g., "
            "pip install apache-beam[gcp]. Path specified: sftp://host/x",
            id="files of an unknown kind",
        ),
        pytest.param(
            (SETTINGS, FILES, LETTERS, "--customerio_endpoint=http://track.customer.io"),
            "the command line: 1 problem\n"
            '  --customerio_endpoint: found "http://track.customer.io"; http would send the '
            "credentials in clear; allowed: null, or https://HOST[:PORT][/PATH] "
            "(http only to this machine)",
            id="an endpoint in the clear",
        ),
        pytest.param(
            (SETTINGS, FILES, LETTERS, "--ledger_file=none/ledger.json"),
            "--ledger_file: there is no directory 'none'; make it, or name another",
            id="a ledger nowhere",
        ),
        pytest.param(
            (SETTINGS, *DATAFLOW),
            "\n".join(map(not_on_dataflow, ("site_id", "api_key"))),
            id="the environment on Dataflow",
        ),
        pytest.param(
            ("--settings=secrets.yaml", *DATAFLOW),
            not_on_dataflow("api_key"),
            id="half of the environment on Dataflow",
        ),
        pytest.param(
            (SETTINGS, FILES, BUCKET, "--runner=dataflow", "--max_num_workers=2"),
            "\n".join(map(not_on_dataflow, ("site_id", "api_key"))),
            id="the environment on Dataflow by its short name",
        ),
        pytest.param(
            (SETTINGS, FILES, LETTERS, "--runner=FlinkRunner"),
            "give --max_num_workers (or --request_budget_processes): the request budget of the "
            "settings is shared by all workers",
            id="a budget for nobody knows how many",
        ),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_is_wrong_ends_it_before_it_reads(
    arguments: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    assert main(list(arguments)) == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.err.removeprefix("error: ").rstrip() == error
    assert printed.err.startswith("error: ")
    assert printed.out == ""
    assert not Path("letters").exists()
    mine = set(threading.enumerate()) - before
    assert not {"pull", "lease"} & {thread.name for thread in mine}


class ProbeFileSystem(LocalFileSystem):
    """Files of this machine under probe://; remembers whom it would have impersonated."""

    impersonated: ClassVar[list[str | None]] = []

    @classmethod
    def scheme(cls) -> str:
        return "probe"

    def open(self, path: str, *arguments: Any, **named: Any) -> Any:
        account = self.options.view_as(GoogleCloudOptions).impersonate_service_account
        self.impersonated.append(account)
        return super().open(path.removeprefix("probe://"), *arguments, **named)

    def __init__(self, pipeline_options: PipelineOptions) -> None:
        super().__init__(pipeline_options)  # type: ignore[no-untyped-call]
        self.options = pipeline_options


def test_settings_are_read_as_the_account_that_the_flags_name(here: Path) -> None:
    flags = [f"--settings=probe://{here}/disabled.yaml", FILES, LETTERS]
    assert main([*flags, "--impersonate_service_account=job@p.iam"]) == EXIT_OK
    assert ProbeFileSystem.impersonated == ["job@p.iam"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("source", [FILES, STREAM])
@pytest.mark.parametrize("missing", [*((name,) for name in CREDENTIALS), tuple(CREDENTIALS)])
def test_credentials_that_are_not_there_end_it(
    missing: tuple[str, ...],
    source: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    assert main([SETTINGS, source, LETTERS]) == EXIT_USAGE
    assert capsys.readouterr().err.removeprefix("error: ") == "".join(
        f"environment variable {name} is not set; set it for the process that sends to "
        "Customer.io, or refer to Secret Manager: secret://projects/P/secrets/S/versions/V\n"
        for name in missing
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "source", [STREAM, "--input_files=none*.json"], ids=["a subscription", "files"]
)
def test_a_job_that_is_disabled_reads_nothing(
    source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even credentials are looked for. There is no Pub/Sub, and there are no files."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    assert main(["--settings=disabled.yaml", source, LETTERS]) == EXIT_OK
    printed = capsys.readouterr()
    assert printed.out == "The settings say status: disabled. Nothing is read.\n"
    assert printed.err == ""


def names(stand_in: CustomerIoStandIn) -> list[str]:
    """Who the events that arrived are about."""
    return sorted(event.identifiers["id"] for event in stand_in.workspace.events())


def letters() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in Path("letters").glob("bad-*.jsonl")
        for line in path.read_bytes().splitlines()
    ]


@pytest.mark.usefixtures("here")
def test_files_from_the_first_line_to_the_last(
    stand_in: CustomerIoStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = f"--customerio_endpoint={stand_in.url}"
    assert main([SETTINGS, FILES, LETTERS, endpoint, "--ledger_file=ledger.json"]) == EXIT_OK
    assert names(stand_in) == ["user-1", "user-2"]
    [letter] = letters()
    assert (letter["reason"], letter["message_id"]) == ("malformed_json", "in.ndjson:3")
    ledger = json.loads(Path("ledger.json").read_text())
    assert (ledger["final"], ledger["balanced"], ledger["received"]) == (True, True, 3)
    assert ledger["outcomes"] == {"delivered": 2, "dead_lettered.malformed_json": 1}
    printed = capsys.readouterr().out
    assert "Ledger (records)" in printed
    assert "balanced" in printed


@pytest.mark.usefixtures("here")
def test_another_runner_is_waited_for(stand_in: CustomerIoStandIn) -> None:
    """Its threads are of this process: when this ends, they end, delivered or not."""
    endpoint = f"--customerio_endpoint={stand_in.url}"
    runner = ("--runner=BundleBasedDirectRunner", "--request_budget_processes=1")
    assert main([SETTINGS, FILES, LETTERS, endpoint, *runner]) == EXIT_OK
    assert names(stand_in) == ["user-1", "user-2"]
    assert len(letters()) == 1


@pytest.mark.usefixtures("here")
def test_a_damaged_file_fails_the_job_and_is_named(
    stand_in: CustomerIoStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    Path("damaged.gz").write_bytes(gzip.compress(record(1) + b"\n" + record(2))[:-4])
    endpoint = f"--customerio_endpoint={stand_in.url}"
    arguments = [SETTINGS, "--input_files=damaged.gz", LETTERS, endpoint]
    assert main([*arguments, "--ledger_file=ledger.json"]) == EXIT_FAILED
    assert "damaged.gz was not finished and is not in the ledger" in caplog.text
    assert "damaged.gz cannot be read: Compressed file ended" in caplog.text
    ledger = json.loads(Path("ledger.json").read_text())
    assert (ledger["final"], ledger["received"]) == (True, 0)


@pytest.mark.usefixtures("here")
def test_a_damaged_file_does_not_hold_up_the_others(stand_in: CustomerIoStandIn) -> None:
    Path("many").mkdir()
    Path("many/b.gz").write_bytes(gzip.compress(record(9) + b"\n" + record(8))[:-4])
    Path("many/a.ndjson").write_bytes(record(1) + b"\nno record\n")
    Path("many/c.ndjson").write_bytes(record(3))
    endpoint = f"--customerio_endpoint={stand_in.url}"
    arguments = [SETTINGS, "--input_files=many/*", LETTERS, endpoint]
    assert main([*arguments, "--ledger_file=ledger.json"]) == EXIT_FAILED
    ledger = json.loads(Path("ledger.json").read_text())
    assert ledger["outcomes"] == {"delivered": 2, "dead_lettered.malformed_json": 1}
    assert ledger["received"] == 3
    assert {"user-1", "user-3"} <= set(names(stand_in))
    assert [letter["record"] for letter in letters()] == ["no record"]


@pytest.mark.usefixtures("here")
def test_a_stream_until_it_is_idle(pub_sub: PubSub, stand_in: CustomerIoStandIn) -> None:
    pub_sub.put(record(1).decode(), "no record")
    endpoint = f"--customerio_endpoint={stand_in.url}"
    assert main([SETTINGS, STREAM, LETTERS, endpoint, "--stop_when_idle_s=0.3"]) == EXIT_OK
    assert names(stand_in) == ["user-1"]
    assert [letter["attributes"] for letter in letters()] == [{"text": "no record"}]
    assert pub_sub.counts().acked == 2


@pytest.mark.usefixtures("here", "pub_sub")
def test_a_subscription_that_is_missing_fails_the_job(caplog: pytest.LogCaptureFixture) -> None:
    missing = "projects/tests/subscriptions/missing"
    assert main([SETTINGS, f"--input_subscription={missing}", LETTERS]) == EXIT_FAILED
    assert f"Pub/Sub refuses to give messages of {missing}: NOT_FOUND. Check that" in caplog.text
    assert "The job ended early" not in caplog.text


@pytest.fixture
def while_it_hangs(
    stand_in: CustomerIoStandIn,
) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Has something done while the first request to Customer.io is under way."""
    helpers: list[threading.Thread] = []

    def arrange(action: Callable[[], None]) -> None:
        def act() -> None:
            if stand_in.faults.wait_until_hanging(timeout_s=PATIENCE_S):
                action()
                stand_in.faults.release()

        stand_in.faults.next(Hang())
        helpers.append(threading.Thread(target=act))
        helpers[-1].start()

    yield arrange
    for helper in helpers:
        helper.join()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_settles_what_is_in_flight(
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    while_it_hangs: Callable[[Callable[[], None]], None],
    number: signal.Signals,
) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    pub_sub.put(record(1).decode())

    def interrupt() -> None:
        os.kill(os.getpid(), number)
        pub_sub.put(record(2).decode())
        # A third pull: so the answer to the second has arrived.
        pub_sub.until(lambda: pub_sub.pulls == 3)

    while_it_hangs(interrupt)
    assert main([SETTINGS, STREAM, LETTERS, f"--customerio_endpoint={stand_in.url}"]) == EXIT_OK
    counts = pub_sub.counts()
    assert names(stand_in) == ["user-1"]
    assert (counts.acked, counts.outstanding, counts.undelivered) == (1, 0, 1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())


@pytest.mark.usefixtures("here")
def test_a_stop_within_the_files_says_what_to_do(
    stand_in: CustomerIoStandIn,
    while_it_hangs: Callable[[Callable[[], None]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    while_it_hangs(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert main([SETTINGS, FILES, LETTERS, f"--customerio_endpoint={stand_in.url}"]) == EXIT_OK
    assert "Run the same command again: what was delivered counts once." in caplog.text


@pytest.mark.usefixtures("here")
def test_a_ledger_that_cannot_be_written_any_more_does_not_fail_the_job(
    stand_in: CustomerIoStandIn,
    while_it_hangs: Callable[[Callable[[], None]], None],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("here").mkdir()
    while_it_hangs(lambda: shutil.rmtree("here"))
    arguments = [SETTINGS, FILES, LETTERS, f"--customerio_endpoint={stand_in.url}"]
    assert main([*arguments, "--ledger_file=here/ledger.json"]) == EXIT_OK
    assert "The ledger cannot be written to here/ledger.json any more: No such file" in caplog.text
    assert "balanced" in capsys.readouterr().out
