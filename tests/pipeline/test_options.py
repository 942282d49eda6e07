"""The command line: what is refused, and in which words."""

import argparse
import re

import pytest
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from pipeline.flags import FlinkOptions
from pipeline.options import (
    DATAFLOW,
    ONE_MACHINE,
    PRISM,
    WORKER_IMAGE,
    StreamOptions,
    UsageError,
    budget_processes,
    parse,
    runner_name,
    setting_flags,
)
from pipeline.settings.flags import FLAGS

SUBSCRIPTION = "--input_subscription=projects/p/subscriptions/s"
FILES = "--input_files=/data/*.json"
SETTINGS = "--settings=settings.yaml"
LETTERS = "--dead_letter_files=gs://data/letters"
STREAM = (SETTINGS, SUBSCRIPTION, LETTERS)
HISTORY = (SETTINGS, FILES, LETTERS)

NO_SETTINGS = (
    "--settings FILE is missing: the settings say what is sent, and where; each can be a flag too, "
    "such as --customerio_region"
)
ONE_INPUT = "give one of --input_subscription and --input_files"
ONE_PLACE = (
    "give one of --dead_letter_topic and --dead_letter_files: what cannot be delivered is kept, "
    "never dropped"
)
NO_FLAG = (
    "a word on the command line is no flag, and no flag takes it as its value (not shown); write "
    "flags as --name=value"
)
NO_SUCH_FLAG = (
    "--qqq is no flag of this program or of Beam; --help lists this program's, --help_beam Beam's"
)
NOT_PROVEN = (
    "--runner={} with --input_subscription: whether it acknowledges messages only after their "
    "delivery is not proven; use DirectRunner, DataflowRunner, FlinkRunner or PrismRunner"
)
NO_CHECKPOINTS = (
    "--runner=FlinkRunner with --input_subscription needs --checkpointing_interval, in "
    "milliseconds: Flink acknowledges when a checkpoint completes, and without one never"
)


