"""What an operator meets: messages with their text and exit code, restarts, a lost directory, the tools on a data directory."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness.cluster import BIN, ROOT, Cluster, free_ports, wait_until
from harness.history import History
from harness.load import under_load
from harness.patience import within
from harness.raw import Raw, batch
from harness.suite import Suite

NOT_ENOUGH_REPLICAS = 19


def draved(*words, timeout=20):
    return subprocess.run([str(BIN / "draved"), *map(str, words)], capture_output=True, text=True, timeout=timeout)


def expect(done, code, *patterns):
    text = done.stderr + done.stdout
    assert done.returncode == code, f"exit code {done.returncode} instead of {code}: {text[-300:]}"
    for p in patterns:
        assert re.search(p, text), f"/{p}/ is not in: {text[-400:]}"
    assert not re.search(r"errno|error code|\(nil\)", text, re.I), f"an internal word in: {text[-300:]}"


def settings_are_checked():
    """Unknown settings, impossible values and wrong addresses are refused with name, value and what to do."""
    with tempfile.TemporaryDirectory() as d:
        conf = Path(d) / "draved.conf"
        conf.write_text("# a comment\nnode.id = 1\nnum.partitons=3\n")
        expect(draved("--config", conf, "--check"), 1, r"draved\.conf:3", r"num\.partitons", r"num\.partitions")
        expect(draved("--check", "--set", "num.partitions=many"), 1, r"num\.partitions", "many")
        expect(draved("--check", "--set", "num.partitions=0"), 1, r"num\.partitions", r"\b1\b")
        expect(
            draved("--check", "--set", "listeners=PLAINTEXT://0.0.0.0:9092", "--set", "advertised.listeners=PLAINTEXT://0.0.0.0:9092"),
            1,
            r"advertised\.listeners",
            r"0\.0\.0\.0",
        )
        expect(draved("--check", "--config", Path(d) / "nothing.conf"), 1, r"nothing\.conf")
        expect(draved("--frobnicate"), 2, "frobnicate")
        conf.write_text("num.partitions=3\n")
        expect(draved("--config", conf, "--check"), 0)
        expect(draved("--help-config"), 0, r"num\.partitions", r"data\.dir")


def directories_are_guarded():
    """A data directory in use, of another node, not ours or of a newer format is refused."""
    with tempfile.TemporaryDirectory() as d, Cluster(1) as cluster:
        broker = cluster[1]
        port = free_ports(1)[0]
        here = ["--set", f"listeners=PLAINTEXT://127.0.0.1:{port}"]
        expect(
            draved("--set", f"data.dir={broker.data}", *here),
            1,
            rf"{broker.data} is in use by pid {broker.pid}; stop it or use --set data\.dir=DIR",
        )
        expect(
            draved("--set", f"data.dir={d}/new", "--set", f"listeners=PLAINTEXT://127.0.0.1:{broker.port}"),
            1,
            str(broker.port),
            "in use|taken",
        )
        broker.stop()
        expect(draved("--set", f"data.dir={broker.data}", "--set", "node.id=7", *here), 1, r"node 1\b|node\.id=1|node id 1|of node 1", "7")
        other = Path(d) / "other"
        other.mkdir()
        (other / "holiday.jpg").write_bytes(b"not ours")
        expect(draved("--set", f"data.dir={other}", *here), 1, str(other))
        assert [p.name for p in other.iterdir()] == ["holiday.jpg"], "a foreign directory was written to"
        meta = broker.data / "drave.meta"
        original = meta.read_bytes()
        meta.write_bytes(original[: len(original) // 2])
        expect(draved("--set", f"data.dir={broker.data}", *here), 1, r"drave\.meta")
        meta.write_bytes(original)
        broker.start(ready=True)


def different_lists_are_told():
    """Brokers whose cluster.nodes differ do not form a cluster and say so."""
    a, b, p, q = free_ports(4)
    with tempfile.TemporaryDirectory() as d:

        def start(node, port, peer, nodes):
            log = open(Path(d) / f"{node}.log", "w")
            return subprocess.Popen(
                [
                    str(BIN / "draved"),
                    *[
                        x
                        for k, v in {
                            "node.id": node,
                            "data.dir": f"{d}/{node}",
                            "listeners": f"PLAINTEXT://127.0.0.1:{port}",
                            "peer.listen": f"127.0.0.1:{peer}",
                            "cluster.nodes": nodes,
                        }.items()
                        for x in ("--set", f"{k}={v}")
                    ],
                ],
                stdout=log,
                stderr=log,
            )

        one = start(1, a, p, f"1@127.0.0.1:{p},2@127.0.0.1:{q}")
        two = start(2, b, q, f"1@127.0.0.1:{p},2@127.0.0.1:{q},3@127.0.0.1:1")
        try:
            wait_until(
                "the sentence about the lists",
                lambda: any(
                    "cluster.nodes" in (Path(d) / f"{n}.log").read_text() and "differ" in (Path(d) / f"{n}.log").read_text() for n in (1, 2)
                ),
                20,
            )
        finally:
            for process in (one, two):
                process.kill()
                process.wait()


def wait_for_more(load, what):
    before = dict(load.acked)
    wait_until(what, lambda: all(load.acked[p] > before[p] + 50 for p in load.acked))


def wiped_broker_is_refused():
    """An empty directory under a known id takes no part by itself: it waits, with a sentence that says why and what to do; the others go on; nothing is lost."""
    history = History(ROOT / "build" / "integration" / "history-wiped.jsonl")

    def wipe(load):
        cluster[2].kill()
        shutil.rmtree(cluster[2].data)
        cluster[2].start()
        cluster[2].wait_log(r"waiting: the cluster has broker 2 with another data directory", 30)
        cluster[2].wait_log(r"Give it its own directory back \(data\.dir\), or if that is lost: drave broker replace 2", 30)
        wait_for_more(load, "the others to go on")
        assert cluster[2].alive() and "ready" not in cluster[2].log_text(), cluster[2].log_text()[-500:]
        return cluster[2].log_text().strip().splitlines()[-1]

    with Cluster(3) as cluster:
        said, found = under_load(cluster, history, "wiped", 3, 50, wipe)
    return f"{found['acknowledged']} acknowledged, lost 0; said: {said[-160:]}"


def old_copy_is_refused():
    """A broker whose directory was put back from an older copy ends, and says why, now and at each later start; its newest directory is as good as before."""
    history = History(ROOT / "build" / "integration" / "history-old-copy.jsonl")

    def put_old_copy_back(load):
        broker = cluster[2]
        old, newest = broker.data.with_name("old"), broker.data.with_name("newest")
        broker.stop()
        shutil.copytree(broker.data, old)
        broker.start(ready=True)
        cluster.wait_leaders("copied", in_sync=3)
        wait_for_more(load, "more that the copy has not")
        broker.kill()
        broker.data.rename(newest)
        shutil.copytree(old, broker.data)
        for sentence in ("went back in time, as broker [13] can tell", "as another broker could tell before"):
            broker.start()
            assert broker.process.wait(30) == 1, broker.log_text()[-500:]
            said = broker.log_text().strip().splitlines()[-1]
            assert re.search(sentence, said) and "Put back the newest copy" in said, said
        shutil.rmtree(broker.data)
        newest.rename(broker.data)
        broker.start(ready=True)
        cluster.wait_leaders("copied", in_sync=3)
        return said

    with Cluster(3) as cluster:
        said, found = under_load(cluster, history, "copied", 3, 50, put_old_copy_back)
    return f"{found['acknowledged']} acknowledged, lost 0; said: {said[-200:]}"


def few_open_files():
    """With few open files clients are kept out rather than the log: connections never end a broker."""
    with Cluster(1) as cluster:
        broker = cluster[1]
        broker.stop()
        broker.wrapper = ["prlimit", "--nofile=80:80"]
        broker.start(ready=True)
        broker.wait_log(r"at most \d+ clients are let in, not 10000 \(max\.connections\)")
        most = int(re.search(r"at most (\d+) clients are let in", broker.log_text())[1])
        assert 8 <= most <= 40, most
        cluster.create("files")
        held = [socket.create_connection(("127.0.0.1", broker.port), 5) for _ in range(100)]
        broker.wait_log(rf"{most} clients are connected")
        for s in held:
            s.close()
        cluster.drave("produce", "files", stdin="a\nb\n")
        assert cluster.drave("consume", "files", "-e").stdout == "a\nb\n"
        broker.process.terminate()
        assert broker.process.wait(30) == 0


def data_survives_restarts():
    """Clean stops and kills of one and of all brokers keep what was acknowledged; a clean end has exit code 0."""
    with Cluster(3) as cluster:
        cluster.create("kept", 2)
        for turn in range(3):
            cluster.drave("produce", "kept", stdin="".join(f"{turn}-{i}\n" for i in range(500)))
            for b in cluster:
                if turn == 0:
                    assert b.stop() == 0, f"exit code of a clean end:\n{b.log_text()[-500:]}"
                else:
                    b.kill()
            cluster.start()
            cluster.wait_leaders("kept")
        got = cluster.drave("consume", "kept", "-o", "beginning", "-e").stdout.split()
        assert sorted(got) == sorted(f"{t}-{i}" for t in range(3) for i in range(500)), f"{len(got)} records instead of 1500"


def all_stop_together():
    """SIGTERM to every broker at once: each ends with 0, quickly, and says little: nothing is handed around among those that stop."""
    with Cluster(3) as cluster:
        cluster.create("together", 12)
        cluster.wait_leaders("together", in_sync=3)
        before = [len(b.log_text().splitlines()) for b in cluster]
        began = time.monotonic()
        for b in cluster:
            b.signal(signal.SIGTERM)
        codes = [b.process.wait(20) for b in cluster]
        took = time.monotonic() - began
        said = ["\n".join(b.log_text().splitlines()[n:]) for b, n in zip(cluster, before)]
        assert codes == [0, 0, 0], f"exit codes {codes}:\n" + "\n".join(said)
        assert within(took, 3), f"the end took {took:.1f} s:\n" + "\n".join(said)
        terms = sum(text.count("leads the metadata (term") for text in said)
        assert terms <= 2, f"the metadata changed hands {terms} times:\n" + "\n".join(said)
        assert all(len(text.splitlines()) <= 12 for text in said), "too much is said:\n" + "\n".join(said)
        cluster.start()
        cluster.wait_leaders("together", in_sync=3)
    return f"{took * 1000:.0f} ms, {sum(len(text.splitlines()) for text in said)} lines"


def storage_is_compressed():
    """Plain batches are stored compressed, come back as they were, and `log dump` and `log verify` tell the truth, also beside a running broker."""
    line, LINES = "the same line " * 15, 400000
    # What is small beside the journal stays there: a small journal, so that there are segments, and synced ones.
    with Cluster(1, settings={"journal.max.bytes": 2 << 20, "journal.file.bytes": 256 << 10}) as cluster:
        cluster.create("dense", 1)
        subprocess.run(["kcat", "-P", "-b", cluster.bootstrap, "-t", "dense"], input=f"{line}\n" * LINES, text=True, check=True)
        got = subprocess.run(
            ["kcat", "-C", "-b", cluster.bootstrap, "-t", "dense", "-e", "-q", "-o", "beginning"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert got == f"{line}\n" * LINES, "what came back differs"

        def dump():
            done = draved("log", "dump", cluster[1].data, "--topic", "dense", "--partition", "0", "--json", timeout=60)
            assert done.returncode == 0, done.stderr
            return [json.loads(row) for row in done.stdout.splitlines()]

        rows = dump()
        assert sum(r["records"] for r in rows) == LINES and all(r["crc_ok"] for r in rows), "the dump beside a running broker is not whole"
        cluster[1].stop()
        rows = dump()
        wanted = {
            "topic",
            "partition",
            "base_offset",
            "last_offset",
            "leader_epoch",
            "raft_index",
            "codec",
            "stored",
            "records",
            "size_bytes",
            "stored_bytes",
            "file",
            "position",
            "crc_ok",
        }
        assert wanted <= set(rows[0]), f"missing: {wanted - set(rows[0])}"
        size, stored = sum(r["size_bytes"] for r in rows), sum(r["stored_bytes"] for r in rows)
        assert rows[0]["base_offset"] == 0 and all(b["base_offset"] == a["last_offset"] + 1 for a, b in zip(rows, rows[1:])), (
            "offsets are not dense"
        )
        assert stored < 0.1 * size, f"{stored} bytes stored of {size}"
        assert draved("log", "verify", cluster[1].data).returncode == 0
        place = next(r for r in rows if r["stored_bytes"] > 0)
        target = Path(place["file"]) if os.path.isabs(place["file"]) else cluster[1].data / place["file"]
        with open(target, "r+b") as f:
            f.seek(place["position"] + 100)
            byte = f.read(1)
            f.seek(place["position"] + 100)
            f.write(bytes([byte[0] ^ 255]))
        damaged = draved("log", "verify", cluster[1].data)
        assert damaged.returncode == 1 and target.name in damaged.stdout + damaged.stderr, f"damage at {place} was not found: {damaged}"
    return f"{100 * stored / size:.1f} % of size_bytes stored"


def dump_tells_what_it_leaves_out():
    """A partition whose records are all in the journal has no name there: who asks for its topic is told, and finds it under its group."""
    with Cluster(1) as cluster:
        cluster.create("few", 2)
        for partition in ("0", "1"):
            subprocess.run(["kcat", "-P", "-b", cluster.bootstrap, "-t", "few", "-p", partition], input="x\ny\n", text=True, check=True)
        done = draved("log", "dump", cluster[1].data, "--topic", "few", "--json")
        assert done.returncode == 0 and done.stdout == "", done
        said = re.search(r"2 partitions whose records are all in the journal have no name there yet.* --topic ([0-9a-f]{16}) ", done.stderr)
        assert said, done.stderr
        rows = [json.loads(row) for row in draved("log", "dump", cluster[1].data, "--topic", said.group(1), "--json").stdout.splitlines()]
        assert sum(r["records"] for r in rows) == 2, rows


def no_majority_is_told():
    """A partition without a majority says which replicas are down; the command line does not hang in silence."""
    with Cluster(3) as cluster:
        cluster.create("alone", 1)
        cluster.wait_leaders("alone", in_sync=3)
        cluster[2].kill()
        cluster[3].kill()
        done = subprocess.Popen(
            [str(BIN / "drave"), "produce", "alone", "-b", f"127.0.0.1:{cluster[1].port}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        done.stdin.write("x\n")
        done.stdin.close()
        said = ""
        for line in done.stderr:
            said += line
            if "2 of 3 replicas are down" in said:
                break
        done.kill()
        done.wait()
        assert re.search(r"2 of 3 replicas are down: brokers 2, 3; start 1 of them", said), said

        def drave(*words):
            return subprocess.run(
                [str(BIN / "drave"), *words, "-b", f"127.0.0.1:{cluster[1].port}"], capture_output=True, text=True, timeout=60
            )

        def leaderless():
            return json.loads(drave("info", "--json").stdout)["metadata_leader"] == -1

        wait_until("one broker of three to know that nobody leads the metadata", leaderless)
        expect(drave("info"), 0, "metadata leader none: a majority of the brokers that vote on metadata does not answer; start")
        wait_until(
            "describe to say why",
            lambda: "partition 0: 2 of 3 replicas are down: brokers 2, 3; start 1 of them" in drave("topic", "describe", "alone").stdout,
        )
        expect(drave("info", "--wait", "1"), 1, "no broker leads the metadata: a majority .* start those")
        expect(
            drave("topic", "alter", "alone", "-c", "max.message.bytes=2000", "--timeout", "1s"),
            1,
            "is there, but has not answered .* in time",
            "drave info",
        )
        expect(
            drave("topic", "alter", "alone", "-c", "max.message.bytes=2000"),
            1,
            "no broker leads the metadata: a majority of its voters does not answer; start them",
        )


def too_many_producers_are_told():
    """A partition that remembers as many producers as it may refuses new ones, goes on with the old ones, and says on the log what to do: once."""
    with Cluster(1, settings={"partition.max.producers": 2}) as cluster:
        cluster.create("few", 1)
        cluster.wait_leaders("few")
        with Raw(cluster[1].port) as raw:
            ids = [raw.init_producer_id()[1] for _ in range(5)]
            errors = [raw.produce("few", 0, batch([(None, b"x")], producer=(i, 0, 0)))[0] for i in ids]
            assert errors == [0, 0, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS], errors
            assert raw.produce("few", 0, batch([(None, b"x")], producer=(ids[0], 0, 1)))[0] == 0, "one that is known is refused, too"
        cluster[1].wait_log(
            r"few-0 remembers 2 idempotent producers \(partition\.max\.producers\) and refuses new ones until some have sent nothing for 86400 s "
            r"\(producer\.id\.expiration\.ms\): keep producers open"
        )
        assert cluster[1].log_text().count("few-0 remembers") == 1, "it is said more than once a minute"


def ipv6_and_names():
    """The default listener answers on 127.0.0.1 and ::1; port 0 is picked by the system."""
    with tempfile.TemporaryDirectory() as d:
        port = free_ports(1)[0]
        process = subprocess.Popen(
            [str(BIN / "draved"), "--set", f"data.dir={d}/data", "--set", f"listeners=PLAINTEXT://localhost:{port}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            for line in process.stderr:
                if "ready: " in line:
                    break
            families = (
                {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
                if socket.has_ipv6 and Path("/proc/net/if_inet6").exists() and Path("/proc/net/if_inet6").read_text()
                else {socket.AF_INET: "127.0.0.1"}
            )
            for family, address in families.items():
                with socket.socket(family) as s:
                    s.connect((address, port))
        finally:
            process.kill()
            process.wait()


suite = Suite()
for test in (
    settings_are_checked,
    directories_are_guarded,
    few_open_files,
    too_many_producers_are_told,
    different_lists_are_told,
    ipv6_and_names,
    data_survives_restarts,
    all_stop_together,
    storage_is_compressed,
    dump_tells_what_it_leaves_out,
    wiped_broker_is_refused,
    old_copy_is_refused,
    no_majority_is_told,
):
    suite.run(test)
suite.end()
