"""What people reach for beside records: help, completion, man page, installing, and changes of topics."""

import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness.cluster import BIN, ROOT, Cluster, free_ports, wait_until
from harness.command import expect, run, shell
from harness.patience import within
from harness.suite import Suite


def commands():
    """The names in the table, from what --help lists."""
    rows = [line[2:36].split() for line in run("--help").stdout.splitlines() if line.startswith("  ")]
    return [" ".join(w for w in row if w.isascii() and w[0].islower() and "|" not in w) for row in rows]


def help_texts(cluster):
    """A group or a command alone shows its help and ends with 2; `help` shows everything with 0."""
    for group in ("topic", "group", "meta"):
        expect(run(group), 2, f"usage: drave {group} COMMAND")
        expect(run(group, "--help"), 0, f"usage: drave {group} COMMAND")
        expect(run("help", group), 0, f"usage: drave {group} COMMAND")
    expect(run("bench"), 2, "usage: drave bench produce.consume.e2e TOPIC", "example:")
    expect(run("consume"), 2, "usage: drave consume TOPIC", "example:")
    expect(run("help", "topic", "creat"), 2, "topic creat")
    assert len(commands()) > 20, commands()
    for command in commands():
        expect(run("help", *command.split()), 0, "usage: drave " + command, "example:")


def reference(cluster):
    """docs/cli.md ends with the reference that the program prints; the man page passes the checkers."""
    printed = run("reference", "markdown").stdout.rstrip("\n")
    assert (ROOT / "docs" / "cli.md").read_text().rstrip("\n").endswith(printed), (
        "docs/cli.md is not what `drave reference markdown` prints"
    )
    page = run("reference", "man").stdout
    with tempfile.NamedTemporaryFile("w", suffix=".1") as f:
        f.write(page)
        f.flush()
        lint = subprocess.run(["mandoc", "-Tlint", f.name], capture_output=True, text=True)
        assert lint.returncode == 0 and lint.stdout == "", lint.stdout
        shown = subprocess.run(
            ["man", "--warnings", "-l", f.name], capture_output=True, text=True, env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8")
        )
        assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    for command in commands():
        assert f"drave {command}" in shown.stdout, command
    assert r"'%t %k: %s\n'" in shown.stdout, "a backslash is lost"


LINES = {  # a line of which the cursor stands at the end: what must be offered, what must not
    "drave ": ({"topic", "consume", "completion"}, {"describe"}),
    "drave topic de": ({"describe", "delete"}, {"create"}),
    "drave topic create orders --par": ({"--partitions"}, {"--replicas"}),
    "drave consume orders --prop": ({"--property"}, set()),
    "drave topic describe com": ({"completed-1", "completed-2"}, {"other"}),
    "drave consume completed-1 oth": ({"other"}, {"completed-1"}),
    "drave produce other -z ": ({"zstd", "lz4"}, {"other"}),
    "drave produce other --compression=g": ({"gzip"}, {"zstd"}),
    "drave produce other -X linger.": ({"linger.ms="}, {"acks="}),
    "drave -b BOOTSTRAP topic delete completed-": ({"completed-1"}, set()),
    "drave bench ": ({"produce", "consume", "e2e"}, {"other"}),
    "drave topic create new -c max.": ({"max.message.bytes="}, {"compression.type="}),
    "drave topic alter other -d ": ({"compression.type"}, {"max.message.bytes"}),
    "drave help topic al": ({"alter"}, set()),
    "drave meta ls /brokers/": ({"/brokers/ids"}, set()),
    "drave group ": ({"list", "describe", "seek"}, {"create"}),
    "drave config get br": ({"brokers"}, {"completed-1"}),
    "drave group seek x --from-": ({"--from-group", "--from-file"}, {"--to"}),
    "drave consume other -G x --protocol ": ({"classic", "consumer"}, {"other"}),
    "drave --profile ": ({"near"}, set()),
    "drave profile use ": ({"near"}, {"other"}),
    "drave -b 127.0.0.1:1 --profile near topic describe oth": ({"other"}, set()),
    "drave group delete x -t oth": ({"other"}, {"completed-1"}),
    "drave txn ": ({"list", "describe", "abort", "find-hanging"}, {"other"}),
    "drave txn describe import-": ({"import-1"}, {"other"}),
    "drave txn abort imp": ({"import-1"}, set()),
    "drave txn find-hanging oth": ({"other"}, set()),
}