def case(name: str, arguments: tuple[str, ...], *problems: str) -> object:
    return pytest.param(arguments, "\n".join(problems), id=name)


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        case("nothing at all", (), NO_SETTINGS, ONE_INPUT, ONE_PLACE),
        case("no settings", (SUBSCRIPTION, LETTERS), NO_SETTINGS),
        case("empty settings", ("--settings=", SUBSCRIPTION, LETTERS), NO_SETTINGS),
        case("no input", (SETTINGS, LETTERS), ONE_INPUT),
        case("two inputs", (*STREAM, FILES), ONE_INPUT),
        case("no place for dead letters", (SETTINGS, FILES), ONE_PLACE),
        case("two places", (*STREAM, "--dead_letter_topic=projects/p/topics/t"), ONE_PLACE),
        case(
            "a subscription's short name",
            (SETTINGS, LETTERS, "--input_subscription=s"),
            "--input_subscription: found 's'; the form is projects/P/subscriptions/S",
        ),
        case(
            "a topic for a subscription",
            (SETTINGS, LETTERS, "--input_subscription=projects/p/topics/t"),
            "--input_subscription: found 'projects/p/topics/t'; "
            "the form is projects/P/subscriptions/S",
        ),
        case(
            "a topic with a blank",
            (SETTINGS, FILES, "--dead_letter_topic=projects/p/topics/a b"),
            "--dead_letter_topic: found 'projects/p/topics/a b'; the form is projects/P/topics/T",
        ),
        case(
            "no time",
            (*STREAM, "--stop_when_idle_s=0"),
            "--stop_when_idle_s: found 0.0; seconds above 0",
        ),
        case(
            "not a number",
            (*STREAM, "--stop_when_idle_s=nan"),
            "--stop_when_idle_s: found nan; seconds above 0",
        ),
        case(
            "files are never idle",
            (*HISTORY, "--stop_when_idle_s=5"),
            "--stop_when_idle_s goes with --input_subscription: files end by themselves",
        ),
        case(
            "no processes",
            (*STREAM, "--request_budget_processes=0"),
            "--request_budget_processes: found 0; 1 or more",
        ),
        case(
            "a time in words",
            (*STREAM, "--stop_when_idle_s=abc"),
            "argument --stop_when_idle_s: invalid float value: 'abc'",
        ),
        case(
            "a count in words",
            (*STREAM, "--request_budget_processes=two"),
            "argument --request_budget_processes: invalid int value: 'two'",
        ),
        case(
            "a flag without its value",
            (SUBSCRIPTION, LETTERS, "--settings"),
            "argument --settings: expected one argument",
        ),
        case(
            "a wrong value of Beam's",
            (*STREAM, "--num_workers=many"),
            "argument --num_workers: invalid int value: 'many'",
        ),
        case(
            "a flag that is spelled wrong",
            (*STREAM, "--stop_when_idle=5"),
            "--stop_when_idle is no flag of this program or of Beam; "
            "did you mean --stop_when_idle_s?",
        ),
        case(
            "a flag of Beam's that is spelled wrong",
            (*STREAM, "--max_workers=5"),
            "--max_workers is no flag of this program or of Beam; did you mean --max_num_workers?",
        ),
        case(
            "a flag that is cut short",
            ("--setting=x", *STREAM),
            "--setting is no flag of this program or of Beam; did you mean --settings?",
        ),
        case(
            "a flag like no other",
            (*STREAM, "--qqq"),
            NO_SUCH_FLAG,
        ),
        case(
            "a value without a flag",
            (*STREAM, "settings.yaml"),
            NO_FLAG,
        ),
        case(
            "other processes",
            (*STREAM, "--direct_running_mode=multi_processing"),
            "--direct_running_mode=multi_processing: the ledger and the signal to stop do not "
            "reach other processes; leave it out",
        ),
        case(
            "several at once",
            ("--qqq", "x", "--input_subscription=s", "--stop_when_idle_s=-1", FILES),
            NO_SUCH_FLAG,
            NO_FLAG,
            NO_SETTINGS,
            ONE_INPUT,
            ONE_PLACE,
            "--input_subscription: found 's'; the form is projects/P/subscriptions/S",
            "--stop_when_idle_s: found -1.0; seconds above 0",
            "--stop_when_idle_s goes with --input_subscription: files end by themselves",
        ),
        case(
            "what Dataflow cannot do",
            (
                *STREAM,
                "--runner=DataflowRunner",
                "--stop_when_idle_s=5",
                "--ledger_file=l.json",
            ),
            "--stop_when_idle_s works on one machine, not with --runner=DataflowRunner",
            "--ledger_file works on one machine, not with --runner=DataflowRunner",
        ),
        case(
            "dead letters on a worker's disk",
            (*STREAM[:-1], "--dead_letter_files=letters", "--runner=DataflowRunner"),
            "--dead_letter_files: found 'letters', which is on a worker's own disk and goes away "
            "with it; on Dataflow give a gs:// prefix",
        ),
        case(
            "a subscription on Flink without checkpoints",
            (*STREAM, "--runner=flink"),
            NO_CHECKPOINTS,
        ),
        case(
            "a subscription on Flink with checkpoints that never come",
            (*STREAM, "--runner=FlinkRunner", "--checkpointing_interval=0"),
            NO_CHECKPOINTS,
        ),
        case(
            "a subscription on Spark",
            (*STREAM, "--runner=SparkRunner"),
            NOT_PROVEN.format("SparkRunner"),
        ),
        case(
            "a subscription on Beam's old DirectRunner",
            (*STREAM, "--runner=BundleBasedDirectRunner"),
            NOT_PROVEN.format("BundleBasedDirectRunner"),
        ),
        case(
            "a subscription on a runner of somebody's",
            (*STREAM, "--runner=some.module.DreamRunner", "--ledger_file=l.json"),
            "--ledger_file works on one machine, not with --runner=DreamRunner",
            NOT_PROVEN.format("DreamRunner"),
        ),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], problems: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(list(arguments))
    assert str(refused.value) == problems


RUNNERS_OF_A_SUBSCRIPTION = [
    "DirectRunner",
    "directrunner",
    "direct",
    "SwitchingDirectRunner",
    "FnApiRunner",
    "apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "DataflowRunner",
    "dataflow",
]


