"""drave dev: a cluster on this machine. What its commands say is true when they say it, and no other process is ever touched."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer

from harness.cluster import BIN, wait_until
from harness.command import expect, run
from harness.patience import within
from harness.suite import Suite


class Dev:
    """with Dev() as dev: dev("start", 1) ...   a directory of its own, with nothing left behind."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drave-dev-"))
        self.dir = self.folder / "c"
        return self

    def __exit__(self, *_):
        if self.dir.exists():
            self("resume", *(s["id"] for s in self.status() if s["state"] == "paused"))
            self("kill", *(s["id"] for s in self.status()))
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, *words, **more):
        return run("dev", *words, "--dir", self.dir, **more)

    def make(self, nodes=3):
        started = self("--nodes", nodes, "--port", 0, "--detach")
        expect(started, 0, "bootstrap: ")
        self.env = {"DRAVE_BOOTSTRAP": re.search(r"bootstrap: (\S+)", started.stdout).group(1)}
        return self

    def status(self):
        return json.loads(self("status", "--json").stdout)

    def states(self):
        return [s["state"] for s in self.status()]


def dev_cluster():
    """drave dev: start, status, kill, pause, resume, start, stop; nothing of it is left running."""
    with tempfile.TemporaryDirectory() as d:

        def dev(*words):
            return run("dev", *words, "--dir", f"{d}/c")

        def port_of(status):
            return int(status["address"].rsplit(":", 1)[1])

        try:
            started = dev("--nodes", 3, "--port", 0, "--detach")
            expect(started, 0, r"bootstrap: 127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+", "drave topic create", "dev stop", "rm -r")
            env = {"DRAVE_BOOTSTRAP": re.search(r"bootstrap: (\S+)", started.stdout).group(1)}
            expect(run("topic", "create", "t", env=env), 0)
            status = json.loads(dev("status", "--json").stdout)
            assert [s["running"] for s in status] == [True] * 3
            expect(dev("kill", 2), 0)
            assert [s["running"] for s in json.loads(dev("status", "--json").stdout)] == [True, False, True]
            expect(dev("kill", 2), 1, "does not run")
            expect(dev("pause", 1), 0)
            expect(dev("resume", 1), 0)
            below = Path(d) / "below"
            below.mkdir()
            relative = subprocess.run(
                [str(BIN / "drave"), "dev", "start", "2", "--dir", "../c"], cwd=below, capture_output=True, text=True, timeout=60
            )
            expect(relative, 0, "broker 2")  # whatever the working directory
            taken = run("dev", "--dir", f"{d}/other", "--nodes", 1, "--port", port_of(status[0]))
            expect(taken, 1, str(port_of(status[0])), "in use")
            assert not (Path(d) / "other").exists(), "a directory was made for a cluster that cannot start"
            expect(dev("--port", 1), 1, "brokers already")
            expect(dev("kill", 9), 1, "no broker 9")
            expect(dev("start", 2), 1, "broker 2 runs already")
            expect(dev("start"), 0, "all 3 brokers run already")
            for name in ("draved.conf", "draved.pid", "draved.log", "data"):
                assert (Path(d) / "c" / "1" / name).exists(), name
        finally:
            expect(dev("stop"), 0)
        assert not any(s["running"] for s in json.loads(dev("status", "--json").stdout))
        again = dev("--detach")
        try:
            expect(again, 0, "bootstrap: ")
            env = {"DRAVE_BOOTSTRAP": re.search(r"bootstrap: (\S+)", again.stdout).group(1)}
            wait_until("the topic after a restart", lambda: run("topic", "describe", "t", env=env).returncode == 0)
        finally:
            expect(dev("stop"), 0)


