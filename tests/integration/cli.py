"""drave as a person and a script use it: every command, its exit codes, its words."""

import itertools
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from harness.cluster import BIN, Cluster, free_ports
from harness.command import expect, run, shell
from harness.patience import within
from harness.raw import Raw, batch
from harness.suite import Suite


def usage(cluster):
    """Wrong usage ends with 2 and names what was meant; every command has help with an example."""
    expect(run("topik", "list"), 2, "topic list")
    expect(run("topic", "creat", "x"), 2, "topic create")
    expect(run("produce"), 2, "usage")
    expect(run("consume", "t", "-o", "tomorrow"), 2, "tomorrow")
    expect(run("topic", "create", "t", "-p", "many"), 2, "many")
    expect(run("topic"), 2, "topic create", "topic delete")
    expect(run("topic", "create", "t", "--partitons", "3"), 2, "did you mean --partitions")
    expect(run("topic", "create", "t", "-r"), 2, "-r needs a value")
    expect(run("produce", "t", "-z", "rar"), 2, "rar", "zstd")
    expect(run("produce", "t", "-H", "x"), 2, "KEY=VALUE")
    for address in ("127.0.0.1:99999", ":9092", "127.0.0.1:abc"):
        expect(run("info", "-b", address), 2, re.escape(address), "HOST:PORT")
    assert "\x1b" not in run("info", "-b", "\x1b[31mred:9092", "--timeout", "1s").stderr, "a raw escape reaches the terminal"
    listing = run("--help").stdout
    for command in (
        "info",
        "topic create",
        "topic list",
        "topic describe",
        "topic delete",
        "produce",
        "consume",
        "meta ls",
        "meta get",
        "bench",
        "dev",
        "dev status",
        "dev stop",
        "dev kill",
    ):
        assert command in listing, f"{command} is not in --help"
        expect(run(*command.split(), "--help"), 0, "usage: drave " + command, "example:")


def not_reachable(cluster):
    """Nobody there: tried for two seconds, or until the timeout that was asked for, said after two seconds, then exit code 3 and the addresses tried."""
    port = free_ports(1)[0]
    for words in (["info"], ["topic", "list"], ["produce", "t"], ["consume", "t"], ["bench", "produce", "t"], ["meta", "ls"]):
        began = time.monotonic()
        expect(run(*words, "-b", f"127.0.0.1:{port}", "--timeout", "300ms", stdin=""), 3, f"127.0.0.1:{port}: connection refused")
        took = time.monotonic() - began
        assert 0.2 < took and within(took, 3), (words, took)
    for words in (["info"], ["produce", "t"]):
        began = time.monotonic()
        expect(run(*words, "-b", f"127.0.0.1:{port}", stdin=""), 3, f"nothing listens there: 127.0.0.1:{port}: connection refused")
        took = time.monotonic() - began
        assert 1 < took and within(took, 4), (words, took)
    expect(
        run("info", "-b", f"127.0.0.1:{port}", "--timeout", "2500ms"),
        3,
        rf"waiting for a broker to answer \(127.0.0.1:{port}: connection refused\)",
    )
    expect(run("topic", "list", "-b", "no-such-host.invalid:9092", "--timeout", "1s"), 3, "no-such-host")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        expect(run("topic", "list", "-b", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "500ms"), 3, "has not answered in time")
        took = time.monotonic() - began
        assert within(took, 3), took


