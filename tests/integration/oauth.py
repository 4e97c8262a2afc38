"""Logins by tokens (OAUTHBEARER): real clients, what each hears, tokens that are not good, ends of sessions, and keys that change."""

import contextlib
import json
import os
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer
from kafka import KafkaProducer
from kafka.net.sasl.oauth import AbstractTokenProvider

from harness.cluster import ROOT, Cluster, free_ports, wait_until
from harness.command import expect, run
from harness.login_talk import Talk
from harness.secured import Authority, openssl
from harness.suite import Suite
from harness.tokens import AUDIENCE, ISSUER, Issuer, b64

REFUSAL = b'{"status":"invalid_token"}'
METADATA = (3, 0, b"\0\0\0\0")


class Tokens(Cluster):
    """Two brokers with PLAINTEXT, SASL_PLAINTEXT (sasl_port) and SASL_SSL (sasl_ssl_port); alice may write t, nobody else may."""

    def __init__(self, folder, settings=None):
        self.issuer = Issuer(folder / "issuer")
        self.issuer.key("one")
        self.issuer.key("two", "EC")
        super().__init__(
            2,
            settings={
                "sasl.enabled.mechanisms": "OAUTHBEARER,SCRAM-SHA-256",
                "sasl.oauthbearer.jwks.endpoint.url": f"file://{self.issuer.jwks}",
                "sasl.oauthbearer.expected.issuer": ISSUER,
                "sasl.oauthbearer.expected.audience": AUDIENCE,
                "sasl.oauthbearer.clock.skew.seconds": "0",
                "connection.failed.authentication.delay.ms": "0",
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",
                **(settings or {}),
            },
        )
        self.authority = Authority(folder / "tls")
        ports = free_ports(4)
        for broker in self:
            broker.sasl_port, broker.sasl_ssl_port = ports.pop(), ports.pop()
            broker.settings = {
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SASL_PLAINTEXT://127.0.0.1:{broker.sasl_port},"
                f"SASL_SSL://127.0.0.1:{broker.sasl_ssl_port}",
                "ssl.keystore.location": self.authority.issue(f"broker-{broker.node}"),
            }

    def client(self, token, **more):
        """Properties of librdkafka, over TLS; `token` makes one."""

        def given(_):
            text = token()
            claims = json.loads(_decoded(text.split(".")[1]))
            return text, claims["exp"]

        return {
            "bootstrap.servers": ",".join(f"127.0.0.1:{b.sasl_ssl_port}" for b in self),
            "security.protocol": "sasl_ssl",
            "ssl.ca.location": str(self.authority.ca),
            "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": given,
            **more,
        }


def _decoded(part):
    import base64

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def produced(properties, seconds=15):
    """None, or what went wrong."""
    wrong = []
    producer = Producer({"message.timeout.ms": str(seconds * 1000), "error_cb": lambda e: wrong.append(str(e)), **properties})
    producer.produce("t", b"x", callback=lambda e, _: wrong.append(e.name()) if e else None)
    deadline = time.monotonic() + seconds
    while len(producer) and not wrong and time.monotonic() < deadline:
        producer.poll(0.05)
    return wrong[0] if wrong else None if not len(producer) else "it took too long"


def message_of(token, name=""):
    return b"n,%s,\x01auth=Bearer %s\x01\x01" % (name.encode(), token.encode())


def fresh(cluster, version=1):
    talk = Talk(cluster[1].sasl_port)
    assert talk.chooses("OAUTHBEARER", version) == 0
    return contextlib.closing(talk)


def comes_in(cluster, token):
    with fresh(cluster) as talk:
        answer = talk.token(message_of(token))
        return answer == (0, b"") and talk.asks(*METADATA) is not None


# ---- Clients ----


def librdkafka(cluster):
    """confluent-kafka with oauth_cb: who the token names is who the rules are for."""
    assert produced(cluster.client(cluster.issuer.token)) is None
    assert produced(cluster.client(lambda: cluster.issuer.token(kid="two"))) is None
    assert produced(cluster.client(lambda: cluster.issuer.token("mallory"))) == "TOPIC_AUTHORIZATION_FAILED"
    wrong = produced(cluster.client(lambda: cluster.issuer.token(aud="others")), seconds=5)
    assert wrong is not None and "invalid_token" in wrong, wrong


def kafka_python(cluster):
    """kafka-python with a token provider."""

    class Provider(AbstractTokenProvider):
        def token(self):
            return cluster.issuer.token()

    producer = KafkaProducer(
        bootstrap_servers=[f"127.0.0.1:{b.sasl_port}" for b in cluster],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=Provider(),
    )
    assert producer.send("t", b"y").get(20).offset >= 0
    producer.close()


