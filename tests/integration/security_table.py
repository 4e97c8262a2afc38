"""What went wrong in brokers elsewhere, and the test that says that it does not here: each row names tests that exist and run; and those that are nowhere else."""

import os
import re
import struct
import tempfile
from pathlib import Path

from harness.cluster import Cluster
from harness.command import expect, run
from harness.raw import Raw, batch, text
from harness.suite import Suite

ROOT = Path(os.environ["DRAVE_ROOT"])
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
TOPIC_REFUSED, ID_REFUSED = 29, 53

# (where it was, what it was, tests: FILE:FUNCTION; a program of tests/fuzz is a file alone)
ROWS = (
    ("Kafka CVE-2018-1288", "a fetch that says it is a replica reads everything", "tests/integration/security_table.py:forged"),
    ("Kafka CVE-2018-17196", "a transactional produce by hand passes the rules", "tests/integration/security_table.py:forged"),
    ("Kafka CVE-2022-34917", "who has not logged in makes the broker take memory", "tests/integration/sasl.py:hostile tests/integration/sasl.py:silent"),
    ("Kafka CVE-2023-34455", "a length in snappy", "tests/unit/protocol/record/test_codec.c:test_codec_bomb tests/unit/protocol/record/test_codec.c:test_codec_claims"),
    ("Kafka CVE-2024-27309", "with one rule others go", "tests/unit/broker/access/test_acl_table.c:test_acl_table_random"),
    ("Kafka CVE-2024-31141", "variables in values read files", "tests/integration/security_table.py:variables"),
    ("Kafka CVE-2024-56128", "the nonce of SCRAM is not compared", "tests/unit/broker/login/test_scram_server.c:test_scram_server_bad"),
    ("Kafka CVE-2025-27817, 27818, 27819", "files, classes and addresses are set through the protocol", "tests/integration/security_table.py:settings_of_files"),
    ("Kafka", "SCRAM tells which users there are", "tests/integration/sasl.py:nobody"),
    ("libjwt CVE-2026-44699", "a public key of RSA is taken as the secret of HS256", "tests/unit/broker/tokens/test_token.c:test_token_algorithms tests/integration/oauth.py:hostile"),
    ("anywhere", "a token without a signature, with a key of its own, or for others", "tests/integration/oauth.py:hostile tests/fuzz/fuzz_token.c"),
    ("NATS CVE-2026-27571, 29785", "what is packed is unpacked before a login", "tests/integration/sasl.py:order"),
    ("NATS CVE-2026-27889, 33218", "a stranger ends the process", "tests/integration/sasl.py:hostile tests/fuzz/fuzz_login.c"),
    ("NATS CVE-2026-33248", "parts of a certificate's name are compared", "tests/unit/base/secure/test_tls_name.c:test_tls_name_differ tests/integration/security_tls.py:named_by_certificate"),
    ("Mozilla CVE-2009-2408", "a zero byte ends a certificate's name early", "tests/unit/base/secure/test_tls_name.c:test_tls_name_bad"),
    ("anywhere", "a pattern that takes years for a name", "tests/unit/broker/tls/test_name_regex.c:test_name_regex_time tests/unit/broker/tls/test_principal_rules.c:test_principal_rules_nobody"),
    ("anywhere", "what a client chose poses as a command in a log", "tests/integration/acls.py:forged"),
    ("NATS note 2026-16", "clients get in by the port of brokers", "tests/integration/security_peers.py:strangers"),
    ("RabbitMQ CVE-2023-46118", "a body of HTTP without a limit", "tests/integration/console_admin.py:bodies"),
    ("RabbitMQ CVE-2025-50200", "passwords on the log", "tests/integration/sasl.py:secrets tests/integration/security_tls.py:secrets"),
    ("RabbitMQ CVE-2025-30219", "names that are code in a page", "tests/integration/console.py:pages"),
    ("Redpanda CVE-2023-30450", "TLS that is mistyped is left out", "tests/integration/security_tls.py:at_the_start"),
    ("Redpanda CVE-2023-24619", "a tool prints secrets", "tests/integration/sasl.py:secrets"),
)  # fmt: skip


def runs(test):
    """Whether its file has it, and runs it."""
    path, _, name = test.partition(":")
    if not (ROOT / path).exists():
        return False
    source = (ROOT / path).read_text()
    if path.endswith(".py"):
        return f"\ndef {name}(" in source and re.search(rf"run\({name}\b|for test in \([^)]*\b{name}\b", source) is not None
    return not name or len(re.findall(rf"\b{name}\b", source)) > 1


