"""Which arguments and blocks Terraform's Google provider knows, for the resources of the module.

`google_provider.json` beside this file was read from the bindings of hashicorp/google-beta 6.50.0,
as they are on PyPI (cdktf-cdktf-provider-google-beta 16.12.1; its archive holds the file `.jsii`):

    python -m tests.templates.provider_schema PATH/.jsii
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, NotRequired, TypedDict

SCHEMA = Path(__file__).with_name("google_provider.json")

RESOURCES = (
    "google_artifact_registry_repository_iam_member",
    "google_dataflow_flex_template_job",
    "google_monitoring_alert_policy",
    "google_monitoring_dashboard",
    "google_project_iam_member",
    "google_pubsub_subscription",
    "google_pubsub_subscription_iam_member",
    "google_pubsub_topic",
    "google_pubsub_topic_iam_member",
    "google_secret_manager_secret",
    "google_secret_manager_secret_iam_member",
    "google_service_account",
    "google_service_account_iam_member",
    "google_storage_bucket_iam_member",
)

_NAME_IN_DOCS = re.compile(r"#([a-z0-9_]+) ")


class Body(TypedDict):
    """What a resource or a block may hold."""

    required: list[str]
    optional: list[str]
    blocks: NotRequired[dict[str, "Body"]]
    """Those among the above that are blocks."""


def read_schema() -> dict[str, Body]:
    """The schema of every resource in RESOURCES."""
    found: dict[str, Body] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def _body(types: dict[str, Any], fqn: str) -> Body:
    body: Body = {"required": [], "optional": []}
    blocks: dict[str, Body] = {}
    for each in types[fqn].get("properties", ()):
        docs = each.get("docs", {})
        named = _NAME_IN_DOCS.search(docs.get("remarks", "") + " " + docs.get("summary", ""))
        if named is None:
            continue
        name = named[1]
        body["optional" if each.get("optional") else "required"].append(name)
        below = _struct(each["type"])
        if below is not None and below in types and below.startswith(fqn.rpartition(".")[0]):
            blocks[name] = _body(types, below)
    if blocks:
        body["blocks"] = blocks
    return body


def _struct(kind: dict[str, Any]) -> str | None:
    if "fqn" in kind:
        found: str = kind["fqn"]
        return None if found.startswith("cdktf.") else found
    inner = [kind["collection"]["elementtype"]] if "collection" in kind else []
    for each in inner + kind.get("union", {}).get("types", []):
        below = _struct(each)
        if below is not None:
            return below
    return None


def main(path: str) -> int:
    """Writes the schema anew; returns the exit code."""
    types = json.loads(Path(path).read_text(encoding="utf-8"))["types"]
    schema = {}
    for resource in RESOURCES:
        name = "".join(word.capitalize() for word in resource.split("_"))
        [fqn] = [each for each in types if each.endswith(f".{name}Config")]
        schema[resource] = _body(types, fqn)
    SCHEMA.write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
