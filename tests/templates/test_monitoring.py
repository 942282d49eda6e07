"""The dashboard and the alerts: made from the list, taken by the API's own types, about metrics
that exist.
"""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy
from google.protobuf import json_format

from pipeline.monitoring.__main__ import files, main
from pipeline.monitoring.alerts import Alert, alerts, policy
from pipeline.monitoring.dashboard import charts, dashboard
from pipeline.monitoring.queries import OF_A_DISTRIBUTION, Watched, exported, growth
from pipeline.settings.table import settings_table
from transforms.metrics import METRICS
from transforms.sink.alarm import BLOCKED, Alarm
from transforms.sink.answers import Meaning, Verdict

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "templates" / "monitoring"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")

WATCHED = Watched()
ALERTS = list(alerts(WATCHED))
QUERIES = [alert.query for alert in ALERTS if alert.query] + [
    query for chart in charts(WATCHED) for _legend, query in chart.lines
]

EXPORTED = {metric.name for metric in METRICS if metric.kind == "counter"} | {
    f"{metric.name}_{part}"
    for metric in METRICS
    if metric.kind == "distribution"
    for part in OF_A_DISTRIBUTION
}
JOB = {"monitored_resource": "dataflow_job", "job_name": WATCHED.job}
GOOGLES_OWN = {
    # https://cloud.google.com/monitoring/api/metrics_gcp (Pub/Sub, Dataflow)
    "pubsub_googleapis_com:subscription_oldest_unacked_message_age",
    "pubsub_googleapis_com:subscription_num_undelivered_messages",
    "dataflow_googleapis_com:job_current_num_vcpus",
    "dataflow_googleapis_com:job_system_lag",
}


def test_the_files_are_up_to_date() -> None:
    there = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*.json")
    }
    assert there == files(WATCHED), "run: python -m pipeline.monitoring"


def parsed_policy(document: dict[str, Any]) -> AlertPolicy:
    """As the API reads it; a field that it does not know is an error."""
    return AlertPolicy(json_format.ParseDict(document, AlertPolicy.pb()(), False))


@pytest.mark.parametrize("alert", ALERTS, ids=[alert.slug for alert in ALERTS])
def test_the_api_takes_each_policy(alert: Alert) -> None:
    read = parsed_policy(policy(alert))

    [condition] = read.conditions
    assert read.combiner == AlertPolicy.ConditionCombinerType.OR
    assert read.severity.name == alert.severity
    if alert.log:
        assert condition.condition_matched_log.filter == alert.log
        # The API refuses a match of the log without it.
        assert read.alert_strategy.notification_rate_limit.period.total_seconds() > 0
    else:
        by_query = condition.condition_prometheus_query_language
        assert by_query.query == alert.query
        assert by_query.duration.total_seconds() == alert.for_s
        # Both have to be whole minutes.
        assert alert.for_s % 60 == by_query.evaluation_interval.total_seconds() % 60 == 0


def test_the_api_takes_the_dashboard() -> None:
    read = Dashboard(json_format.ParseDict(dashboard(WATCHED), Dashboard.pb()(), False))

    tiles = read.mosaic_layout.tiles
    assert [tile.widget.title for tile in tiles] == [chart.title for chart in charts(WATCHED)]
    cells = [
        (x, y)
        for tile in tiles
        for x in range(tile.x_pos, tile.x_pos + tile.width)
        for y in range(tile.y_pos, tile.y_pos + tile.height)
    ]
    assert len(cells) == len(set(cells)), "tiles lie over each other"
    assert max(x for x, _y in cells) < read.mosaic_layout.columns


@pytest.mark.parametrize("where", ["top", "condition"])
def test_an_unknown_field_would_be_seen(where: str) -> None:
    document = policy(ALERTS[0])
    place = document if where == "top" else document["conditions"][0]
    place["displayname"] = "misspelt"
    with pytest.raises(json_format.ParseError, match="displayname"):
        parsed_policy(document)


class Selectors:
    """Collects what a query reads."""

    def __init__(self) -> None:
        self.found: list[promql_parser.VectorSelector] = []

    def visit(self, node: promql_parser.Expr) -> None:
        """Goes through a query's tree."""
        if isinstance(node, promql_parser.VectorSelector):
            self.found.append(node)
        for name in ("expr", "lhs", "rhs", "vector_selector", "args"):
            below = getattr(node, name, None)
            for each in below if isinstance(below, list) else [below]:
                if each is not None:
                    self.visit(each)


