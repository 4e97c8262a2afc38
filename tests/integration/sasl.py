"""Logins: real clients by all mechanisms, users who come and go, Kafka's own tool, and strangers who mean harm."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer
from kafka import KafkaProducer

from harness.cluster import Cluster, free_ports, wait_until
from harness.command import expect, run
from harness.login_talk import Talk
from harness.patience import within
from harness.secured import Authority
from harness.suite import Suite

SETUP_MS, PASSWORD = 2000, "correct horse"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class LoggedIn(Cluster):
    """Each broker has PLAINTEXT, SASL_PLAINTEXT (sasl_port) and SASL_SSL (sasl_ssl_port)."""

    def __init__(self, size, folder, settings=None):
        common = {
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "connection.setup.timeout.ms": str(SETUP_MS),
            "bootstrap.users.file": str(folder / "users"),
            **(settings or {}),
        }
        super().__init__(size, settings=common)
        self.folder = folder
        self.authority = Authority(folder / "tls")
        ports = free_ports(2 * size)
        for broker in self:
            broker.sasl_port, broker.sasl_ssl_port = ports.pop(), ports.pop()
            broker.settings = {
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SASL_PLAINTEXT://127.0.0.1:{broker.sasl_port},"
                f"SASL_SSL://127.0.0.1:{broker.sasl_ssl_port}",
                "ssl.keystore.location": self.authority.issue(f"broker-{broker.node}"),
            }

    @property
    def sasl_bootstrap(self):
        return ",".join(f"127.0.0.1:{b.sasl_port}" for b in self)

    def client(self, mechanism, user="admin", password=PASSWORD, tls=False, **more):
        """Properties of librdkafka."""
        return {
            "bootstrap.servers": ",".join(f"127.0.0.1:{b.sasl_ssl_port if tls else b.sasl_port}" for b in self),
            "security.protocol": "sasl_ssl" if tls else "sasl_plaintext",
            "sasl.mechanism": mechanism,
            "sasl.username": user,
            "sasl.password": password,
            **({"ssl.ca.location": str(self.authority.ca)} if tls else {}),
            **more,
        }


def produced(properties, value="x", seconds=10):
    """None, or what went wrong."""
    wrong = []
    producer = Producer({"error_cb": lambda e: wrong.append(str(e)), **properties})
    producer.produce("t", value, callback=lambda e, _: wrong.append(str(e)) if e else None)
    deadline = time.monotonic() + seconds
    while len(producer) and not wrong and time.monotonic() < deadline:
        producer.poll(0.05)
    return wrong[0] if wrong else None if not len(producer) else "it took too long"


def librdkafka(cluster):
    """confluent-kafka by each mechanism, also over TLS; with another password, and as nobody, it hears the same."""
    for mechanism in MECHANISMS:
        for tls in (False, True):
            assert produced(cluster.client(mechanism, tls=tls)) is None, (mechanism, tls)
        told = {produced(cluster.client(mechanism, user=u, password="wrong")) for u in ("admin", "nobody")}
        words = {one.split("SASL authentication error: ")[1].split(" (after")[0] for one in told}
        assert len(words) == 1 and "failed" in words.pop(), told
    consumer = Consumer(cluster.client("SCRAM-SHA-512", **{"group.id": "g", "auto.offset.reset": "earliest"}))
    consumer.subscribe(["t"])
    wait_until("what was produced", lambda: consumer.poll(0.5) is not None, 30, 0)
    consumer.close()


def kafka_python(cluster):
    """kafka-python by each mechanism."""
    for mechanism in MECHANISMS:
        producer = KafkaProducer(
            bootstrap_servers=cluster.sasl_bootstrap.split(","),
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism=mechanism,
            sasl_plain_username="admin",
            sasl_plain_password=PASSWORD,
        )
        assert producer.send("t", b"y").get(20).offset >= 0
        producer.close()


def kcat(cluster):
    """kcat of the distribution, whose librdkafka says its nonce twice."""
    words = ["kcat", "-b", cluster.sasl_bootstrap, "-L", "-J", "-X", "security.protocol=sasl_plaintext"]
    words += ["-X", "sasl.username=admin", "-X", f"sasl.password={PASSWORD}", "-X", "sasl.mechanism=SCRAM-SHA-256"]
    listed = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=30).stdout)
    assert {b["name"] for b in listed["brokers"]} == set(cluster.sasl_bootstrap.split(","))


def command_line(cluster):
    """drave user: a user is set, logs in everywhere, gets another password, is deleted; then his connections are closed."""
    secret, broker = cluster.folder / "bob", cluster[1]
    login = ("-b", cluster.sasl_bootstrap, "--user", "bob", "--password-file", secret, "--timeout", "5s")
    secret.write_text("first\n")
    expect(run("-b", cluster.bootstrap, "user", "set", "bob", "--new-password-file", secret), 0, "can log in")
    for mechanism in MECHANISMS:
        for one in cluster:
            wait_until(
                "the others to have him",
                lambda one=one, m=mechanism: run("-b", f"127.0.0.1:{one.sasl_port}", *login[2:], "--sasl", m, "info").returncode == 0,
                10,
                0.1,
            )
    expect(run(*login, "produce", "t", stdin="a\n"), 0)
    listed = json.loads(run(*login, "user", "list", "--json").stdout)
    assert {"user": "bob", "mechanisms": {"SCRAM-SHA-256": 4096, "SCRAM-SHA-512": 4096}} in listed, listed
    expect(run("-b", cluster.bootstrap, "user", "set", "bob", stdin="second\n"), 0)
    expect(run(*login, "info"), 1, "login as 'bob' by SCRAM-SHA-256 failed")
    secret.write_text("second\n")
    expect(run(*login, "info"), 0)
    home = {"XDG_CONFIG_HOME": str(cluster.folder / "home"), "DRAVE_BOOTSTRAP": ""}
    tls = (f"bootstrap=127.0.0.1:{broker.sasl_ssl_port}", f"tls.ca={cluster.authority.ca}")
    expect(run("profile", "add", "safe", *tls, "user=bob", f"password.file={secret}", "sasl=SCRAM-SHA-512", env=home), 0)
    expect(run("--profile", "safe", "info", env=home), 0)
    expect(
        run("--profile", "safe", "--user", "nobody", "info", env=dict(home, DRAVE_PASSWORD="x")), 1, "login as 'nobody' by SCRAM-SHA-256"
    )
    expect(run("profile", "show", "safe", "--json", env=home), 0, '"user": ?"bob"', '"sasl": ?"SCRAM-SHA-512"')
    expect(run("profile", "add", "safe", "password=x", env=home), 2, "a profile keeps no password")
    with logged_in(broker, "bob", "second") as talk:
        assert talk.asks(3, 0, b"\0\0\0\0") is not None
        expect(run("-b", f"127.0.0.1:{broker.port}", "user", "delete", "bob"), 0, "is deleted")
        assert talk.asks(3, 0, b"\0\0\0\0") is None, "he is served although he was deleted"
    expect(run(*login, "info"), 1, "failed")
    expect(run("-b", cluster.bootstrap, "user", "delete", "bob"), 1, "no user 'bob'")
    expect(run("-b", cluster.sasl_bootstrap, "--timeout", "1s", "info"), 3, "--user NAME")
    expect(run("-b", cluster.bootstrap, "--user", "admin", "--password-file", cluster.folder / "password", "info"), 1, "wants no logins")


# ---- Raw frames ----


def scram_tokens(talk, user, password, hash_name="sha256", spoil=lambda text: text):
    """What the last token is answered with."""
    first = b"n=%s,r=0123456789abcdef" % user.encode()
    error, challenge = talk.token(b"n,," + first)
    assert error == 0, challenge
    parts = dict(one.split("=", 1) for one in challenge.decode().split(","))
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    client = hmac.digest(salted, b"Client Key", hash_name)
    last = b"c=biws,r=" + parts["r"].encode()
    said = first + b"," + challenge + b"," + last
    proof = bytes(a ^ b for a, b in zip(client, hmac.digest(hashlib.new(hash_name, client).digest(), said, hash_name), strict=True))
    return talk.token(spoil(last + b",p=" + base64.b64encode(proof)))


@contextlib.contextmanager
def logged_in(broker, user="admin", password=PASSWORD):
    with contextlib.closing(Talk(broker.sasl_port)) as talk:
        assert talk.chooses("SCRAM-SHA-256") == 0
        assert scram_tokens(talk, user, password)[0] == 0
        yield talk


def order(cluster):
    """What is due when, as Kafka has it: each case on a connection of its own."""
    broker, metadata, versions = cluster[1], (3, 0, b"\0\0\0\0"), (18, 0, b"")

    def fresh():
        return contextlib.closing(Talk(broker.sasl_port))

    with fresh() as talk:
        assert talk.asks(*metadata) is None
    with fresh() as talk:
        assert talk.asks(*versions) is not None
        assert talk.asks(*versions) is None, "ApiVersions twice"
    with fresh() as talk:
        answer = talk.asks(18, 99, b"")
        assert struct.unpack(">h", answer[4:6])[0] == 35
        assert talk.asks(*versions) is not None, "behind one of an unknown version another is due"
        assert talk.chooses("GSSAPI") == 33
        assert talk.receive() is None
    with fresh() as talk:
        assert talk.chooses("SCRAM-SHA-256") == 0
        assert talk.asks(*metadata) is None, "a token is due"
    with fresh() as talk:
        assert talk.chooses("SCRAM-SHA-256") == 0
        assert talk.chooses("SCRAM-SHA-256") is None, "a token is due"
    with fresh() as talk:
        assert talk.chooses("PLAIN", version=0) == 0
        talk.send(b"\0admin\0" + PASSWORD.encode())
        assert talk.receive() == b"", "a token without a header is answered by one"
        assert talk.asks(*metadata) is not None
    with fresh() as talk:
        assert talk.chooses("PLAIN", version=0) == 0
        talk.send(b"\0a\0b")
        assert talk.receive() is None, "without a header there is no word for it"
    with logged_in(broker) as talk:
        assert talk.token(b"x")[0] == 34 and talk.chooses("PLAIN") == 34, "it is in, for good"
        assert talk.asks(*metadata) is not None
    with contextlib.closing(Talk(broker.port)) as talk:
        assert talk.chooses("PLAIN") == 34 and talk.token(b"x")[0] == 34, "that listener wants no logins"
    with fresh() as talk:  # all at once
        handshake = struct.pack(">hhih", 17, 1, 1, -1) + b"\0\5PLAIN"
        token = b"\0admin\0" + PASSWORD.encode()
        authenticate = struct.pack(">hhihi", 36, 0, 2, -1, len(token)) + token
        last = struct.pack(">hhih", 3, 0, 3, -1) + b"\0\0\0\0"
        talk.socket.sendall(b"".join(struct.pack(">i", len(one)) + one for one in (handshake, authenticate, last)))
        talk.socket.settimeout(5)
        data = b""
        while data.count(b"\0\0\0\3") == 0:
            got = talk.socket.recv(65536)
            assert got, "it was closed"
            data += got


def hostile(cluster):
    """Messages that are none, and good ones with every byte flipped: 58 or an end, never a login, never an end of the broker."""
    broker = cluster[1]
    for mechanism, tokens in {
        "PLAIN": (
            b"",
            b"\0",
            b"\0\0",
            b"admin",
            b"\0admin\0",
            b"bob\0admin\0" + PASSWORD.encode(),
            b"\0" * 60000,
            b"\0admin\0" + b"x" * 300,
        ),
        "SCRAM-SHA-256": (b"", b"n,,", b"n,,n=admin,r=", b"p=x,,n=admin,r=0123456789", b"n,,n=admin,r=" + b"x" * 60000, b"\xff" * 1000),
    }.items():
        for token in tokens:
            with contextlib.closing(Talk(broker.sasl_port)) as talk:
                assert talk.chooses(mechanism) == 0
                answer = talk.token(token)
                assert answer is None or answer[0] == 58, (mechanism, token[:40], answer)
                assert answer is None or talk.receive() is None
    for place in range(0, 96, 7):

        def flip(text, place=place):
            return text[:place] + bytes([text[place] ^ 2]) + text[place + 1 :]

        with contextlib.closing(Talk(broker.sasl_port)) as talk:
            assert talk.chooses("SCRAM-SHA-256") == 0
            answer = scram_tokens(talk, "admin", PASSWORD, spoil=flip)
            assert answer is None or answer[0] == 58, (place, answer)
    with contextlib.closing(Talk(broker.sasl_port)) as talk:  # more than a stranger may send
        talk.socket.sendall(struct.pack(">i", 70000) + b"\0" * 100)
        assert talk.receive() is None


def silent(cluster):
    """Who does not log in is closed when its time is over, whatever it does meanwhile; who has logged in stays."""
    broker = cluster[1]
    with logged_in(broker) as good, contextlib.closing(Talk(broker.sasl_port)) as talk:
        began = time.monotonic()
        assert talk.asks(18, 0, b"") is not None
        assert talk.receive() is None
        took = time.monotonic() - began
        assert SETUP_MS / 1000 - 0.1 < took and within(took, SETUP_MS / 1000 + 3), took
        assert good.asks(3, 0, b"\0\0\0\0") is not None


def nobody(cluster):
    """Who is not there has a salt that is the same each time and on each broker, and another one than others."""

    def salt(broker, user, mechanism):
        with contextlib.closing(Talk(broker.sasl_port)) as talk:
            assert talk.chooses(mechanism) == 0
            error, challenge = talk.token(b"n,,n=%s,r=0123456789" % user)
            assert error == 0
            return challenge.decode().split(",", 1)[1]

    for mechanism in MECHANISMS[1:]:
        seen = {user: {salt(broker, user, mechanism) for broker in cluster for _ in range(2)} for user in (b"nobody", b"no-one", b"admin")}
        assert all(len(one) == 1 for one in seen.values()), seen
        assert len(set.union(*seen.values())) == 3, seen
        assert len({len(next(iter(one))) for one in seen.values()}) == 1, seen
        assert all(next(iter(one)).endswith("i=4096") for one in seen.values()), seen


def again(cluster):
    """connections.max.reauth.ms: who logs in again in time goes on, who does not is closed; nobody becomes another."""
    broker = cluster[1]
    with logged_in(broker) as talk:
        time.sleep(1.1)  # once a second at most
        assert talk.chooses("SCRAM-SHA-256") == 0
        assert scram_tokens(talk, "admin", PASSWORD)[0] == 0
        assert talk.asks(3, 0, b"\0\0\0\0") is not None
        time.sleep(3.2)  # its time is over
        assert talk.asks(3, 0, b"\0\0\0\0") is None
    expect(run("-b", cluster.bootstrap, "user", "set", "eve", stdin="eve\n"), 0)
    with logged_in(broker) as talk:
        time.sleep(1.1)
        assert talk.chooses("SCRAM-SHA-256") == 0
        assert scram_tokens(talk, "eve", "eve")[0] == 58, "it became another"
    wrong = []
    producer = Producer(cluster.client("SCRAM-SHA-256", error_cb=lambda e: wrong.append(str(e))))
    for i in range(50):  # librdkafka does it by itself
        producer.produce("t", str(i))
        producer.poll(0.1)
    assert producer.flush(10) == 0 and not wrong, wrong


def late(cluster):
    """A login that failed hears so later, the later the more have failed there, also when the time to log in is over by then; and nothing beside."""
    waits = []
    for _ in range(6):
        with contextlib.closing(Talk(cluster[1].sasl_port)) as talk:
            assert talk.chooses("PLAIN") == 0
            began = time.monotonic()
            assert talk.token(b"\0nobody\0x")[0] == 58
            waits.append(time.monotonic() - began)
            assert talk.receive() is None
    assert all(b > 1.6 * a for a, b in zip(waits, waits[1:5], strict=False)) and waits[-1] > SETUP_MS / 1000, waits
    with logged_in(cluster[1]):
        pass


def secrets(cluster):
    """Passwords and keys stand in no log, and in nothing that is told of settings, users or metadata."""
    keys = [word for line in (cluster.folder / "users").read_text().split() for word in line.split(":")[4:]]
    texts = [broker.log_text(whole=True) for broker in cluster]
    for words in (("config", "get", "broker:1", "--all", "--json"), ("user", "list", "--json"), ("meta", "ls", "/")):
        texts.append(run("-b", cluster.bootstrap, *words).stdout)
    assert all(secret not in text for secret in (PASSWORD, *keys) for text in texts)


def kafka_configs(cluster):
    """Kafka's own tool, which logs in by SCRAM-SHA-512 itself, sets a user, shows and deletes him."""
    jars = os.environ.get("KAFKA_JARS")
    if not jars:
        return "left out: KAFKA_JARS names no folder of Kafka's jars"
    client = cluster.folder / "client.properties"
    client.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram."
        f'ScramLoginModule required username="admin" password="{PASSWORD}";\n'
    )
    command = ["java", "-Xmx128m", "-cp", f"{jars}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", cluster.sasl_bootstrap]
    command += ["--command-config", str(client), "--entity-type", "users"]

    def tool(*words):
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    bob, both = ("--entity-name", "bob"), "SCRAM-SHA-256=[iterations=8192,password=pw],SCRAM-SHA-512=[password=pw]"
    assert "Completed updating" in tool("--alter", *bob, "--add-config", both)
    assert produced(cluster.client("SCRAM-SHA-512", user="bob", password="pw")) is None
    text = tool("--describe", *bob)
    assert "SCRAM-SHA-256=iterations=8192" in text and "SCRAM-SHA-512=iterations=4096" in text, text
    assert "Completed updating" in tool("--alter", *bob, "--delete-config", "SCRAM-SHA-256,SCRAM-SHA-512")
    assert "bob" not in run("-b", cluster.bootstrap, "user", "list").stdout
    return None


suite = Suite()
with tempfile.TemporaryDirectory(prefix="drave-test-sasl-") as name:
    folder = Path(name)
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "users").write_text(run("user", "hash", "admin", stdin=PASSWORD + "\n").stdout)
    (folder / "users").chmod(0o600)
    with LoggedIn(3, folder, settings={"connection.failed.authentication.delay.ms": "0"}) as shared:
        shared.create("t", partitions=3)
        wait_until("the first user", lambda: produced(shared.client("PLAIN"), seconds=2) is None, 30, 0.2)
        for test in (librdkafka, kafka_python, kcat, command_line, kafka_configs, order, hostile, silent, nobody, secrets):
            suite.run(test, shared)
    with LoggedIn(1, folder, settings={"connections.max.reauth.ms": "3000"}) as short:
        short.create("t")
        wait_until("the first user", lambda: produced(short.client("PLAIN"), seconds=2) is None, 30, 0.2)
        for test in (again, late):
            suite.run(test, short)
suite.end()
