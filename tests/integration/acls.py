"""Permissions: real clients with and without rights, rules that come and go on all brokers, what is hidden, what is told, Kafka's own tool."""

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLFilter, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from harness.cluster import Cluster, free_ports, wait_until
from harness.command import expect, run
from harness.suite import Suite
from harness.watched import Watched, total

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
USERS = ("admin", "alice", "bob")


class Guarded(Watched):
    """Each broker has PLAINTEXT, whose clients are super users, and SASL_PLAINTEXT (sasl_port); passwords are names."""

    def __init__(self, size, **settings):
        super().__init__(
            size,
            **{
                "sasl.enabled.mechanisms": "PLAIN",
                "authorizer.class.name": AUTHORIZER,
                "super.users": "User:admin; User:ANONYMOUS",
                "connection.failed.authentication.delay.ms": "0",
                **settings,
            },
        )
        ports = free_ports(size)
        for broker in self:
            broker.sasl_port = ports.pop()
            listeners = f"PLAINTEXT://127.0.0.1:{broker.port},SASL_PLAINTEXT://127.0.0.1:{broker.sasl_port}"
            broker.settings = {"listeners": listeners}

    @property
    def guarded(self):
        return ",".join(f"127.0.0.1:{b.sasl_port}" for b in self)

    def make_users(self):
        for user in USERS:
            expect(self.drave_as(None, "user", "set", user, stdin=user + "\n"), 0)

    def client(self, user, **more):
        """Properties of librdkafka."""
        return {
            "bootstrap.servers": self.guarded,
            "security.protocol": "sasl_plaintext",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": user,
            **more,
        }

    def drave_as(self, user, *words, stdin=None, broker=None):
        if user is None:
            return run("-b", self.bootstrap, "--timeout", "8s", *words, stdin=stdin)
        hosts = f"127.0.0.1:{broker.sasl_port}" if broker else self.guarded
        env = {"DRAVE_PASSWORD": user}
        return run("-b", hosts, "--user", user, "--sasl", "PLAIN", "--timeout", "8s", *words, stdin=stdin, env=env)

    def acl(self, what, *words):
        expect(self.drave_as(None, "acl", what, *words), 0)

    def rules(self, *words):
        return json.loads(self.drave_as(None, "acl", "list", "--json", *words).stdout)

    def holds(self, change):
        """A change, and until every broker has it."""
        change()
        for broker in self:
            port = broker.port
            wanted = self.rules()
            wait_until(
                "all brokers to have the rules",
                lambda p=port, w=wanted: json.loads(run("-b", f"127.0.0.1:{p}", "acl", "list", "--json").stdout) == w,
            )

    def clear(self):
        for rule in self.rules():
            name = [] if rule["resource"] == "cluster" else [rule["name"] + ("*" if rule["pattern"] == "prefixed" else "")]
            deny = ["--deny"] if rule["permission"] == "deny" else []
            self.acl("remove", rule["principal"], rule["operation"], rule["resource"], *name, "--host", rule["host"], *deny)
        assert self.rules() == []


def produced(properties, topic, seconds=15):
    """None, or the name of what went wrong."""
    wrong = []
    producer = Producer({"message.timeout.ms": str(seconds * 1000), **properties})
    producer.produce(topic, b"x", callback=lambda e, _: wrong.append(e.name()) if e else None)
    deadline = time.monotonic() + seconds
    while len(producer) and not wrong and time.monotonic() < deadline:
        producer.poll(0.05)
    return wrong[0] if wrong else None if not len(producer) else "it took too long"


def consumed(properties, topic, group, seconds=20):
    """The value of the first record, or the name of what went wrong."""
    consumer = Consumer({"group.id": group, "auto.offset.reset": "earliest", **properties})
    consumer.subscribe([topic])
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None:
                return message.error().name() if message.error() else message.value()
        return "it took too long"
    finally:
        consumer.close()


# ---- Rules ----