def topics(cluster):
    """Create, list, describe, delete; what is wrong is said with the nearest name."""
    cluster.drave("topic", "create", "orders", "-p", 3, "-c", "max.message.bytes=200000")
    expect(cluster.drave("topic", "create", "orders", check=False), 1, "orders")
    expect(cluster.drave("topic", "create", "orders", "--if-not-exists", check=False), 0)
    expect(cluster.drave("topic", "create", "five", "-r", 5, check=False), 1, "5", "3")
    expect(
        cluster.drave("topic", "create", "vast", "-p", 10001, check=False),
        1,
        "asks for 10001 partitions",
        "max.request.partitions is 10000",
    )
    expect(cluster.drave("topic", "create", "bad name!", check=False), 1)
    expect(cluster.drave("topic", "create", "t2", "-c", "max.mesage.bytes=1", check=False), 1, r"max\.message\.bytes")
    expect(cluster.drave("topic", "describe", "order", check=False), 1, "orders", "topic create order")
    described = cluster.describe("orders")
    assert described["name"] == "orders" and len(described["partitions"]) == 3 and described["config"] == {"max.message.bytes": "200000"}, (
        described
    )
    told = {
        "id",
        "leader",
        "leader_epoch",
        "replicas",
        "in_sync",
        "start_offset",
        "high_watermark",
        "size_bytes",
        "pinned_bytes",
        "pinned_by",
    }
    assert told == set(described["partitions"][0]), described["partitions"][0]
    assert any(t["name"] == "orders" for t in cluster.drave("topic", "list", json_out=True))
    info = cluster.drave("info", json_out=True)
    assert {"cluster_id", "metadata_leader", "brokers"} <= set(info) and len(info["brokers"]) == 3
    assert {"id", "host", "port", "rack", "alive", "leaders", "replicas"} <= set(info["brokers"][0]), info["brokers"][0]
    assert all(b["alive"] for b in info["brokers"])
    cluster.drave("topic", "create", "gone")
    cluster.drave("topic", "delete", "gone")
    expect(cluster.drave("topic", "describe", "gone", check=False), 1, "gone")
    for name in ("gone", "order"):
        done = cluster.drave("topic", "delete", name, check=False)
        expect(done, 1, f'"{name}" does not exist', "topic list" if name == "gone" else 'did you mean "orders"')
        assert "create" not in done.stderr, f"advice to create what was to be deleted: {done.stderr}"