@pytest.mark.parametrize("runner", RUNNERS_OF_A_SUBSCRIPTION)
def test_runners_that_take_a_subscription(runner: str) -> None:
    options = parse([*STREAM, f"--runner={runner}"])
    assert runner_name(options.view_as(StandardOptions)) in ONE_MACHINE | {DATAFLOW}


def test_flink_takes_a_subscription_and_ends_bundles_before_its_checkpoints() -> None:
    options = parse([*STREAM, "--runner=FlinkRunner", "--checkpointing_interval=1000"])
    given = options.get_all_options()
    assert given["checkpointing_interval"] == 1000
    assert given["finish_bundle_before_checkpointing"] is True


def test_prism_takes_a_subscription() -> None:
    options = parse([*STREAM, "--runner=prism"])
    assert runner_name(options.view_as(StandardOptions)) == PRISM


@pytest.mark.parametrize(
    "runner", [*RUNNERS_OF_A_SUBSCRIPTION, "FlinkRunner", "PrismRunner", "some.module.DreamRunner"]
)
def test_files_go_with_every_runner(runner: str) -> None:
    parse([*HISTORY, f"--runner={runner}"])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "DirectRunner"),
        ("", "DirectRunner"),
        ("DIRECT", "DirectRunner"),
        ("dataflowrunner", "DataflowRunner"),
        ("fnapirunner", "FnApiRunner"),
        ("apache_beam.runners.direct.direct_runner.DirectRunner", "DirectRunner"),
        ("dreamrunner", "dreamrunner"),
    ],
)
def test_a_runner_has_the_name_that_beam_gives_it(given: str | None, name: str) -> None:
    options = PipelineOptions([]).view_as(StandardOptions)
    options.runner = given
    assert runner_name(options) == name


def test_what_is_given_arrives() -> None:
    options = parse([*STREAM, "--stop_when_idle_s=2.5", "--customerio_endpoint", "http://[::1]:1"])
    given = options.view_as(StreamOptions)
    assert given.settings == "settings.yaml"
    assert given.input_subscription == "projects/p/subscriptions/s"
    assert given.input_files is None
    assert given.dead_letter_files == "gs://data/letters"
    assert given.stop_when_idle_s == 2.5
    assert given.customerio_endpoint == "http://[::1]:1"


@pytest.mark.parametrize(("arguments", "streaming"), [(STREAM, True), (HISTORY, False)])
def test_a_subscription_streams_and_main_is_never_pickled(
    arguments: tuple[str, ...], streaming: bool
) -> None:
    options = parse([*arguments, "--save_main_session"])
    assert options.view_as(StandardOptions).streaming is streaming
    assert options.view_as(SetupOptions).save_main_session is False


def test_our_flags_end_no_other_pipeline_of_the_process() -> None:
    assert PipelineOptions([]).view_as(StreamOptions).settings is None