BASH = """
source <(drave completion bash)
complete -p drave | grep -q _drave || exit 9
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    # as readline cuts it: blanks, and = and : as words of their own
    spread=${COMP_LINE//=/ = } spread=${spread//:/ : }
    read -ra COMP_WORDS <<<"$spread"
    [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    _drave
    (IFS=' '; echo "${COMPREPLY[*]}")
done
"""

ZSH = """
autoload -U compinit && compinit -u -d "$DUMP"
source <(drave completion zsh)
[[ $_comps[drave] == _drave ]] || exit 9
compadd() { print -rn -- "${(@P)@[-1]} " }
_files() { print -rn -- "FILES " }
while IFS= read -r line; do
    words=("${(@s: :)line}")
    CURRENT=$#words
    _drave
    print
done
"""

FISH = """
drave completion fish | source
while read -l line
    echo (complete -C "$line" | string replace -r '\\t.*' '')
end
"""


def completion(cluster):
    """In real shells: commands, options, values, topics and places of a live cluster, quickly; nothing when there is none."""
    for topic in ("completed-1", "completed-2", "other"):
        cluster.create(topic, **({"compression.type": "lz4"} if topic == "other" else {}))
    cluster.drave("produce", "other", "--transactional-id", "import-1", stdin="x\n")
    lines = [line.replace("BOOTSTRAP", cluster.bootstrap.split(",")[0]) for line in LINES]
    with tempfile.TemporaryDirectory() as home:
        env = dict(
            os.environ,
            PATH=f"{BIN}:{os.environ['PATH']}",
            DRAVE_BOOTSTRAP=cluster.bootstrap,
            HOME=home,
            XDG_CONFIG_HOME=home,
            XDG_DATA_HOME=home,
            DUMP=f"{home}/dump",
        )
        run("profile", "add", "near", f"bootstrap={cluster.bootstrap}", env=env)
        for name, command in (
            ("bash", ["bash", "--norc", "-c", BASH]),
            ("zsh", ["zsh", "-f", "-c", ZSH]),
            ("fish", ["fish", "--no-config", "-c", FISH]),
        ):
            assert shutil.which(name), f"{name} is missing; deploy/install-deps --test installs it"
            done = subprocess.run(
                command, input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, env=env, timeout=60
            )
            answers = done.stdout.splitlines()
            assert done.returncode == 0 and done.stderr == "" and len(answers) == len(lines), (name, done)
            for (line, (wanted, unwanted)), answer in zip(LINES.items(), answers, strict=True):
                offered = {word.removeprefix("--compression=") for word in answer.split()}
                assert wanted <= offered and not (unwanted & offered), (name, line, answer)
        began = time.monotonic()
        for _ in range(10):
            run("completion", "words", "--", "topic", "describe", "com", env=env)
        assert within(time.monotonic() - began, 5), "ten completions took more than 5 s"
        nobody = run("completion", "words", "--", "-b", f"127.0.0.1:{free_ports(1)[0]}", "topic", "describe", "")
        assert nobody.stdout == "" and nobody.returncode == 0, nobody
    expect(run("completion", "tcsh"), 2, "tcsh", "fish")


