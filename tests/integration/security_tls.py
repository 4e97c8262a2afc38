"""TLS for clients: real clients of four kinds, certificates that change under load, wrong doors, and strangers who mean harm."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer, KafkaProducer

from harness.cluster import BIN, free_ports, wait_until
from harness.command import expect, run
from harness.patience import within
from harness.secured import Authority, Secured, made, openssl
from harness.suite import Suite
from harness.watched import parse

SETUP_MS = 3000


def shaken(cluster, *words):
    done = cluster.s_client("-brief", *words)
    return done.returncode == 0, (done.stdout + done.stderr).decode()


def versions(cluster):
    """TLS 1.2 and 1.3 with a certificate that is good for the name; nothing older, no renegotiation, no ticket, no compression, no plain RSA."""
    for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        good, text = shaken(cluster, version, "-verify_return_error", "-verify_ip", "127.0.0.1")
        assert good and name in text and "Verification: OK" in text, text
    for words in (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-GCM-SHA256"), ("-tls1_2", "-cipher", "DHE")):
        good, text = shaken(cluster, *words)
        assert not good and "alert" in text, (words, text)
    for words in (("-tls1_3", "-groups", "ffdhe2048"), ("-tls1_3", "-groups", "P-521")):  # what would cost us much
        good, text = shaken(cluster, *words)
        assert not good, (words, text)
    done = cluster.s_client("-tls1_2", "-alpn", "h2,kafka", stdin=b"R\n")
    text = (done.stdout + done.stderr).decode()
    assert "No ALPN negotiated" in text and "Compression: NONE" in text and "TLS session ticket" not in text, text
    assert "RENEGOTIATING" in text and "no renegotiation" in text, text


def messages(n, prefix):
    return [f"{prefix}-{i}" + "x" * (i * 37 % 5000) for i in range(n)]


def librdkafka(cluster):
    """What confluent-kafka produced in all sizes is read by it again, with TLS 1.2 and 1.3."""
    wanted = messages(2000, "rd")
    producer = Producer(cluster.client(**{"linger.ms": 5}))
    for one in wanted:
        producer.produce("by-librdkafka", one)
    assert producer.flush(30) == 0
    for protocols in ("TLSv1.2", "ALL, -TLSv1.2"):
        with_protocols = {"ssl.cipher.suites": "ECDHE-ECDSA-AES128-GCM-SHA256"} if protocols == "TLSv1.2" else {}
        consumer = Consumer(cluster.client(**{"group.id": protocols, "auto.offset.reset": "earliest", **with_protocols}))
        consumer.subscribe(["by-librdkafka"])
        got = []
        wait_until(
            "all of them",
            lambda: got.extend(m.value().decode() for m in consumer.consume(500, 1) if not m.error()) or len(got) >= 2000,
            60,
            0,
        )
        consumer.close()
        assert sorted(got) == sorted(wanted)


def kafka_python(cluster):
    """kafka-python, whose TLS is Python's."""
    options = {
        "bootstrap_servers": cluster.tls_bootstrap.split(","),
        "security_protocol": "SSL",
        "ssl_cafile": str(cluster.authority.ca),
    }
    wanted = messages(300, "py")
    producer = KafkaProducer(**options)
    for one in wanted:
        producer.send("by-kafka-python", one.encode())
    producer.flush(30)
    producer.close()
    consumer = KafkaConsumer("by-kafka-python", auto_offset_reset="earliest", consumer_timeout_ms=10000, **options)
    got = [next(consumer).value.decode() for _ in wanted]
    consumer.close()
    assert sorted(got) == sorted(wanted)


