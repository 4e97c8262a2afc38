"""Clusters whose brokers speak TLS beside plain text, certificates for them, and openssl's own client."""

import subprocess

from harness.cluster import Cluster, free_ports

NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*words, stdin=b"", seconds=20):
    return subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, timeout=seconds)


def made(*words):
    done = openssl(*words)
    assert done.returncode == 0, f"openssl {words}: {done.stderr.decode()}"


class Authority:
    """A CA in a folder: ca.pem, and what it has issued: NAME.pem, which holds the key, too."""

    def __init__(self, folder, name="ca"):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        self.ca = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        made(*self.fresh_key(self.key), "-x509", "-subj", f"/CN={name}", "-days", "100", "-out", self.ca)

    def fresh_key(self, path, kind="ec"):
        parts = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256") if kind == "ec" else ("-newkey", "rsa:2048")
        return ("req", "-new", *parts, "-nodes", "-keyout", path)

    def issue(self, name, names=NAMES, days=90, kind="ec", into=None):
        """NAME.pem: its key and certificate."""
        key, wish, signed = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extra = self.folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={names}\n")
        made(*self.fresh_key(key, kind), "-subj", f"/CN={name}/O=drave", "-out", wish)
        made(
            *("x509", "-req", "-in", wish, "-CA", self.ca, "-CAkey", self.key, "-CAcreateserial"),
            *("-days", days, "-extfile", extra, "-out", signed),
        )
        path = into or self.folder / f"{name}.pem"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(signed.read_bytes() + key.read_bytes())
        fresh.rename(path)
        return path


class Secured(Cluster):
    """Each broker has a listener PLAINTEXT and one that speaks TLS (tls_port)."""

    def __init__(self, size, authority, settings=None, **more):
        super().__init__(size, settings=settings, **more)
        self.authority = authority
        for broker, port in zip(self, free_ports(size)):
            broker.tls_port = port
            broker.certificate = authority.issue(f"broker-{broker.node}")
            broker.settings = {
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SSL://127.0.0.1:{port}",
                "ssl.keystore.location": broker.certificate,
            }

    @property
    def tls_bootstrap(self):
        return ",".join(f"127.0.0.1:{b.tls_port}" for b in self)

    def client(self, **more):
        """Properties of librdkafka."""
        return {
            "bootstrap.servers": self.tls_bootstrap,
            "security.protocol": "ssl",
            "ssl.ca.location": str(self.authority.ca),
            **more,
        }

    def s_client(self, *words, port=None, stdin=b"", seconds=10):
        where = f"127.0.0.1:{port or self[1].tls_port}"
        return openssl("s_client", "-connect", where, "-CAfile", self.authority.ca, *words, stdin=stdin, seconds=seconds)
