"""The page on operations: its metrics are those of the exporter, its files name what there is."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric

from statetrail.dialects import select
from statetrail.store.live.journal import Journal
from statetrail.store.rotation import StoreName
from statetrail_addons._live_counts import LiveCounts
from statetrail_addons._live_sessions import LiveSessions
from statetrail_addons._metrics import RecorderCollector
from studies.documentation import FOLDER
from support.commands import run

FILES = FOLDER / "operations"
DASHBOARD = json.loads((FILES / "grafana-dashboard.json").read_text("utf-8"))
ALERTS = yaml.safe_load((FILES / "alerts.yml").read_text("utf-8"))
KUBERNETES = [*yaml.safe_load_all((FILES / "kubernetes.yaml").read_text("utf-8"))]
NAME = re.compile(r"\b(?:statetrail|process)_[a-z_]+\b")
BY = re.compile(r"\b(?:by|on|without) \(([^)]*)\)")


def labels_of(metric: Metric) -> set[str]:
    """The labels of a metric, whether it has samples or not."""
    return set(getattr(metric, "_labelnames", ())) | {
        label for sample in metric.samples for label in sample.labels
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> dict[str, tuple[str, set[str]]]:
    """The kind and the labels of every metric of a recorder, by the name that queries use."""
    known = select()
    name = StoreName(tmp_path_factory.mktemp("store") / "s.sqlite")
    journal = Journal(name, lambda _: None)
    collector = RecorderCollector(lambda: journal, LiveCounts(known), LiveSessions(known))
    metrics = [*collector.collect(), *ProcessCollector(registry=CollectorRegistry()).collect()]
    journal.close()
    ends = {"counter": "_total", "info": "_info"}
    return {
        metric.name + ends.get(metric.type, ""): (
            {"info": "gauge"}.get(metric.type, metric.type),
            labels_of(metric),
        )
        for metric in metrics
    }


def expressions() -> list[str]:
    """Every query of the dashboard and the alerts."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    variables = [each["definition"] for each in DASHBOARD["templating"]["list"][1:]]
    alerts = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
    assert min(map(len, (panels, variables, alerts))) > 1
    return [*panels, *variables, *alerts]


def test_the_page_lists_every_metric(exported):
    """With its kind and its labels."""
    page = (FOLDER / "operations.md").read_text("utf-8")
    rows = re.findall(r"^\| `(statetrail_\w+)` \| (\w+) \|([^|]*)\|", page, re.MULTILINE)
    listed = {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows}
    assert listed == {name: of for name, of in exported.items() if name.startswith("statetrail_")}


@pytest.mark.parametrize("query", expressions())
def test_a_query_asks_for_what_is_exported(query, exported):
    """Of metrics and of labels; counters are asked for their rate or increase."""
    names = NAME.findall(re.sub(r"\{.*?\}", "", query))
    assert names
    assert set(names) <= exported.keys()
    grouped = {label for found in BY.findall(query) for label in re.findall(r"\w+", found)}
    assert grouped <= {"job", "instance"}.union(*(exported[name][1] for name in names))
    for name in names:
        if exported[name][0] == "counter":
            assert re.search(rf"\b(?:rate|increase)\({name}\b", query)


def test_the_legends_name_labels_of_their_queries():
    """Else they are shown as they are written."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            grouped = {each for found in BY.findall(target["expr"]) for each in found.split(", ")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= grouped
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_prometheus_scrapes_where_the_examples_serve():
    """One port everywhere, and the alerts are those of its job."""
    config = yaml.safe_load((FILES / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    assert config["rule_files"] == ["alerts.yml"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:9464"]}]
    assert f'job="{job["job_name"]}"' in ALERTS["groups"][0]["rules"][0]["expr"]


def command_lines() -> dict[str, list[str]]:
    """How the examples start the recorder."""
    docker = (FILES / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    unit = (FILES / "statetrail.service").read_text("utf-8")
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", docker, re.MULTILINE)
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    return {"Dockerfile": json.loads(entry), "statetrail.service": shlex.split(start)}


@pytest.mark.parametrize("name", command_lines())
def test_an_example_starts_the_recorder_with_options_that_it_has(name):
    """And serves metrics at the port of the others."""
    line = command_lines()[name]
    program, command, *options = line[: line.index("--")]
    assert (Path(program).name, command) == ("statetrail", "record")
    shown = run("record", "--help").out
    assert [one for one in options if one.startswith("--") and one not in shown] == []
    assert options[options.index("--metrics") + 1].endswith(":9464")


def test_the_sidecar_is_what_the_service_leads_to():
    """Its ports, its probes and its volumes have the names that they are called by."""
    workload, service = KUBERNETES
    assert [each["kind"] for each in KUBERNETES] == ["StatefulSet", "Service"]
    template = workload["spec"]["template"]
    pod, (sidecar,) = template["spec"], template["spec"]["initContainers"]
    ports = {port["name"]: port["containerPort"] for port in sidecar["ports"]}
    assert sidecar["restartPolicy"] == "Always"
    assert ports == {"http": 8080, "metrics": 9464}
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "9464"
    assert {port["targetPort"] for port in service["spec"]["ports"]} == {"http"}
    assert service["spec"]["selector"] == template["metadata"]["labels"]
    assert {sidecar[probe]["tcpSocket"]["port"] for probe in ("startupProbe", "livenessProbe")} == {
        "http"
    }
    volumes = {each["name"] for each in pod["volumes"]} | {
        claim["metadata"]["name"] for claim in workload["spec"]["volumeClaimTemplates"]
    }
    assert {mount["name"] for mount in sidecar["volumeMounts"]} == volumes
    assert sidecar["args"][0] == "--mode"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_takes_the_unit(tmp_path):
    """Without a warning, where the program is installed."""
    unit = (FILES / "statetrail.service").read_text("utf-8")
    copy = tmp_path / "statetrail.service"
    copy.write_text(unit.replace("/opt/statetrail/bin/statetrail", "/bin/true"), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