def dev_interrupted():
    """Ctrl-C while drave dev still starts its brokers ends those, too."""
    for wait in range(6):
        with Dev() as dev:
            process = subprocess.Popen(
                [str(BIN / "drave"), "dev", "--dir", str(dev.dir), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            wait_until("a broker", lambda: (dev.dir / "1" / "draved.pid").exists(), pause=0.0005)
            time.sleep(wait * 0.002)  # another stage each time: forked, draved, locked, connected
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            assert dev.states() == ["stopped"] * len(dev.status()), dev.states()


def no_majority():
    """A broker that runs without the others is started: after two seconds it is said that, and whose start helps."""
    with Dev() as dev:
        dev.make()
        expect(dev("kill", 1, 2, 3), 0, "broker 3 .* killed")
        began = time.monotonic()
        expect(dev("start", 1), 0, r"broker 1 \(pid \d+\) started", "majority", "2, 3 are stopped", "drave dev start 2 --dir")
        took = time.monotonic() - began
        assert 1.5 < took and within(took, 6), took
        began = time.monotonic()
        expect(dev("start", 2), 0, "broker 2 .* started")
        expect(run("topic", "create", "t", env=dev.env), 0)
        expect(dev("kill", 1, 2), 0)
        started = dev("start")
        expect(started, 0, "broker 1 .* started", "broker 2 .* started", "broker 3 .* started")
        assert "majority" not in started.stderr, started.stderr
        expect(dev("kill", 2, 3), 0)
        expect(run("topic", "create", "t2", "--timeout", "3s", env=dev.env), 1, "no broker leads the metadata: a majority of its voters")
        expect(dev("start"), 0)
        expect(dev("pause", 2, 3), 0)
        expect(dev("kill", 1), 0)
        expect(dev("start", 1), 0, "Paused: 2, 3; drave dev resume 2")
        assert dev.states() == ["running", "paused", "paused"], dev.states()


def waits_for_a_start():
    """While a cluster starts, every command tries until its timeout is over."""
    with Dev() as dev:
        dev.make()
        expect(run("topic", "create", "t", env=dev.env), 0)
        expect(dev("stop"), 0)
        env = dict(os.environ, **dev.env)
        waiting = [
            subprocess.Popen(
                [str(BIN / "drave"), *words, "--timeout", "40s"],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for words in (["produce", "t"], ["consume", "t", "-n", "1"], ["topic", "list"], ["info"], ["topic", "create", "t2"])
        ]
        time.sleep(0.3)
        assert all(p.poll() is None for p in waiting), "a command does not wait"
        expect(dev("start"), 0)
        for p in waiting:
            out, err = p.communicate("x\n" if p is waiting[0] else None, timeout=60)
            assert p.returncode == 0, (p.args, p.returncode, out, err)


def produce_says_why():
    """A producer that waits says the brokers' reason after two seconds, and at its end, which --timeout sets."""
    with Dev() as dev, Dev() as full:
        dev.make()
        for words in (["t", "-c", "min.insync.replicas=3"], ["u"]):
            expect(run("topic", "create", *words, env=dev.env), 0)
        expect(dev("kill", 3), 0)
        wait_until(
            "two in sync",
            lambda: len(json.loads(run("topic", "describe", "t", "--json", env=dev.env).stdout)["partitions"][0]["in_sync"]) == 2,
        )
        few = r"t-0: 2 of 3 replicas are in sync and min\.insync\.replicas is 3"
        expect(
            run("produce", "t", "--timeout", "3500ms", stdin="x\n", env=dev.env),
            1,
            f"waiting for 1 records to be acknowledged; .*{few}",
            "not acknowledged in time",
            f"drave: partition {few}",
        )
        expect(dev("kill", 2), 0)
        began = time.monotonic()
        expect(
            run("produce", "u", "--timeout", "3500ms", stdin="x\n", env=dev.env),
            1,
            "waiting for .*u-0: 2 of 3 replicas are down: brokers",
            "drave: partition u-0: 2 of 3",
        )
        took = time.monotonic() - began
        assert within(took, 8), took
        waiting = subprocess.Popen(
            [str(BIN / "drave"), "produce", "u"], env=dict(os.environ, **dev.env), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        waiting.stdin.write("x\n")
        waiting.stdin.flush()
        assert "2 of 3 replicas are down" in waiting.stderr.readline(), "nothing is said while the input is open"
        expect(dev("start"), 0)
        out, err = waiting.communicate(timeout=60)
        assert waiting.returncode == 0 and "1 records acknowledged" in err, (waiting.returncode, err)
        started = full("--nodes", 1, "--port", 0, "--detach", "--set", f"disk.min.free.bytes={1 << 50}")
        env = {"DRAVE_BOOTSTRAP": re.search(r"bootstrap: (\S+)", started.stdout).group(1)}
        expect(run("topic", "create", "v", env=env), 0)
        nearly = r"broker 1 refuses records: the disk of .* is nearly full: .*STORAGE_ERROR"
        expect(
            run("produce", "v", "--timeout", "3s", stdin="x\n", env=env), 1, f"waiting for .*{nearly}", f"drave: partition v-0: {nearly}"
        )


def stop_is_the_end():
    """dev stop returns when the processes are gone with their files and ports: rm -r and a new start right behind it work, time after time."""
    with Dev() as dev:
        for _ in range(3):
            dev.make()
            expect(run("topic", "create", "t", "-p", 20, env=dev.env), 0)
            pids = [s["pid"] for s in dev.status()]
            expect(dev("pause", 3), 0)
            expect(dev("stop"), 0, "3 brokers stopped")
            assert not [p for p in pids if Path(f"/proc/{p}/exe").exists()], "a broker outlives dev stop"
            shutil.rmtree(dev.dir)
        dev.make()
        expect(dev("stop", 2, "--timeout", "30s"), 0, "1 broker stopped")
        assert dev.states() == ["running", "stopped", "running"]
        expect(dev("stop"), 0, "2 brokers stopped")
        expect(dev("stop"), 0, "no broker of .* runs")


def stop_has_a_limit():
    """What has not ended in time is named with its pid and what ends it. (A tracer holds the broker where no signal but SIGKILL gets in.)"""
    with Dev() as dev:
        dev.make(1)
        pid = dev.status()[0]["pid"]
        held = subprocess.Popen(
            ["strace", "-qq", "-f", "-e", "inject=all:delay_enter=2000000", "-p", str(pid), "-o", "/dev/null"], stderr=subprocess.DEVNULL
        )
        try:
            wait_until("the tracer", lambda: f"TracerPid:\t{held.pid}" in Path(f"/proc/{pid}/status").read_text())
            stopped = dev("stop", "--timeout", "500ms")
            expect(stopped, 1, rf"broker 1 \(pid {pid}\) has not ended in 0.5 s", "drave dev kill 1")
            expect(dev("kill", 1, "--timeout", "20s"), 0, "broker 1 .* killed")
        finally:
            held.kill()
            held.wait()


def strangers_are_safe():
    """Whatever number stands in draved.pid or in the lock: a process that is not the broker is never signalled."""
    with Dev() as dev:
        dev.make(1)
        expect(dev("stop"), 0)
        stranger = subprocess.Popen(["sleep", "1000"])
        try:
            for name in ("draved.pid", "data/lock"):
                (dev.dir / "1" / name).write_text(f"{stranger.pid}\n")
            assert dev.states() == ["stopped"]
            for words in (["stop"], ["kill", 1], ["pause", 1]):
                dev(*words)
                assert Path(f"/proc/{stranger.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S", f"{words} hit a stranger"
            for text in ("", "x", "-1", "0", "1", "99999999999999999999", "4194305"):
                for name in ("draved.pid", "data/lock"):
                    (dev.dir / "1" / name).write_text(text)
                expect(dev("stop"), 0, "no broker of")
            expect(dev("start"), 0, "broker 1 .* started")
            # Another broker's number is no better than a stranger's.
            with Dev() as other:
                other.make(1)
                (other.dir / "1" / "draved.pid").write_text(str(dev.status()[0]["pid"]))
                expect(other("stop"), 0, "1 broker stopped")
            assert dev.states() == ["running"]
            # A broker that has not come to its lock yet is found by its conf.
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def refused_settings():
    """A setting that draved refuses is said at once, and leaves no directory that would be in the way of the next try."""
    with Dev() as dev:
        expect(dev("--port", 0, "--set", "max.conections=3"), 1, "max.connections")
        expect(dev("--port", 0, "--set", "no pair"), 1, "no pair")
        expect(dev("--port", 0, "--set", "a=b\nnode.id=7"), 1, "line break")
        assert not dev.dir.exists(), "a directory was left behind"
        for words in (["--nodes", 0], ["--nodes", 100], ["--nodes", "three"], ["--port", 70000], ["--port", -1], ["--nodes", ""]):
            expect(dev(*words), 2, re.escape(words[0]))
        expect(run("dev", "--dir", "", "--port", 0), 1, "--dir")
        expect(run("dev", "stop", "--dir", ""), 1, "--dir")
        expect(run("dev", "--dir", "/proc/nowhere/c", "--port", 0), 1, "/proc/nowhere/c")
        expect(run("dev", "--dir", str(dev.folder / "x\ny"), "--port", 0), 1, "line break")
        (dev.folder / "file").write_text("")
        expect(run("dev", "--dir", dev.folder / "file", "--port", 0), 1, "file")
        expect(run("dev", "status", "--dir", dev.folder), 1, "no brokers")
        dev.make(1)
        expect(dev("kill", "01"), 1, "no broker 01")
        expect(dev("kill", ""), 1, "no broker")
        expect(dev("kill"), 2, "usage")


def hangup():
    """When its terminal goes, drave dev ends its brokers; one that nohup protects stays."""
    for ignored in (False, True):
        with Dev() as dev:
            process = subprocess.Popen(
                [str(BIN / "drave"), "dev", "--dir", str(dev.dir), "--port", "0", "--nodes", "1"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if ignored else None,
            )
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            if ignored:
                assert process.stdout.readline() == "\n" and dev.states() == ["running"]
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0 and "stopping 1 broker" in err, (process.returncode, err)
            assert dev.states() == ["stopped"]


def told_while_staying():
    """A broker that ends while drave dev stays is told with its last line."""
    with Dev() as dev:
        process = subprocess.Popen(
            [str(BIN / "drave"), "dev", "--dir", str(dev.dir), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        expect(dev("kill", 2), 0)
        assert "broker 2 has ended" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0 and dev.states() == ["stopped"] * 3


def secured():
    """drave dev --tls --sasl as a newcomer uses it: the lines that it prints, kcat and Python with its file; nobody else gets in."""
    with Dev() as dev:
        started = dev("--tls", "--sasl", "--nodes", 3, "--port", 0, "--detach")
        expect(started, 0, "bootstrap: ", "user: +dev")
        password = (dev.dir / "login/dev.password").read_text().strip()
        assert password not in started.stdout + started.stderr
        lines = [line.strip() for line in started.stdout.split("try:")[1].split("stop:")[0].strip().splitlines()]
        home = {"XDG_CONFIG_HOME": str(dev.folder / "home"), "DRAVE_BOOTSTRAP": "", "PATH": f"{BIN}:{os.environ['PATH']}"}
        typed = subprocess.run(
            ["/bin/bash", "-ec", "\n".join(lines)], capture_output=True, text=True, timeout=60, env=dict(os.environ, **home)
        )
        assert typed.returncode == 0 and "hello" in typed.stdout.split(), typed.stdout + typed.stderr
        kcat = ["kcat", "-F", str(dev.dir / "kcat.conf")]
        listed = subprocess.run([*kcat, "-L", "-J"], capture_output=True, check=True, timeout=30)
        assert len(json.loads(listed.stdout)["brokers"]) == 3, listed.stdout
        properties = dict(line.split("=", 1) for line in (dev.dir / "kcat.conf").read_text().splitlines())
        producer = Producer(properties)
        producer.produce("orders", "from Python")
        assert producer.flush(20) == 0
        refused = subprocess.run([*kcat, "-X", "sasl.password=wrong", "-L", "-m", "3"], capture_output=True, timeout=30)
        assert refused.returncode != 0 and b"uthentication" in refused.stderr, refused
        port = properties["bootstrap.servers"].rsplit(":", 1)[1]
        expect(run("-b", f"127.0.0.1:{port}", "--timeout", "2s", "info"), 3)
        for secret in (
            "tls/ca.key",
            "tls/peers.secret",
            "tls/broker-2.pem",
            "login/users",
            "login/dev.password",
            "kcat.conf",
            "java.properties",
        ):
            assert (dev.dir / secret).stat().st_mode & 0o077 == 0, secret
        expect(dev("kill", 2), 0)
        expect(dev("start", 2), 0, "broker 2 .* started")
        expect(dev("stop"), 0)
        again = dev("--detach")
        expect(again, 0, "user: +dev")
        log = (dev.dir / "1/draved.log").read_text()
        assert password not in log and "anybody who reaches" not in log


def secured_in_part():
    """TLS alone, logins alone; a directory that was made otherwise, and a setting that is refused: said, and nothing is left."""
    for word, protocol in (("--tls", "SSL"), ("--sasl", "SASL_PLAINTEXT")):
        with Dev() as dev:
            expect(dev(word, "--nodes", 1, "--port", 0, "--detach"), 0, "bootstrap: ")
            assert f"security.protocol={protocol}\n" in (dev.dir / "kcat.conf").read_text()
            subprocess.run(["kcat", "-F", str(dev.dir / "kcat.conf"), "-L"], capture_output=True, check=True, timeout=30)
            other = "--sasl" if word == "--tls" else "--tls"
            expect(dev(other, "--detach"), 1, f"was made without {other}")
            expect(dev("stop"), 0)
            (dev.dir / ("tls/ca.pem" if word == "--tls" else "login/dev.password")).unlink()
            expect(dev("start"), 1, "put them back")
    with Dev() as dev:
        expect(dev("--tls", "--sasl", "--set", "nonsense=1"), 1, "nonsense")
        assert not dev.dir.exists()


suite = Suite()
for test in (
    secured,
    secured_in_part,
    dev_cluster,
    dev_interrupted,
    no_majority,
    waits_for_a_start,
    produce_says_why,
    stop_is_the_end,
    stop_has_a_limit,
    strangers_are_safe,
    refused_settings,
    hangup,
    told_while_staying,
):
    suite.run(test)
suite.end()