def installed(cluster):
    """cmake --install puts programs, man pages and completions where shells and man look."""
    build = BIN.parent
    with tempfile.TemporaryDirectory() as place:
        for command in (["cmake", "--build", str(build), "--target", "pages"], ["cmake", "--install", str(build), "--prefix", place]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
        for name in (
            "bin/drave",
            "bin/draved",
            "share/man/man1/drave.1.gz",
            "share/man/man8/draved.8.gz",
            "share/bash-completion/completions/drave",
            "share/zsh/site-functions/_drave",
            "share/fish/vendor_completions.d/drave.fish",
        ):
            assert os.path.getsize(f"{place}/{name}") > 200, name
        expect(
            shell(
                f"bash -n {place}/share/bash-completion/completions/drave && zsh -n {place}/share/zsh/site-functions/_drave && fish -n {place}/share/fish/vendor_completions.d/drave.fish"
            ),
            0,
        )
        expect(subprocess.run([f"{place}/bin/drave", "--version"], capture_output=True, text=True), 0, "drave ")


def changes(cluster):
    """alter, add-partitions, delete: of several topics, with --dry-run first; what is wrong is said and changes nothing."""
    cluster.create("left", 2)
    cluster.create("right", 2)

    def settings(topic):
        return cluster.describe(topic)["config"]

    expect(
        cluster.drave("topic", "alter", "left", "-c", "max.message.bytes=200000", "--dry-run"),
        0,
        "would have max.message.bytes=200000",
        "nothing was changed",
    )
    assert settings("left") == {}
    expect(
        cluster.drave("topic", "alter", "left", "right", "-c", "max.message.bytes=200000", "-c", "compression.type=lz4"),
        0,
        'topic "right" has max.message.bytes=200000',
    )
    assert settings("left") == settings("right") == {"max.message.bytes": "200000", "compression.type": "lz4"}
    altered = json.loads(
        cluster.drave("topic", "alter", "left", "-d", "compression.type", "-c", "max.message.bytes=300000", "--json").stdout
    )
    assert altered == [{"name": "left", "set": {"max.message.bytes": "300000"}, "removed": ["compression.type"], "dry_run": False}], altered
    assert settings("left") == {"max.message.bytes": "300000"}
    expect(cluster.drave("topic", "alter", "left", "-c", "max.mesage.bytes=1", check=False), 1, r"max\.message\.bytes")
    expect(cluster.drave("topic", "alter", "left", "-c", "max.message.bytes=many", check=False), 1, "many")
    expect(
        cluster.drave("topic", "alter", "left", "missing", "-c", "max.message.bytes=400000", check=False),
        1,
        '"missing" does not exist; drave topic list shows those',
    )
    expect(cluster.drave("topic", "alter", "lefd", "-c", "max.message.bytes=400000", check=False), 1, 'did you mean "left"')
    expect(cluster.drave("topic", "alter", "left", check=False), 2, "-c")
    expect(cluster.drave("topic", "alter", "left", "-c", "x", check=False), 2, "KEY=VALUE")
    expect(cluster.drave("topic", "add-partitions", "left", "-n", 3, "--dry-run"), 0, "would have 5 partitions")
    assert len(cluster.describe("left")["partitions"]) == 2
    expect(cluster.drave("topic", "add-partitions", "left", "right", "-n", 3), 0, "has 5 partitions, 3 of them new")
    assert len(cluster.describe("left")["partitions"]) == len(cluster.describe("right")["partitions"]) == 5
    expect(cluster.drave("topic", "add-partitions", "left", check=False), 2, "-n 3")
    expect(cluster.drave("topic", "add-partitions", "lefd", "-n", 1, check=False), 1, "left")
    expect(cluster.drave("topic", "create", "thought", "-p", 2, "--dry-run"), 0, "would be created")
    planned = json.loads(cluster.drave("topic", "create", "thought", "-p", 2, "--dry-run", "--json").stdout)
    assert planned == {"name": "thought", "id": None, "partitions": 2, "replicas": 3, "created": False, "dry_run": True}, planned
    there = json.loads(cluster.drave("topic", "create", "left", "--if-not-exists", "--json").stdout)
    assert len(there.pop("id")) == 22 and there == {"name": "left", "partitions": 5, "replicas": 3, "created": False, "dry_run": False}, (
        there
    )
    expect(cluster.drave("topic", "create", "thought", "-r", 9, "--dry-run", check=False), 1, "9")
    expect(cluster.drave("topic", "delete", "left", "--dry-run"), 0, "would be deleted, with 5 partitions")
    names = {t["name"] for t in cluster.drave("topic", "list", json_out=True)}
    assert {"left", "right"} <= names and "thought" not in names, names
    done = cluster.drave("topic", "delete", "left", "missing", "right", "--json", check=False)
    expect(done, 1, "missing")
    assert json.loads(done.stdout) == [{"name": name, "deleted": True, "dry_run": False} for name in ("left", "right")], done.stdout
    assert not {"left", "right"} & {t["name"] for t in cluster.drave("topic", "list", json_out=True)}


def configs(cluster):
    """config get, set, unset, diff: of topics and groups, with --dry-run first; each value with where it comes from; what is wrong is said."""
    cluster.create("set", 1)

    def of(resource, *names):
        return {s["name"]: (s["value"], s["source"]) for s in cluster.drave("config", "get", resource, *names, json_out=True)["settings"]}

    assert of("topic:set") == {}
    assert of("topic:set", "max.message.bytes") == {"max.message.bytes": ("1048588", "default")}
    size = "max.message.bytes=200000"
    expect(cluster.drave("config", "set", "topic:set", size, "--dry-run"), 0, f"would have {size}", "nothing was changed")
    assert of("topic:set") == {}
    diff = cluster.drave("config", "diff", "topic:set", size, "compression.type=producer", json_out=True)
    assert diff == {
        "resource": "topic:set",
        "differences": [{"name": "max.message.bytes", "now": "1048588", "then": "200000"}],
    }, diff
    done = cluster.drave("config", "set", "topic:set", size, "compression.type=lz4", json_out=True)
    assert done == {"resource": "topic:set", "set": [size, "compression.type=lz4"], "dry_run": False}, done
    assert of("topic:set") == {"compression.type": ("lz4", "topic"), "max.message.bytes": ("200000", "topic")}
    expect(cluster.drave("config", "diff", "topic:set"), 0, r"max\.message\.bytes 1048588 +200000")
    expect(cluster.drave("config", "diff", "topic:set", "compression.type"), 0, "compression.type lz4 producer")
    expect(cluster.drave("config", "unset", "topic:set", "compression.type"), 0, "the cluster's own compression.type now")
    assert of("topic:set") == {"max.message.bytes": ("200000", "topic")}
    expect(cluster.drave("config", "set", "group:later", "consumer.session.timeout.ms=50000"), 0, "now")
    assert of("group:later") == {"consumer.session.timeout.ms": ("50000", "group")}
    expect(cluster.drave("config", "set", "group:later", "consumer.session.timeout.ms=1", check=False), 1, "45000 to 60000")
    assert of("broker:2", "node.id") == {"node.id": ("2", "file")}
    for words, code, said in (
        ("get topic:sett", 1, 'did you mean "set"'),
        ("get topic:set max.mesage.bytes", 1, "did you mean max.message.bytes"),
        ("set topic:set max.message.bytes=many", 1, "many"),
        ("set topic:set max.message.bytes", 2, "has no value"),
        ("set topic:set =1", 2, "no name"),
        ("unset topic:set max.message.bytes=1", 2, "takes names alone"),
        ("unset topic:set max.mesage.bytes", 1, "did you mean max.message.bytes"),
        ("diff topic:set max.message.bytes=many", 1, "many"),
        ("get broker:9", 1, "no broker 9"),
        ("get broker:one", 2, "broker:1"),
        ("get set", 2, "topic:NAME"),
    ):
        expect(cluster.drave("config", *words.split(), check=False), code, said)


def offsets(cluster):
    """Where partitions start and end, and where they stood at a time."""
    cluster.create("places", 2)
    records = [{"topic": "places", "partition": 0, "timestamp": 1000 * (i + 1), "value": "x"} for i in range(5)]
    cluster.drave("produce", "places", "--json", stdin="".join(json.dumps(r) + "\n" for r in records))
    rows = cluster.drave("topic", "offsets", "places", "--at", "2001", json_out=True)
    assert rows == [
        {"topic": "places", "partition": 0, "start": 0, "end": 5, "last_stable": 5, "at": 2},
        {"topic": "places", "partition": 1, "start": 0, "end": 0, "last_stable": 0, "at": None},
    ], rows
    assert [r["at"] for r in cluster.drave("topic", "offsets", "places", "--at", "@1970-01-01T00:00:05Z", json_out=True)] == [4, None]
    assert [r["at"] for r in cluster.drave("topic", "offsets", "places", json_out=True)] == [None, None]
    expect(cluster.drave("topic", "offsets", "places"), 0, "PARTITION START END LAST STABLE")
    expect(cluster.drave("topic", "offsets", "places", "--at", "soon", check=False), 2, "soon")
    expect(cluster.drave("topic", "offsets", "place", check=False), 1, "places")


def patterns(cluster):
    """What a pattern changes is shown first, and done with --yes; several names; what is not there may be fine."""
    made = cluster.drave("topic", "create", "tmp-1", "tmp-2", "keep", "-p", 2, json_out=True)
    assert [t["name"] for t in made] == ["tmp-1", "tmp-2", "keep"] and all(t["created"] for t in made), made
    described = cluster.drave("topic", "describe", "tmp-*", "keep", json_out=True)
    assert [t["name"] for t in described] == ["tmp-1", "tmp-2", "keep"], described
    expect(
        cluster.drave("topic", "alter", "^tmp-", "-c", "retention.ms=1000000", check=False),
        1,
        "tmp-1",
        "tmp-2",
        "--yes these 2 topics are altered",
    )
    cluster.drave("topic", "alter", "^tmp-", "-c", "retention.ms=1000000", "--yes")
    cluster.drave("topic", "add-partitions", "tmp-*", "-n", 1, "--yes")
    described = cluster.drave("topic", "describe", "tmp-1", "tmp-2", json_out=True)
    assert all(len(t["partitions"]) == 3 and t["config"]["retention.ms"] == "1000000" for t in described), described
    cluster.drave("produce", "tmp-1", "-p", 0, stdin="a\nb\nc\n")
    expect(cluster.drave("topic", "trim", "tmp-*", "-o", "end", check=False), 1, "--yes these 2 topics are trimmed")
    trimmed = cluster.drave("topic", "trim", "tmp-*", "-o", "-1", "-p", 0, "--yes", json_out=True)
    assert [(t["topic"], t["start"], t["deleted"]) for t in trimmed] == [("tmp-1", 2, 2), ("tmp-2", 0, 0)], trimmed
    starts = cluster.drave("topic", "offsets", "tmp-*", json_out=True)
    assert [(o["topic"], o["start"], o["end"]) for o in starts if o["partition"] == 0] == [("tmp-1", 2, 3), ("tmp-2", 0, 0)], starts
    for words, code in (((), 1), (("--dry-run",), 0)):
        expect(cluster.drave("topic", "delete", "tmp-*", *words, check=False), code, "tmp-1", "tmp-2")
    assert len(cluster.drave("topic", "describe", "tmp-*", json_out=True)) == 2, "it was deleted without a yes"
    cluster.drave("topic", "delete", "tmp-*", "--yes")
    expect(cluster.drave("topic", "delete", "tmp-*", "--yes", check=False), 1, "no topic matches")
    expect(cluster.drave("topic", "delete", "tmp-1", "keep", "--if-exists"), 0, '"tmp-1" does not exist', '"keep" deleted')
    assert cluster.drave("topic", "list", "patterned-*", "none", check=False).returncode == 1
    cluster.create("patterned-1")
    assert [t["name"] for t in cluster.drave("topic", "list", "patterned-*", json_out=True)] == ["patterned-1"]
    expect(cluster.drave("topic", "list", "none", check=False), 0, "no topic has such a name")
    assert "keep" not in [t["name"] for t in cluster.drave("topic", "list", json_out=True)]
    wait_until("all topics to be healthy", lambda: cluster.drave("topic", "list", "--unhealthy", json_out=True) == [])


def profiles(cluster):
    """A cluster by its name; one that is read-only refuses changes; the file is its owner's."""
    with tempfile.TemporaryDirectory() as home:
        env = {"XDG_CONFIG_HOME": home, "DRAVE_BOOTSTRAP": ""}
        drave = lambda *words, **options: run(*words, env=env, **options)  # noqa: E731
        expect(drave("profile", "list"), 0, "there are no profiles")
        expect(drave("profile", "add", "here", f"bootstrap={cluster.bootstrap}", "--dry-run"), 0, "would be added")
        assert os.listdir(home) == []
        expect(drave("profile", "add", "here", f"bootstrap={cluster.bootstrap}", "read.only=true"), 0, 'profile "here" added')
        assert os.stat(f"{home}/drave/profiles").st_mode & 0o777 == 0o600
        expect(drave("profile", "use", "her"), 1, 'did you mean "here"')
        expect(drave("profile", "use", "here"), 0)
        expect(drave("topic", "create", "refused"), 1, 'profile "here" is read-only', "--dry-run")
        expect(drave("topic", "create", "refused", "--dry-run"), 0)
        expect(drave("produce", "refused", stdin="x"), 1, "read-only")
        expect(drave("info"), 0, "127.0.0.1")
        expect(drave("topic", "list", "--profile", "none"), 2, "there is no profile")
        expect(drave("profile", "add", "here", "read.only=", "timeout=20s"), 0, "changed")
        assert json.loads(drave("profile", "show", "--json").stdout)["read_only"] is False
        expect(drave("topic", "create", "allowed"), 0)
        expect(drave("profile", "remove", "here"), 0)
        assert json.loads(drave("profile", "list", "--json").stdout) == []


def disk(cluster):
    """What lies on which broker, in all and of one topic; a broker that is not asked costs the exit code, not the answer."""
    cluster.create("heavy", 2)
    cluster.drave("produce", "heavy", "-p", 0, stdin=("x" * 1000 + "\n") * 200)
    rows = cluster.drave("disk", json_out=True)
    assert sorted(r["broker"] for r in rows) == [1, 2, 3] and all(0 < r["free_bytes"] <= r["total_bytes"] for r in rows), rows
    of_topic = cluster.drave("disk", "hea*", json_out=True)
    assert all(r["topics"] and r["topics"][0]["topic"] == "heavy" and r["replicas"] == 2 for r in of_topic), of_topic
    expect(cluster.drave("disk"), 0, "BROKER +DIRECTORY")
    expect(cluster.drave("disk", "heavy"), 0, "2 +heavy +2 ")


def sections(cluster):
    """topic describe: each section by itself."""
    cluster.create("parts", 2, **{"compression.type": "lz4"})
    for words, shown in (
        ((), {"id", "lz4", "LEADER"}),
        (("-s",), {"id"}),
        (("-c",), {"lz4"}),
        (("-p",), {"LEADER"}),
        (("-sc",), {"id", "lz4"}),
    ):
        out = cluster.drave("topic", "describe", "parts", *words).stdout
        assert {w for w, mark in (("id", "  id "), ("lz4", "=lz4"), ("LEADER", "LEADER")) if mark in out} == shown, (words, out)


def version(cluster):
    """As text and as JSON, the same."""
    told = json.loads(run("version", "--json").stdout)
    assert run("--version").stdout == f"drave {told['version']}\n" and told["librdkafka"] in run("version").stdout, told


class Forgetful:
    """Stands before a broker and passes everything on, but when a request of that API has been answered it closes the connection instead: the
    client cannot know whether it was done."""

    def __init__(self, port, key):
        self.port, self.key, self.forgot = port, key, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self.port)) as broker:
                while not self.forgot and (request := self.frame(client)):
                    broker.sendall(request)
                    answer = self.frame(broker)
                    if struct.unpack(">h", request[4:6])[0] == self.key:
                        self.forgot += 1
                        self.listener.close()
                    else:
                        client.sendall(answer)

    @staticmethod
    def frame(s):
        head = s.recv(4, socket.MSG_WAITALL)
        return head and head + s.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL)


def repeats(cluster):
    """A change whose answer was lost is asked for again, and finds that it was done: a success."""
    CREATE, DELETE, GROW = 19, 20, 37
    for key, words, said in (
        (CREATE, "topic create lost -p 2", "lost"),
        (GROW, "topic add-partitions lost -n 3", "5 partitions, 3 of them new"),
        (DELETE, "topic delete lost", "deleted"),
    ):
        before = Forgetful(cluster[1].port, key)
        done = run(*words.split(), "-b", f"{before.address},127.0.0.1:{cluster[1].port}")
        assert before.forgot == 1 and done.returncode == 0 and said in done.stdout + done.stderr, (words, before.forgot, done)
    expect(run("topic", "add-partitions", "nowhere", "-n", "3", "-b", f"127.0.0.1:{cluster[1].port}"), 1, "does not exist")


suite = Suite()
with Cluster(3) as shared:
    for test in (
        help_texts,
        reference,
        completion,
        installed,
        changes,
        configs,
        repeats,
        offsets,
        patterns,
        profiles,
        disk,
        sections,
        version,
    ):
        suite.run(test, shared)
suite.end()
