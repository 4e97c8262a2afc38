"""What can be taken away from a cluster: bundles, which every list reads and which hide names; and reads of what only segments have."""

import base64
import hashlib
import hmac
import json
import os
import re
import tarfile
import tempfile

from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from harness.cluster import wait_until
from harness.command import run
from harness.suite import Suite
from harness.watched import Watched, total

PASSWORD, SALT, ITERATIONS = b"correct private horse", bytes(range(100, 132)), 4096


def secrets_of(password):
    """All that a cluster keeps of it, or is sent: (what, bytes)."""
    for name in ("sha256", "sha512"):
        salted = hashlib.pbkdf2_hmac(name, password, SALT, ITERATIONS)
        client = hmac.digest(salted, b"Client Key", name)
        yield from (("salted", salted), ("client key", client), ("stored key", hashlib.new(name, client).digest()))
        yield "server key", hmac.digest(salted, b"Server Key", name)
    yield from (("salt", SALT), ("password", password))


def forms_of(secret):
    return {
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret).rstrip(b"="),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
    }


def make_users(cluster):
    """A user whose salt is known, with a rule and a quota."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        wish = UserScramCredentialUpsertion("private-user", ScramCredentialInfo(mechanism, ITERATIONS), PASSWORD, SALT)
        admin.alter_user_scram_credentials([wish])["private-user"].result(30)
    cluster.drave("acl", "add", "User:private-user", "read", "topic", "private-rule")
    cluster.drave("quota", "set", "user:private-user", "client-id:private-app", "producer_byte_rate=1048576")


def bundled(cluster):
    """drave debug bundle: one file with what all brokers say, metrics twice; nothing of a record or a password; a file that is there is not written over."""
    make_users(cluster)
    secret = "nobody-may-read-this"
    cluster.create("private", 1)
    cluster.drave("produce", "private", "-K", ":", stdin=f"{secret}-key:{secret}-value\n" * 5)
    cluster.drave("consume", "private", "-e", "-G", "private/../group", "-o", "beginning", "-n", "5")
    with tempfile.TemporaryDirectory(prefix="drave-test-") as folder:
        path = f"{folder}/bundle.tar.gz"
        done = cluster.drave("debug", "bundle", "-o", path, timeout=120)
        assert "no records and no keys" in done.stderr, done.stderr
        with tarfile.open(path) as archive:
            files = {one.name.removeprefix("drave-bundle/"): archive.extractfile(one).read() for one in archive.getmembers()}
            assert all(one.isfile() and one.mode == 0o600 and ".." not in one.name for one in archive.getmembers())
        manifest = json.loads(files["manifest.json"])
        assert manifest["brokers"] == 3 and all(part["exit"] in (0, 1) for part in manifest["files"].values()), manifest
        wanted = {
            "info",
            "brokers",
            "health",
            "doctor",
            "events",
            "topics",
            "disk",
            "groups",
            "clients",
            "api-versions",
            "users",
            "acls",
            "quotas",
        }
        assert {f"{name}.json" for name in wanted} <= set(files), sorted(files)
        assert {f"settings/broker-{node}.json" for node in (1, 2, 3)} <= set(files), sorted(files)
        assert any(name.startswith("groups/") and "private" in name for name in files), sorted(files)
        first, second = (json.loads(files[f"metrics-{n}.json"]) for n in (1, 2))
        assert [b["broker"] for b in first] == [1, 2, 3] and "drave_journal_sync_seconds" in first[0]["metrics"]
        assert 9000 < second[0]["time_ms"] - first[0]["time_ms"] < 60000
        assert not any(secret.encode() in data for data in files.values()), "a record is in it"
        assert json.loads(files["users.json"]) == [
            {"user": "private-user", "mechanisms": {f"SCRAM-SHA-{n}": ITERATIONS for n in (256, 512)}}
        ]
        assert [rule["name"] for rule in json.loads(files["acls.json"])] == ["private-rule"]
        assert json.loads(files["quotas.json"])[0]["quotas"] == {"producer_byte_rate": 1048576}
        for what, one in secrets_of(PASSWORD):
            found = [name for name, data in files.items() if any(form in data for form in forms_of(one))]
            assert not found, f"the {what} is in {found}"
        done = cluster.drave("debug", "bundle", "-o", path, check=False)
        assert done.returncode == 1 and "name another file" in done.stderr, done
        from_bundle(cluster, path)
        hidden(cluster, f"{folder}/hidden.tar.gz")
    return f"{len(files)} files"


def from_bundle(cluster, path):
    """--from: what shows a cluster shows a bundle, asking nobody, with the exit code of then; what it does not hold is refused with what it does."""

    def shown(*words, code=0):
        done = run(*words, "--from", path, "-b", "127.0.0.1:1")
        assert done.returncode == code, done
        return done

    for words in (
        ("info",), ("topic", "list"), ("topic", "describe", "private"), ("topic", "offsets", "private"), ("group", "list"),
        ("group", "describe", "private/../group"), ("group", "why", "private/../group"), ("broker", "list"), ("client", "list"), ("disk",),
        ("health",), ("config", "get", "broker:2"), ("config", "get", "broker:2", "--all"), ("api-versions",), ("txn", "list"),
        ("meta", "ls", "/topics"), ("meta", "get", "/topics/private/partitions/0"), ("txn", "find-hanging"),
        ("user", "list"), ("acl", "list"), ("quota", "list"),
    ):  # fmt: skip
        done = shown(*words)
        assert "as it was at " in done.stderr and (done.stdout or words[0] == "txn"), done
        if words[:2] != ("meta", "get"):
            json.loads(shown(*words, "--json").stdout)
    assert "private" in shown("topic", "list").stdout
    assert {b["id"] for b in json.loads(shown("broker", "list", "--json").stdout)} == {1, 2, 3}
    assert "drave topic describe private" in shown("topic", "describe", "other", code=1).stderr
    assert "cannot be read" in run("topic", "list", "--from", path + ".none").stderr
    assert "it has no manifest" in run("topic", "list", "--from", "/etc/passwd").stderr


def hidden(cluster, path):
    """--anonymous: no name of a topic, group, client, host or directory is in any file, and each is the same everywhere."""
    cluster.create("private-too", 1)
    cluster.drave("topic", "delete", "private-too")
    cluster.drave("debug", "bundle", "--anonymous", "-o", path, timeout=120)
    with tarfile.open(path) as archive:
        files = {one.name: archive.extractfile(one).read().decode() for one in archive.getmembers()}
    # An internal address or name that is missed would be seen by any of these.
    for secret in ("private", "127.0.0.1", str(cluster.directory)):
        found = [f"{name}: {text[max(0, text.find(secret) - 80) :][:200]}" for name, text in files.items() if secret in name + text]
        assert not found, (secret, found[:3])
    topics = [t["name"] for t in json.loads(run("topic", "list", "--json", "--from", path).stdout) if not t["name"].startswith("__")]
    group = next(g["group"] for g in json.loads(run("group", "list", "--json", "--from", path).stdout) if g["group"].startswith("group-"))
    assert all(re.fullmatch(r"topic-\d+", name) for name in topics), topics
    offsets = json.loads(run("group", "describe", group, "--json", "--from", path).stdout)["offsets"]
    assert offsets and offsets[0]["topic"] in topics, (offsets, topics)
    assert run("topic", "describe", offsets[0]["topic"], "--from", path).returncode == 0


def reading(cluster):
    """What memory does not hold any more is read out of segments, and that is timed."""
    cluster.create("old", 1)
    cluster.wait_leaders("old", in_sync=3)
    for _ in range(4):
        cluster.drave("produce", "old", stdin="".join(f"{os.urandom(500).hex()}\n" for _ in range(2000)))

    def looked():
        assert len(cluster.drave("consume", "old", "-e").stdout.splitlines()) == 8000
        return sum(total(cluster.metrics(node), "drave_segment_read_seconds_count") for node in cluster.brokers) > 0

    wait_until("a look into a segment to be timed", looked, 30, 1.1)


suite = Suite()
with Watched(
    3,
    **{
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "tail.cache.bytes": 0,
        "log.segment.bytes": 1048576,
        "journal.file.bytes": 262144,
        "journal.max.bytes": 4194304,
    },
) as shared:
    for test in (bundled, reading):
        suite.run(test, shared)
suite.end()