def kcat(cluster):
    """kcat, whose librdkafka is that of the distribution."""
    words = ["kcat", "-b", cluster.tls_bootstrap, "-X", "security.protocol=ssl", "-X", f"ssl.ca.location={cluster.authority.ca}"]
    subprocess.run([*words, "-P", "-t", "by-kcat"], input=b"one\ntwo\n", check=True, timeout=30)
    done = subprocess.run([*words, "-C", "-t", "by-kcat", "-e", "-q", "-o", "beginning"], capture_output=True, check=True, timeout=30)
    assert sorted(done.stdout.split()) == [b"one", b"two"]
    listed = json.loads(subprocess.run([*words, "-L", "-J"], capture_output=True, check=True, timeout=30).stdout)
    assert {b["name"] for b in listed["brokers"]} == {f"127.0.0.1:{b.tls_port}" for b in cluster}, (
        "addresses of the listener that was asked"
    )


def command_line(cluster):
    """drave: its own requests and those of librdkafka; profiles; and what it says when something does not fit."""
    address, ca = cluster.tls_bootstrap, cluster.authority.ca
    expect(run("-b", address, "--ca", ca, "topic", "create", "by-drave", "--partitions", "3"), 0)
    expect(run("-b", address, "--ca", ca, "produce", "by-drave", stdin="a\nb\nc\n"), 0)
    expect(run("-b", address, "--ca", ca, "consume", "by-drave", "-e"), 0, "a", "b", "c")
    expect(run("-b", address, "--ca", ca, "info"), 0, str(cluster[1].tls_port))
    expect(
        run("-b", address, "--tls", "--timeout", "3s", "info"),
        1,
        r"its certificate is refused \(.*\); name the CA of the brokers with --ca FILE",
    )
    expect(
        run("-b", cluster.bootstrap, "--ca", ca, "--timeout", "1s", "info"), 3, "if that port speaks plain text, leave --tls and --ca out"
    )
    expect(run("-b", address, "--timeout", "1s", "info"), 3, "speaks TLS there \\(--tls, --ca FILE\\)")
    expect(run("-b", address, "--ca", "/nowhere", "info"), 2, "--ca /nowhere cannot be read")
    by_name = ("-X", "security.protocol=SSL", "-X", f"ssl.ca.location={ca}")
    expect(run("-b", address, "produce", "by-drave", *by_name, stdin="d\n"), 0)
    expect(run("-b", address, "consume", "by-drave", "-e", *by_name), 0, "a", "d")
    expect(run("-b", cluster.bootstrap, "consume", "by-drave", "-e", "-X", "security.protocol=plaintext"), 0, "d")
    expect(run("-b", address, "--ca", ca, "produce", "by-drave", "-X", "ssl.ca.location=x"), 2, "x cannot be read")
    expect(run("-b", address, "--ca", ca, "consume", "by-drave", "-X", "security.protocol=plaintext"), 2, "say TLS; leave one out")
    expect(run("-b", address, "consume", "by-drave", "-X", "security.protocol=sasl_ssl"), 2, "it is ssl")
    expect(run("-b", address, "consume", "by-drave", "-X", "ssl.key.location=x"), 2, "--cert FILE")
    other = Authority(cluster.directory / "stranger")
    expect(run("-b", address, "--ca", other.ca, "info"), 1, "its certificate is refused")
    home = {"XDG_CONFIG_HOME": str(cluster.directory / "home"), "DRAVE_BOOTSTRAP": ""}
    expect(run("profile", "add", "safe", f"bootstrap={address}", f"tls.ca={ca}", env=home), 0)
    expect(run("--profile", "safe", "topic", "list", env=home), 0, "by-drave")
    expect(run("profile", "show", "safe", "--json", env=home), 0, '"tls": ?true')


def told(broker, act, pattern):
    """Lines about strangers are one a second: act() until its line is there."""

    def acted():
        act()
        return re.search(pattern, broker.log_text())

    wait_until(f"/{pattern}/ in the log", acted, 20, 0.3)


