"""drave tls init: a newcomer's CA and certificates, a broker and clients that use them, and what is refused."""

import json
import os
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

from confluent_kafka import Producer

from harness.cluster import Cluster, free_ports
from harness.command import expect, run
from harness.secured import openssl
from harness.suite import Suite


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def init(folder, *words):
    return run("tls", "init", folder / "tls", *words)


def two_commands(folder):
    """With the files of one command a broker starts and lets in clients that have a certificate; they verify its name."""
    expect(
        init(folder, "--client", "admin", "--broker", "1=localhost,127.0.0.1,::1"),
        0,
        "ca.key: whoever has it",
        "broker-1.pem: key and certificate",
    )
    tls = folder / "tls"
    assert mode(tls) == 0o700 and all(mode(tls / f) == 0o600 for f in ("ca.key", "broker-1.pem", "admin.pem")), os.listdir(tls)
    assert "PRIVATE" not in (tls / "ca.pem").read_text()
    (port,) = free_ports(1)
    cluster = Cluster(1, settings={
        "ssl.keystore.location": tls / "broker-1.pem",
        "ssl.truststore.location": tls / "ca.pem",
        "ssl.client.auth": "required",
    })  # fmt: skip
    cluster[1].settings = {"listeners": f"PLAINTEXT://127.0.0.1:{cluster[1].port},SSL://127.0.0.1:{port}"}
    with cluster:
        where, ca = f"localhost:{port}", tls / "ca.pem"
        expect(run("-b", where, "--ca", ca, "--cert", tls / "admin.pem", "topic", "create", "t"), 0)
        expect(run("-b", where, "--ca", ca, "topic", "list", "--timeout", "3s"), 3)
        other = Path(tempfile.mkdtemp(dir=folder))
        expect(init(other, "--client", "admin"), 0)
        expect(run("-b", where, "--ca", ca, "--cert", other / "tls/admin.pem", "topic", "list", "--timeout", "3s"), 3)
        expect(
            run("-b", where, "--ca", other / "tls/ca.pem", "--cert", tls / "admin.pem", "topic", "list"), 1, "its certificate is refused"
        )
        told = []
        settings = {"bootstrap.servers": where, "security.protocol": "ssl", "ssl.ca.location": str(ca)}
        pair = {"ssl.certificate.location": str(tls / "admin.pem"), "ssl.key.location": str(tls / "admin.pem")}
        producer = Producer({**settings, **pair})
        producer.produce("t", "x", on_delivery=lambda e, m: told.append(e))
        assert producer.flush(20) == 0 and told == [None], told
        assert (
            openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "::1", "-CAfile", ca, tls / "broker-1.pem").returncode
            == 0
        )
        done = openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca, tls / "admin.pem")
        assert done.returncode != 0, "a client's certificate is good for a broker"


def shown(path):
    done = run("tls", "show", path, "--json")
    expect(done, 0)
    return json.loads(done.stdout)


def renewed(folder):
    """What is in the files is shown; they are renewed in their place, for the same names, with their mode, also behind a link; a broker
    that reads one takes it at once when asked; what another CA has signed is left alone."""
    tls = Path(tempfile.mkdtemp(dir=folder)) / "tls"
    expect(run("tls", "init", tls, "--broker", "1=localhost,127.0.0.1", "--client", "admin", "--days", "9"), 0)
    (one,) = shown(tls / "broker-1.pem")
    assert (one["subject"], one["issuer"], one["names"]) == ("CN=broker-1", "CN=drave CA", "localhost,127.0.0.1"), one
    assert one["with_key"] and not one["authority"] and not one["ended"]
    expect(run("tls", "show", tls), 0, r"ca.pem +CA +CN=drave CA +- +itself", r"admin.pem +with key +CN=admin .* [89] days")
    expect(run("tls", "show", tls / "nothing.pem"), 1, "cannot be read: not found")
    expect(run("tls", "show", tls / "ca.key"), 1, "has no certificate in PEM")
    (port,) = free_ports(1)
    link = tls / "link"
    link.symlink_to(tls / "broker-1.pem")
    (tls / "broker-1.pem").chmod(0o640)
    cluster = Cluster(1, settings={"ssl.keystore.location": link})
    cluster[1].settings = {"listeners": f"PLAINTEXT://127.0.0.1:{cluster[1].port},SSL://127.0.0.1:{port}"}
    with cluster:
        was = (tls / "broker-1.pem").read_bytes()
        expect(run("tls", "renew", tls, "--dry-run"), 0, "would be made: .*broker-1.pem")
        assert (tls / "broker-1.pem").read_bytes() == was
        other = Path(tempfile.mkdtemp(dir=folder)) / "tls"
        expect(run("tls", "init", other, "--client", "mallory"), 0)
        (tls / "mallory.pem").write_bytes((other / "mallory.pem").read_bytes())
        expect(run("tls", "renew", tls, "--days", "40"), 1, "broker-1.pem: another key and certificate", "mallory.pem is not of this CA")
        assert (tls / "mallory.pem").read_bytes() == (other / "mallory.pem").read_bytes()
        assert mode(tls / "broker-1.pem") == 0o640 and mode(tls / "admin.pem") == 0o600 and not list(tls.glob("*.new"))
        (after,) = shown(tls / "broker-1.pem")
        assert {**after, "until_s": 0} == {**one, "until_s": 0} and after["until_s"] - one["until_s"] > 30 * 86400
        cluster[1].signal(signal.SIGHUP)
        cluster[1].wait_log("was read anew")
        expect(run("-b", f"localhost:{port}", "--ca", tls / "ca.pem", "topic", "list"), 0)
        expect(run("tls", "renew", tls, "ca"), 1, "ca.pem is not of this CA")
        (tls / "mallory.pem").unlink()
        expect(run("tls", "renew", tls, "admin"), 0, "admin.pem: another key")
        (tls / "ca.key").unlink()
        expect(run("tls", "renew", tls), 1, "ca.key cannot be read")