def rows():
    """Each row has its test."""
    for where, what, tests in ROWS:
        missing = [test for test in tests.split() if not runs(test)]
        assert not missing, f"{where} ({what}): {missing} is no test that runs"
        print(f"# {where}: {what} - {tests}")
    assert not runs("tests/integration/sasl.py:no_such") and not runs("tests/integration/no_such.py:order")
    assert not runs("tests/unit/broker/access/test_acl_table.c:test_no_such")


def forged():
    """Without rights a fetch that says it is of broker 1 brings nothing, and a produce with an id of a transaction stores nothing."""
    with Cluster(1, settings={"authorizer.class.name": AUTHORIZER, "super.users": "User:ANONYMOUS"}) as cluster:
        cluster.create("guarded", 1, 1)
        with Raw(cluster[1].port) as raw:
            assert raw.produce("guarded", 0, batch([(None, b"secret")])) == (0, 0)
        cluster[1].stop()
        cluster.settings["super.users"] = "User:admin"
        cluster[1].start(ready=True)
        with Raw(cluster[1].port) as raw:
            for replica in (-1, 1):
                body = struct.pack(">iiiibii", replica, 100, 1, 1 << 20, 0, 0, -1) + struct.pack(">i", 1) + text("guarded")
                body += struct.pack(">iiiqqi", 1, 0, -1, 0, -1, 1 << 20) + struct.pack(">i", 0) + text("")
                answer = raw.ask(1, 11, body)
                assert b"secret" not in answer, replica
                at = 4 + 2 + 4 + 4 + 2 + len("guarded") + 4 + 4
                assert struct.unpack(">h", answer[at : at + 2])[0] == TOPIC_REFUSED, replica
            records = batch([(None, b"forged")], producer=(7, 0, 0), attributes=0x10)
            body = text("pay-1") + struct.pack(">hii", -1, 10000, 1) + text("guarded") + struct.pack(">iii", 1, 0, len(records)) + records
            answer = raw.ask(0, 7, body)
            at = 4 + 2 + len("guarded") + 4 + 4
            assert struct.unpack(">h", answer[at : at + 2])[0] == ID_REFUSED
        cluster[1].stop()
        cluster.settings["super.users"] = "User:ANONYMOUS"
        cluster[1].start(ready=True)
        with Raw(cluster[1].port) as raw:
            assert raw.list_offset("guarded", 0, -1)[2] == 1


def settings_of_files():
    """What names a file, a class, or who may what is set in the broker's file alone, whoever asks."""
    fixed = (
        "ssl.keystore.location=/etc/passwd", "ssl.truststore.location=/etc/passwd", "ssl.keystore.password=x", "peer.secret.file=/etc/passwd",
        "bootstrap.users.file=/etc/passwd", "super.users=User:mallory", "authorizer.class.name=", "authorizer.mode=observe",
        "sasl.enabled.mechanisms=PLAIN", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT", "ssl.client.auth=none",
        "sasl.oauthbearer.jwks.endpoint.url=file:///etc/passwd", "sasl.oauthbearer.expected.issuer=x", "sasl.jaas.config=x", "metric.reporters=x", "data.dir=/tmp/other", "listener.name.ssl.ssl.keystore.location=/etc/passwd",
        "listener.name.plaintext.ssl.truststore.location=/etc/passwd", "listener.name.ssl.ssl.keystore.password=x", "ssl.principal.mapping.rules=DEFAULT",
    )  # fmt: skip
    with Cluster(1) as cluster:
        for pair in fixed:
            for whom in ("broker:1", "brokers"):
                done = run("-b", cluster.bootstrap, "config", "set", whom, pair)
                assert done.returncode == 1, (whom, pair, done.stdout, done.stderr)
        shown = run("-b", cluster.bootstrap, "config", "get", "broker:1", "--all", "--json")
        expect(shown, 0)
        assert "/etc/passwd" not in shown.stdout and "mallory" not in shown.stdout


def variables():
    """A value is what it says: nothing in it is looked up."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "told").write_text("x=User:mallory\n")
        value = "User:${file:" + folder + "/told:x};User:${env:HOME}"
        with Cluster(1, settings={"authorizer.class.name": AUTHORIZER, "super.users": "User:ANONYMOUS;" + value}) as cluster:
            shown = run("-b", cluster.bootstrap, "config", "get", "broker:1", "--all", "--json")
            expect(shown, 0)
            assert "mallory" not in shown.stdout and value in shown.stdout, shown.stdout


suite = Suite()
for test in (rows, forged, settings_of_files, variables):
    suite.run(test)
suite.end()