def selectors(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Metric name and labels of everything that a query reads. Raises ValueError."""
    found = Selectors()
    found.visit(promql_parser.parse(query))
    for selector in found.found:
        yield (
            str(selector.name),
            {matcher.name: matcher.value for matcher in selector.matchers.matchers},
        )


def counters_in(query: str) -> set[str]:
    """The names of our own metrics that a query reads."""
    found: set[str] = set()
    for name, labels in selectors(query):
        if name == "dataflow_googleapis_com:job_user_counter":
            found |= set(labels["metric_name"].replace("[.]", ".").split("|"))
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_reads_what_exists(query: str) -> None:
    read = list(selectors(query))
    assert read
    assert counters_in(query) <= EXPORTED
    for name, labels in read:
        if name == "dataflow_googleapis_com:job_user_counter":
            assert labels.items() >= JOB.items()
            assert set(labels) == {*JOB, "metric_name"}
        else:
            assert name in GOOGLES_OWN
            assert set(labels) == {
                "monitored_resource",
                "subscription_id" if name.startswith("pubsub") else "job_name",
            }


def test_the_dashboard_shows_every_metric() -> None:
    shown = set().union(
        *(counters_in(query) for chart in charts(WATCHED) for _legend, query in chart.lines)
    )
    # Of a distribution nobody needs to see how many values it has.
    assert shown | {"latency_ms_COUNT"} == EXPORTED


def test_a_metric_that_is_not_exported_cannot_be_asked_for() -> None:
    with pytest.raises(KeyError):
        exported("requests_total")
    with pytest.raises(ValueError):
        exported("latency_ms", "P95")


def test_no_query_asks_for_the_rate_of_a_gauge() -> None:
    """Dataflow's user counters are gauges: `rate` and `increase` are for counters."""
    assert not [query for query in QUERIES if re.search(r"\b(rate|increase)\(", query)]


def test_the_growth_of_a_counter_begins_at_0() -> None:
    query = growth(WATCHED, "requests", window="10m")
    assert " offset 10m) or 0 * sum by (job_id) " in query


@pytest.mark.parametrize("meaning", [Meaning.CREDENTIALS, Meaning.ENDPOINT])
def test_what_the_job_logs_when_it_is_blocked_is_what_the_filter_looks_for(
    meaning: Meaning, caplog: pytest.LogCaptureFixture
) -> None:
    Alarm().ring(Verdict(meaning, detail="401 Unauthorized"))

    [record] = caplog.records
    assert record.levelno == logging.ERROR
    [alert] = [alert for alert in ALERTS if alert.slug == BLOCKED[meaning].replace(".", "-")]
    [text] = re.findall(r'jsonPayload\.message:"(.+)"$', alert.log)
    assert text in record.getMessage()


def test_other_names_change_nothing_else(tmp_path: Path) -> None:
    """Terraform puts other names into the files as they are."""
    assert main([f"--output={tmp_path}", "--job_name=j-1", "--subscription=s-1"]) == 0

    for path, text in files(WATCHED).items():
        replaced = text.replace(WATCHED.job, "j-1").replace(WATCHED.subscription, "s-1")
        assert (tmp_path / path).read_text(encoding="utf-8") == replaced
        assert replaced != text
        json.loads(replaced)


@pytest.mark.parametrize("name", ['a"} or vector(1)', "projects/p/subscriptions/s", ""])
def test_a_name_that_does_not_fit_into_a_query_is_refused(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([f"--subscription={name}"])
    assert "a name, not a path" in capsys.readouterr().err


def sections() -> dict[str, str]:
    """The runbook's sections about alerts: slug -> text."""
    part = RUNBOOK.split("\n# ")[0].split("\n## Alerts\n")[1].split("\n## ")[0]
    found = re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", part, re.DOTALL | re.MULTILINE)
    return dict(found)


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() -> None:
    assert list(sections()) == [alert.slug for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=[alert.slug for alert in ALERTS])
def test_an_alert_names_its_section_and_the_section_says_what_to_do(alert: Alert) -> None:
    assert f"docs/runbook.md#{alert.slug}" in policy(alert)["documentation"]["content"]
    headings = ("**What it means**", "**Look at**", "**Do**", "**It goes away**")
    places = [sections()[alert.slug].find(heading) for heading in headings]
    assert -1 not in places
    assert places == sorted(places)


def test_flags_settings_and_files_that_the_runbook_names_exist() -> None:
    flags = set(re.findall(r"--[a-z]+(?:_[a-z]+)+", RUNBOOK))
    known = set(re.findall(r"--[a-z]+(?:_[a-z]+)+", _help_of("main", "replay", "monitoring")))
    assert len(flags) >= 6
    assert flags <= known
    keys = {row.split("`")[1] for row in settings_table().splitlines() if row.startswith("| `")}
    sections_of_settings = "|".join({key.partition(".")[0] for key in keys if "." in key})
    named = set(re.findall(rf"`((?:{sections_of_settings})\.[a-z_]+)[`:]", RUNBOOK))
    assert len(named) >= 6
    assert named <= keys
    for path in re.findall(r"\]\(((?!#)[^)]+)\)", RUNBOOK):
        assert (ROOT / "docs" / path).exists(), path


def _help_of(*commands: str) -> str:
    modules = {"replay": ["pipeline", "replay"]}
    return "".join(
        subprocess.run(
            [sys.executable, "-m", *modules.get(name, [f"pipeline.{name}"]), "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
        for name in commands
    )


def test_links_within_the_runbook_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) <= anchors