def more_later(folder):
    """The CA is used again; what is there is never written over; a dry run makes nothing; JSON says what was made."""
    tls = folder / "tls"
    ca, had = (tls / "ca.pem").read_bytes(), (tls / "broker-1.pem").read_bytes()
    expect(init(folder, "--broker", "2=broker2.example.com", "--dry-run"), 0, "would be made: .*broker-2.pem")
    assert not (tls / "broker-2.pem").exists()
    done = init(folder, "--broker", "2=broker2.example.com,10.0.0.2", "--days", "7", "--json")
    expect(done, 0)
    wanted = [{"name": "broker-2", "path": str(tls / "broker-2.pem"), "hosts": ["broker2.example.com", "10.0.0.2"]}]
    assert json.loads(done.stdout) == {"ca": str(tls / "ca.pem"), "files": wanted}, done.stdout
    assert (
        openssl(
            "verify", "-x509_strict", "-verify_hostname", "broker2.example.com", "-CAfile", tls / "ca.pem", tls / "broker-2.pem"
        ).returncode
        == 0
    )
    assert openssl("x509", "-in", tls / "broker-2.pem", "-noout", "-checkend", str(8 * 86400)).returncode == 1
    expect(init(folder, "--broker", "1=localhost"), 1, "broker-1.pem is there already, and stays as it is")
    assert (tls / "ca.pem").read_bytes() == ca and (tls / "broker-1.pem").read_bytes() == had


def refused(folder):
    """Words that make no sense make nothing at all, and a CA that is none is said to be."""
    other = Path(tempfile.mkdtemp(dir=folder))
    for words, said in (
        (("--broker", "1"), "is no broker; write"),
        (("--broker", "x=localhost"), "is no broker; write"),
        (("--broker", "0=localhost"), "is no broker; write"),
        (("--broker", "99999999999=localhost"), "is no broker; write"),
        (("--broker", "1="), "neither the name of a host nor an address"),
        (("--broker", "1=a,,b"), "neither the name of a host nor an address"),
        (("--broker", "1=DNS:evil"), "neither the name of a host nor an address"),
        (("--broker", "1=a\nb"), "neither the name of a host nor an address"),
        (("--broker", "1=" + "a" * 300), "neither the name of a host nor an address"),
        (("--broker", "1=" + ",".join("abcdefghijklmnopq")), "more than 16 names"),
        (("--broker", "1=" + "a," * 2000), "is no broker; write"),
        (("--client", "../evil"), "cannot be the name of a certificate"),
        (("--client", "a/b"), "cannot be the name of a certificate"),
        (("--client", "CN=x,O=y"), "cannot be the name of a certificate"),
        (("--client", ""), "cannot be the name of a certificate"),
        (("--client", "a" * 65), "64 characters at most; choose"),
        (("--days", "0"), "days"),
        (("--broker", "1=a", "--broker", "1=b"), "broker-1 is asked for twice; give all its names at once"),
        (("--client", "a", "--client", "b", "--client", "a"), "a is asked for twice"),
        (("--client", "broker-1", "--broker", "1=a"), "broker-1 is asked for twice"),
    ):
        expect(init(other, *words), 2, said)
    assert not (other / "tls").exists()
    (other / "tls").write_text("a file")
    expect(init(other, "--client", "a"), 1, "tls is no folder; name one, which is made")
    (other / "tls").unlink()
    (other / "file").write_text("a file")
    expect(run("tls", "init", other / "file" / "tls"), 1, "file/tls is no folder")
    (other / "tls").mkdir()
    (other / "tls/ca.pem").write_bytes((folder / "tls/ca.pem").read_bytes())
    expect(init(other, "--client", "a"), 1, "ca.key, which makes certificates of it, is not; put it beside it")
    assert os.listdir(other / "tls") == ["ca.pem"]
    (other / "tls/ca.pem").unlink()
    expect(init(other, "--client", "ca"), 1, "ca.pem is there already")
    (other / "tls/ca.key").write_bytes((folder / "tls/ca.key").read_bytes())
    expect(init(other, "--client", "b"), 1, "are no CA with its key")
    for bad in (b"", b"\0" * 5000, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", os.urandom(3000)):
        (other / "tls/ca.pem").write_bytes(bad)
        expect(init(other, "--client", "b"), 1, "are no CA with its key")
    (other / "tls/ca.pem").write_bytes((folder / "tls/broker-1.pem").read_bytes())  # a certificate, and of no CA
    key = subprocess.run(["openssl", "pkey", "-in", folder / "tls/broker-1.pem"], capture_output=True, check=True).stdout
    (other / "tls/ca.key").write_bytes(key)
    expect(init(other, "--client", "b"), 1, "are no CA with its key")
    (other / "tls/b.pem").symlink_to(other / "elsewhere")
    (other / "tls/ca.pem").write_bytes((folder / "tls/ca.pem").read_bytes())
    (other / "tls/ca.key").write_bytes((folder / "tls/ca.key").read_bytes())
    expect(init(other, "--client", "b"), 1, "b.pem is there already")
    assert not (other / "elsewhere").exists()


suite = Suite()
with tempfile.TemporaryDirectory(prefix="drave-test-init-") as place:
    for test in (two_commands, renewed, more_later, refused):
        suite.run(test, Path(place))
suite.end()
