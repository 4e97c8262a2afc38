"""What users of kcat, rpk, nats and Kafka's scripts have at hand: each row of that table is here, with the programs that test it in depth, and with command
lines of which each is run once, so that no row is without."""

import re
import tempfile

from harness.cluster import ROOT, Cluster
from harness.command import expect, shell
from harness.suite import Suite

# What a row asks for: (programs of tests/integration that test it, command lines of bash). `B` is the bootstrap, `D` a folder. A line ends with 0 unless it
# begins with the code that it ends with; what stands behind `=>` is to be found in what it prints.
ROWS = {
    "options anywhere, several hosts, properties": (
        ("cli", "cli_records", "cli_words"),
        """
        drave -b $B info => BROKER
        drave info -b 127.0.0.1:1,$B => BROKER
        drave -b $B consume wanted -n 1 -o beginning -X fetch.wait.max.ms=10
        2 drave -b $B consume wanted -X no.such.thing=1 => no.such.thing
        """,
    ),
    "profiles and the environment": (
        ("cli_commands",),
        """
        drave profile add prod bootstrap=$B read.only=true
        drave profile use prod
        drave profile list => prod
        drave profile show prod => read.only
        drave topic list --profile prod => wanted
        DRAVE_PROFILE=prod drave topic list => wanted
        DRAVE_BOOTSTRAP=$B drave topic list => wanted
        1 drave topic create never --profile prod => read.only
        drave profile remove prod
        """,
    ),
    "completion, manual pages, version": (
        ("cli_commands", "packages"),
        """
        drave completion bash => complete
        drave completion zsh => compdef
        drave completion fish => complete -c drave
        drave reference man => \\.TH
        drave version --json => librdkafka
        """,
    ),
    "metadata and offsets by time": (
        ("cli_commands",),
        """
        drave -b $B info --json => brokers
        drave -b $B topic describe wanted --json => in_sync
        drave -b $B topic offsets wanted => END
        drave -b $B topic offsets wanted --at @-1h => AT
        """,
    ),
    "where to read from": (
        ("cli_records",),
        "".join(
            f"drave -b $B consume wanted -p 0 -e -o {where} -f '%o\\n'\n"
            for where in (
                "beginning",
                "end",
                "3",
                "-2",
                "+2",
                ":end",
                "1:3",
                "@-1h",
                "@-1h:",
                "@:now",
                "@-1h:now",
                "@2020-01-01:2020-01-02",
                "@1577836800",
            )
        )
        + """
        drave -b $B consume wanted -p 0 -e -o s@-1h -o e@now -f '%o\\n' => 0
        drave -b $B consume wanted -e -G wanting -o stored
        """,
    ),
    "how much, of what, as whom": (
        ("cli_records", "cli_groups", "cli_txn"),
        """
        drave -b $B consume wanted -n 2 -o beginning
        drave -b $B consume wanted -c 2 -o beginning
        drave -b $B consume wanted -e -p 0,1 -o beginning
        drave -b $B consume wanted '^wan' -e -o beginning
        drave -b $B consume -r anted -e -o beginning
        drave -b $B consume wanted -G wanting-too -n 1 -o beginning
        drave -b $B consume wanted -e -o beginning --meta-only --json => size
        drave -b $B consume wanted -e -o beginning --read-committed -u
        """,
    ),
    "letters of formats": (
        ("cli_records",),
        """
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%s|%S|%R|%k|%K|%T|%h|%t|%p|%o\\n' => wanted\\|0\\|0
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%v|%V|%d|%e|%a{compression}|%x|%y|%H|%i\\n' => none
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%[ %| %] %% \\t \\x41\\n' => A
        """,
    ),
    "modifiers of formats": (
        ("cli_records",),
        """
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%v{hex} %v{base64} %v{base64raw} %v{unpack[c$]}\\n'
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%o{ascii} %o{hex64} %o{hex8} %o{big32} %o{little16} %o{byte} %o{bool}\\n' => false
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%d{strftime[%F]}\\n' => 20[0-9][0-9]-
        drave -b $B consume wanted -n 1 -p 0 -o 0 -f '%h{%k=%v }\\n' => a=1
        drave -b $B consume wanted -n 1 -p 0 -o 0 -s 'value=c$'
        """,
    ),
    "records as JSON, there and back": (
        ("cli_records",),
        """
        drave -b $B consume wanted -e -o beginning --json | drave -b $B produce copied --json => records
        drave -b $B consume wanted -n 1 -p 0 -o 0 --json => "key":
        printf 'k:\\n' | drave -b $B produce copied -K : -Z
        drave -b $B consume copied -e -o beginning -Z -f '%v\\n' => NULL
        """,
    ),
    "ways to produce": (
        ("cli_records", "cli_txn"),
        """
        echo v | drave -b $B produce copied -k fixed -H a=1 -p 0 -z lz4 --acks all
        echo k:v | drave -b $B produce copied -K :
        echo 'k v' | drave -b $B produce copied -f '%k %v\\n' -o '%p@%o\\n' => @
        printf 'a;b' | drave -b $B produce copied -D ';' -T => a
        printf 'a\\nb\\n' > $D/lines && drave -b $B produce copied -l $D/lines -c 1
        drave -b $B produce copied $D/lines --report => {
        echo v | drave -b $B produce copied --dry-run
        """,
    ),
    "values of a schema registry are told": (
        ("cli_records",),
        """
        printf '\\0\\0\\0\\0\\7x' | drave -b $B produce registered -D '\\xff'
        drave -b $B consume registered -e -o beginning => schema 7
        """,
    ),
    "topics": (
        ("cli", "cli_commands", "cli_words", "moves"),
        """
        drave -b $B topic create made-a made-b -p 1 --dry-run
        drave -b $B topic create made-a made-b -p 1
        drave -b $B topic create made-a --if-not-exists
        drave -b $B topic list -d -r made => LEADER
        drave -b $B topic list --unhealthy
        drave -b $B topic describe made-a -s
        drave -b $B topic describe made-a -c
        drave -b $B topic describe made-a -p => PARTITION
        drave -b $B topic describe made-a -a => PARTITION
        drave -b $B topic alter made-a -c retention.ms=1000 --dry-run
        drave -b $B topic add-partitions made-a -n 1 --dry-run
        drave -b $B topic trim made-a -o @-1h --dry-run
        1 drave -b $B topic delete -r '^made' </dev/null => made-b
        drave -b $B topic delete -r '^made' --dry-run => made-b
        drave -b $B topic delete -r '^made' --yes => deleted
        drave -b $B topic delete made-a --if-exists
        """,
    ),
    "groups": (
        ("cli_groups", "cli_words"),
        """
        drave -b $B group list --state empty => wanting
        drave -b $B group describe wanting -t => PARTITIONS
        drave -b $B group describe wanting -s => group wanting
        drave -b $B group describe wanting -c => COMMITTED
        drave -b $B group describe -r want => wanting
        drave -b $B group export wanting > $D/offsets.json
        printf 'wanted,0,1\\n' > $D/offsets.csv
        drave -b $B group seek wanting --to earliest --dry-run => with --yes
        drave -b $B group seek wanting --to latest --yes
        drave -b $B group seek wanting --to @-1h => with --yes
        drave -b $B group seek wanting --by -1 => with --yes
        drave -b $B group seek other --from-group wanting --yes
        drave -b $B group seek wanting --from-file $D/offsets.csv --yes => wanted
        drave -b $B group seek wanting --from-file $D/offsets.json --yes => wanted
        drave -b $B group delete other -t wanted
        drave -b $B group delete wanting --dry-run
        """,
    ),
    "the cluster": (
        ("observe", "cli_words", "cli_commands", "moves", "configs"),
        """
        drave -b $B health => ready
        drave -b $B health --wait 10s
        drave -b $B disk => DIRECTORY|BROKER
        drave -b $B disk wanted => wanted
        drave -b $B config get topic:wanted --all => retention.ms
        drave -b $B config set topic:wanted retention.ms=86400000 --dry-run
        drave -b $B config set topic:wanted retention.ms=86400000
        EDITOR=true drave -b $B config edit topic:wanted => nothing was changed
        drave -b $B selftest --dry-run => brokers
        drave -b $B topic move wanted -p 0 --to 2,1 --dry-run
        drave -b $B broker drain 2 --dry-run --json => "stay":
        1 drave -b $B broker stoppable 1 --json => "ok":false
        """,
    ),
    "reports": (
        ("observe", "observe_bundle", "cli"),
        """
        drave -b $B top --once => BROKER
        drave -b $B top --view g --once => GROUP
        drave -b $B broker list => ADDRESS
        drave -b $B events --since 1h --json
        drave -b $B client list --json
        drave -b $B client list wanted
        drave -b $B doctor --json => "name":"budgets"
        drave -b $B share reset sharing --to earliest -t wanted --yes
        drave -b $B debug bundle --anonymous -o $D/hidden.tar.gz
        drave -b $B debug bundle -o $D/all.tar.gz
        drave topic list --from $D/all.tar.gz => wanted
        drave share list --from $D/all.tar.gz => sharing
        drave share describe sharing --from $D/all.tar.gz => wanted
        drave share offsets sharing --from $D/all.tar.gz --json => wanted
        """,
    ),
}
# What is of this machine is in no bundle, nor records and what waits.
IN_NO_BUNDLE = {"profile list", "profile show", "delay list", "dlq list", "dlq show", "tls show"}


