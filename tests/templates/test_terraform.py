"""The Terraform module: it refers to what exists, and grants no more than it says."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lark.exceptions import UnexpectedInput

from pipeline.monitoring.queries import Watched
from pipeline.options import StreamOptions, budget_processes, parse
from pipeline.settings.credentials import SECRET_PATTERN
from tests.templates.hcl import Block, blocks, expressions, references, text, without_marks
from tests.templates.provider_schema import RESOURCES, Body, read_schema

MODULE = Path(__file__).parents[2] / "templates" / "terraform"
README = (MODULE / "README.md").read_text(encoding="utf-8")
BLOCKS = list(blocks(MODULE))
RESOURCE_BLOCKS = [block for block in BLOCKS if block.kind == "resource"]
VARIABLES = {block.labels[0]: block.body for block in BLOCKS if block.kind == "variable"}
LOCALS: dict[str, Any] = {
    name: value
    for block in BLOCKS
    if block.kind == "locals"
    for name, value in without_marks(block.body).items()
}
SCHEMA = read_schema()
META = {"provider", "count", "for_each", "depends_on", "lifecycle"}
COMPUTED = {"id", "name", "email", "job_id", "number", "secret_id"}
"""What the provider makes, of what the module reads of a resource."""
[EXAMPLE] = [
    block.body for block in blocks(MODULE / "examples" / "complete") if block.kind == "module"
]
BOUND = {"each", "path", "conditions"}


def resource(kind: str, name: str) -> dict[str, Any]:
    """The body of a resource."""
    [body] = [block.body for block in RESOURCE_BLOCKS if block.labels == (kind, name)]
    return body


def all_references() -> Iterator[tuple[Block, list[str]]]:
    """Everything that any block of the module refers to."""
    for block in BLOCKS:
        for expression in expressions(block.body):
            for reference in references(expression):
                yield block, reference


def test_every_reference_resolves() -> None:
    declared = {block.labels for block in BLOCKS if block.kind in ("resource", "data")}
    seen = 0
    for block, reference in all_references():
        match reference:
            case ["var", name, *_]:
                assert name in VARIABLES, f"var.{name} in {block.labels}"
            case ["local", name, *_]:
                assert name in LOCALS, f"local.{name} in {block.labels}"
            case ["data", kind, name, attribute]:
                assert (kind, name) in declared
                assert attribute in COMPUTED
            case [kind, name, *attribute] if kind.startswith("google_"):
                assert (kind, name) in declared, f"{kind}.{name} in {block.labels}"
                assert not attribute or attribute[0] in COMPUTED
            case [first, *_]:
                assert first in BOUND or first.startswith(("condition_", "notification_")), first
        seen += 1
    assert seen > 100


def test_nothing_is_declared_that_nobody_reads() -> None:
    read = {tuple(reference[:2]) for _block, reference in all_references()}
    elsewhere = {
        reference[1]
        for block, reference in all_references()
        if block.kind != "variable" and reference[0] == "var"
    }
    assert set(VARIABLES) - elsewhere == set()
    assert {name for name in LOCALS if ("local", name) not in read} == set()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_says_what_it_is(name: str) -> None:
    body = VARIABLES[name]
    assert text(body["description"]).endswith(".")
    assert body["type"]
    nullable = "default" in body and text(body["default"]) in ("null", "None")
    assert nullable or body["nullable"] is False, "null would pass"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "output"], ids=str)
def test_an_output_says_what_it_is(block: Block) -> None:
    assert text(block.body["description"]).endswith(".")


def assert_fits(body: dict[str, Any], schema: Body, where: str) -> None:
    """Holds a resource's or a block's body to what the provider knows."""
    known = {*schema["required"], *schema["optional"]}
    given = without_marks(body)
    names = set(given) - META - {"dynamic"}
    below = schema.get("blocks", {})
    for dynamic in given.get("dynamic", ()):
        for name, content in without_marks(dynamic).items():
            names.add(text(name))
            assert_fits(content["content"][0], below[text(name)], f"{where}.{text(name)}")
    assert names <= known, f"{where} has {names - known}"
    assert names >= set(schema["required"]), f"{where} lacks {set(schema['required']) - names}"
    for name in names & set(below) & set(given):
        for each in given[name]:
            assert_fits(each, below[name], f"{where}.{name}")


@pytest.mark.parametrize("block", RESOURCE_BLOCKS, ids=lambda block: ".".join(block.labels))
def test_a_resource_is_what_the_provider_takes(block: Block) -> None:
    assert_fits(block.body, SCHEMA[block.labels[0]], ".".join(block.labels))


def test_the_schema_is_of_what_is_used() -> None:
    assert set(SCHEMA) == set(RESOURCES) == {block.labels[0] for block in RESOURCE_BLOCKS}


def test_a_misspelt_argument_would_be_seen() -> None:
    body = resource("google_pubsub_subscription", "records")
    policy = body["dead_letter_policy"][0]
    worse = body | {"dead_letter_policy": [policy | {"max_delivery_atempts": 100}]}
    with pytest.raises(AssertionError, match="max_delivery_atempts"):
        assert_fits(worse, SCHEMA["google_pubsub_subscription"], "records")


def test_what_is_not_hcl_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "a" "b" {')
    with pytest.raises(UnexpectedInput):
        list(blocks(tmp_path))


def test_the_jobs_parameters_are_a_command_line_that_the_program_takes() -> None:
    job = resource("google_dataflow_flex_template_job", "stream")
    parameters = without_marks(job["parameters"])
    ours = set(parse(_command_line({})).view_as(StreamOptions).get_all_options())
    assert set(parameters) <= ours

    options = parse(_command_line(parameters))

    assert options.view_as(StreamOptions).dead_letter_topic == "projects/p/topics/t"
    # Without it the program would not know how many share the request budget.
    assert budget_processes(options) == 4 * 2


def _command_line(parameters: dict[str, Any]) -> list[str]:
    """What the launcher makes of them, and of the job's other arguments."""
    values = {
        "settings": "gs://b/s.yaml",
        "input_subscription": "projects/p/subscriptions/s",
        "dead_letter_topic": "projects/p/topics/t",
    }
    job = resource("google_dataflow_flex_template_job", "stream")
    assert text(job["max_workers"]) == "${var.max_workers}"
    assert text(job["machine_type"]) == "${var.machine_type}"
    return [
        "--runner=DataflowRunner",
        f"--max_num_workers={VARIABLES['max_workers']['default']}",
        f"--worker_machine_type={text(VARIABLES['machine_type']['default'])}",
        *(f"--{name}={values[name]}" for name in parameters or values),
    ]


