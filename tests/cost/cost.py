"""What work costs, counted and not timed: tests/run cost; tests/harness/python tests/cost/cost.py --write makes the table anew.

The simulator's scenario `steady` (tests/sim/cost) works off one row after the other under callgrind, which says the same on any machine, however
busy it is. Of each row this is compared with table.txt, per request (or second), over the client's three brokers together:
    instructions   of drave's own code: not of the simulator, the engine, and the libraries
    allocations    calls of base/mem.h that give memory
    calls          of the environment: files, streams, jobs; most are a system call in a broker
    us             by the simulated clock, until the answer: what is on its way (100 us) or being synced (300 us), one behind the other; 0: no request
More instructions, allocations or us by over 2 %, or calls by over 5 %, fail; so does less by over 10 %: then the table is changed, and the commit
says why.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from harness.suite import Suite

ROOT = Path(os.environ["DRAVE_ROOT"])
SIM = Path(os.environ.get("DRAVE_BUILD") or ROOT / "build") / "release/bin/sim"
TABLE = ROOT / "tests/cost/table.txt"
HEAD = "# per request, or second: instructions, allocations, calls of the environment, us by the simulated clock (cost.py)\n"
# As the scenario has them: name, and how many requests or seconds it is.
ROWS = [
    ("produce 1 x 1 KB", 200),
    ("produce 16 x 1 KB", 100),
    ("produce 100 x 1 KB", 50),
    ("produce 1,000 x 100 B", 20),
    ("produce 1 x 1 KB to 30 partitions", 20),
    ("fetch 1 MB", 20),
    ("a second of 100 idle partitions", 10),
    ("16 x 10 x 100 B in a transaction", 20),
]
GIVES_MEMORY = {"mem_alloc", "mem_zalloc", "mem_realloc", "mem_aligned", "mem_strdup", "mem_strndup", "mem_text"}
ENVIRONMENT = re.compile(r"env_(file_|stream_|lane_run|pool_run)")
NAME = re.compile(r"(c?)(fl|fi|fe|fn|ob)=\((\d+)\)(?: (.*))?$")
OURS = re.compile(r"(?:^|/)(base|protocol|storage|raft-glue|broker|client|why)/[^.]*\.[ch]$")


def is_ours(path):
    return "/tests/" not in path and not path.startswith("tests/") and OURS.search(path) is not None


class Counted:
    """callgrind's output: costs of lines by the file that they are in, and calls by the file of who calls."""

    def __init__(self, path):
        self.instructions, self.calls = 0, Counter()
        names, at = {"file": {}, "fn": {}, "ob": {}}, {}
        behind_call = False
        for line in path.read_text(errors="replace").splitlines():
            if match := NAME.match(line):
                called, kind, number, name = match.groups()
                table = names["file" if kind in ("fl", "fi", "fe") else kind]
                if name is not None:
                    table[number] = name
                if kind in ("fl", "fi", "fe"):
                    if not called:
                        at["file"] = table[number]
                elif kind == "fn":
                    at["called" if called else "fn"] = table[number]
            elif line.startswith("calls="):
                behind_call = True
                if is_ours(at["file"]):
                    self.calls[at["called"].split("'")[0]] += int(line[6:].split()[0])
            elif line[:1] in "+-*0123456789" and line:
                if behind_call:  # what the call costs, which is the called one's
                    behind_call = False
                elif is_ours(at["file"]):
                    self.instructions += int(line.split()[1])

    def per(self, units):
        allocations = sum(n for name, n in self.calls.items() if name in GIVES_MEMORY)
        environment = sum(n for name, n in self.calls.items() if ENVIRONMENT.match(name))
        return round(self.instructions / units), round(allocations / units, 1), round(environment / units, 1)


def count_all():
    """By the names of rows; callgrind writes a file for each."""
    with tempfile.TemporaryDirectory(prefix="drave-cost-") as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out"]
            + [str(SIM), "--child", "2", "--scenario", "steady", "--seed", "1"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found = {}
        for path in Path(folder).iterdir():
            if trigger := re.search(r"^desc: Trigger: Client Request: (.*)$", path.read_text(errors="replace"), re.M):
                found[trigger[1]] = path
        assert sorted(found) == sorted(name for name, _ in ROWS), f"callgrind counted {sorted(found)}"
        took_us = dict(re.findall(r"^(.*): (\d+) us$", done.stdout, re.M))
        return {name: (*Counted(found[name]).per(units), int(took_us.get(name, 0))) for name, units in ROWS}


def read_table():
    rows = {}
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            name, instructions, allocations, calls, took_us = (part.strip() for part in line.split("|"))
            rows[name] = int(instructions), float(allocations), float(calls), int(took_us)
    return rows


def write_table(counted):
    lines = [f"{name:<34}| {counts[0]:>9} | {counts[1]:>7} | {counts[2]:>7} | {counts[3]:>5}\n" for name, counts in counted.items()]
    TABLE.write_text(HEAD + "".join(lines))


def compare(name, kept, now):
    wrong = []
    kinds = ("instructions", "allocations", "calls", "us")
    for what, limit, before, after in zip(kinds, (1.02, 1.02, 1.05, 1.02), kept, now, strict=True):
        if after > before * limit or after < before * 0.9:
            wrong.append(f"{after} {what} instead of {before}")
    assert not wrong, (
        f"{name}: {', '.join(wrong)}; if that is meant, tests/harness/python tests/cost/cost.py --write, and say why in the commit"
    )
    return f"{now[0]} instructions, {now[1]} allocations, {now[2]} calls, {now[3]} us"


if "--write" in sys.argv:
    write_table(count_all())
else:
    suite = Suite()
    kept, now = read_table(), count_all()
    for name in now:
        suite.run(lambda name=name: compare(name, kept[name], now[name]), name=name.replace(" ", "_"))
    suite.end()