def kafka_words(cluster):
    """Scripts look for Kafka's words in an error: the broker's sentences have them, beside what to do next."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log.connection.close": False})

    def refusal(future):
        try:
            future.result(30)
        except Exception as e:
            return str(e)
        raise AssertionError("nothing was refused")

    def create(name, partitions=1, replicas=1, **config):
        return admin.create_topics([NewTopic(name, partitions, replicas, config={k.replace("_", "."): v for k, v in config.items()})])[name]

    create("words", 3).result(30)
    for words, said in (
        ("Topic 'words' already exists", refusal(create("words"))),
        ("Replication factor: 5 larger than available brokers: 3", refusal(create("five", replicas=5))),
        ("Unknown topic config name: foo", refusal(create("foo", foo="1"))),
        ("Topic name is invalid", refusal(create("a b"))),
        ("Topic 'absent' does not exist", refusal(admin.create_partitions([NewPartitions("absent", 3)])["absent"])),
        (
            "currently has 3 partition(s); 2 would not be an increase",
            refusal(admin.create_partitions([NewPartitions("words", 2)])["words"]),
        ),
    ):
        assert words in said, f"{words!r} is not in {said!r}"
    expect(cluster.drave("topic", "create", "words", check=False), 1, "drave: Topic 'words' already exists")


def outputs_checked(cluster):
    """Whatever prints: a full disk or a closed stdout is exit code 1 with a sentence, a reader that went away is none: else it ends as it would (drave topic: 2)."""
    cluster.drave("topic", "create", "printed", "-p", 4)
    cluster.drave("produce", "printed", stdin="x\n" * 1000)
    cluster.drave("topic", "create", "benched")
    cluster.drave("group", "seek", "printing", "--to", "5", "-t", "printed", "--yes")
    at = f"-b {cluster.bootstrap}"
    data = cluster[1].data
    lines = [
        f"drave {words} {at}"
        for words in (
            "info",
            "info --json",
            "topic list",
            "topic list --json",
            "topic describe printed",
            "topic describe printed --json",
            "topic create new-$RANDOM-$RANDOM --json",
            "topic create printed --if-not-exists --json",
            "topic create planned --dry-run --json",
            "topic offsets printed",
            "topic offsets printed --json",
            "topic alter printed -c max.message.bytes=2000000 --json",
            "topic add-partitions printed -n 1 --json",
            "topic delete printed --dry-run --json",
            "consume printed -e",
            "consume printed -e --json",
            "consume printed -n 1",
            "consume printed -e -f %o",
            "consume printed -o -10 -e",
            "group list",
            "group list --json",
            "group describe printing",
            "group describe printing --json",
            "group seek printing --to end",
            "group seek printing --to end --json",
            "group delete printing --dry-run --json",
            "group export printing",
            "api-versions",
            "api-versions --json",
            "disk",
            "disk --json",
            "meta ls /topics",
            "meta ls --json",
            "meta get /topics/printed",
            "meta get /topics/printed --json",
            "bench consume printed",
            "bench consume printed --json",
            "bench produce benched --seconds 1 --rate 10 --json",
        )
    ]
    lines += [
        f"drave {words}"
        for words in (
            "topic",
            "bench --help",
            "help",
            "help topic",
            "completion bash",
            "completion zsh",
            "completion fish",
            "completion words -- topic ''",
            "version",
            "version --json",
            "profile list --json",
            "reference man",
            "reference markdown",
        )
    ]
    lines += [
        f"echo x | drave produce printed --json {at}",
        f"echo x | drave produce printed -T {at}",
        f"echo x | drave produce printed -o %o {at}",
        "drave --help",
        "drave --version",
        "drave topic create --help",
        "draved --help",
        "draved --help-config",
        "draved --help-metrics",
        "draved --version",
        "draved --check",
        f"draved log dump {data}",
        f"draved log dump {data} --json",
        f"draved log verify {data}",
        f"draved log verify {data} --json",
    ]

    for line in lines:
        for to, why in (("> /dev/full", "could not be written: no space left"), (">&-", "could not be written: standard output is closed")):
            done = shell(f"{line} {to}")
            assert done.returncode == 1 and why in done.stderr, f"{line} {to}: {done.returncode} {done.stderr}"
        done = shell(f"{line} | true; exit ${{PIPESTATUS[-2]}}")
        assert done.returncode in (0, 1, 2) and "could not" not in done.stderr, f"{line} | true: {done.returncode} {done.stderr}"
    done = shell(f"drave consume printed -e {at} | head -n 1; echo ${{PIPESTATUS[0]}}")
    assert done.stdout.split() == ["x", "0"] and done.stderr == "", (done.stdout, done.stderr)
    done = shell(f"drave topic describe printed {at} 2> /dev/full > /dev/full")
    assert done.returncode == 1, done.returncode


def option_order(cluster):
    """Options stand before, between and behind the words."""
    for words in (
        ["-b", cluster.bootstrap, "info"],
        ["info", "-b", cluster.bootstrap],
        ["--json", "topic", "-b", cluster.bootstrap, "list"],
        ["--timeout", "5s", "topic", "list", "-b" + cluster.bootstrap],
    ):
        expect(run(*words, env={"DRAVE_BOOTSTRAP": "127.0.0.1:1"}), 0)
    expect(run("-p", 2, "-b", cluster.bootstrap, "topic", "create", "ordered"), 0, "2 partitions")


def long_lines(cluster):
    """A line that can be no record is refused with its size and the limit; it costs no memory, and the others are sent."""
    cluster.drave("topic", "create", "lines-max", "-c", "max.message.bytes=100000")
    at = f"-b {cluster.bootstrap}"
    # What it has at its highest, in KiB, comes last; a limit of its address space would leave a sanitizer no room.
    peak = "import os, sys; _, status, used = os.wait4(os.spawnvp(os.P_NOWAIT, 'drave', sys.argv[1:]), 0); print('peak', used.ru_maxrss, file=sys.stderr); sys.exit(os.waitstatus_to_exitcode(status))"
    done = shell(
        f"(head -c 400000000 /dev/zero | tr '\\0' x; echo; echo ok) | python3 -c \"{peak}\" drave produce lines-max {at}", timeout=120
    )
    assert int(re.search(r"peak (\d+)", done.stderr)[1]) < 200 * 1024, done.stderr
    expect(
        done,
        1,
        r'line 1 is not sent: it has 400000000 bytes, and a record of "lines-max" has 100000 at most',
        r"max\.message\.bytes",
        "1 records acknowledged",
        "1 records failed",
    )
    assert cluster.drave("consume", "lines-max", "-e").stdout == "ok\n"
    expect(shell(f"drave produce lines-max {at} < /"), 1, "the input cannot be read")
    expect(shell(f"drave produce lines-max {at} <&-"), 1, "the input cannot be read: it is closed")
    expect(cluster.drave("produce", "lines-max", "-H", "=x", stdin="x\n", check=False), 2, "KEY=VALUE")
    # A refused record does not end the waiting for the others.
    done = cluster.drave(
        "produce", "lines-max", "-z", "lz4", stdin="x" * 100000001 + "\n" + "".join(f"{i}\n" for i in range(5000)), check=False
    )
    expect(done, 1, "5000 records acknowledged")


def records(cluster):
    """Lines in, the same lines out; keys, headers, formats, counts, offsets, times."""
    cluster.drave("topic", "create", "lines", "-p", 2)
    done = cluster.drave("produce", "lines", "-K", ":", "-H", "from=test", stdin="a:1\nb:2\na:3\n\n")
    assert re.search(r"4 records acknowledged by a majority in \d+\.\d s", done.stderr), done.stderr
    out = cluster.drave("consume", "lines", "-e", "-f", "%t %k=%s %h %S\\n").stdout.splitlines()
    assert sorted(out) == ["lines = from=test 0", "lines a=1 from=test 1", "lines a=3 from=test 1", "lines b=2 from=test 1"], out
    rows = [json.loads(line) for line in cluster.drave("consume", "lines", "-e", "--json").stdout.splitlines()]
    assert sorted((r["key"], r["value"]) for r in rows if r["key"]) == [("a", "1"), ("a", "3"), ("b", "2")], rows
    assert rows[0]["headers"] == [{"key": "from", "value": "test"}] and {"topic", "partition", "offset", "timestamp"} < set(rows[0]), rows
    expect(cluster.drave("consume", "lines", "-e", "-p", 0, "-o", 999, check=False), 1, "no offset 999", "topic describe lines")
    assert len(cluster.drave("consume", "lines", "-n", 2).stdout.splitlines()) == 2
    assert cluster.drave("consume", "lines", "-e", "-o", "end").stdout == ""
    assert len(cluster.drave("consume", "lines", "-e", "-o", "@0").stdout.splitlines()) == 4
    expect(cluster.drave("produce", "lnes", stdin="x\n", check=False), 1, "lines", "topic create lnes")
    expect(cluster.drave("produce", "lines", "-p", 9, stdin="x\n", check=False), 1, "partitions 0 to 1")
    cluster.drave("topic", "create", "small", "-c", "max.message.bytes=1000")
    expect(cluster.drave("produce", "small", stdin="x" * 5000 + "\n", check=False), 1, "5000|50\\d\\d", r"max\.message\.bytes")


def unreadable_records(cluster):
    """Records that no codec can read are not stored: those who read find nothing that stops them."""
    cluster.create("poisoned")
    with Raw(cluster[cluster.leaders("poisoned")[0]].port) as raw:
        for one, stored in (
            (batch([(None, b"before")]), True),
            (batch([(None, b"x")], "zstd", compressed=lambda _: b"junk"), False),
            (batch([(None, b"behind")]), True),
        ):
            assert (raw.produce("poisoned", 0, one)[0] == 0) == stored
    assert cluster.drave("consume", "poisoned", "-e").stdout == "before\nbehind\n"


def pipes_and_signals(cluster):
    """A reader that goes away ends the program quietly; Ctrl-C says how much was done."""
    cluster.drave("topic", "create", "many")
    cluster.drave("produce", "many", stdin="".join(f"{i}\n" for i in range(20000)))
    done = subprocess.run(
        f"'{BIN}/drave' consume many -b {cluster.bootstrap} -e | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["0", "0"] and done.stderr == "", (done.stdout, done.stderr)
    process = subprocess.Popen(
        [str(BIN / "drave"), "consume", "many", "-b", cluster.bootstrap], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(100):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "records read" in err, (process.returncode, err)


def terminal(cluster):
    """Records, keys, headers and names do not steer a terminal; a pipe gets every byte as it is."""
    cluster.drave("topic", "create", "escapes")
    steering = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202e"
    cluster.drave("produce", "escapes", "-K", ":", "-H", f"h={steering}", stdin=f"{steering}:{steering}\n")
    for words in (["-f", "%k %s %h\\n"], ["--json"]):
        command = [str(BIN / "drave"), "consume", "escapes", "-e", "-b", cluster.bootstrap, *words]
        ours, theirs = pty.openpty()
        done = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # how Linux ends a terminal that nobody holds any more
            pass
        os.close(ours)
        assert done.wait(30) == 0 and done.stderr.read() == b""
        text = shown.decode().replace("\r\n", "\n")
        assert "31m" in text and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), text
    assert steering.encode() in subprocess.run(command[:-1], capture_output=True, timeout=30).stdout


def watched(cluster):
    """-w shows again what has changed, and only that; Ctrl-C ends it with 0, whatever it is at; what cannot be shown at first ends it."""
    env = dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap)
    command = [str(BIN / "drave"), "topic", "list", "-w"]
    lines = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    seen = [lines.stdout.readline()]
    cluster.create("watched")
    while "watched" not in seen[-1]:
        seen.append(lines.stdout.readline())
        assert seen[-1], lines.stderr.read()
    lines.send_signal(signal.SIGINT)
    rest, words = lines.communicate(timeout=30)
    seen += rest.splitlines(keepends=True)
    assert lines.returncode == 0 and words == "", (lines.returncode, words)
    assert all(a != b for a, b in itertools.pairwise(seen)) and all(isinstance(json.loads(line), list) for line in seen), seen
    ours, theirs = pty.openpty()
    screen = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while b"watched" not in shown:
        shown += os.read(ours, 65536)
    screen.send_signal(signal.SIGTERM)
    assert screen.wait(30) == 0 and shown.startswith(b"\x1b[2J\x1b[H"), shown
    os.close(ours)
    plain = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert "TOPIC" in plain.stdout.readline()
    plain.stdout.close()  # a reader that has seen enough
    cluster.drave("topic", "delete", "watched")
    assert plain.wait(30) == 0
    expect(run("topic", "describe", "none", "-w", env=env), 1, "none")
    port = free_ports(1)[0]
    expect(run("info", "-w", "-b", f"127.0.0.1:{port}", "--timeout", "100ms"), 3, str(port))


def interrupted_early(cluster):
    """Ctrl-C before everything was read is no success; a silence that --timeout bounds is none either."""
    cluster.drave("topic", "create", "quiet")
    process = subprocess.Popen(
        [str(BIN / "drave"), "consume", "quiet", "-n", "1", "-b", cluster.bootstrap], stderr=subprocess.PIPE, text=True
    )
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert "not all that was asked for" in process.communicate(timeout=30)[1] and process.returncode == 1
    began = time.monotonic()
    expect(cluster.drave("consume", "quiet", "-n", 1, "--timeout", "1s", check=False), 1, 'nothing of "quiet" came for 1.0 s')
    assert within(time.monotonic() - began, 5)
    expect(cluster.drave("info", "--wait", "10s", check=False), 0)
    expect(cluster.drave("info", "--wait", "soon", check=False), 2, "--wait soon is not a time")
    expect(cluster.drave("bench", "produce", "quiet", "--seconds", "1s", "--rate", 10, check=False), 0)
    expect(cluster.drave("bench", "produce", "quiet", "--seconds", "0", check=False), 2, "--seconds 0 is not a time")


def empty_list(cluster):
    """A cluster without topics says so; stdout stays data."""
    done = cluster.drave("topic", "list")
    assert done.stdout == "" and "no topics" in done.stderr, (done.stdout, done.stderr)
    assert cluster.drave("topic", "list", json_out=True) == []


def tree(cluster):
    """The metadata as a tree."""
    cluster.drave("topic", "create", "branch", "-p", 2)
    assert cluster.drave("meta", "ls", "/brokers/ids").stdout.split() == ["1", "2", "3"]
    assert "branch" in cluster.drave("meta", "ls", "/topics").stdout.split()
    partition = json.loads(cluster.drave("meta", "get", "/topics/branch/partitions/0").stdout)
    assert "leader" in json.dumps(partition) and "replicas" in json.dumps(partition), partition
    expect(cluster.drave("meta", "get", "/nowhere", check=False), 1, "nowhere")


def bench(cluster):
    """bench reports what was offered and achieved, and fails when it was not."""
    cluster.drave("topic", "create", "speed", "-p", 4)
    for mode in ("produce", "e2e"):
        done = cluster.drave("bench", mode, "speed", "--rate", 500, "--seconds", 2, "--json", check=False)
        row = json.loads(done.stdout)
        assert done.returncode == (1 if row["achieved_rate"] < 495 else 0), (done.returncode, row)
        assert row["records"] >= 990 and row["errors"] == 0 and 0 < row["p50_us"] <= row["p99_us"] <= row["max_us"], row
    row = cluster.drave("bench", "consume", "speed", json_out=True)
    assert row["records"] >= 1980 and "joined_s" not in row, row
    group = cluster.drave("bench", "consume", "speed", "-G", "fast", "--connections", 2, json_out=True)
    assert group["records"] == row["records"] and group["errors"] == 0 and 0 < group["joined_s"] < 30, group
    end = cluster.drave(
        "bench", "e2e", "speed", "-G", "fast", "--rate", 100, "--seconds", 3, json_out=True
    )  # goes on behind what it has read
    assert end["records"] == 300 and 0 < end["p50_us"] < 10_000_000, end
    expect(cluster.drave("bench", "produce", "speed", "-G", "fast", check=False), 2, "reads nothing")
    expect(cluster.drave("bench", "produce", "speed", "--rate", 90000000, "--seconds", 1, check=False), 1, "offered")


suite = Suite()
with Cluster(3) as shared:
    for test in (
        empty_list,
        usage,
        not_reachable,
        topics,
        kafka_words,
        outputs_checked,
        option_order,
        long_lines,
        records,
        unreadable_records,
        pipes_and_signals,
        terminal,
        watched,
        interrupted_early,
        tree,
        bench,
    ):
        suite.run(test, shared)
suite.end()