def test_the_job_sends_at_least_once_and_drains() -> None:
    job = resource("google_dataflow_flex_template_job", "stream")
    assert list(map(text, job["additional_experiments"])) == ["streaming_mode_at_least_once"]
    assert text(job["on_delete"]) == "drain"


GRANTS = [block for block in RESOURCE_BLOCKS if block.labels[0].endswith("_iam_member")]
PLACES = {
    "google_project_iam_member": "project",
    "google_service_account_iam_member": "service account",
    "google_storage_bucket_iam_member": "bucket",
    "google_artifact_registry_repository_iam_member": "repository",
    "google_pubsub_subscription_iam_member": "subscription",
    "google_pubsub_topic_iam_member": "topic",
    "google_secret_manager_secret_iam_member": "secret",
}


def test_every_role_is_in_the_readme_with_its_reason_and_no_other() -> None:
    who = {f"${{local.{name}}}": name for name in ("launcher", "worker", "pubsub")}
    who["${each.value}"] = "publishers"
    granted = sorted(
        (who[text(block.body["member"])], text(block.body["role"]), PLACES[block.labels[0]])
        for block in GRANTS
    )
    rows = re.findall(r"^\| (\w+) \| `(roles/[\w.]+)` \| ([\w ]+) \| (.+) \|$", README, re.M)
    assert granted == sorted((member, role, place) for member, role, place, _why in rows)


def test_no_role_is_a_basic_one_or_replaces_what_others_granted() -> None:
    roles = {text(block.body["role"]) for block in GRANTS}
    assert not {role for role in roles if re.search(r"/(owner|editor|viewer|admin)$", role)}
    kinds = {block.labels[0] for block in RESOURCE_BLOCKS}
    assert not {kind for kind in kinds if kind.endswith(("_iam_policy", "_iam_binding"))}


def test_no_value_of_a_secret_comes_near_a_state() -> None:
    kinds = {label for block in BLOCKS for label in block.labels}
    assert "google_secret_manager_secret_version" not in kinds
    everything = "".join(path.read_text() for path in MODULE.rglob("*.tf"))
    assert not re.search(r"secret_data|password|private_key|random_", everything)
    for name in ("site_id", "api_key"):
        [body] = [b.body for b in BLOCKS if b.labels == (f"{name}_reference",)]
        assert text(body["value"]).startswith("secret://projects/")


SALTS = {
    "secret://projects/p-1/secrets/salt/versions/1": ("p-1", "salt"),
    "secret://projects/p-1/secrets/salt/versions/2": ("p-1", "salt"),
    "secret://projects/example.com:old/secrets/a_B-9/versions/latest": (
        "example.com:old",
        "a_B-9",
    ),
}


