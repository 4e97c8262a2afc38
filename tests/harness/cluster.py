"""A cluster of real draved processes on loopback, for the tests: start, kill, pause, restart, and wait for events.

Every broker has a directory of its own (log, data); ports are picked by the system. A test ends only processes that it
started, by pid. Waiting is always for something with a limit, and a failure says what was waited for.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("DRAVE_BIN", ROOT / "build" / "release" / "bin"))


_reserved = []  # until this process ends


def free_ports(n):
    """n ports that nobody listens on now, and that the system gives to nobody else while this process lives.

    They stay bound (never listening): who binds to the same one by its number, with SO_REUSEADDR as all servers do, may
    listen there; a dialling socket or a bind to port 0 of another process does not get it.
    """
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
    _reserved.extend(held)
    return [s.getsockname()[1] for s in held]


def wait_until(what, condition, seconds=30.0, pause=0.02):
    """The first true result of condition(); fails with `what` after the limit."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(pause)


class Broker:
    def __init__(self, cluster, node, port, peer_port, directory, data):
        self.cluster, self.node, self.port, self.peer_port = cluster, node, port, peer_port
        self.told_peer_port = peer_port  # what the others dial: Links puts a proxy there
        self.directory, self.data = Path(directory), Path(data)
        self.log_path = self.directory / "draved.log"
        self.process = None
        self.log_mark = 0
        self.wrapper = []  # a command in front of draved, such as strace
        self.settings = {}  # its own, beside those of the cluster

    def arguments(self):
        pairs = {
            "node.id": self.node,
            "data.dir": self.data,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "http.listen": "",
            **(
                {"peer.listen": f"127.0.0.1:{self.peer_port}", "cluster.nodes": self.cluster.nodes_setting()}
                if self.cluster.size > 1 or self.cluster.grows
                else {}
            ),
            **self.cluster.settings,
            **self.settings,
        }
        return [str(BIN / "draved")] + [a for k, v in pairs.items() for a in ("--set", f"{k}={v}")]

    def start(self, ready=False):
        assert not self.alive(), f"broker {self.node} runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        log = open(self.log_path, "ab")
        self.log_mark = log.tell()
        env = dict(os.environ, ASAN_OPTIONS="abort_on_error=1:" + os.environ.get("ASAN_OPTIONS", ""))
        self.process = subprocess.Popen(
            self.wrapper + self.arguments(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=env
        )
        log.close()
        self.cluster.started.append(self.process)
        if ready:
            self.wait_ready()
        return self

    @property
    def pid(self):
        """Of draved itself, also under a wrapper."""
        if not self.wrapper:
            return self.process.pid
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(wait_until("the wrapped draved", lambda: children.read_text().split())[0])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self, whole=False):
        if not self.log_path.exists():
            return ""
        data = self.log_path.read_bytes()
        return data[0 if whole else self.log_mark :].decode(errors="replace")

    def wait_log(self, pattern, seconds=30.0):
        def seen():
            match = re.search(pattern, self.log_text())
            if not match and not self.alive():
                raise RuntimeError(
                    f"broker {self.node} ended with {self.process.returncode} before /{pattern}/:\n{self.log_text()[-2000:]}"
                )
            return match

        return wait_until(f"/{pattern}/ in the log of broker {self.node}", seen, seconds)

    def wait_ready(self, seconds=30.0):
        self.wait_log(r"ready: ", seconds)

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9, and waits until it is gone."""
        if self.alive():
            self.signal(signal.SIGKILL)
            self.process.wait(20)

    def stop(self, seconds=30.0):
        """SIGTERM; returns the exit code. A broker that ends in good order has given everything back."""
        self.signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.assert_no_bug()
        return code

    def assert_no_bug(self):
        """What the broker itself says is a bug of its own (memory still charged at the end, say)."""
        found = re.search(r".*: a bug of draved.*", self.log_text())
        assert not found, f"broker {self.node} says: {found.group(0)}"

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        """(sockets, all)"""
        folder, targets = f"/proc/{self.pid}/fd", []
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                targets.append(os.readlink(f"{folder}/{name}"))
        return sum(t.startswith("socket:") for t in targets), len(targets)

    def rss_bytes(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text()).group(1)) * 1024


class Cluster:
    """with Cluster(3) as c: ...   brokers are c[1], c[2], c[3]."""

    def __init__(self, size=3, directory=None, settings=None, data=None, grows=False):
        """grows: also one alone listens for others."""
        self.size, self.settings, self.started, self.grows = size, dict(settings or {}), [], grows
        self.own, self.keeps = directory is None, False
        self.directory = Path(directory or tempfile.mkdtemp(prefix="drave-test-"))
        ports = free_ports(2 * size)
        self.brokers = {}
        for i in range(size):
            node, place = i + 1, self.directory / str(i + 1)
            where = data(node) if data else place / "data"
            self.brokers[node] = Broker(self, node, ports[i], ports[size + i], place, where)

    def __getitem__(self, node):
        return self.brokers[node]

    def __iter__(self):
        return iter(self.brokers.values())

    def newcomer(self):
        """One more broker, with an empty directory and a list in which all are; the others have theirs until they start again."""
        node, (port, peer) = max(self.brokers) + 1, free_ports(2)
        place = self.directory / str(node)
        self.brokers[node] = Broker(self, node, port, peer, place, place / "data")
        self.size += 1
        return self.brokers[node]

    def nodes_setting(self):
        return ",".join(f"{b.node}@127.0.0.1:{b.told_peer_port}" for b in self)

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{b.port}" for b in self)

    def start(self, seconds=60.0):
        for b in self:
            b.start()
        for b in self:
            b.wait_ready(seconds)
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.close(keep=self.keeps or kind is not None)

    def close(self, keep=False):
        if not keep:
            for b in self:
                b.assert_no_bug()
        for p in self.started:
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                p.wait()
        if keep:
            print(f"# kept for looking at: {self.directory}", flush=True)
        elif self.own:
            subprocess.run(["rm", "-rf", str(self.directory)], check=False)

    def drave(self, *words, check=True, timeout=60, stdin=None, json_out=False):
        """Runs the command line against this cluster; returns the completed process, or the parsed JSON."""
        command = [str(BIN / "drave"), *map(str, words)] + (["--json"] if json_out else [])
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, env=dict(os.environ, DRAVE_BOOTSTRAP=self.bootstrap)
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
        return json.loads(done.stdout) if json_out else done

    def create(self, topic, partitions=1, replicas=None, **config):
        words = ["topic", "create", topic, "-p", partitions, "-r", replicas or min(3, self.size)]
        for k, v in config.items():
            words += ["-c", f"{k}={v}"]
        self.drave(*words)

    def wait_feature(self, name):
        """Until a new cluster has it: the metadata leader sets it when all brokers have registered."""
        wait_until(f"the level of {name}", lambda: any(f"{name} is at level" in b.log_text(whole=True) for b in self))

    def describe(self, topic):
        return self.drave("topic", "describe", topic, json_out=True)

    def leaders(self, topic):
        """Partition -> node id of its leader, or None."""
        return {p["id"]: (p["leader"] if (p["leader"] or -1) >= 0 else None) for p in self.describe(topic)["partitions"]}

    def wait_leaders(self, topic, in_sync=None, seconds=30.0):
        def all_led():
            parts = self.describe(topic)["partitions"]
            return all((p["leader"] or -1) >= 0 and (in_sync is None or len(p["in_sync"]) >= in_sync) for p in parts)

        wait_until(f"leaders of {topic}", all_led, seconds, 0.1)