def command_line(cluster):
    """drave acl: add, list, remove; what would be done; words that are none."""
    cluster.clear()
    done = cluster.drave_as(None, "acl", "add", "alice", "read,DescribeConfigs", "topic", "orders-*", "--dry-run")
    expect(done, 0, r"would be added: User:alice may read topic orders-\*")
    assert cluster.rules() == []
    cluster.acl("add", "alice", "read,DescribeConfigs", "topic", "orders-*")
    cluster.acl("add", "User:alice", "ALTER", "cluster", "--deny", "--host", "::ffff:10.0.0.1")
    expect(cluster.drave_as(None, "acl", "add", "alice", "read", "topic", "orders-*"), 0)  # again is no error
    rules = cluster.rules()
    assert len(rules) == 3, rules
    assert {
        "principal": "User:alice",
        "permission": "deny",
        "operation": "alter",
        "resource": "cluster",
        "name": "kafka-cluster",
        "pattern": "literal",
        "host": "10.0.0.1",
    } in rules
    assert len(cluster.rules("topic", "orders-eu")) == 2 and cluster.rules("topic", "order") == []
    assert cluster.rules("--principal", "bob") == [] and len(cluster.rules("--principal", "alice")) == 3
    expect(cluster.drave_as(None, "acl", "list"), 0, r"User:alice +allow +read +topic +orders-\* +\*")
    expect(cluster.drave_as(None, "acl", "remove", "alice", "write", "topic", "orders-*"), 1, "no such rule")
    expect(cluster.drave_as(None, "acl", "add", "alice", "reed", "topic", "x"), 2, "'reed' is no operation; there are all, read")
    expect(cluster.drave_as(None, "acl", "add", "alice", "read", "topics", "x"), 2, "is no resource; there are topic")
    expect(cluster.drave_as(None, "acl", "add", "alice", "read", "topic"), 2, "name a topic")
    expect(cluster.drave_as(None, "acl", "add", "alice", "read", "topic", "x", "--host", "example.com"), 1, "is an address")
    cluster.clear()


def clients(cluster):
    """A producer and a consumer with just their rights; without, they hear which topic and group, and nothing of whether it exists."""
    cluster.clear()
    assert produced(cluster.client("alice"), "t") == "TOPIC_AUTHORIZATION_FAILED"
    assert produced(cluster.client("alice"), "never-made") == "TOPIC_AUTHORIZATION_FAILED"
    cluster.holds(lambda: cluster.acl("add", "alice", "write", "topic", "t"))
    assert produced(cluster.client("alice"), "t") is None
    assert produced(cluster.client("alice", **{"enable.idempotence": "true"}), "t") is None
    assert produced(cluster.client("bob"), "t") == "TOPIC_AUTHORIZATION_FAILED"
    assert consumed(cluster.client("bob"), "t", "g") in ("TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED")
    cluster.holds(lambda: cluster.acl("add", "bob", "read", "topic", "t"))
    assert consumed(cluster.client("bob"), "t", "g") == "GROUP_AUTHORIZATION_FAILED"
    cluster.holds(lambda: cluster.acl("add", "bob", "read", "group", "g"))
    assert consumed(cluster.client("bob"), "t", "g") == b"x"
    cluster.holds(lambda: cluster.acl("add", "bob", "read", "topic", "*", "--deny"))  # counts before what allows
    assert consumed(cluster.client("bob"), "t", "g") == "TOPIC_AUTHORIZATION_FAILED"
    text = "".join(broker.log_text(whole=True) for broker in cluster)
    told = r"User:alice at 127\.0\.0\.1:\d+ \(listener SASL_PLAINTEXT\) may not describe topic 't', asked by Metadata: no rule allows it; to allow it: drave acl add User:alice describe topic t \[access_denied\]"
    assert re.search(told, text), "the refusal is not on the log"
    assert "a rule denies it; drave acl list shows which" in text
    assert sum(total(cluster.metrics(broker.node), "drave_access_denied_total") for broker in cluster) >= 4
    assert "User:ANONYMOUS at 127.0.0.1" in text and "has added: User:alice may write topic 't'" in text


def hosts(cluster):
    """A rule of an address holds for clients of that address alone."""
    cluster.clear()
    cluster.holds(lambda: cluster.acl("add", "alice", "write", "topic", "t", "--host", "10.9.8.7"))
    assert produced(cluster.client("alice"), "t") == "TOPIC_AUTHORIZATION_FAILED"
    cluster.holds(lambda: cluster.acl("add", "alice", "write", "topic", "t", "--host", "127.0.0.1"))
    assert produced(cluster.client("alice"), "t") is None