def test_the_secret_of_a_salt_is_named_as_in_the_settings() -> None:
    [condition] = VARIABLES["hash_salts"]["validation"]
    [pattern] = re.findall(r'regex\("([^"]+)", reference', text(condition["condition"]))
    assert pattern == f"^{SECRET_PATTERN}$"
    assert [each for each in SALTS if not re.search(pattern, each)] == []


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_workers_may_read_the_secrets_of_the_salts_that_are_named(tmp_path: Path) -> None:
    grant = without_marks(resource("google_secret_manager_secret_iam_member", "worker_salts"))
    named = text(grant["for_each"]).removeprefix("${").removesuffix("}")
    named = named.replace("var.hash_salts", json.dumps(list(SALTS)))
    pair = [
        text(grant[key])[2:-1].replace("each.value", "secret") for key in ("project", "secret_id")
    ]
    asked = f"jsonencode([for secret in {named} : [{', '.join(pair)}]])"
    console = subprocess.run(
        ["terraform", "console"],
        input=asked,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    granted = [tuple(each) for each in json.loads(json.loads(console.stdout))]
    assert sorted(granted) == sorted(set(SALTS.values()))


def test_the_job_starts_when_every_grant_to_its_workers_is_there() -> None:
    job = resource("google_dataflow_flex_template_job", "stream")
    waits = {text(each).removeprefix("${").removesuffix("}") for each in job["depends_on"]}
    to_workers = {
        ".".join(block.labels)
        for block in GRANTS
        if text(block.body["member"]) == "${local.worker}"
    }
    assert waits == to_workers


def test_nothing_that_comes_to_a_topic_is_dropped() -> None:
    topics = {b.labels[1] for b in RESOURCE_BLOCKS if b.labels[0] == "google_pubsub_topic"}
    subscriptions = [b for b in RESOURCE_BLOCKS if b.labels[0] == "google_pubsub_subscription"]
    read = {text(block.body["topic"]) for block in subscriptions}
    assert read == {f"${{google_pubsub_topic.{topic}.id}}" for topic in topics}
    for block in subscriptions:
        assert [text(each["ttl"]) for each in block.body["expiration_policy"]] == [""]


def test_pub_sub_gives_a_message_up_as_late_as_it_can() -> None:
    [policy] = resource("google_pubsub_subscription", "records")["dead_letter_policy"]
    assert policy["max_delivery_attempts"] == 100
    assert text(policy["dead_letter_topic"]) == "${google_pubsub_topic.undelivered.id}"


def test_the_files_of_monitoring_are_found_under_the_names_that_they_have() -> None:
    watched = Watched()
    assert text(LOCALS["default_job"]) == watched.job
    assert text(LOCALS["default_subscription"]) == watched.subscription
    assert (MODULE / text(LOCALS["monitoring"]).removeprefix("${path.module}/")).is_dir()
    records, undelivered = (
        text(resource("google_pubsub_subscription", name)["name"])
        for name in ("records", "undelivered")
    )
    assert undelivered == watched._replace(subscription=records).undelivered


def test_the_example_gives_what_must_be_given_and_nothing_else() -> None:
    given = set(without_marks(EXAMPLE)) - {"source"}
    assert {name for name, body in VARIABLES.items() if "default" not in body} <= given
    assert given <= set(VARIABLES)
    assert (MODULE / "examples/complete" / text(EXAMPLE["source"])).resolve() == MODULE


def patterns(name: str) -> list[str]:
    """The regular expressions that a text variable has to match."""
    conditions = " ".join(text(each["condition"]) for each in VARIABLES[name].get("validation", ()))
    return [
        found.replace("\\\\", "\\")
        for found in re.findall(rf'regex\("([^"]+)", var\.{name}\)', conditions)
    ]


WRONG = {
    "project": "My Project",
    "region": "europe-west1-b",
    "name": "Amplitude",
    "account_prefix": "abc",
    "template": "gs://bucket",
    "image": "image",
    "settings": "settings.yaml",
    "bucket": "gs://bucket",
    "machine_type": "e2-micro",
    "subnetwork": "default",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_validation_takes_the_default_and_the_example_and_refuses_what_is_wrong(
    name: str,
) -> None:
    [pattern] = patterns(name)
    good = [
        text(body[key])
        for body, key in ((VARIABLES[name], "default"), (EXAMPLE, name))
        if body.get(key) is not None and text(body[key]) not in ("null", "None")
    ]
    assert good or name == "subnetwork"
    assert all(re.search(pattern, each) for each in good)
    assert not re.search(pattern, WRONG[name])


def test_every_text_with_a_pattern_is_tried() -> None:
    assert {name for name in VARIABLES if patterns(name)} == set(WRONG)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_files_are_formatted_as_terraform_does() -> None:
    checked = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", str(MODULE)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
