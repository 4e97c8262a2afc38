"""The Compose cluster as users run it: built, started, produced to from inside and outside, one container killed, another off its network; what is
read is compared with what was acknowledged. DOCKER and COMPOSE name the commands; tests/suites/compose.sh brings up an engine of its own for it.
"""

import json
import os
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from harness.checker import check
from harness.cluster import ROOT, wait_until
from harness.history import History
from harness.load import Load, drain
from harness.suite import Suite

DOCKER, COMPOSE = os.environ["DOCKER"].split(), os.environ["COMPOSE"].split()
OUTSIDE, PARTITIONS = "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094", 6
PROJECT = "drave-test"


def run(*words, check_it=True, stdin=None, timeout=1800):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, input=stdin, timeout=timeout, cwd=ROOT)
    if check_it and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {done.returncode}: {(done.stderr + done.stdout)[-1500:]}")
    return done


def compose(*words, **kw):
    return run(*COMPOSE, "-p", PROJECT, "--project-directory", str(ROOT), *words, **kw)


def container(n):
    return compose("ps", "-q", f"drave{n}").stdout.strip()


def inside(*words, stdin=None, at=1):
    """drave in a container, over the inner listener."""
    return run(*DOCKER, "exec", "-i", container(at), "drave", *words, "-b", "drave1:9092,drave2:9092,drave3:9092", stdin=stdin)


def health():
    return [json.loads(run(*DOCKER, "inspect", container(n)).stdout)[0]["State"].get("Health", {}).get("Status") for n in (1, 2, 3)]


def cluster_comes_up():
    """build and up: all three become healthy; the processes are not root; the image is small."""
    compose("build")
    compose("up", "-d")
    wait_until("three healthy containers", lambda: health() == ["healthy"] * 3, 120, 0.5)
    assert run(*DOCKER, "exec", container(1), "id", "-u").stdout.strip() != "0", "draved runs as root"
    size = int(run(*DOCKER, "image", "inspect", "drave", "--format", "{{.Size}}").stdout) / 1e6
    return f"image {size:.0f} MB with its base"


def inside_and_outside():
    """What is produced inside is read outside, and the other way round: each listener gives the addresses that fit."""
    inside("topic", "create", "both", "-p", "3", "-r", "3")
    inside("produce", "both", stdin="from inside\n")
    env = dict(os.environ, DRAVE_BOOTSTRAP=OUTSIDE)
    drave = os.path.join(os.environ["DRAVE_BIN"], "drave")
    subprocess.run([drave, "produce", "both"], input="from outside\n", text=True, check=True, capture_output=True, env=env, timeout=60)
    wanted = ["from inside", "from outside"]
    assert sorted(inside("consume", "both", "-e").stdout.splitlines()) == wanted
    assert (
        sorted(
            subprocess.run(
                [drave, "consume", "both", "-e"], text=True, check=True, capture_output=True, env=env, timeout=60
            ).stdout.splitlines()
        )
        == wanted
    )


def faults_lose_nothing():
    """Under load: one container is killed and started, another is taken off its network for a while."""
    inside("topic", "create", "chaos", "-p", str(PARTITIONS), "-r", "3")
    history = History(ROOT / "build" / "compose" / "history.jsonl")
    load = Load(history, OUTSIDE, "chaos", PARTITIONS, 50).start()

    def progress(what, more=100):
        mark = dict(load.acked)
        wait_until(what, lambda: all(load.acked[p] >= mark[p] + more for p in mark), 60)

    try:
        progress("load")
        run(*DOCKER, "kill", "-s", "KILL", container(2))
        progress("acknowledgements without broker 2")
        run(*DOCKER, "start", container(2))
        wait_until("three healthy containers", lambda: health() == ["healthy"] * 3, 120, 0.5)
        network = f"{PROJECT}_drave"
        run(*DOCKER, "network", "disconnect", network, container(3))
        time.sleep(8)  # the fault lasts 8 s
        run(*DOCKER, "network", "connect", "--alias", "drave3", network, container(3))
        wait_until("three healthy containers", lambda: health() == ["healthy"] * 3, 120, 0.5)
        progress("acknowledgements at the end")
    finally:
        load.stop()
    drain(history, OUTSIDE, "chaos", PARTITIONS)
    history.close()
    report = check(history.ops)
    assert not report["anomalies"], report["anomalies"]
    return f"{report['acknowledged']} acknowledged, lost 0, longest gap {report['longest_gap_ms']:.0f} ms"