def transactions(cluster):
    """A transactional producer needs its id; another id is refused."""
    cluster.clear()
    cluster.holds(
        lambda: (cluster.acl("add", "alice", "write", "topic", "t"), cluster.acl("add", "alice", "write", "transactional-id", "pay-*"))
    )

    def commits(name):
        producer = Producer(cluster.client("alice", **{"transactional.id": name}))
        try:
            producer.init_transactions(15)
            producer.begin_transaction()
            producer.produce("t", b"in a transaction")
            producer.commit_transaction(15)
        except Exception as e:  # noqa: BLE001 (KafkaException has no other form)
            return e.args[0].name()
        return None

    assert commits("pay-1") is None
    assert commits("other") == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"


def all_told(cluster):
    """Rules, users and settings that change are told on the log, each, however many at once; refusals that are too many are counted in a line."""
    cluster.clear()
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    names = [f"many-{i}" for i in range(300)]
    admin.create_acls(
        [ACL("User:alice", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, name)) for name in names]
    )
    admin.delete_acls([ACLFilter("User:alice", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, None))])
    admin.close()

    def told(pattern):
        return len(set(re.findall(pattern, "".join(broker.log_text(whole=True) for broker in cluster))))

    for how in ("added", "removed"):
        wait_until(
            f"all rules that were {how}", lambda how=how: told(rf"has {how}: User:alice may read topic '(many-\d+)'") == 300, 30, 0.2
        )
    cluster.drave("config", "set", "topic:u", "retention.ms=9000000", "segment.bytes=1000000")
    cluster.drave("config", "unset", "topic:u", "segment.bytes")
    who = r"User:ANONYMOUS at \S+ \(listener PLAINTEXT\) has changed settings of topic 'u': "
    assert told(who + r"retention.ms, segment.bytes \[configs_changed\]") == 1
    assert told(who + r"segment.bytes \(unset\) \[configs_changed\]") == 1

    def left_out():
        return sum(
            int(n) for b in cluster for n in re.findall(r"\((\d+) more like it left out\) \[access_denied\]", b.log_text(whole=True))
        )

    seen = left_out()
    alice = AdminClient(cluster.client("alice"))
    for future in alice.create_topics([NewTopic(f"not-{i}", 1, 1) for i in range(100)]).values():
        try:
            future.result(20)
            raise AssertionError("alice may create topics")
        except Exception as e:  # noqa: BLE001 (KafkaException has no other form)
            assert e.args[0].name() == "TOPIC_AUTHORIZATION_FAILED", e
    wait_until("what was left out to be told", lambda: left_out() >= seen + 70, 30, 0.3)


# ---- What is hidden ----


def hidden_names(cluster):
    """Who may look at the cluster sees the names of topics and groups that he may describe, and no others: in the tree, in numbers, in events."""
    cluster.clear()
    for topic in ("t", "u"):
        cluster.drave("produce", topic, stdin="x\n")
        cluster.drave("consume", topic, "-e", "-G", f"group-of-{topic}", "-o", "beginning", "-n", "1")
    cluster.holds(lambda: (cluster.acl("add", "bob", "describe", "cluster"), cluster.acl("add", "bob", "describe", "topic", "u")))
    cluster.holds(lambda: cluster.acl("add", "bob", "describe", "group", "group-of-u"))

    def tree(user):
        return cluster.drave_as(user, "meta", "ls", "/topics").stdout.split()

    assert {"t", "u", "s"} <= set(tree(None)) and tree("bob") == ["u"], (tree(None), tree("bob"))
    expect(cluster.drave_as("bob", "meta", "get", "/topics/t"), 1, "there is no /topics/t")
    assert '"name":"u"' in cluster.drave_as("bob", "meta", "get", "/topics/u").stdout.replace(" ", "").replace("\n", "")
    told = [json.loads(line) for line in cluster.drave_as("bob", "events", "--json").stdout.splitlines()]
    for event, seen in (("topic_made", "u"), ("rebalance", "group-of-u"), ("elected", "u-0")):
        subjects = {one["subject"] for one in told if one["event"] == event}
        assert subjects - {seen} == {"(hidden)"}, (event, subjects)
    top = json.loads(cluster.drave_as("bob", "top", "--once", "-d", "1s", "--view", "t", "--json").stdout)
    assert "'t'" not in str(top) and "'s'" not in str(top), top


