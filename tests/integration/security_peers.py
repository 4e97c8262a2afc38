"""Brokers among themselves: the secret that they share, strangers at the peer port, and a live cluster that climbs to TLS and down again."""

import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import peer
from harness.cluster import BIN, ROOT, Cluster, wait_until
from harness.command import expect
from harness.history import History
from harness.load import under_load
from harness.suite import Suite

TOPIC, PARTITIONS, RATE = "ladder", 6, 40
SHORT = "--short" in sys.argv


def new_secret(path):
    """As a person makes one."""
    line = subprocess.run([BIN / "drave", "cluster", "secret"], capture_output=True, text=True, check=True).stdout
    path.write_text(line)
    path.chmod(0o600)
    return line


def settings(path, mode=None):
    return {"peer.secret.file": str(path)} | ({"peer.tls.mode": mode} if mode else {})


def talk(cluster, topic):
    cluster.create(topic, 3)
    cluster.wait_leaders(topic, in_sync=cluster.size)
    expect(cluster.drave("produce", topic, stdin="one\ntwo\n"), 0)
    read = cluster.drave("consume", topic, "-o", "beginning", "-e").stdout
    assert sorted(read.split()) == ["one", "two"], read


def with_a_secret():
    """The secret alone, and nothing is said in the clear; a broker that has another one, or none, is not let in and says why."""
    with tempfile.TemporaryDirectory() as folder:
        right, wrong = Path(folder) / "right", Path(folder) / "wrong"
        new_secret(right)
        new_secret(wrong)
        with Cluster(3, settings=settings(right)) as cluster:
            talk(cluster, "told")
            cluster[3].stop()
            cluster[3].settings = settings(wrong)
            cluster[3].start()
            cluster[3].wait_log(r"peer_refused_us|need the same peer\.secret\.file")
            wait_until("the others to say so", lambda: "need the same peer.secret.file" in cluster[1].log_text() + cluster[2].log_text())
            cluster[3].kill()
            cluster[3].settings = {"peer.secret.file": "", "peer.tls.mode": "off"}
            cluster[3].start()
            wait_until(
                "the others to refuse it",
                lambda: (
                    "it speaks no TLS, and peer.tls.mode=require" in cluster[1].log_text() + cluster[2].log_text()
                    or "it closes connections when TLS is to begin" in cluster[1].log_text() + cluster[2].log_text()
                ),
            )
            cluster[3].kill()
            cluster[3].settings = {}
            cluster[3].start(ready=True)
            talk(cluster, "again")


def strangers():
    """At the port of a cluster with a secret: a hello in the clear, TLS without the secret, TLS with a certificate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret"
        new_secret(path)
        with Cluster(3, settings=settings(path)) as cluster:
            port = cluster[3].peer_port
            hello = peer.Hello.of_directory(cluster[1].data, 1)  # whatever else it knows
            theirs, accepted, why = peer.Peer(port).shake(hello, 7, peer.CONTROL)
            assert theirs is None and not accepted and "peer.tls.mode=require" in why, why
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                try:
                    context.wrap_socket(plain).recv(1)
                    raise AssertionError("a client without the secret was let in")
                except ssl.SSLError as e:
                    assert "handshake" in str(e).lower(), e
            stranger = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-psk_identity", "0" * 16, "-psk", "11" * 32],
                input="",
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert "Reused" not in stranger.stdout and "alert" in stranger.stderr, (stranger.stdout, stranger.stderr)
            talk(cluster, "unharmed")
            assert all(b.alive() for b in cluster)


def at_the_start():
    """What cannot be is said before anything is opened; what is open to anybody is said at each start."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret"
        cases = [
            ({"peer.tls.mode": "allow"}, "peer.tls.mode=allow is set, and peer.secret.file is not"),
            (settings(path), "cannot be read"),
        ]
        for wrong, sentence in cases:
            assert_refused(wrong, sentence)
        path.write_text("short\n")
        path.chmod(0o600)
        assert_refused(settings(path), "line 1 of peer.secret.file=")
        line = new_secret(path)
        path.chmod(0o644)
        assert_refused(settings(path), "may be read by everybody on this machine; chmod 600")
        path.chmod(0o600)
        with Cluster(1, settings=settings(path) | {"peer.listen": "0.0.0.0:0"}) as cluster:
            assert "may be a broker of this cluster" not in cluster[1].log_text(whole=True)
            assert line.strip() not in cluster.drave("config", "get", "broker:1").stdout + cluster[1].log_text(whole=True)
        with Cluster(1, settings={"peer.listen": "0.0.0.0:0"}) as cluster:
            assert "may be a broker of this cluster" in cluster[1].log_text(whole=True)


def assert_refused(wrong, sentence):
    cluster = Cluster(1, settings=wrong)
    cluster[1].start()
    code = cluster[1].process.wait(30)
    text = cluster[1].log_text(whole=True)
    cluster.close()
    assert code != 0 and sentence in text, text


def climb(cluster, step):
    """All brokers one after the other, each with kill -9: the live cluster never waits for more than an election."""
    for broker in cluster:
        broker.kill()
        broker.settings = step
        broker.start(ready=True)
        cluster.wait_leaders(TOPIC, in_sync=3, seconds=90)


def ladder():
    """From plain to TLS, over to another secret, and back, under load: nothing is lost."""
    history = History(ROOT / "build" / "security" / "ladder.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        path, both, other = Path(folder) / "secret", Path(folder) / "both", Path(folder) / "other"
        new_secret(path)
        new_secret(other)
        both.write_text(path.read_text() + other.read_text())
        moved = Path(folder) / "moved"
        moved.write_text(other.read_text() + path.read_text())
        for made in (both, moved):
            made.chmod(0o600)
        steps = [settings(path, mode) for mode in ("allow", "prefer", "require")]
        steps += [settings(both), settings(moved), settings(other)]
        steps += [settings(other, mode) for mode in ("prefer", "allow", "off")]
        if SHORT:
            steps = steps[:3]
        with Cluster(3) as cluster:
            _, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, lambda _: [climb(cluster, step) for step in steps])
    return f"{len(steps)} steps, {found['acknowledged']} acknowledged, lost {found['lost']}"


def mute_and_slow():
    """Those who begin TLS and stand still, and those who send a byte, keep nobody out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret"
        new_secret(path)
        with Cluster(3, settings=settings(path)) as cluster:
            sockets = []
            for _ in range(200):
                one = socket.create_connection(("127.0.0.1", cluster[3].peer_port), timeout=10)
                one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
                sockets.append(one)
            cluster[1].kill()
            began = time.monotonic()
            cluster[1].start(ready=True)
            cluster.create("beside", 3)
            cluster.wait_leaders("beside", in_sync=3)
            took = time.monotonic() - began
            for one in sockets:
                one.close()
    return f"back in {took:.1f} s beside 200 half handshakes"


suite = Suite("security_peers")
for test in (with_a_secret, strangers, at_the_start, mute_and_slow, ladder):
    suite.run(test)
suite.end()