def data_survives_down():
    """down and up again: the volumes keep cluster, topic and records."""
    compose("down")
    compose("up", "-d")
    wait_until("three healthy containers", lambda: health() == ["healthy"] * 3, 120, 0.5)
    assert sorted(inside("consume", "both", "-e").stdout.splitlines()) == ["from inside", "from outside"]


def asked(query):
    """The one number that Prometheus answers, or None."""
    try:
        url = f"http://127.0.0.1:9090/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else None
    except OSError:
        return None


def profiles():
    """Profiles demo and watch: traffic flows, two groups read, Prometheus sees three brokers and knows the alerts. (Grafana cannot be had here.)"""
    compose("--profile", "demo", "--profile", "watch", "up", "-d", "traffic", "prometheus")
    wait_until("three brokers in Prometheus", lambda: asked('sum(up{job="drave"})') == 3, 120, 0.5)
    rate = wait_until("traffic in Prometheus", lambda: asked("sum(rate(drave_received_bytes_total[30s])) > 10000"), 120, 0.5)
    wait_until("groups that read", lambda: {"audit", "billing"} <= set(inside("group", "list").stdout.split()), 60, 0.5)
    with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/rules", timeout=10) as answer:
        rules = [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]
    assert len(rules) >= 14 and all(rule["health"] != "err" for rule in rules), rules
    compose("--profile", "demo", "--profile", "watch", "rm", "-s", "-f", "traffic", "prometheus")
    return f"{rate / 1000:.0f} kB/s of traffic, {len(rules)} alerts"


def from_scratch():
    """The image without anything else: small, healthy with a read-only root, without rights, as its user; its own programs are all it has."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as other:  # by Compose, which then takes the stage that it has built already
        other.write("services: {drave1: {image: 'drave:scratch', build: {context: ., dockerfile: deploy/Dockerfile, target: scratch}}}\n")
        other.flush()
        compose("-f", "docker-compose.yml", "-f", other.name, "build", "drave1")
    name, limits = f"{PROJECT}-scratch", ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    run(*DOCKER, "run", "-d", "--name", name, *limits, "drave:scratch")
    try:
        state = ("inspect", name, "--format", "{{.State.Health.Status}}")
        wait_until("a healthy broker", lambda: run(*DOCKER, *state).stdout.strip() == "healthy", 60, 0.5)
        run(*DOCKER, "exec", name, "drave", "topic", "create", "t", "--if-not-exists")
        run(*DOCKER, "exec", "-i", name, "drave", "produce", "t", stdin="c\n")
        assert run(*DOCKER, "exec", name, "drave", "consume", "t", "-e").stdout.splitlines()[-1] == "c"
        assert run(*DOCKER, "top", name, "-eo", "pid,uid").stdout.split()[-1] == "10001"
        assert run(*DOCKER, "exec", name, "sh", "-c", "true", check_it=False).returncode != 0
        run(*DOCKER, "stop", "-t", "30", name)
        code = run(*DOCKER, "inspect", name, "--format", "{{.State.ExitCode}}").stdout.strip()
        assert code == "0", f"it ended with {code}"
    finally:
        run(*DOCKER, "rm", "-f", "-v", name)
    size = int(run(*DOCKER, "image", "inspect", "drave:scratch", "--format", "{{.Size}}").stdout) / (1 << 20)
    assert size < 40, f"{size:.1f} MiB"
    return f"{size:.1f} MiB"


suite = Suite()
try:
    compose("down", "-v", check_it=False)
    for test in (cluster_comes_up, inside_and_outside, faults_lose_nothing, data_survives_down, profiles, from_scratch):
        suite.run(test)
    if suite.failed:
        print(compose("logs", "--tail", "40", check_it=False).stdout[-6000:], flush=True)
finally:
    compose("--profile", "demo", "--profile", "watch", "down", "-v", "--remove-orphans", check_it=False)
suite.end()
