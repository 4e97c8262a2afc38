"""The dashboards of deploy/grafana: each query names metrics that brokers tell, and panels have a place of their own. With --live each query and each alert is
asked of a Prometheus that scrapes a loaded cluster, and must have an answer (tests/run observe)."""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from harness.cluster import BIN, ROOT, Cluster, free_ports, wait_until
from harness.suite import Suite

FOLDER = ROOT / "deploy/grafana"
DASHBOARDS = {p.stem: json.loads(p.read_text()) for p in sorted((FOLDER / "dashboards").glob("*.json"))}
METRIC = re.compile(r"\b(?:drave|process)_[a-z_]+\b")


def queries():
    for name, board in DASHBOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{name}, {panel['title']}", target["expr"]
        for note in board["annotations"]["list"]:
            yield f"{name}, {note['name']}", note["expr"]


def told():
    """{metric: labels} of draved --help-metrics"""
    table = subprocess.run([str(BIN / "draved"), "--help-metrics"], capture_output=True, text=True, check=True).stdout
    return {name: set((labels or "").split(",")) for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \w+$", table, re.M)}


def made():
    """What lies there is what make_dashboards.py makes."""
    assert set(DASHBOARDS) == {"cluster", "topics"}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(FOLDER / "make_dashboards.py"), folder], check=True)
        for name in DASHBOARDS:
            same = (Path(folder) / f"{name}.json").read_text() == (FOLDER / f"dashboards/{name}.json").read_text()
            assert same, f"{name}.json is not what deploy/grafana/make_dashboards.py makes; run it"


def shape():
    """Ids are unique, panels do not overlap, every panel has a unit and a query; provisioning finds the folder that Compose mounts."""
    assert len({board["uid"] for board in DASHBOARDS.values()}) == len(DASHBOARDS)
    for name, board in DASHBOARDS.items():
        ids, taken = [p["id"] for p in board["panels"]], set()
        assert len(set(ids)) == len(ids), name
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert not cells & taken and place["x"] + place["w"] <= 24, f"{name}: {panel['title']} lies on another panel"
            taken |= cells
            assert panel["type"] == "row" or (panel["targets"] and panel["fieldConfig"]["defaults"]["unit"]), panel["title"]
    provider = (FOLDER / "provisioning/dashboards/drave.yml").read_text()
    assert re.search(r"path: (\S+?)}", provider).group(1) + ":ro" in (ROOT / "docker-compose.yml").read_text()


def metrics():
    """Brokers tell what is asked for, and labels that are chosen or kept are theirs."""
    known, used = told(), set()
    for where, query in queries():
        names = {re.sub("_(?:bucket|sum|count)$", "", n) for n in METRIC.findall(query)}
        assert names and names <= set(known) or "up{" in query, f"{where}: {names - set(known)}"
        used |= names
        labels = set(re.findall(r"(\w+)=~?\"", query)) | {l for by in re.findall(r"by \((.*?)\)", query) for l in by.split(", ")}
        allowed = {"instance", "job", "le"}.union(*(known[n] for n in names))
        assert labels <= allowed, f"{where}: {labels - allowed}"
    # Those of single partitions are told on demand (/metrics/partitions), and no Prometheus asks for them all the time.
    missing = {n for n in known if re.match("drave_(topic|journal|group(?!_partition))", n)} - used
    assert not missing, f"no panel shows {missing}"
    return f"{sum(1 for _ in queries())} queries, {len(used)} of {len(known)} metrics"


# ---- Live ----


def ask(port, path, **words):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(words)}", timeout=30) as answer:
        return json.load(answer)["data"]


def live():
    """Three brokers under load, a Prometheus: every panel has something to show, every alert can be judged, and none fires."""
    (port,) = free_ports(1)
    with Cluster(3, settings={"http.listen": "127.0.0.1:0"}) as cluster, tempfile.TemporaryDirectory(prefix="drave-test-") as place:
        config, started = Path(place) / "prometheus.yml", []
        targets = [broker.wait_log(r"metrics and health: http://(\S+)").group(1) for broker in cluster]
        config.write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{ROOT}/deploy/prometheus/drave.rules.yml]\n"
            f"scrape_configs: [{{job_name: drave, static_configs: [{{targets: {json.dumps(targets)}}}]}}]\n"
        )
        cluster.create("loaded", 6)
        load = [BIN / "drave", "bench", "e2e", "loaded", "-b", cluster.bootstrap, "--rate", "500", "--seconds", "120", "-G", "readers"]
        watch = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={place}/data", f"--web.listen-address=127.0.0.1:{port}"]
        try:
            for words in (load, watch):
                started.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_until("Prometheus", lambda: answers(port), 30, 0.2)
            waiting = {where: q.replace("$__rate_interval", "10s").replace("$instance", ".*") for where, q in queries()}
            waiting = {f"{where}: {q}": q for where, q in waiting.items()}

            def all_shown():
                for where in [w for w, q in waiting.items() if shows(port, q)]:
                    del waiting[where]
                return not waiting

            try:
                wait_until("every panel", all_shown, 100, 1)
            except TimeoutError:
                raise AssertionError(f"nothing to show: {list(waiting)}") from None
            rules = [rule for group in ask(port, "/api/v1/rules")["groups"] for rule in group["rules"]]
            bad = [rule["name"] for rule in rules if rule["health"] != "ok" or rule["state"] == "firing"]
            assert rules and not bad, bad
            return f"{sum(1 for _ in queries())} queries have an answer, {len(rules)} alerts rest"
        finally:
            for process in started:
                process.kill()
                process.wait()


def answers(port):
    try:
        return ask(port, "/api/v1/query", query="up")["result"]
    except OSError:
        return False


def shows(port, query):
    """An annotation shows nothing while nothing happens."""
    return query.endswith("> 0") or bool(ask(port, "/api/v1/query", query=query, time=time.time())["result"])


suite = Suite()
for test in (made, shape, metrics) + ((live,) if "--live" in sys.argv else ()):
    suite.run(test)
suite.end()
