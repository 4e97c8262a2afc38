"""Kafka Connect: a distributed worker that copies a file into a topic, exactly once. Its jars are in the folder that is named.

open takes the topic, the file, and a folder for what it writes; the connector of the group is made unless the cluster has it already.
"""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from compat.drivers.line import login, serve

JARS = sys.argv[1]
PATIENCE_S = 120  # until a worker that was asked before it has joined its group does what it is told


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Driver:
    def __init__(self):
        self.process = None

    def hello(self, q):
        (jar,) = Path(JARS).glob("connect-runtime-*.jar")
        return {"client": f"kafka-connect {re.search(r'([0-9.]+[0-9])[.]jar', jar.name).group(1)}"}

    def open(self, q):
        self.address, group = f"http://127.0.0.1:{free_port()}", q["group"]
        settings = {
            "bootstrap.servers": q["bootstrap"],
            "group.id": group,
            "listeners": self.address,
            "exactly.once.source.support": "enabled",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "session.timeout.ms": q["session_ms"],
            "heartbeat.interval.ms": 500,
            "scheduled.rebalance.max.delay.ms": 0,
            "offset.storage.partitions": 3,
        }
        for whose in ("", "producer.", "consumer.", "admin."):
            settings |= {whose + k: v for k, v in login(q, "java").items()}
        for what in ("config", "offset", "status"):
            settings |= {f"{what}.storage.topic": f"{group}-{what}", f"{what}.storage.replication.factor": 3}
        place = Path(q["folder"]) / "worker.properties"
        place.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*"]
        self.process = subprocess.Popen([*java, "org.apache.kafka.connect.cli.ConnectDistributed", place], stdin=subprocess.DEVNULL)
        connector = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "tasks.max": 1,
            "exactly.once.support": "required",
            "file": q["file"],
            "topic": q["topics"][0],
        }
        self.insist(lambda: "copy" in self.ask("/connectors") or self.ask("/connectors/copy/config", connector))

    def ask(self, path, body=None, how="PUT"):
        """GET, or what `how` says of a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=how if data else "GET")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def insist(self, act):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return act()
            except OSError as e:  # not up yet, or not in its group yet
                if self.process.poll() is not None:
                    raise RuntimeError(f"the worker ended with {self.process.returncode}") from e
                if time.monotonic() > end:
                    raise RuntimeError(f"{e}: {e.read()[:300] if isinstance(e, urllib.error.HTTPError) else ''}") from e
                time.sleep(0.3)

    def state(self, q):
        if self.process.poll() is not None:
            return {"state": f"ended with {self.process.returncode}"}
        said = self.insist(lambda: self.ask("/connectors/copy/status"))
        failed = [t.get("trace", "")[:300] for t in said["tasks"] if t["state"] == "FAILED"]
        if failed and q["rough"]:  # one that could not read its own topics within 3 s; whoever runs it tells it to try again
            self.insist(lambda: self.ask("/connectors/copy/restart?includeTasks=true&onlyFailed=true", {}, "POST"))
            return {"state": "RESTARTED"}
        return {"state": "ERROR " + failed[0] if failed else said["connector"]["state"]}

    def close(self, q):
        if self.process:
            self.process.terminate()
            self.process.wait(30)


serve(Driver())