def test_no_flag_takes_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options are stored with the job, for everybody to read who may see it."""
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", "marked-site-id")
    monkeypatch.setenv("CUSTOMERIO_API_KEY", "marked-api-key")
    options = parse(list(STREAM))
    assert "marked-" not in repr(options.get_all_options())
    for flag in ("--site_id=x", "--api_key=x"):
        with pytest.raises(UsageError, match="is no flag of this program or of Beam"):
            parse([*STREAM, flag])


def budget(*arguments: str) -> int:
    return budget_processes(parse([*STREAM, *arguments]))


@pytest.mark.parametrize(
    ("arguments", "processes"),
    [
        pytest.param((), 1, id="one machine"),
        pytest.param(("--request_budget_processes=3",), 3, id="as it is said"),
        pytest.param(
            ("--runner=DataflowRunner", "--request_budget_processes=7"), 7, id="said on Dataflow"
        ),
        pytest.param(("--runner=dataflow", "--max_num_workers=5"), 10, id="Dataflow's default"),
    ],
)
def test_processes_that_share_the_budget(arguments: tuple[str, ...], processes: int) -> None:
    assert budget(*arguments) == processes


@pytest.mark.parametrize(
    ("machine_type", "vcpus"),
    [
        ("n1-standard-1", 1),
        ("n1-standard-96", 96),
        ("e2-standard-4", 4),
        ("n2d-highmem-8", 8),
        ("c3-standard-4-lssd", 4),
        ("z3-highmem-88-highlssd", 88),
        ("custom-4-8192", 4),
        ("n2-custom-6-16384", 6),
        ("n2-custom-2-65536-ext", 2),
        ("zones/europe-west1-b/machineTypes/n2-standard-16", 16),
    ],
)
def test_the_vcpus_of_a_machine_type(machine_type: str, vcpus: int) -> None:
    flags = ("--runner=DataflowRunner", "--max_num_workers=3")
    assert budget(*flags, f"--worker_machine_type={machine_type}") == 3 * vcpus
    assert budget(*flags, f"--machine_type={machine_type}") == 3 * vcpus


@pytest.mark.parametrize(
    "machine_type", ["e2-medium", "f1-micro", "a2-highgpu-1g", "e2-custom-small-2048"]
)
def test_a_machine_type_that_does_not_tell_its_vcpus(machine_type: str) -> None:
    with pytest.raises(UsageError) as refused:
        budget(
            "--runner=DataflowRunner",
            "--max_num_workers=3",
            f"--worker_machine_type={machine_type}",
        )
    assert str(refused.value) == (
        f"--worker_machine_type={machine_type} does not tell its vCPUs; "
        "give --request_budget_processes"
    )


def test_dataflow_has_to_know_its_most_workers() -> None:
    with pytest.raises(UsageError) as refused:
        budget("--runner=DataflowRunner", "--num_workers=3")
    assert str(refused.value) == (
        "give --max_num_workers (or --request_budget_processes): the request budget of the "
        "settings is shared by all workers"
    )


@pytest.mark.parametrize(
    ("arguments", "image"),
    [
        pytest.param(("--runner=DataflowRunner",), "registry/launcher:1", id="the launcher's"),
        pytest.param(
            ("--runner=dataflow", "--sdk_container_image=other:2"), "other:2", id="as it is said"
        ),
        pytest.param((), None, id="none on one machine"),
    ],
)
def test_workers_start_from_the_image_of_their_launcher(
    arguments: tuple[str, ...], image: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WORKER_IMAGE, "registry/launcher:1")
    options = parse([*STREAM, *arguments])
    assert options.view_as(WorkerOptions).sdk_container_image == image


@pytest.mark.parametrize("name", FLAGS)
def test_a_setting_as_a_flag_is_enough_and_beam_keeps_it_once(name: str) -> None:
    options = parse([*STREAM[1:], f"--{name}=x"])
    assert options.get_all_options(drop_default=True)[name] == "x"
    assert setting_flags(options.view_as(StreamOptions)) == {name: "x"}


def helped(flag: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parse([flag])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_shows_the_flags_of_this_program(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(flag, capsys)
    parser = argparse.ArgumentParser(add_help=False)
    for options in (StreamOptions, FlinkOptions):
        options._add_argparse_args(parser)  # noqa: SLF001
    shown = set(re.findall(r"^  (?:-h, )?(--\w+)", said, re.MULTILINE))
    assert shown == {*parser._option_string_actions, "--help", "--help_beam"}  # noqa: SLF001
    assert said.startswith("usage: python -m pipeline.main --settings FILE\n")
    assert "--help_beam lists them" in " ".join(said.split())


def test_help_of_beam_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    said = helped("--help_beam", capsys)
    for flag in ("--settings", "--dry_run", "--project", "--runner", "--worker_machine_type"):
        assert re.search(rf"^  {flag}\b", said, re.MULTILINE), flag


def test_a_flag_of_a_credential_takes_no_variable(capsys: pytest.CaptureFixture[str]) -> None:
    _before, _name, after = helped("--help", capsys).partition("--customerio_api_key")
    words = " ".join(after.partition("--customerio_endpoint")[0].split())
    assert words.endswith("Allowed: secret://projects/P/secrets/S/versions/V.")