def table(cluster):
    """Every row, line by line."""
    cluster.create("wanted", 2)
    cluster.create("copied", 2)
    cluster.create("registered", 1)
    cluster.drave("produce", "wanted", "-p", 0, "-H", "a=1", "-k", "k", stdin="".join(f"v{i}\n" for i in range(5)))
    bad = []
    with tempfile.TemporaryDirectory(prefix="drave-test-") as folder:
        for row, (programs, lines) in ROWS.items():
            for program in programs:
                assert (ROOT / f"tests/integration/{program}.py").exists(), program
            for line in filter(None, map(str.strip, lines.splitlines())):
                code, command = re.fullmatch(r"(?:(\d) )?(.*)", line).groups()
                command, _, text = command.partition(" => ")
                done = shell(f"export B={cluster.bootstrap} D={folder} XDG_CONFIG_HOME={folder}; {command}", timeout=120)
                try:
                    expect(done, int(code or 0), *([text] if text else []))
                except AssertionError as e:
                    bad.append(f"{row}: {command}: {e}")
    assert not bad, "\n".join(bad)
    return f"{len(ROWS)} rows, {sum(len(lines.split(chr(10))) for _, lines in ROWS.values())} lines"


def lists(_):
    """Whatever lists or shows takes -w, and, if it is of a cluster, --from."""
    text = (ROOT / "docs/cli.md").read_text()
    commands = re.findall(r"^### `drave ([a-z -]+?)(?: [A-Z[(][^`\n]*)?`\n(.*?)(?=^###? |\Z)", text, re.M | re.S)
    shows = {name: options for name, options in commands if re.search(r"(?:^| )(?:list|show|describe|why|offsets|health|disk|info)$", name)}
    assert len(shows) > 15, list(shows)
    lacking = {n: o for n, o in shows.items() if "--watch" not in o or ("--from FILE" not in o and n not in IN_NO_BUNDLE)}
    assert not lacking, list(lacking)
    return f"{len(shows)} commands"


suite = Suite()
with Cluster(2) as shared:
    suite.run(table, shared)
    suite.run(lists, shared)
suite.end()