def hidden(cluster):
    """Topics, groups and transactions that one may not see are not listed, and those that one may are."""
    cluster.clear()
    consumed({"bootstrap.servers": cluster.bootstrap}, "t", "seen-group")
    consumed({"bootstrap.servers": cluster.bootstrap}, "t", "hidden-group")
    for name in ("seen-txn", "hidden-txn"):
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": name})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce("t", b"1")
        producer.produce("u", b"1")
        producer.commit_transaction(20)

    def listed(*words):
        done = cluster.drave_as("alice", *words, "--json")
        return done.stdout if done.returncode == 0 else done.stderr

    assert json.loads(listed("topic", "list")) == [], listed("topic", "list")
    assert json.loads(listed("group", "list")) == []
    for resource, name in (("topic", "t"), ("group", "seen-*"), ("transactional-id", "seen-*")):
        cluster.acl("add", "alice", "describe", resource, name)
    cluster.holds(lambda: None)
    assert {t["name"] for t in json.loads(listed("topic", "list"))} == {"t"}
    assert {g["group"] for g in json.loads(listed("group", "list"))} == {"seen-group"}
    text = listed("txn", "list")
    assert "seen-txn" in text and "hidden-txn" not in text, text
    expect(cluster.drave_as("alice", "topic", "delete", "u", "--yes"), 1)
    admin = AdminClient(cluster.client("alice"))
    errors = {name: future.exception().args[0].code() for name, future in admin.delete_topics(["u", "never-made"]).items()}
    assert errors == dict.fromkeys(("u", "never-made"), KafkaError.TOPIC_AUTHORIZATION_FAILED), errors
    future = admin.delete_topics(["t"])["t"]
    assert future.exception().args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    cluster.holds(lambda: cluster.acl("add", "alice", "describe", "cluster"))  # all groups, by a right on the cluster
    assert {g["group"] for g in json.loads(listed("group", "list"))} >= {"seen-group", "hidden-group"}


def partly(cluster):
    """Of a transaction and a group only those topics are shown that one may see, and members only to who may see all that they have."""
    cluster.clear()
    plain = {"bootstrap.servers": cluster.bootstrap}
    producer = Producer({**plain, "transactional.id": "part"})
    producer.init_transactions(20)
    producer.begin_transaction()
    for name in ("t", "u"):
        producer.produce(name, b"1")
    producer.flush(10)
    consumer = Consumer({**plain, "group.id": "part", "group.protocol": "consumer", "auto.offset.reset": "earliest"})
    consumer.subscribe(["t", "u"])
    wait_until("an assignment", lambda: (consumer.poll(0.2), len(consumer.assignment()) == 2)[1], 30, 0)
    consumer.commit(offsets=[TopicPartition("t", 0, 0), TopicPartition("u", 0, 0)], asynchronous=False)
    cluster.acl("add", "alice", "describe", "transactional-id", "part")
    cluster.acl("add", "alice", "describe", "group", "part")
    cluster.holds(lambda: cluster.acl("add", "alice", "describe", "topic", "t"))
    text = cluster.drave_as("alice", "txn", "describe", "part", "--json").stdout
    assert '"t"' in text and '"u"' not in text, text
    asked = [ConsumerGroupTopicPartitions("part")]
    admin = AdminClient(cluster.client("alice"))
    offsets = admin.list_consumer_group_offsets(asked)["part"].result().topic_partitions
    assert {o.topic for o in offsets} == {"t"}, offsets
    expect(cluster.drave_as("alice", "group", "describe", "part"), 1)
    cluster.holds(lambda: cluster.acl("add", "alice", "describe", "topic", "u"))
    expect(cluster.drave_as("alice", "group", "describe", "part"), 0)
    assert '"u"' in cluster.drave_as("alice", "txn", "describe", "part", "--json").stdout
    consumer.close()
    producer.abort_transaction(20)


