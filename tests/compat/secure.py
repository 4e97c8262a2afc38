"""Brokers where nobody gets in whom the contract does not need: clients log in by SCRAM over TLS, and each has the rights that its jobs need, and no more.

Those who judge come over a plain listener on loopback, where User:ANONYMOUS is a super user. Brokers have a secret among themselves, too. compat.py --secure
"""

import secrets
import tempfile
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from harness.cluster import Cluster, free_ports
from harness.command import run
from harness.secured import Authority

SETTINGS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}

# Of each client: {kind and prefix: operations}. {name} is the client's; t-, g- and x- are what job.py calls its topics, groups and transactional ids.
RIGHTS = {
    ("topic", "t-{name}-"): "read write",
    ("group", "g-{name}-"): "read delete",
    ("transactional_id", "x-{name}-"): "write",
}
STREAMS = {
    ("topic", "g-{name}-"): "create read write delete describe_configs",  # its repartition and changelog topics
    ("transactional_id", "g-{name}-"): "write",
}
CONNECT = {
    ("topic", "g-{name}-"): "create read write describe_configs",  # config, offset, status
    ("transactional_id", "g-{name}-"): "write",
    ("transactional_id", "connect-cluster-g-{name}-"): "write",
}
MORE = {
    "tool": {("broker", "kafka-cluster"): "alter"},  # kafka-transactions --abort writes a marker
    "streams": STREAMS,
    "connect": CONNECT,
    "share": {("group", "g-{name}-"): "alter_configs"},
}
# Those who ask for more than the others.
OWN = {
    # 2.12.1 adds partitions to transactions in the version that is for brokers, to which Apache Kafka asks the same.
    "platformatic": {("broker", "kafka-cluster"): "cluster_action"},
}


class SecureCluster(Cluster):
    """Three brokers, each with PLAINTEXT and SASL_SSL."""

    def __init__(self, settings):
        self.place = tempfile.TemporaryDirectory(prefix="compat-secure-")
        folder = Path(self.place.name)
        secret = folder / "peers.secret"
        secret.write_text(run("cluster", "secret").stdout)
        secret.chmod(0o600)
        super().__init__(3, settings={**settings, **SETTINGS, "peer.secret.file": secret})
        self.authority = Authority(folder)
        for broker, port in zip(self, free_ports(3)):
            broker.sasl_port = port
            broker.settings = {
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SASL_SSL://127.0.0.1:{port}",
                "ssl.keystore.location": self.authority.issue(f"broker-{broker.node}"),
            }

    @property
    def sasl_bootstrap(self):
        return ",".join(f"127.0.0.1:{b.sasl_port}" for b in self)

    def close(self, keep=False):
        super().close(keep)
        self.place.cleanup()


def binding(kind, name, user, operation, pattern=ResourcePatternType.PREFIXED):
    if kind == "broker":
        pattern = ResourcePatternType.LITERAL
    operation, allow = AclOperation[operation.upper()], AclPermissionType.ALLOW
    return AclBinding(ResourceType[kind.upper()], name, pattern, f"User:{user}", "*", operation, allow)


class Doorkeeper:
    """Makes a user for each client, and gives rights."""

    def __init__(self, cluster):
        self.cluster, self.known = cluster, {}
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def allow(self, *bindings):
        for done in self.admin.create_acls(list(bindings)).values():
            done.result(30)

    def login(self, client):
        """How this client comes in, in the words of the libraries: what drivers get as `security`."""
        if client.name not in self.known:
            user, password = f"app.{client.name}", secrets.token_urlsafe(12)
            wish = UserScramCredentialUpsertion(user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), password.encode())
            for done in self.admin.alter_user_scram_credentials([wish]).values():
                done.result(30)
            rights = [RIGHTS, OWN.get(client.name, {}), *(more for what, more in MORE.items() if client.can(what))]
            self.allow(
                *(
                    binding(kind, prefix.format(name=client.name), user, operation)
                    for some in rights
                    for (kind, prefix), operations in some.items()
                    for operation in operations.split()
                )
            )
            self.known[client.name] = self.words(user, password)
        return self.known[client.name]

    def words(self, user, password):
        ca, mechanism = str(self.cluster.authority.ca), "SCRAM-SHA-256"
        jaas = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="{user}" password="{password}";'
        return {
            "user": user,
            "password": password,
            "ca": ca,
            "mechanism": mechanism,
            "java": {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": mechanism,
                "sasl.jaas.config": jaas,
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": ca,
            },
            "librdkafka": {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": mechanism,
                "sasl.username": user,
                "sasl.password": password,
                "ssl.ca.location": ca,
            },
        }