def wrong_doors(cluster):
    """Who speaks plainly to the TLS port, or TLS to the plain one, or HTTP, is closed at once, and the log says what he did."""
    broker = cluster[1]

    def plain(first):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", broker.tls_port)) as s:
            s.sendall(first)
            assert s.recv(100) == b""
        assert within(time.monotonic() - began, 1)

    plain(b"GET / HTTP/1.1\r\n\r\n")
    no_tls = r"listener SSL\) is closed: it does not speak TLS, .* security.protocol=SSL"
    told(broker, lambda: plain(b"\0\0\0\x10\0\x12\0\x03\0\0\0\1\0\1x\0\1x\1x\0"), no_tls)
    no_plain = r"listener PLAINTEXT\) is closed: it speaks TLS, and this listener serves Kafka's protocol in plain text"
    told(broker, lambda: cluster.s_client(port=broker.port), no_plain)
    nobody = Authority(cluster.directory / "nobody").ca
    words = ("s_client", "-connect", f"127.0.0.1:{broker.tls_port}", "-verify_return_error", "-CAfile", nobody)
    told(broker, lambda: openssl(*words), r"its TLS handshake failed: .*alert unknown ca")


def certified_clients(authority):
    """With ssl.client.auth=required only those get in whose certificate is of a CA of the trust store; kcat, drave and Python show theirs."""
    clients, strangers = Authority(authority.folder / "clients", "clients"), Authority(authority.folder / "strangers", "strangers")
    good, bad = clients.issue("alice"), strangers.issue("mallory")
    settings = {"ssl.client.auth": "required", "ssl.truststore.location": clients.ca, "ssl.reload.interval.ms": 200}
    with Secured(1, authority, settings=settings) as cluster:
        assert "Acceptable client certificate CA names\nCN = clients" in cluster.s_client().stdout.decode()
        expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, "--cert", good, "topic", "create", "mine"), 0)
        expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, "--cert", good, "produce", "mine", stdin="x\n"), 0)
        for words in ((), ("--cert", bad)):
            expect(
                run("-b", cluster.tls_bootstrap, "--ca", authority.ca, *words, "--timeout", "1s", "info"),
                3,
                "wants a certificate|broke the TLS handshake",
            )
        cluster[1].wait_log(r"peer did not return a certificate|its certificate is refused")
        producer = KafkaProducer(
            bootstrap_servers=cluster.tls_bootstrap,
            security_protocol="SSL",
            ssl_cafile=str(authority.ca),
            ssl_certfile=str(good),
            ssl_keyfile=str(good),
        )
        producer.send("mine", b"y").get(20)
        producer.close()
        # the trust store is read anew, too
        clients.ca.write_bytes(strangers.ca.read_bytes())
        cluster[1].wait_log("was read anew")
        expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, "--cert", bad, "info"), 0)
        expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, "--cert", good, "--timeout", "1s", "info"), 3)


def named_by_certificate(authority):
    """Who shows a certificate is whom it names, as Java writes the name, or as ssl.principal.mapping.rules say; nobody whom no rule takes."""
    clients = Authority(authority.folder / "named", "named")
    alice, bob = clients.issue("alice"), clients.issue("bob")
    settings = {
        "ssl.client.auth": "requested",
        "ssl.truststore.location": clients.ca,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:O=drave,CN=bob",
    }
    with Secured(1, authority, settings=settings) as cluster:
        cluster.create("ours")

        def produce(certificate, code, *says):
            words = ("--cert", certificate) if certificate else ()
            expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, *words, "produce", "ours", stdin="x\n", timeout=40), code, *says)

        produce(bob, 0)
        produce(None, 0)  # who shows none is User:ANONYMOUS
        produce(alice, 1)
        cluster[1].wait_log(r"User:O=drave,CN=alice at 127.0.0.1:\d+ .* may not")
        expect(run("-b", cluster.bootstrap, "acl", "add", "User:O=drave,CN=alice", "write", "topic", "ours"), 0)
        produce(alice, 0)
        cluster[1].stop()
        cluster.settings["ssl.principal.mapping.rules"] = "RULE:^O=[^,]+,CN=(al.*?)$/$1/U"
        cluster[1].start(ready=True)
        expect(run("-b", cluster.tls_bootstrap, "--ca", authority.ca, "--cert", bob, "--timeout", "2s", "info"), 3)
        cluster[1].wait_log("is closed: no rule of ssl.principal.mapping.rules is about its certificate's name O=drave,CN=bob")
        produce(alice, 1)
        expect(run("-b", cluster.bootstrap, "acl", "add", "User:ALICE", "write", "topic", "ours"), 0)
        produce(alice, 0)
        assert cluster[1].stop() == 0