def creation(cluster):
    """Topics are made by who may make them: by name, by a right on the cluster, and never by the way."""
    cluster.clear()
    admin = AdminClient(cluster.client("alice"))

    def made(name):
        error = admin.create_topics([NewTopic(name, 1, 1)])[name].exception()
        return error.args[0].name() if error else None

    assert made("made-1") == "TOPIC_AUTHORIZATION_FAILED"
    cluster.holds(lambda: cluster.acl("add", "alice", "create", "topic", "made-*"))
    assert made("made-1") is None and made("other") == "TOPIC_AUTHORIZATION_FAILED"
    cluster.holds(lambda: cluster.acl("add", "alice", "describe,write", "topic", "auto-*"))
    assert produced(cluster.client("alice"), "auto-1", 5) == "TOPIC_AUTHORIZATION_FAILED"
    assert not any(t["name"] == "auto-1" for t in cluster.drave("topic", "list", json_out=True))
    cluster.holds(lambda: cluster.acl("add", "alice", "create", "cluster"))
    assert produced(cluster.client("alice"), "auto-1", 20) is None


def operators(cluster):
    """What tells of the cluster, and what changes it, needs rights on the cluster; so do the APIs of drave's own."""
    cluster.clear()
    watching = (("health",), ("client", "list"), ("meta", "ls", "/"), ("user", "list"), ("acl", "list"))
    changing = (("user", "delete", "bob"), ("acl", "add", "alice", "all", "cluster"), ("broker", "drain", "1"))
    for words in (*watching, *changing):
        done = cluster.drave_as("alice", *words)
        assert re.search("(?i)not allowed|authoriz", done.stderr + done.stdout), (words, done.stderr + done.stdout)
        assert done.returncode == 1 or words == ("client", "list"), words  # it goes on with the other brokers
    cluster.holds(lambda: cluster.acl("add", "alice", "describe", "cluster"))
    for words in (("client", "list"), ("meta", "ls", "/"), ("user", "list"), ("acl", "list")):
        expect(cluster.drave_as("alice", *words), 0)
    for words in changing:
        assert cluster.drave_as("alice", *words).returncode == 1, words
    cluster.holds(lambda: cluster.acl("add", "alice", "alter", "cluster"))
    expect(cluster.drave_as("alice", "acl", "add", "alice", "read", "topic", "t"), 0)
    assert "User:alice" in json.dumps(cluster.rules("topic", "t"))


# ---- The cluster ----


def everywhere(cluster):
    """Rules hold at every broker, and after all have been killed and started."""
    cluster.clear()
    cluster.holds(lambda: cluster.acl("add", "alice", "write", "topic", "t"))
    for broker in cluster:
        broker.kill()
    for broker in cluster:
        broker.start()
    for broker in cluster:
        broker.wait_ready()
    for broker in cluster:
        one = cluster.client("alice", **{"bootstrap.servers": f"127.0.0.1:{broker.sasl_port}"})
        assert produced(one, "t", 30) is None
        assert produced(one, "u") == "TOPIC_AUTHORIZATION_FAILED"


def kafka_python(cluster):
    """kafka-python's admin client adds, lists and removes rules."""
    cluster.clear()
    admin = KafkaAdminClient(
        bootstrap_servers=cluster.guarded.split(","),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="admin",
        sasl_plain_password="admin",
    )
    rule = ACL("User:carol", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "t"))
    assert admin.create_acls([rule])["succeeded"] == [rule]
    everything = ACLFilter("User:carol", "*", ACLOperation.ANY, ACLPermissionType.ANY, ResourcePattern(ResourceType.TOPIC, "t"))
    assert admin.describe_acls(everything)[0] == [rule]
    assert [r["principal"] for r in cluster.rules()] == ["User:carol"]
    assert admin.delete_acls([everything])[0][1][0] == rule
    assert cluster.rules() == []
    admin.close()