def java(cluster):
    """Java's client logs in, writes for longer than its tokens are good, and hears why one is not."""
    jars = os.environ.get("KAFKA_JARS")
    if not jars:
        return "left out: KAFKA_JARS names no folder of Kafka's jars"
    tokens = cluster.issuer.folder / "tokens"
    command = ["java", "-Xmx128m", "-cp", f"{jars}/*", str(ROOT / "tests/integration/java/Bearer.java")]
    command += [",".join(f"127.0.0.1:{b.sasl_port}" for b in cluster), str(tokens)]
    tokens.write_text("\n".join(cluster.issuer.token(seconds=n) for n in range(10, 70, 10)) + "\n")
    done = subprocess.run([*command, "15"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "written" in done.stdout, done.stdout + done.stderr
    tokens.write_text(cluster.issuer.token(aud="others") + "\n")
    done = subprocess.run([*command, "1"], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "invalid_token" in done.stdout + done.stderr, done.stdout + done.stderr
    return None


# ---- What is answered ----


def answers(cluster):
    """As in Kafka (KIP-255): a refusal as a challenge, then 58 with the same text; a message that is none: 58 at once; without headers nothing."""
    bad = message_of(cluster.issuer.token(seconds=-1))
    with fresh(cluster) as talk:
        assert talk.token(bad) == (0, REFUSAL)
        answer = talk.asks(36, 0, struct.pack(">i", 1) + b"\x01")
        error, size = struct.unpack(">hh", answer[4:8])
        assert (error, answer[8 : 8 + size]) == (58, REFUSAL), answer
        assert talk.receive() is None
    with fresh(cluster) as talk:  # another token in the place of that, as Kafka lets it
        assert talk.token(bad) == (0, REFUSAL)
        assert talk.token(message_of(cluster.issuer.token())) == (0, b"")
    with fresh(cluster) as talk:
        assert talk.token(bad) == (0, REFUSAL)
        assert talk.asks(*METADATA) is None, "it is not in"
    for message in (b"", b"\x01", b"n,,\x01auth=Bearer \x01\x01", b"n,,\x01auth=Basic x\x01\x01", b"\0alice\0x", b"n,,\x01" * 9000):
        with fresh(cluster) as talk:
            assert talk.token(message)[0] == 58, message[:40]
            assert talk.receive() is None
    with fresh(cluster) as talk:
        assert talk.token(message_of(cluster.issuer.token(), "a=alice")) == (0, b"")
    with fresh(cluster) as talk:
        assert talk.token(message_of(cluster.issuer.token(), "a=bob"))[0] == 58
    with fresh(cluster, version=0) as talk:
        talk.send(message_of(cluster.issuer.token()))
        assert talk.receive() == b"" and talk.asks(*METADATA) is not None
    with fresh(cluster, version=0) as talk:
        talk.send(bad)
        assert talk.receive() == REFUSAL
        talk.send(b"\x01")
        assert talk.receive() is None
    offered = Talk(cluster[1].sasl_port)
    answer = offered.asks(17, 1, b"\0\5PLAIN")
    assert answer[4:6] == b"\0\x21" and b"OAUTHBEARER" in answer and b"SCRAM-SHA-256" in answer, answer
    offered.close()


def hostile(cluster):
    """Tokens that nobody has signed, or for others: a refusal each time, a line that says why, and nothing of the token in it."""
    issuer, good = cluster.issuer, cluster.issuer.token()
    head, body, signature = good.split(".")
    issuer.key("stranger", publish=False)
    public = openssl("pkey", "-in", issuer.folder / "one.key", "-pubout").stdout
    confused = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{body}"
    mac = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{public.hex()}", "-binary", stdin=confused.encode()).stdout
    tokens = {
        "none": f"{b64(b'{%salg%s:%snone%s}' % ((b'%c' % 34,) * 4))}.{body}.",
        "unsigned": f"{head}.{body}.",
        "confused": f"{confused}.{b64(mac)}",
        "another key's": f"{head}.{body}.{b64(issuer.sign('stranger', f'{head}.{body}'.encode()))}",
        "a key of its own": issuer.token(kid="stranger", header={"jwk": issuer.rows["stranger"], "jku": "http://127.0.0.1:1/"}),
        "critical": issuer.token(header={"crit": ["exp"]}),
        "ended": issuer.token(seconds=-1),
        "not begun": issuer.token(nbf=int(time.time()) + 60),
        "for others": issuer.token(aud=["others"]),
        "of others": issuer.token(iss=ISSUER + "/"),
        "nobody's": issuer.token(sub=""),
        "two": f"{good}.{signature}",
        "large": issuer.token(x="x" * 20000),
    }
    for name, token in tokens.items():
        with fresh(cluster) as talk:
            assert talk.token(message_of(token)) == (0, REFUSAL), name
    assert comes_in(cluster, good)

    def is_told():  # one line a second at the most
        assert not comes_in(cluster, issuer.token(seconds=-1))
        return "by OAUTHBEARER: it ended" in cluster[1].log_text(whole=True)

    wait_until("the line", is_told, 20, 0.3)
    log = cluster[1].log_text(whole=True)
    assert body not in log and signature not in log
    assert cluster[1].alive()


# ---- Sessions ----


def lifetime(cluster):
    """A session ends with its token (KIP-368): who logs in again in time goes on, as the same user only; who does not is closed."""
    with fresh(cluster) as talk:
        message = message_of(cluster.issuer.token(seconds=4))
        answer = talk.asks(36, 1, struct.pack(">i", len(message)) + message)
        left_ms = struct.unpack(">q", answer[-8:])[0]
        assert 2000 < left_ms <= 4000, left_ms
        time.sleep(1.1)  # once a second at most
        assert talk.chooses("OAUTHBEARER") == 0
        assert talk.token(message_of(cluster.issuer.token(seconds=3))) == (0, b"")
        assert talk.asks(*METADATA) is not None
        time.sleep(3.2)
        assert talk.asks(*METADATA) is None, "its token has ended"
    with fresh(cluster) as talk:
        assert talk.token(message_of(cluster.issuer.token())) == (0, b"")
        time.sleep(1.1)
        assert talk.chooses("OAUTHBEARER") == 0
        assert talk.token(message_of(cluster.issuer.token("bob")))[0] == 58, "it became another"
    wrong = []
    properties = cluster.client(lambda: cluster.issuer.token(seconds=4), error_cb=lambda e: wrong.append(str(e)))
    producer = Producer(properties)
    for i in range(100):  # librdkafka gets new ones by itself
        producer.produce("t", str(i), callback=lambda e, _: wrong.append(str(e)) if e else None)
        producer.poll(0.1)
    assert producer.flush(10) == 0 and not wrong, wrong


# ---- Keys ----


def keys_change(cluster):
    """Another key set holds at once after SIGHUP, or when a token names a key of it; one that cannot be used changes nothing."""
    issuer = cluster.issuer
    old = issuer.token()
    issuer.key("three", "EC", publish=False)
    fresh_token = issuer.token(kid="three")
    assert not comes_in(cluster, fresh_token)
    issuer.publish("three")

    def hang_up():
        for broker in cluster:
            broker.signal(signal.SIGHUP)

    hang_up()
    wait_until("the new key", lambda: comes_in(cluster, fresh_token), 10, 0.1)
    assert not comes_in(cluster, old), "its key was taken away"
    assert "was read anew: tokens are checked with 1 key" in cluster[1].log_text(whole=True)
    issuer.jwks.write_text('{"keys":[')
    hang_up()
    wait_until("the line", lambda: "token_keys_refused" in cluster[1].log_text(whole=True), 10, 0.1)
    assert comes_in(cluster, fresh_token)
    issuer.publish("one", "two")
    wait_until("a look by itself", lambda: comes_in(cluster, old), 30, 0.5)


def start_says(_):
    """draved --check and a start say what is missing, and in which setting."""
    with tempfile.TemporaryDirectory(prefix="drave-test-oauth-") as name:
        folder = Path(name)
        issuer = Issuer(folder)
        issuer.key("one")
        conf = folder / "draved.conf"
        base = f"data.dir={folder}/data\nlisteners=SASL_PLAINTEXT://127.0.0.1:0\nsasl.enabled.mechanisms=OAUTHBEARER\n"
        whole = {"jwks.endpoint.url": f"file://{issuer.jwks}", "expected.issuer": ISSUER, "expected.audience": "a,b"}

        def check(**changed):
            rows = {**whole, **{k.replace("_", "."): v for k, v in changed.items()}}
            conf.write_text(base + "".join(f"sasl.oauthbearer.{k}={v}\n" for k, v in rows.items()))
            program = Path(os.environ["DRAVE_BIN"]) / "draved"
            return subprocess.run([str(program), "--check", "--config", str(conf)], capture_output=True, text=True, timeout=20)

        expect(check(), 0, "is good")
        for changed, said in (
            ({"jwks_endpoint_url": ""}, "jwks.endpoint.url is empty"),
            ({"jwks_endpoint_url": "https://x/keys"}, "is not served; fetch the key set into a file"),
            ({"jwks_endpoint_url": "/etc/jwks.json"}, "is no URL of a file"),
            ({"jwks_endpoint_url": "file:///nowhere/jwks.json"}, "cannot be read"),
            ({"jwks_endpoint_url": f"file://{folder}/one.key"}, "it is no JSON Web Key Set"),
            ({"expected_issuer": ""}, "expected.issuer is empty"),
            ({"expected_audience": ""}, "expected.audience is empty"),
        ):
            done = check(**changed)
            assert done.returncode != 0 and said in done.stdout + done.stderr, (changed, done.stdout + done.stderr)


suite = Suite()
suite.run(start_says, None)
with tempfile.TemporaryDirectory(prefix="drave-test-oauth-") as name, Tokens(Path(name)) as cluster:
    cluster.create("t", partitions=2)
    expect(run("-b", cluster.bootstrap, "acl", "add", "alice", "write,describe", "topic", "t"), 0)
    wait_until("the rule", lambda: produced(cluster.client(cluster.issuer.token)) is None, 20, 0.2)
    for test in (librdkafka, kafka_python, java, answers, hostile, lifetime, keys_change):
        suite.run(test, cluster)
suite.end()