def serial(cluster):
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", cluster[1].tls_port)))
    return hash(der)


def new_certificates(authority):
    """Certificates are replaced under load, one after the other: no delivery fails, new connections see the new one; a file that
    cannot be used changes nothing and is said once."""
    with Secured(1, authority, settings={"ssl.reload.interval.ms": 100}) as cluster:
        broker = cluster[1]
        failed, stop = [], threading.Event()

        def produce():
            while not stop.is_set():
                producer = Producer(cluster.client())
                for _ in range(200):
                    producer.produce("reloaded", b"z" * 500, on_delivery=lambda error, _: error and failed.append(error))
                producer.flush(20)

        loads = [threading.Thread(target=produce) for _ in range(2)]
        for load in loads:
            load.start()
        seen = {serial(cluster)}
        for _ in range(5):
            mark = len(broker.log_text())
            authority.issue(f"broker-{broker.node}", into=broker.certificate)
            wait_until("a new certificate", lambda: "was read anew" in broker.log_text()[mark:], 20)
            seen.add(serial(cluster))
        assert len(seen) == 6, seen
        before = broker.certificate.read_bytes()
        broker.certificate.write_bytes(before[: len(before) // 2])
        broker.wait_log("TLS: what is in the files now cannot be used, and what was read before stays: ssl.keystore.location=")
        assert serial(cluster) in seen
        authority.issue(f"broker-{broker.node}", days=5, into=broker.certificate)
        broker.wait_log(r"error the certificate in .* ends on .* Put a new one into that file")
        stop.set()
        for load in loads:
            load.join()
        assert not failed, failed[:3]
        authority.issue(f"broker-{broker.node}", names="DNS:elsewhere", into=broker.certificate)
        broker.wait_log("does not name 127.0.0.1, which clients of SSL are told")
        assert broker.log_text().count("what was read before stays") == 1
        assert broker.stop() == 0


def said_later(broker, act, pattern):
    """act(), and what the log says of it then, and not before."""
    mark = len(broker.log_text())
    act()
    wait_until(f"/{pattern}/ in the log", lambda: re.search(pattern, broker.log_text()[mark:]), 20)


def read_when_asked(authority):
    """Files are read anew by SIGHUP, and by kafka-configs' way, at once; what cannot be used is told to whoever asked, and what was
    read before stays; connections that live go on; the metric and drave doctor know when the certificate ends."""
    (port,) = free_ports(1)
    settings = {"ssl.reload.interval.ms": 86400000, "http.listen": f"127.0.0.1:{port}"}
    with Secured(1, authority, settings=settings) as cluster, socket.create_connection(("127.0.0.1", cluster[1].tls_port)) as plain:
        broker = cluster[1]
        name = "listener.name.ssl.ssl.keystore.location"
        request = struct.pack(">hhih", 18, 0, 7, -1)
        old = ssl.create_default_context(cafile=str(authority.ca)).wrap_socket(plain, server_hostname="localhost")

        def old_is_served():
            old.sendall(struct.pack(">i", len(request)) + request)
            (length,) = struct.unpack(">i", old.recv(4))
            while length > 0:
                length -= len(old.recv(length)) or length + 1
            return length == 0

        def left():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                return parse(answer.read().decode())["drave_certificate_left_seconds"][()]

        assert old_is_served()

        def hangup():
            broker.signal(signal.SIGHUP)

        def set_file(*pairs, code=0, says=()):
            expect(run("-b", cluster.bootstrap, "config", "set", "broker:1", *pairs), code, *says)

        seen = [serial(cluster)]
        said_later(broker, hangup, f"TLS: {broker.certificate} holds what was read before")
        for ask in (hangup, lambda: set_file(f"{name}={broker.certificate}")):
            authority.issue("broker-1", into=broker.certificate)
            assert serial(cluster) == seen[-1]
            said_later(broker, ask, "was read anew; its certificate is good until")
            seen.append(serial(cluster))
        assert len(set(seen)) == 3, seen
        good = broker.certificate.read_bytes()
        broker.certificate.write_bytes(good[: len(good) // 2])
        bad = "what is in the files now cannot be used, and what was read before stays: ssl.keystore.location="
        said_later(broker, hangup, bad)
        stays = "ssl.keystore.location=.* stays in force"
        said_later(broker, lambda: set_file(f"{name}={broker.certificate}", code=1, says=(stays,)), bad)
        for pairs, says in (
            ((f"{name}=/etc/passwd",), "can only be set to what it is already"),
            ((f"listener.name.plaintext.ssl.keystore.location={broker.certificate}",), "no listener of that name speaks TLS here"),
            (("listener.name.ssl.ssl.keystore.password=x",), "needs a restart: change ssl.keystore.password in the broker's"),
            ((f"{name}={broker.certificate}", "message.max.bytes=2000"), "asks for nothing else of this broker"),
        ):
            set_file(*pairs, code=1, says=(says,))
        assert serial(cluster) == seen[-1]
        assert left() > 80 * 86400
        expect(run("-b", cluster.bootstrap, "doctor"), 0, "certificates +the first ends in 89 days")
        for days, level, code, says in ((20, "warn", 0, "ends in 19 days"), (5, "error", 1, "ends in 4 days")):
            authority.issue("broker-1", days=days, into=broker.certificate)
            said_later(broker, hangup, f"{level} +the certificate in .* ends on .*, in {days - 1} days; clients refuse it from then on")
            # What a broker says of itself is a second old at most.
            wait_until("its news", lambda says=says: f"that of broker 1 {says}" in run("-b", cluster.bootstrap, "doctor").stdout, 20, 0.3)
            expect(run("-b", cluster.bootstrap, "doctor"), code, f"certificates +that of broker 1 {says}")
        assert 4 * 86400 < left() <= 5 * 86400
        mark = len(broker.log_text())
        said_later(broker, hangup, "holds what was read before")
        assert "the certificate in" not in broker.log_text()[mark:], "once a day"
        assert old_is_served()
        old.close()
        assert broker.stop() == 0


def terminal(authority):
    """A broker whose terminal goes ends as by SIGTERM; SIGHUP by somebody, while it is there, does not end it."""
    cluster = Secured(1, authority)
    cluster[1].directory.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w+") as log:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            cluster[1].arguments(),
            stdin=slave,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

        def says(text):
            return lambda: text in (Path(folder) / "log").read_text()

        wait_until("it is ready", says("ready: "), 30)
        process.send_signal(signal.SIGHUP)
        wait_until("it has looked", says("holds what was read before"), 20)
        os.close(master)
        assert process.wait(30) == 0
        assert says("SIGHUP: handing leaderships over")()
    cluster.close()


def hello():
    """The first flight of a client."""
    context = ssl.create_default_context()
    sent, came = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(came, sent, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def half_open(authority):
    """1,500 strangers that begin handshakes and stop (some before, some behind our answer), and come again: others get in within
    8 s (two connections, a second or so each on a calm machine), the memory stays bounded, all are gone when their time is over."""
    settings = {"connection.setup.timeout.ms": SETUP_MS, "tls.handshakes.max": 64}
    with Secured(1, authority, settings=settings) as cluster:
        broker, first = cluster[1], hello()
        Producer(cluster.client()).list_topics(timeout=10)
        before, strangers, slowest = broker.rss_bytes(), [], 0
        for i in range(1500):
            s = socket.create_connection(("127.0.0.1", broker.tls_port))
            s.sendall((first[:60], first, first[:5], first[:-1])[i % 4])
            strangers.append(s)
            if i % 300 == 299:
                began = time.monotonic()
                Producer(cluster.client(**{"client.id": f"good-{i}"})).list_topics(timeout=20)
                slowest = max(slowest, time.monotonic() - began)
        grown = (broker.rss_bytes() - before) >> 20
        assert slowest < 8, f"a client had to wait for {slowest:.1f} s"
        assert grown < 100, f"{grown} MiB for strangers"

        def gone(s):
            s.setblocking(False)
            try:
                while s.recv(4096):
                    pass
                return True
            except BlockingIOError:
                return False
            except OSError:
                return True

        wait_until("their end", lambda: all(gone(s) for s in strangers), 60, 0.2)
        broker.wait_log("its TLS handshake (stands still|has not (begun|ended) within)")
        for s in strangers:
            s.close()
        assert broker.stop() == 0
        return f"{slowest:.2f} s to come in, {grown} MiB"


def storm(authority):
    """1,000 clients come at once: all get in, and those who are there are served meanwhile."""
    with Secured(1, authority, settings={"connection.setup.timeout.ms": 30000}) as cluster:
        broker = cluster[1]
        cluster.create("calm")
        context = ssl.create_default_context(cafile=str(authority.ca))
        request = struct.pack(">hhih", 18, 0, 7, -1)
        got, slow, stop = [], [], threading.Event()

        def come(n):
            for _ in range(n):
                with (
                    socket.create_connection(("127.0.0.1", broker.tls_port)) as plain,
                    context.wrap_socket(plain, server_hostname="localhost") as s,
                ):
                    s.sendall(struct.pack(">i", len(request)) + request)
                    got.append(len(s.recv(4)) == 4)

        def served():
            with socket.create_connection(("127.0.0.1", broker.port)) as s:
                while not stop.is_set():
                    began = time.monotonic()
                    s.sendall(struct.pack(">i", len(request)) + request)
                    (length,) = struct.unpack(">i", s.recv(4, socket.MSG_WAITALL))
                    s.recv(length, socket.MSG_WAITALL)
                    slow.append(time.monotonic() - began)
                    time.sleep(0.002)

        witness = threading.Thread(target=served)
        witness.start()
        clients = [threading.Thread(target=come, args=(50,)) for _ in range(20)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        stop.set()
        witness.join()
        assert len(got) == 1000 and all(got)
        assert broker.stop() == 0
        turn = float(re.search(r"the longest turn of the loop took ([0-9.]+) ms", broker.log_text())[1])
        slow.sort()
        return f"p99 of others {slow[len(slow) * 99 // 100] * 1000:.1f} ms, longest turn {turn} ms"


def ends_of_streams(cluster):
    """Records that are cut short, huge, or changed end that connection alone; a cut behind a whole request is answered before."""
    broker = cluster[1]
    context = ssl.create_default_context(cafile=str(cluster.authority.ca))
    request = struct.pack(">hhih", 18, 0, 7, -1)
    for tail in (
        b"\x17\x03\x03\x00\x10short",
        b"\x17\x03\x03\xff\xff" + b"x" * 70000,
        b"\x17\x03\x03\x00\x20" + b"y" * 32,
        b"\x16\x03\x03\x00\x04\x01\0\0\0",
        b"\0" * 100,
    ):
        plain = socket.create_connection(("127.0.0.1", broker.tls_port))
        s = context.wrap_socket(plain, server_hostname="localhost")
        s.sendall(struct.pack(">i", len(request)) + request)
        assert len(s.recv(4)) == 4
        raw = socket.socket(fileno=s.detach())
        raw.settimeout(5)
        with contextlib.suppress(ConnectionError), raw:
            raw.sendall(tail)
            with contextlib.suppress(OSError):  # it is closed by then
                raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
    Producer(cluster.client()).list_topics(timeout=10)
    assert broker.alive()


def at_the_start(authority):
    """Files that cannot be used are told at the start, and by --check, with what to do."""
    folder = Path(tempfile.mkdtemp(prefix="drave-test-tls-"))
    good = authority.issue("starts")
    store = folder / "store.p12"
    made("pkcs12", "-export", "-in", good, "-out", store, "-passout", "pass:secret")
    (folder / "jks").write_bytes(b"\xfe\xed\xfe\xed" + b"\0" * 100)
    (folder / "empty").write_bytes(b"")

    def check(code, says, **settings):
        pairs = {"listeners": "SSL://127.0.0.1:0", "data.dir": folder / "data", **settings}
        config = folder / "config"
        config.write_text("".join(f"{k.replace('_', '.')}={v}\n" for k, v in pairs.items()))
        for words in (("--check",),) if code == 0 else (("--check",), ()):
            done = subprocess.run([BIN / "draved", *words, "--config", config], capture_output=True, text=True, timeout=20)
            assert done.returncode == code and says in done.stderr + done.stdout, (done.returncode, done.stderr, done.stdout)
            assert "secret" not in done.stderr.replace(str(store), "")

    check(0, "the configuration is good", ssl_keystore_location=good)
    check(0, "the configuration is good", ssl_keystore_location=store, ssl_keystore_password="secret", ssl_keystore_type="JKS")
    check(1, "ssl.keystore.location is empty")
    check(1, "cannot be read: not found", ssl_keystore_location=folder / "nothing")
    check(1, "ssl.keystore.password does not open", ssl_keystore_location=store, ssl_keystore_password="wrong")
    check(1, "keytool -importkeystore", ssl_keystore_location=folder / "jks")
    check(1, "neither PEM nor PKCS12", ssl_keystore_location=folder / "empty")
    check(1, "has no private key", ssl_keystore_location=authority.ca)
    wrong = "ssl.principal.mapping.rules has RULE:(a/b/: a ) is missing; a rule is DEFAULT or"
    check(1, wrong, ssl_keystore_location=good, ssl_principal_mapping_rules="RULE:(a/b/")
    os.mkfifo(folder / "fifo")
    check(1, "cannot be read: a FIFO", ssl_keystore_location=folder / "fifo")
    check(1, "no listener speaks TLS", ssl_keystore_location=good, listeners="PLAINTEXT://127.0.0.1:0")
    done = subprocess.run([BIN / "draved", "--check", "--set", "ssl.keystore.password=secret"], capture_output=True, text=True)
    assert done.returncode == 1 and "lists processes" in done.stderr and "secret" not in done.stderr, done.stderr


def secrets(authority):
    """Passwords are shown by nobody: not to who describes the settings, not on the log."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.p12"
        made("pkcs12", "-export", "-in", authority.issue("secrets"), "-out", store, "-passout", "pass:hush-hush")
        config = Path(folder) / "config"
        config.write_text(f"ssl.keystore.location={store}\nssl.keystore.password=hush-hush\n")
        cluster = Secured(1, authority)
        del cluster[1].settings["ssl.keystore.location"]
        plain = cluster[1].arguments
        cluster[1].arguments = lambda: [*plain(), "--config", str(config)]
        with cluster:
            done = run("-b", cluster.bootstrap, "config", "get", "broker:1", "--all", "--json")
            expect(done, 0, "ssl.keystore.password", "ssl.keystore.location")
            assert "hush" not in done.stdout
            assert "hush" not in cluster[1].log_text(whole=True)
            assert "[key_readable]" not in cluster[1].log_text()
            cluster[1].stop()
            store.chmod(0o644)
            cluster[1].start()
            cluster[1].wait_log(r"store.p12 may be read by everybody on this machine, with the private key; chmod 640 \[key_readable\]")


suite = Suite()
folder = tempfile.TemporaryDirectory(prefix="drave-test-ca-")
ca = Authority(Path(folder.name))
with Secured(3, ca, settings={"connection.setup.timeout.ms": SETUP_MS}) as shared:
    for test in (versions, librdkafka, kafka_python, kcat, command_line, wrong_doors, ends_of_streams):
        suite.run(test, shared)
for test in (certified_clients, named_by_certificate, new_certificates, read_when_asked, terminal, half_open, storm, at_the_start, secrets):
    suite.run(test, ca)
folder.cleanup()
suite.end()