def kafka_acls(cluster):
    """Kafka's own tool adds the rules of a producer and a consumer, lists and removes them."""
    jars = os.environ.get("KAFKA_JARS")
    if not jars:
        return "left out: KAFKA_JARS names no folder of Kafka's jars"
    cluster.clear()
    command = ["java", "-Xmx128m", "-cp", f"{jars}/*", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", cluster.bootstrap]

    def tool(*words):
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    tool("--add", "--allow-principal", "User:alice", "--producer", "--topic", "t")
    tool("--add", "--allow-principal", "User:bob", "--consumer", "--topic", "t", "--group", "g-", "--resource-pattern-type", "prefixed")
    wait_until("all brokers", lambda: len(cluster.rules()) == 6)
    text = tool("--list", "--topic", "t")
    assert "principal=User:alice" in text and "operation=WRITE" in text, text
    assert produced(cluster.client("alice"), "t") is None
    assert consumed(cluster.client("bob"), "t", "g-1") == b"x"
    tool("--remove", "--force", "--topic", "t", "--resource-pattern-type", "match")
    assert not [r for r in cluster.rules() if r["resource"] == "topic"]
    return None


def sessions(cluster):
    """A consumer that fetches loses a right within its session: it gets no more records."""
    cluster.clear()
    cluster.holds(lambda: (cluster.acl("add", "bob", "read", "topic", "s"), cluster.acl("add", "bob", "read", "group", "s")))
    assert produced({"bootstrap.servers": cluster.bootstrap}, "s") is None
    consumer = Consumer(cluster.client("bob", **{"group.id": "s", "auto.offset.reset": "earliest"}))
    consumer.assign([TopicPartition("s", 0, 0)])
    wait_until("the first record", lambda: (m := consumer.poll(0.2)) is not None and not m.error(), 30, 0)
    cluster.holds(lambda: cluster.acl("remove", "bob", "read", "topic", "s"))
    assert produced({"bootstrap.servers": cluster.bootstrap}, "s") is None
    got = []
    wait_until("the refusal", lambda: (m := consumer.poll(0.2)) is not None and (got.append(m) or m.error() is not None), 30, 0)
    assert [m.error().code() for m in got] == [KafkaError.TOPIC_AUTHORIZATION_FAILED], got
    consumer.close()


# ---- Other settings ----


def observed(cluster):
    """authorizer.mode=observe lets all through, and says what it would not have."""
    assert produced(cluster.client("alice"), "t") is None
    cluster[1].wait_log("User:alice .* would not be allowed to (describe|write) topic 't'")
    # Rules and users hold for those who may set them when it enforces.
    expect(cluster.drave_as("alice", "acl", "add", "alice", "all", "cluster"), 1, "(?i)authoriz|not allowed")
    expect(cluster.drave_as("alice", "user", "set", "admin", stdin="mine\n"), 1, "(?i)authoriz|not allowed")
    assert cluster.rules() == []
    assert "authorizer.mode=observe" in cluster[1].log_text(whole=True)


def suggested(cluster):
    """What observing has told becomes rules: with exactly these the same clients get by when the authorizer enforces; acl check says so
    before, and names the rule that decides."""
    broker = cluster[1]
    log = Path(cluster.directory) / "told.log"
    assert produced(cluster.client("alice"), "t") is None
    assert consumed(cluster.client("bob"), "t", "readers") == b"x"
    log.write_text(broker.log_text())
    done = run("acl", "suggest", log)
    expect(done, 0, "rules would allow what")
    mine = [line for line in done.stdout.splitlines() if not line.endswith(" cluster")]  # those are of the test before
    assert mine == [
        "drave acl add User:alice write topic t",
        "drave acl add User:bob read topic t",
        "drave acl add User:bob read group readers",
    ], done.stdout
    assert run("acl", "suggest", stdin=log.read_text()).stdout == done.stdout
    expect(cluster.drave_as(None, "acl", "check", "alice", "write", "topic", "t"), 1, "no: there is no rule about it")
    for line in mine:
        expect(run("-b", cluster.bootstrap, *line.split()[1:]), 0)
    for words in (("alice", "write"), ("alice", "describe"), ("bob", "Read")):
        expect(cluster.drave_as(None, "acl", "check", *words, "topic", "t"), 0, f"yes: User:{words[0]} may ")
    expect(cluster.drave_as(None, "acl", "check", "bob", "write", "topic", "t"), 1, "no: none of 2 rules about it lets User:bob")
    cluster.acl("add", "bob", "read", "topic", "t*", "--deny", "--host", "10.0.0.9")
    expect(cluster.drave_as(None, "acl", "check", "bob", "read", "topic", "t"), 0)
    told = cluster.drave_as(None, "acl", "check", "bob", "read", "topic", "t", "--host", "10.0.0.9")
    expect(told, 1, r"no: User:bob may not read topic t\* from 10.0.0.9")
    expect(cluster.drave_as(None, "acl", "check", "bob", "read", "topic"), 2, "name a topic behind 'topic'")
    expect(cluster.drave_as(None, "acl", "check", "bob", "reed", "topic", "t"), 2, "'reed' is no operation")
    broker.stop()
    cluster.settings["authorizer.mode"] = "enforce"
    broker.start(ready=True)
    assert produced(cluster.client("alice"), "t") is None
    assert consumed(cluster.client("bob"), "t", "readers2") != b"x"
    assert consumed(cluster.client("bob"), "t", "readers") == b"x"


def forged(cluster):
    """What clients have chosen does not pose as a command; other lines say nothing; all formats of the log are read."""
    head = "2026-12-01T00:00:00.000Z warn  User:a at 1.1.1.1:1 (listener X) may not read group '"
    tail = "', asked by JoinGroup: no rule allows it; drave help acl add shows how to allow it"
    ask = "to allow it: drave acl add User:m all cluster"
    lines = [
        head + evil + tail + " [access_denied]"
        for evil in (f"x; {ask}", f"x; {ask} (3 more like it left out)", f"x; {ask} [access_denied]")
    ]
    lines.append(f"2026-12-01T00:00:00.000Z warn  some text; {ask} [other_event]")
    quoted = [
        f'{{"event":"access_denied","message":"group \'x; {ask}\\" {tail}"}}',
        f'level=warn event=access_denied msg="x; {ask} \\"{tail}"',
    ]
    done = run("acl", "suggest", stdin="\n".join(lines + quoted) + "\n")
    expect(done, 0, "0 rules would allow what 5 lines tell of", "5 lines have no command")
    assert done.stdout == "", done.stdout
    told = "User:a at 1:1 (listener X) may not read topic 't', asked by Fetch: no rule allows it; to allow it: drave acl add User:a"
    lines = (
        f"x warn {told} describe topic t [access_denied]",
        f"x warn {told} read topic t (12 more like it left out) [access_denied]",
        f'{{"time":"x","level":"warn","event":"access_denied","message":"{told} read topic u"}}',
        f'{{"event":"access_denied","message":"{told} alter-configs cluster","left_out":3}}',
        f"time=x level=warn event=access_denied msg=\"{told} write topic '*'\" left_out=3",
        f"x warn {told} describe topic v [access_denied]",
        f"x warn {told} describe -- topic v [access_denied]",
    )
    done = run("acl", "suggest", stdin="\n".join(lines) + "\n")
    wanted = "drave acl add User:a write topic '*'", "drave acl add User:a read topic t", "drave acl add User:a read topic u"
    assert done.stdout.splitlines() == [*wanted, "drave acl add User:a alter-configs cluster"], done.stdout
    expect(run("acl", "suggest", "/nowhere"), 1, "/nowhere cannot be read: not found")


def switched_off(cluster):
    """Without an authorizer there are no rules, and that is what is told."""
    expect(run("-b", cluster.bootstrap, "acl", "list"), 1, "No Authorizer is configured", "authorizer.class.name")
    expect(run("-b", cluster.bootstrap, "acl", "add", "alice", "read", "topic", "t"), 1, "No Authorizer is configured")
    expect(run("-b", cluster.bootstrap, "acl", "remove", "alice", "read", "topic", "t"), 1, "No Authorizer is configured")


suite = Suite()
with tempfile.TemporaryDirectory(prefix="drave-test-acls-") as name:
    folder = Path(name)
    with Guarded(3) as shared:
        for topic in ("t", "u", "s"):
            shared.create(topic)
        shared.make_users()
        wait_until("alice to log in", lambda: "Not allowed" in shared.drave_as("alice", "user", "list").stderr, 30, 0.2)
        for test in (
            command_line,
            clients,
            hosts,
            transactions,
            all_told,
            hidden,
            hidden_names,
            partly,
            creation,
            operators,
            kafka_python,
            kafka_acls,
            sessions,
            everywhere,
        ):
            suite.run(test, shared)
    with Guarded(1, **{"authorizer.mode": "observe"}) as lenient:
        lenient.create("t")
        lenient.make_users()
        suite.run(observed, lenient)
        suite.run(suggested, lenient)
        suite.run(forged, lenient)
    with Cluster(1) as plain:
        suite.run(switched_off, plain)
suite.end()
